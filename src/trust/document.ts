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
 *
 * Signer ::= SEQUENCE {
 *   keyIdentifier OCTET STRING,           -- that of the certificate
 *   certificate   Certificate,
 *   entity        UTF8String,
 *   uri           IA5String,
 *   scope         UTF8String,
 *   service       UTF8String,
 *   node          UTF8String,
 *   grants        SEQUENCE OF UTF8String, -- `role` in its own scope, `role@scope`, `role@scope/*`, `role@scope/**`
 *   groups        [0] IMPLICIT SEQUENCE OF UTF8String OPTIONAL }
 * ```
 *
 * @module trust/document (floor 6)
 */
import {
  compareBytes,
  contextConstructed,
  DerReader,
  encodeContext,
  encodeGeneralizedTime,
  encodeInteger,
  encodeOctetString,
  encodeSequence,
  encodeString,
  TAG,
  TRUST_DIRECTORY_LIMITS,
} from '../asn1/index.js'
import { EncodingError } from '../errors/index.js'
import { type Identity, rolesAt } from '../identity/index.js'
import { type Certificate, type Crl, named, parseCertificate, readCertificate, readCrl } from '../x509/index.js'

export interface TrustDocument {
  readonly trustDomain: string
  readonly sequence: number
  readonly issuedAt: Date
  readonly nextUpdate: Date
  readonly anchors: readonly Certificate[]
  readonly authorities: readonly Certificate[]
  readonly crls: readonly Crl[]
  /** In no particular order; encoding sorts them. */
  readonly signers: readonly DocumentSigner[]
}

export interface DocumentSigner {
  readonly certificate: Certificate
  readonly identity: Identity
}

/** A signer as read: its certificate stays unparsed until somebody asks for it. */
export interface RawSigner {
  readonly keyIdentifier: Uint8Array
  readonly certificateDer: Uint8Array
  readonly identity: Identity
}

export type ParsedTrustDocument = Omit<TrustDocument, 'signers'> & { readonly signers: readonly RawSigner[] }

export function encodeTrustDocument(document: TrustDocument): Uint8Array {
  const signers = document.signers
    .map((signer) => ({ keyIdentifier: requireKeyIdentifier(signer.certificate), signer }))
    .sort((a, b) => compareBytes(a.keyIdentifier, b.keyIdentifier))
    .map(({ keyIdentifier, signer }) => encodeSigner(keyIdentifier, signer))
  return encodeSequence(
    encodeInteger(1),
    encodeString(document.trustDomain),
    encodeInteger(document.sequence),
    encodeGeneralizedTime(document.issuedAt),
    encodeGeneralizedTime(document.nextUpdate),
    encodeSequence(...document.anchors.map((certificate) => certificate.der)),
    encodeSequence(...document.authorities.map((certificate) => certificate.der)),
    encodeSequence(...document.crls.map((crl) => crl.der)),
    // Joined first: as arguments, a hundred thousand would not fit on the stack.
    encodeSequence(Buffer.concat(signers)),
  )
}

function encodeSigner(keyIdentifier: Uint8Array, { certificate, identity }: DocumentSigner): Uint8Array {
  return encodeSequence(
    encodeOctetString(keyIdentifier),
    certificate.der,
    encodeString(identity.entity),
    encodeString(identity.uri, TAG.ia5String),
    encodeString(identity.scope),
    encodeString(identity.service),
    encodeString(identity.node),
    encodeSequence(...identity.grants.map((grant) => encodeString(grant))),
    ...(identity.groups.length === 0 ? [] : [encodeContext(0, ...identity.groups.map((group) => encodeString(group)))]),
  )
}

function requireKeyIdentifier(certificate: Certificate): Uint8Array {
  if (certificate.subjectKeyIdentifier === undefined) {
    throw new EncodingError('ERR_TRUST_DIRECTORY_MALFORMED', 'a signer has no subject key identifier')
  }
  return certificate.subjectKeyIdentifier
}

/**
 * Parse the content. Its signature is checked elsewhere; here, only its form.
 *
 * @throws {@link EncodingError} `ERR_TRUST_DIRECTORY_MALFORMED`
 * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED`
 */
export function parseTrustDocument(der: Uint8Array): ParsedTrustDocument {
  return named('ERR_TRUST_DIRECTORY_MALFORMED', 'a trust directory', () => {
    const reader = DerReader.over(der, TRUST_DIRECTORY_LIMITS)
    const fields = reader.sequence()
    reader.finish()
    if (fields.smallInteger(255) !== 1) throw fields.error('ERR_TRUST_DIRECTORY_MALFORMED', 'the version is not 1')
    const document = {
      trustDomain: fields.string(TAG.utf8String),
      sequence: fields.smallInteger(2 ** 47),
      issuedAt: fields.generalizedTime(),
      nextUpdate: fields.generalizedTime(),
      anchors: readAll(fields, readCertificate),
      authorities: readAll(fields, readCertificate),
      crls: readAll(fields, readCrl),
      signers: readSigners(fields.sequence()),
    }
    fields.finish()
    return document
  })
}

function readAll<T>(fields: DerReader, read: (reader: DerReader) => T): readonly T[] {
  const sequence = fields.sequence()
  const items: T[] = []
  while (!sequence.atEnd) items.push(read(sequence))
  return items
}

function readSigners(sequence: DerReader): readonly RawSigner[] {
  const signers: RawSigner[] = []
  let previous: Uint8Array | undefined
  while (!sequence.atEnd) {
    const fields = sequence.sequence()
    const keyIdentifier = fields.octetString()
    if (previous !== undefined && compareBytes(previous, keyIdentifier) >= 0) {
      throw fields.error('ERR_TRUST_DIRECTORY_MALFORMED', 'signers are in ascending order, each once')
    }
    previous = keyIdentifier
    const certificateDer = fields.element(TAG.sequence)
    const entity = fields.string(TAG.utf8String)
    const uri = fields.string(TAG.ia5String)
    const scope = fields.string(TAG.utf8String)
    const service = fields.string(TAG.utf8String)
    const node = fields.string(TAG.utf8String)
    const grants = Object.freeze(readTexts(fields.sequence()))
    const hasGroups = fields.peek() === contextConstructed(0)
    const groups = Object.freeze(hasGroups ? readTexts(fields.constructed(contextConstructed(0))) : [])
    fields.finish()
    const roles = Object.freeze(rolesAt(grants, scope, scope))
    // Every message of the signer shares it.
    const identity = Object.freeze({ entity, uri, scope, service, node, roles, grants, groups })
    signers.push({ keyIdentifier, certificateDer, identity })
  }
  return signers
}

function readTexts(sequence: DerReader): string[] {
  const texts: string[] = []
  while (!sequence.atEnd) texts.push(sequence.string(TAG.utf8String))
  return texts
}

/** Parse the certificate of a signer. */
export function signerCertificate(signer: RawSigner): Certificate {
  return parseCertificate(signer.certificateDer)
}
