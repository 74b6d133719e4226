/**
 * Certificate revocation lists (RFC 5280 §5).
 *
 * @module x509/crl (floor 3)
 */
import {
  contextConstructed,
  CRL_LIMITS,
  type DerLimits,
  DerReader,
  encodeContext,
  encodeEnumerated,
  encodeGeneralizedTime,
  encodeInteger,
  encodeObjectIdentifier,
  encodeOctetString,
  encodePem,
  encodeSequence,
  encodeTime,
  encodeUnsigned,
  OID,
  readPemOrDer,
  TAG,
} from '../asn1/index.js'
import { type AlgorithmIdentifier, type KeyProvider, readAlgorithmIdentifier } from '../crypto/index.js'
import { atOnce, type Steps } from '../time/index.js'
import { requireSameAlgorithm } from './certificate.js'
import { CrlEntries } from './crl-entries.js'
import { REVOCATION_REASONS, type RevokedCertificate } from './crl-entry.js'
import { type IssuingDistributionPoint, readIssuingDistributionPoint } from './distribution-points.js'
import {
  type AuthorityKeyIdentifier,
  encodeAuthorityKeyIdentifier,
  encodeCrlNumber,
  encodeDeltaCrlIndicator,
  type Extension,
  readAuthorityKeyIdentifier,
  readExtensions,
  readExtensionValue,
} from './extensions.js'
import { namedInSteps } from './malformed.js'
import { Name } from './name.js'
import { serialText } from './serial-number.js'
import { encodeSigned, readSigned } from './signed.js'

const CRL_LABEL = 'X509 CRL'

/** Extensions that are read here, by OID. */
const EXTENSION_READERS: ReadonlyMap<string, (crl: Crl) => unknown> = new Map<string, (crl: Crl) => unknown>([
  [OID.crlNumber, (crl) => crl.crlNumber],
  [OID.deltaCrlIndicator, (crl) => crl.baseCrlNumber],
  [OID.issuingDistributionPoint, (crl) => crl.issuingDistributionPoint],
  [OID.authorityKeyIdentifier, (crl) => crl.authorityKeyIdentifier],
])

/** What a CRL says. Believing it takes the issuer's key (`path`). */
export class Crl {
  readonly der: Uint8Array
  readonly tbsDer: Uint8Array
  readonly signatureAlgorithm: AlgorithmIdentifier
  readonly signatureValue: Uint8Array
  readonly issuer: Name
  readonly thisUpdate: Date
  /** RFC 5280 §5.1.2.5 requires it; without it a CRL is current only for who says for how long. */
  readonly nextUpdate: Date | undefined
  readonly extensions: ReadonlyMap<string, Extension>
  readonly #entries: CrlEntries
  readonly #memo = new Map<string, unknown>()

  constructor(fields: CrlFields) {
    this.der = fields.der
    this.tbsDer = fields.tbsDer
    this.signatureAlgorithm = fields.signatureAlgorithm
    this.signatureValue = fields.signatureValue
    this.issuer = fields.issuer
    this.thisUpdate = fields.thisUpdate
    this.nextUpdate = fields.nextUpdate
    this.extensions = fields.extensions
    this.#entries = fields.entries
  }

  /**
   * The entry of a serial number, if it is on the list.
   *
   * @param issuer - Whose serial number; matters only in an indirect CRL. Default: the issuer of the CRL.
   */
  find(serialNumber: string, issuer: Name = this.issuer): RevokedCertificate | undefined {
    return this.#entries.find(serialNumber, issuer)
  }

  /** Until when it is current by its own word: without nextUpdate it says nothing, so not at all. */
  get currentUntil(): Date {
    return this.nextUpdate ?? this.thisUpdate
  }

  /** How many certificates are listed. */
  get size(): number {
    return this.#entries.size
  }

  get unknownCriticalEntryExtension(): boolean {
    return this.#entries.hasUnknownCritical
  }

  /** Whether entries name other issuers, which only an indirect CRL may (RFC 5280 §5.3.3). */
  get hasForeignEntries(): boolean {
    return this.#entries.areForeign
  }

  /** cRLNumber of the CRL that this one only changes (RFC 5280 §5.2.4), if it is such a delta CRL. */
  get baseCrlNumber(): string | undefined {
    return this.#extension(OID.deltaCrlIndicator, readCrlNumber)
  }

  /**
   * Read the value of every extension that is known here, asked for or not.
   *
   * @throws {@link EncodingError} `ERR_EXTENSION_MALFORMED`
   * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED`
   */
  readAllExtensions(): void {
    for (const { oid } of this.extensions.values()) EXTENSION_READERS.get(oid)?.(this)
  }

  /** What the CRL is about, where that is not everything (RFC 5280 §5.2.5). */
  get issuingDistributionPoint(): IssuingDistributionPoint | undefined {
    return this.#extension(OID.issuingDistributionPoint, readIssuingDistributionPoint)
  }

  /** All entries in their order, decoded now: for lists that are shown or compared, not for looking one up. */
  get revokedCertificates(): readonly RevokedCertificate[] {
    return [...this.#entries]
  }

  /** cRLNumber (RFC 5280 §5.2.3) in canonical text, if stated. */
  get crlNumber(): string | undefined {
    return this.#extension(OID.crlNumber, readCrlNumber)
  }

  get authorityKeyIdentifier(): AuthorityKeyIdentifier | undefined {
    return this.#extension(OID.authorityKeyIdentifier, readAuthorityKeyIdentifier)
  }

  toPem(): string {
    return encodePem(CRL_LABEL, this.der)
  }

  /** Read once: a CRL is asked about one certificate after another. */
  #extension<T>(oid: string, read: (reader: DerReader) => T): T | undefined {
    const extension = this.extensions.get(oid)
    if (extension === undefined) return undefined
    if (!this.#memo.has(oid)) this.#memo.set(oid, readExtensionValue(extension, read))
    return this.#memo.get(oid) as T
  }
}

interface CrlFields {
  readonly der: Uint8Array
  readonly tbsDer: Uint8Array
  readonly signatureAlgorithm: AlgorithmIdentifier
  readonly signatureValue: Uint8Array
  readonly issuer: Name
  readonly thisUpdate: Date
  readonly nextUpdate: Date | undefined
  readonly extensions: ReadonlyMap<string, Extension>
  readonly entries: CrlEntries
}

/**
 * Parse one CRL in DER. Checks its form; no signature, no freshness.
 *
 * @throws {@link EncodingError} `ERR_CRL_MALFORMED`, `ERR_EXTENSION_DUPLICATE`
 * @throws {@link TrustError} `ERR_ALGORITHM_MISMATCH`
 * @see RFC 5280 §5.1
 */
export function parseCrl(der: Uint8Array, limits: DerLimits = CRL_LIMITS): Crl {
  return atOnce(namedInSteps('ERR_CRL_MALFORMED', 'a CRL', parseInSteps(der, limits)))
}

function* parseInSteps(der: Uint8Array, limits: DerLimits): Steps<Crl> {
  const reader = DerReader.over(der, limits)
  const crl = yield* readCrlInSteps(reader)
  reader.finish()
  return crl
}

/** Parse every CRL of a file: one in DER, or PEM blocks with the label X509 CRL. */
export function parseCrls(bytes: Uint8Array): readonly Crl[] {
  return atOnce(parseCrlsInSteps(bytes))
}

/** As {@link parseCrls}, in steps. */
export function* parseCrlsInSteps(bytes: Uint8Array): Steps<readonly Crl[]> {
  const crls: Crl[] = []
  for (const der of readPemOrDer(bytes, CRL_LABEL)) {
    crls.push(yield* namedInSteps('ERR_CRL_MALFORMED', 'a CRL', parseInSteps(der, CRL_LIMITS)))
    yield
  }
  return crls
}

/** Read a CRL that is part of something larger. */
export function readCrl(reader: DerReader): Crl {
  return atOnce(readCrlInSteps(reader))
}

/** As {@link readCrl}, in steps. */
export function* readCrlInSteps(reader: DerReader): Steps<Crl> {
  const { der, tbsDer, tbs, signatureAlgorithm, signatureValue } = readSigned(reader)

  // RFC 5280 §5.1.2.1: the version is v2(1) or absent, and extensions need v2.
  const version = tbs.peek() === TAG.integer ? tbs.smallInteger(255) : undefined
  if (version !== undefined && version !== 1) throw tbs.error('ERR_CRL_MALFORMED', 'the version is not 2')
  requireSameAlgorithm(readAlgorithmIdentifier(tbs), signatureAlgorithm)
  const issuer = Name.read(tbs)
  const thisUpdate = tbs.time()
  const hasNextUpdate = tbs.peek() === TAG.utcTime || tbs.peek() === TAG.generalizedTime
  const nextUpdate = hasNextUpdate ? tbs.time() : undefined
  const entries = tbs.peek() === TAG.sequence ? yield* CrlEntries.readInSteps(tbs, issuer) : CrlEntries.none(issuer)
  if (version !== 1 && entries.haveExtensions) {
    throw tbs.error('ERR_CRL_MALFORMED', 'extensions of entries need version 2')
  }
  let extensions: ReadonlyMap<string, Extension> = new Map()
  if (tbs.peek() === contextConstructed(0)) {
    if (version !== 1) throw tbs.error('ERR_CRL_MALFORMED', 'extensions need version 2')
    const explicit = tbs.constructed(contextConstructed(0))
    extensions = readExtensions(explicit)
    explicit.finish()
  }
  tbs.finish()
  return new Crl({
    der,
    tbsDer,
    signatureAlgorithm,
    signatureValue,
    issuer,
    thisUpdate,
    nextUpdate,
    extensions,
    entries,
  })
}

/** RFC 5280 §5.2.3: from 0, at most 20 octets. */
function readCrlNumber(reader: DerReader): string {
  const number = reader.integer()
  if ((number[0] as number) >= 0x80 || number.length > 20) {
    throw reader.error('ERR_EXTENSION_MALFORMED', 'a CRL number is not negative and has at most 20 octets')
  }
  return serialText(number)
}

export interface CrlTemplate {
  readonly issuer: Name
  readonly authorityKeyIdentifier: Uint8Array
  readonly crlNumber: number
  /** cRLNumber of the full CRL that this one only changes. Default: this is a full CRL. */
  readonly baseCrlNumber?: number
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  readonly revokedCertificates: readonly RevokedCertificate[]
}

/** Build and sign a CRL. Entries are written in the order given. */
export async function createCrl(template: CrlTemplate, key: KeyProvider): Promise<Crl> {
  const entries = template.revokedCertificates.map(encodeEntry)
  const tbsDer = encodeSequence(
    encodeInteger(1),
    key.signatureAlgorithm.identifierDer,
    template.issuer.der,
    encodeTime(template.thisUpdate),
    encodeTime(template.nextUpdate),
    // Joined first: there may be more entries than a call can have arguments.
    ...(entries.length === 0 ? [] : [encodeSequence(Buffer.concat(entries))]),
    encodeContext(
      0,
      encodeSequence(
        encodeAuthorityKeyIdentifier(template.authorityKeyIdentifier),
        encodeCrlNumber(template.crlNumber),
        ...(template.baseCrlNumber === undefined ? [] : [encodeDeltaCrlIndicator(template.baseCrlNumber)]),
      ),
    ),
  )
  return parseCrl(encodeSigned(tbsDer, key.signatureAlgorithm, await key.sign(tbsDer)))
}

function encodeEntry(entry: RevokedCertificate): Uint8Array {
  const extensions = [
    // RFC 5280 §5.3.1: an unspecified reason is left out.
    ...(entry.reason === 'unspecified'
      ? []
      : [entryExtension(OID.reasonCode, encodeEnumerated(REVOCATION_REASONS[entry.reason]))]),
    ...(entry.invalidityDate === undefined
      ? []
      : [entryExtension(OID.invalidityDate, encodeGeneralizedTime(entry.invalidityDate))]),
  ]
  return encodeSequence(
    encodeUnsigned(Buffer.from(entry.serialNumber, 'hex')),
    encodeTime(entry.revocationDate),
    ...(extensions.length === 0 ? [] : [encodeSequence(...extensions)]),
  )
}

function entryExtension(oid: string, value: Uint8Array): Uint8Array {
  return encodeSequence(encodeObjectIdentifier(oid), encodeOctetString(value))
}
