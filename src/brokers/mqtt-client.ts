/**
 * Signed messages over MQTT 5. No client library is needed here: a client of the package mqtt is what is wanted.
 *
 * @module brokers/mqtt-client (floor 7.1)
 */
import { UsageError } from '../errors/index.js'
import type { SignedMessage } from '../message/index.js'
import { slashedAddress } from './address.js'
import { SIGNATURE_HEADER, signatureFromTexts, signatureText } from './header.js'
import { type Arrival, Receiver, type ReceiveOptions, type Subscription } from './incoming.js'
import { askClient, type OutgoingMessage, type PublishOptions, signOutgoing } from './outgoing.js'

/** What is used of a PUBLISH packet. A property that is there several times is a list. */
export interface MqttPacket {
  readonly properties?:
    { readonly userProperties?: Readonly<Record<string, string | string[]>> | null | undefined } | undefined
}

type MqttListener = (topic: string, payload: Uint8Array, packet: MqttPacket) => void

/** What is used of a client. It belongs to one subscription: all that arrives there is taken. */
export interface MqttClient {
  readonly options: { readonly protocolVersion?: number | undefined }
  publishAsync(topic: string, payload: Buffer, options: MqttPublishPacket): Promise<unknown>
  subscribeAsync(filters: string[], options: { qos: 0 | 1 | 2 }): Promise<unknown>
  unsubscribeAsync(filters: string[]): Promise<unknown>
  on(event: 'message', listener: MqttListener): unknown
  removeListener(event: 'message', listener: MqttListener): unknown
}

export interface MqttPublishPacket {
  qos: 0 | 1 | 2
  properties: { userProperties: Record<string, string | string[]> }
}

export interface MqttPublishOptions extends PublishOptions {
  /** Default {@link DEFAULT_QOS}. */
  readonly qos?: 0 | 1 | 2
}

/** At least once: what comes twice is refused as a replay. */
export const DEFAULT_QOS = 1

/**
 * Sign a message and publish it: the payload as it is, the signature in base64url in the user property `signet-signature`.
 *
 * With QoS 1 and 2 the broker's answer is waited for.
 *
 * @throws {@link StateError} `ERR_BROKER_CLIENT`; {@link UsageError} `ERR_CONFIG_INVALID` for older versions of MQTT,
 * `ERR_BROKER_PATTERN`; {@link LimitError} `ERR_LIMIT_EXCEEDED`, and what signing throws
 */
export async function publishMqtt(
  client: Pick<MqttClient, 'options' | 'publishAsync'>,
  message: OutgoingMessage,
  options: MqttPublishOptions,
): Promise<SignedMessage> {
  requireVersion5(client)
  const signed = await signOutgoing(message, options, options.addressOf ?? slashedAddress)
  const userProperties = { [SIGNATURE_HEADER]: signatureText(signed.der) }
  await askClient('publish', () =>
    client.publishAsync(signed.address, Buffer.from(message.payload), {
      qos: options.qos ?? DEFAULT_QOS,
      properties: { userProperties },
    }),
  )
  return signed
}

/**
 * Subscribe to topic filters: verify each message that arrives at the client, and hand on what is verified.
 *
 * The client acknowledges what arrives before anybody has looked at it: what is refused is gone once `refused` was told.
 *
 * @throws {@link StateError} `ERR_BROKER_CLIENT`; {@link UsageError} `ERR_CONFIG_INVALID` for older versions of MQTT
 */
export async function subscribeMqtt(
  client: Omit<MqttClient, 'publishAsync'>,
  filters: readonly string[],
  options: ReceiveOptions,
  qos: 0 | 1 | 2 = DEFAULT_QOS,
): Promise<Subscription> {
  requireVersion5(client)
  const receiver = new Receiver(options, slashedAddress)
  const listener: MqttListener = (topic, payload, packet) => {
    receiver.take(() => arrivalOf(topic, payload, packet))
  }
  client.on('message', listener)
  try {
    await askClient(`subscribe to ${filters.join(', ')}`, () => client.subscribeAsync([...filters], { qos }))
  } catch (error) {
    client.removeListener('message', listener)
    throw error
  }
  return {
    stop: async () => {
      client.removeListener('message', listener)
      await askClient('unsubscribe', () => client.unsubscribeAsync([...filters]))
      await receiver.stop()
    },
  }
}

function arrivalOf(topic: string, payload: Uint8Array, { properties }: MqttPacket): Arrival {
  const all = properties?.userProperties ?? {}
  const values = Object.hasOwn(all, SIGNATURE_HEADER) ? all[SIGNATURE_HEADER] : undefined
  return {
    payload,
    address: topic,
    signature: () => signatureFromTexts(Array.isArray(values) ? values : [values]),
  }
}

/** Before version 5 there are no user properties; clients drop them without a word. */
function requireVersion5({ options }: Pick<MqttClient, 'options'>): void {
  if (options.protocolVersion === 5) return
  throw new UsageError('ERR_CONFIG_INVALID', 'signatures travel in user properties, which only MQTT 5 has', {
    hint: 'connect with protocolVersion: 5',
  })
}
