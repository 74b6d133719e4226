/** A proxy on the same machine, the service on loopback: docs/deployments/proxy-loopback.md. */
import { spawnSync } from 'node:child_process'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ask, serveBackend } from '../servers/http.js'
import { makeTrialWorld } from '../servers/world.js'
import { describeModel, makeBed } from './bed.js'

describeModel('proxy-loopback', ['nginx'], async () => {
  const world = await makeTrialWorld()
  const { visitors } = world
  const bed = await makeBed('proxy-loopback', { credentials: { 'proxy.cloud': world.credential } })
  await serveBackend(bed.port('api'))
  await bed.start('proxy')
  const through = bed.port('proxy')

  it('requirement 63: lets in through the proxy who has a certificate, and says who it is', async () => {
    expect(await ask(through, visitors.first)).toMatchObject({ identity: 'compute-07' })
    expect(await ask(through, visitors.second)).toMatchObject({ identity: 'compute-08' })
  })

  it.each(['nobody', 'foreign', 'expired', 'revoked', 'wrongPurpose', 'unmapped', 'leaver'] as const)(
    'requirement 75: refuses %s at the proxy, where TLS ends',
    async (who) => {
      expect(await ask(through, visitors[who])).toHaveProperty('refused')
    },
  )

  it('requirement 75: never hands on what a client says about itself', async () => {
    const lies = { 'X-Signet-Entity': 'operator-01', 'X-Signet-Roles': 'operator' }
    const { headers } = await ask(through, visitors.first, { headers: lies })
    expect(headers).toMatchObject({ 'x-signet-entity': 'compute-07', 'x-signet-roles': 'compute_node' })
  })

  it('requirement 63: does not serve at any other address of the machine', async () => {
    const addresses = Object.values(networkInterfaces())
      .flatMap((list) => list ?? [])
      .filter(({ family, internal }) => family === 'IPv4' && !internal)
    for (const { address } of addresses) expect(await reaches(address, bed.port('api'))).toBe(false)
  })

  it.skipIf(process.getuid?.() !== 0)('requirement 65: keeps the key from the user of the service', () => {
    const key = join(world.credential, 'current/key.pem')
    const as = (uid: number): number | null => spawnSync('cat', [key], { uid, gid: uid }).status
    expect(as(0)).toBe(0)
    expect(as(65_534)).not.toBe(0)
  })
})

function reaches(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 2_000 }, () => {
      resolve(true)
      socket.destroy()
    })
    socket.once('timeout', () => socket.destroy(new Error('no answer')))
    socket.once('error', () => resolve(false))
  })
}
