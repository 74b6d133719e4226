import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { defaultMappingText, lintMapping, MAX_RULES, parseMapping } from '../../src/identity/index.js'
import { expectCode } from '../support/expect-code.js'
import { ACCEPTED, KEY, mappingText as mapping, REFUSED } from '../support/mapping-files.js'

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
      result: { kind: 'identity', scope: '', service: 'compute', node: '{node}', roles: ['worker'], groups: [] },
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

  it.each(ACCEPTED)('accepts %s', (_claim, changes) => {
    expect(parseMapping(mapping(changes)).rules).toHaveLength(1)
  })

  it.each(REFUSED)('ID-21: refuses %s', (_claim, changes) => {
    const error = expectCode('ERR_MAPPING_INVALID', () => parseMapping(mapping(changes)))
    expect(error.exitCode).toBe(2)
    expect(error.hint).toBeDefined()
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
  ])('ID-21: refuses %s', (_claim, text) => {
    expectCode('ERR_MAPPING_INVALID', () => parseMapping(text))
  })

  it('refuses two rules of one name, and more than a quarter of a million', () => {
    const rule = (name: string): string =>
      `  - { name: ${name}, when: { issuerKey: ${KEY}, dns: a }, then: { entity: registered } }\n`
    const head = 'version: 1\ntrustDomain: cloud.example\nrules:\n'
    expect(parseMapping(head + rule('a') + rule('b')).rules).toHaveLength(2)
    expectCode('ERR_MAPPING_INVALID', () => parseMapping(head + rule('a') + rule('a')))
    const many = JSON.stringify({ version: 1, trustDomain: 'a', rules: Array.from({ length: MAX_RULES + 1 }, () => 0) })
    expect(expectCode('ERR_MAPPING_INVALID', () => parseMapping(many)).message).toContain(String(MAX_RULES))
  })

  it('reads what begins with a brace as strict JSON, which may be long, and the rest as YAML, which may not', () => {
    const rule = (index: number): object => ({
      name: `r${index}`,
      when: { issuerKey: KEY, dns: `n${index}.cloud.example` },
      then: { entity: 'registered' },
    })
    const rules = Array.from({ length: 3000 }, (_, index) => rule(index))
    const json = JSON.stringify({ version: 1, trustDomain: 'cloud.example', rules })
    expect(json.length).toBeGreaterThan(256 * 1024)
    expect(parseMapping(`\n ${json}`).rules).toHaveLength(3000)
    const yaml = `version: 1\ntrustDomain: cloud.example\nrules: ${JSON.stringify(rules)}`
    expect(expectCode('ERR_MAPPING_INVALID', () => parseMapping(yaml)).message).toContain('characters')
    expectCode('ERR_MAPPING_INVALID', () => parseMapping('{ version: 1 }'))
    expectCode('ERR_MAPPING_INVALID', () => parseMapping(json.replace('"version":1', '"version":1,"version":1')))
  })

  it('ID-19: leaves the prototype of objects as it was', () => {
    for (const key of ['__proto__', 'constructor', 'prototype']) {
      expectCode('ERR_MAPPING_INVALID', () => parseMapping(mapping({ names: `subject: { ${key}: x }` })))
      expectCode('ERR_MAPPING_INVALID', () => parseMapping(`${key}: { polluted: true }\n${mapping()}`))
    }
    expect(Object.keys(Object.prototype)).toEqual([])
    expect('polluted' in {}).toBe(false)
  })

  it('reads the example of the documentation, and finds nothing odd in it', () => {
    const [, yaml = ''] = /```yaml\n([^`]*)```/.exec(readFileSync('docs/mapping.md', 'utf8')) ?? []
    const mapping = parseMapping(yaml)
    expect(mapping.rules.map(({ result }) => result.kind)).toEqual(['registered', 'identity', 'entity'])
    expect(lintMapping(mapping)).toEqual([])
  })

  it('every refusal carries the code, and quotes the rule that is wrong', () => {
    const error = expectCode('ERR_MAPPING_INVALID', () => parseMapping(mapping({ names: '' })))
    expect(error.message).toContain('nodes')
  })
})
