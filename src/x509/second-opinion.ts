/**
 * What an independent implementation reads in a certificate: @peculiar/x509 with @peculiar/webcrypto.
 *
 * The one place that uses them. They take 0.1 s to load, so they are loaded only when asked. Only DER goes in: they
 * carry their own version of asn1js.
 *
 * @module x509/second-opinion (floor 3)
 */
import { equalBytes } from '../asn1/index.js'
import { TrustError } from '../errors/index.js'
import type { Certificate } from './certificate.js'
import { hex } from './serial-number.js'

/** Signature algorithms that @peculiar/webcrypto has. */
const KNOWN_FAMILIES: ReadonlySet<string> = new Set(['ec', 'rsa'])

/**
 * Have a certificate read by a second implementation and compare what decides: serial number, names, validity, public
 * key, the set of extensions, and the issuer's signature.
 *
 * It is no path validation. For Ed25519 and ML-DSA, which the other side does not have, the signature is left out.
 *
 * @throws {@link TrustError} `ERR_SECOND_OPINION` naming the field
 */
export async function compareSecondOpinion(certificate: Certificate, issuer: Certificate): Promise<void> {
  await import('reflect-metadata')
  const [x509, { Crypto }] = await Promise.all([import('@peculiar/x509'), import('@peculiar/webcrypto')])
  x509.cryptoProvider.set(new Crypto() as never)
  const read = (der: Uint8Array): Other => new x509.X509Certificate(Buffer.from(der))
  let facts: readonly Fact[]
  try {
    // It reads extensions and keys only when they are asked for: all of that can fail.
    facts = await compare(certificate, issuer, read(certificate.der), read(issuer.der))
  } catch (cause) {
    throw new TrustError('ERR_SECOND_OPINION', 'a second implementation cannot read the certificate', { cause })
  }
  const disagreement = facts.find(([, agrees]) => !agrees)
  if (disagreement !== undefined) {
    throw new TrustError('ERR_SECOND_OPINION', `a second implementation reads another ${disagreement[0]}`, {
      details: { field: disagreement[0], certificate: certificate.fingerprint },
    })
  }
}

type Other = InstanceType<(typeof import('@peculiar/x509'))['X509Certificate']>
type Fact = readonly [field: string, agrees: boolean]

async function compare(
  certificate: Certificate,
  issuer: Certificate,
  other: Other,
  otherIssuer: Other,
): Promise<readonly Fact[]> {
  return [
    ['serialNumber', BigInt(`0x${other.serialNumber}`) === BigInt(`0x${certificate.serialNumber}`)],
    ['notBefore', other.notBefore.getTime() === certificate.notBefore.getTime()],
    ['notAfter', other.notAfter.getTime() === certificate.notAfter.getTime()],
    ['subjectPublicKeyInfo', equalBytes(new Uint8Array(other.publicKey.rawData), certificate.spkiDer)],
    ['subject', equalBytes(new Uint8Array(other.subjectName.toArrayBuffer()), certificate.subject.der)],
    ['issuer', equalBytes(new Uint8Array(other.issuerName.toArrayBuffer()), certificate.issuer.der)],
    [
      'extensions',
      other.extensions.length === certificate.extensions.size &&
        other.extensions.every((extension) => {
          const ours = certificate.extensions.get(extension.type)
          return ours?.critical === extension.critical && hex(ours.value) === hex(new Uint8Array(extension.value))
        }),
    ],
    ['signature', !KNOWN_FAMILIES.has(issuer.publicKey.family) || (await verifies(other, otherIssuer))],
  ]
}

async function verifies(
  certificate: { verify(parameters: { publicKey: never; signatureOnly: boolean }): Promise<boolean> },
  issuer: { publicKey: unknown },
): Promise<boolean> {
  try {
    return await certificate.verify({ publicKey: issuer.publicKey as never, signatureOnly: true })
  } catch {
    return false
  }
}
