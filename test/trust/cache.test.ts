import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { MessageVerifier, signMessage } from '../../src/message/index.js'
import { addSeconds, DAY, HOUR } from '../../src/time/index.js'
import { openTrustCache, openTrustMemory, type TrustCache, type TrustCacheOptions } from '../../src/trust/index.js'
import { NOW } from '../support/certificates.js'
import { after, startScript } from '../support/children.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'
import { makeSender, makeWorld, receiver, type Sender, type World } from '../support/messages.js'
import { temporaryFolder } from '../support/temporary.js'
import { History, type Publication } from './histories.js'

vi.setConfig({ testTimeout: 60_000 })

const folder = temporaryFolder()
let caches = 0
const newPath = (): string => {
  const path = join(folder, `cache-${caches++}`)
  mkdirSync(path)
  return join(path, 'trust.p7')
}

let world: World
let alice: Sender
let bob: Sender
let publications: readonly [Publication, Publication, Publication]
let deltas: readonly [Uint8Array, Uint8Array]
beforeAll(async () => {
  world = await makeWorld()
  alice = makeSender(world, { node: 'compute-07' })
  bob = makeSender(world, { node: 'compute-08' })
  const history = new History(world)
  const [a, b, c] = [await history.publish([alice, bob]), await history.publish([bob]), await history.publish([])]
  publications = [a, b, c]
  deltas = [await history.delta(a, b), await history.delta(b, c)]
})

let now = addSeconds(NOW, HOUR)
const open = (path: string, options: Partial<TrustCacheOptions> = {}): TrustCache =>
  openTrustCache(path, { pin: world.root.certificate.fingerprint, clock: { now: () => now }, ...options })

describe('TrustCache.update', () => {
  it('takes a whole directory, then delta after delta, and holds what was published, octet by octet', async () => {
    const path = newPath()
    const cache = open(path)
    expect((await cache.update(publications[0].der)).changed).toBe('directory')
    for (const [index, delta] of deltas.entries()) {
      const { changed, directory } = await cache.update(delta)
      expect([changed, directory.sequence]).toEqual(['delta', index + 2])
      expect(Buffer.compare(readFileSync(path), publications[index + 1]?.der ?? Buffer.of())).toBe(0)
      expect(cache.directory()).toBe(directory)
    }
    expect(openTrustMemory(`${path}.seen`).recall(world.root.certificate.fingerprint)?.sequence).toBe(3)
  })

  it('can be read by everybody, and leaves nothing else behind', async () => {
    const path = newPath()
    await open(path).update(publications[0].der)
    expect(readdirSync(join(path, '..')).sort()).toEqual(['trust.p7', 'trust.p7.lock', 'trust.p7.seen'])
    for (const name of [path, `${path}.seen`]) expect(statSync(name).mode & 0o777).toBe(0o644)
  })

  it('says so when it brings nothing new', async () => {
    const cache = open(newPath())
    await cache.update(publications[0].der)
    expect((await cache.update(publications[0].der)).changed).toBe('nothing')
    await cache.update(deltas[0])
    expect((await cache.update(deltas[0])).changed).toBe('nothing')
    expect((await cache.update(publications[1].der)).changed).toBe('nothing')
  })

  it('requirement 21: refuses rollback, fork, another root, another trust domain, and what is past its end', async () => {
    const path = newPath()
    const cache = open(path)
    await cache.update(publications[1].der)
    const kept = readFileSync(path)
    const fork = new History(world)
    await fork.publish([])
    const refused: readonly (readonly [Parameters<typeof expectCode>[0], Uint8Array])[] = [
      ['ERR_TRUST_DIRECTORY_ROLLBACK', publications[0].der],
      ['ERR_TRUST_DIRECTORY_FORK', (await fork.publish([alice])).der],
      ['ERR_TRUST_DOMAIN', (await fork.publish([], { trustDomain: 'other.example' })).der],
      ['ERR_TRUST_DIRECTORY_EXPIRED', (await fork.publish([], { nextUpdate: addSeconds(NOW, HOUR) })).der],
      ['ERR_TRUST_DIRECTORY_FROM_FUTURE', (await fork.publish([], { issuedAt: addSeconds(NOW, 2 * HOUR) })).der],
      ['ERR_TRUST_PIN_MISMATCH', (await new History(await makeWorld('foreign')).publish([], { sequence: 9 })).der],
      ['ERR_INPUT_EMPTY', new Uint8Array()],
      ['ERR_CMS_MALFORMED', Buffer.from('rubbish')],
    ]
    for (const [code, bytes] of refused) await expectCodeAsync(code, () => cache.update(bytes))
    expect(readFileSync(path).equals(kept)).toBe(true)
    expect(cache.directory().sequence).toBe(2)
    // The same after a restart, and where only the memory is left.
    await expectCodeAsync('ERR_TRUST_DIRECTORY_ROLLBACK', () => open(path).update(publications[0].der))
    rmSync(path)
    await expectCodeAsync('ERR_TRUST_DIRECTORY_ROLLBACK', () => open(path).update(publications[0].der))
    expect((await open(path).update(publications[1].der)).changed).toBe('directory')
  })

  it('refuses the first directory, too, where it is not of the domain that is wanted', async () => {
    const cache = open(newPath(), { trustDomain: 'other.example' })
    await expectCodeAsync('ERR_TRUST_DOMAIN', () => cache.update(publications[0].der))
    expectCode('ERR_TRUST_CACHE_EMPTY', () => cache.directory())
  })

  it('requirement 45: begins with a pin and a whole directory, and with nothing else', async () => {
    const path = newPath()
    expectCode('ERR_TRUST_NO_PIN', () => open(path, { pin: '' }))
    expectCode('ERR_SERIAL_MALFORMED', () => open(path, { pin: 'trust me' }))
    await expectCodeAsync('ERR_TRUST_PIN_MISMATCH', () =>
      open(path, { pin: 'ab'.repeat(32) }).update(publications[0].der),
    )
    await expectCodeAsync('ERR_TRUST_CACHE_EMPTY', () => open(path).update(deltas[0]))
    expectCode('ERR_TRUST_CACHE_EMPTY', () => open(path).directory())
    expect(existsSync(path)).toBe(false)
  })

  it('refuses a delta that leaves one out, and goes on with the one that was left out', async () => {
    const cache = open(newPath())
    await cache.update(publications[0].der)
    await expectCodeAsync('ERR_TRUST_DELTA_BASE', () => cache.update(deltas[1]))
    await cache.update(deltas[0])
    expect((await cache.update(deltas[1])).directory.sequence).toBe(3)
    await expectCodeAsync('ERR_TRUST_DIRECTORY_ROLLBACK', () => cache.update(deltas[0]))
  })

  it('applies a delta to a directory that is past its end, and hands out neither before nor a result that is, too', async () => {
    const history = new History(world)
    const [a, b] = [
      await history.publish([alice], { nextUpdate: addSeconds(NOW, HOUR / 2) }),
      await history.publish([bob], { nextUpdate: addSeconds(NOW, DAY) }),
    ]
    const path = newPath()
    now = NOW
    await open(path).update(a.der)
    now = addSeconds(NOW, HOUR)
    const cache = open(path)
    expectCode('ERR_TRUST_DIRECTORY_EXPIRED', () => cache.directory())
    expect((await cache.update(await history.delta(a, b))).directory.sequence).toBe(2)
    now = addSeconds(NOW, DAY)
    expectCode('ERR_TRUST_DIRECTORY_EXPIRED', () => cache.directory())
    now = addSeconds(NOW, HOUR)
  })

  it('refuses when the clock cannot be right', async () => {
    const path = newPath()
    await open(path).update(publications[0].der)
    for (const clock of [{ now: () => new Date(NaN) }, { now: () => new Date(0) }]) {
      expectCode('ERR_CLOCK_SUSPECT', () => open(path, { clock }).directory())
      await expectCodeAsync('ERR_CLOCK_SUSPECT', () => open(path, { clock }).update(publications[1].der))
    }
  })

  it('refuses what cannot be written, or is locked by a folder, and stays as it was', async () => {
    await expectCodeAsync('ERR_STORE_LOCKED', () =>
      open(join(folder, 'nowhere', 'trust.p7')).update(publications[0].der),
    )
    const path = newPath()
    mkdirSync(path)
    await expectCodeAsync('ERR_FILE_WRITE', () => open(path).update(publications[0].der))
    expectCode('ERR_FILE_READ', () => open(path).directory())
  })

  it('refuses where the memory of what was seen is broken', async () => {
    const path = newPath()
    await open(path).update(publications[0].der)
    writeFileSync(`${path}.seen`, '{}')
    await expectCodeAsync('ERR_JSON_MALFORMED', () => open(path).update(publications[1].der))
    expectCode('ERR_JSON_MALFORMED', () => open(path).directory())
  })
})

describe('TrustCache.directory: whoever writes the file', () => {
  it('is the newest that another brought, without a restart', async () => {
    const path = newPath()
    const [writer, reader] = [open(path), open(path)]
    expect(reader.sequence).toBeUndefined()
    for (const bytes of [publications[0].der, ...deltas]) {
      const { directory } = await writer.update(bytes)
      expect(reader.directory().digest).toBe(directory.digest)
      expect(reader.sequence).toBe(directory.sequence)
    }
  })

  it('reads a file only when it is another', async () => {
    const path = newPath()
    await open(path).update(publications[0].der)
    const cache = open(path)
    expect(cache.directory()).toBe(cache.directory())
  })

  it.each<[string, (path: string) => void, Parameters<typeof expectCode>[0]]>([
    ['an older one', (path) => writeFileSync(path, publications[0].der), 'ERR_TRUST_DIRECTORY_ROLLBACK'],
    ['a part of one', (path) => truncateSync(path, 700), 'ERR_DER_TRUNCATED'],
    ['nothing', (path) => writeFileSync(path, ''), 'ERR_INPUT_EMPTY'],
    ['a delta', (path) => writeFileSync(path, deltas[1]), 'ERR_CMS_CONTENT_TYPE'],
    ['no file', (path) => rmSync(path), 'ERR_TRUST_CACHE_EMPTY'],
  ])('keeps what was verified when the file is replaced by %s; a new process refuses', async (_, damage, code) => {
    const path = newPath()
    const cache = open(path)
    await cache.update(publications[1].der)
    damage(path)
    expect(cache.directory().sequence).toBe(2)
    expectCode(code, () => cache.reload())
    expectCode(code, () => open(path).directory())
    expect(cache.sequence).toBeUndefined()
    // What was there, or what is newer, puts it right.
    expect((await cache.update(publications[1].der)).changed).toBe('directory')
    expect(open(path).reload().sequence).toBe(2)
  })

  it.skipIf(process.getuid?.() === 0)('refuses a file that it may not read', async () => {
    const path = newPath()
    await open(path).update(publications[0].der)
    chmodSync(path, 0)
    expectCode('ERR_FILE_READ', () => open(path).directory())
  })
})

describe('TrustCache: several processes, and those that are killed', () => {
  const update = (path: string, file: string): ReturnType<typeof startScript> =>
    startScript('trust-cache-child.ts', [path, world.root.certificate.fingerprint, file], {
      TEST_CLOCK: now.toISOString(),
    })

  it('never goes back, however many update at once', async () => {
    const path = newPath()
    await open(path).update(publications[0].der)
    const files = publications.map(({ der }, index) => {
      const file = join(folder, `publication-${index}.p7`)
      writeFileSync(file, der)
      return file
    })
    const children = [...files, ...files].map((file) => update(path, file))
    const ended = await Promise.all(children.map((child) => child.ended))
    for (const { code, stdout, stderr } of ended) {
      expect([code, stderr]).toEqual([0, ''])
      expect(stdout).toMatch(/^(directory|nothing|ERR_TRUST_DIRECTORY_ROLLBACK)\n$/)
    }
    expect(open(path).directory().sequence).toBe(3)
  })

  it('waits for the lock, which a killed process does not keep', async () => {
    const path = newPath()
    await open(path).update(publications[0].der)
    const file = join(folder, 'locked.p7')
    writeFileSync(file, publications[1].der)
    const lock = new DatabaseSync(`${path}.lock`)
    lock.exec('BEGIN IMMEDIATE')
    const [killed, waiting] = [update(path, file), update(path, file)]
    await after(300)
    expect(open(path).directory().sequence).toBe(1)
    killed.process.kill('SIGKILL')
    await killed.ended
    lock.close()
    expect((await waiting.ended).stdout).toBe('directory\n')
  })

  it('is whole at every instant in which it may be killed', async () => {
    const path = newPath()
    await open(path).update(publications[0].der)
    const file = join(folder, 'kill.p7')
    writeFileSync(file, publications[1].der)
    for (const milliseconds of [150, 250, 350, 450]) {
      const child = update(path, file)
      await after(milliseconds)
      child.process.kill('SIGKILL')
      await child.ended
      expect([1, 2]).toContain(open(path).directory().sequence)
    }
    expect((await open(path).update(publications[2].der)).directory.sequence).toBe(3)
    expect(readdirSync(join(path, '..')).sort()).toEqual(['trust.p7', 'trust.p7.lock', 'trust.p7.seen'])
  })
})

describe('a receiver with a cache', () => {
  const verifier = (cache: TrustCache): MessageVerifier => {
    const { trust: _trust, at: _at, ...policy } = receiver(cache.directory())
    return new MessageVerifier({ ...policy, trust: () => cache.directory(), clock: { now: () => now } })
  }
  const message = (sender: Sender): Promise<{ der: Uint8Array }> =>
    signMessage(Buffer.from('{}'), sender, { type: 'a.b', destination: 'here', at: now })

  it('requirement 12, 22, 26: refuses who was removed from the next message on, without a restart; others are not touched', async () => {
    const path = newPath()
    await open(path).update(publications[0].der)
    const receivers = [verifier(open(path)), verifier(open(path))]
    for (const each of receivers) {
      for (const sender of [alice, bob]) {
        const { der } = await message(sender)
        expect((await each.verify(der, Buffer.from('{}'))).signer).toEqual(sender.identity)
      }
    }
    await open(path).update(deltas[0])
    for (const each of receivers) {
      const [byAlice, byBob] = [await message(alice), await message(bob)]
      await expectCodeAsync('ERR_CMS_SIGNER_UNKNOWN', () => each.verify(byAlice.der, Buffer.from('{}')))
      expect((await each.verify(byBob.der, Buffer.from('{}'))).signer).toEqual(bob.identity)
    }
  })
})
