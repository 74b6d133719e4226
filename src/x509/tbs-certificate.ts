/**
 * TBSCertificate (RFC 5280 §4.1): what the authority fills in.
 *
 * @module x509/tbs-certificate (floor 3)
 */
import { encodeContext, encodeInteger, encodeSequence, encodeTime, encodeUnsigned } from '../asn1/index.js'
import type { SignatureAlgorithm } from '../crypto/index.js'
import type { Name } from './name.js'

/** Everything of a version 3 certificate but its signature. */
export interface CertificateTemplate {
  readonly serialNumberOctets: Uint8Array
  readonly signatureAlgorithm: SignatureAlgorithm
  readonly issuer: Name
  readonly notBefore: Date
  readonly notAfter: Date
  readonly subject: Name
  readonly spkiDer: Uint8Array
  /** Each a whole Extension in DER, in the order in which they shall stand. */
  readonly extensionsDer: readonly Uint8Array[]
}

/** Encode the part that is signed. */
export function encodeTbsCertificate(template: CertificateTemplate): Uint8Array {
  return encodeSequence(
    encodeContext(0, encodeInteger(2)),
    encodeUnsigned(template.serialNumberOctets),
    template.signatureAlgorithm.identifierDer,
    template.issuer.der,
    encodeSequence(encodeTime(template.notBefore), encodeTime(template.notAfter)),
    template.subject.der,
    template.spkiDer,
    encodeContext(3, encodeSequence(...template.extensionsDer)),
  )
}
