/**
 * Requests and their replies: the message id of a reply is the digest of the request that it answers.
 *
 * ```ts
 * const reply = await responder.sign(answer, { type: 'rpc.reply', ...replyTo(request) })    // request: VerifiedMessage
 * const { content } = pending.settle(await verifier.verify(der, bytes), at)                  // the request that it answers
 * ```
 *
 * So nothing is added to a message, no header is believed, and the replay memory takes one reply of each responder.
 *
 * @module message/reply (floor 7)
 */
import { encodeOctetString, encodeSequence } from '../asn1/index.js'
import { digestOctets } from '../crypto/index.js'
import { DeniedError, LimitError, StaleError, UsageError } from '../errors/index.js'
import type { Identity } from '../identity/index.js'
import { encodeMessageContext, type MessageContext } from './context.js'
import { requireWanted, type WantedSenders } from './trusted-signer.js'
import type { VerifiedMessage } from './verify.js'

/** What both sides know of a request: a {@link VerifiedMessage} at the responder, what was signed at the requester. */
export interface RequestFacts {
  readonly signer: Pick<Identity, 'uri'>
  readonly context: MessageContext
  readonly content: Uint8Array
}

/** A request whose reply is waited for. */
export interface PendingRequest extends RequestFacts {
  /** Who may answer it. A request to a group may be answered by any of the group, and by nobody else. */
  readonly from: WantedSenders
  /** Until when a reply is of use. */
  readonly until: Date
}

/** Requests that may wait unless told otherwise: of one process. */
export const MAX_PENDING_REQUESTS = 100_000

/**
 * What makes a message the reply to a request: hand it to {@link signMessage}. It goes to whoever signed the request, whatever
 * its headers say.
 */
export function replyTo(request: VerifiedMessage): Pick<MessageContext, 'destination' | 'messageId'> {
  return { destination: request.signer.uri, messageId: replyIdOf(request) }
}

/** SHA-256 of signer, context and content of a request, each with its length. It is no secret: who answered, the signature says. */
export function replyIdOf({ signer, context, content }: RequestFacts): Uint8Array {
  const facts = encodeSequence(
    encodeOctetString(Buffer.from(signer.uri)),
    encodeMessageContext(context),
    encodeOctetString(digestOctets('sha256', content)),
  )
  return digestOctets('sha256', facts)
}

/** The requests of one process that no reply has come to yet. */
export class PendingRequests {
  readonly #pending = new Map<string, PendingRequest>()
  readonly #maxPending: number

  constructor(maxPending: number = MAX_PENDING_REQUESTS) {
    this.#maxPending = maxPending
  }

  /** How many wait, and did not wait too long when it was last looked. */
  get size(): number {
    return this.#pending.size
  }

  /**
   * Wait for the reply to a request; begin before it is sent.
   *
   * @throws {@link UsageError} `ERR_CONFIG_INVALID` for a request that waits already, or that anybody may answer
   * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED`
   */
  add(request: PendingRequest, at: Date): void {
    const id = textOf(replyIdOf(request))
    if (this.#pending.has(id)) throw new UsageError('ERR_CONFIG_INVALID', 'this very request is waited for already')
    if (!Object.values(request.from).some((list: readonly string[]) => list.length > 0)) {
      throw new UsageError('ERR_CONFIG_INVALID', 'nobody is named who may answer the request')
    }
    if (this.#pending.size >= this.#maxPending) this.#forget(at)
    if (this.#pending.size >= this.#maxPending) {
      throw new LimitError('ERR_LIMIT_EXCEEDED', `${this.#maxPending} requests wait for their reply`)
    }
    this.#pending.set(id, request)
  }

  /**
   * Find the request that a verified message answers; it waits no longer.
   *
   * Does not look at the type of the reply, nor at what it says. A reply that is refused leaves the request waiting: nobody can
   * cancel it.
   *
   * @throws {@link DeniedError} `ERR_MESSAGE_REPLY` where it answers no request that waits, `ERR_IDENTITY_MISMATCH` where it is
   * from somebody who was not asked
   * @throws {@link StaleError} `ERR_MESSAGE_EXPIRED` where it comes too late
   */
  settle(reply: VerifiedMessage, at: Date): PendingRequest {
    const id = textOf(reply.context.messageId)
    const request = this.#pending.get(id)
    if (request === undefined) {
      throw new DeniedError('ERR_MESSAGE_REPLY', 'the message answers no request that waits for a reply', {
        details: { messageId: id, signer: reply.signer.uri },
        hint: 'it was answered before, or is somebody else’s',
      })
    }
    requireWanted(reply.signer, request.from)
    this.#pending.delete(id)
    if (at > request.until) {
      throw new StaleError('ERR_MESSAGE_EXPIRED', 'the reply comes later than its request waited', {
        details: { until: request.until.toISOString(), at: at.toISOString() },
      })
    }
    return request
  }

  #forget(at: Date): void {
    for (const [id, { until }] of this.#pending) if (at > until) this.#pending.delete(id)
  }
}

function textOf(messageId: Uint8Array): string {
  return Buffer.from(messageId).toString('hex')
}
