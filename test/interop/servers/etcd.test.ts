/** etcd on loopback, with the flags and the script that signet writes for it. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { OID } from '../../../src/asn1/index.js'
import { configure, serverKind } from '../../../src/servers/index.js'
import { buildName } from '../../../src/x509/index.js'
import { freePorts, startServer } from '../brokers/server.js'
import { accountFor, folderOf } from './accounts.js'
import { etcdServer } from './etcd-client.js'
import { tryServer } from './trial.js'
import { SERVER_NAME } from './world.js'

const kind = serverKind('etcd')
const account = accountFor('etcd')
const ADMINISTRATOR = 'administrator'

await tryServer({
  kind,
  programs: ['etcd', 'etcdctl'],
  group: account.user,
  start: async (world) => {
    const [port = 0, memberPort = 0] = await freePorts(2)
    const [state, directory] = [folderOf(account, join(world.folder, 'data')), join(world.folder, 'conf')]
    const configuration = configure(kind, {
      ...{ credential: world.credential, directory, state, admitted: world.admitted, versions: 'allow-TLSv1.2' },
      listen: { address: '127.0.0.1', port },
      ...{ user: account.user, group: account.user },
    })
    world.install(configuration.files)
    const [program = '', ...words] = configuration.start
    // A cluster of one need not wait long for the others' votes.
    const members = `https://127.0.0.1:${memberPort}`
    const elsewhere = ['--listen-peer-urls', members, '--initial-advertise-peer-urls', members]
    const quick = [
      ...elsewhere,
      '--initial-cluster',
      `default=${members}`,
      '--heartbeat-interval',
      '10',
      '--election-timeout',
      '100',
      '--log-outputs',
      'stderr',
    ]
    await startServer({
      ...{ program, words: [...words, ...quick], directory: state, ids: account.ids },
      ready: /ready to serve client requests|serving client requests/,
    })
    const credential = world.pki.deliver(
      world.pki.leaf('operator-01', {
        subject: buildName([[OID.commonName, ADMINISTRATOR]]),
        purposes: [OID.kpClientAuth],
      }),
    )
    const file = (name: string): string => join(credential, 'current', name)
    execFileSync('sh', [join(directory, 'auth.sh'), ADMINISTRATOR], {
      env: {
        PATH: process.env['PATH'],
        ETCDCTL_ENDPOINTS: `https://${SERVER_NAME}:${port}`,
        ETCDCTL_CACERT: file('ca-bundle.pem'),
        ETCDCTL_CERT: file('fullchain.pem'),
        ETCDCTL_KEY: file('key.pem'),
      },
      stdio: 'pipe',
    })
    return {
      ...etcdServer(
        port,
        world.admitted.map(({ entity }) => entity),
      ),
      // It reads what it needs at each handshake.
      reload: () => Promise.resolve(),
    }
  },
})
