import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { serversPage, type TrialOutcomes } from '../../src/cli/servers-page.js'
import { SERVER_KINDS } from '../../src/servers/index.js'
import { expectCode } from '../support/expect-code.js'

const page = readFileSync('docs/servers.md', 'utf8')
const outcomes = JSON.parse(readFileSync('test/interop/servers/outcomes.json', 'utf8')) as TrialOutcomes

describe('docs/servers.md', () => {
  it('has the tables that the kinds and their trials yield: npm run docs', () => {
    expect(serversPage(page, outcomes)).toBe(page)
    expectCode('ERR_INTERNAL', () => serversPage('no marks', outcomes))
  })

  it('is of trials that there were: each claim of each server has its outcome', () => {
    const names = SERVER_KINDS.map(({ name }) => name)
    for (const [name, of] of Object.entries(outcomes.servers)) {
      expect(names).toContain(name)
      expect(Object.keys(of)).toEqual(Object.keys(outcomes.claims))
    }
  })

  it.each(
    SERVER_KINDS.filter(({ name }) => outcomes.servers[name] !== undefined).map((kind) => [kind.name, kind] as const),
  )('says of %s what its facts say', (name, { facts }) => {
    const holds = (claim: string): boolean => outcomes.servers[name]?.[claim] === 'holds'
    expect(holds('broken-pair')).toBe(facts.brokenPair === 'old-stays')
    expect(holds('expired-crl')).toBe(facts.crls === 'every-ca' || facts.crls === 'issuing-ca')
    expect(holds('live')).toBe(facts.disconnect !== 'restart')
  })
})
