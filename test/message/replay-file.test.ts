import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  type FileReplayStore,
  openReplayFile,
  type ReplayKey,
  signMessage,
  verifyMessage,
} from '../../src/message/index.js'
import { addSeconds } from '../../src/time/index.js'
import type { TrustDirectory } from '../../src/trust/index.js'
import { NOW } from '../support/certificates.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'
import { makeDirectory, makeSender, makeWorld, receiver, type Sender } from '../support/messages.js'
import { temporaryFolder } from '../support/temporary.js'

const folder = temporaryFolder()
let files = 0
const newPath = (): string => join(folder, `replay-${files++}.db`)
const at = (seconds: number): Date => addSeconds(NOW, seconds)
const key = (id: number): ReplayKey => ({ signer: 'a', destination: 'b', messageId: Buffer.alloc(8, id) })

/** Open a file for the length of some work. */
async function withFile<T>(path: string, work: (store: FileReplayStore) => Promise<T>): Promise<T> {
  const store = openReplayFile(path)
  try {
    return await work(store)
  } finally {
    store.close()
  }
}

describe('openReplayFile', () => {
  it('accepts a message once, also after it was closed and opened again', async () => {
    const path = newPath()
    await withFile(path, async (store) => {
      expect(await store.remember(key(1), at(300), NOW)).toBe(true)
      expect(await store.remember(key(1), at(300), NOW)).toBe(false)
    })
    await withFile(path, async (store) => {
      expect(await store.remember(key(1), at(300), at(10))).toBe(false)
      expect(await store.remember(key(2), at(300), at(10))).toBe(true)
    })
  })

  it('keeps two receivers with one file from both accepting a message', async () => {
    const path = newPath()
    await withFile(path, (first) =>
      withFile(path, async (second) => {
        for (let id = 0; id < 20; id++) {
          const answers = await Promise.all([first, second].map((store) => store.remember(key(id), at(300), NOW)))
          expect(answers.filter(Boolean)).toHaveLength(1)
        }
      }),
    )
  })

  it('forgets what has expired, once the clock cannot go back to it any more', async () => {
    const path = newPath()
    await withFile(path, (store) => store.remember(key(1), at(100), NOW))
    await withFile(path, (store) => store.remember(key(2), at(900), at(200)))
    const database = new DatabaseSync(path)
    expect(database.prepare('SELECT count(*) AS count FROM message').get()).toEqual({ count: 1 })
    database.close()
  })

  it('still knows a message that has expired when the clock goes back by less than is noticed', async () => {
    const path = newPath()
    await withFile(path, (store) => store.remember(key(1), at(100), NOW))
    await withFile(path, (store) => store.remember(key(2), at(900), at(101)))
    expect(await withFile(path, (store) => store.remember(key(1), at(100), at(99)))).toBe(false)
  })

  it('refuses a clock that goes back by more than a minute, also over a restart', async () => {
    const path = newPath()
    await withFile(path, async (store) => {
      await store.remember(key(1), at(300), at(100))
      expect(await store.remember(key(2), at(300), at(40))).toBe(true)
      await expectCodeAsync('ERR_CLOCK_SUSPECT', () => store.remember(key(3), at(300), at(39)))
    })
    await withFile(path, async (store) => {
      await expectCodeAsync('ERR_CLOCK_SUSPECT', () => store.remember(key(3), at(300), at(39)))
      expect(await store.remember(key(3), at(300), at(100))).toBe(true)
    })
  })

  it('refuses a time that is none', async () => {
    await withFile(newPath(), async (store) => {
      await expectCodeAsync('ERR_REPLAY_STORE', () => store.remember(key(1), at(300), new Date(NaN)))
      await expectCodeAsync('ERR_REPLAY_STORE', () => store.remember(key(1), new Date(NaN), NOW))
    })
  })

  it.each<[string, (path: string) => void]>([
    ['is no database', (path) => writeFileSync(path, 'this is no database, and was not made by us at all')],
    [
      'has a header and nothing else',
      (path) => writeFileSync(path, Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.alloc(4096, 7)])),
    ],
    ['is a folder', (path) => mkdirSync(path)],
    ['leads nowhere', (path) => symlinkSync(join(folder, 'no', 'such', 'folder'), path)],
    [
      'is the database of somebody else, with a table of the same name',
      (path) => {
        const database = new DatabaseSync(path)
        database.exec('CREATE TABLE message (until INTEGER, text TEXT)')
        database.close()
      },
    ],
    [
      'is the database of somebody else, with another table of the same name',
      (path) => {
        const database = new DatabaseSync(path)
        database.exec('CREATE TABLE clock (hour INTEGER)')
        database.close()
      },
    ],
  ])('refuses a file that %s', (_, make) => {
    const path = newPath()
    make(path)
    const error = expectCode('ERR_REPLAY_STORE', () => openReplayFile(path))
    expect(error.details['path']).toBe(path)
  })

  it('refuses a file in a folder that is not there', () => {
    expectCode('ERR_REPLAY_STORE', () => openReplayFile(join(folder, 'nowhere', 'replay.db')))
  })

  it('refuses, and does not begin anew, when the file is damaged while it is open', async () => {
    const path = newPath()
    await withFile(path, async (store) => {
      for (let id = 0; id < 50; id++) await store.remember(key(id), at(300), NOW)
    })
    const bytes = readFileSync(path)
    bytes.fill(0x55, 100)
    writeFileSync(path, bytes)
    let opened: FileReplayStore | undefined
    await expectCodeAsync('ERR_REPLAY_STORE', async () => {
      opened = openReplayFile(path)
      await opened.remember(key(1), at(300), NOW)
    })
    opened?.close()
  })

  it('refuses when it was closed', async () => {
    const store = openReplayFile(newPath())
    store.close()
    await expectCodeAsync('ERR_REPLAY_STORE', () => store.remember(key(1), at(300), NOW))
  })

  it('refuses when the file cannot be written', async () => {
    const path = newPath()
    await withFile(path, async (store) => {
      await store.remember(key(1), at(300), NOW)
      // Another process has it locked for good: as with a full disk, nothing can be written.
      const other = new DatabaseSync(path)
      other.exec("CREATE TRIGGER full BEFORE INSERT ON message BEGIN SELECT RAISE(ABORT, 'no space left'); END")
      other.close()
      await expectCodeAsync('ERR_REPLAY_STORE', () => store.remember(key(2), at(300), NOW))
    })
  })
})

const CHILD = resolve(import.meta.dirname, '../support/replay-child.js')
const children: ChildProcess[] = []

function start(...args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, ['--no-warnings', CHILD, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  return child
}

async function output(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('the child has no output')
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer]
  return chunk.toString()
}

describe('openReplayFile: several processes', () => {
  it('MSG-03: lets one of three processes through that race for the same messages', async () => {
    const path = newPath()
    openReplayFile(path).close()
    const racers = [start(path, 'race'), start(path, 'race'), start(path, 'race')]
    for (const text of await Promise.all(racers.map(output))) expect(text).toBe('ready')
    const results = racers.map(output)
    for (const racer of racers) racer.stdin?.write('go')
    const accepted = (await Promise.all(results)).flatMap((text) => JSON.parse(text) as number[])
    expect(accepted.sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, index) => index))
  })

  describe('after a receiver was killed', () => {
    const content = Buffer.from('{}')
    let alice: Sender
    let trust: TrustDirectory
    beforeAll(async () => {
      const world = await makeWorld()
      alice = makeSender(world, { node: 'compute-07' })
      trust = await makeDirectory(world, [alice])
    })

    it('MSG-02: knows the message that it accepted: kill -9 makes nothing new again', async () => {
      const path = newPath()
      const { der, context } = await signMessage(content, alice, { type: 'notify.test', destination: 'here', at: NOW })
      const messageId = Buffer.from(context.messageId).toString('hex')
      const child = start(path, 'hold', JSON.stringify({ signer: alice.identity.uri, destination: 'here', messageId }))
      expect(await output(child)).toBe('accepted')
      child.kill('SIGKILL')
      await once(child, 'exit')
      await withFile(path, async (replay) => {
        await expectCodeAsync('ERR_MESSAGE_REPLAYED', () => verifyMessage(der, content, receiver(trust, { replay })))
        const late = receiver(trust, { replay, at: at(361) })
        await expectCodeAsync('ERR_MESSAGE_EXPIRED', () => verifyMessage(der, content, late))
        const other = await signMessage(content, alice, { type: 'notify.test', destination: 'here', at: NOW })
        expect((await verifyMessage(other.der, content, receiver(trust, { replay }))).replay).toBe('checked')
      })
    })
  })
})
