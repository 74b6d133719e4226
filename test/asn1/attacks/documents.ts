/**
 * One good document of every kind that is read here, and how it is read: to the end, so that nothing is put off.
 *
 * @module test/asn1/attacks/documents
 */
import { encodePem, OID, parsePemBlock } from '../../../src/asn1/index.js'
import { parseSignedData, verifySignedData } from '../../../src/cms/index.js'
import { decodePrivateKey, encryptPrivateKey, parsePublicKey, Passphrase } from '../../../src/crypto/index.js'
import { isSignetError } from '../../../src/errors/index.js'
import {
  certIdOf,
  type Certificate,
  createCertificationRequest,
  createOcspResponse,
  type Crl,
  encodeNameConstraints,
  encodeOcspRequest,
  parseCertificate,
  parseCertificationRequest,
  parseCrl,
  parseOcspRequest,
  parseOcspResponse,
} from '../../../src/x509/index.js'
import {
  type Holder,
  keyFor,
  makeCertificate,
  makeCrl,
  NOT_AFTER,
  NOW,
  privateKeyFor,
  revoked,
} from '../../support/certificates.js'
import { buildSignedData, buildSigner } from '../../support/cms-builder.js'

export interface Document {
  readonly der: Uint8Array
  /** Read all of it. */
  readonly read: (der: Uint8Array) => unknown
}

export const PASSPHRASE = new Passphrase(Buffer.from('correct horse'))

/** A CA with an extension of each kind that is read. */
export const authority: Holder = makeCertificate({
  subject: 'Authority',
  ca: true,
  pathLength: 1,
  purposes: [OID.kpServerAuth, OID.kpEmailProtection],
  names: [
    { kind: 'dns', value: 'a.example' },
    { kind: 'ip', octets: Uint8Array.of(10, 0, 0, 1) },
  ],
  moreExtensionsDer: [encodeNameConstraints({ permitted: [{ kind: 'dns', value: 'example' }], excluded: [] })],
})

const signer = makeCertificate({ subject: 'signer', issuer: authority, purposes: [OID.kpEmailProtection] })
const list = await makeCrl({
  issuer: authority,
  // Entries in the form that nearly all have, with a reason and without, and others.
  revoked: [
    { ...revoked('01', 'keyCompromise'), revocationDate: NOW },
    { ...revoked('02'), invalidityDate: NOW },
    { ...revoked(`40${'ab'.repeat(19)}`), revocationDate: NOW },
    revoked('03', 'superseded'),
  ],
})
const request = await createCertificationRequest(keyFor('request'), {
  subject: authority.certificate.subject,
  extensionsDer: [encodeNameConstraints({ permitted: [], excluded: [{ kind: 'dns', value: 'b' }] })],
})
const id = certIdOf(authority.certificate, signer.certificate.serialNumber)
const response = await createOcspResponse(
  {
    signer: authority.certificate,
    producedAt: NOW,
    answers: [{ id, status: { kind: 'good' }, thisUpdate: NOW, nextUpdate: NOT_AFTER }],
    nonce: new Uint8Array(16),
    certificates: [],
  },
  authority.key,
)
const privateKey = privateKeyFor('document')

/** Ask a certificate for everything; an extension that cannot be read is an error. */
export function readCertificate(der: Uint8Array): Certificate {
  const certificate = parseCertificate(der)
  certificate.readAllExtensions()
  // What signed may be weak and still be read.
  if (certificate.publicKey.name === '') throw new Error('a key has a name')
  return certificate
}

export function readCrl(der: Uint8Array): Crl {
  const crl = parseCrl(der)
  for (const value of [crl.crlNumber, crl.baseCrlNumber, crl.issuingDistributionPoint, crl.authorityKeyIdentifier]) {
    JSON.stringify(value)
  }
  for (const { serialNumber } of crl.revokedCertificates) crl.find(serialNumber)
  return crl
}

export const DOCUMENTS: Readonly<Record<string, Document>> = {
  'a certificate': { der: authority.certificate.der, read: readCertificate },
  'a CRL': { der: list.der, read: readCrl },
  'a certification request': {
    der: parsePemBlock(request, 'CERTIFICATE REQUEST').der,
    read: (der) => parseCertificationRequest(der),
  },
  'an OCSP request': { der: encodeOcspRequest([id], new Uint8Array(16)), read: parseOcspRequest },
  'an OCSP response': { der: response.der, read: parseOcspResponse },
  'a CMS document': {
    der: buildSignedData({
      eContent: Buffer.from('content'),
      signers: [buildSigner({ content: Buffer.from('content'), holder: signer })],
      certificates: [signer.certificate.der],
    }),
    read: (der) => {
      parseSignedData(der)
      return verifySignedData(der, {
        anchors: [authority.certificate],
        purpose: 'email',
        revocation: 'allow-unchecked',
        at: NOW,
      })
    },
  },
  'a public key': { der: authority.certificate.spkiDer, read: parsePublicKey },
  'a private key': {
    der: new Uint8Array(privateKey.export({ format: 'der', type: 'pkcs8' })),
    read: (der) => decodePrivateKey(encodePem('PRIVATE KEY', der)),
  },
  'an encrypted private key': {
    der: parsePemBlock(encryptPrivateKey(privateKey, PASSPHRASE), 'ENCRYPTED PRIVATE KEY').der,
    read: (der) => decodePrivateKey(encodePem('ENCRYPTED PRIVATE KEY', der), PASSPHRASE),
  },
}

/** All kinds, with their names. */
export const KINDS = Object.entries(DOCUMENTS)
/** Those that cost next to nothing to read: the encrypted key costs 0.2 s each time. */
export const CHEAP_KINDS = KINDS.filter(([name]) => name !== 'an encrypted private key')

/** What became of it: an error code, or `'accepted'`. An error that is not ours goes on: it is a defect. */
export function verdictOf(work: () => unknown): string {
  try {
    work()
    return 'accepted'
  } catch (error) {
    if (isSignetError(error) && error.code !== 'ERR_INTERNAL') return error.code
    throw error
  }
}
