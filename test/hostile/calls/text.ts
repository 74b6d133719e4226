/**
 * Every public function that reads texts or JSON, each called with hostile characters.
 *
 * @module test/hostile/calls/text
 */
import { parseOsloMessage, readOsloContent } from '../../../src/oslo/index.js'
import { openEsek, openGroupKey, openTicket, parseEnvelope, parseKeyName } from '../../../src/sharedkey/index.js'
import { parseAgentConfiguration } from '../../../src/agent/index.js'
import { encodeObjectIdentifier, oidName, parseOidText } from '../../../src/asn1/index.js'
import { profileNamed } from '../../../src/authority/index.js'
import { keyAlgorithmNamed, SecretKey } from '../../../src/crypto/index.js'
import { decodeUtf8 } from '../../../src/files/index.js'
import {
  defaultMappingText,
  entityRecord,
  identityUri,
  isBelow,
  isScopePath,
  isSegment,
  parseGrant,
  parseIdentityUri,
  parseMapping,
  parseRegistryDocument,
  parseRegistryLine,
} from '../../../src/identity/index.js'
import { formatJsonPath, jsonAt, parseJsonPath, parseStrictJson, requireKeys } from '../../../src/json/index.js'
import {
  checkSafe,
  isUserToKeystone,
  parseKeystoneMapping,
  processAsKeystone,
  processStrictly,
  requireSafe,
} from '../../../src/keystone/index.js'
import { parseOsloListRule, parseOsloRule, readOsloDocument } from '../../../src/oslo/index.js'
import { purposeNamed, strictnessNamed } from '../../../src/path/index.js'
import {
  checkBindings,
  isMessageType,
  typePattern,
  parseBinding,
  parseCases,
  parseSender,
  runCases,
} from '../../../src/policy/index.js'
import { parsePlace, parseQuestion } from '../../../src/probe/index.js'
import { checkListener } from '../../../src/servers/index.js'
import { parseDuration } from '../../../src/time/index.js'
import {
  attributeType,
  buildName,
  encodeGeneralName,
  parseFingerprint,
  parseHexText,
  parseIpAddress,
  parseName,
  parseSerialText,
} from '../../../src/x509/index.js'
import { parseDeployment } from '../../../src/authority/deployment.js'
import { parseDeployment as parseChannels } from '../../../src/channels/index.js'
import { NOW } from '../../support/certificates.js'
import { parseYaml, parseYamlOrJson } from '../../../src/yaml/index.js'
import { askPolicy, bindText, crossPatterns, decideFor, inCases, inPolicy, smallPolicy } from './policies.js'
import type { Call } from './input.js'
import { senders, world } from '../world.js'

/** With the input as a text, and as what is around it in practice. */
function texts(
  name: string,
  read: (text: string) => unknown,
  around: (text: string) => string = (text) => text,
): readonly (readonly [string, Call])[] {
  return [
    [name, ({ utf8 }) => read(utf8)],
    [`${name} of octets`, ({ latin1 }) => read(around(latin1))],
    [`${name} of a line`, ({ latin1 }) => read(around(firstLine(latin1)))],
  ]
}

/** What is left when everything is taken away that would end a line or be no text in ASCII. */
function firstLine(text: string): string {
  return text.replace(/[^\x21-\x7e]/g, '').slice(0, 200)
}

const issuerKey = world.issuing.certificate.fingerprint
const { identity } = senders[0]

const rule = (text: string): string => `version: 1
trustDomain: cloud.example
rules:
  - name: a
    when: { issuerKey: ${issuerKey}, uri: ${text} }
    then: { entity: registered }
`

const inJson = (text: string): string => `{"payload":{"host":${JSON.stringify(text)}}}`

/** What oslo.messaging puts round a message. */
const inOslo = (text: string): string => JSON.stringify({ 'oslo.version': '2.0', 'oslo.message': text })

const SHARED_KEY = new SecretKey(Buffer.alloc(16, 7))

function checkJson(text: string): unknown {
  const value = parseStrictJson(text)
  jsonAt(value, ['payload', 'host'])
  return requireKeys(value, ['schema', 'seen?'], 'the input')
}

/** A mapping that has the text wherever one may be, but as a pattern: those are the operator's own. */
function inKeystoneMapping(text: string): string {
  const local = [{ user: { name: text } }, { groups: text, domain: { name: text } }]
  return JSON.stringify({ rules: [{ local, remote: [{ type: 'a' }, { type: text, any_one_of: [text, 'x'] }] }] })
}

function mapAsKeystone(text: string): unknown {
  return processAsKeystone(parseKeystoneMapping(parseStrictJson(text)), { a: text, [text]: text })
}

function mapStrictly(text: string): unknown {
  const mapping = parseKeystoneMapping(parseStrictJson(text))
  checkSafe(mapping)
  return processStrictly(requireSafe(mapping), { a: text, [text]: [text, 'x'] })
}

const inRegistry = (text: string): string =>
  JSON.stringify({
    version: 1,
    scopes: { [text]: 'region' },
    roles: { [text]: [text] },
    entities: { [text]: { kind: 'node', service: text, roles: [text], aliases: [text] } },
  })

/** A configuration of an agent that has the text wherever one may be. */
function inAgentConfiguration(text: string): string {
  const places = { status: text, metrics: text, anchors: text, crls: [text] }
  const one = { directory: text, entity: 'a', group: text, reload: [[text, text]], probe: { port: 1, host: text } }
  return JSON.stringify({ version: 1, ...places, source: { command: [text, text] }, credentials: [one] })
}

/** A deployment that has the text wherever one may be. */
function inChannels(text: string): string {
  return JSON.stringify({
    version: 1,
    domains: { [text]: { zone: text, kind: text } },
    zones: { [text]: 'internal', a: text },
    clients: { [text]: { insecure: text } },
    endpoints: { [text]: { zone: text, listen: text, kind: text, credential: text } },
    channels: [{ from: text, hops: [{ to: text, tls: text, trust: text }] }],
  })
}

/** Documents of oslo.policy that have the text wherever one may be. */
const readOslo = (text: string): unknown => [
  readOsloDocument({ [text]: text, a: [[text, text], text] }),
  parseOsloListRule([[text], text]),
]

export const TEXT_CALLS: Readonly<Record<string, Call>> = Object.fromEntries([
  ...texts('agent.parseAgentConfiguration', (text) => parseAgentConfiguration(text, '/etc/signet')),
  ...texts('agent.parseAgentConfiguration with hostile members', (text) =>
    parseAgentConfiguration(inAgentConfiguration(text), '/etc/signet'),
  ),
  ...texts('asn1.encodeObjectIdentifier', encodeObjectIdentifier, (text) => `1.2.${text}`),
  ...texts('asn1.oidName', oidName),
  ...texts('asn1.parseOidText', parseOidText, (text) => `1.2.${text}`),
  ...texts('authority.parseDeployment', parseDeployment),
  ...texts('authority.profileNamed', profileNamed),
  ...texts('channels.parseDeployment', parseChannels, inChannels),
  ...texts('crypto.keyAlgorithmNamed', keyAlgorithmNamed),
  ...texts('probe.parsePlace', parsePlace, (text) => `${text}:443`),
  ...texts('probe.parseQuestion', parseQuestion, (text) => `http:/${text}`),
  ...texts('servers.checkListener', (text) => {
    for (const listen of [
      { address: text, port: 1 },
      { socket: `/${text}`, mode: 0o600, owner: text, group: text },
    ])
      checkListener(listen)
  }),
  ...texts('identity.parseMapping', parseMapping, rule),
  ...texts('identity.defaultMappingText', (text) => parseMapping(defaultMappingText(text, issuerKey))),
  ...texts('identity.parseIdentityUri', parseIdentityUri, (text) => `spiffe://cloud.example/${text}`),
  ...texts('identity.identityUri', (text) =>
    identityUri({ trustDomain: 'cloud.example', scope: text, service: text, node: text }),
  ),
  ...texts('identity.isBelow', (text) => isBelow(text, text.slice(0, 3))),
  ...texts('identity.isScopePath', isScopePath),
  ...texts('identity.isSegment', isSegment),
  ...texts(
    'identity.parseGrant',
    (text) => parseGrant(text, text),
    (text) => `auditor@${text}/**`,
  ),
  ...texts('identity.parseRegistryDocument', parseRegistryDocument, inRegistry),
  ...texts(
    'identity.parseRegistryLine',
    (text) => parseRegistryLine(text, 1),
    (text) => JSON.stringify({ entity: text, kind: 'node', dns: [text] }),
  ),
  ...texts('identity.entityRecord', (text) =>
    entityRecord({ id: text, kind: 'node', service: text }, 'cloud.example', NOW),
  ),
  ...texts('identity.entityRecord with names', (text) =>
    entityRecord({ id: 'a', kind: 'node', dnsNames: [text], roles: [text], aliases: [text] }, 'cloud.example', NOW),
  ),
  ...texts('identity.entityRecord with addresses', (text) =>
    entityRecord({ id: 'a', kind: 'node', ipAddresses: [text] }, text, NOW),
  ),
  ...texts(
    'json.parseJsonPath',
    (text) => formatJsonPath(parseJsonPath(text)),
    (text) => `args."${text}".a`,
  ),
  ...texts('oslo.parseOsloMessage', (text) => parseOsloMessage(Buffer.from(text)), inOslo),
  ...texts(
    'oslo.readOsloContent',
    (text) => readOsloContent(Buffer.from(text), { type: 'rpc.a.b', destination: 'a' }),
    inOslo,
  ),
  ...texts('sharedkey.parseEnvelope', (text) => parseEnvelope(Buffer.from(text))),
  ...texts('sharedkey.parseKeyName', parseKeyName, (text) => `${text}:1`),
  ...texts('sharedkey.openEsek', (text) => openEsek(text, SHARED_KEY)),
  ...texts('sharedkey.openTicket', (text) => openTicket({ metadata: text, ticket: text, signature: text }, SHARED_KEY)),
  ...texts('sharedkey.openGroupKey', (text) =>
    openGroupKey({ metadata: text, group_key: text, signature: text }, SHARED_KEY),
  ),
  ...texts('json.parseStrictJson', checkJson, inJson),
  ...texts('keystone.parseKeystoneMapping', mapAsKeystone, inKeystoneMapping),
  ...texts('keystone.checkSafe', mapStrictly, inKeystoneMapping),
  ...texts('keystone.isUserToKeystone', (id) => {
    const outcome = { user: { id, name: id, domain: { id } }, group_ids: [], group_names: [], projects: [] }
    return isUserToKeystone(outcome, { id, name: 'a', domain: { id, name: id } })
  }),
  ...texts(
    'oslo.parseOsloListRule',
    (text) => parseOsloListRule(parseStrictJson(text)),
    (text) => JSON.stringify([text]),
  ),
  ...texts('oslo.parseOsloRule', parseOsloRule, (text) => `not ${text} or role:%(${text})s`),
  ...texts('oslo.readOsloDocument', readOslo),
  ...texts('path.purposeNamed', purposeNamed),
  ...texts('path.strictnessNamed', strictnessNamed),
  ...texts(
    'policy.checkBindings',
    (text) => checkBindings(parseStrictJson(text), identity, [parseBinding('payload.host == node')]),
    inJson,
  ),
  ...texts('policy.decide', decideFor, (text) => `a.${text}`),
  ...texts('policy.parsePolicy', askPolicy, inPolicy),
  ...texts('policy.parseCases', (text) => runCases(smallPolicy, parseCases(text)), inCases),
  ...texts('policy.TypePattern', crossPatterns),
  ...texts('policy.isBound', bindText),
  ...texts('policy.parseSender', (text) => parseSender({ roles: [text], scope: text, node: text }, text)),
  ...texts('policy.parseBinding', parseBinding, (text) => `${text} == node`),
  ...texts('policy.isMessageType', isMessageType),
  ...texts(
    'policy.typePattern',
    (text) => typePattern(text).matches(text),
    (text) => `notify.${text}`,
  ),
  ...texts('time.parseDuration', parseDuration),
  ...texts('x509.attributeType', attributeType),
  ...texts('x509.buildName', (text) => buildName([['2.5.4.3', text]]).toString()),
  ...texts('x509.encodeGeneralName', (value) => encodeGeneralName({ kind: 'dns', value })),
  ...texts('x509.parseFingerprint', parseFingerprint),
  ...texts('x509.parseHexText', parseHexText),
  ...texts('x509.parseIpAddress', parseIpAddress),
  ...texts(
    'x509.parseName',
    (text) => parseName(text).toString(),
    (text) => `CN=${text},O=a`,
  ),
  ...texts('x509.parseSerialText', parseSerialText, (text) => `dec:${text}`),
  ...texts(
    'yaml.parseYaml',
    (text) => parseYaml(text, 'the input'),
    (text) => `a: ${text}\n`,
  ),
  ...texts(
    'yaml.parseYamlOrJson',
    (text) => parseYamlOrJson(text, 'the input'),
    (text) => `{"a": "${text}"}`,
  ),
  ['files.decodeUtf8', ({ bytes }) => decodeUtf8(bytes, 'the input')],
])
