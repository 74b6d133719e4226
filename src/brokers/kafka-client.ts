/**
 * Signed messages over Kafka. No client library is needed here: a producer and a consumer of the package kafkajs are what is
 * wanted.
 *
 * @module brokers/kafka-client (floor 7.1)
 */
import { UsageError } from '../errors/index.js'
import type { SignedMessage } from '../message/index.js'
import { type AddressOf, dottedAddress } from './address.js'
import { SIGNATURE_HEADER, signatureFromOctets } from './header.js'
import { type Arrival, type Outcome, Receiver, type ReceiveOptions, type Subscription } from './incoming.js'
import { isTopic } from './kafka.js'
import { askClient, clientFailure, type OutgoingMessage, type PublishOptions, signOutgoing } from './outgoing.js'

/** What is used of a producer. */
export interface KafkaProducer {
  send(record: {
    topic: string
    messages: { key: string | null; value: Buffer; headers: Record<string, Buffer> }[]
  }): Promise<unknown>
}

/** What is used of a delivered message. A header that is there several times is a list. */
export interface KafkaMessage {
  readonly topic: string
  readonly message: {
    readonly value: Uint8Array | null
    readonly headers?: Readonly<Record<string, unknown>> | undefined
  }
}

/** What is used of a consumer. It belongs to one subscription, and is subscribed to its topics already. */
export interface KafkaConsumer {
  run(config: { eachMessage: (delivered: KafkaMessage) => Promise<void> }): Promise<void>
  on(event: 'consumer.crash', listener: (event: { payload: { error: Error } }) => void): () => void
  stop(): Promise<void>
}

export interface KafkaPublishOptions extends PublishOptions {
  /** Messages of one key go to one partition, which keeps their order. Not signed, not handed to receivers. Default: none. */
  readonly key?: string
}

/**
 * Segments joined by dots: the topics of the exported files.
 *
 * @throws {@link UsageError} `ERR_BROKER_PATTERN` for what no topic can be called: a role, a type with a colon
 */
export const topicAddress: AddressOf = (message) => {
  const topic = dottedAddress(message)
  if (isTopic(topic)) return topic
  throw new UsageError('ERR_BROKER_PATTERN', `${JSON.stringify(topic)} is no name of a topic in Kafka`, {
    details: { pattern: topic },
    hint: 'say with addressOf what topic such messages have',
  })
}

/**
 * Sign a message and publish it: the payload as it is, the signature as octets in the header `signet-signature`.
 *
 * The brokers' answer is waited for.
 *
 * @throws {@link StateError} `ERR_BROKER_CLIENT`; {@link UsageError} `ERR_BROKER_PATTERN`; {@link LimitError}
 * `ERR_LIMIT_EXCEEDED`, and what signing throws
 */
export async function publishKafka(
  producer: KafkaProducer,
  message: OutgoingMessage,
  options: KafkaPublishOptions,
): Promise<SignedMessage> {
  const signed = await signOutgoing(message, options, options.addressOf ?? topicAddress)
  const headers = { [SIGNATURE_HEADER]: Buffer.from(signed.der) }
  const messages = [{ key: options.key ?? null, value: Buffer.from(message.payload), headers }]
  await askClient('publish', () => producer.send({ topic: signed.address, messages }))
  return signed
}

/**
 * Consume the topics that a consumer is subscribed to: verify each message, and hand on what is verified.
 *
 * Each message is dealt with before the next one of its partition comes, and its offset is committed whatever became of it:
 * what is refused would be refused again, as a replay if as nothing else. It stays in the log as long as the log does.
 *
 * @throws {@link StateError} `ERR_BROKER_CLIENT`
 */
export async function consumeKafka(consumer: KafkaConsumer, options: ReceiveOptions): Promise<Subscription> {
  const receiver = new Receiver(options, topicAddress, Infinity)
  const silence = consumer.on('consumer.crash', ({ payload: { error } }) => {
    receiver.fail(clientFailure('consume', error))
  })
  const eachMessage = async (delivered: KafkaMessage): Promise<void> => {
    await new Promise<Outcome>((settle) => {
      receiver.take(() => arrivalOf(delivered), settle)
    })
  }
  try {
    await askClient('consume', () => consumer.run({ eachMessage }))
  } catch (error) {
    silence()
    throw error
  }
  return {
    stop: async () => {
      await askClient('stop', () => consumer.stop())
      silence()
      await receiver.stop()
    },
  }
}

/** Never throws: whoever waits for what became of a message would wait for ever. Without a value it is a mark of deletion. */
function arrivalOf({ topic, message: { value, headers = {} } }: KafkaMessage): Arrival {
  return {
    payload: value ?? new Uint8Array(),
    address: topic,
    signature: () =>
      signatureFromOctets(Object.hasOwn(headers, SIGNATURE_HEADER) ? headers[SIGNATURE_HEADER] : undefined),
  }
}
