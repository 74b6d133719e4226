import { describe, expect, it } from 'vitest'
import { parseCases, parseSender, runCases } from '../../src/policy/index.js'
import { expectCode } from '../support/expect-code.js'
import { CLOUD, type Part, read } from './policies.js'

const CASE = {
  name: 'a compute node reports itself',
  sender: { roles: ['compute'], service: 'nova-compute', node: 'compute-07', scope: 'region-one/nova' },
  type: 'rpc.scheduler.update_instance_info',
  to: 'scheduler',
  content: { args: { host_name: 'compute-07' } },
  expect: 'allow',
  rule: 'compute-reports-itself',
} as const satisfies Part

const parse = (...cases: readonly Part[]) => parseCases(JSON.stringify({ version: 1, cases }))

describe('parseCases', () => {
  it('reads YAML and JSON alike', () => {
    const yaml = `
version: 1
cases:
  - name: ${CASE.name}
    sender: { roles: [compute], service: nova-compute, node: compute-07, scope: region-one/nova }
    type: ${CASE.type}
    to: scheduler
    content: { args: { host_name: compute-07 } }
    expect: allow
    rule: compute-reports-itself
`
    expect(parseCases(yaml)).toEqual(parse(CASE))
    expect(parse(CASE)[0]?.question.sender).toMatchObject({
      entity: 'compute-07',
      uri: 'spiffe://case.example/region-one/nova/nova-compute/compute-07',
      roles: ['compute'],
    })
  })

  it('knows content that is null from none', () => {
    expect(parse({ ...CASE, content: null })[0]?.question).toHaveProperty('content', null)
    expect(parse({ ...CASE, content: undefined as never })[0]?.question).not.toHaveProperty('content')
  })

  it.each<[string, Part]>([
    ['an unknown key', { expects: 'allow' }],
    ['an empty name', { name: '' }],
    ['a name that is a number', { name: 1 }],
    ['a type that is a list', { type: ['a'] }],
    ['a destination that is null', { to: null }],
    ['another expectation', { expect: 'allowed' }],
    ['a rule that is a list', { rule: ['a'] }],
    ['a scope that is a number', { scope: 1 }],
    ['a scope that is none', { scope: 'region one' }],
    ['a sender that is text', { sender: 'compute-07' }],
    ['a sender without roles', { sender: { node: 'compute-07' } }],
    ['a sender with roles that are text', { sender: { roles: 'compute' } }],
    ['a sender with a role that is none', { sender: { roles: ['compute node'] } }],
    ['a sender with a scope that is none', { sender: { roles: [], scope: 'a//b' } }],
    ['a sender with a node that is none', { sender: { roles: [], node: '' } }],
    ['a sender with a service that is a number', { sender: { roles: [], service: 7 } }],
    ['a sender with an entity that is none', { sender: { roles: [], entity: 'a b' } }],
    ['a sender with an unknown fact', { sender: { roles: [], groups: ['admin'] } }],
  ])('refuses a case with %s', (_, changes) => {
    expectCode('ERR_POLICY_INVALID', () => parse({ ...CASE, ...changes }))
  })

  it.each([
    '',
    '[]',
    '{"version":1}',
    '{"version":2,"cases":[1]}',
    '{"version":1,"cases":[]}',
    '{"version":1,"cases":{}}',
  ])('refuses the text %j', (text) => {
    expectCode('ERR_POLICY_INVALID', () => parseCases(text))
  })
})

describe('parseSender', () => {
  it('has roles where it says, and only those', () => {
    const sender = parseSender({ roles: ['api', 'auditor@region-one/**'], scope: 'region-one/nova' }, 'this')
    expect(sender.roles).toEqual(['api', 'auditor'])
    expect(sender.grants).toEqual(['api', 'auditor@region-one/**'])
    expect(parseSender({ roles: ['auditor@region-one'], scope: 'region-one/nova' }, 'this').roles).toEqual([])
  })
})

describe('runCases', () => {
  it('says which cases pass, and which rules decided in one', () => {
    const cases = parse(CASE, {
      ...CASE,
      name: 'as another',
      content: { args: { host_name: 'compute-08' } },
      expect: 'deny',
      rule: undefined as never,
    })
    const report = runCases(read(), cases)
    expect(report.results.map(({ passed, expected }) => [passed, expected])).toEqual([
      [true, 'allow by compute-reports-itself'],
      [true, 'deny'],
    ])
    expect(report.covered).toEqual(['compute-reports-itself'])
    expect(report.uncovered).toEqual(CLOUD.rules.slice(1).map(({ name }) => name))
  })

  it.each<[string, Part]>([
    ['the other outcome', { expect: 'deny', rule: undefined as never }],
    ['another rule', { rule: 'scheduler-builds' }],
    ['a rule that there is not', { rule: 'nothing' }],
    ['a rule where none decides', { expect: 'deny', content: null }],
  ])('fails a case that expects %s', (_, changes) => {
    const [result] = runCases(read(), parse({ ...CASE, ...changes })).results
    expect(result?.passed).toBe(false)
  })

  it('covers a rule that denies', () => {
    const policy = read({ rules: [{ name: 'no', deny: '*', send: '*', to: '*' }] })
    const report = runCases(policy, parse({ ...CASE, expect: 'deny', rule: 'no' }))
    expect([report.results[0]?.passed, report.covered, report.uncovered]).toEqual([true, ['no'], []])
  })
})
