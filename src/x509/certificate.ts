/**
 * Certificates (RFC 5280 §4.1): read by our strict reader, each extension once and when asked for.
 *
 * @module x509/certificate (floor 3)
 */
import {
  CERTIFICATE_LIMITS,
  contextConstructed,
  contextPrimitive,
  type DerLimits,
  DerReader,
  encodePem,
  equalBytes,
  OID,
  readPemOrDer,
} from '../asn1/index.js'
import {
  type AlgorithmIdentifier,
  type AlgorithmPolicy,
  digestOctets,
  parsePublicKey,
  parseVerifyingKey,
  type PublicKey,
  readAlgorithmIdentifier,
  type VerifyingKey,
} from '../crypto/index.js'
import { InternalError, TrustError } from '../errors/index.js'
import { type DistributionPoint, readCrlDistributionPoints } from './distribution-points.js'
import {
  type AuthorityKeyIdentifier,
  type BasicConstraints,
  type Extension,
  type KeyUsage,
  type NameConstraints,
  readAuthorityKeyIdentifier,
  readBasicConstraints,
  readExtensions,
  readExtensionValue,
  readExtKeyUsage,
  readKeyUsage,
  readNameConstraints,
  readSubjectAltName,
  readSubjectKeyIdentifier,
} from './extensions.js'
import type { GeneralName } from './general-name.js'
import { type AccessDescription, readAuthorityInfoAccess } from './information-access.js'
import { named } from './malformed.js'
import { Name } from './name.js'
import {
  type CertificatePolicies,
  type PolicyConstraints,
  type PolicyMapping,
  readCertificatePolicies,
  readInhibitAnyPolicy,
  readPolicyConstraints,
  readPolicyMappings,
} from './policy-extensions.js'
import { hex, serialText } from './serial-number.js'
import { readSigned } from './signed.js'

export const CERTIFICATE_LABEL = 'CERTIFICATE'

/** Extensions that are read here, by OID. */
const EXTENSION_READERS: ReadonlyMap<string, (reader: DerReader) => unknown> = new Map<
  string,
  (reader: DerReader) => unknown
>([
  [OID.basicConstraints, readBasicConstraints],
  [OID.keyUsage, readKeyUsage],
  [OID.extKeyUsage, readExtKeyUsage],
  [OID.subjectKeyIdentifier, readSubjectKeyIdentifier],
  [OID.authorityKeyIdentifier, readAuthorityKeyIdentifier],
  [OID.subjectAltName, readSubjectAltName],
  [OID.nameConstraints, readNameConstraints],
  [OID.crlDistributionPoints, readCrlDistributionPoints],
  [OID.authorityInfoAccess, readAuthorityInfoAccess],
  [OID.certificatePolicies, readCertificatePolicies],
  [OID.policyMappings, readPolicyMappings],
  [OID.policyConstraints, readPolicyConstraints],
  [OID.inhibitAnyPolicy, readInhibitAnyPolicy],
])

/** What a certificate says. Believing it takes a path to a trust anchor (`path`). */
export class Certificate {
  readonly der: Uint8Array
  readonly tbsDer: Uint8Array
  readonly version: 1 | 2 | 3
  /** Content octets of the INTEGER. */
  readonly serialNumberOctets: Uint8Array
  readonly signatureAlgorithm: AlgorithmIdentifier
  readonly signatureValue: Uint8Array
  readonly issuer: Name
  readonly subject: Name
  readonly notBefore: Date
  readonly notAfter: Date
  readonly spkiDer: Uint8Array
  readonly extensions: ReadonlyMap<string, Extension>
  readonly #memo = new Map<string, unknown>()

  constructor(fields: CertificateFields) {
    this.der = fields.der
    this.tbsDer = fields.tbsDer
    this.version = fields.version
    this.serialNumberOctets = fields.serialNumberOctets
    this.signatureAlgorithm = fields.signatureAlgorithm
    this.signatureValue = fields.signatureValue
    this.issuer = fields.issuer
    this.subject = fields.subject
    this.notBefore = fields.notBefore
    this.notAfter = fields.notAfter
    this.spkiDer = fields.spkiDer
    this.extensions = fields.extensions
  }

  /** Canonical serial number: lower-case hexadecimal. */
  get serialNumber(): string {
    return serialText(this.serialNumberOctets)
  }

  /** SHA-256 of the whole certificate. Shared: do not change it. */
  get fingerprintOctets(): Uint8Array {
    return this.#once('fingerprintOctets', () => digestOctets('sha256', this.der))
  }

  /** SHA-256 of the whole certificate, lower-case hexadecimal. */
  get fingerprint(): string {
    return this.#once('fingerprint', () => hex(this.fingerprintOctets))
  }

  /**
   * The subject's public key.
   *
   * @throws {@link TrustError} `ERR_KEY_NOT_ALLOWED`
   */
  get publicKey(): PublicKey {
    return this.#once('publicKey', () => parsePublicKey(this.spkiDer))
  }

  /**
   * Take a key that was parsed before for the subject's, so that it need not be parsed again.
   *
   * @throws {@link InternalError} `ERR_INTERNAL` if its SubjectPublicKeyInfo is not this certificate's, octet by octet
   */
  adoptPublicKey(key: PublicKey): void {
    if (!equalBytes(key.spkiDer, this.spkiDer))
      throw new InternalError('ERR_INTERNAL', 'the key of another certificate')
    this.#memo.set('publicKey', key)
  }

  /**
   * The subject's public key for verifying only, where the caller may allow weak ones.
   *
   * @throws {@link TrustError} `ERR_KEY_NOT_ALLOWED`
   */
  verifyingKey(policy: AlgorithmPolicy): VerifyingKey {
    return policy === 'listed'
      ? this.publicKey
      : this.#once('verifyingKey', () => parseVerifyingKey(this.spkiDer, policy))
  }

  get basicConstraints(): BasicConstraints | undefined {
    return this.#extension(OID.basicConstraints, readBasicConstraints)
  }

  get keyUsage(): ReadonlySet<KeyUsage> | undefined {
    return this.#extension(OID.keyUsage, readKeyUsage)
  }

  get extKeyUsage(): ReadonlySet<string> | undefined {
    return this.#extension(OID.extKeyUsage, readExtKeyUsage)
  }

  get subjectKeyIdentifier(): Uint8Array | undefined {
    return this.#extension(OID.subjectKeyIdentifier, readSubjectKeyIdentifier)
  }

  get authorityKeyIdentifier(): AuthorityKeyIdentifier | undefined {
    return this.#extension(OID.authorityKeyIdentifier, readAuthorityKeyIdentifier)
  }

  get subjectAltName(): readonly GeneralName[] {
    return this.#extension(OID.subjectAltName, readSubjectAltName) ?? []
  }

  get nameConstraints(): NameConstraints | undefined {
    return this.#extension(OID.nameConstraints, readNameConstraints)
  }

  get crlDistributionPoints(): readonly DistributionPoint[] | undefined {
    return this.#extension(OID.crlDistributionPoints, readCrlDistributionPoints)
  }

  get authorityInfoAccess(): readonly AccessDescription[] | undefined {
    return this.#extension(OID.authorityInfoAccess, readAuthorityInfoAccess)
  }

  get certificatePolicies(): CertificatePolicies | undefined {
    return this.#extension(OID.certificatePolicies, readCertificatePolicies)
  }

  get policyMappings(): readonly PolicyMapping[] | undefined {
    return this.#extension(OID.policyMappings, readPolicyMappings)
  }

  get policyConstraints(): PolicyConstraints | undefined {
    return this.#extension(OID.policyConstraints, readPolicyConstraints)
  }

  get inhibitAnyPolicy(): number | undefined {
    return this.#extension(OID.inhibitAnyPolicy, readInhibitAnyPolicy)
  }

  /**
   * Read the value of every extension that is known here, asked for or not.
   *
   * @throws {@link EncodingError} `ERR_EXTENSION_MALFORMED`
   */
  readAllExtensions(): void {
    for (const oid of this.extensions.keys()) this.readExtension(oid)
  }

  /**
   * Read the value of an extension, if it is there and known here.
   *
   * @throws {@link EncodingError} `ERR_EXTENSION_MALFORMED`
   */
  readExtension(oid: string): void {
    const read = EXTENSION_READERS.get(oid)
    if (read !== undefined) this.#extension(oid, read)
  }

  /** Subject key identifier as canonical text, or `''` where there is none. */
  get keyIdentifier(): string {
    return hex(this.subjectKeyIdentifier ?? new Uint8Array())
  }

  /** Subject and issuer are one name (RFC 5280 §6.1 calls this self-issued; it proves nothing). */
  get isSelfIssued(): boolean {
    return this.#once('isSelfIssued', () => this.subject.equals(this.issuer))
  }

  /** The same octets. */
  equals(other: Certificate): boolean {
    return equalBytes(this.der, other.der)
  }

  toPem(): string {
    return encodePem(CERTIFICATE_LABEL, this.der)
  }

  #extension<T>(oid: string, read: (reader: DerReader) => T): T | undefined {
    const extension = this.extensions.get(oid)
    return extension === undefined ? undefined : this.#once(oid, () => readExtensionValue(extension, read))
  }

  #once<T>(what: string, compute: () => T): T {
    if (!this.#memo.has(what)) this.#memo.set(what, compute())
    return this.#memo.get(what) as T
  }
}

interface CertificateFields {
  readonly der: Uint8Array
  readonly tbsDer: Uint8Array
  readonly version: 1 | 2 | 3
  readonly serialNumberOctets: Uint8Array
  readonly signatureAlgorithm: AlgorithmIdentifier
  readonly signatureValue: Uint8Array
  readonly issuer: Name
  readonly subject: Name
  readonly notBefore: Date
  readonly notAfter: Date
  readonly spkiDer: Uint8Array
  readonly extensions: ReadonlyMap<string, Extension>
}

/**
 * Parse one certificate in DER.
 *
 * Checks its form: strict DER, one signature algorithm inside and outside, a positive serial number of at most 20
 * octets, times in order, extensions only in version 3 and each once. Checks no signature and no trust; values of
 * extensions are read when asked for.
 *
 * @param der - Shared, not copied: do not change it afterwards.
 * @throws {@link EncodingError} `ERR_CERTIFICATE_MALFORMED`, `ERR_EXTENSION_DUPLICATE`, `ERR_SERIAL_MALFORMED`
 * @throws {@link TrustError} `ERR_ALGORITHM_MISMATCH`
 * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED`, `ERR_DER_DEPTH`
 * @see RFC 5280 §4.1
 */
export function parseCertificate(der: Uint8Array, limits: DerLimits = CERTIFICATE_LIMITS): Certificate {
  return named('ERR_CERTIFICATE_MALFORMED', 'a certificate', () => {
    const reader = DerReader.over(der, limits)
    const certificate = readCertificate(reader)
    reader.finish()
    return certificate
  })
}

/** Read a certificate that is part of something larger. */
export function readCertificate(reader: DerReader): Certificate {
  const { der, tbsDer, tbs, signatureAlgorithm, signatureValue } = readSigned(reader)

  const version = readVersion(tbs)
  const serialNumberOctets = readSerial(tbs)
  const inner = readAlgorithmIdentifier(tbs)
  // RFC 5280 §4.1.1.2: the two must be the same; only the inner one is signed.
  requireSameAlgorithm(inner, signatureAlgorithm)
  const issuer = Name.read(tbs)
  const validity = tbs.sequence()
  const notBefore = validity.time()
  const notAfter = validity.time()
  validity.finish()
  if (notAfter < notBefore) throw tbs.error('ERR_CERTIFICATE_MALFORMED', 'notAfter is before notBefore')
  const subject = Name.read(tbs)
  const spkiDer = tbs.element(0x30)
  skipUniqueIdentifiers(tbs, version)
  const extensions = readVersion3Extensions(tbs, version)
  tbs.finish()
  return new Certificate({
    der,
    tbsDer,
    version,
    serialNumberOctets,
    signatureAlgorithm,
    signatureValue,
    issuer,
    subject,
    notBefore,
    notAfter,
    spkiDer,
    extensions,
  })
}

/** Parse every certificate of a file: one in DER, or PEM blocks with the label CERTIFICATE. */
export function parseCertificates(bytes: Uint8Array): readonly Certificate[] {
  return readPemOrDer(bytes, CERTIFICATE_LABEL).map((der) => parseCertificate(der))
}

function readVersion(tbs: DerReader): 1 | 2 | 3 {
  if (tbs.peek() !== contextConstructed(0)) return 1
  const fields = tbs.constructed(contextConstructed(0))
  const version = fields.smallInteger(255)
  fields.finish()
  // DER does not encode the default, which is v1(0).
  if (version !== 1 && version !== 2) throw tbs.error('ERR_CERTIFICATE_MALFORMED', 'the version is not 1, 2 or 3')
  return version === 1 ? 2 : 3
}

/** RFC 5280 §4.1.2.2: positive, at most 20 octets. */
export function readSerial(reader: DerReader): Uint8Array {
  const serial = reader.integer()
  if ((serial[0] as number) >= 0x80 || serial.length > 20 || (serial.length === 1 && serial[0] === 0)) {
    throw reader.error('ERR_SERIAL_MALFORMED', 'a serial number is positive and has at most 20 octets')
  }
  return serial
}

function skipUniqueIdentifiers(tbs: DerReader, version: number): void {
  for (const tag of [contextPrimitive(1), contextPrimitive(2)]) {
    if (tbs.peek() !== tag) continue
    if (version === 1) throw tbs.error('ERR_CERTIFICATE_MALFORMED', 'unique identifiers need version 2')
    tbs.bitString(tag)
  }
}

function readVersion3Extensions(tbs: DerReader, version: number): ReadonlyMap<string, Extension> {
  if (tbs.peek() !== contextConstructed(3)) return new Map()
  if (version !== 3) throw tbs.error('ERR_CERTIFICATE_MALFORMED', 'extensions need version 3')
  const explicit = tbs.constructed(contextConstructed(3))
  const extensions = readExtensions(explicit)
  explicit.finish()
  return extensions
}

/** The algorithm inside the signed part and the one outside must be the same octets. */
export function requireSameAlgorithm(inner: AlgorithmIdentifier, outer: AlgorithmIdentifier): void {
  if (!equalBytes(inner.der, outer.der)) {
    throw new TrustError('ERR_ALGORITHM_MISMATCH', 'the signature algorithms inside and outside differ', {
      details: { inside: inner.oid, outside: outer.oid },
    })
  }
}
