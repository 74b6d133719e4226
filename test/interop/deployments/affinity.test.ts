/** Session affinity, and what TLS 1.3 and tickets leave of it: docs/deployments/affinity.md. */
import { constants } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect, createServer, type SecureVersion, type TLSSocket } from 'node:tls'
import { expect, it } from 'vitest'
import { OID } from '../../../src/asn1/index.js'
import { DOMAIN } from '../../support/tls-pki.js'
import { type ClientTls, makeTrialWorld } from '../servers/world.js'
import { describeModel, later, makeBed } from './bed.js'

const NAME = 'api.cloud.example'
/** Connections of one client: as many as make it unlikely beyond doubt that chance brought all to one machine. */
const VISITS = 12

interface Visit {
  readonly machine: string
  readonly reused: boolean
  readonly session: Buffer | undefined
}

describeModel('affinity', ['haproxy'], async () => {
  const { pki, visitors } = await makeTrialWorld()
  const client: ClientTls = { ...visitors.first, servername: NAME }
  const names = [
    { kind: 'dns', value: NAME },
    { kind: 'uri', value: `spiffe://${DOMAIN}/api/api-01` },
  ] as const
  const credential = join(pki.deliver(pki.leaf('api-01', { purposes: [OID.kpServerAuth], names })), 'current')
  const file = (name: string): string => readFileSync(join(credential, name), 'utf8')

  /** Three machines with session caches of their own. */
  const startMachines = async (ports: readonly number[], version: SecureVersion, tickets: 'tickets' | 'ids') => {
    for (const [index, port] of ports.entries()) {
      const cache = new Map<string, Buffer>()
      const server = createServer(
        {
          key: file('key.pem'),
          cert: file('fullchain.pem'),
          ca: file('ca-bundle.pem'),
          requestCert: true,
          minVersion: version,
          maxVersion: version,
          ...(tickets === 'ids' ? { secureOptions: constants.SSL_OP_NO_TICKET } : {}),
        },
        (socket) => {
          socket.on('error', () => undefined)
          socket.end(`machine-${index}`)
        },
      )
      server.on('newSession', (id: Buffer, data: Buffer, done: () => void) => {
        cache.set(id.toString('hex'), data)
        done()
      })
      server.on('resumeSession', (id: Buffer, done: (error: null, data: Buffer | null) => void) => {
        done(null, cache.get(id.toString('hex')) ?? null)
      })
      server.on('tlsClientError', () => undefined)
      later(() => server.close())
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
    }
  }

  const start = async (version: SecureVersion, tickets: 'tickets' | 'ids'): Promise<number> => {
    const bed = await makeBed('affinity')
    await startMachines(
      [0, 1, 2].map((index) => bed.port('api', index)),
      version,
      tickets,
    )
    await bed.start('balancer')
    return bed.port('balancer')
  }

  const visit = (port: number, session?: Buffer): Promise<Visit> =>
    new Promise((resolve, reject) => {
      const { ca, cert = '', key = '', servername } = client
      const socket: TLSSocket = connect({
        host: '127.0.0.1',
        port,
        ca,
        cert,
        key,
        servername,
        timeout: 15_000,
        ...(session === undefined ? {} : { session }),
      })
      let [machine, given]: [string, Buffer | undefined] = ['', undefined]
      socket.on('session', (data) => (given = data))
      socket.on('data', (data: Buffer) => (machine += data.toString()))
      socket.once('error', reject)
      socket.once('timeout', () => socket.destroy(new Error('no answer')))
      socket.once('end', () => {
        resolve({ machine, reused: socket.isSessionReused(), session: given })
        socket.destroy()
      })
    })

  /** One client that comes again and again with the session of the first time. */
  const returning = async (port: number): Promise<readonly Visit[]> => {
    const first = await visit(port)
    expect(first.session).toBeDefined()
    const visits = [first]
    while (visits.length < VISITS) visits.push(await visit(port, first.session))
    return visits
  }
  const machines = (visits: readonly Visit[]): number => new Set(visits.map(({ machine }) => machine)).size
  const resumed = (visits: readonly Visit[]): number => visits.filter(({ reused }) => reused).length

  it('requirement 68: leads who resumes a session of TLS 1.2 by its id to the machine that has it', async () => {
    const port = await start('TLSv1.2', 'ids')
    const visits = await returning(port)
    expect(machines(visits)).toBe(1)
    expect(resumed(visits)).toBe(VISITS - 1)
    // Whoever comes without a session goes to whoever is next.
    const strangers: Visit[] = []
    while (strangers.length < VISITS) strangers.push(await visit(port))
    expect(machines(strangers)).toBeGreaterThan(1)
  })

  it('requirement 68: has nothing to go by in TLS 1.3', async () => {
    const visits = await returning(await start('TLSv1.3', 'ids'))
    expect(machines(visits)).toBeGreaterThan(1)
    expect(resumed(visits)).toBeLessThan(VISITS - 1)
  })

  it('requirement 68: has nothing to go by with tickets', async () => {
    const visits = await returning(await start('TLSv1.2', 'tickets'))
    expect(machines(visits)).toBeGreaterThan(1)
    expect(resumed(visits)).toBeLessThan(VISITS - 1)
  })
})
