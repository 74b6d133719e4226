/**
 * The content of a trust directory: who may be believed, by key identifier.
 *
 * ```
 * TrustDirectory ::= SEQUENCE {
 *   version      INTEGER (1),
 *   trustDomain  UTF8String,
 *   sequence     INTEGER,                 -- grows with every publication
 *   issuedAt     GeneralizedTime,
 *   nextUpdate   GeneralizedTime,
 *   anchors      SEQUENCE OF Certificate, -- trust anchors
 *   authorities  SEQUENCE OF Certificate, -- the CAs below them
 *   crls         SEQUENCE OF CertificateList,
 *   signers      SEQUENCE OF Signer }     -- ascending by keyIdentifier, each once
 * ```
 *
 * @module trust/document (floor 6)
 */
import {
  compareBytes,
  DerReader,
  encodeGeneralizedTime,
  encodeHeader,
  encodeInteger,
  encodeSequence,
  encodeString,
  joinBytes,
  TAG,
  TRUST_DIRECTORY_LIMITS,
} from '../asn1/index.js'
import type { Identity } from '../identity/index.js'
import { atOnce, type Steps } from '../time/index.js'
import {
  type Certificate,
  type Crl,
  namedInSteps,
  parseCertificate,
  readCertificate,
  readCrlInSteps,
} from '../x509/index.js'
import { type DocumentSigner, encodeSigner, identityOf, type RawSigner, requireKeyIdentifier } from './signer.js'
import { SignerList } from './signer-list.js'

/** Highest sequence number. */
export const MAX_SEQUENCE = 2 ** 47

/** Everything in a trust directory but the signers. */
export interface TrustHeader {
  readonly trustDomain: string
  readonly sequence: number
  readonly issuedAt: Date
  readonly nextUpdate: Date
  readonly anchors: readonly Certificate[]
  readonly authorities: readonly Certificate[]
  readonly crls: readonly Crl[]
}

export interface TrustDocument extends TrustHeader {
  /** In no particular order; encoding sorts them. */
  readonly signers: readonly DocumentSigner[]
}

export interface ParsedTrustDocument extends TrustHeader {
  readonly signers: readonly ParsedSigner[]
}

/** A signer whose certificate is not parsed. */
export interface ParsedSigner extends RawSigner {
  readonly identity: Identity
}

/** As read: the signers stay octets until somebody asks for one. */
export interface ReadTrustDocument extends TrustHeader {
  readonly signers: SignerList
}

export function encodeTrustDocument(document: TrustDocument): Uint8Array {
  const signers = document.signers
    .map((signer) => ({ keyIdentifier: requireKeyIdentifier(signer.certificate), signer }))
    .sort((a, b) => compareBytes(a.keyIdentifier, b.keyIdentifier))
    .map(({ signer }) => encodeSigner(signer))
  return joinBytes(encodeInPieces(document, signers))
}

/**
 * Encode around signers that are encoded already.
 *
 * @param signers - Ascending; a piece may hold many.
 * @returns Pieces: the octets of a hundred thousand signers are copied when all is put together, and only then.
 */
export function encodeInPieces(header: TrustHeader, signers: readonly Uint8Array[]): readonly Uint8Array[] {
  const fields = [
    encodeInteger(1),
    encodeString(header.trustDomain),
    encodeInteger(header.sequence),
    encodeGeneralizedTime(header.issuedAt),
    encodeGeneralizedTime(header.nextUpdate),
    encodeSequence(...header.anchors.map((certificate) => certificate.der)),
    encodeSequence(...header.authorities.map((certificate) => certificate.der)),
    encodeSequence(...header.crls.map((crl) => crl.der)),
    encodeHeader(TAG.sequence, lengthOf(signers)),
  ]
  return [encodeHeader(TAG.sequence, lengthOf(fields) + lengthOf(signers)), ...fields, ...signers]
}

function lengthOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0)
}

/**
 * Parse the content. Its signature is checked elsewhere; here, only its form.
 *
 * @throws {@link EncodingError} `ERR_TRUST_DIRECTORY_MALFORMED`
 * @throws {@link DeniedError} `ERR_IDENTITY_INVALID` where a grant is none
 * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED`
 */
export function parseTrustDocument(der: Uint8Array): ParsedTrustDocument {
  const { signers, ...header } = readTrustDocument(der)
  const parsed = Array.from({ length: signers.size }, (_, index) => {
    const raw = signers.at(index)
    return { ...raw, identity: identityOf(raw) }
  })
  return { ...header, signers: parsed }
}

/** As {@link parseTrustDocument}, as strictly in form; but nothing is made of a signer. */
export function readTrustDocument(der: Uint8Array): ReadTrustDocument {
  return atOnce(readTrustDocumentInSteps(der))
}

/** As {@link readTrustDocument}, in steps. */
export function readTrustDocumentInSteps(der: Uint8Array): Steps<ReadTrustDocument> {
  return namedInSteps('ERR_TRUST_DIRECTORY_MALFORMED', 'a trust directory', readFields(der))
}

function* readFields(der: Uint8Array): Steps<ReadTrustDocument> {
  const reader = DerReader.over(der, TRUST_DIRECTORY_LIMITS)
  const fields = reader.sequence()
  reader.finish()
  if (fields.smallInteger(255) !== 1) throw fields.error('ERR_TRUST_DIRECTORY_MALFORMED', 'the version is not 1')
  const document = {
    trustDomain: fields.string(TAG.utf8String),
    sequence: fields.smallInteger(MAX_SEQUENCE),
    issuedAt: fields.generalizedTime(),
    nextUpdate: fields.generalizedTime(),
    anchors: yield* readCertificates(fields.sequence()),
    authorities: yield* readCertificates(fields.sequence()),
    crls: yield* readCrls(fields.sequence()),
    signers: yield* SignerList.readInSteps(fields.sequence()),
  }
  fields.finish()
  return document
}

/** Everything that is in a SEQUENCE OF Certificate, one in a step. */
export function* readCertificates(sequence: DerReader): Steps<readonly Certificate[]> {
  const certificates: Certificate[] = []
  while (!sequence.atEnd) {
    certificates.push(readCertificate(sequence))
    yield
  }
  return certificates
}

/** Everything that is in a SEQUENCE OF CertificateList. */
export function* readCrls(sequence: DerReader): Steps<readonly Crl[]> {
  const crls: Crl[] = []
  while (!sequence.atEnd) {
    crls.push(yield* readCrlInSteps(sequence))
    yield
  }
  return crls
}

/** Parse the certificate of a signer. */
export function signerCertificate(signer: RawSigner): Certificate {
  return parseCertificate(signer.certificateDer)
}
