/** A proxy on the same machine, the service at a Unix socket: docs/deployments/proxy-socket.md. */
import { spawnSync } from 'node:child_process'
import { chmodSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { dirname } from 'node:path'
import { expect, it } from 'vitest'
import { listenOnSocket } from '../../../src/tls/index.js'
import { ask, tellHeaders } from '../servers/http.js'
import { makeTrialWorld } from '../servers/world.js'
import { accountId, describeModel, later, makeBed } from './bed.js'

describeModel('proxy-socket', ['haproxy'], async () => {
  const world = await makeTrialWorld()
  const bed = await makeBed('proxy-socket', { credentials: { 'proxy.cloud': world.credential } })
  const path = bed.socket('api')
  const [owner, group] = [accountId('passwd', 'nobody'), accountId('group', 'haproxy')]
  const service = createServer(tellHeaders)
  await listenOnSocket(service, { path, mode: 0o660, uid: owner, gid: group })
  later(() => {
    service.closeAllConnections()
    service.close()
  })
  await bed.start('proxy')

  it('requirement 64: serves through the proxy, which is of the group of the socket', async () => {
    expect(await ask(bed.port('proxy'), world.visitors.first)).toMatchObject({ identity: 'compute-07' })
    expect(await ask(bed.port('proxy'), world.visitors.nobody)).toHaveProperty('refused')
  })

  it('requirement 64: lets in whom owner and mode let in, and no other user', () => {
    const { uid, gid, mode } = statSync(path)
    expect([uid, gid, mode & 0o777]).toEqual([owner, group, 0o660])
    // The folders on the way are no hindrance, so that it is the socket that refuses.
    chmodSync(dirname(path), 0o755)
    const script = `require('net').connect(${JSON.stringify(path)}).on('connect', () => { console.log('in'); process.exit() }).on('error', (e) => console.log(e.code))`
    const as = (user: number, its: number): string =>
      spawnSync(process.execPath, ['-e', script], { uid: user, gid: its, cwd: '/', encoding: 'utf8' }).stdout.trim()
    expect(as(accountId('passwd', 'haproxy'), group)).toBe('in')
    expect(as(54_321, 54_321)).toBe('EACCES')
  })
})
