/**
 * TBSCertificates of one kind: what they have in common is encoded once, and each is written around its own fields in one
 * piece. Octet by octet it is what `encodeTbsCertificate` yields.
 *
 * @module x509/tbs-frame (floor 3)
 */
import {
  contextConstructed,
  encodeContext,
  encodeHeader,
  encodeInteger,
  encodeSequence,
  encodeTime,
  encodeUnsigned,
  joinBytes,
  TAG,
} from '../asn1/index.js'
import type { CertificateTemplate } from './tbs-certificate.js'

/** What all certificates of one kind say. */
export type CommonFields = Pick<CertificateTemplate, 'signatureAlgorithm' | 'issuer' | 'notBefore' | 'notAfter'>

/** What each says by itself. */
export interface OwnFields extends Pick<CertificateTemplate, 'serialNumberOctets' | 'spkiDer' | 'extensionsDer'> {
  /** The subject in DER. */
  readonly subjectDer: Uint8Array
}

const VERSION_3 = encodeContext(0, encodeInteger(2))

/** The part of a certificate that stands between serial number and subject, ready to be written again and again. */
export class TbsFrame {
  readonly #middle: Uint8Array

  constructor({ signatureAlgorithm, issuer, notBefore, notAfter }: CommonFields) {
    const validity = encodeSequence(encodeTime(notBefore), encodeTime(notAfter))
    this.#middle = joinBytes([signatureAlgorithm.identifierDer, issuer.der, validity])
  }

  /** Encode the part that is signed. */
  encode({ serialNumberOctets, subjectDer, spkiDer, extensionsDer }: OwnFields): Uint8Array {
    const serial = encodeUnsigned(serialNumberOctets)
    let length = 0
    for (const extension of extensionsDer) length += extension.length
    const list = encodeHeader(TAG.sequence, length)
    const explicit = encodeHeader(contextConstructed(3), list.length + length)
    const before = [VERSION_3, serial, this.#middle, subjectDer, spkiDer, explicit, list]
    for (const part of before) length += part.length
    return joinBytes([encodeHeader(TAG.sequence, length), ...before, ...extensionsDer])
  }
}
