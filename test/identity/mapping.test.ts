import { describe, expect, it } from 'vitest'
import { defaultMappingText, parseMapping } from '../../src/identity/index.js'
import { expectCode } from '../support/expect-code.js'

const KEY = 'ab'.repeat(32)

/** A mapping that is valid; a test replaces one part. */
const PARTS = {
  version: 'version: 1',
  trustDomain: 'trustDomain: cloud.example',
  name: 'name: nodes',
  issuerKey: `issuerKey: ${KEY}`,
  names: 'dns: "{node}.cloud.example"',
  then: 'then: { service: compute, node: "{node}", roles: [worker] }',
}

function mapping(changes: Partial<typeof PARTS> = {}): string {
  const { version, trustDomain, name, issuerKey, names, then } = { ...PARTS, ...changes }
  return `${version}
${trustDomain}
rules:
  - ${name}
    when:
      ${issuerKey}
      ${names}
    ${then}
`
}

describe('parseMapping', () => {
  it('accepts the valid mapping of these tests, and hands out what it says', () => {
    const { trustDomain, rules } = parseMapping(mapping())
    expect(trustDomain).toBe('cloud.example')
    expect(rules).toHaveLength(1)
    expect(rules[0]).toMatchObject({
      name: 'nodes',
      predicates: [
        { on: 'issuerKey', wanted: KEY },
        { on: 'dns', wanted: '{node}.cloud.example' },
      ],
      result: { kind: 'identity', scope: '', service: 'compute', node: '{node}', roles: ['worker'] },
    })
  })

  it('accepts JSON, the mapping of a new deployment, and a fingerprint in any of its forms', () => {
    const rule = { name: 'a', when: { issuerKey: KEY, subject: { CN: 'x' } }, then: { entity: 'registered' } }
    const json = JSON.stringify({ version: 1, trustDomain: 'cloud.example', rules: [rule] })
    expect(parseMapping(json).rules[0]?.result).toEqual({ kind: 'registered' })
    expect(parseMapping(defaultMappingText('cloud.example', KEY)).rules).toHaveLength(1)
    const forms = [KEY.toUpperCase(), `SHA256:${KEY}`, KEY.replace(/..(?=.)/g, '$&:')]
    for (const form of forms) {
      expect(parseMapping(mapping({ issuerKey: `issuerKey: "${form}"` })).rules[0]?.predicates[0]?.wanted).toBe(KEY)
    }
  })

  const refused: readonly (readonly [claim: string, changes: Partial<typeof PARTS>])[] = [
    ['another version', { version: 'version: 2' }],
    ['a version that is text', { version: 'version: "1"' }],
    ['no version', { version: '' }],
    ['no trust domain', { trustDomain: '' }],
    ['a trust domain that is a number', { trustDomain: 'trustDomain: 7' }],
    ['an unknown key on top', { version: 'version: 1\ndefault: admin' }],
    ['__proto__ on top', { version: 'version: 1\n__proto__: { a: 1 }' }],
    ['a key twice on top', { version: 'version: 1\nversion: 1' }],
    ['no name', { name: 'nome: nodes' }],
    ['an empty name', { name: 'name: ""' }],
    ['a name that is a list', { name: 'name: [a]' }],
    ['no issuer key', { issuerKey: '' }],
    ['an issuer key that is no digest', { issuerKey: 'issuerKey: cafe' }],
    ['an issuer key that is a number', { issuerKey: 'issuerKey: 12' }],
    ['an issuer key twice', { issuerKey: `issuerKey: ${KEY}\n      issuerKey: ${KEY}` }],
    ['no name predicate', { names: '' }],
    ['a subject without attributes', { names: 'subject: {}' }],
    ['an unknown predicate', { names: 'email: "a@b"' }],
    ['a predicate called constructor', { names: 'constructor: "a"' }],
    ['a predicate that is null', { names: 'dns:' }],
    ['a predicate that is empty', { names: 'dns: ""' }],
    ['a predicate that is a list', { names: 'dns: [a, b]' }],
    ['a predicate that is a number', { names: 'subject: { CN: 7 }' }],
    ['a predicate that is true', { names: 'subject: { CN: true }' }],
    ['a subject that is text', { names: 'subject: "CN=admin"' }],
    ['a subject that is a list', { names: 'subject: [CN]' }],
    ['a subject that is null', { names: 'subject:' }],
    ['an attribute twice', { names: 'subject: { CN: a, CN: b }' }],
    ['a wildcard', { names: 'dns: "*.cloud.example"' }],
    ['a regular expression', { names: 'dns: "[a-z]*.cloud.example"' }],
    ['a part of a component captured', { names: 'dns: "a{node}.cloud.example"' }],
    ['a capture made twice', { names: 'dns: "{node}.{node}"' }],
    ['a capture made in two predicates', { names: 'dns: "{node}.cloud.example"\n      subject: { CN: "{node}" }' }],
    ['no result', { then: '' }],
    ['a result that is text', { then: 'then: admin' }],
    ['a result without service', { then: 'then: { node: "{node}", roles: [] }' }],
    ['a result without node', { then: 'then: { service: a, roles: [] }' }],
    ['a result without roles', { then: 'then: { service: a, node: b }' }],
    ['an unknown key in a result', { then: 'then: { service: a, node: b, roles: [], groups: [] }' }],
    ['another entity than registered', { then: 'then: { entity: admin }' }],
    ['roles beside a registered entity', { then: 'then: { entity: registered, roles: [admin] }' }],
    ['roles that are text', { then: 'then: { service: a, node: b, roles: admin }' }],
    ['a role that is a number', { then: 'then: { service: a, node: b, roles: [7] }' }],
    ['a role with a separator', { then: 'then: { service: a, node: b, roles: ["a,b"] }' }],
    ['a role from a capture', { then: 'then: { service: a, node: b, roles: ["{node}"] }' }],
    ['a capture that was not made', { then: 'then: { service: "{service}", node: "{node}", roles: [] }' }],
    ['a capture that is misspelt', { then: 'then: { scope: "{scop}", service: a, node: "{node}", roles: [] }' }],
    [
      'a capture written as in a pattern',
      { then: 'then: { scope: "{scope...}", service: a, node: "{node}", roles: [] }' },
    ],
    [
      'a capture of whatever an object inherits',
      { then: 'then: { scope: "{constructor}", service: a, node: b, roles: [] }' },
    ],
    ['a capture inside a text', { then: 'then: { service: a, node: "x-{node}", roles: [] }' }],
    ['a capture that is not closed', { then: 'then: { service: a, node: "{node", roles: [] }' }],
    ['a node that is no name', { then: 'then: { service: a, node: "../b", roles: [] }' }],
    ['a scope that is no path', { then: 'then: { scope: "a//b", service: a, node: b, roles: [] }' }],
    ['an empty service', { then: 'then: { service: "", node: b, roles: [] }' }],
    ['an anchor and its alias', { names: 'dns: &a "{node}.cloud.example"\n      subject: { O: *a }' }],
    ['a merge key', { names: '<<: { dns: a }' }],
    ['YAML that is none', { names: 'dns: "a' }],
    ['two documents', { version: 'version: 1\n---\nversion: 1' }],
  ]

  it.each(refused)('ID-21: refuses %s', (_claim, changes) => {
    const error = expectCode('ERR_MAPPING_INVALID', () => parseMapping(mapping(changes)))
    expect(error.exitCode).toBe(2)
  })

  it.each([
    ['nothing', ''],
    ['a text', 'admin'],
    ['a list', '- a'],
    ['null', 'null'],
    ['no rules', 'version: 1\ntrustDomain: a\n'],
    ['rules that are none', 'version: 1\ntrustDomain: a\nrules: []\n'],
    ['rules that are no list', 'version: 1\ntrustDomain: a\nrules: { a: b }\n'],
    ['a rule that is text', 'version: 1\ntrustDomain: a\nrules: [a]\n'],
    ['a rule that is null', 'version: 1\ntrustDomain: a\nrules: [null]\n'],
    ['a trust domain in which a rule makes no identity', mapping({ trustDomain: 'trustDomain: Not a domain' })],
  ])('ID-21: refuses %s', (_claim, text) => {
    expectCode('ERR_MAPPING_INVALID', () => parseMapping(text))
  })

  it('refuses two rules of one name, and more than ten thousand', () => {
    const rule = (name: string): string =>
      `  - { name: ${name}, when: { issuerKey: ${KEY}, dns: a }, then: { entity: registered } }\n`
    const head = 'version: 1\ntrustDomain: cloud.example\nrules:\n'
    expect(parseMapping(head + rule('a') + rule('b')).rules).toHaveLength(2)
    expectCode('ERR_MAPPING_INVALID', () => parseMapping(head + rule('a') + rule('a')))
    const many = JSON.stringify({ version: 1, trustDomain: 'a', rules: Array.from({ length: 10_001 }, () => 0) })
    expectCode('ERR_MAPPING_INVALID', () => parseMapping(many))
  })

  it('refuses aliases that would grow without end, at once', () => {
    const lines = ['a0: &a0 [x, x]']
    for (let level = 1; level < 30; level++) lines.push(`a${level}: &a${level} [*a${level - 1}, *a${level - 1}]`)
    const start = process.cpuUsage()
    expectCode('ERR_MAPPING_INVALID', () => parseMapping(lines.join('\n')))
    expect(process.cpuUsage(start).user / 1e6).toBeLessThan(1)
  })

  it('ID-19: leaves the prototype of objects as it was', () => {
    for (const key of ['__proto__', 'constructor', 'prototype']) {
      expectCode('ERR_MAPPING_INVALID', () => parseMapping(mapping({ names: `subject: { ${key}: x }` })))
      expectCode('ERR_MAPPING_INVALID', () => parseMapping(`${key}: { polluted: true }\n${mapping()}`))
    }
    expect(Object.keys(Object.prototype)).toEqual([])
    expect('polluted' in {}).toBe(false)
  })

  it('every refusal carries the code, and quotes the rule that is wrong', () => {
    const error = expectCode('ERR_MAPPING_INVALID', () => parseMapping(mapping({ names: '' })))
    expect(error.message).toContain('nodes')
  })
})
