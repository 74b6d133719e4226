/**
 * Signed messages over AMQP 0-9-1. No client library is needed here: a channel of amqplib is what is wanted.
 *
 * @module brokers/amqp-client (floor 7.1)
 */
import { UsageError } from '../errors/index.js'
import type { SignedMessage } from '../message/index.js'
import { dottedAddress } from './address.js'
import { SIGNATURE_HEADER, signatureFromOctets } from './header.js'
import { type Arrival, Receiver, type ReceiveOptions, type Subscription } from './incoming.js'
import { askClient, clientFailure, type OutgoingMessage, type PublishOptions, signOutgoing } from './outgoing.js'

/** What is used of a delivered message. */
export interface AmqpMessage {
  readonly content: Uint8Array
  readonly fields: { readonly routingKey: string }
  readonly properties: { readonly headers?: Readonly<Record<string, unknown>> | undefined; readonly userId?: unknown }
}

/** What is used of a channel. It belongs to one subscription: its prefetch is set. */
export interface AmqpChannel {
  publish(exchange: string, routingKey: string, content: Buffer, properties: AmqpProperties): boolean
  prefetch(count: number): Promise<unknown>
  consume(queue: string, take: (message: AmqpMessage | null) => void): Promise<{ readonly consumerTag: string }>
  cancel(consumerTag: string): Promise<unknown>
  ack(message: AmqpMessage): void
  reject(message: AmqpMessage, requeue: boolean): void
}

/** What the client knows beside the payload: `persistent`, `mandatory`, `userId`. Not signed, not handed to receivers. */
export interface AmqpProperties {
  readonly headers?: Readonly<Record<string, unknown>>
  readonly [name: string]: unknown
}

export interface AmqpPublishOptions extends PublishOptions {
  /** `out:ID`, or the shared exchange: see docs/brokers.md. */
  readonly exchange: string
  readonly properties?: AmqpProperties
}

/**
 * Sign a message and publish it: the payload as it is, the signature as octets in the header `signet-signature`.
 *
 * Whether the broker has it is not waited for: with a channel that confirms, `waitForConfirms` says so.
 *
 * @throws {@link StateError} `ERR_BROKER_CLIENT`; {@link UsageError} `ERR_BROKER_PATTERN`; {@link LimitError}
 * `ERR_LIMIT_EXCEEDED`, and what signing throws
 */
export async function publishAmqp(
  channel: Pick<AmqpChannel, 'publish'>,
  message: OutgoingMessage,
  options: AmqpPublishOptions,
): Promise<SignedMessage> {
  const { exchange, properties = {}, addressOf = dottedAddress } = options
  const signed = await signOutgoing(message, options, addressOf)
  const headers = { ...properties.headers, [SIGNATURE_HEADER]: Buffer.from(signed.der) }
  await askClient('publish', () =>
    channel.publish(exchange, signed.address, Buffer.from(message.payload), { ...properties, headers }),
  )
  return signed
}

/** Messages that the broker delivers before one is acknowledged. */
export const DEFAULT_PREFETCH = 100

/**
 * Consume a queue: verify each message, and hand on what is verified.
 *
 * What was handled is acknowledged. What is refused, and what a callback failed on, is rejected and not requeued: it would be
 * refused again, as a replay if as nothing else. Give the queue a dead-letter exchange to keep it.
 *
 * @param prefetch - 1 to 65535.
 * @throws {@link StateError} `ERR_BROKER_CLIENT` if the broker refuses; {@link UsageError} `ERR_CONFIG_INVALID`
 */
export async function consumeAmqp(
  channel: AmqpChannel,
  queue: string,
  options: ReceiveOptions,
  prefetch: number = DEFAULT_PREFETCH,
): Promise<Subscription> {
  // Without a limit, everything that waits in the queue comes at once.
  if (!Number.isInteger(prefetch) || prefetch < 1 || prefetch > 65_535) {
    throw new UsageError('ERR_CONFIG_INVALID', `not a prefetch: ${prefetch}`, { hint: 'give a number from 1 to 65535' })
  }
  const receiver = new Receiver(options, dottedAddress, Infinity)
  const take = (message: AmqpMessage | null): void => {
    if (message === null) {
      receiver.fail(clientFailure(`consume ${queue}`))
      return
    }
    receiver.take(
      () => arrivalOf(message),
      (outcome) => {
        if (outcome === 'taken') channel.ack(message)
        else channel.reject(message, false)
      },
    )
  }
  const { consumerTag } = await askClient(`consume ${queue}`, async () => {
    await channel.prefetch(prefetch)
    return channel.consume(queue, take)
  })
  return {
    stop: async () => {
      await askClient('cancel', () => channel.cancel(consumerTag))
      await receiver.stop()
    },
  }
}

/** `redelivered` is not looked at: whether a message was accepted before, the replay memory knows. */
function arrivalOf({ content, fields, properties }: AmqpMessage): Arrival {
  const { headers = {}, userId } = properties
  return {
    payload: content,
    address: fields.routingKey,
    ...(userId === undefined ? {} : { publisher: typeof userId === 'string' ? userId : 'not a text' }),
    signature: () =>
      signatureFromOctets(Object.hasOwn(headers, SIGNATURE_HEADER) ? headers[SIGNATURE_HEADER] : undefined),
  }
}
