import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createMutualTlsServer, listenOnSocket, type MutualTlsServer } from '../../src/tls/index.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { temporaryFolder } from '../support/temporary.js'
import { TestClock } from '../support/test-authority.js'
import { makeTlsPki } from '../support/tls-pki.js'
import { client, hear, later, meet } from './meeting.js'

const pki = await makeTlsPki()
const apiDirectory = pki.deliver(pki.leaf('api-01'))
const nodeDirectory = pki.deliver(pki.leaf('compute-07'))
const folder = temporaryFolder()
const server = { uri: 'spiffe://cloud.example/api/api-01' }
let count = 0

function make(): MutualTlsServer {
  const { listener } = hear()
  const options = { credential: apiDirectory, identify: pki.identify, clock: new TestClock(), listener } as const
  const made = createMutualTlsServer(
    { ...options, allow: 'allow-any-identified', reload: 'explicit' },
    (socket, peer) => {
      socket.on('data', () => socket.write(peer.entity))
    },
  )
  later(() => made.close())
  return made
}

const newPath = (): string => join(folder, `${count++}.sock`)
const modeOf = (path: string): number => statSync(path).mode & 0o777

describe('listenOnSocket', () => {
  it.each([0o600, 0o660])('KEY-01: is mutual TLS as anywhere, behind the mode that was said (%o)', async (mode) => {
    const path = newPath()
    const mask = process.umask(0o000)
    try {
      await listenOnSocket(make().server, { path, mode })
    } finally {
      expect(process.umask(mask)).toBe(0o000)
    }
    expect(modeOf(path)).toBe(mode)
    expect(await meet(client(pki, nodeDirectory), { path, server })).toBe('compute-07')
  })

  it.skipIf(process.geteuid?.() !== 0)(
    'requirement 64: gives it the owner that was said, and the system refuses others',
    async () => {
      const path = newPath()
      await listenOnSocket(make().server, { path, mode: 0o600, uid: 65_534, gid: 65_534 })
      expect(statSync(path)).toMatchObject({ uid: 65_534, gid: 65_534 })
      // The folders on the way are no hindrance, so that it is the socket that refuses.
      chmodSync(folder, 0o755)
      const script = `require('net').connect(${JSON.stringify(path)}).on('connect', () => { console.log('in'); process.exit() }).on('error', (e) => console.log(e.code))`
      const as = (uid: number): string =>
        spawnSync(process.execPath, ['-e', script], {
          uid,
          gid: uid,
          cwd: '/',
          env: {},
          encoding: 'utf8',
        }).stdout.trim()
      expect(as(65_534)).toBe('in')
      expect(as(65_533)).toBe('EACCES')
    },
  )

  it('takes away what a dead process left, and nothing else', async () => {
    const path = newPath()
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
    expect(() => execFileSync(process.execPath, ['-e', script], { stdio: 'ignore' })).toThrow()
    expect(statSync(path).isSocket()).toBe(true)
    const first = make()
    await listenOnSocket(first.server, { path, mode: 0o600 })
    await expectCodeAsync('ERR_OUTPUT_EXISTS', () => listenOnSocket(createServer(), { path, mode: 0o600 }))
    expect(await meet(client(pki, nodeDirectory), { path, server })).toBe('compute-07')
    const file = newPath()
    writeFileSync(file, 'mine')
    await expectCodeAsync('ERR_OUTPUT_EXISTS', () => listenOnSocket(make().server, { path: file, mode: 0o600 }))
    await expectCodeAsync('ERR_TLS_CONNECTION', () =>
      listenOnSocket(make().server, { path: join(folder, 'no', 'folder'), mode: 0o600 }),
    )
  })
})
