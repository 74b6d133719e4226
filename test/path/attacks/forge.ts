/**
 * Certificates that no careful CA would make, all with signatures that are right: what refuses them has to be the rule.
 *
 * @module test/path/attacks/forge
 */
import { type KeyObject, sign } from 'node:crypto'
import {
  DerReader,
  encodeBitString,
  encodeContext,
  encodeContextPrimitive,
  encodeEnumerated,
  encodeGeneralizedTime,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  encodeSetOf,
  encodeString,
  encodeValue,
  OID,
} from '../../../src/asn1/index.js'
import { isSignetError } from '../../../src/errors/index.js'
import { addSeconds } from '../../../src/time/index.js'
import {
  type Certificate,
  certIdOf,
  encodeNameConstraints,
  type GeneralName,
  Name,
  type NameConstraints,
  type OcspResponse,
  parseCertificate,
  parseOcspResponse,
} from '../../../src/x509/index.js'
import { type CertificateOptions, type Holder, NOW, signCertificate } from '../../support/certificates.js'
import { editDer } from '../../support/der.js'
import { extensionDer } from '../../support/hierarchy.js'

/** Where the fields of a TBSCertificate are. */
export const TBS = {
  version: [0],
  serial: [1],
  algorithm: [2],
  issuer: [3],
  notBefore: [4, 0],
  notAfter: [4, 1],
  subject: [5],
  spki: [6],
  explicitExtensions: [7],
  extensions: [7, 0],
} as const

/** The same certificate with something else in what is signed, signed again by its issuer. */
export function reissue(holder: Holder, issuer: Holder, change: (tbsDer: Uint8Array) => Uint8Array): Holder {
  return { key: holder.key, certificate: signCertificate(change(holder.certificate.tbsDer), issuer.key) }
}

/** The same certificate with another public key in it. */
export function withKey(holder: Holder, issuer: Holder, spkiDer: Uint8Array): Holder {
  return reissue(holder, issuer, (tbs) => editDer(tbs, TBS.spki, () => spkiDer))
}

/** The same certificate with another signature algorithm, inside and outside, and a signature that is right by it. */
export function signedWith(
  holder: Holder,
  algorithmDer: Uint8Array,
  digest: string | null,
  privateKey: KeyObject,
): Holder {
  const tbsDer = editDer(holder.certificate.tbsDer, TBS.algorithm, () => algorithmDer)
  const der = encodeSequence(tbsDer, algorithmDer, encodeBitString(sign(digest, tbsDer, privateKey)))
  return { key: holder.key, certificate: parseCertificate(der) }
}

/** The options of a CA that constrains names. */
export function constraining(constraints: Partial<NameConstraints>): CertificateOptions {
  return { moreExtensionsDer: [encodeNameConstraints({ permitted: [], excluded: [], ...constraints })] }
}

/** As {@link constraining}, with bases that the library does not write, each a whole GeneralName. */
export function constrainingDer(list: 'permitted' | 'excluded', ...bases: readonly Uint8Array[]): CertificateOptions {
  const subtrees = encodeContext(list === 'permitted' ? 0 : 1, ...bases.map((base) => encodeSequence(base)))
  return { moreExtensionsDer: [extensionDer(OID.nameConstraints, true, encodeSequence(subtrees))] }
}

/** subjectAltName of GeneralNames in DER, whatever they are. */
export function namesDer(...names: readonly Uint8Array[]): CertificateOptions {
  return { names: [], moreExtensionsDer: [extensionDer(OID.subjectAltName, false, encodeSequence(...names))] }
}

/** A GeneralName of text in octets of our choice: [1] for e-mail, [2] for DNS, [6] for a URI. */
export function textName(kind: 'email' | 'dns' | 'uri', text: string): Uint8Array {
  return encodeValue({ email: 0x81, dns: 0x82, uri: 0x86 }[kind], Buffer.from(text, 'latin1'))
}

export function dns(value: string): GeneralName {
  return { kind: 'dns', value }
}

export function uri(value: string): GeneralName {
  return { kind: 'uri', value }
}

export function email(value: string): GeneralName {
  return { kind: 'email', value }
}

export function directory(name: Name): GeneralName {
  return { kind: 'directory', name }
}

/** An address, or with a mask a range of them. */
export function ip(octets: readonly number[], mask: readonly number[] = []): GeneralName {
  return { kind: 'ip', octets: Uint8Array.from([...octets, ...mask]) }
}

/** An otherName: its type and value. */
export function otherName(type: string, valueDer: Uint8Array): Uint8Array {
  return encodeContext(0, encodeObjectIdentifier(type), encodeContext(0, valueDer))
}

/** A distinguished name; each RDN is a list of attributes, each a type and a value in DER. */
export function rawName(...rdns: readonly (readonly (readonly [type: string, valueDer: Uint8Array])[])[]): Name {
  const der = encodeSequence(
    ...rdns.map((rdn) =>
      encodeSetOf(...rdn.map(([type, valueDer]) => encodeSequence(encodeObjectIdentifier(type), valueDer))),
    ),
  )
  return Name.read(DerReader.over(der, { maxBytes: 65_536, maxDepth: 8, maxNodes: 1024 }))
}

/** A string value of any type. BMPString and UniversalString take two and four octets a character. */
export function text(tag: number, value: string): Uint8Array {
  if (tag === 0x0c) return encodeString(value)
  const latin = [...Buffer.from(value, 'latin1')]
  if (tag === 0x1e) return encodeValue(tag, Uint8Array.from(latin.flatMap((octet) => [0, octet])))
  if (tag === 0x1c) return encodeValue(tag, Uint8Array.from(latin.flatMap((octet) => [0, 0, 0, octet])))
  return encodeValue(tag, Uint8Array.from(latin))
}

export interface OcspParts {
  /** Extensions of the answer, and of the whole response. */
  readonly answerExtensions?: readonly Uint8Array[]
  readonly responseExtensions?: readonly Uint8Array[]
  /** What is written as the algorithm of the signature. Default: the right one. */
  readonly algorithmDer?: Uint8Array
}

/** An OCSP response by a CA itself, which says that a certificate is good. */
export function ocspGood(issuer: Holder, certificate: Certificate, parts: OcspParts = {}): OcspResponse {
  const { answerExtensions = [], responseExtensions = [] } = parts
  const extensions = (list: readonly Uint8Array[]): readonly Uint8Array[] =>
    list.length === 0 ? [] : [encodeContext(1, encodeSequence(...list))]
  const tbsDer = encodeSequence(
    encodeContext(1, issuer.certificate.subject.der),
    encodeGeneralizedTime(NOW),
    encodeSequence(
      encodeSequence(
        certIdOf(issuer.certificate, certificate.serialNumber).der,
        encodeContextPrimitive(0, new Uint8Array()),
        encodeGeneralizedTime(NOW),
        encodeContext(0, encodeGeneralizedTime(addSeconds(NOW, 3600))),
        ...extensions(answerExtensions),
      ),
    ),
    ...extensions(responseExtensions),
  )
  const { signatureAlgorithm } = issuer.key
  const basic = encodeSequence(
    tbsDer,
    parts.algorithmDer ?? signatureAlgorithm.identifierDer,
    encodeBitString(issuer.key.sign(tbsDer)),
  )
  return parseOcspResponse(
    encodeSequence(
      encodeEnumerated(0),
      encodeContext(0, encodeSequence(encodeObjectIdentifier(OID.ocspBasic), encodeOctetString(basic))),
    ),
  )
}

/** What became of it: an error code, or `'accepted'`. */
export function verdictOf(work: () => unknown): string {
  try {
    work()
    return 'accepted'
  } catch (error) {
    if (isSignetError(error)) return error.code
    throw error
  }
}
