/** MariaDB on loopback, with the files that signet writes for it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { configure, serverKind } from '../../../src/servers/index.js'
import { freePorts, startServer } from '../brokers/server.js'
import { accountFor, folderOf, runAs } from './accounts.js'
import { mariadbServer } from './mariadb-client.js'
import { disconnectWith, reloadWith, tryServer } from './trial.js'
import { claimedEntity } from './world.js'

const kind = serverKind('mariadb')
const account = accountFor('mysql')

await tryServer({
  kind,
  programs: ['mariadbd'],
  group: account.user,
  start: async (world) => {
    const [port = 0] = await freePorts(1)
    const [state, directory] = [folderOf(account, join(world.folder, 'data')), join(world.folder, 'conf')]
    const configuration = configure(kind, {
      ...{ credential: world.credential, directory, state, admitted: world.admitted, versions: 'TLSv1.3' },
      listen: { address: '127.0.0.1', port },
      ...{ user: account.user, group: account.user, issuer: '/CN=TLS Issuing' },
    })
    world.install(configuration.files)
    const small = ['--innodb-flush-method=nosync', '--innodb-log-file-size=4M', '--innodb-buffer-pool-size=8M']
    const install = [
      `--datadir=${state}`,
      `--user=${account.user}`,
      '--skip-test-db',
      '--auth-root-authentication-method=socket',
    ]
    runAs({ ...account, ids: {} }, 'mariadb-install-db', [...install, ...small])
    const [program = '', ...words] = configuration.start
    await startServer({ program, words: [...words, ...small], directory: state, ready: /ready for connections/ })
    const accounts = readFileSync(join(directory, 'accounts.sql'), 'utf8')
    runAs({ ...account, ids: {} }, 'mariadb', [`--socket=${state}/mysqld.sock`], accounts)
    return {
      ...mariadbServer(port, claimedEntity(world)),
      reload: () => reloadWith(configuration),
      disconnect: (who) => disconnectWith(kind, { state, port }, who),
    }
  },
})
