import { describe, expect, it } from 'vitest'
import {
  parsePlace,
  parseQuestion,
  PROBE_CASES,
  type ProbeRow,
  type ProbeVerdict,
  requireSound,
  usualPrelude,
  usualQuestion,
} from '../../src/probe/index.js'
import { expectCode } from '../support/expect-code.js'

describe('parsePlace', () => {
  it.each([
    ['db.cloud.example:5432', { host: 'db.cloud.example', port: 5432 }],
    ['[::1]:443', { host: '::1', port: 443 }],
    ['127.0.0.1:1', { host: '127.0.0.1', port: 1 }],
    ['unix:/run/api.sock', { path: '/run/api.sock' }],
  ])('reads %s', (text, place) => {
    expect(parsePlace(text)).toEqual(place)
  })

  it.each(['', 'host', 'host:0', 'host:70000', '::1:443', '[host]:443', 'a b:1', 'user@host:1', 'unix:relative'])(
    'refuses %j',
    (text) => {
      expectCode('ERR_CONFIG_INVALID', () => parsePlace(text))
    },
  )
})

describe('parseQuestion', () => {
  it.each([
    ['http', { protocol: 'http' }],
    ['http:/status?x=1', { protocol: 'http', path: '/status?x=1' }],
    ['postgres:svc_billing/ledger', { protocol: 'postgres', user: 'svc_billing', database: 'ledger' }],
    ['postgres:svc_billing', { protocol: 'postgres', user: 'svc_billing' }],
    ['mysql:svc_billing', { protocol: 'mysql', user: 'svc_billing' }],
    ['raw', { protocol: 'raw' }],
  ])('reads %s', (text, question) => {
    expect(parseQuestion(text)).toEqual(question)
  })

  it.each(['', 'ftp', 'http:status', 'http:/a b', 'http:/a\r\nX: y', 'redis:x', 'postgres:', 'postgres:a/b/c'])(
    'refuses %j',
    (text) => {
      expectCode('ERR_CONFIG_INVALID', () => parseQuestion(text))
    },
  )
})

describe('usualQuestion', () => {
  it.each([
    [443, 'http', undefined],
    [9443, 'http', undefined],
    [5432, 'postgres', 'postgres'],
    [3306, 'mysql', 'mysql'],
    [4222, 'nats', 'nats'],
    [6379, 'redis', undefined],
    [8883, 'mqtt', undefined],
    [5671, 'amqp', undefined],
    [25, 'smtp', 'smtp'],
    [465, 'smtp', undefined],
    [143, 'imap', 'imap'],
    [993, 'imap', undefined],
    [389, 'ldap', 'ldap'],
    [636, 'ldap', undefined],
    [7777, 'raw', undefined],
  ] as const)('asks port %d in %s', (port, protocol, prelude) => {
    const place = { host: 'x', port }
    expect(usualQuestion(place)).toEqual({ protocol })
    expect(usualPrelude(place, { protocol })).toBe(prelude)
  })
})

describe('requireSound', () => {
  const row = (verdict: ProbeVerdict): ProbeRow => ({
    case: 'none',
    ...PROBE_CASES.none,
    happened: 'x',
    verdict,
  })

  it('refuses the worst first, and what is not tested only where all must be', () => {
    const rows = [row('ok'), row('not-tested'), row('fault'), row('hole'), row('allowed')]
    expectCode('ERR_PROBE_HOLE', () => requireSound(rows))
    expectCode('ERR_PROBE_FAULT', () => requireSound(rows.slice(0, 3)))
    expectCode('ERR_PROBE_UNTESTED', () => requireSound(rows.slice(0, 2), 'refuse'))
    requireSound(rows.slice(0, 2))
    requireSound([row('ok'), row('allowed')], 'refuse')
  })
})
