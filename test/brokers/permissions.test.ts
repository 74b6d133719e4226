import { describe, expect, it } from 'vitest'
import { commonPattern, covers, formatPattern, sortedPermissions } from '../../src/brokers/permissions.js'
import { expectCode } from '../support/expect-code.js'
import { ADDRESSES, matches, ONE, pattern, PATTERNS, REST, SMALL, user } from './universe.js'

describe('sortedPermissions', () => {
  it('sorts users and patterns, and keeps each pattern once', () => {
    const { users } = sortedPermissions({
      users: [user('b', ['z.y', 'a.b', 'z.y'], []), user('a', [], ['x.**', 'x.*'])],
    })
    expect(users.map(({ entity }) => entity)).toEqual(['a', 'b'])
    expect(users.map(({ publish }) => publish.map(formatPattern))).toEqual([[], ['a.b', 'z.y']])
    expect(users.map(({ consume }) => consume.map(formatPattern))).toEqual([['x.*', 'x.**'], []])
  })

  it.each([
    ['a space', { entity: 'a b' }],
    ['a line feed', { entity: 'a\nuser b' }],
    ['nothing', { entity: '' }],
    ['a dot at its end', { entity: 'a.' }],
    ['a quote', { entity: 'a"' }],
    ['no letter of ASCII', { entity: 'ä' }],
    ['no identity', { uri: 'https://cloud.example/compute/a' }],
    ['a line feed in its identity', { uri: 'spiffe://cloud.example/compute/a\n' }],
    ['a quote in its identity', { uri: 'spiffe://cloud.example/compute/"a' }],
    ['the id of another', { entity: 'compute-07' }],
    ['the identity of another', { uri: 'spiffe://cloud.example/compute/compute-07' }],
    ['another trust domain', { uri: 'spiffe://other.example/compute/a' }],
  ])('refuses a user with %s', (_what, change) => {
    const users = [...SMALL.users, { ...user('a', [], []), ...change }]
    expect(expectCode('ERR_BROKER_NAME', () => sortedPermissions({ users })).hint).toBeDefined()
  })

  it.each([
    ['without segments', []],
    ['with an empty segment', ['a', '']],
    ['with a dot in a segment', ['a', 'b.c']],
    ['with a wildcard of NATS', ['a', '>']],
    ['with a wildcard of AMQP', ['a', '#']],
    ['with a wildcard of MQTT', ['a', '+']],
    ['with a slash', ['a', 'b/c']],
    ['with a line feed', ['a', 'b\n']],
    ['with braces, which RabbitMQ fills in', ['a', '{username}']],
    ['that goes on behind the rest', ['a', REST, 'b']],
    ['with two rests', ['a', REST, REST]],
    ['longer than AMQP holds', ['a', 'b'.repeat(254)]],
  ])('refuses a pattern %s', (_what, segments) => {
    const [first] = SMALL.users
    for (const key of ['publish', 'consume'] as const) {
      const users = [{ ...user('a', [], []), ...first, [key]: [segments] }]
      expectCode('ERR_BROKER_PATTERN', () => sortedPermissions({ users }))
    }
  })

  it('takes the longest pattern that AMQP holds', () => {
    expect(sortedPermissions({ users: [user('a', [`a.${'b'.repeat(253)}`], [])] }).users).toHaveLength(1)
  })

  it('refuses to write files for nobody, which some brokers take for everybody', () => {
    expectCode('ERR_CONFIG_INVALID', () => sortedPermissions({ users: [] }))
  })
})

describe('commonPattern and covers', () => {
  it('mean what patterns mean, for every pair of a small universe', () => {
    for (const a of PATTERNS) {
      for (const b of PATTERNS) {
        const common = commonPattern(a, b)
        let within = true
        for (const address of ADDRESSES) {
          const both = matches(a, address) && matches(b, address)
          if ((common !== undefined && matches(common, address)) !== both) {
            expect.fail(`${formatPattern(a)} and ${formatPattern(b)} at ${address.join('.')}`)
          }
          within &&= !matches(b, address) || matches(a, address)
        }
        if (covers(a, b) !== within) expect.fail(`${formatPattern(a)} covers ${formatPattern(b)}`)
      }
    }
  })

  it('are about segments, not about text', () => {
    expect(commonPattern(pattern('a.b'), pattern('a.b.c'))).toBeUndefined()
    expect(commonPattern([ONE, 'x'], ['a', REST])).toEqual(['a', 'x'])
  })
})
