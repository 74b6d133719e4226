import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { beforeAll, describe, expect, it } from 'vitest'
import { addSeconds, HOUR } from '../../src/time/index.js'
import {
  openTrustCache,
  openTrustDirectory,
  openTrustMemory,
  signTrustDelta,
  signTrustDirectory,
  type TrustCache,
  type TrustCacheOptions,
} from '../../src/trust/index.js'
import { NOW } from '../support/certificates.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'
import { manySigners } from '../support/many-signers.js'
import { makeSender, makeWorld, openRequest, trustDocument, type World } from '../support/messages.js'
import { temporaryFolder } from '../support/temporary.js'
import { turnsDuring } from '../support/turns.js'

/** More than two steps of everything. */
const MANY = 4000

const folder = temporaryFolder()
let places = 0
const newPath = (): string => {
  const path = join(folder, String(places++))
  mkdirSync(path)
  return join(path, 'trust.p7')
}

let world: World
/** Numbers 1, 2 and 3; each has one signer less than the one before. */
let whole: readonly [Uint8Array, Uint8Array, Uint8Array]
let deltas: readonly [Uint8Array, Uint8Array]
beforeAll(async () => {
  world = await makeWorld()
  const signers = manySigners(makeSender(world, { node: 'compute-07' }), MANY)
  const publish = (sequence: number): Promise<Uint8Array> =>
    signTrustDirectory({ ...trustDocument(world, [], { sequence }), signers: signers.slice(sequence) }, world.publisher)
  whole = [await publish(1), await publish(2), await publish(3)]
  const [first, second, third] = whole.map((der) => openTrustDirectory(der, openRequest(world)))
  if (first === undefined || second === undefined || third === undefined) throw new Error('there are three')
  const { publisher } = world
  deltas = [
    await signTrustDelta(first, second, whole[1], publisher),
    await signTrustDelta(second, third, whole[2], publisher),
  ]
})

const open = (path: string, options: Partial<TrustCacheOptions> = {}): TrustCache =>
  openTrustCache(path, {
    pin: world.root.certificate.fingerprint,
    clock: { now: () => addSeconds(NOW, HOUR) },
    ...options,
  })

/** A cache that holds the first. */
async function begun(options: Partial<TrustCacheOptions> = {}): Promise<TrustCache> {
  const cache = open(newPath(), options)
  await cache.update(whole[0])
  return cache
}

const seen = ({ path }: TrustCache): number | undefined =>
  openTrustMemory(`${path}.seen`).recall(world.root.certificate.fingerprint)?.sequence

describe('TrustCache.update: in turns', () => {
  it('lets others have a turn all the while, who are handed the old directory until the new one is whole', async () => {
    const cache = await begun()
    for (const [number, bytes] of [deltas[0], whole[2]].entries()) {
      const sequences = new Set<number>()
      const look = (): unknown => sequences.add(cache.directory().sequence)
      const { value, turns } = await turnsDuring(() => cache.update(bytes), look)
      expect(turns).toBeGreaterThanOrEqual(MANY / 512)
      expect([...sequences].every((sequence) => sequence === number + 1 || sequence === number + 2)).toBe(true)
      expect(sequences.has(number + 1)).toBe(true)
      expect(cache.directory()).toBe(value.directory)
    }
  })

  it('does one after the other, in the order in which they were asked for', async () => {
    const cache = await begun()
    const updates = [deltas[0], deltas[1], whole[0], whole[2]].map((bytes) => cache.update(bytes))
    const ended = await Promise.allSettled(updates)
    const outcomes = ended.map((one) =>
      one.status === 'fulfilled'
        ? `${one.value.changed} ${one.value.directory.sequence}`
        : (one.reason as { code: string }).code,
    )
    expect(outcomes).toEqual(['delta 2', 'delta 3', 'ERR_TRUST_DIRECTORY_ROLLBACK', 'nothing 3'])
    expect([cache.directory().sequence, seen(cache)]).toEqual([3, 3])
    expect(Buffer.compare(readFileSync(cache.path), whole[2])).toBe(0)
  })

  it('is one at a time, too, where two caches of a process share a file', async () => {
    const cache = await begun()
    const caches = [cache, open(cache.path), open(cache.path)]
    const ended = await Promise.allSettled(caches.flatMap((one) => whole.map((bytes) => one.update(bytes))))
    for (const one of ended) {
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'ERR_TRUST_DIRECTORY_ROLLBACK' })
    }
    expect(ended.some(({ status }) => status === 'fulfilled')).toBe(true)
    for (const one of caches) expect(one.reload().sequence).toBe(3)
    expect(Buffer.compare(readFileSync(cache.path), whole[2])).toBe(0)
  })

  it('writes what it verified, whatever becomes of the octets meanwhile', async () => {
    let isTaken = false
    for (let from = 1; from < 12; from++) {
      const cache = await begun()
      const bytes = Uint8Array.from(whole[1])
      const spoil = (turn: number): void => {
        if (turn === from) bytes.fill(0x61, 4000, -10_000)
      }
      const { value } = await turnsDuring(() => cache.update(bytes).catch((error: unknown) => error), spoil)
      const wanted = value instanceof Error ? 1 : 2
      if (value instanceof Error) expect(value).toMatchObject({ code: 'ERR_CMS_DIGEST_MISMATCH' })
      else isTaken = true
      expect([cache.directory().sequence, seen(cache)]).toEqual([wanted, wanted])
      expect(Buffer.compare(readFileSync(cache.path), whole[wanted === 1 ? 0 : 1])).toBe(0)
    }
    expect(isTaken).toBe(true)
  })

  it('waits for the lock without holding anybody up', async () => {
    const cache = await begun()
    const lock = new DatabaseSync(`${cache.path}.lock`)
    lock.exec('BEGIN IMMEDIATE')
    const release = (turn: number): void => {
      if (turn === 100) lock.close()
    }
    const { value, turns } = await turnsDuring(() => cache.update(deltas[0]), release)
    expect(value.directory.sequence).toBe(2)
    expect(turns).toBeGreaterThanOrEqual(100)
  })

  it('goes on after one that failed, and hands out the old directory as long', async () => {
    const cache = await begun()
    rmSync(`${cache.path}.seen`)
    mkdirSync(`${cache.path}.seen`)
    await expectCodeAsync('ERR_FILE_READ', () => cache.update(deltas[0]))
    expect(cache.directory().sequence).toBe(1)
    rmSync(`${cache.path}.seen`, { recursive: true })
    expect((await cache.update(deltas[0])).directory.sequence).toBe(2)
  })
})

describe('TrustCache.refresh', () => {
  it('reads what another brought, so that directory need not', async () => {
    const reader = await begun()
    await open(reader.path).update(whole[1])
    const { turns } = await turnsDuring(() => reader.refresh())
    expect(turns).toBeGreaterThanOrEqual(MANY / 512)
    expect(reader.sequence).toBe(2)
    expect((await turnsDuring(() => reader.refresh())).turns).toBe(0)
  })

  it('refuses what directory refuses, and says so by it', async () => {
    for (const [bytes, code] of [
      [whole[0], 'ERR_TRUST_DIRECTORY_ROLLBACK'],
      [whole[2].subarray(0, 5000), 'ERR_DER_TRUNCATED'],
      [deltas[1], 'ERR_CMS_CONTENT_TYPE'],
      [new Uint8Array(), 'ERR_INPUT_EMPTY'],
    ] as const) {
      const reader = await begun()
      await reader.update(whole[1])
      writeFileSync(reader.path, bytes)
      await reader.refresh()
      expectCode(code, () => reader.reload())
      expect(reader.directory().sequence).toBe(2)
    }
    const empty = open(newPath())
    await empty.refresh()
    expectCode('ERR_TRUST_CACHE_EMPTY', () => empty.directory())
  })

  it('ends with what is there at its end, whoever looks or writes meanwhile', async () => {
    const reader = await begun()
    writeFileSync(reader.path, whole[1])
    const change = (turn: number): void => {
      if (turn === 3) writeFileSync(reader.path, whole[2])
      if (turn === 6) expect(reader.directory().sequence).toBe(3)
    }
    await turnsDuring(() => reader.refresh(), change)
    expect(reader.reload().sequence).toBe(3)
  })
})

describe("TrustCache with newer: 'allow-in-turns'", () => {
  it('hands out what was verified before while the next is verified, and then that', async () => {
    const reader = await begun({ newer: 'allow-in-turns' })
    await open(reader.path).update(whole[1])
    const before = reader.directory()
    expect(before.sequence).toBe(1)
    await reader.refresh()
    expect(reader.directory().sequence).toBe(2)
  })

  it('waits for nothing where there is no directory, or none that is current', async () => {
    const { path } = await begun()
    expect(open(path, { newer: 'allow-in-turns' }).directory().sequence).toBe(1)
    let now = addSeconds(NOW, HOUR)
    const reader = open(path, { newer: 'allow-in-turns', clock: { now: () => now } })
    expect(reader.directory().sequence).toBe(1)
    now = addSeconds(NOW, 25 * HOUR)
    const longer = trustDocument(world, [], { sequence: 2, issuedAt: now, nextUpdate: addSeconds(now, HOUR) })
    writeFileSync(path, await signTrustDirectory(longer, world.publisher))
    expect(reader.directory().sequence).toBe(2)
  })
})
