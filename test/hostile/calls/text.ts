/**
 * Every public function that reads texts or JSON, each called with hostile characters.
 *
 * @module test/hostile/calls/text
 */
import { encodeObjectIdentifier, oidName, parseOidText } from '../../../src/asn1/index.js'
import { profileNamed } from '../../../src/authority/index.js'
import { keyAlgorithmNamed } from '../../../src/crypto/index.js'
import { decodeUtf8 } from '../../../src/files/index.js'
import {
  defaultMappingText,
  entityRecord,
  identityUri,
  isSegment,
  parseIdentityUri,
  parseMapping,
} from '../../../src/identity/index.js'
import { jsonAt, parseStrictJson, requireKeys } from '../../../src/json/index.js'
import {
  checkSafe,
  isUserToKeystone,
  parseKeystoneMapping,
  processAsKeystone,
  processStrictly,
  requireSafe,
} from '../../../src/keystone/index.js'
import { purposeNamed, strictnessNamed } from '../../../src/path/index.js'
import { checkBindings, isMessageType, messageTypeMatcher, parseBinding } from '../../../src/policy/index.js'
import { parseDuration } from '../../../src/time/index.js'
import {
  attributeType,
  buildName,
  encodeGeneralName,
  parseFingerprint,
  parseHexText,
  parseIpAddress,
  parseSerialText,
} from '../../../src/x509/index.js'
import { parseDeployment } from '../../../src/authority/deployment.js'
import { NOW } from '../../support/certificates.js'
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

export const TEXT_CALLS: Readonly<Record<string, Call>> = Object.fromEntries([
  ...texts('asn1.encodeObjectIdentifier', encodeObjectIdentifier, (text) => `1.2.${text}`),
  ...texts('asn1.oidName', oidName),
  ...texts('asn1.parseOidText', parseOidText, (text) => `1.2.${text}`),
  ...texts('authority.parseDeployment', parseDeployment),
  ...texts('authority.profileNamed', profileNamed),
  ...texts('crypto.keyAlgorithmNamed', keyAlgorithmNamed),
  ...texts('identity.parseMapping', parseMapping, rule),
  ...texts('identity.defaultMappingText', (text) => parseMapping(defaultMappingText(text, issuerKey))),
  ...texts('identity.parseIdentityUri', parseIdentityUri, (text) => `spiffe://cloud.example/${text}`),
  ...texts('identity.identityUri', (text) =>
    identityUri({ trustDomain: 'cloud.example', scope: text, service: text, node: text }),
  ),
  ...texts('identity.isSegment', isSegment),
  ...texts('identity.entityRecord', (text) =>
    entityRecord({ id: text, kind: 'node', service: text }, 'cloud.example', NOW),
  ),
  ...texts('identity.entityRecord with names', (text) =>
    entityRecord({ id: 'a', kind: 'node', dnsNames: [text], roles: [text], aliases: [text] }, 'cloud.example', NOW),
  ),
  ...texts('identity.entityRecord with addresses', (text) =>
    entityRecord({ id: 'a', kind: 'node', ipAddresses: [text] }, text, NOW),
  ),
  ...texts('json.parseStrictJson', checkJson, inJson),
  ...texts('keystone.parseKeystoneMapping', mapAsKeystone, inKeystoneMapping),
  ...texts('keystone.checkSafe', mapStrictly, inKeystoneMapping),
  ...texts('keystone.isUserToKeystone', (id) => {
    const outcome = { user: { id, name: id, domain: { id } }, group_ids: [], group_names: [], projects: [] }
    return isUserToKeystone(outcome, { id, name: 'a', domain: { id, name: id } })
  }),
  ...texts('path.purposeNamed', purposeNamed),
  ...texts('path.strictnessNamed', strictnessNamed),
  ...texts(
    'policy.checkBindings',
    (text) => checkBindings(parseStrictJson(text), identity, [parseBinding('payload.host == node')]),
    inJson,
  ),
  ...texts('policy.parseBinding', parseBinding, (text) => `${text} == node`),
  ...texts('policy.isMessageType', isMessageType),
  ...texts(
    'policy.messageTypeMatcher',
    (text) => messageTypeMatcher(text)(text),
    (text) => `notify.${text}`,
  ),
  ...texts('time.parseDuration', parseDuration),
  ...texts('x509.attributeType', attributeType),
  ...texts('x509.buildName', (text) => buildName([['2.5.4.3', text]]).toString()),
  ...texts('x509.encodeGeneralName', (value) => encodeGeneralName({ kind: 'dns', value })),
  ...texts('x509.parseFingerprint', parseFingerprint),
  ...texts('x509.parseHexText', parseHexText),
  ...texts('x509.parseIpAddress', parseIpAddress),
  ...texts('x509.parseSerialText', parseSerialText, (text) => `dec:${text}`),
  ['files.decodeUtf8', ({ bytes }) => decodeUtf8(bytes, 'the input')],
])
