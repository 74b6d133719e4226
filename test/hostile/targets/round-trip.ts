/**
 * What was parsed, encoded again, must be the octets that were parsed: one value has one encoding, and nothing of it is
 * passed over.
 *
 * @module test/hostile/targets/round-trip
 */
import { encodePem, parsePem } from '../../../src/asn1/index.js'
import { MemoryKeyProvider, SIGNATURE_ALGORITHMS } from '../../../src/crypto/index.js'
import { encodeTrustDocument, parseTrustDocument } from '../../../src/trust/index.js'
import {
  type BasicOcspResponse,
  type Certificate,
  createCrl,
  createOcspResponse,
  type Crl,
  encodeBasicConstraints,
  encodeExtKeyUsage,
  encodeKeyUsage,
  encodeNameConstraints,
  encodeSubjectAltName,
  encodeSubjectKeyIdentifier,
  encodeTbsCertificate,
  type OcspResponse,
  parseCertificate,
} from '../../../src/x509/index.js'
import { childrenOf } from '../../support/der.js'
import { extensionDer } from '../../support/hierarchy.js'
import { Violation } from '../attempt.js'
import { toHex } from './genuine.js'
import { fixedPrivateKey } from '../keys.js'
import { refusable } from '../calls/read-all.js'

/** @throws {@link Violation} where two encodings of one value differ */
export function requireSame(what: string, before: Uint8Array, after: Uint8Array): void {
  if (Buffer.compare(before, after) !== 0) {
    throw new Violation(`${what} is another when encoded again: ${toHex(before)} became ${toHex(after)}`)
  }
}

export function requireSamePem(label: string, der: Uint8Array): void {
  const [block, ...others] = parsePem(encodePem(label, der))
  if (block?.label !== label || others.length > 0) throw new Violation(`PEM of a ${label} is not read again`)
  requireSame(label, der, block.der)
}

export function certificateAgain(certificate: Certificate, bytes: Uint8Array): void {
  requireSame('a certificate', bytes, certificate.der)
  requireSamePem('CERTIFICATE', certificate.der)
  extensionsAgain(certificate)
  const hasUniqueIdentifiers = childrenOf(certificate.tbsDer).some(([tag]) => tag === 0x81 || tag === 0x82)
  if (certificate.version !== 3 || certificate.extensions.size === 0 || hasUniqueIdentifiers) return
  const again = encodeTbsCertificate({
    ...certificate,
    signatureAlgorithm: { ...SIGNATURE_ALGORITHMS.ed25519, identifierDer: certificate.signatureAlgorithm.der },
    extensionsDer: [...certificate.extensions.values()].map(({ oid, critical, value }) =>
      extensionDer(oid, critical, value),
    ),
  })
  requireSame('TBSCertificate', certificate.tbsDer, again)
}

/** Extensions that have an encoder: the value, whatever it says about being critical. */
function extensionsAgain(certificate: Certificate): void {
  const { basicConstraints, keyUsage, extKeyUsage, subjectKeyIdentifier, subjectAltName, nameConstraints } =
    tolerant(certificate)
  const { value: purposes = Uint8Array.of(0x30, 0) } = certificate.extensions.get('2.5.29.37') ?? {}
  const pairs: readonly (readonly [oid: string, again: (() => Uint8Array) | undefined])[] = [
    ['2.5.29.19', basicConstraints && ((): Uint8Array => encodeBasicConstraints(basicConstraints))],
    ['2.5.29.15', keyUsage && ((): Uint8Array => encodeKeyUsage([...keyUsage]))],
    // One that is named twice is one purpose.
    [
      '2.5.29.37',
      extKeyUsage && extKeyUsage.size === childrenOf(purposes).length
        ? (): Uint8Array => encodeExtKeyUsage([...extKeyUsage])
        : undefined,
    ],
    ['2.5.29.14', subjectKeyIdentifier && ((): Uint8Array => encodeSubjectKeyIdentifier(subjectKeyIdentifier))],
    ['2.5.29.17', subjectAltName && ((): Uint8Array => encodeSubjectAltName(subjectAltName, false))],
    ['2.5.29.30', nameConstraints && ((): Uint8Array => encodeNameConstraints(nameConstraints))],
  ]
  for (const [oid, encode] of pairs) {
    const extension = certificate.extensions.get(oid)
    // Encoders refuse names that are not issued.
    const again = extension === undefined || encode === undefined ? undefined : refusable(encode)
    if (extension === undefined || again === undefined) continue
    const value = childrenOf(again).at(-1)
    if (value === undefined) throw new Violation(`the extension ${oid} is encoded without a value`)
    requireSame(
      `the extension ${oid}`,
      extensionDer(oid, false, extension.value),
      extensionDer(oid, false, inner(value)),
    )
  }
}

/** The values of extensions that can be read. */
function tolerant(certificate: Certificate): Partial<Certificate> {
  const fields = [
    'basicConstraints',
    'keyUsage',
    'extKeyUsage',
    'subjectKeyIdentifier',
    'subjectAltName',
    'nameConstraints',
  ] as const
  return Object.fromEntries(fields.map((field) => [field, refusable(() => certificate[field])]))
}

function inner(octetString: Uint8Array): Uint8Array {
  return octetString.subarray((octetString[1] ?? 0) < 0x80 ? 2 : 2 + ((octetString[1] ?? 0) & 0x7f))
}

const signer = new MemoryKeyProvider(fixedPrivateKey('somebody'))

/** Of a CRL that says nothing beyond what signet writes: all of it, signed by another. */
export async function crlAgain(crl: Crl, bytes: Uint8Array): Promise<void> {
  requireSame('a CRL', bytes, crl.der)
  requireSamePem('X509 CRL', crl.der)
  const authorityKeyIdentifier = refusable(() => crl.authorityKeyIdentifier)?.keyIdentifier
  const crlNumber = Number.parseInt(refusable(() => crl.crlNumber) ?? '', 16)
  const { nextUpdate, revokedCertificates, hasForeignEntries } = crl
  if (authorityKeyIdentifier === undefined || nextUpdate === undefined || hasForeignEntries) return
  if (!Number.isSafeInteger(crlNumber)) return
  const again = await createCrl({ ...crl, nextUpdate, revokedCertificates, authorityKeyIdentifier, crlNumber }, signer)
  const view = (item: Crl): string =>
    JSON.stringify([toHex(item.issuer.der), item.thisUpdate, item.nextUpdate, item.revokedCertificates, item.crlNumber])
  if (view(again) !== view(crl))
    throw new Violation(`a CRL is another when encoded again: ${view(crl)} became ${view(again)}`)
}

/** Of an OCSP response: what signet writes, signed by another. */
export async function ocspAgain({ basic }: OcspResponse, signedBy: Certificate): Promise<void> {
  if (basic === undefined) return
  const { producedAt, answers, nonce } = basic
  const template = {
    signer: signedBy,
    producedAt,
    answers,
    certificates: [],
    ...(nonce === undefined ? {} : { nonce }),
  }
  const { basic: again } = await createOcspResponse(template, signer)
  const view = (item: BasicOcspResponse | undefined): string =>
    JSON.stringify([
      item?.producedAt,
      toHex(item?.nonce ?? new Uint8Array()),
      item?.answers.map(({ id, status, thisUpdate, nextUpdate }) => [toHex(id.der), status, thisUpdate, nextUpdate]),
    ])
  if (view(again) !== view(basic)) {
    throw new Violation(`an OCSP response is another when encoded again: ${view(basic)} became ${view(again)}`)
  }
}

/** Of a trust document whose certificates can be read and are of the keys that it states. */
export function trustDocumentAgain(bytes: Uint8Array): void {
  const { signers, ...document } = parseTrustDocument(bytes)
  const parsed = signers.map(({ keyIdentifier, certificateDer, identity }) => ({
    keyIdentifier,
    identity,
    certificate: refusable(() => parseCertificate(certificateDer)),
  }))
  const whole = parsed.flatMap(({ certificate, identity, keyIdentifier }) => {
    const stated = certificate === undefined ? undefined : refusable(() => certificate.subjectKeyIdentifier)
    const fits = stated !== undefined && Buffer.compare(stated, keyIdentifier) === 0
    return certificate === undefined || !fits ? [] : [{ certificate, identity }]
  })
  if (whole.length === signers.length) {
    requireSame('a trust document', bytes, encodeTrustDocument({ ...document, signers: whole }))
  }
}
