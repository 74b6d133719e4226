/**
 * Trust deltas, signed, verified and applied. A delta carries the signature of the directory that it makes, so that
 * whoever applies it holds, byte for byte, what the publisher signed, and verifies that as if it had come whole.
 *
 * @module trust/delta (floor 6)
 */
import { joinInSteps, OID, TRUST_DIRECTORY_LIMITS } from '../asn1/index.js'
import { attachContentInSteps, type CmsSigner, detachContent } from '../cms/index.js'
import { isSignetError, StaleError, TrustError, UsageError } from '../errors/index.js'
import { atOnce, inTurns, type Steps } from '../time/index.js'
import { encodeTrustDelta, type ReadTrustDelta, readTrustDeltaInSteps } from './delta-document.js'
import { changesBetween, mergedSigners } from './difference.js'
import {
  encodedSigners,
  type OpenedDirectory,
  openInSteps,
  type OpenTrustDirectoryRequest,
  prepareSerials,
  TrustDirectory,
} from './directory.js'
import { encodeInPieces } from './document.js'
import { checkNotOlder, remember, type SeenDirectory } from './memory.js'
import { checkPublisher, type Published, readPublished, requirePin, signPublished } from './publisher.js'

/**
 * Sign what makes one trust directory of another.
 *
 * @param base - What receivers hold.
 * @param result - The newer one.
 * @param resultDer - The newer one as it was signed.
 * @throws {@link UsageError} `ERR_CONFIG_INVALID` where the result is not a later directory of the same trust domain
 */
export async function signTrustDelta(
  base: TrustDirectory,
  result: TrustDirectory,
  resultDer: Uint8Array,
  publisher: CmsSigner,
): Promise<Uint8Array> {
  if (result.trustDomain !== base.trustDomain || result.sequence <= base.sequence) {
    throw new UsageError('ERR_CONFIG_INVALID', 'a delta leads to a later trust directory of the same trust domain', {
      details: { base: `${base.trustDomain} ${base.sequence}`, result: `${result.trustDomain} ${result.sequence}` },
    })
  }
  const document = {
    trustDomain: result.trustDomain,
    base,
    result,
    issuedAt: result.issuedAt,
    nextUpdate: result.nextUpdate,
    anchors: changed(base.anchors, result.anchors),
    authorities: changed(base.authorities, result.authorities),
    crls: changed(base.crls, result.crls),
    ...changesBetween(encodedSigners(base), encodedSigners(result)),
    signature: detachContent(resultDer, TRUST_DIRECTORY_LIMITS),
  }
  return signPublished(encodeTrustDelta(document), OID.signetTrustDelta, result, publisher)
}

function changed<T extends { readonly der: Uint8Array }>(
  before: readonly T[],
  now: readonly T[],
): readonly T[] | undefined {
  const isSame =
    before.length === now.length &&
    now.every((item, index) => Buffer.compare(item.der, before[index]?.der ?? item.der) === 0)
  return isSame ? undefined : now
}

let make: (document: ReadTrustDelta, published: Published) => TrustDelta
let partsOf: (delta: TrustDelta) => { readonly document: ReadTrustDelta; readonly published: Published }

/** A delta of which the signature was verified: only {@link openTrustDelta} makes one. What it makes was not yet. */
export class TrustDelta {
  static {
    make = (document, published) => new TrustDelta(document, published)
    partsOf = (delta) => ({ document: delta.#document, published: delta.#published })
  }
  readonly trustDomain: string
  /** Applies to this directory, and to no other. */
  readonly base: SeenDirectory
  /** Makes this one. */
  readonly result: SeenDirectory
  readonly issuedAt: Date
  readonly nextUpdate: Date
  /** How many signers go. */
  readonly removed: number
  /** How many come, or change. */
  readonly changed: number
  readonly #document: ReadTrustDelta
  readonly #published: Published

  private constructor(document: ReadTrustDelta, published: Published) {
    this.trustDomain = document.trustDomain
    this.base = Object.freeze(document.base)
    this.result = Object.freeze(document.result)
    this.issuedAt = document.issuedAt
    this.nextUpdate = document.nextUpdate
    this.removed = document.removed.length
    this.changed = document.signers.size
    this.#document = document
    this.#published = published
    Object.freeze(this)
  }
}

/**
 * Verify the signature of a delta, and the publisher's path to the root with the pinned fingerprint.
 *
 * Does not check revocation: the CRLs that speak about the publisher are those of the directory that it makes. They are
 * asked when it is applied.
 *
 * @throws {@link UsageError} `ERR_TRUST_NO_PIN`
 * @throws {@link TrustError} `ERR_TRUST_PIN_MISMATCH`, CMS and path codes
 * @throws {@link EncodingError} `ERR_TRUST_DELTA_MALFORMED`, `ERR_CMS_MALFORMED`
 */
export function openTrustDelta(bytes: Uint8Array, request: OpenTrustDeltaRequest): TrustDelta {
  return atOnce(openDeltaInSteps(bytes, request))
}

export interface OpenTrustDeltaRequest {
  /** SHA-256 of the root certificate in hexadecimal, learnt some other way. */
  readonly pin: string
  readonly at: Date
}

/**
 * As {@link openTrustDelta}, for who serves others meanwhile: they have a turn about every millisecond.
 *
 * @param bytes - Copied first; what becomes of them afterwards changes nothing.
 * @throws as {@link openTrustDelta}
 */
export function openTrustDeltaInTurns(bytes: Uint8Array, request: OpenTrustDeltaRequest): Promise<TrustDelta> {
  return inTurns(openDeltaCopyInSteps(bytes, request))
}

function* openDeltaCopyInSteps(bytes: Uint8Array, { pin, at }: OpenTrustDeltaRequest): Steps<TrustDelta> {
  const same = { pin: requirePin(pin), at: new Date(at) }
  return yield* openDeltaInSteps(yield* joinInSteps([bytes]), same)
}

function* openDeltaInSteps(bytes: Uint8Array, { pin, at }: OpenTrustDeltaRequest): Steps<TrustDelta> {
  const published = yield* readPublished(bytes, OID.signetTrustDelta, requirePin(pin))
  yield* checkPublisher(published, at, 'allow-unchecked')
  yield
  return make(yield* readTrustDeltaInSteps(published.content), published)
}

/** A directory that a delta made, and the document that it was signed as. */
export type AppliedDelta = OpenedDirectory

/**
 * Make the next trust directory. It is verified like one that came whole: {@link openTrustDirectory}.
 *
 * @param base - The directory at hand; it may be past its end.
 * @throws {@link StaleError} `ERR_TRUST_DELTA_BASE`, and for a result that is not newer `ERR_TRUST_DIRECTORY_ROLLBACK`
 * @throws {@link TrustError} `ERR_TRUST_DOMAIN`, `ERR_TRUST_DIRECTORY_FORK`, `ERR_TRUST_DELTA_RESULT`
 */
export function applyTrustDelta(
  base: TrustDirectory,
  delta: TrustDelta,
  request: OpenTrustDirectoryRequest,
): AppliedDelta {
  return atOnce(applyInSteps(base, delta, request))
}

/**
 * As {@link applyTrustDelta}, for who serves others meanwhile: they have a turn about every millisecond.
 *
 * What is verified is the whole directory that comes of it, which nobody else holds.
 *
 * @throws as {@link applyTrustDelta}
 */
export function applyTrustDeltaInTurns(
  base: TrustDirectory,
  delta: TrustDelta,
  { pin, at, memory }: OpenTrustDirectoryRequest,
): Promise<AppliedDelta> {
  return inTurns(applyAndPrepare(base, delta, { pin, at: new Date(at), memory }))
}

function* applyAndPrepare(...applied: Parameters<typeof applyInSteps>): Steps<AppliedDelta> {
  const made = yield* applyInSteps(...applied)
  yield* prepareSerials(made.directory)
  return made
}

function* applyInSteps(
  base: TrustDirectory,
  delta: TrustDelta,
  request: OpenTrustDirectoryRequest,
): Steps<AppliedDelta> {
  const { document, published } = partsOf(delta)
  requireSameDomain(delta.trustDomain, base.trustDomain)
  requireBase(base, delta)
  const { anchors = base.anchors, authorities = base.authorities, crls = base.crls } = document
  const { trustDomain, issuedAt, nextUpdate } = document
  const content = encodeInPieces(
    { trustDomain, sequence: delta.result.sequence, issuedAt, nextUpdate, anchors, authorities, crls },
    yield* mergedSigners(encodedSigners(base), document.removed, document.signers),
  )
  const der = yield* attachContentInSteps(document.signature, content)
  const directory = yield* openResult(der, delta, request)
  yield
  const known = [...directory.authorities, ...directory.anchors]
  yield* checkPublisher(published, request.at, { crls: directory.crls }, known)
  remember(request.memory, requirePin(request.pin), directory)
  return { directory, der }
}

/** @throws {@link TrustError} `ERR_TRUST_DOMAIN` */
export function requireSameDomain(found: string, wanted: string): void {
  if (found === wanted) return
  throw new TrustError('ERR_TRUST_DOMAIN', `the trust directory is of ${found}, not of ${wanted}`, {
    details: { found, wanted },
    hint: 'keep a cache for each trust domain',
  })
}

function requireBase(base: TrustDirectory, delta: TrustDelta): void {
  // What leads to where we are, or back, is not a delta of ours; what is for another of our number is a fork.
  checkNotOlder(delta.result, base)
  if (delta.base.sequence === base.sequence) checkNotOlder(delta.base, base)
  if (delta.base.sequence === base.sequence && delta.result.sequence > base.sequence) return
  throw new StaleError(
    'ERR_TRUST_DELTA_BASE',
    `the delta leads from trust directory ${delta.base.sequence} to ${delta.result.sequence}; here is ${base.sequence}`,
    {
      details: {
        base: String(delta.base.sequence),
        result: String(delta.result.sequence),
        found: String(base.sequence),
      },
      hint: 'apply the deltas between, in order, or get the whole trust directory',
    },
  )
}

/** Verify the result like any directory; where its content is not what was signed, it is the delta that is wrong. */
function* openResult(der: Uint8Array, delta: TrustDelta, request: OpenTrustDirectoryRequest): Steps<TrustDirectory> {
  const mismatch = (cause?: unknown): TrustError =>
    new TrustError('ERR_TRUST_DELTA_RESULT', 'the delta does not make the trust directory that it says', {
      details: { base: String(delta.base.sequence), result: String(delta.result.sequence) },
      hint: 'get the whole trust directory',
      cause,
    })
  let directory: TrustDirectory
  try {
    directory = yield* openInSteps(der, { ...request, memory: 'allow-forgetting' })
  } catch (error) {
    throw isSignetError(error) && error.code === 'ERR_CMS_DIGEST_MISMATCH' ? mismatch(error) : error
  }
  if (directory.digest !== delta.result.digest) throw mismatch()
  return directory
}
