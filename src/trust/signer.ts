/**
 * One signer of a trust directory: its encoding.
 *
 * ```
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
 * @module trust/signer (floor 6)
 */
import {
  contextConstructed,
  type DerReader,
  encodeContext,
  encodeOctetString,
  encodeSequence,
  encodeString,
  TAG,
} from '../asn1/index.js'
import { EncodingError } from '../errors/index.js'
import { type Identity, rolesAt } from '../identity/index.js'
import type { Certificate } from '../x509/index.js'

export interface DocumentSigner {
  readonly certificate: Certificate
  readonly identity: Identity
}

/** A signer as read: neither certificate nor grants are looked into. */
export interface RawSigner {
  readonly keyIdentifier: Uint8Array
  readonly certificateDer: Uint8Array
  readonly stated: Omit<Identity, 'roles'>
}

/** @throws {@link EncodingError} `ERR_TRUST_DIRECTORY_MALFORMED` where the certificate has no key identifier */
export function encodeSigner({ certificate, identity }: DocumentSigner): Uint8Array {
  return encodeSequence(
    encodeOctetString(requireKeyIdentifier(certificate)),
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

export function requireKeyIdentifier(certificate: Certificate): Uint8Array {
  if (certificate.subjectKeyIdentifier === undefined) {
    throw new EncodingError('ERR_TRUST_DIRECTORY_MALFORMED', 'a signer has no subject key identifier')
  }
  return certificate.subjectKeyIdentifier
}

/** Read the signer that is next. */
export function readSigner(sequence: DerReader): RawSigner {
  const fields = sequence.sequence()
  const keyIdentifier = fields.octetString()
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
  return { keyIdentifier, certificateDer, stated: { entity, uri, scope, service, node, grants, groups } }
}

/**
 * The identity of a signer, which all of its messages share.
 *
 * @throws {@link DeniedError} `ERR_IDENTITY_INVALID` where a grant is none
 */
export function identityOf({ stated }: RawSigner): Identity {
  const { entity, uri, scope, service, node, grants, groups } = stated
  const roles = Object.freeze(rolesAt(grants, scope, scope))
  return Object.freeze({ entity, uri, scope, service, node, roles, grants, groups })
}

function readTexts(sequence: DerReader): string[] {
  const texts: string[] = []
  while (!sequence.atEnd) texts.push(sequence.string(TAG.utf8String))
  return texts
}
