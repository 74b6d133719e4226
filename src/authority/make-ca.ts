/**
 * Certificates of CAs: what a root signs.
 *
 * @module authority/make-ca (floor 7)
 */
import { OID } from '../asn1/index.js'
import { keyIdentifierOf, type KeyProvider, type PublicKey, samePublicKey } from '../crypto/index.js'
import { DeniedError } from '../errors/index.js'
import { validatePath } from '../path/index.js'
import { addSeconds, DAY } from '../time/index.js'
import {
  buildName,
  type Certificate,
  type CertificationRequest,
  encodeAuthorityKeyIdentifier,
  encodeBasicConstraints,
  encodeKeyUsage,
  encodeNameConstraints,
  encodeSigned,
  encodeSubjectKeyIdentifier,
  encodeTbsCertificate,
  generateSerial,
  Name,
  type NameConstraints,
  parseCertificate,
} from '../x509/index.js'
import { BACKDATE_SECONDS } from './approve-validity.js'

/** The root lives ten years, the issuing CA three. */
export const ROOT_VALIDITY_SECONDS = 10 * 365 * DAY
export const ISSUING_CA_VALIDITY_SECONDS = 3 * 365 * DAY

/** A root with its key. */
export interface RootSigner {
  readonly certificate: Certificate
  readonly key: KeyProvider
}

/** How the CAs of a deployment are called. */
export function caName(trustDomain: string, role: string): Name {
  return buildName([
    [OID.organizationName, trustDomain],
    [OID.commonName, `signet ${role}`],
  ])
}

/** Make a root: self-signed, pathLen 1. */
export async function makeRootCa(subject: Name, key: KeyProvider, at: Date): Promise<Certificate> {
  const keyIdentifier = keyIdentifierOf(key.publicKey)
  const root = await signCa(key, {
    issuer: subject,
    subject,
    publicKey: key.publicKey,
    at,
    notAfter: addSeconds(at, ROOT_VALIDITY_SECONDS),
    extensionsDer: [
      encodeBasicConstraints({ ca: true, pathLenConstraint: 1 }),
      encodeKeyUsage(['keyCertSign', 'cRLSign']),
      encodeSubjectKeyIdentifier(keyIdentifier),
      encodeAuthorityKeyIdentifier(keyIdentifier),
    ],
  })
  validatePath(root, { anchors: [root], at, purpose: 'allow-any', revocation: 'allow-unchecked' })
  return root
}

/** Make an issuing CA: signed by the root, pathLen 0, constrained to some names. Its life ends with that of the root. */
export async function makeIssuingCa(
  { certificate: root, key }: RootSigner,
  {
    subject,
    publicKey,
    constraints,
    at,
  }: {
    readonly subject: Name
    readonly publicKey: PublicKey
    readonly constraints: NameConstraints
    readonly at: Date
  },
): Promise<Certificate> {
  const wanted = addSeconds(at, ISSUING_CA_VALIDITY_SECONDS)
  const issuing = await signCa(key, {
    issuer: root.subject,
    subject,
    publicKey,
    at,
    notAfter: wanted < root.notAfter ? wanted : root.notAfter,
    extensionsDer: [
      encodeBasicConstraints({ ca: true, pathLenConstraint: 0 }),
      encodeKeyUsage(['keyCertSign', 'cRLSign']),
      encodeSubjectKeyIdentifier(keyIdentifierOf(publicKey)),
      encodeAuthorityKeyIdentifier(keyIdentifierOf(key.publicKey)),
      encodeNameConstraints(constraints),
    ],
  })
  validatePath(issuing, { anchors: [root], at, purpose: 'allow-any', revocation: 'allow-unchecked' })
  return issuing
}

/**
 * Sign the next issuing CA, as the one before but for key and name: what the root certified once, it certifies again. Of
 * the request, nothing else is looked at.
 *
 * @param before - An issuing CA that this root signed: its constraints are copied.
 * @throws {@link DeniedError} `ERR_ISSUE_PROFILE` where that is not what it should be, or the request names no other CA of
 * the same organization
 * @throws {@link TrustError} what path validation refuses of the one before
 */
export async function signIssuingCa(
  root: RootSigner,
  request: CertificationRequest,
  before: Certificate,
  at: Date,
): Promise<Certificate> {
  const refuse = (why: string): DeniedError =>
    new DeniedError('ERR_ISSUE_PROFILE', `the root does not sign this issuing CA: ${why}`, {
      details: { subject: request.subject.toString() },
    })
  const anchors = [root.certificate]
  validatePath(before, { anchors, at: before.notBefore, purpose: 'allow-any', revocation: 'allow-unchecked' })
  const { nameConstraints } = before
  if (before.basicConstraints?.ca !== true || nameConstraints === undefined) {
    throw refuse('the one before is no issuing CA of a deployment')
  }
  if (samePublicKey(request.publicKey, before.publicKey) || samePublicKey(request.publicKey, root.key.publicKey)) {
    throw refuse('its key is that of another CA')
  }
  if (!isSibling(request.subject, before.subject)) throw refuse('its name is not one of the same organization')
  return makeIssuingCa(root, {
    subject: request.subject,
    publicKey: request.publicKey,
    constraints: nameConstraints,
    at,
  })
}

/** Whether two names differ in their last attribute, and in nothing else. */
function isSibling(one: Name, other: Name): boolean {
  const head = ({ rdns }: Name): Name => new Name(rdns.slice(0, -1), new Uint8Array())
  const lastTypes = ({ rdns }: Name): string => (rdns.at(-1) ?? []).map(({ type }) => type).join(' ')
  return !one.equals(other) && head(one).equals(head(other)) && lastTypes(one) === lastTypes(other)
}

/** What a root puts into the certificate of a CA. */
export interface CaTemplate {
  readonly issuer: Name
  readonly subject: Name
  readonly publicKey: PublicKey
  readonly at: Date
  readonly notAfter: Date
  readonly extensionsDer: readonly Uint8Array[]
}

/** Sign the certificate of a CA. What it may be was decided before: see the functions above, and `crossSign`. */
export async function signCa(
  key: KeyProvider,
  { issuer, subject, publicKey, at, notAfter, extensionsDer }: CaTemplate,
): Promise<Certificate> {
  const tbsDer = encodeTbsCertificate({
    serialNumberOctets: generateSerial(),
    signatureAlgorithm: key.signatureAlgorithm,
    issuer,
    notBefore: addSeconds(at, -BACKDATE_SECONDS),
    notAfter,
    subject,
    spkiDer: publicKey.spkiDer,
    extensionsDer,
  })
  return parseCertificate(encodeSigned(tbsDer, key.signatureAlgorithm, await key.sign(tbsDer)))
}
