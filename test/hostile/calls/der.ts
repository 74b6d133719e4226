/**
 * Every public function that reads DER, BER or PEM, each called with hostile octets.
 *
 * @module test/hostile/calls/der
 */
import {
  CERTIFICATE_LIMITS,
  CMS_LIMITS,
  decodeBase64,
  DerReader,
  encodePem,
  KEY_LIMITS,
  looksLikePem,
  normalizeBer,
  parsePem,
  parsePemBlock,
  parsePemBlocks,
  readPemOrDer,
} from '../../../src/asn1/index.js'
import {
  decodePrivateKey,
  digestOf,
  keyIdentifierOf,
  parsePublicKey,
  parsePublicKeyForLater,
  parseVerifyingKey,
  Passphrase,
  publicKeyOf,
  readAlgorithmIdentifier,
  signatureAlgorithmOf,
  verifyingAlgorithmOf,
} from '../../../src/crypto/index.js'
import {
  compareSecondOpinion,
  formatGeneralName,
  formatIpAddress,
  hex,
  Name,
  parseCertificate,
  parseCertificates,
  parseCertificationRequest,
  parseCrl,
  parseCrls,
  parseOcspRequest,
  parseOcspResponse,
  readAuthorityKeyIdentifier,
  readBasicConstraints,
  readCertificate,
  readCrl,
  readExtensions,
  readExtensionValue,
  readExtKeyUsage,
  readGeneralName,
  readGeneralNames,
  readKeyUsage,
  readNameConstraints,
  readSerial,
  readSubjectAltName,
  readSubjectKeyIdentifier,
  serialText,
} from '../../../src/x509/index.js'
import type { Call, Input } from './input.js'
import { readCertificateFully, readCrlFully, readName, refusable, walk } from './read-all.js'

const PASSPHRASE = new Passphrase(Buffer.from('secret'))

/** With the whole input, and then with every value that is in it. */
function inside(read: (reader: DerReader) => unknown): Call {
  return ({ bytes, elements }) => {
    for (const element of elements) refusable(() => read(DerReader.over(element, CERTIFICATE_LIMITS)))
    return read(DerReader.over(bytes, CERTIFICATE_LIMITS))
  }
}

function inPem(label: string, read: (pem: Uint8Array) => unknown): Call {
  return ({ bytes }) => read(Buffer.from(encodePem(label, bytes)))
}

function eachElement(read: (element: Uint8Array) => unknown): Call {
  return ({ bytes, elements }) => {
    for (const element of elements) refusable(() => read(element))
    return read(bytes)
  }
}

const anySequence = ({ elements }: Input): readonly Uint8Array[] => elements.filter((element) => element[0] === 0x30)

export const DER_CALLS: Readonly<Record<string, Call>> = {
  'asn1.DerReader': ({ bytes }) => walk(bytes, CMS_LIMITS),
  'asn1.DerReader of a key': ({ bytes }) => walk(bytes, KEY_LIMITS),
  'asn1.normalizeBer and more': ({ bytes }) => {
    const der = normalizeBer(bytes)
    refusable(() => readCertificateFully(parseCertificate(der)))
    refusable(() => readCrlFully(parseCrl(der)))
    return walk(der, CMS_LIMITS)
  },
  'asn1.parsePem': ({ latin1 }) => parsePem(latin1),
  'asn1.parsePem of UTF-8': ({ utf8 }) => parsePem(utf8),
  'asn1.parsePem of a body': ({ latin1 }) => parsePem(`-----BEGIN CMS-----\n${latin1}\n-----END CMS-----\n`),
  'asn1.parsePemBlock': ({ latin1 }) => parsePemBlock(latin1, 'CERTIFICATE'),
  'asn1.parsePemBlocks': ({ latin1 }) => parsePemBlocks(latin1, 'CERTIFICATE', 'X509 CRL'),
  'asn1.readPemOrDer': ({ bytes }) => readPemOrDer(bytes, 'CMS'),
  'asn1.looksLikePem': ({ bytes }) => looksLikePem(bytes),
  'asn1.decodeBase64': ({ latin1 }) => decodeBase64(latin1),

  'crypto.decodePrivateKey': ({ latin1 }) => decodePrivateKey(latin1, PASSPHRASE),
  'crypto.decodePrivateKey in PEM': ({ bytes }) => decodePrivateKey(encodePem('PRIVATE KEY', bytes)),
  'crypto.decodePrivateKey in encrypted PEM': ({ bytes }) =>
    decodePrivateKey(encodePem('ENCRYPTED PRIVATE KEY', bytes), PASSPHRASE),
  'crypto.decodePrivateKey in EC PEM': ({ bytes }) => decodePrivateKey(encodePem('EC PRIVATE KEY', bytes)),
  'crypto.decodePrivateKey in RSA PEM': ({ bytes }) => decodePrivateKey(encodePem('RSA PRIVATE KEY', bytes)),
  'crypto.parsePublicKey': eachElement((bytes) => {
    const key = parsePublicKey(bytes)
    return [keyIdentifierOf(key), publicKeyOf(key.keyObject)]
  }),
  'crypto.parsePublicKeyForLater': eachElement((bytes) => parsePublicKeyForLater(bytes).keyObject),
  'crypto.parseVerifyingKey': eachElement((bytes) => parseVerifyingKey(bytes, 'allow-weak')),
  'crypto.readAlgorithmIdentifier': inside(readAlgorithmIdentifier),
  'crypto.signatureAlgorithmOf': inside((reader) => signatureAlgorithmOf(readAlgorithmIdentifier(reader))),
  'crypto.verifyingAlgorithmOf': inside((reader) =>
    verifyingAlgorithmOf(readAlgorithmIdentifier(reader), 'allow-weak'),
  ),
  'crypto.digestOf': inside((reader) => digestOf(readAlgorithmIdentifier(reader))),
  'crypto.Passphrase': ({ bytes }) => new Passphrase(bytes),

  'x509.parseCertificate': ({ bytes }) => readCertificateFully(parseCertificate(bytes)),
  'x509.parseCertificate of what is inside': (input) =>
    anySequence(input).map((element) => refusable(() => readCertificateFully(parseCertificate(element)))),
  'x509.parseCertificates': ({ bytes }) => parseCertificates(bytes).map(readCertificateFully),
  'x509.parseCertificates in PEM': inPem('CERTIFICATE', parseCertificates),
  'x509.readCertificate': inside(readCertificate),
  'x509.parseCertificationRequest': ({ bytes }) => parseCertificationRequest(bytes),
  'x509.parseCertificationRequest in PEM': inPem('CERTIFICATE REQUEST', parseCertificationRequest),
  'x509.parseCrl': ({ bytes }) => readCrlFully(parseCrl(bytes)),
  'x509.parseCrls': ({ bytes }) => parseCrls(bytes).map(readCrlFully),
  'x509.parseCrls in PEM': inPem('X509 CRL', parseCrls),
  'x509.parseOcspRequest': ({ bytes }) => parseOcspRequest(bytes),
  'x509.parseOcspResponse': ({ bytes }) => parseOcspResponse(bytes),
  'x509.readCrl': inside(readCrl),
  'x509.readSerial': inside(readSerial),
  'x509.readExtensions': inside(readExtensions),
  'x509.readExtensionValue': eachElement((value) =>
    readExtensionValue({ oid: '2.5.29.17', critical: true, value }, readSubjectAltName),
  ),
  'x509.readBasicConstraints': inside(readBasicConstraints),
  'x509.readKeyUsage': inside(readKeyUsage),
  'x509.readExtKeyUsage': inside(readExtKeyUsage),
  'x509.readSubjectKeyIdentifier': inside(readSubjectKeyIdentifier),
  'x509.readAuthorityKeyIdentifier': inside(readAuthorityKeyIdentifier),
  'x509.readSubjectAltName': inside((reader) => readSubjectAltName(reader).map(formatGeneralName)),
  'x509.readNameConstraints': inside(readNameConstraints),
  'x509.readGeneralName': inside((reader) => formatGeneralName(readGeneralName(reader))),
  'x509.readGeneralNames': inside((reader) => readGeneralNames(reader.sequence()).map(formatGeneralName)),
  'x509.Name': inside((reader) => readName(Name.read(reader))),
  'x509.formatIpAddress': ({ bytes }) => formatIpAddress(bytes),
  'x509.serialText': ({ bytes }) => serialText(bytes),
  'x509.hex': ({ bytes }) => hex(bytes),
  'x509.compareSecondOpinion': async ({ bytes }) => {
    const certificate = parseCertificate(bytes)
    await compareSecondOpinion(certificate, certificate)
  },
}
