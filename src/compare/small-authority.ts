/**
 * A root and an issuing CA in memory, whose certificates have the extensions that `signet init` and `signet issue` give
 * theirs, and always the same length: keys, names and serial numbers do not vary in it, signatures are the longest.
 *
 * @module compare/small-authority (floor 7.2)
 */
import type { KeyObject } from 'node:crypto'
import { OID } from '../asn1/index.js'
import { BACKDATE_SECONDS, type Profile } from '../authority/index.js'
import { generatePrivateKey, keyIdentifierOf, type PublicKey, publicKeyOf } from '../crypto/index.js'
import type { Identity } from '../identity/index.js'
import { addSeconds, DAY } from '../time/index.js'
import {
  buildName,
  type Certificate,
  createCrl,
  type Crl,
  encodeAuthorityKeyIdentifier,
  encodeBasicConstraints,
  encodeExtKeyUsage,
  encodeKeyUsage,
  encodeNameConstraints,
  encodeSigned,
  encodeSubjectAltName,
  encodeSubjectKeyIdentifier,
  encodeTbsCertificate,
  generateSerial,
  type GeneralName,
  type KeyUsage,
  type Name,
  parseCertificate,
} from '../x509/index.js'
import { SteadyKeyProvider } from './steady-key.js'

/** A certificate with its key. */
export interface SteadyHolder {
  readonly certificate: Certificate
  readonly key: SteadyKeyProvider
}

export interface SmallAuthority {
  readonly root: SteadyHolder
  readonly issuing: SteadyHolder
  certify(identity: Identity, profile: Profile, privateKey: KeyObject): Certificate
  crl(issuer: SteadyHolder): Promise<Crl>
}

export const TRUST_DOMAIN = 'cloud.example'
const CA_DAYS = 3 * 365
const NODE_DAYS = 30

export function makeSmallAuthority(at: Date): SmallAuthority {
  const root = makeCa('root', undefined, at)
  const issuing = makeCa('issuing', root, at)
  const issuer = { name: issuing.certificate.subject, key: issuing.key }
  return {
    root,
    issuing,
    certify: (identity, profile, privateKey) => {
      const publicKey = publicKeyOf(privateKey)
      return sign(issuer, {
        publicKey,
        subject: buildName([
          [OID.organizationName, TRUST_DOMAIN],
          [OID.organizationalUnitName, identity.service],
          [OID.commonName, identity.entity],
        ]),
        days: NODE_DAYS,
        at,
        extensionsDer: [
          encodeBasicConstraints({ ca: false, pathLenConstraint: undefined }),
          encodeKeyUsage(usagesOf(profile, publicKey)),
          encodeExtKeyUsage(profile.extKeyUsage),
          encodeSubjectKeyIdentifier(keyIdentifierOf(publicKey)),
          encodeAuthorityKeyIdentifier(keyIdentifierOf(issuing.key.publicKey)),
          encodeSubjectAltName([{ kind: 'uri', value: identity.uri }], false),
        ],
      })
    },
    crl: ({ certificate, key }) =>
      createCrl(
        {
          issuer: certificate.subject,
          authorityKeyIdentifier: keyIdentifierOf(key.publicKey),
          crlNumber: 1,
          thisUpdate: at,
          nextUpdate: addSeconds(at, DAY),
          revokedCertificates: [],
        },
        key,
      ),
  }
}

function makeCa(role: string, issuer: SteadyHolder | undefined, at: Date): SteadyHolder {
  const key = new SteadyKeyProvider(generatePrivateKey('p256'))
  const subject = buildName([
    [OID.organizationName, TRUST_DOMAIN],
    [OID.commonName, `signet ${role} CA`],
  ])
  const issuerKey = issuer?.key ?? key
  const certificate = sign(
    { name: issuer?.certificate.subject ?? subject, key: issuerKey },
    {
      publicKey: key.publicKey,
      subject,
      days: CA_DAYS,
      at,
      extensionsDer: [
        encodeBasicConstraints({ ca: true, pathLenConstraint: issuer === undefined ? 1 : 0 }),
        encodeKeyUsage(['keyCertSign', 'cRLSign']),
        encodeSubjectKeyIdentifier(keyIdentifierOf(key.publicKey)),
        encodeAuthorityKeyIdentifier(keyIdentifierOf(issuerKey.publicKey)),
        ...(issuer === undefined ? [] : [constraints()]),
      ],
    },
  )
  return { certificate, key }
}

/** As `signet init` constrains an issuing CA: to its domain, and to the address ranges of its default. */
function constraints(): Uint8Array {
  const ranges: readonly GeneralName[] = ADDRESS_RANGES.map((range) => ({
    kind: 'ip',
    octets: Buffer.from(range, 'hex'),
  }))
  const names: readonly GeneralName[] = [
    { kind: 'dns', value: TRUST_DOMAIN },
    { kind: 'uri', value: TRUST_DOMAIN },
  ]
  return encodeNameConstraints({ permitted: [...names, ...ranges], excluded: [] })
}

/** Addresses and masks for private use (RFC 1918, RFC 4193) and loopback. */
const ADDRESS_RANGES = [
  '0a000000ff000000',
  'ac100000fff00000',
  'c0a80000ffff0000',
  '7f000000ff000000',
  `fc${'00'.repeat(15)}fe${'00'.repeat(15)}`,
  `${'00'.repeat(15)}01${'ff'.repeat(16)}`,
]

/** A key agrees on keys, or wraps them. */
function usagesOf({ keyUsage }: Profile, { family }: PublicKey): readonly KeyUsage[] {
  const other: KeyUsage = family === 'rsa' ? 'keyAgreement' : 'keyEncipherment'
  return keyUsage.filter((usage) => usage !== other)
}

interface Template {
  readonly publicKey: PublicKey
  readonly subject: Name
  readonly days: number
  readonly at: Date
  readonly extensionsDer: readonly Uint8Array[]
}

function sign(issuer: { readonly name: Name; readonly key: SteadyKeyProvider }, template: Template): Certificate {
  const { publicKey, subject, days, at, extensionsDer } = template
  const { signatureAlgorithm } = issuer.key
  const tbsDer = encodeTbsCertificate({
    serialNumberOctets: generateSerial(),
    signatureAlgorithm,
    issuer: issuer.name,
    notBefore: addSeconds(at, -BACKDATE_SECONDS),
    notAfter: addSeconds(at, days * DAY),
    subject,
    spkiDer: publicKey.spkiDer,
    extensionsDer,
  })
  return parseCertificate(encodeSigned(tbsDer, signatureAlgorithm, issuer.key.sign(tbsDer)))
}
