/**
 * The object identifiers that signet names, with the document that assigns each.
 *
 * @module asn1/oids (floor 1)
 */

import { UsageError } from '../errors/index.js'

/**
 * The arc of signet's own identifiers: a UUID (X.667 §6), 00000000-0000-83fc-8cd2-a92d182aef1c. It is of version 8
 * with 48 leading zero bits, so that an identifier under it takes 14 octets instead of 21 in every message.
 */
const SIGNET = '2.25.623288736121419893239580'

/**
 * The arc of signet's extended key purposes: a UUID in the form that Microsoft gives out for everybody's use, sixteen or
 * twenty-four bits to an arc. Longer, which costs nothing in a message; but Go reads only arcs of 31 bits in a
 * certificate, and GnuTLS of 64.
 */
const SIGNET_PURPOSES = '1.2.840.113556.1.8000.2554.62617.18751.10130.24413.38901.10210912.14138964'

export const OID = {
  // signet
  signetMessage: `${SIGNET}.1`,
  signetMessageContext: `${SIGNET}.2`,
  signetTrustDirectory: `${SIGNET}.3`,
  signetMessageRecipients: `${SIGNET}.4`,
  signetTrustDelta: `${SIGNET}.21`,
  signetRouteStep: `${SIGNET}.11`,
  signetEnvelopeManifest: `${SIGNET}.12`,
  signetEnvelopePart: `${SIGNET}.13`,
  signetEnvelopePartContext: `${SIGNET}.14`,
  signetKpMessageSigning: `${SIGNET_PURPOSES}.1`,
  signetKpTrustDirectory: `${SIGNET_PURPOSES}.2`,
  signetKpMessageEncryption: `${SIGNET_PURPOSES}.3`,

  // Public keys: RFC 5480, RFC 8017, RFC 8410, RFC 9881
  ecPublicKey: '1.2.840.10045.2.1',
  rsaEncryption: '1.2.840.113549.1.1.1',
  rsaPss: '1.2.840.113549.1.1.10',
  mgf1: '1.2.840.113549.1.1.8',
  ed25519: '1.3.101.112',
  mlDsa44: '2.16.840.1.101.3.4.3.17',
  mlDsa65: '2.16.840.1.101.3.4.3.18',
  mlDsa87: '2.16.840.1.101.3.4.3.19',
  prime256v1: '1.2.840.10045.3.1.7',
  secp384r1: '1.3.132.0.34',

  // Signatures: RFC 5758, RFC 8017
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  ecdsaWithSha384: '1.2.840.10045.4.3.3',
  ecdsaWithSha512: '1.2.840.10045.4.3.4',
  sha256WithRsa: '1.2.840.113549.1.1.11',
  sha384WithRsa: '1.2.840.113549.1.1.12',
  sha512WithRsa: '1.2.840.113549.1.1.13',

  // Signatures that are off the allow-list: RFC 3279, RFC 5758, RFC 8410
  sha1WithRsa: '1.2.840.113549.1.1.5',
  sha224WithRsa: '1.2.840.113549.1.1.14',
  ecdsaWithSha1: '1.2.840.10045.4.1',
  ecdsaWithSha224: '1.2.840.10045.4.3.1',
  dsa: '1.2.840.10040.4.1',
  dsaWithSha1: '1.2.840.10040.4.3',
  dsaWithSha224: '2.16.840.1.101.3.4.3.1',
  dsaWithSha256: '2.16.840.1.101.3.4.3.2',
  ed448: '1.3.101.113',

  // OCSP: RFC 6960, RFC 9654
  ocsp: '1.3.6.1.5.5.7.48.1',
  ocspBasic: '1.3.6.1.5.5.7.48.1.1',
  ocspNonce: '1.3.6.1.5.5.7.48.1.2',
  ocspResponse: '1.3.6.1.5.5.7.48.1.4',
  ocspNoCheck: '1.3.6.1.5.5.7.48.1.5',
  caIssuers: '1.3.6.1.5.5.7.48.2',

  // Digests: RFC 5754
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',

  // Password-based encryption: RFC 8018, RFC 7914
  pbes2: '1.2.840.113549.1.5.13',
  pbkdf2: '1.2.840.113549.1.5.12',
  scrypt: '1.3.6.1.4.1.11591.4.11',
  hmacWithSha256: '1.2.840.113549.2.9',
  hmacWithSha384: '1.2.840.113549.2.10',
  hmacWithSha512: '1.2.840.113549.2.11',
  aes256Cbc: '2.16.840.1.101.3.4.1.42',
  aes128Cbc: '2.16.840.1.101.3.4.1.2',

  // Attribute types: RFC 4519, RFC 5280 appendix A
  commonName: '2.5.4.3',
  surname: '2.5.4.4',
  serialNumber: '2.5.4.5',
  countryName: '2.5.4.6',
  localityName: '2.5.4.7',
  stateOrProvinceName: '2.5.4.8',
  streetAddress: '2.5.4.9',
  organizationName: '2.5.4.10',
  organizationalUnitName: '2.5.4.11',
  title: '2.5.4.12',
  givenName: '2.5.4.42',
  domainComponent: '0.9.2342.19200300.100.1.25',
  userId: '0.9.2342.19200300.100.1.1',
  emailAddress: '1.2.840.113549.1.9.1',

  // Certificate and CRL extensions: RFC 5280 §4.2, §5.2
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  issuerAltName: '2.5.29.18',
  basicConstraints: '2.5.29.19',
  crlNumber: '2.5.29.20',
  reasonCode: '2.5.29.21',
  invalidityDate: '2.5.29.24',
  deltaCrlIndicator: '2.5.29.27',
  issuingDistributionPoint: '2.5.29.28',
  certificateIssuer: '2.5.29.29',
  nameConstraints: '2.5.29.30',
  crlDistributionPoints: '2.5.29.31',
  certificatePolicies: '2.5.29.32',
  anyPolicy: '2.5.29.32.0',
  policyMappings: '2.5.29.33',
  authorityKeyIdentifier: '2.5.29.35',
  policyConstraints: '2.5.29.36',
  extKeyUsage: '2.5.29.37',
  freshestCrl: '2.5.29.46',
  inhibitAnyPolicy: '2.5.29.54',
  authorityInfoAccess: '1.3.6.1.5.5.7.1.1',

  // Extended key purposes: RFC 5280 §4.2.1.12
  anyExtendedKeyUsage: '2.5.29.37.0',
  kpServerAuth: '1.3.6.1.5.5.7.3.1',
  kpClientAuth: '1.3.6.1.5.5.7.3.2',
  kpCodeSigning: '1.3.6.1.5.5.7.3.3',
  kpEmailProtection: '1.3.6.1.5.5.7.3.4',
  kpTimeStamping: '1.3.6.1.5.5.7.3.8',
  kpOcspSigning: '1.3.6.1.5.5.7.3.9',

  // Other names: RFC 9598
  smtpUtf8Mailbox: '1.3.6.1.5.5.7.8.9',

  // CMS: RFC 5652, RFC 5035, RFC 6211, RFC 8551
  data: '1.2.840.113549.1.7.1',
  signedData: '1.2.840.113549.1.7.2',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
  counterSignature: '1.2.840.113549.1.9.6',
  smimeCapabilities: '1.2.840.113549.1.9.15',
  signingCertificate: '1.2.840.113549.1.9.16.2.12',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
  cmsAlgorithmProtection: '1.2.840.113549.1.9.52',

  // CMS encryption: RFC 5083, RFC 5084, RFC 3565, RFC 5753, RFC 4055
  envelopedData: '1.2.840.113549.1.7.3',
  authEnvelopedData: '1.2.840.113549.1.9.16.1.23',
  aes256Gcm: '2.16.840.1.101.3.4.1.46',
  aes256Wrap: '2.16.840.1.101.3.4.1.45',
  stdDhSha256Kdf: '1.3.132.1.11.1',
  stdDhSha384Kdf: '1.3.132.1.11.2',
  rsaesOaep: '1.2.840.113549.1.1.7',
  pSpecified: '1.2.840.113549.1.1.9',

  // PKCS #9 attributes of certification requests: RFC 2985
  challengePassword: '1.2.840.113549.1.9.7',
  extensionRequest: '1.2.840.113549.1.9.14',
} as const

const NAMES: ReadonlyMap<string, string> = new Map(Object.entries(OID).map(([name, oid]) => [oid, name]))

/** Whether an object identifier is among {@link OID}. */
export function hasName(oid: string): boolean {
  return NAMES.has(oid)
}

/**
 * An OID as people write it: dotted.
 *
 * @throws {@link UsageError} `ERR_CONFIG_INVALID`
 */
export function parseOidText(text: string): string {
  if (!/^[0-2](\.(0|[1-9][0-9]{0,38})){1,63}$/.test(text)) {
    throw new UsageError('ERR_CONFIG_INVALID', `not an object identifier: ${JSON.stringify(text)}`, {
      hint: 'write 1.3.6.1.4.1.99999.1',
    })
  }
  return text
}

/** The name that signet gives an OID, or its dotted text. For people only; decisions compare OIDs. */
export function oidName(oid: string): string {
  return NAMES.get(oid) ?? oid
}
