/**
 * Signed messages over NATS. No client library is needed here: a connection of the package nats is what is wanted.
 *
 * @module brokers/nats-client (floor 7.1)
 */
import type { SignedMessage } from '../message/index.js'
import { dottedAddress } from './address.js'
import { SIGNATURE_HEADER, signatureFromTexts, signatureText } from './header.js'
import { Receiver, type ReceiveOptions, type Subscription } from './incoming.js'
import { askClient, clientFailure, type OutgoingMessage, type PublishOptions, signOutgoing } from './outgoing.js'

/** What is used of headers. */
export interface NatsHeaders {
  append(name: string, value: string): void
  values(name: string): string[]
}

/** What is used of a delivered message. */
export interface NatsMessage {
  readonly subject: string
  readonly data: Uint8Array
  readonly headers?: NatsHeaders | undefined
}

/** What is used of a connection, whatever headers it wants. */
export interface NatsConnection<Headers extends NatsHeaders = NatsHeaders> {
  publish(subject: string, payload: Uint8Array, options: { headers: Headers }): void
  subscribe(subject: string, options: NatsSubscribeOptions): { unsubscribe(): void }
  flush(): Promise<void>
}

export interface NatsSubscribeOptions {
  readonly queue?: string
  readonly callback: (error: Error | null, message: NatsMessage) => void
}

export interface NatsPublishOptions<Headers extends NatsHeaders = NatsHeaders> extends PublishOptions {
  /** Makes empty headers: `headers` of the package nats. */
  readonly headers: () => Headers
}

/**
 * Sign a message and publish it: the payload as it is, the signature in base64url in the header `signet-signature`.
 *
 * Whether the server took it is not waited for, and NATS would not say.
 *
 * @throws {@link StateError} `ERR_BROKER_CLIENT`; {@link UsageError} `ERR_BROKER_PATTERN`; {@link LimitError}
 * `ERR_LIMIT_EXCEEDED`, and what signing throws
 */
export async function publishNats<Headers extends NatsHeaders>(
  connection: Pick<NatsConnection<Headers>, 'publish'>,
  message: OutgoingMessage,
  options: NatsPublishOptions<Headers>,
): Promise<SignedMessage> {
  const signed = await signOutgoing(message, options, options.addressOf ?? dottedAddress)
  await askClient('publish', () => {
    const headers = options.headers()
    headers.append(SIGNATURE_HEADER, signatureText(signed.der))
    connection.publish(signed.address, message.payload, { headers })
  })
  return signed
}

/**
 * Subscribe to a subject: verify each message, and hand on what is verified. There is nothing to acknowledge: what is refused
 * is gone once `refused` was told. JetStream is not spoken.
 *
 * @param queue - The queue group, where several share the work. They need one replay memory.
 * @throws {@link StateError} `ERR_BROKER_CLIENT`
 */
export async function subscribeNats(
  connection: Pick<NatsConnection, 'subscribe' | 'flush'>,
  subject: string,
  options: ReceiveOptions,
  queue?: string,
): Promise<Subscription> {
  const receiver = new Receiver(options, dottedAddress)
  const callback = (error: Error | null, message: NatsMessage): void => {
    if (error !== null) {
      receiver.fail(clientFailure(`subscribe to ${subject}`, error))
      return
    }
    receiver.take(() => ({
      payload: message.data,
      address: message.subject,
      signature: () => signatureFromTexts(message.headers?.values(SIGNATURE_HEADER) ?? []),
    }))
  }
  const subscription = await askClient(`subscribe to ${subject}`, async () => {
    const made = connection.subscribe(subject, queue === undefined ? { callback } : { queue, callback })
    // The server has it before anybody is told that it has.
    await connection.flush()
    return made
  })
  return {
    stop: async () => {
      subscription.unsubscribe()
      await receiver.stop()
    },
  }
}
