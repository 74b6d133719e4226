/** Certificates to measure with: small hierarchies, made to size. */
import { randomBytes } from 'node:crypto'
import { OID, encodeObjectIdentifier, encodeOctetString, encodeSequence } from '../dist/asn1/index.js'
import { generatePrivateKey, keyIdentifierOf, MemoryKeyProvider } from '../dist/crypto/index.js'
import {
  buildName,
  type Certificate,
  encodeAuthorityKeyIdentifier,
  encodeBasicConstraints,
  encodeKeyUsage,
  encodeNameConstraints,
  encodeSigned,
  encodeSubjectAltName,
  encodeSubjectKeyIdentifier,
  encodeTbsCertificate,
  parseCertificate,
  type RevokedCertificate,
} from '../dist/x509/index.js'

export const NOW = new Date('2027-01-01T00:00:00Z')

export interface Holder {
  readonly key: MemoryKeyProvider
  readonly certificate: Certificate
}

interface CertificateOptions {
  readonly key?: Holder
  readonly ca?: boolean
  readonly keyIdentifiers?: 'present' | 'absent'
  readonly organizationalUnits?: number
  readonly extensionsDer?: readonly Uint8Array[]
}

const holders = new Map<string, Holder>()

/** A CA that issued itself; the same name gets the same. */
export function holderOf(name: string): Holder {
  const found = holders.get(name)
  if (found !== undefined) return found
  const key = new MemoryKeyProvider(generatePrivateKey('p256'))
  const holder = { key, certificate: sign(name, name, key, key, { ca: true }) }
  holders.set(name, holder)
  return holder
}

/** A certificate of `issuer` for a name. */
export function certificateOf(name: string, issuer: Holder, options: CertificateOptions): Certificate {
  const issuerName = issuer.certificate.subject.texts(OID.commonName)[0] ?? ''
  return sign(name, issuerName, (options.key ?? holderOf(name)).key, issuer.key, options)
}

function sign(
  name: string,
  issuerName: string,
  key: MemoryKeyProvider,
  issuerKey: MemoryKeyProvider,
  options: CertificateOptions,
): Certificate {
  const units = Array.from(
    { length: options.organizationalUnits ?? 0 },
    (_, index) => [OID.organizationalUnitName, `unit ${index}`] as const,
  )
  const ids = options.keyIdentifiers !== 'absent'
  const tbsDer = encodeTbsCertificate({
    serialNumberOctets: Uint8Array.of(1, ...randomBytes(8)),
    signatureAlgorithm: issuerKey.signatureAlgorithm,
    issuer: buildName([[OID.commonName, issuerName]]),
    notBefore: new Date(NOW.getTime() - 86_400_000),
    notAfter: new Date(NOW.getTime() + 86_400_000),
    subject: buildName([...units, [OID.commonName, name]]),
    spkiDer: key.publicKey.spkiDer,
    extensionsDer: [
      encodeBasicConstraints({ ca: options.ca === true, pathLenConstraint: undefined }),
      encodeKeyUsage(options.ca === true ? ['keyCertSign', 'cRLSign'] : ['digitalSignature']),
      ...(ids ? [encodeSubjectKeyIdentifier(keyIdentifierOf(key.publicKey))] : []),
      ...(ids ? [encodeAuthorityKeyIdentifier(keyIdentifierOf(issuerKey.publicKey))] : []),
      ...(options.extensionsDer ?? []),
    ],
  })
  return parseCertificate(encodeSigned(tbsDer, issuerKey.signatureAlgorithm, issuerKey.sign(tbsDer)))
}

interface HierarchyOptions {
  readonly names: readonly string[]
  readonly permitted: readonly string[]
  readonly policies?: readonly string[]
  readonly organizationalUnits?: number
  readonly keyIdentifiers?: 'present' | 'absent'
}

/** Root, issuing CA with name constraints, node. */
export function hierarchyWith(options: HierarchyOptions): {
  readonly anchors: readonly Certificate[]
  readonly intermediates: readonly Certificate[]
  readonly target: Certificate
} {
  const { names, permitted, policies = [], organizationalUnits = 0, keyIdentifiers = 'present' } = options
  const root = holderOf('root')
  const policiesDer = policies.length === 0 ? [] : [encodePolicies(policies)]
  const issuing = certificateOf('issuing', root, {
    ca: true,
    keyIdentifiers,
    extensionsDer: [
      encodeNameConstraints({ permitted: permitted.map((value) => ({ kind: 'dns', value })), excluded: [] }),
      ...policiesDer,
    ],
  })
  const target = certificateOf('node', holderOf('issuing'), {
    keyIdentifiers,
    organizationalUnits,
    extensionsDer: [
      encodeSubjectAltName(
        names.map((value) => ({ kind: 'dns', value })),
        false,
      ),
      ...policiesDer,
    ],
  })
  return { anchors: [root.certificate], intermediates: [issuing], target }
}

function encodePolicies(policies: readonly string[]): Uint8Array {
  const value = encodeSequence(...policies.map((policy) => encodeSequence(encodeObjectIdentifier(policy))))
  return encodeSequence(encodeObjectIdentifier(OID.certificatePolicies), encodeOctetString(value))
}

/** As many revoked certificates, with random serial numbers; every third has a reason. */
export function revokedCertificates(count: number): readonly RevokedCertificate[] {
  return Array.from({ length: count }, (_, index) => {
    const serial = randomBytes(20)
    serial[0] = ((serial[0] ?? 0) & 0x7f) | 1
    return {
      serialNumber: serial.toString('hex'),
      revocationDate: NOW,
      reason: index % 3 === 0 ? 'superseded' : 'unspecified',
    }
  })
}
