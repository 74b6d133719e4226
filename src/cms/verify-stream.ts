/**
 * Verifying a detached SignedData over content of any length, which passes by once and is never held.
 *
 * The proof speaks of the octets that passed, and has none of them: whoever keeps them for later use keeps these octets,
 * and reads none again from where others can write.
 *
 * @module cms/verify-stream (floor 5)
 */
import { allowedDigests, type ContentDigest, digestStream } from './content-digest.js'
import { parseForeignSignedData, type SignedData } from './signed-data.js'
import {
  contentConflict,
  noSigners,
  outcomesOf,
  type SignerOutcome,
  type VerifiedCmsSigner,
  type VerifySignedDataRequest,
} from './verify.js'

export type VerifySignedStreamRequest = Omit<VerifySignedDataRequest, 'content'>

let prove: (
  content: ContentDigest,
  signedData: SignedData,
  signers: readonly VerifiedCmsSigner[],
) => VerifiedSignedStream

/** The proof that **every** signer of a document verified over what passed by. */
export class VerifiedSignedStream {
  static {
    prove = (content, signedData, signers) => new VerifiedSignedStream(content, signedData, signers)
  }
  /** No object of the same form passes for this type. */
  declare protected readonly proof: 'VerifiedSignedStream'
  /** Octets that passed. */
  readonly contentLength: number
  readonly contentType: string
  /** At least one, in the order of the document. */
  readonly signers: readonly VerifiedCmsSigner[]

  private constructor(content: ContentDigest, signedData: SignedData, signers: readonly VerifiedCmsSigner[]) {
    this.contentLength = content.length
    this.contentType = signedData.eContentType
    this.signers = Object.freeze([...signers])
    Object.freeze(this)
  }
}

/** What was found of a document over a stream. */
export interface ExaminedStream {
  readonly signedData: SignedData
  readonly content: ContentDigest
  readonly outcomes: readonly SignerOutcome[]
}

/**
 * As `verifySignedData`, for the content of a detached document that is not in memory.
 *
 * @param pieces - The content, read once and to its end; nothing is read where the document is refused without it.
 * @throws {@link TrustError} as `verifySignedData`
 */
export async function verifySignedStream(
  bytes: Uint8Array,
  pieces: AsyncIterable<Uint8Array>,
  request: VerifySignedStreamRequest,
): Promise<VerifiedSignedStream> {
  const { signedData, content, outcomes } = await examineSignedStream(bytes, pieces, request)
  const signers = outcomes.map((outcome) => {
    if (!outcome.verified) throw outcome.error
    return outcome.signer
  })
  return prove(content, signedData, signers)
}

/** As {@link verifySignedStream}, but report each signer by itself: see `examineSignedData`. */
export async function examineSignedStream(
  bytes: Uint8Array,
  pieces: AsyncIterable<Uint8Array>,
  request: VerifySignedStreamRequest,
): Promise<ExaminedStream> {
  // A copy: the caller could change the document while the content passes.
  const signedData = parseForeignSignedData(Uint8Array.from(bytes))
  if (signedData.eContent !== undefined) throw contentConflict()
  if (signedData.signerInfos.length === 0) throw noSigners()
  const content = await digestStream(pieces, allowedDigests(signedData.signerInfos.map((item) => item.digestAlgorithm)))
  return { signedData, content, outcomes: outcomesOf(signedData, content, request) }
}
