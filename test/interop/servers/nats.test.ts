/** NATS on loopback, with the file that signet writes for it: again after each revocation, because it reads no CRLs. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { configure, serverKind } from '../../../src/servers/index.js'
import { parseCertificates, parseCrls } from '../../../src/x509/index.js'
import { freePorts, startServer } from '../brokers/server.js'
import { natsServer } from './nats-client.js'
import { reloadWith, tryServer } from './trial.js'
import type { TrialWorld } from './world.js'

const kind = serverKind('nats')

await tryServer({
  kind,
  programs: ['nats-server'],
  start: async (world) => {
    const [port = 0] = await freePorts(1)
    const configuration = (): ReturnType<typeof configure> =>
      configure(kind, {
        ...{ credential: world.credential, directory: join(world.folder, 'conf'), state: world.folder },
        ...{ user: 'root', group: 'root', versions: 'allow-TLSv1.2', listen: { address: '127.0.0.1', port } },
        ...admittedNow(world),
      })
    const made = configuration()
    world.install(made.files)
    const [program = '', ...words] = made.start
    await startServer({ program, words, ready: /Server is ready/ })
    const users = new Map(world.admitted.map(({ entity, uri }) => [uri, `id.${entity}`]))
    return {
      ...natsServer(port, users),
      reload: async () => {
        world.install(configuration().files)
        await reloadWith(made)
      },
    }
  },
})

/** Who has a certificate that no CRL lists, and the keys of those. */
function admittedNow({
  admitted,
  visitors,
  credential,
}: TrialWorld): Pick<Parameters<typeof configure>[1], 'admitted' | 'permissions'> {
  const crls = parseCrls(readFileSync(join(credential, 'current/crls.pem')))
  const revoked = new Set(crls.flatMap((crl) => crl.revokedCertificates.map(({ serialNumber }) => serialNumber)))
  const known = [visitors.first, visitors.second, visitors.leaver, visitors.revoked].flatMap(({ cert = '' }) =>
    parseCertificates(Buffer.from(cert)).slice(0, 1),
  )
  const pinned = admitted.map((one) => ({
    ...one,
    pins: known
      .filter(
        ({ serialNumber, subject }) => subject.toString().includes(`CN=${one.entity}`) && !revoked.has(serialNumber),
      )
      .map(({ spkiDer }) => createHash('sha256').update(spkiDer).digest('hex')),
  }))
  return {
    admitted: pinned.filter(({ pins }) => pins.length > 0),
    permissions: {
      users: admitted.map(({ entity, uri }) => ({ entity, uri, publish: [['id', entity]], consume: [] })),
    },
  }
}
