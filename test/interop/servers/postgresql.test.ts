/** PostgreSQL on loopback, with the files that signet writes for it. */
import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { configure, serverKind } from '../../../src/servers/index.js'
import { freePorts, startServer } from '../brokers/server.js'
import { accountFor, folderOf, runAs } from './accounts.js'
import { postgresqlServer } from './postgresql-client.js'
import { disconnectWith, reloadWith, tryServer } from './trial.js'
import { claimedEntity } from './world.js'

const kind = serverKind('postgresql')
const account = accountFor('postgres')
/** Other distributions have the programs where everybody looks. */
const programOf = (program: string): string => (existsSync(program) ? program : basename(program))

await tryServer({
  kind,
  programs: ['psql'],
  group: account.user,
  start: async (world) => {
    const [port = 0] = await freePorts(1)
    const [state, directory] = [folderOf(account, join(world.folder, 'data')), join(world.folder, 'conf')]
    const configuration = configure(kind, {
      ...{ credential: world.credential, directory, state, admitted: world.admitted, versions: 'TLSv1.3' },
      listen: { address: '127.0.0.1', port },
      ...{ user: account.user, group: account.user },
    })
    world.install(configuration.files)
    const [postgres = '', ...words] = configuration.start
    const program = programOf(postgres)
    const initdb = join(program, '../initdb')
    runAs(account, program === postgres ? initdb : 'initdb', ['-D', state, '--auth=peer', '--no-sync', '--no-locale'])
    const server = await startServer({
      ...{ program, words: [...words, '-c', 'fsync=off'] },
      ...{ directory: state, ids: account.ids, ready: /ready to accept connections/ },
    })
    const psql = ['-h', state, '-p', `${port}`, '-v', 'ON_ERROR_STOP=1', '-q', 'postgres']
    runAs(account, 'psql', [...psql, '-f', join(directory, 'roles.sql')])
    return {
      ...postgresqlServer(port, claimedEntity(world)),
      reload: async () => {
        if (account.ids.uid === undefined) server.signal('SIGHUP')
        else await reloadWith(configuration)
      },
      disconnect: (who) => disconnectWith(kind, { state, port }, who),
    }
  },
})
