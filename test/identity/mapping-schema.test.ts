import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { defaultMappingText, MAPPING_SCHEMA } from '../../src/identity/index.js'
import { isSignetError } from '../../src/errors/index.js'
import { parseYaml } from '../../src/yaml/index.js'
import { ACCEPTED, KEY, mappingText, REFUSED } from '../support/mapping-files.js'

/** A strict validator: it refuses a schema with a keyword that it does not know. */
const validate = new Ajv2020({ strict: true, strictRequired: false, strictTypes: false, allErrors: true }).compile(
  MAPPING_SCHEMA,
)

describe('MAPPING_SCHEMA: the published form of a mapping (JSON Schema 2020-12)', () => {
  it.each(ACCEPTED)('takes %s, as the reader does', (_claim, changes) => {
    expect(validate(parseYaml(mappingText(changes), 'it'))).toBe(true)
  })

  it('takes the mapping of a new deployment', () => {
    expect(validate(parseYaml(defaultMappingText('cloud.example', KEY), 'it'))).toBe(true)
  })

  it.each(REFUSED.filter(([, , by]) => by === 'schema'))('refuses %s, as the reader does', (_claim, changes) => {
    expect(validate(parseYaml(mappingText(changes), 'it'))).toBe(false)
  })

  it.each(REFUSED.filter(([, , by]) => by === 'reader'))('leaves %s to the reader', (_claim, changes) => {
    expect(validate(parseYaml(mappingText(changes), 'it'))).toBe(true)
  })

  it.each(REFUSED.filter(([, , by]) => by === 'yaml'))('never sees %s', (_claim, changes) => {
    let error: unknown
    try {
      parseYaml(mappingText(changes), 'it')
    } catch (thrown) {
      error = thrown
    }
    expect(isSignetError(error) && error.code).toBe('ERR_YAML_MALFORMED')
  })

  it.each([
    ['nothing', null],
    ['a text', 'admin'],
    ['a list', []],
    ['no rules', { version: 1, trustDomain: 'a', rules: [] }],
    ['a rule that is null', { version: 1, trustDomain: 'a', rules: [null] }],
  ])('refuses %s', (_claim, value) => {
    expect(validate(value)).toBe(false)
  })

  it('is plain JSON, with patterns that other readers of regular expressions understand', () => {
    const text = JSON.stringify(MAPPING_SCHEMA)
    expect(JSON.parse(text)).toEqual(MAPPING_SCHEMA)
    expect(text).not.toMatch(/\\\\p\{|\\\\u\{|\(\?</)
  })
})
