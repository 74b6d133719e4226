/**
 * ESS signingCertificateV2 (RFC 5035 §3): which certificate a signer means, inside of what it signs.
 *
 * @module cms/signing-certificate (floor 5)
 */
import {
  contextPrimitive,
  type DerReader,
  encodeOctetString,
  encodeSequence,
  equalBytes,
  OID,
  TAG,
} from '../asn1/index.js'
import { type DigestName, digestOctets, DIGESTS, digestOf, readAlgorithmIdentifier } from '../crypto/index.js'
import { TrustError } from '../errors/index.js'
import type { Certificate } from '../x509/index.js'
import { type Attributes, attributeValue } from './attributes.js'

const usual = new WeakMap<Certificate, Uint8Array>()

/**
 * The value that signet writes: one ESSCertIDv2 with the default digest and without issuerSerial, because the hash says it
 * all. It is the same for all that a certificate signs.
 */
export function encodeSigningCertificate(certificate: Certificate): Uint8Array {
  let value = usual.get(certificate)
  if (value === undefined) {
    value = encodeSequence(encodeSequence(encodeSequence(encodeOctetString(certificate.fingerprintOctets))))
    usual.set(certificate, value)
  }
  return value
}

/**
 * Check that the first certificate of signingCertificateV2 is this one, by its hash and, where stated, its serial number.
 *
 * @returns Whether the attribute is there.
 * @throws {@link TrustError} `ERR_CMS_ESS_MISMATCH` · {@link EncodingError} `ERR_CMS_ATTRIBUTE_MALFORMED`
 */
export function checkSigningCertificate(signedAttrs: Attributes, certificate: Certificate): boolean {
  const values = signedAttrs.get(OID.signingCertificateV2)
  if (values === undefined) return false
  const [value] = values
  if (value !== undefined && values.length === 1 && equalBytes(value, encodeSigningCertificate(certificate)))
    return true
  const bound = attributeValue(signedAttrs, OID.signingCertificateV2, readSigningCertificate)
  const isSame =
    bound !== undefined &&
    bound.certHash.length === DIGESTS[bound.digest].octets &&
    equalBytes(bound.certHash, digestOctets(bound.digest, certificate.der)) &&
    (bound.serialNumber === undefined || equalBytes(bound.serialNumber, certificate.serialNumberOctets))
  if (!isSame) {
    throw new TrustError(
      'ERR_CMS_ESS_MISMATCH',
      'signingCertificateV2 names another certificate than the one that verifies',
      { details: { certificate: certificate.fingerprint } },
    )
  }
  return true
}

interface SigningCertificate {
  readonly digest: DigestName
  readonly certHash: Uint8Array
  readonly serialNumber: Uint8Array | undefined
}

function readSigningCertificate(value: DerReader): SigningCertificate {
  const fields = value.sequence()
  const ids = fields.sequence()
  const id = ids.sequence()
  // DEFAULT sha256 is not encoded (X.690 §11.5), but some writers do.
  const digest = id.peek() === TAG.sequence ? digestOf(readAlgorithmIdentifier(id)) : 'sha256'
  const certHash = id.octetString()
  const serialNumber = id.atEnd ? undefined : readIssuerSerial(id)
  id.finish()
  while (!ids.atEnd) ids.sequence()
  while (!fields.atEnd) fields.element()
  return { digest, certHash, serialNumber }
}

/** IssuerSerial: the issuer is covered by the hash; the serial number is compared. */
function readIssuerSerial(id: DerReader): Uint8Array {
  const fields = id.sequence()
  fields.sequence()
  const serial = fields.integer()
  if (fields.peek() === contextPrimitive(0)) fields.bitString(contextPrimitive(0))
  fields.finish()
  return serial
}
