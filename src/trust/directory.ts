/**
 * The trust directory, signed and verified: who is not in it is not believed, and nobody is asked over the network.
 *
 * @module trust/directory (floor 6)
 */
import { hash } from 'node:crypto'
import { CMS_LIMITS, equalBytes, OID, TRUST_DIRECTORY_LIMITS } from '../asn1/index.js'
import {
  type CmsSigner,
  embeddedCertificates,
  identifies,
  parseSignedData,
  signData,
  verifySigner,
} from '../cms/index.js'
import { StaleError, TrustError, UsageError } from '../errors/index.js'
import { type Identity, parseIdentityUri } from '../identity/index.js'
import { validatePath, type ValidatedPath } from '../path/index.js'
import { addSeconds, instantText } from '../time/index.js'
import { type Certificate, type Crl, hex, parseFingerprint } from '../x509/index.js'
import {
  encodeTrustDocument,
  type ParsedTrustDocument,
  parseTrustDocument,
  type RawSigner,
  signerCertificate,
  type TrustDocument,
} from './document.js'
import type { TrustMemory } from './memory.js'

/** How far the clock of whoever publishes may be ahead. */
export const TRUST_CLOCK_SKEW_SECONDS = 300

/** Sign a trust directory. The publisher's path travels with it; the root in it is believed only by its fingerprint. */
export async function signTrustDirectory(document: TrustDocument, publisher: CmsSigner): Promise<Uint8Array> {
  return signData(encodeTrustDocument(document), {
    signers: [publisher],
    contentType: OID.signetTrustDirectory,
    form: 'attached',
    signingTime: document.issuedAt,
    certificates: [publisher.certificate, ...document.authorities, ...document.anchors],
  })
}

export interface OpenTrustDirectoryRequest {
  /** SHA-256 of the root certificate in hexadecimal, learnt some other way. */
  readonly pin: string
  readonly at: Date
  /** What was seen before. Without it an older directory that is still current passes. */
  readonly memory: TrustMemory | 'allow-forgetting'
}

let make: (document: ParsedTrustDocument, content: Uint8Array) => TrustDirectory

/** A trust directory that was verified: only {@link openTrustDirectory} makes one. */
export class TrustDirectory {
  static {
    make = (document, content) => new TrustDirectory(document, content)
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
  readonly #signers = new Map<string, TrustedSigner>()

  private constructor(document: ParsedTrustDocument, content: Uint8Array) {
    this.trustDomain = document.trustDomain
    this.sequence = document.sequence
    this.issuedAt = document.issuedAt
    this.nextUpdate = document.nextUpdate
    this.anchors = Object.freeze([...document.anchors])
    this.authorities = Object.freeze([...document.authorities])
    this.crls = Object.freeze([...document.crls])
    this.digest = hash('sha256', content, 'hex')
    for (const raw of document.signers) this.#signers.set(mapKey(raw.keyIdentifier), new TrustedSigner(raw, this))
    Object.freeze(this)
  }

  get size(): number {
    return this.#signers.size
  }

  /** The signer with this key identifier, if there is one. Takes the same time for ten signers and for a million. */
  find(keyIdentifier: Uint8Array): TrustedSigner | undefined {
    return this.#signers.get(mapKey(keyIdentifier))
  }

  /** The signer whose certificate has this issuer and serial number. Walks the directory. */
  findCertificate(fits: (certificate: Certificate) => boolean): TrustedSigner | undefined {
    return this.signers.find((signer) => fits(signer.certificate))
  }

  /** All signers, ascending by key identifier. */
  get signers(): readonly TrustedSigner[] {
    return [...this.#signers.values()]
  }

  /** @throws {@link StaleError} `ERR_TRUST_DIRECTORY_EXPIRED`, `ERR_TRUST_DIRECTORY_FROM_FUTURE` */
  requireCurrent(at: Date): void {
    const details = {
      issuedAt: this.issuedAt.toISOString(),
      nextUpdate: this.nextUpdate.toISOString(),
      at: instantText(at),
    }
    if (!(at < this.nextUpdate)) {
      throw new StaleError('ERR_TRUST_DIRECTORY_EXPIRED', `the trust directory ended at ${details.nextUpdate}`, {
        details,
        hint: 'get a new one: signet trust publish',
      })
    }
    if (!(this.issuedAt <= addSeconds(at, TRUST_CLOCK_SKEW_SECONDS))) {
      throw new StaleError(
        'ERR_TRUST_DIRECTORY_FROM_FUTURE',
        `the trust directory begins only at ${details.issuedAt}`,
        {
          details,
          hint: 'check the clock of this machine',
        },
      )
    }
  }
}

/** A signer of the directory. Its certificate is parsed, and its path validated, once and when first needed. */
export class TrustedSigner {
  readonly identity: Identity
  readonly #raw: RawSigner
  readonly #directory: TrustDirectory
  #certificate: Certificate | undefined
  #validated:
    { readonly path: ValidatedPath; readonly isChecked: boolean; readonly from: Date; readonly until: Date } | undefined

  constructor(raw: RawSigner, directory: TrustDirectory) {
    this.#raw = raw
    this.#directory = directory
    this.identity = raw.identity
    Object.freeze(this)
  }

  get keyIdentifier(): string {
    return hex(this.#raw.keyIdentifier)
  }

  /** @throws {@link TrustError} `ERR_CMS_SIGNER_UNKNOWN` where the entry is not the entry of its certificate */
  get certificate(): Certificate {
    this.#certificate ??= this.#parse()
    return this.#certificate
  }

  /**
   * The proof that the signer may sign messages at this instant: path, purpose and revocation.
   *
   * It is kept as long as nothing that it rests on can have changed: the directory never changes, so only time can,
   * and a proof is used again only between the latest beginning and the earliest end of all that it rests on.
   *
   * @param revocation - `'allow-directory-only'` does without the CRLs: whoever is revoked leaves the next directory.
   * @throws {@link TrustError} what path validation refuses
   */
  validate(at: Date, revocation: 'required' | 'allow-directory-only' = 'required'): ValidatedPath {
    const isChecked = revocation === 'required'
    const kept = this.#validated
    if (kept !== undefined && kept.isChecked === isChecked && at >= kept.from && at <= kept.until) return kept.path
    const { anchors, authorities, crls } = this.#directory
    const path = validatePath(this.certificate, {
      anchors,
      intermediates: authorities,
      at,
      purpose: 'message-signing',
      revocation: isChecked ? { crls } : 'allow-unchecked',
    })
    this.#validated = { path, isChecked, ...window(path, isChecked ? crls : []) }
    return path
  }

  #parse(): Certificate {
    const certificate = signerCertificate(this.#raw)
    const { subjectKeyIdentifier } = certificate
    if (subjectKeyIdentifier === undefined || !equalBytes(subjectKeyIdentifier, this.#raw.keyIdentifier)) {
      throw new TrustError(
        'ERR_CMS_SIGNER_UNKNOWN',
        'an entry of the trust directory has the certificate of another key',
      )
    }
    // The identity was resolved by whoever published; it cannot leave the trust domain.
    if (parseIdentityUri(this.identity.uri).trustDomain !== this.#directory.trustDomain) {
      throw new TrustError('ERR_CMS_SIGNER_UNKNOWN', 'an entry of the trust directory is of another trust domain')
    }
    return certificate
  }
}

function window(path: ValidatedPath, crls: readonly Crl[]): { from: Date; until: Date } {
  const begins = [...path.certificates.map((item) => item.notBefore), ...crls.map((crl) => crl.thisUpdate)]
  const ends = [...path.certificates.map((item) => item.notAfter), ...crls.map((crl) => crl.currentUntil)]
  return {
    from: new Date(Math.max(...begins.map((item) => item.getTime()))),
    until: new Date(Math.min(...ends.map((item) => item.getTime()))),
  }
}

function mapKey(keyIdentifier: Uint8Array): string {
  return Buffer.from(keyIdentifier.buffer, keyIdentifier.byteOffset, keyIdentifier.length).toString('latin1')
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
  if (request.pin === '') {
    throw new UsageError('ERR_TRUST_NO_PIN', 'no fingerprint was given to check the trust directory against', {
      hint: 'give the SHA-256 fingerprint of the root certificate, as signet init printed it: --pin',
    })
  }
  const pin = parseFingerprint(request.pin)
  const signedData = parseSignedData(bytes, { ...CMS_LIMITS, maxBytes: TRUST_DIRECTORY_LIMITS.maxBytes })
  const [signer, second] = signedData.signerInfos
  if (signer === undefined || second !== undefined) {
    throw new TrustError(
      signer === undefined ? 'ERR_CMS_NO_SIGNERS' : 'ERR_CMS_SIGNER_COUNT',
      'a trust directory has one signer',
    )
  }
  if (signedData.eContentType !== OID.signetTrustDirectory || signedData.eContent === undefined) {
    throw new TrustError('ERR_CMS_CONTENT_TYPE', 'the document is not a trust directory', {
      details: { found: signedData.eContentType },
    })
  }
  if (signer.unsignedAttrs.size > 0)
    throw new TrustError('ERR_CMS_UNSIGNED_ATTRIBUTE', 'a trust directory has no unsigned attributes')
  const certificates = embeddedCertificates(signedData)
  const anchor = certificates.find((certificate) => certificate.fingerprint === pin)
  if (anchor === undefined) {
    throw new TrustError(
      'ERR_TRUST_PIN_MISMATCH',
      'the trust directory is not of the deployment with the pinned root',
      {
        details: { pin },
        hint: 'check the fingerprint, and where the directory came from',
      },
    )
  }
  const publisher = certificates.find((certificate) => identifies(signer.sid, certificate))
  if (publisher === undefined)
    throw new TrustError('ERR_CMS_SIGNER_UNKNOWN', "the publisher's certificate is not in the directory")
  verifySigner(signedData, signer, signedData.eContent, publisher)
  // The CRLs inside are signed by the CAs themselves, so they may speak about the publisher.
  const document = parseTrustDocument(signedData.eContent)
  const directory = make(document, signedData.eContent)
  // Before the path: of a directory that is merely old, the CRLs inside are old, too, and that is not what is wrong.
  directory.requireCurrent(request.at)
  validatePath(publisher, {
    anchors: [anchor],
    intermediates: certificates,
    at: request.at,
    purpose: 'trust-directory',
    revocation: { crls: document.crls },
  })
  if (!document.anchors.some((certificate) => certificate.equals(anchor))) {
    throw new TrustError('ERR_TRUST_PIN_MISMATCH', 'the pinned root is not among the anchors of the trust directory', {
      details: { pin },
    })
  }
  if (request.memory !== 'allow-forgetting') remember(directory, pin, request.memory)
  return directory
}

function remember(directory: TrustDirectory, pin: string, memory: TrustMemory): void {
  const seen = memory.recall(pin)
  const { sequence, digest } = directory
  if (seen !== undefined && sequence < seen.sequence) {
    throw new StaleError(
      'ERR_TRUST_DIRECTORY_ROLLBACK',
      `the trust directory ${sequence} is older than ${seen.sequence}, which was seen before`,
      {
        details: { sequence: String(sequence), seen: String(seen.sequence) },
        hint: 'get the newest one; somebody may be holding it back',
      },
    )
  }
  if (seen?.sequence === sequence && seen.digest !== digest) {
    throw new TrustError(
      'ERR_TRUST_DIRECTORY_FORK',
      `there are two different trust directories with the number ${sequence}`,
      {
        details: { sequence: String(sequence) },
        hint: 'ask who publishes it: a key may have been stolen, or a store restored from a backup',
      },
    )
  }
  if (seen?.sequence !== sequence) memory.keep(pin, { sequence, digest })
}
