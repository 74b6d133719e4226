/**
 * The subject of an entity's certificates, for brokers that know no URIs.
 *
 * @module brokers/subject (floor 7.1)
 */
import { commonNameOf, parseIdentityUri } from '../identity/index.js'
import type { BrokerUser } from './permissions.js'

/** What the authority puts into a subject: trust domain, service, and the entity's id. */
export interface Subject {
  readonly organization: string
  readonly organizationalUnit: string
  readonly commonName: string
}

/** The subject of every certificate of an entity. */
export function subjectOf({ entity, uri }: Pick<BrokerUser, 'entity' | 'uri'>): Subject {
  const { trustDomain, service } = parseIdentityUri(uri)
  return { organization: trustDomain, organizationalUnit: service, commonName: commonNameOf(entity) }
}

/** RFC 2253, last RDN first. None of the parts has a character that is escaped there, by OpenSSL, Go or Java. */
export function subjectText({ organization, organizationalUnit, commonName }: Subject): string {
  return `CN=${commonName},OU=${organizationalUnit},O=${organization}`
}
