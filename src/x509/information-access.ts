/**
 * Where to ask about a certificate (RFC 5280 §4.2.2.1). Read for people; signet follows no address by itself.
 *
 * @module x509/information-access (floor 3)
 */
import { type DerReader, encodeObjectIdentifier, encodeSequence } from '../asn1/index.js'
import { LimitError } from '../errors/index.js'
import { encodeGeneralName, type GeneralName, readGeneralName } from './general-name.js'

export interface AccessDescription {
  /** OID of the access method: OCSP, caIssuers. */
  readonly method: string
  readonly location: GeneralName
}

const MAX_DESCRIPTIONS = 100

export function readAuthorityInfoAccess(reader: DerReader): readonly AccessDescription[] {
  const sequence = reader.sequence()
  const descriptions: AccessDescription[] = []
  while (!sequence.atEnd) {
    if (descriptions.length === MAX_DESCRIPTIONS)
      throw new LimitError('ERR_LIMIT_EXCEEDED', `more than ${MAX_DESCRIPTIONS} access descriptions`)
    const fields = sequence.sequence()
    descriptions.push({ method: fields.oid(), location: readGeneralName(fields) })
    fields.finish()
  }
  if (descriptions.length === 0) throw reader.error('ERR_EXTENSION_MALFORMED', 'a list of access descriptions is empty')
  return descriptions
}

/** The value of authorityInfoAccess. */
export function encodeAuthorityInfoAccess(descriptions: readonly AccessDescription[]): Uint8Array {
  return encodeSequence(
    ...descriptions.map(({ method, location }) =>
      encodeSequence(encodeObjectIdentifier(method), encodeGeneralName(location)),
    ),
  )
}
