import { beforeAll, describe, expect, it } from 'vitest'
import { type ErrorCode, isSignetError } from '../../src/errors/index.js'
import { addSeconds, DAY, HOUR } from '../../src/time/index.js'
import {
  applyTrustDelta,
  applyTrustDeltaInTurns,
  createTrustMemory,
  openTrustDelta,
  openTrustDeltaInTurns,
  openTrustDirectory,
  openTrustDirectoryInTurns,
  type OpenTrustDirectoryRequest,
  signTrustDelta,
  signTrustDirectory,
  type TrustDirectory,
} from '../../src/trust/index.js'
import { makeCrl, NOW, revoked } from '../support/certificates.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { manySigners } from '../support/many-signers.js'
import { makeSender, makeWorld, openRequest, type Sender, trustDocument, type World } from '../support/messages.js'
import { turnsDuring } from '../support/turns.js'
import { History, type Publication } from './histories.js'

/** More than two steps of everything. */
const MANY = 4000
const LATER = addSeconds(NOW, HOUR)

let world: World
let alice: Sender
let bob: Sender
let small: Publication
let smallDelta: Uint8Array
let large: Uint8Array
/** To a directory without every second signer. */
let largeDelta: Uint8Array
beforeAll(async () => {
  world = await makeWorld()
  alice = makeSender(world, { node: 'compute-07', roles: ['compute'] })
  bob = makeSender(world, { node: 'compute-08' })
  const history = new History(world)
  small = await history.publish([alice, bob])
  smallDelta = await history.delta(small, await history.publish([bob]))
  const signers = manySigners(alice, MANY)
  large = await signTrustDirectory({ ...trustDocument(world, []), signers }, world.publisher)
  const fewer = { ...trustDocument(world, []), sequence: 2, signers: signers.filter((_, index) => index % 2 === 0) }
  const nextDer = await signTrustDirectory(fewer, world.publisher)
  const [base, next] = [openTrustDirectory(large, request()), openTrustDirectory(nextDer, request())]
  largeDelta = await signTrustDelta(base, next, nextDer, world.publisher)
})

const request = (overrides: Partial<OpenTrustDirectoryRequest> = {}): OpenTrustDirectoryRequest =>
  openRequest(world, { at: LATER, ...overrides })

/** What is believed, or why nothing is. */
async function outcome(open: () => TrustDirectory | Promise<TrustDirectory>): Promise<string> {
  try {
    const directory = await open()
    const identities = directory.signers.map(({ keyIdentifier, identity }) => [keyIdentifier, identity])
    const lists = [directory.anchors, directory.authorities, directory.crls].map((list) => list.length)
    return JSON.stringify([directory.sequence, directory.digest, lists, identities])
  } catch (error) {
    if (!isSignetError(error)) throw error
    return `${error.code} ${error.message}`
  }
}

describe('openTrustDirectoryInTurns', () => {
  it('makes of a directory what openTrustDirectory does, and remembers it', async () => {
    for (const der of [small.der, large]) {
      const memory = createTrustMemory()
      const opened = await outcome(() => openTrustDirectory(der, request()))
      expect(await outcome(() => openTrustDirectoryInTurns(der, request({ memory })))).toBe(opened)
      expect(memory.recall(request().pin)?.sequence).toBe(1)
    }
  })

  it('finds signers by what their certificates say', async () => {
    const directory = await openTrustDirectoryInTurns(small.der, request())
    const { certificate } = bob
    const found = directory.findCertificate(certificate.serialNumber, (other) => other.equals(certificate))
    expect(found?.identity.node).toBe('compute-08')
    expect(directory.findCertificate('01020304', () => true)).toBeUndefined()
  })

  it('lets others have a turn all the while', async () => {
    const { turns } = await turnsDuring(() => openTrustDirectoryInTurns(large, request()))
    expect(turns).toBeGreaterThanOrEqual(MANY / 512)
  })

  it('refuses whatever openTrustDirectory refuses, for the same reason', async () => {
    const ended = await signTrustDirectory(trustDocument(world, [alice], { nextUpdate: LATER }), world.publisher)
    const crls = [
      await makeCrl({ issuer: world.root }),
      await makeCrl({ issuer: world.issuing, revoked: [revoked(world.publisher.certificate.serialNumber)] }),
    ]
    const withdrawn = await signTrustDirectory(trustDocument(world, [alice], { crls }), world.publisher)
    const rows: readonly (readonly [ErrorCode, Uint8Array, Partial<OpenTrustDirectoryRequest>])[] = [
      ['ERR_TRUST_NO_PIN', small.der, { pin: '' }],
      ['ERR_SERIAL_MALFORMED', small.der, { pin: 'the root' }],
      ['ERR_TRUST_PIN_MISMATCH', small.der, { pin: 'ab'.repeat(32) }],
      ['ERR_INPUT_EMPTY', new Uint8Array(), {}],
      ['ERR_DER_TRUNCATED', large.subarray(0, -1), {}],
      ['ERR_CMS_CONTENT_TYPE', smallDelta, {}],
      ['ERR_TRUST_DIRECTORY_EXPIRED', ended, {}],
      ['ERR_TRUST_DIRECTORY_FROM_FUTURE', small.der, { at: addSeconds(NOW, -DAY) }],
      ['ERR_REVOKED', withdrawn, {}],
      ['ERR_CMS_DIGEST_MISMATCH', flipped(large, 1_000_000), {}],
      ['ERR_CMS_SIGNATURE', flipped(large, large.length - 1), {}],
      ['ERR_TRUST_DIRECTORY_FORK', large, { memory: memoryOf(1) }],
      ['ERR_TRUST_DIRECTORY_ROLLBACK', large, { memory: memoryOf(2) }],
    ]
    for (const [code, der, overrides] of rows) {
      const refused = await outcome(() => openTrustDirectory(der, request(overrides)))
      expect(refused).toContain(`${code} `)
      expect(await outcome(() => openTrustDirectoryInTurns(der, request(overrides)))).toBe(refused)
    }
  })

  it('comes to the same end whichever octet is another', async () => {
    for (let place = 0; place < small.der.length; place += 11) {
      const der = flipped(small.der, place)
      const sync = await outcome(() => openTrustDirectory(der, request()))
      expect([place, await outcome(() => openTrustDirectoryInTurns(der, request()))]).toEqual([place, sync])
    }
  })

  it('believes what it copied, whatever becomes of the octets and the request', async () => {
    const sync = await outcome(() => openTrustDirectory(small.der, request()))
    const der = Uint8Array.from(small.der)
    const at = new Date(LATER)
    const opening = openTrustDirectoryInTurns(der, request({ at }))
    der.fill(0)
    at.setTime(0)
    expect(await outcome(() => opening)).toBe(sync)
  })

  it('refuses octets that change while they are copied, and is not touched by what changes later', async () => {
    const sync = await outcome(() => openTrustDirectory(large, request()))
    let isRefused = false
    for (let from = 1; from < 10; from++) {
      const der = Uint8Array.from(large)
      const spoil = (turn: number): void => {
        // Only in signers, of whom nothing is read before the signature is.
        if (turn === from) for (let place = 4000; place < der.length - 10_000; place += 1000) der[place] = 0x61
      }
      const { value } = await turnsDuring(() => outcome(() => openTrustDirectoryInTurns(der, request())), spoil)
      if (value === sync) continue
      expect(value).toContain('ERR_CMS_DIGEST_MISMATCH')
      isRefused = true
    }
    expect(isRefused).toBe(true)
  })
})

function flipped(der: Uint8Array, place: number): Uint8Array {
  const other = Uint8Array.from(der)
  other[place] = (other[place] ?? 0) ^ 1
  return other
}

function memoryOf(sequence: number) {
  const memory = createTrustMemory()
  memory.keep(request().pin, { sequence, digest: 'ab'.repeat(32) })
  return memory
}

describe('openTrustDeltaInTurns and applyTrustDeltaInTurns', () => {
  it('make the directory that openTrustDelta and applyTrustDelta do, octet by octet', async () => {
    for (const [baseDer, delta] of [
      [small.der, smallDelta],
      [large, largeDelta],
    ] as const) {
      const base = openTrustDirectory(baseDer, request())
      const sync = applyTrustDelta(base, openTrustDelta(delta, request()), request())
      const memory = createTrustMemory()
      const { value, turns } = await turnsDuring(async () =>
        applyTrustDeltaInTurns(base, await openTrustDeltaInTurns(delta, request()), request({ memory })),
      )
      expect(Buffer.compare(value.der, sync.der)).toBe(0)
      expect(await outcome(() => value.directory)).toBe(await outcome(() => sync.directory))
      expect(memory.recall(request().pin)?.sequence).toBe(2)
      expect(turns).toBeGreaterThanOrEqual(sync.directory.size / 512)
    }
  })

  it('refuse whatever the others refuse, for the same reason', async () => {
    const base = openTrustDirectory(small.der, request())
    const [ofSmall, ofLarge] = [openTrustDelta(smallDelta, request()), openTrustDelta(largeDelta, request())]
    const rows: readonly (readonly [ErrorCode, typeof ofSmall, TrustDirectory, Partial<OpenTrustDirectoryRequest>])[] =
      [
        ['ERR_TRUST_DIRECTORY_FORK', ofLarge, base, {}],
        ['ERR_TRUST_DIRECTORY_EXPIRED', ofSmall, base, { at: addSeconds(NOW, 2 * DAY) }],
        ['ERR_TRUST_DIRECTORY_ROLLBACK', ofSmall, base, { memory: memoryOf(3) }],
        ['ERR_TRUST_PIN_MISMATCH', ofSmall, base, { pin: 'ab'.repeat(32) }],
      ]
    for (const [code, delta, from, overrides] of rows) {
      const refused = await outcome(() => applyTrustDelta(from, delta, request(overrides)).directory)
      expect(refused).toContain(`${code} `)
      const inTurns = async (): Promise<TrustDirectory> =>
        (await applyTrustDeltaInTurns(from, delta, request(overrides))).directory
      expect(await outcome(inTurns)).toBe(refused)
    }
    await expectCodeAsync('ERR_CMS_CONTENT_TYPE', () => openTrustDeltaInTurns(small.der, request()))
    await expectCodeAsync('ERR_TRUST_NO_PIN', () => openTrustDeltaInTurns(smallDelta, request({ pin: '' })))
  })

  it('believe what was copied, whatever becomes of the octets', async () => {
    const base = openTrustDirectory(large, request())
    const sync = await outcome(() => applyTrustDelta(base, openTrustDelta(largeDelta, request()), request()).directory)
    const der = Uint8Array.from(largeDelta)
    const opening = openTrustDeltaInTurns(der, request())
    der.fill(0)
    const applying = applyTrustDeltaInTurns(base, await opening, request())
    expect(await outcome(async () => (await applying).directory)).toBe(sync)
  })

  it('refuse a result that changes while it is put together', async () => {
    const der = Uint8Array.from(large)
    const base = openTrustDirectory(der, request())
    const delta = openTrustDelta(largeDelta, request())
    const spoil = (turn: number): void => {
      if (turn === 1) for (let place = 4000; place < der.length - 10_000; place += 1000) der[place] = 0x61
    }
    const applying = async (): Promise<TrustDirectory> =>
      (await applyTrustDeltaInTurns(base, delta, request())).directory
    const { value } = await turnsDuring(() => outcome(applying), spoil)
    expect(value).toContain('ERR_TRUST_DELTA_RESULT')
  })
})
