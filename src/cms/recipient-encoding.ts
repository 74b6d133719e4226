/**
 * Writing RecipientInfo (RFC 5652 §6.2): RSAES-OAEP, and ECDH with AES-256 key wrap.
 *
 * @module cms/recipient-encoding (floor 5)
 */
import {
  encodeBitString,
  encodeContext,
  encodeContextPrimitive,
  encodeInteger,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  OID,
} from '../asn1/index.js'
import { DeniedError } from '../errors/index.js'
import type { Certificate } from '../x509/index.js'
import {
  AES256_WRAP,
  type KeyAgreementRecipient,
  type KeyDerivationDigest,
  type RecipientIdentifier,
} from './recipient-info.js'
import { issuerAndSerialNumber } from './sign.js'

/** RFC 5753 §7.1.4. */
const SCHEMES: Readonly<Record<KeyDerivationDigest, string>> = {
  sha256: OID.stdDhSha256Kdf,
  sha384: OID.stdDhSha384Kdf,
}

const SHA256 = encodeSequence(encodeObjectIdentifier(OID.sha256))
/** RFC 4055 §4.1. The label is left at its default. */
const OAEP = encodeSequence(
  encodeObjectIdentifier(OID.rsaesOaep),
  encodeSequence(encodeContext(0, SHA256), encodeContext(1, encodeSequence(encodeObjectIdentifier(OID.mgf1), SHA256))),
)

/** ECC-CMS-SharedInfo (RFC 5753 §7.2): what the wrapping key is for. */
export function sharedInfoOf(ukm: Uint8Array | undefined): Uint8Array {
  return encodeSequence(
    AES256_WRAP,
    ...(ukm === undefined ? [] : [encodeContext(0, encodeOctetString(ukm))]),
    encodeContext(2, encodeOctetString(Uint8Array.of(0, 0, 1, 0))),
  )
}

/** How certificates are named in a document. */
export type IdentifierForm = RecipientIdentifier['kind']

export function encodeKeyTransport(
  certificate: Certificate,
  form: IdentifierForm,
  encryptedKey: Uint8Array,
): Uint8Array {
  const bySki = form === 'subjectKeyIdentifier'
  return encodeSequence(
    encodeInteger(bySki ? 2 : 0),
    bySki ? encodeContextPrimitive(0, keyIdentifierIn(certificate)) : issuerAndSerialNumber(certificate),
    OAEP,
    encodeOctetString(encryptedKey),
  )
}

/** One key agreement for one recipient: nobody can tell from it who else has a key on the same curve. */
export function encodeKeyAgreement(
  certificate: Certificate,
  form: IdentifierForm,
  fields: Pick<KeyAgreementRecipient, 'digest' | 'encryptedKey'> & { readonly point: Uint8Array },
): Uint8Array {
  const rid =
    form === 'subjectKeyIdentifier'
      ? encodeContext(0, encodeOctetString(keyIdentifierIn(certificate)))
      : issuerAndSerialNumber(certificate)
  return encodeContext(
    1,
    encodeInteger(3),
    encodeContext(
      0,
      encodeContext(1, encodeSequence(encodeObjectIdentifier(OID.ecPublicKey)), encodeBitString(fields.point)),
    ),
    encodeSequence(encodeObjectIdentifier(SCHEMES[fields.digest]), AES256_WRAP),
    encodeSequence(encodeSequence(rid, encodeOctetString(fields.encryptedKey))),
  )
}

function keyIdentifierIn({ subjectKeyIdentifier, subject }: Certificate): Uint8Array {
  if (subjectKeyIdentifier !== undefined) return subjectKeyIdentifier
  throw new DeniedError('ERR_CMS_RECIPIENT', `the certificate of ${subject.toString()} has no subject key identifier`, {
    hint: 'name recipients by issuer and serial number instead',
  })
}
