export { type Addressed, type AddressOf, destinationAddress, dottedAddress, slashedAddress } from './address.js'
export {
  type AmqpChannel,
  type AmqpMessage,
  type AmqpProperties,
  type AmqpPublishOptions,
  consumeAmqp,
  DEFAULT_PREFETCH,
  publishAmqp,
} from './amqp-client.js'
export { type DeriveOptions, permissionsOf } from './derive.js'
export { type Broker, BROKERS, exportFor } from './export.js'
export { DEFAULT_MAX_PAYLOAD_OCTETS, MAX_SIGNATURE_OCTETS, SIGNATURE_HEADER } from './header.js'
export {
  type EnforceOptions,
  MAX_WAITING_OCTETS,
  type ObserveOptions,
  type ReceiveOptions,
  type RefusedMessage,
  type Subscription,
} from './incoming.js'
export {
  consumeKafka,
  type KafkaConsumer,
  type KafkaMessage,
  type KafkaProducer,
  type KafkaPublishOptions,
  publishKafka,
  topicAddress,
} from './kafka-client.js'
export {
  DEFAULT_QOS,
  type MqttClient,
  type MqttPacket,
  type MqttPublishOptions,
  publishMqtt,
  subscribeMqtt,
} from './mqtt-client.js'
export {
  type NatsConnection,
  type NatsHeaders,
  type NatsMessage,
  type NatsPublishOptions,
  publishNats,
  subscribeNats,
} from './nats-client.js'
export {
  type BrokerExport,
  type BrokerFile,
  DEFAULT_ADDRESS,
  DEFAULT_CREDENTIAL_DIRECTORY,
  DEFAULT_EXCHANGE,
  DEFAULT_VHOST,
  type ExportOptions,
} from './options.js'
export type { OutgoingMessage, PublishOptions } from './outgoing.js'
export type { AddressPattern, AddressSegment, BrokerPermissions, BrokerUser } from './permissions.js'
export { type Subject, subjectOf, subjectText } from './subject.js'
