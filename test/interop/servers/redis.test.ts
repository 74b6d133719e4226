/** Redis on a Unix socket behind the gateway, with the files that signet writes for both. */
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { configure, serverKind } from '../../../src/servers/index.js'
import { freePorts, startServer } from '../brokers/server.js'
import { available } from '../programs.js'
import { accountFor, folderOf } from './accounts.js'
import { reach, redisServer } from './redis-client.js'
import { tryServer } from './trial.js'
import type { TrialWorld } from './world.js'

const [redis, gateway] = [serverKind('redis'), serverKind('redis-gateway')]
const account = accountFor('redis')
const [port = 0] = await freePorts(1)
let world: TrialWorld | undefined

await tryServer({
  kind: gateway,
  programs: ['redis-server'],
  start: async (made) => {
    world = made
    const { credential, admitted, folder } = made
    const [state, socket] = [folderOf(account, join(folder, 'data')), join(folder, 'data/redis.sock')]
    const { user } = account
    const listen = { socket, mode: 0o660, owner: user, group: user }
    const whole = { credential, admitted, state, versions: 'TLSv1.3', user, group: user } as const
    const behind = configure(redis, { ...whole, directory: join(folder, 'redis'), listen })
    made.install(behind.files)
    const [shell = '', ...script] = behind.start
    await startServer({ program: shell, words: script, directory: state, ids: account.ids, ready: /ready to accept/i })
    const before = configure(gateway, {
      ...{ ...whole, directory: join(folder, 'gateway'), user: userInfo().username },
      listen: { address: '127.0.0.1', port },
      backend: { kind: 'socket', path: socket },
    })
    made.install(before.files)
    // As npm install would: the package as it is built.
    mkdirSync(join(folder, 'gateway/node_modules'))
    symlinkSync(resolve('.'), join(folder, 'gateway/node_modules/signet-pki'))
    await startServer({ program: process.execPath, words: before.start.slice(1), ready: /^ready$/m })
    // It notices by itself.
    return { ...redisServer(port), reload: () => Promise.resolve() }
  },
})

describe.skipIf(!available('redis-server', 'openssl'))('Redis behind its gateway', () => {
  const as = async (...commands: readonly string[]): Promise<readonly string[]> =>
    world === undefined ? [] : reach(port, world.visitors.first, commands)

  it('lets nobody become another, or nobody', async () => {
    const [nobody, another, before] = await as('RESET', 'AUTH compute-08 compute-08', 'GET compute-07:a')
    expect([nobody, another, before]).toEqual([
      '+RESET',
      expect.stringMatching(/^-WRONGPASS/),
      expect.stringMatching(/^-NOAUTH/),
    ])
  })

  it('gives everybody the keys below their name, and no others', async () => {
    expect(await as('SET compute-07:a 1', 'SET compute-08:a 1', 'CONFIG GET dir', 'ACL LIST')).toEqual([
      '+OK',
      ...[1, 2, 3].map(() => expect.stringMatching(/^-NOPERM/) as string),
    ])
  })

  it('keeps no password in any file, and hashes only', () => {
    const users = readFileSync(join(world?.folder ?? '', 'data/users.acl'), 'utf8')
    expect(users).toMatch(/^user default reset off\nuser compute-07 reset on #[0-9a-f]{64} /)
    expect(users).not.toMatch(/nopass|>/)
  })
})
