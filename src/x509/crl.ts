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
import { EncodingError } from '../errors/index.js'
import { named, readSerial, requireSameAlgorithm } from './certificate.js'
import { type IssuingDistributionPoint, readIssuingDistributionPoint } from './distribution-points.js'
import {
  type AuthorityKeyIdentifier,
  encodeAuthorityKeyIdentifier,
  encodeCrlNumber,
  type Extension,
  readAuthorityKeyIdentifier,
  readExtensions,
  readExtensionValue,
} from './extensions.js'
import { readGeneralNames } from './general-name.js'
import { Name } from './name.js'
import { serialText } from './serial-number.js'
import { encodeSigned, readSigned } from './signed.js'

const CRL_LABEL = 'X509 CRL'

/** CRLReason (RFC 5280 §5.3.1); 7 is not used. */
export const REVOCATION_REASONS = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  removeFromCRL: 8,
  privilegeWithdrawn: 9,
  aACompromise: 10,
} as const
export type RevocationReason = keyof typeof REVOCATION_REASONS

const REASONS_BY_NUMBER: ReadonlyMap<number, RevocationReason> = new Map(
  Object.entries(REVOCATION_REASONS).map(([name, number]) => [number, name as RevocationReason]),
)

export interface RevokedCertificate {
  /** Canonical serial number. */
  readonly serialNumber: string
  readonly revocationDate: Date
  readonly reason: RevocationReason
  readonly invalidityDate?: Date | undefined
}

/** What a CRL says. Believing it takes the issuer's key (`path`). */
export class Crl {
  readonly der: Uint8Array
  readonly tbsDer: Uint8Array
  readonly signatureAlgorithm: AlgorithmIdentifier
  readonly signatureValue: Uint8Array
  readonly issuer: Name
  readonly thisUpdate: Date
  /** RFC 5280 §5.1.2.5 requires it. */
  readonly nextUpdate: Date
  readonly extensions: ReadonlyMap<string, Extension>
  readonly #revoked: ReadonlyMap<string, RevokedCertificate>
  readonly unknownCriticalEntryExtension: boolean
  /** Whether entries name other issuers, which only an indirect CRL may (RFC 5280 §5.3.3). */
  readonly hasForeignEntries: boolean

  constructor(fields: CrlFields) {
    this.der = fields.der
    this.tbsDer = fields.tbsDer
    this.signatureAlgorithm = fields.signatureAlgorithm
    this.signatureValue = fields.signatureValue
    this.issuer = fields.issuer
    this.thisUpdate = fields.thisUpdate
    this.nextUpdate = fields.nextUpdate
    this.extensions = fields.extensions
    this.#revoked = fields.revoked
    this.unknownCriticalEntryExtension = fields.unknownCriticalEntryExtension
    this.hasForeignEntries = fields.hasForeignEntries
  }

  /**
   * The entry of a serial number, if it is on the list.
   *
   * @param issuer - Whose serial number; matters only in an indirect CRL. Default: the issuer of the CRL.
   */
  find(serialNumber: string, issuer: Name = this.issuer): RevokedCertificate | undefined {
    return this.#revoked.get(entryKey(serialNumber, issuer, this.issuer))
  }

  /** cRLNumber of the CRL that this one only changes (RFC 5280 §5.2.4), if it is such a delta CRL. */
  get baseCrlNumber(): string | undefined {
    const extension = this.extensions.get(OID.deltaCrlIndicator)
    return extension === undefined ? undefined : readExtensionValue(extension, readCrlNumber)
  }

  /** What the CRL is about, where that is not everything (RFC 5280 §5.2.5). */
  get issuingDistributionPoint(): IssuingDistributionPoint | undefined {
    const extension = this.extensions.get(OID.issuingDistributionPoint)
    return extension === undefined ? undefined : readExtensionValue(extension, readIssuingDistributionPoint)
  }

  get revokedCertificates(): readonly RevokedCertificate[] {
    return [...this.#revoked.values()]
  }

  /** cRLNumber (RFC 5280 §5.2.3) in canonical text, if stated. */
  get crlNumber(): string | undefined {
    const extension = this.extensions.get(OID.crlNumber)
    return extension === undefined ? undefined : readExtensionValue(extension, readCrlNumber)
  }

  get authorityKeyIdentifier(): AuthorityKeyIdentifier | undefined {
    const extension = this.extensions.get(OID.authorityKeyIdentifier)
    return extension === undefined ? undefined : readExtensionValue(extension, readAuthorityKeyIdentifier)
  }

  toPem(): string {
    return encodePem(CRL_LABEL, this.der)
  }
}

interface CrlFields {
  readonly der: Uint8Array
  readonly tbsDer: Uint8Array
  readonly signatureAlgorithm: AlgorithmIdentifier
  readonly signatureValue: Uint8Array
  readonly issuer: Name
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  readonly extensions: ReadonlyMap<string, Extension>
  readonly revoked: ReadonlyMap<string, RevokedCertificate>
  readonly unknownCriticalEntryExtension: boolean
  readonly hasForeignEntries: boolean
}

/**
 * Parse one CRL in DER. Checks its form; no signature, no freshness.
 *
 * @throws {@link EncodingError} `ERR_CRL_MALFORMED`, `ERR_EXTENSION_DUPLICATE`
 * @throws {@link TrustError} `ERR_ALGORITHM_MISMATCH`
 * @see RFC 5280 §5.1
 */
export function parseCrl(der: Uint8Array, limits: DerLimits = CRL_LIMITS): Crl {
  return named('ERR_CRL_MALFORMED', 'a CRL', () => {
    const reader = DerReader.over(der, limits)
    const crl = readCrl(reader)
    reader.finish()
    return crl
  })
}

/** Parse every CRL of a file: one in DER, or PEM blocks with the label X509 CRL. */
export function parseCrls(bytes: Uint8Array): readonly Crl[] {
  return readPemOrDer(bytes, CRL_LABEL).map((der) => parseCrl(der))
}

/** Read a CRL that is part of something larger. */
export function readCrl(reader: DerReader): Crl {
  const { der, tbsDer, tbs, signatureAlgorithm, signatureValue } = readSigned(reader)

  // RFC 5280 §5.1.2.1: the version is v2(1) or absent, and extensions need v2.
  const version = tbs.peek() === TAG.integer ? tbs.smallInteger(255) : undefined
  if (version !== undefined && version !== 1) throw tbs.error('ERR_CRL_MALFORMED', 'the version is not 2')
  requireSameAlgorithm(readAlgorithmIdentifier(tbs), signatureAlgorithm)
  const issuer = Name.read(tbs)
  const thisUpdate = tbs.time()
  if (tbs.peek() !== TAG.utcTime && tbs.peek() !== TAG.generalizedTime) {
    throw tbs.error('ERR_CRL_MALFORMED', 'nextUpdate is missing')
  }
  const nextUpdate = tbs.time()
  const entries = tbs.peek() === TAG.sequence ? readEntries(tbs.sequence(), issuer) : NO_ENTRIES
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
    revoked: entries.revoked,
    unknownCriticalEntryExtension: entries.unknownCritical,
    hasForeignEntries: entries.foreign,
  })
}

interface Entries {
  readonly revoked: ReadonlyMap<string, RevokedCertificate>
  readonly unknownCritical: boolean
  readonly foreign: boolean
}

const NO_ENTRIES: Entries = { revoked: new Map(), unknownCritical: false, foreign: false }

function readEntries(sequence: DerReader, issuer: Name): Entries {
  const revoked = new Map<string, RevokedCertificate>()
  let unknownCritical = false
  // RFC 5280 §5.3.3: an issuer, once named, goes for the entries that follow, too.
  let certificateIssuer = issuer
  let foreign = false
  while (!sequence.atEnd) {
    const fields = sequence.sequence()
    const serialNumber = serialText(readSerial(fields))
    const revocationDate = fields.time()
    let reason: RevocationReason = 'unspecified'
    let invalidityDate: Date | undefined
    if (!fields.atEnd) {
      for (const extension of readExtensions(fields).values()) {
        if (extension.oid === OID.reasonCode) reason = readReason(extension)
        else if (extension.oid === OID.invalidityDate)
          invalidityDate = readExtensionValue(extension, (value) => value.generalizedTime())
        else if (extension.oid === OID.certificateIssuer) {
          certificateIssuer = readCertificateIssuer(extension)
          foreign = true
        } else if (extension.critical) unknownCritical = true
      }
    }
    fields.finish()
    const key = entryKey(serialNumber, certificateIssuer, issuer)
    if (revoked.has(key)) throw fields.error('ERR_CRL_MALFORMED', 'a serial number is listed twice')
    revoked.set(key, { serialNumber, revocationDate, reason, invalidityDate })
  }
  // RFC 5280 §5.1.2.6: without entries the list is absent.
  if (revoked.size === 0) throw sequence.error('ERR_CRL_MALFORMED', 'a list of revoked certificates is empty')
  return { revoked, unknownCritical, foreign }
}

/** In an indirect CRL a serial number counts together with its issuer, where that is another than the CRL's. */
function entryKey(serialNumber: string, certificateIssuer: Name, crlIssuer: Name): string {
  return certificateIssuer.equals(crlIssuer) ? serialNumber : `${serialNumber} ${certificateIssuer.key}`
}

function readCertificateIssuer(extension: Extension): Name {
  const names = readExtensionValue(extension, (value) => readGeneralNames(value.sequence()))
  const directory = names.find((name) => name.kind === 'directory')
  if (directory === undefined)
    throw new EncodingError('ERR_CRL_MALFORMED', 'a certificate issuer has no distinguished name')
  return directory.name
}

/** RFC 5280 §5.2.3: from 0, at most 20 octets. */
function readCrlNumber(reader: DerReader): string {
  const number = reader.integer()
  if ((number[0] as number) >= 0x80 || number.length > 20) {
    throw reader.error('ERR_EXTENSION_MALFORMED', 'a CRL number is not negative and has at most 20 octets')
  }
  return serialText(number)
}

function readReason(extension: Extension): RevocationReason {
  const number = readExtensionValue(extension, (value) => value.enumerated(255))
  const reason = REASONS_BY_NUMBER.get(number)
  if (reason === undefined) throw new EncodingError('ERR_CRL_MALFORMED', `there is no revocation reason ${number}`)
  return reason
}

export interface CrlTemplate {
  readonly issuer: Name
  readonly authorityKeyIdentifier: Uint8Array
  readonly crlNumber: number
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  readonly revokedCertificates: readonly RevokedCertificate[]
}

/** Build and sign a full CRL. Entries are written in the order given. */
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
