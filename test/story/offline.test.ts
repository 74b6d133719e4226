/** Nobody is asked when a message is verified: it is done where there is no network at all. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, vi } from 'vitest'
import { makeDeployment } from '../support/deployment.js'

vi.setConfig({ testTimeout: 60_000 })

const path = (name: string): string => fileURLToPath(new URL(`../support/${name}`, import.meta.url))
const SIGNET = ['--import', path('source-hook.mjs'), path('source-cli.mjs')]

const cloud = await makeDeployment()
await cloud.publishTrust()
cloud.write('note.json', '{"publisher_id": "compute:compute-07"}')
const sign = ['sign', 'note.json', '--as', 'credentials/compute-07/signer', '--type', 'notify.a', '--to', 'here']
await cloud.signet(sign)
await cloud.signet('issue conductor-01 --profile recipient --out reader')
await cloud.signet([
  ...['encrypt', 'note.json', '--to', 'reader/current/cert.pem', '--as', 'credentials/compute-07/signer'],
  ...['--type', 'notify.a', '--for', 'here', '--trust', 'trust.p7'],
])

const TRUST = ['--for', 'here', '--trust', 'trust.p7', '--pin', cloud.pin]
const VERIFY = ['verify', 'note.json.p7s', '--content', 'note.json', ...TRUST]

/** How a program ended, in a process of its own. */
function run(program: string, words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(program, words, {
    cwd: cloud.folder,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', TEST_CLOCK: new Date().toISOString() },
  })
  return { status, stdout, stderr }
}

const withoutNetwork = (...words: readonly string[]) =>
  run(process.execPath, ['--import', path('no-network.mjs'), ...SIGNET, ...words])

describe('requirement 23: no central service is asked', () => {
  it('requirement 23: what would use the network is noticed', () => {
    expect(withoutNetwork('--try-network')).toMatchObject({ status: 99, stderr: 'NETWORK: connect\n' })
  })

  it('requirement 23: messages are signed, verified, encrypted and decrypted without a network', () => {
    for (const words of [
      [...VERIFY, '--replay-store', 'offline.db', '--bind', 'publisher_id == service:node'],
      [...sign, '--out', 'again.p7s'],
      ['decrypt', 'note.json.p7m', '--as', 'reader', ...TRUST, '--replay-store', 'read.db', '--out', 'read.json'],
      ['trust', 'verify', 'trust.p7', '--pin', cloud.pin],
    ]) {
      expect([words[0], withoutNetwork(...words)]).toMatchObject([words[0], { status: 0, stderr: '' }])
    }
    expect(cloud.read('read.json')).toEqual(readFileSync(cloud.path('note.json')))
  })

  it('requirement 23: refusals, too, ask nobody: an unknown signer, an old directory, one that is revoked', async () => {
    const old = cloud.read('trust.p7')
    await cloud.signet('quarantine compute-07')
    await cloud.publishTrust()
    const words = [...VERIFY, '--replay-store', 'refused.db', '--trust-memory', 'seen.json']
    expect(withoutNetwork(...words)).toMatchObject({
      status: 4,
      stderr: expect.stringContaining('ERR_CMS_SIGNER_UNKNOWN') as string,
    })
    cloud.write('trust.p7', old)
    expect(withoutNetwork(...words)).toMatchObject({
      status: 6,
      stderr: expect.stringContaining('ERR_TRUST_DIRECTORY_ROLLBACK') as string,
    })
    await cloud.signet('release compute-07')
    await cloud.publishTrust()
  })

  // In a namespace of its own a process has no network but a loopback that is down; not every machine lets one have one.
  const isolated = ['-rn', '--']
  it.skipIf(run('unshare', [...isolated, 'true']).status !== 0)(
    'requirement 23: and so where the kernel has none',
    () => {
      const words = [...SIGNET, ...VERIFY, '--replay-store', 'isolated.db']
      expect(run('unshare', [...isolated, process.execPath, ...words])).toMatchObject({ status: 0, stderr: '' })
    },
  )
})
