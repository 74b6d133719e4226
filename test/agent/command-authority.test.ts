/** An authority behind a program, as docs/agent.md has it behind ssh: it gets a request, and prints certificates. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { type AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { openAgent, parseAgentConfiguration, type PassReport } from '../../src/agent/index.js'
import { loadCredential } from '../../src/credential/index.js'
import { makeDeployment } from '../support/deployment.js'
import { TestClock } from '../support/test-authority.js'

vi.setConfig({ testTimeout: 60_000 })

const clock = new TestClock(new Date('2027-01-04T09:00:00Z'))
const cloud = await makeDeployment({ clock, issue: 'none', entities: [{ id: 'web-01' }] })
/** The script of the documentation, but for where the program is. */
const documented = /```sh\n([^]*?)```/.exec(readFileSync('docs/agent.md', 'utf8'))?.[1] ?? ''
const support = (name: string): string => resolve('test/support', name)
const variables = { SIGNET_HOME: cloud.home, TEST_CLOCK: clock.now().toISOString(), TMPDIR: cloud.path('tmp') }
const signet = `"${process.execPath}" --import ${support('source-hook.mjs')} ${support('source-cli.mjs')}`
cloud.write('tmp/.keep', '')
const script = cloud.write(
  'issue-for',
  documented
    .replace(
      'set -eu',
      `set -eu\n${Object.entries(variables)
        .map(([name, value]) => `export ${name}="${value}"`)
        .join('\n')}`,
    )
    .replace('signet issue', `${signet} issue`)
    .replace('~/passphrase', cloud.passphraseFile),
  0o700,
)

const published: { answer: 'crls' | 'redirect' | 'nothing' } = { answer: 'crls' }
const server: Server = createServer((_request, response) => {
  if (published.answer === 'crls') response.end(readFileSync(cloud.crlsFile))
  else response.writeHead(published.answer === 'redirect' ? 302 : 404, { location: 'file:///etc/passwd' }).end()
})
await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
afterAll(() => server.close())
const { port } = server.address() as AddressInfo

async function pass(renew: 'due' | 'now' = 'due'): Promise<PassReport> {
  const configuration = parseAgentConfiguration(
    JSON.stringify({
      version: 1,
      status: 'status.json',
      anchors: 'home/root.pem',
      crls: `http://127.0.0.1:${port}/crls.pem`,
      source: { command: ['sh', script, '{entity}', '{profile}'] },
      credentials: [{ directory: 'kept', entity: 'web-01' }],
    }),
    cloud.folder,
  )
  const agent = openAgent(configuration, { clock, random: () => 0, listener: () => undefined })
  try {
    return await agent.pass({ renew })
  } finally {
    agent.close()
  }
}

describe('an agent whose authority is elsewhere', () => {
  const directory = cloud.path('kept')

  it('has the first certificate issued, and the next; the key stays here', async () => {
    const report = await pass()
    expect(report.status.credentials[0]?.lastError).toBeNull()
    const first = loadCredential(directory)
    expect(first.identity).toBe('spiffe://cloud.example/web/web-01')
    expect(first.caBundle).toHaveLength(2)
    expect((await pass('now')).exitCode).toBe(0)
    const second = loadCredential(directory)
    expect(second.certificate.serialNumber).not.toBe(first.certificate.serialNumber)
    expect(existsSync(join(second.folder, 'key.pem'))).toBe(true)
  })

  it('KEY-03: leaves nothing in a folder for temporary files', () => {
    expect(readdirSync(cloud.path('tmp'))).toEqual(['.keep'])
  })

  it('REV-12: follows no redirect to CRLs, and keeps those that it has', async () => {
    for (const answer of ['redirect', 'nothing'] as const) {
      published.answer = answer
      const report = await pass()
      expect(report.status.problems).toMatchObject([{ code: 'ERR_TRUST_FETCH' }])
      expect(report.exitCode).toBe(8)
    }
    published.answer = 'crls'
    expect((await pass()).exitCode).toBe(0)
  })

  it('goes on with what there is where the authority refuses, and says what its program said', async () => {
    await cloud.signet('entity quarantine web-01')
    await cloud.publishCrls()
    const report = await pass()
    expect(report.status.credentials[0]?.lastError?.code).toBe('ERR_AGENT_COMMAND')
    expect(loadCredential(directory).identity).toBe('spiffe://cloud.example/web/web-01')
  })

  it('takes nothing from a script that answers with something else', async () => {
    await cloud.signet('entity release web-01')
    await cloud.publishCrls()
    writeFileSync(script, `cat >/dev/null; cat '${directory}/current/fullchain.pem'`)
    const before = loadCredential(directory).certificate.serialNumber
    const report = await pass('now')
    expect(report.status.credentials[0]?.lastError?.code).toBe('ERR_KEY_CERT_MISMATCH')
    expect(loadCredential(directory).certificate.serialNumber).toBe(before)
  })
})
