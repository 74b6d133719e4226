/** PostgreSQL on loopback, with the files that signet writes for it. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { configure, serverKind } from '../../../src/servers/index.js'
import { freePorts, startServer } from '../brokers/server.js'
import { available, run } from '../programs.js'
import { accountFor, folderOf, runAs } from './accounts.js'
import { postgresqlServer } from './postgresql-client.js'
import { disconnectWith, reloadWith, tryServer } from './trial.js'
import { claimedEntity, type TrialWorld } from './world.js'

const kind = serverKind('postgresql')
const account = accountFor('postgres')
/** Other distributions have the programs where everybody looks. */
const programOf = (program: string): string => (existsSync(program) ? program : basename(program))

let running: { readonly world: TrialWorld; readonly port: number } | undefined

await tryServer({
  kind,
  programs: ['psql'],
  group: account.user,
  start: async (world) => {
    const [port = 0] = await freePorts(1)
    running = { world, port }
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

describe.skipIf(!available('psql', 'openssl'))('psql, with the service file that signet writes', () => {
  /** With the credential of the first, where the file says that it is. */
  const psql = (host: string): ReturnType<typeof run> | undefined => {
    if (running === undefined) return undefined
    const { world, port } = running
    const { first } = world.visitors
    const file = (name: string, content = '', mode = 0o600): string => {
      writeFileSync(join(world.folder, name), content, { mode })
      return join(world.folder, name)
    }
    const written = readFileSync(join(world.folder, 'conf/client/pg_service.conf'), 'utf8')
    const service = written
      .replace(/^sslcert=.*/m, `sslcert=${file('client.pem', first.cert)}`)
      .replace(/^sslkey=.*/m, `sslkey=${file('client-key.pem', first.key)}`)
      .replaceAll('/etc/signet/tls', world.credential)
    const words = `service=signet host=${host} hostaddr=127.0.0.1 port=${port} user=compute-07 dbname=postgres`
    const environment = `PGSERVICEFILE=${file('pg_service.conf', service)}`
    return run('env', [environment, 'psql', '-XtAc', 'select current_user', words])
  }

  it('is known as who it is', () => {
    expect(psql('localhost')).toMatchObject({ code: 0, stdout: 'compute-07\n' })
  })

  it('requirement 4: refuses a server of another name', () => {
    expect(psql('db.other.example')).toMatchObject({ code: 2 })
    expect(psql('db.other.example')?.output).toContain('does not match host name "db.other.example"')
  })
})
