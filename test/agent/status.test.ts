import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type AgentStatus, type CredentialStatus, formatMetrics, readStatus } from '../../src/agent/index.js'
import { lockDirectory } from '../../src/agent/lock.js'
import { writeStatus } from '../../src/agent/status.js'
import { expectCode } from '../support/expect-code.js'
import { temporaryFolder } from '../support/temporary.js'
import { World } from './world.js'

const folder = temporaryFolder()
const path = join(folder, 'status.json')

const one: CredentialStatus = {
  directory: '/etc/signet/"web"\n',
  entity: 'web-01',
  profile: 'server',
  serialNumber: '01ab',
  uri: 'spiffe://cloud.example/web/web-01',
  notAfter: '2027-02-01T00:00:00.000Z',
  renewAt: '2027-01-21T00:00:00.000Z',
  crlNextUpdate: null,
  lastError: null,
  failures: 2,
  nextAttempt: null,
  reloadOwed: true,
}
const status: AgentStatus = { schema: 1, at: '2027-01-01T00:00:00.000Z', trust: null, problems: [], credentials: [one] }

describe('the status file', () => {
  it('is read as it was written', () => {
    expect(readStatus(path)).toBeUndefined()
    writeStatus(path, status)
    expect(readStatus(path)).toEqual(status)
    expect((statSync(path).mode & 0o777).toString(8)).toBe('644')
  })

  it.each([
    ['another schema', { ...status, schema: 2 }],
    ['no credentials', { ...status, credentials: undefined }],
    ['a time that is none', { ...status, at: 'yesterday' }],
    ['a credential that is none', { ...status, credentials: [null] }],
    ['failures that are no number', { ...status, credentials: [{ ...one, failures: '2' }] }],
    ['an attempt at no time', { ...status, credentials: [{ ...one, nextAttempt: 'soon' }] }],
    ['an error that is none', { ...status, credentials: [{ ...one, lastError: 'bad' }] }],
    ['null', null],
  ])('is refused with %s', (_claim, value) => {
    writeFileSync(path, JSON.stringify(value))
    expectCode('ERR_JSON_MALFORMED', () => readStatus(path))
  })
})

describe('formatMetrics', () => {
  it('has what is known, in seconds, with labels that end where they should', () => {
    const text = formatMetrics({ ...status, trust: { sequence: 4, nextUpdate: '2027-01-02T00:00:00.000Z' } })
    expect(text).toContain('# TYPE signet_certificate_not_after_timestamp_seconds gauge\n')
    const labels = '{directory="/etc/signet/\\"web\\"\\n",entity="web-01",profile="server"}'
    expect(text).toContain(`\nsignet_certificate_not_after_timestamp_seconds${labels} 1801440000\n`)
    expect(text).toContain(`\nsignet_credential_failures${labels} 2\n`)
    expect(text).toContain(`\nsignet_credential_reload_owed${labels} 1\n`)
    expect(text).toContain('\nsignet_trust_directory_next_update_timestamp_seconds 1798848000\n')
    expect(text).not.toContain('signet_crl_next_update')
    for (const line of text.trimEnd().split('\n'))
      expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{.*\})? -?[0-9]+)$/)
  })

  it('is written by every pass, whole', async () => {
    const world = await World.make()
    const metrics = join(world.folder, 'signet.prom')
    await world.passWith({ ...world.configuration(), metrics })
    const text = readFileSync(metrics, 'utf8')
    expect(text).toMatch(/^signet_certificate_not_after_timestamp_seconds\{.*entity="web-01".*\} [0-9]+$/m)
    expect(text).toMatch(/^signet_agent_problems 0$/m)
    const report = await world.passWith({ ...world.configuration(), metrics: join(world.folder, 'none', 'x.prom') })
    expect(report.exitCode).toBe(8)
    expect(report.status.problems).toMatchObject([{ what: 'metrics', code: 'ERR_FILE_WRITE' }])
  })
})

describe('lockDirectory', () => {
  it('lets one have a directory, and the next when it is let go', () => {
    const directory = join(folder, 'held')
    const lock = lockDirectory(directory)
    expectCode('ERR_STORE_LOCKED', () => lockDirectory(directory))
    lock.release()
    lockDirectory(directory).release()
  })

  it('takes no directory of somebody else', () => {
    expectCode('ERR_OUTPUT_EXISTS', () => lockDirectory(folder))
  })
})
