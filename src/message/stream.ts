/**
 * Verifying a message whose content passes by and is never held.
 *
 * @module message/stream (floor 7)
 */
import { allowedDigests, contentConflict, digestStream } from '../cms/index.js'
import { trustedSigner } from './trusted-signer.js'
import type { MessagePolicy } from './message-policy.js'
import type { MessageFacts } from './judge.js'
import { openMessage } from './open.js'
import { checkReceiver, verifyOpened } from './verify.js'

let prove: (contentLength: number, facts: MessageFacts) => VerifiedStream

/** The proof that what passed by is a message from its signer, for here and for now. Has none of its octets. */
export class VerifiedStream {
  static {
    prove = (contentLength, facts) => new VerifiedStream(contentLength, facts)
  }
  /** No object of the same form passes for this type. */
  declare protected readonly proof: 'VerifiedStream'
  /** Octets that passed. */
  readonly contentLength: number
  readonly facts: MessageFacts

  private constructor(contentLength: number, facts: MessageFacts) {
    this.contentLength = contentLength
    this.facts = Object.freeze(facts)
    Object.freeze(this)
  }
}

/**
 * As `verifyMessage`, for detached content of any length.
 *
 * Until this returns, what passed is nobody's message: keep it where no reader finds it. And keep what passed: a file that
 * is opened again may be another.
 *
 * @param pieces - The content, read once and to its end; nothing is read where the message is refused without it.
 * @throws As `verifyMessage`, and {@link LimitError} `ERR_LIMIT_EXCEEDED` where bindings or the policy read the content
 */
export async function verifyMessageStream(
  der: Uint8Array,
  pieces: AsyncIterable<Uint8Array>,
  policy: MessagePolicy,
): Promise<VerifiedStream> {
  // Copies: the caller could change either while the content passes.
  const wanted = { ...policy }
  checkReceiver(wanted)
  const opened = openMessage(Uint8Array.from(der), wanted.route)
  if (opened.signedData.eContent !== undefined) throw contentConflict()
  trustedSigner(opened.signerInfo.sid, wanted.trust)
  const content = await digestStream(pieces, allowedDigests([opened.signerInfo.digestAlgorithm]))
  return prove(content.length, await verifyOpened(opened, content, wanted))
}
