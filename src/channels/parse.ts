/**
 * Reading a deployment: strict, so that what is meant and not understood is never taken for safe.
 *
 * @module channels/parse (floor 7.3)
 */
import { parseIdentityUri } from '../identity/index.js'
import { checkListener, type Listener, SERVER_KINDS } from '../servers/index.js'
import { parseYamlOrJson } from '../yaml/index.js'
import {
  type Channel,
  CLIENT_OPTIONS,
  type ClientProfile,
  type Deployment,
  type Endpoint,
  type EndpointCredential,
  type EndpointIdentity,
  type Hop,
  type TrustDomain,
  type ZoneKind,
} from './document.js'
import { explained, invalid, keys, known, namedMembers, oneOf, optional, text, texts } from './fields.js'

const MAX_CHANNELS = 10_000

/**
 * Parse a deployment.
 *
 * Whether its channels are safe is not looked at: see `planChannels`.
 *
 * @throws {@link UsageError} `ERR_DEPLOYMENT_INVALID`: an unknown field, a name that is not declared, a hop that no
 * server could serve
 * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED`
 */
export function parseDeployment(document: string): Deployment {
  return explained(() => {
    const fields = keys(
      parseYamlOrJson(document, 'the deployment'),
      ['version', 'domains', 'zones', 'clients?', 'endpoints', 'channels'],
      'the deployment',
    )
    if (fields['version'] !== 1) throw invalid('its version is not 1')
    const zones = namedMembers(fields['zones'], 'zones', (kind, name) =>
      oneOf<ZoneKind>(kind, ['public', 'internal', 'host-local'], `the zone ${name}`),
    )
    const domains = namedMembers(fields['domains'], 'domains', (value, name) => parseDomain(value, name, zones))
    const clients = namedMembers(fields['clients'] ?? {}, 'clients', parseProfile)
    const endpoints = namedMembers(fields['endpoints'], 'endpoints', (value, name) =>
      parseEndpoint(value, name, { zones, domains, clients }),
    )
    const deployment = { zones, domains, clients, endpoints }
    const channels = [
      ...namedMembers(fields['channels'], 'channels', (value, name) => parseChannel(value, name, deployment)).values(),
    ]
    if (channels.length === 0) throw invalid('it has no channels')
    if (channels.length > MAX_CHANNELS) throw invalid(`it has more than ${MAX_CHANNELS} channels`)
    return { ...deployment, channels }
  })
}

function parseDomain(value: unknown, name: string, zones: Deployment['zones']): TrustDomain {
  const what = `the domain ${name}`
  const { authority, zones: counting } = keys(value, ['authority', 'zones'], what)
  return {
    authority: oneOf(authority, ['own', 'public'], `${what}: authority`),
    zones: texts(counting, `${what}: zones`).map((zone) => known(zone, zones, `${what}: a zone`)),
  }
}

function parseProfile(value: unknown, name: string): ClientProfile {
  const fields = keys(
    value,
    CLIENT_OPTIONS.map((option) => `${option}?`),
    `the client profile ${name}`,
  )
  return Object.fromEntries(CLIENT_OPTIONS.map((option) => [option, fields[option]])) as ClientProfile
}

type Declared = Pick<Deployment, 'zones' | 'domains' | 'clients'>

function parseEndpoint(value: unknown, name: string, { zones, domains, clients }: Declared): Endpoint {
  const what = `the endpoint ${name}`
  const fields = keys(
    value,
    [
      'host',
      'kind',
      'listen',
      'user',
      'groups',
      'versions',
      'credentials',
      'client',
      'separation',
      'directory',
      'state',
    ]
      .map((field) => `${field}?`)
      .concat('zone'),
    what,
  )
  const listen = fields['listen'] ?? []
  const credentials = namedMembers(fields['credentials'] ?? {}, `${what}: credentials`, (credential, domain) => {
    known(domain, domains, `${what}: the domain of a credential`)
    return parseCredential(credential, `${what}: ${domain}`)
  })
  return {
    name,
    zone: known(fields['zone'], zones, `${what}: zone`),
    listen: (Array.isArray(listen) ? (listen as unknown[]) : [listen]).map((place) => parsePlace(place, what)),
    groups: texts(fields['groups'], `${what}: groups`),
    versions: oneOf(fields['versions'] ?? 'TLSv1.3', ['TLSv1.3', 'allow-TLSv1.2'], `${what}: versions`),
    separation: oneOf(fields['separation'] ?? 'not-required', ['required', 'not-required'], `${what}: separation`),
    credentials,
    ...optional('kind', fields['kind'], (kind) =>
      oneOf(
        kind,
        SERVER_KINDS.map((server) => server.name),
        `${what}: kind`,
      ),
    ),
    ...optional('client', fields['client'], (profile) => known(profile, clients, `${what}: client`)),
    ...optional('host', fields['host'], (host) => text(host, `${what}: host`)),
    ...optional('user', fields['user'], (user) => text(user, `${what}: user`)),
    ...optional('directory', fields['directory'], (path) => text(path, `${what}: directory`)),
    ...optional('state', fields['state'], (path) => text(path, `${what}: state`)),
  }
}

function parsePlace(value: unknown, what: string): Listener {
  const fields = keys(value, ['address?', 'port?', 'socket?', 'mode?', 'owner?', 'group?'], `${what}: listen`)
  const { address, port, socket, mode, owner, group } = fields
  if (socket === undefined) {
    if (mode !== undefined || owner !== undefined || group !== undefined) {
      throw invalid(`${what}: a port has no owner, group and mode`)
    }
    if (typeof port !== 'number') throw invalid(`${what}: port is not a number`)
    return checked({ address: text(address, `${what}: address`), port })
  }
  if (address !== undefined || port !== undefined) throw invalid(`${what}: it listens at a socket or at a port`)
  // A number would be read as decimal by some, and as octal by others.
  if (typeof mode !== 'string' || !/^0[0-7]{3}$/.test(mode)) throw invalid(`${what}: mode is not a text such as "0660"`)
  return checked({
    socket: text(socket, `${what}: socket`),
    mode: Number.parseInt(mode, 8),
    owner: text(owner, `${what}: owner`),
    group: text(group, `${what}: group`),
  })
}

function checked(place: Listener): Listener {
  checkListener(place)
  return place
}

function parseCredential(value: unknown, what: string): EndpointCredential {
  const fields = keys(value, ['directory', 'names?', 'identities?', 'owner?', 'group?'], what)
  const { identities = [] } = fields
  if (!Array.isArray(identities)) throw invalid(`${what}: identities are not a list`)
  return {
    directory: text(fields['directory'], `${what}: directory`),
    names: texts(fields['names'], `${what}: names`),
    identities: identities.map((identity) => parseIdentity(identity, what)),
    owner: text(fields['owner'] ?? 'root', `${what}: owner`),
    ...optional('group', fields['group'], (group) => text(group, `${what}: group`)),
  }
}

function parseIdentity(value: unknown, what: string): EndpointIdentity {
  const { uri, roles, dns } = keys(value, ['uri', 'roles?', 'dns?'], `${what}: an identity`)
  return {
    uri: parseIdentityUri(text(uri, `${what}: uri`)).text,
    roles: texts(roles, `${what}: roles`),
    dnsNames: texts(dns, `${what}: dns`),
  }
}

type Reachable = Omit<Deployment, 'channels'>

function parseChannel(value: unknown, name: string, deployment: Reachable): Channel {
  const what = `the channel ${name}`
  const { protocol, from, hops } = keys(value, ['protocol', 'from', 'hops'], what)
  if (!Array.isArray(hops) || hops.length === 0) throw invalid(`${what} leads nowhere`)
  const parsed = hops.map((hop) => parseHop(hop, what, deployment))
  for (const [index, { to, tls }] of parsed.entries()) {
    const next = parsed[index + 1]
    if (next !== undefined && deployment.endpoints.get(to)?.kind === undefined) {
      throw invalid(`${what}: ${to} is no proxy: say of which kind it is`)
    }
    if (tls !== 'passthrough') continue
    if (next === undefined) throw invalid(`${what} ends unopened at ${to}`)
    if (next.tls === 'clear') throw invalid(`${what}: what ${to} does not open it cannot hand on in clear text`)
  }
  return {
    name,
    protocol: oneOf(protocol, ['rest', 'rpc', 'database', 'queue', 'other'], `${what}: protocol`),
    from: known(from, deployment.endpoints, `${what}: from`),
    hops: parsed,
  }
}

function parseHop(value: unknown, what: string, { endpoints, domains }: Reachable): Hop {
  const { to, tls, domain, clients, name } = keys(
    value,
    ['to', 'tls', 'domain?', 'clients?', 'name?'],
    `${what}: a hop`,
  )
  const mode = oneOf(tls, ['mutual-tls', 'tls', 'passthrough', 'clear'], `${what}: tls`)
  const hop: Hop = {
    to: known(to, endpoints, `${what}: to`),
    tls: mode,
    ...optional('domain', domain, (one) => known(one, domains, `${what}: domain`)),
    ...optional('clients', clients, (one) => known(one, domains, `${what}: clients`)),
    ...optional('name', name, (one) => text(one, `${what}: name`)),
  }
  if (endpoints.get(hop.to)?.listen.length === 0) throw invalid(`${what}: ${hop.to} does not listen`)
  const isOpened = mode === 'mutual-tls' || mode === 'tls'
  if (isOpened !== (hop.domain !== undefined)) {
    throw invalid(
      `${what}: the hop to ${hop.to} ${isOpened ? 'names no trust domain' : `is ${mode}: it has no trust domain`}`,
    )
  }
  if (mode !== 'mutual-tls' && hop.clients !== undefined) throw invalid(`${what}: clients show nothing to ${hop.to}`)
  if (!isOpened && hop.name !== undefined) throw invalid(`${what}: nobody looks at the name of ${hop.to}`)
  return hop
}
