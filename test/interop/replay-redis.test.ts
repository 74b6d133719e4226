import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRedisReplay, type RedisReplayOptions, type ReplayKey, type ReplayStore } from '../../src/message/index.js'
import { addSeconds } from '../../src/time/index.js'
import { NOW } from '../support/certificates.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { temporaryFolder } from '../support/temporary.js'
import { startServer } from './brokers/server.js'
import { available } from './programs.js'
import { connectRedis, type RedisConnection } from './redis-client.js'

const isAvailable = available('redis-server')
const at = (seconds: number): Date => addSeconds(NOW, seconds)
const key = (id: number): ReplayKey => ({ signer: 'spiffe://a/b/c', destination: 'd', messageId: Buffer.alloc(8, id) })

const open: RedisConnection[] = []
afterAll(() => {
  for (const connection of open) connection.close()
})

describe.skipIf(!isAvailable)('openRedisReplay', () => {
  const folder = temporaryFolder()
  const path = join(folder, 'redis.sock')
  const connect = (): RedisConnection => {
    const connection = connectRedis(path)
    open.push(connection)
    return connection
  }
  const memory = (options?: RedisReplayOptions): Promise<ReplayStore> => openRedisReplay(connect().send, options)
  let admin: RedisConnection
  beforeAll(async () => {
    mkdirSync(join(folder, 'data'))
    await startServer({
      program: 'redis-server',
      words: [
        ...['--port', '0', '--unixsocket', path, '--dir', join(folder, 'data')],
        ...['--appendonly', 'yes', '--appendfsync', 'always', '--save', '', '--maxmemory-policy', 'noeviction'],
      ],
      ready: /ready to accept connections/i,
    })
    admin = connect()
  })

  it('requirement 9: MSG-03: accepts a message once, whichever replica it reaches', async () => {
    const replicas = await Promise.all([memory(), memory(), memory()])
    for (let id = 0; id < 20; id++) {
      const answers = await Promise.all(replicas.map(async (replica) => replica.remember(key(id), at(300), NOW)))
      expect(answers.filter(Boolean)).toHaveLength(1)
    }
    // One that is opened later knows them, too.
    expect(await (await memory()).remember(key(1), at(300), at(10))).toBe(false)
  })

  it('keeps messages of other signers and destinations apart, and of other memories', async () => {
    const store = await memory()
    expect(await store.remember(key(30), at(300), NOW)).toBe(true)
    expect(await store.remember({ ...key(30), signer: 'spiffe://a/b/d' }, at(300), NOW)).toBe(true)
    expect(await store.remember({ ...key(30), destination: 'e' }, at(300), NOW)).toBe(true)
    expect(await (await memory({ prefix: 'other:' })).remember(key(30), at(300), NOW)).toBe(true)
  })

  it('lets Redis forget what has expired, and not before', async () => {
    await (await memory()).remember(key(31), at(300), NOW)
    const names = (await admin.send('KEYS', 'signet:replay:*1f1f*')) as string[]
    const milliseconds = Number(await admin.send('PTTL', names[0] ?? ''))
    expect(milliseconds).toBeGreaterThan(300_000)
    expect(milliseconds).toBeLessThanOrEqual(360_000)
    await expectCodeAsync('ERR_REPLAY_STORE', async () => (await memory()).remember(key(32), at(-61), NOW))
    await expectCodeAsync('ERR_REPLAY_STORE', async () => (await memory()).remember(key(32), new Date(NaN), NOW))
  })

  it('a flood evicts nothing: when Redis is full, it refuses', async () => {
    const store = await memory({ prefix: 'flood:' })
    expect(await store.remember(key(1), at(300), NOW)).toBe(true)
    const { send } = admin
    await send('CONFIG', 'SET', 'maxmemory', '1')
    try {
      await expectCodeAsync('ERR_LIMIT_EXCEEDED', () => store.remember(key(2), at(300), NOW))
    } finally {
      await send('CONFIG', 'SET', 'maxmemory', '0')
    }
    expect(await store.remember(key(1), at(300), NOW)).toBe(false)
    expect(await store.remember(key(2), at(300), NOW)).toBe(true)
  })

  it.each([
    ['maxmemory-policy', 'allkeys-lru', 'noeviction'],
    ['appendfsync', 'everysec', 'always'],
    ['appendonly', 'no', 'yes'],
  ])('is not opened where %s is %s', async (name, value, right) => {
    await admin.send('CONFIG', 'SET', name, value)
    try {
      const error = await expectCodeAsync('ERR_REPLAY_STORE', () => memory())
      expect(error.hint).toBe(`set ${name} to ${right}`)
      if (name !== 'maxmemory-policy') expect(await memory({ persistence: 'allow-volatile' })).toBeDefined()
    } finally {
      await admin.send('CONFIG', 'SET', name, right)
    }
  })

  it('notices that Redis lost what it remembered', async () => {
    const store = await memory({ prefix: 'lost:' })
    expect(await store.remember(key(1), at(300), NOW)).toBe(true)
    await admin.send('FLUSHALL')
    await expectCodeAsync('ERR_REPLAY_STORE', () => store.remember(key(1), at(300), NOW))
    // Another receiver made a new memory: the old one still knows that it is not its own.
    await memory({ prefix: 'lost:' })
    await expectCodeAsync('ERR_REPLAY_STORE', () => store.remember(key(1), at(300), NOW))
  })

  it('refuses when Redis cannot be reached, or answers nonsense', async () => {
    const connection = connect()
    const store = await openRedisReplay(connection.send)
    connection.close()
    await expectCodeAsync('ERR_REPLAY_STORE', () => store.remember(key(40), at(300), NOW))
    rmSync(join(folder, 'nowhere.sock'), { force: true })
    await expectCodeAsync('ERR_REPLAY_STORE', () => openRedisReplay(connectRedis(join(folder, 'nowhere.sock')).send))
    for (const reply of [undefined, null, 'yes', [], {}, new Map()]) {
      await expectCodeAsync('ERR_REPLAY_STORE', () => openRedisReplay(() => Promise.resolve(reply)))
    }
    const settings: Readonly<Record<string, string>> = { 'maxmemory-policy': 'noeviction' }
    for (const answer of [2, null, undefined, 'OK', '']) {
      const odd = await openRedisReplay(
        (command = '', _sub = '', name = '') =>
          Promise.resolve(command === 'CONFIG' ? { [name]: settings[name] } : command === 'GET' ? 'mark' : answer),
        { persistence: 'allow-volatile' },
      )
      await expectCodeAsync('ERR_REPLAY_STORE', () => odd.remember(key(41), at(300), NOW))
    }
  })
})
