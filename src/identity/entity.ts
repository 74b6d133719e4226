/**
 * What an entity may be called: checked once, when it is registered.
 *
 * @module identity/entity (floor 5)
 */
import { DeniedError } from '../errors/index.js'
import type { EntityRecord } from '../store/index.js'
import { formatIpAddress, parseIpAddress } from '../x509/index.js'
import { formatGrant, parseGrant } from './grant.js'
import { identityUri, isSegment } from './identity-uri.js'
import { isScopePath } from './scope.js'

/** Who shall be registered. */
export interface EntityRequest {
  /** Unique in the deployment: `compute-07`. */
  readonly id: string
  /** What sort of thing it is. */
  readonly kind: EntityKind
  /** Path of scopes, outermost first: `region-one/nova`. Default: the whole deployment. */
  readonly scope?: string
  /** Name of the service in its identity. Default: the kind. */
  readonly service?: string
  /** Name of the node in its identity. Default: the id. */
  readonly node?: string
  /** Roles in its own scope, or grants elsewhere: `compute_node`, `auditor@region-one/**`. */
  readonly roles?: readonly string[]
  readonly dnsNames?: readonly string[]
  readonly ipAddresses?: readonly string[]
  /** Its names in other systems, each after that system's: `kite:compute.compute-07`, `kerberos:nova/c7@EXAMPLE`. */
  readonly aliases?: readonly string[]
}

/** `node`: a machine of the deployment; `service`: a part of its control plane; `instance`: what its users run;
 * `operator`: a person, or what acts for one; `broker`: what carries messages. */
export type EntityKind = 'node' | 'service' | 'instance' | 'operator' | 'broker'

export const ENTITY_KINDS = [
  'node',
  'service',
  'instance',
  'operator',
  'broker',
] as const satisfies readonly EntityKind[]

/** The service under which the authority's own certificates have their identities. */
export const AUTHORITY_SERVICE = 'signet'

/** Leaves room in a common name, which has at most 64 characters (RFC 5280 appendix A). */
const MAX_ID_LENGTH = 61
const MAX_ROLES = 64
const MAX_NAMES = 100
const MAX_ALIASES = 16

/**
 * Check a request and give it the form in which it is recorded: names lower case, lists sorted, no duplicates.
 *
 * Whether the deployment's authority may certify the host names is checked by the authority.
 *
 * @throws {@link DeniedError} `ERR_IDENTITY_INVALID`
 */
export function entityRecord(request: EntityRequest, trustDomain: string, at: Date): EntityRecord {
  const { id, kind, scope = '', service = kind, node = id } = request
  if (!isSegment(id)) {
    throw invalid(`the id ${JSON.stringify(id)} is not made of letters, digits, dots, dashes and underscores`)
  }
  if (!ENTITY_KINDS.includes(kind)) {
    throw new DeniedError('ERR_IDENTITY_INVALID', `not a kind of entity: ${JSON.stringify(kind)}`, {
      hint: `choose one of ${ENTITY_KINDS.join(', ')}; what it does is its service`,
    })
  }
  if (!isScopePath(scope)) throw invalid(`not the path of a scope: ${JSON.stringify(scope)}`)
  if (id.length > MAX_ID_LENGTH) throw invalid(`the id of an entity has at most ${MAX_ID_LENGTH} characters`)
  if (service === AUTHORITY_SERVICE) throw invalid(`the service name ${AUTHORITY_SERVICE} is the authority's own`)
  const grants = (request.roles ?? []).map((text) => formatGrant(parseGrant(text, scope), scope))
  const roles = distinct(grants, MAX_ROLES, 'roles')
  const dnsNames = distinct((request.dnsNames ?? []).map(dnsName), MAX_NAMES, 'DNS names')
  const ipAddresses = distinct((request.ipAddresses ?? []).map(ipAddress), MAX_NAMES, 'IP addresses')
  const aliases = distinct((request.aliases ?? []).map(alias), MAX_ALIASES, 'names in other systems')
  const uri = identityUri({ trustDomain, scope, service, node }).text
  const now = at.toISOString()
  return {
    id,
    kind,
    service,
    node,
    scope,
    uri,
    roles,
    dnsNames,
    ipAddresses,
    aliases,
    state: 'active',
    createdAt: now,
    updatedAt: now,
  }
}

const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
const DNS_NAME = new RegExp(`^(?=.{1,253}$)${LABEL}(?:\\.${LABEL})*$`)

/** A host name in lower case (RFC 1123 §2.1). Wildcards name no host and are refused, as are numbers that look like addresses. */
function dnsName(text: string): string {
  const name = text.toLowerCase()
  if (!DNS_NAME.test(name) || /(^|\.)[0-9]+$/.test(name)) throw invalid(`not a host name: ${JSON.stringify(text)}`)
  return name
}

function ipAddress(text: string): string {
  const octets = parseIpAddress(text)
  if (octets === undefined) throw invalid(`not an IP address: ${JSON.stringify(text)}`)
  return formatIpAddress(octets)
}

/** A system, a colon, and a name as that system writes it: nothing that a terminal or a log would take for a command. */
function alias(text: string): string {
  if (!/^[a-z][a-z0-9-]{0,30}:[\x21-\x7e]{1,200}$/.test(text)) {
    throw new DeniedError('ERR_IDENTITY_INVALID', `not a name in another system: ${JSON.stringify(text)}`, {
      hint: 'write SYSTEM:NAME, such as kite:compute.compute-07',
    })
  }
  return text
}

function distinct(values: readonly string[], limit: number, what: string): readonly string[] {
  const sorted = [...new Set(values)].sort()
  if (sorted.length > limit) throw invalid(`an entity has at most ${limit} ${what}`)
  return sorted
}

function invalid(message: string): DeniedError {
  return new DeniedError('ERR_IDENTITY_INVALID', message, {
    hint: 'names are ASCII, begin and end with a letter or digit, and have at most 64 characters',
  })
}
