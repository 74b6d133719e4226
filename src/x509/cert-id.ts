/**
 * CertID (RFC 6960 §4.1.1): a certificate, by its serial number and digests of the name and key of its issuer.
 *
 * @module x509/cert-id (floor 3)
 */
import {
  CERTIFICATE_LIMITS,
  DerReader,
  encodeNull,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  encodeUnsigned,
  equalBytes,
  OID,
} from '../asn1/index.js'
import { digestOctets, readAlgorithmIdentifier } from '../crypto/index.js'
import { type Certificate, readSerial } from './certificate.js'
import { serialText } from './serial-number.js'

/**
 * Digests that name an issuer. SHA-1 is here, as every client uses it: it only selects, and nothing is believed for it;
 * what decides is the signature by the issuer that is meant.
 */
const CERT_ID_DIGESTS = {
  sha1: OID.sha1,
  sha256: OID.sha256,
  sha384: OID.sha384,
  sha512: OID.sha512,
} as const
export type CertIdDigest = keyof typeof CERT_ID_DIGESTS

const DIGESTS_BY_OID: ReadonlyMap<string, CertIdDigest> = new Map(
  Object.entries(CERT_ID_DIGESTS).map(([name, oid]) => [oid, name as CertIdDigest]),
)

export interface CertId {
  /** `undefined` for one that is not known here: such a CertID fits nothing. */
  readonly digest: CertIdDigest | undefined
  readonly issuerNameHash: Uint8Array
  readonly issuerKeyHash: Uint8Array
  /** Canonical. */
  readonly serialNumber: string
  /** As it was read or written: an answer repeats the octets of its question. */
  readonly der: Uint8Array
}

/** The CertID of a certificate that `issuer` issued under this serial number. */
export function certIdOf(issuer: Certificate, serialNumber: string, digest: CertIdDigest = 'sha1'): CertId {
  const issuerNameHash = digestOctets(digest, issuer.subject.der)
  const issuerKeyHash = publicKeyHash(issuer, digest)
  const der = encodeSequence(
    encodeSequence(encodeObjectIdentifier(CERT_ID_DIGESTS[digest]), encodeNull()),
    encodeOctetString(issuerNameHash),
    encodeOctetString(issuerKeyHash),
    encodeUnsigned(Buffer.from(serialNumber, 'hex')),
  )
  return { digest, issuerNameHash, issuerKeyHash, serialNumber, der }
}

export function readCertId(reader: DerReader): CertId {
  const start = reader.position
  const fields = reader.sequence()
  const digest = DIGESTS_BY_OID.get(readAlgorithmIdentifier(fields).oid)
  const issuerNameHash = fields.octetString()
  const issuerKeyHash = fields.octetString()
  const serialNumber = serialText(readSerial(fields))
  fields.finish()
  return { digest, issuerNameHash, issuerKeyHash, serialNumber, der: reader.bytes.subarray(start, reader.position) }
}

/** Whether a CertID is about a certificate of this issuer: both digests fit. */
export function isIssuerOf(issuer: Certificate, id: CertId): boolean {
  return (
    id.digest !== undefined &&
    equalBytes(id.issuerNameHash, digestOctets(id.digest, issuer.subject.der)) &&
    equalBytes(id.issuerKeyHash, publicKeyHash(issuer, id.digest))
  )
}

/** Digest of the subjectPublicKey BIT STRING's octets, without tag, length and unused bits (RFC 6960 §4.1.1). */
export function publicKeyHash(certificate: Certificate, digest: CertIdDigest = 'sha1'): Uint8Array {
  const fields = DerReader.over(certificate.spkiDer, CERTIFICATE_LIMITS).sequence()
  readAlgorithmIdentifier(fields)
  return digestOctets(digest, fields.octetBitString())
}
