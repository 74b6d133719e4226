/**
 * Certificates and CRLs for tests, around one fixed instant. Nothing here reads a clock.
 *
 * ```ts
 * const root = makeCertificate({ subject: 'Root', ca: true })
 * const node = makeCertificate({ subject: 'compute-07', issuer: root, names: [{ kind: 'dns', value: 'a.example' }] })
 * node.certificate.subject.toString() // 'CN=compute-07'
 * ```
 */
import { hash } from 'node:crypto'
import {
  generatePrivateKey,
  keyIdentifierOf,
  type KeyAlgorithmName,
  MemoryKeyProvider,
  SIGNATURE_ALGORITHMS,
  type SignatureAlgorithmName,
} from '../../src/crypto/index.js'
import { OID } from '../../src/asn1/index.js'
import { addSeconds, DAY } from '../../src/time/index.js'
import {
  buildName,
  type Certificate,
  createCrl,
  type Crl,
  encodeAuthorityKeyIdentifier,
  encodeBasicConstraints,
  encodeExtKeyUsage,
  encodeKeyUsage,
  encodeSigned,
  encodeSubjectAltName,
  encodeSubjectKeyIdentifier,
  encodeTbsCertificate,
  type GeneralName,
  type KeyUsage,
  Name,
  parseCertificate,
  type RevokedCertificate,
} from '../../src/x509/index.js'

/** Now, in tests: every certificate made here is valid then unless told otherwise. */
export const NOW = new Date('2027-01-01T00:00:00Z')
/** What certificates made here have as notBefore: the day before {@link NOW}. */
export const NOT_BEFORE = addSeconds(NOW, -DAY)
/** What certificates made here have as notAfter: a year after {@link NOW}. */
export const NOT_AFTER = addSeconds(NOW, 365 * DAY)

const keys = new Map<string, ReturnType<typeof generatePrivateKey>>()

/**
 * A private key of this kind. The same `owner` gets the same key, within one test file: making an RSA key takes long.
 */
export function privateKeyFor(
  owner: string,
  algorithm: KeyAlgorithmName = 'p256',
): ReturnType<typeof generatePrivateKey> {
  const id = `${algorithm} ${owner}`
  const key = keys.get(id) ?? generatePrivateKey(algorithm)
  keys.set(id, key)
  return key
}

/** As {@link privateKeyFor}, ready to sign. */
export function keyFor(
  owner: string,
  algorithm: KeyAlgorithmName = 'p256',
  signature?: SignatureAlgorithmName,
): MemoryKeyProvider {
  return new MemoryKeyProvider(
    privateKeyFor(owner, algorithm),
    signature === undefined ? undefined : SIGNATURE_ALGORITHMS[signature],
  )
}

/** A certificate with the key that it certifies. */
export interface Holder {
  readonly certificate: Certificate
  readonly key: MemoryKeyProvider
}

export interface CertificateOptions {
  /** A common name, or a whole name. Default `Test`. */
  readonly subject?: string | Name
  /** Default: self-signed. */
  readonly issuer?: Holder
  /** The kind of the subject's key. Default P-256. Ignored when `key` is given. */
  readonly algorithm?: KeyAlgorithmName
  /** The subject's key. Default: one per subject and kind. */
  readonly key?: MemoryKeyProvider
  /** What the issuer signs with. Default: what its key does by default. */
  readonly signature?: SignatureAlgorithmName
  readonly notBefore?: Date
  readonly notAfter?: Date
  /** Hexadecimal. Default: made of the names and the key, so that it is the same in every run of one process. */
  readonly serialNumber?: string
  /** Whether this is a CA: basicConstraints and keyUsage follow. Default no. */
  readonly ca?: boolean
  readonly pathLength?: number
  readonly keyUsage?: readonly KeyUsage[]
  /** Purposes, as OIDs. Default none: no extKeyUsage. */
  readonly purposes?: readonly string[]
  /** subjectAltName. Default none. */
  readonly names?: readonly GeneralName[]
  /** Extensions in DER after those that follow from the options above. */
  readonly moreExtensionsDer?: readonly Uint8Array[]
  /** All extensions in DER, instead of those that follow from the options above. */
  readonly extensionsDer?: readonly Uint8Array[]
}

/** Make and sign a certificate. */
export function makeCertificate(options: CertificateOptions = {}): Holder {
  const subject = typeof options.subject === 'object' ? options.subject : commonName(options.subject ?? 'Test')
  const key = options.key ?? keyFor(subject.toString(), options.algorithm)
  const issuerName = options.issuer?.certificate.subject ?? subject
  const issuerKey = options.issuer?.key ?? key
  const signing = options.signature === undefined ? issuerKey : signingWith(options.issuer, key, options.signature)
  const tbsDer = encodeTbsCertificate({
    serialNumberOctets: Buffer.from(options.serialNumber ?? serialOf(issuerName, subject, key), 'hex'),
    signatureAlgorithm: signing.signatureAlgorithm,
    issuer: issuerName,
    notBefore: options.notBefore ?? NOT_BEFORE,
    notAfter: options.notAfter ?? NOT_AFTER,
    subject,
    spkiDer: key.publicKey.spkiDer,
    extensionsDer: options.extensionsDer ?? [
      ...defaultExtensions(options, key, issuerKey),
      ...(options.moreExtensionsDer ?? []),
    ],
  })
  return { certificate: signCertificate(tbsDer, signing), key }
}

/** Sign any TBSCertificate. */
export function signCertificate(tbsDer: Uint8Array, key: MemoryKeyProvider): Certificate {
  return parseCertificate(encodeSigned(tbsDer, key.signatureAlgorithm, key.sign(tbsDer)))
}

/** A name of one common name. */
export function commonName(text: string): Name {
  return buildName([[OID.commonName, text]])
}

export interface CrlOptions {
  readonly issuer: Holder
  readonly revoked?: readonly RevokedCertificate[]
  readonly crlNumber?: number
  /** Default {@link NOT_BEFORE}. */
  readonly thisUpdate?: Date
  /** Default seven days after {@link NOW}. */
  readonly nextUpdate?: Date
}

/** Make and sign a CRL. */
export function makeCrl(options: CrlOptions): Promise<Crl> {
  const { issuer } = options
  return createCrl(
    {
      issuer: issuer.certificate.subject,
      authorityKeyIdentifier: keyIdentifierOf(issuer.key.publicKey),
      crlNumber: options.crlNumber ?? 1,
      thisUpdate: options.thisUpdate ?? NOT_BEFORE,
      nextUpdate: options.nextUpdate ?? addSeconds(NOW, 7 * DAY),
      revokedCertificates: options.revoked ?? [],
    },
    issuer.key,
  )
}

/** An entry of a CRL. */
export function revoked(
  serialNumber: string,
  reason: RevokedCertificate['reason'] = 'unspecified',
): RevokedCertificate {
  return { serialNumber, revocationDate: NOT_BEFORE, reason }
}

function defaultExtensions(
  options: CertificateOptions,
  key: MemoryKeyProvider,
  issuerKey: MemoryKeyProvider,
): Uint8Array[] {
  const ca = options.ca ?? false
  const keyUsage = options.keyUsage ?? (ca ? ['keyCertSign', 'cRLSign'] : ['digitalSignature'])
  const { purposes = [], names = [] } = options
  return [
    encodeBasicConstraints({ ca, pathLenConstraint: options.pathLength }),
    ...(keyUsage.length === 0 ? [] : [encodeKeyUsage(keyUsage)]),
    ...(purposes.length === 0 ? [] : [encodeExtKeyUsage(purposes)]),
    encodeSubjectKeyIdentifier(keyIdentifierOf(key.publicKey)),
    encodeAuthorityKeyIdentifier(keyIdentifierOf(issuerKey.publicKey)),
    ...(names.length === 0 ? [] : [encodeSubjectAltName(names, false)]),
  ]
}

function serialOf(issuer: Name, subject: Name, key: MemoryKeyProvider): string {
  const digest = hash('sha256', Buffer.concat([issuer.der, subject.der, key.publicKey.spkiDer]), 'hex')
  return `40${digest.slice(0, 38)}`
}

function signingWith(
  issuer: Holder | undefined,
  key: MemoryKeyProvider,
  name: SignatureAlgorithmName,
): MemoryKeyProvider {
  const wanted = issuer?.key ?? key
  for (const privateKey of keys.values()) {
    const candidate = new MemoryKeyProvider(privateKey, SIGNATURE_ALGORITHMS[name])
    if (Buffer.compare(candidate.publicKey.spkiDer, wanted.publicKey.spkiDer) === 0) return candidate
  }
  throw new Error('`signature` needs a key from keyFor or privateKeyFor')
}
