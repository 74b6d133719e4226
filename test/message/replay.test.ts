import { describe, expect, it } from 'vitest'
import { createReplayMemory, DEFAULT_MAX_REMEMBERED, type ReplayKey } from '../../src/message/index.js'
import { replayText } from '../../src/message/replay.js'
import { addSeconds } from '../../src/time/index.js'
import { NOW } from '../support/certificates.js'
import { expectCodeAsync } from '../support/expect-code.js'

const key = (id: number, changes: Partial<ReplayKey> = {}): ReplayKey => ({
  signer: 'spiffe://cloud.example/nova-compute/compute-07',
  destination: 'notifications',
  messageId: Buffer.alloc(8, id),
  ...changes,
})
const at = (seconds: number): Date => addSeconds(NOW, seconds)

describe('createReplayMemory', () => {
  it('knows a message by signer, destination and id together', async () => {
    const memory = createReplayMemory()
    expect(await memory.remember(key(1), at(300), NOW)).toBe(true)
    expect(await memory.remember(key(1), at(300), NOW)).toBe(false)
    expect(await memory.remember(key(2), at(300), NOW)).toBe(true)
    expect(await memory.remember(key(1, { destination: 'audit' }), at(300), NOW)).toBe(true)
    expect(await memory.remember(key(1, { signer: 'spiffe://cloud.example/x/y' }), at(300), NOW)).toBe(true)
    expect(await memory.remember(key(1, { messageId: Buffer.alloc(9, 1) }), at(300), NOW)).toBe(true)
  })

  it('refuses new messages when it is full of live ones, and forgets none of those', async () => {
    const memory = createReplayMemory(3)
    for (const id of [1, 2, 3]) expect(await memory.remember(key(id), at(300), NOW)).toBe(true)
    await expectCodeAsync('ERR_LIMIT_EXCEEDED', () => memory.remember(key(4), at(300), NOW))
    for (const id of [1, 2, 3]) expect(await memory.remember(key(id), at(300), at(300))).toBe(false)
    await expectCodeAsync('ERR_LIMIT_EXCEEDED', () => memory.remember(key(5), at(600), at(300)))
  })

  it('makes room of what has expired, and of nothing else', async () => {
    const memory = createReplayMemory(3)
    await memory.remember(key(1), at(100), NOW)
    await memory.remember(key(2), at(200), NOW)
    await memory.remember(key(3), at(300), NOW)
    // A minute longer than needed, for clocks that go back.
    await expectCodeAsync('ERR_LIMIT_EXCEEDED', () => memory.remember(key(4), at(500), at(160)))
    expect(await memory.remember(key(4), at(500), at(161))).toBe(true)
    expect(await memory.remember(key(2), at(200), at(161))).toBe(false)
    expect(await memory.remember(key(3), at(300), at(161))).toBe(false)
    await expectCodeAsync('ERR_LIMIT_EXCEEDED', () => memory.remember(key(5), at(500), at(162)))
  })

  it('makes room of a message that came after the last time it did, and expired before the others', async () => {
    const memory = createReplayMemory(2)
    await memory.remember(key(1), at(10), NOW)
    await memory.remember(key(2), at(500), NOW)
    expect(await memory.remember(key(3), at(110), at(80))).toBe(true)
    await expectCodeAsync('ERR_LIMIT_EXCEEDED', () => memory.remember(key(4), at(500), at(81)))
    expect(await memory.remember(key(4), at(500), at(171))).toBe(true)
  })

  it('makes room as fast as it is needed where many expire at once, and again and again', async () => {
    const memory = createReplayMemory(1000)
    const id = (number: number): ReplayKey => key(0, { messageId: Buffer.from(`message ${number}`) })
    for (let round = 0; round < 5; round++) {
      const now = round * 200
      for (let index = 0; index < 1000; index++) {
        expect(await memory.remember(id(1000 * round + index), at(now + 100), at(now))).toBe(true)
      }
      await expectCodeAsync('ERR_LIMIT_EXCEEDED', () => memory.remember(id(-1), at(now + 100), at(now)))
      expect(await memory.remember(id(1000 * round), at(now + 100), at(now + 160))).toBe(false)
    }
  })

  it('forgets what expires at different times, whichever came first', async () => {
    const memory = createReplayMemory(60)
    const lives = Array.from({ length: 60 }, (_, index) => 10 + ((index * 37) % 60))
    for (const [index, life] of lives.entries()) await memory.remember(key(index), at(life), NOW)
    for (let now = 70; now < 140; now++) {
      const isOver = (life: number): boolean => life + 60 < now
      for (const [index, life] of lives.entries()) {
        // What is known still is refused; what is over is not asked for.
        if (!isOver(life)) expect(await memory.remember(key(index), at(life), at(now))).toBe(false)
      }
    }
    expect(await memory.remember(key(100), at(500), at(140))).toBe(true)
  })

  it('refuses a clock that goes back behind what it may have forgotten', async () => {
    const memory = createReplayMemory(1)
    await memory.remember(key(1), at(100), NOW)
    expect(await memory.remember(key(2), at(400), at(200))).toBe(true)
    await expectCodeAsync('ERR_CLOCK_SUSPECT', () => memory.remember(key(1), at(100), at(90)))
    expect(await memory.remember(key(2), at(400), at(200))).toBe(false)
  })

  it('tolerates clocks of one process that differ by a little', async () => {
    const memory = createReplayMemory()
    await memory.remember(key(1), at(300), at(59))
    expect(await memory.remember(key(2), at(300), NOW)).toBe(true)
  })

  it('holds nothing at all when told to hold none', async () => {
    await expectCodeAsync('ERR_LIMIT_EXCEEDED', () => createReplayMemory(0).remember(key(1), at(300), NOW))
  })

  it('holds a million unless told otherwise', () => {
    expect(DEFAULT_MAX_REMEMBERED).toBe(1_000_000)
  })

  it('answers all of many questions at the same time, one of them with yes', async () => {
    const memory = createReplayMemory()
    const answers = await Promise.all(Array.from({ length: 50 }, async () => memory.remember(key(1), at(300), NOW)))
    expect(answers.filter(Boolean)).toHaveLength(1)
  })
})

describe('replayText', () => {
  it('is another for every other key', () => {
    const keys = [
      key(1),
      key(2),
      key(1, { destination: 'notifications2' }),
      key(1, { signer: 'a', destination: 'b' }),
      key(1, { signer: 'a', destination: 'bb' }),
      key(1, { messageId: Buffer.alloc(16, 1) }),
    ]
    expect(new Set(keys.map(replayText)).size).toBe(keys.length)
  })
})
