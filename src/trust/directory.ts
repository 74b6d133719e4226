/**
 * The trust directory, signed and verified: who is not in it is not believed, and nobody is asked over the network.
 *
 * @module trust/directory (floor 6)
 */
import { joinInSteps, OID } from '../asn1/index.js'
import { type CmsSigner, digestInSteps } from '../cms/index.js'
import { StaleError, TrustError } from '../errors/index.js'
import { atOnce, instantText, inTurns, type Steps } from '../time/index.js'
import { type Certificate, type Crl, hex } from '../x509/index.js'
import {
  encodeTrustDocument,
  type ReadTrustDocument,
  readTrustDocumentInSteps,
  type TrustDocument,
} from './document.js'
import { remember, type TrustMemory } from './memory.js'
import { checkPublisher, readPublished, requirePin, signPublished } from './publisher.js'
import { SerialIndex } from './serial-index.js'
import type { SignerList } from './signer-list.js'
import { TrustedSigner } from './trusted-signer.js'

/** How far the clock of whoever publishes may be ahead. */
export const TRUST_CLOCK_SKEW_SECONDS = 300

/** Sign a trust directory. The publisher's path travels with it; the root in it is believed only by its fingerprint. */
export async function signTrustDirectory(document: TrustDocument, publisher: CmsSigner): Promise<Uint8Array> {
  return signPublished(encodeTrustDocument(document), OID.signetTrustDirectory, document, publisher)
}

export interface OpenTrustDirectoryRequest {
  /** SHA-256 of the root certificate in hexadecimal, learnt some other way. */
  readonly pin: string
  readonly at: Date
  /** What was seen before. Without it an older directory that is still current passes. */
  readonly memory: TrustMemory | 'allow-forgetting'
}

let make: (document: ReadTrustDocument, digest: string) => TrustDirectory
let signersOf: (directory: TrustDirectory) => SignerList
let setSerials: (directory: TrustDirectory, serials: SerialIndex) => void

/** A trust directory that was verified: only {@link openTrustDirectory} makes one. */
export class TrustDirectory {
  static {
    make = (document, digest) => new TrustDirectory(document, digest)
    signersOf = (directory) => directory.#signers
    setSerials = (directory, serials) => void (directory.#serials = serials)
  }
  readonly trustDomain: string
  readonly sequence: number
  readonly issuedAt: Date
  readonly nextUpdate: Date
  readonly anchors: readonly Certificate[]
  readonly authorities: readonly Certificate[]
  readonly crls: readonly Crl[]
  /** SHA-256 of the signed content: two with one sequence number must be one. The signature around it can be turned. */
  readonly digest: string
  readonly #signers: SignerList
  /** Those that somebody asked for. */
  readonly #known = new Map<number, TrustedSigner>()
  /** By serial number; made when first asked for. */
  #serials: SerialIndex | undefined

  private constructor(document: ReadTrustDocument, digest: string) {
    this.trustDomain = document.trustDomain
    this.sequence = document.sequence
    this.issuedAt = document.issuedAt
    this.nextUpdate = document.nextUpdate
    this.anchors = Object.freeze([...document.anchors])
    this.authorities = Object.freeze([...document.authorities])
    this.crls = Object.freeze([...document.crls])
    this.digest = digest
    this.#signers = document.signers
    Object.freeze(this)
  }

  get size(): number {
    return this.#signers.size
  }

  /** The signer with this key identifier, if there is one. Takes the same time for ten signers and for a million. */
  find(keyIdentifier: Uint8Array): TrustedSigner | undefined {
    const index = this.#signers.indexOf(keyIdentifier)
    return index < 0 ? undefined : this.#at(index)
  }

  /**
   * The signer whose certificate has this serial number and fits. The first call goes through the whole directory, unless
   * it was opened in turns.
   *
   * @param fits - Asked only of certificates with this serial number.
   */
  findCertificate(serialNumber: string, fits: (certificate: Certificate) => boolean): TrustedSigner | undefined {
    this.#serials ??= atOnce(SerialIndex.of(this.#signers))
    for (const place of this.#serials.placesOf(serialNumber)) {
      const signer = this.#at(place)
      if (fits(signer.certificate)) return signer
    }
    return undefined
  }

  /** All signers, ascending by key identifier. */
  get signers(): readonly TrustedSigner[] {
    return Array.from({ length: this.size }, (_, index) => this.#at(index))
  }

  #at(index: number): TrustedSigner {
    const known = this.#known.get(index)
    if (known !== undefined) return known
    const signer = new TrustedSigner(this.#signers.at(index), this)
    this.#known.set(index, signer)
    return signer
  }

  /** @throws {@link StaleError} `ERR_TRUST_DIRECTORY_EXPIRED`, `ERR_TRUST_DIRECTORY_FROM_FUTURE` */
  requireCurrent(at: Date): void {
    const instant = at.getTime()
    const isCurrent = instant < this.nextUpdate.getTime()
    if (isCurrent && this.issuedAt.getTime() <= instant + TRUST_CLOCK_SKEW_SECONDS * 1000) return
    const details = {
      issuedAt: this.issuedAt.toISOString(),
      nextUpdate: this.nextUpdate.toISOString(),
      at: instantText(at),
    }
    if (!isCurrent) {
      throw new StaleError('ERR_TRUST_DIRECTORY_EXPIRED', `the trust directory ended at ${details.nextUpdate}`, {
        details,
        hint: 'get a new one: signet trust publish, signet trust fetch',
      })
    }
    throw new StaleError('ERR_TRUST_DIRECTORY_FROM_FUTURE', `the trust directory begins only at ${details.issuedAt}`, {
      details,
      hint: 'check the clock of this machine',
    })
  }
}

/** The signers as they stand in the document, for whoever makes another directory of this one. */
export function encodedSigners(directory: TrustDirectory): SignerList {
  return signersOf(directory)
}

/** Make now what the first signature by issuer and serial number would wait for. */
export function* prepareSerials(directory: TrustDirectory): Steps<void> {
  setSerials(directory, yield* SerialIndex.of(signersOf(directory)))
}

/**
 * Verify a trust directory: signature, the publisher's path to the root with the pinned fingerprint, revocation,
 * dates, and that it is no older than one seen before.
 *
 * @param bytes - DER of the CMS document; shared, do not change it afterwards.
 * @throws {@link UsageError} `ERR_TRUST_NO_PIN`
 * @throws {@link TrustError} `ERR_TRUST_PIN_MISMATCH`, `ERR_TRUST_DIRECTORY_FORK`, CMS and path codes
 * @throws {@link StaleError} `ERR_TRUST_DIRECTORY_EXPIRED`, `ERR_TRUST_DIRECTORY_FROM_FUTURE`, `ERR_TRUST_DIRECTORY_ROLLBACK`
 * @throws {@link EncodingError} `ERR_TRUST_DIRECTORY_MALFORMED`, `ERR_CMS_MALFORMED`
 */
export function openTrustDirectory(bytes: Uint8Array, request: OpenTrustDirectoryRequest): TrustDirectory {
  return atOnce(openInSteps(bytes, request))
}

/** A directory, and the document that it was signed as. */
export interface OpenedDirectory {
  readonly directory: TrustDirectory
  /** The whole directory, byte for byte as it was published. */
  readonly der: Uint8Array
}

/**
 * As {@link openTrustDirectory}, for who serves others meanwhile: they have a turn about every millisecond.
 *
 * @param bytes - Copied first; what becomes of them afterwards changes nothing.
 * @throws as {@link openTrustDirectory}
 */
export async function openTrustDirectoryInTurns(
  bytes: Uint8Array,
  request: OpenTrustDirectoryRequest,
): Promise<TrustDirectory> {
  return (await inTurns(openCopyInSteps(bytes, request))).directory
}

/** As {@link openTrustDirectoryInTurns}, in steps. */
export function* openCopyInSteps(bytes: Uint8Array, request: OpenTrustDirectoryRequest): Steps<OpenedDirectory> {
  const { pin, at, memory } = request
  // The request, too, is as it was when it was made.
  const same = { pin: requirePin(pin), at: new Date(at), memory }
  const der = yield* joinInSteps([bytes])
  yield
  const directory = yield* openInSteps(der, same)
  yield* prepareSerials(directory)
  return { der, directory }
}

/** Open in steps. @param bytes - Whoever can change them between two steps has something else believed. */
export function* openInSteps(bytes: Uint8Array, request: OpenTrustDirectoryRequest): Steps<TrustDirectory> {
  const pin = requirePin(request.pin)
  const directory = yield* openAt(bytes, pin, () => request.at)
  remember(request.memory, pin, directory)
  return directory
}

/**
 * Verify a trust directory as of when it was issued: what a newer one is compared with, or made from.
 *
 * Whoever uses it must ask {@link TrustDirectory.requireCurrent} for today, as `verifyMessage` does.
 *
 * @throws as {@link openTrustDirectory}, but for what is past
 */
export function openPastTrustDirectory(bytes: Uint8Array, pin: string): TrustDirectory {
  return atOnce(openPastInSteps(bytes, pin))
}

/** As {@link openPastTrustDirectory}, and {@link openInSteps}. */
export function openPastInSteps(bytes: Uint8Array, pin: string): Steps<TrustDirectory> {
  return openAt(bytes, requirePin(pin), (directory) => directory.issuedAt)
}

function* openAt(bytes: Uint8Array, pin: string, instant: (directory: TrustDirectory) => Date): Steps<TrustDirectory> {
  const published = yield* readPublished(bytes, OID.signetTrustDirectory, pin)
  yield
  const document = yield* readTrustDocumentInSteps(published.content)
  const directory = make(document, published.signedDigest ?? (yield* sha256InSteps(published.content)))
  const at = instant(directory)
  // Before the path: of a directory that is merely old, the CRLs inside are old, too, and that is not what is wrong.
  directory.requireCurrent(at)
  // The CRLs inside are signed by the CAs themselves, so they may speak about the publisher.
  yield* checkPublisher(published, at, { crls: document.crls }, [...document.authorities, ...document.anchors])
  if (!document.anchors.some((certificate) => certificate.equals(published.anchor))) {
    throw new TrustError('ERR_TRUST_PIN_MISMATCH', 'the pinned root is not among the anchors of the trust directory', {
      details: { pin },
    })
  }
  return directory
}

function* sha256InSteps(content: Uint8Array): Steps<string> {
  return hex((yield* digestInSteps(content, ['sha256'])).of('sha256'))
}
