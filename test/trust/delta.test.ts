import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { OID } from '../../src/asn1/index.js'
import { detachContent, parseSignedData } from '../../src/cms/index.js'
import type { ErrorCode } from '../../src/errors/index.js'
import { addSeconds, DAY, HOUR } from '../../src/time/index.js'
import {
  applyTrustDelta,
  createTrustMemory,
  encodeTrustDelta,
  openTrustDelta,
  openTrustDirectory,
  publishedType,
  readTrustDelta,
  signTrustDelta,
  TrustDelta,
} from '../../src/trust/index.js'
import { type Holder, keyFor, makeCertificate, makeCrl, NOW, revoked } from '../support/certificates.js'
import { buildSignedData, buildSigner } from '../support/cms-builder.js'
import { childrenOf } from '../support/der.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'
import { makeSender, makeWorld, openRequest, type Sender, type World } from '../support/messages.js'
import { History, type Publication } from './histories.js'

const LATER = addSeconds(NOW, HOUR)
let world: World
let senders: readonly Sender[]
let history: History
let first: Publication
let second: Publication
let delta: Uint8Array
beforeAll(async () => {
  world = await makeWorld()
  senders = ['a', 'b', 'c', 'd', 'e', 'f'].map((node) => makeSender(world, { node, roles: ['compute'] }))
  history = new History(world)
  first = await history.publish(senders.slice(0, 4))
  second = await history.publish([...senders.slice(1, 4), ...senders.slice(4)])
  delta = await history.delta(first, second)
})

const request = () => openRequest(world, { at: LATER })
const open = (der: Uint8Array = delta): TrustDelta => openTrustDelta(der, request())
const apply = (base: Publication = first, der: Uint8Array = delta) =>
  applyTrustDelta(base.directory, open(der), request())

/** A delta with this content, signed by the publisher, or whoever. */
function signed(content: Uint8Array, holder: Holder = world.publisher): Uint8Array {
  const eContentType = OID.signetTrustDelta
  return buildSignedData({
    eContent: content,
    eContentType,
    certificates: [holder, world.issuing, world.root].map((item) => item.certificate.der),
    signers: [buildSigner({ content, holder, eContentType })],
  })
}

/** The delta, with something changed before it was signed. */
function changed(change: Partial<Parameters<typeof encodeTrustDelta>[0]>): Uint8Array {
  const { signers, ...document } = readTrustDelta(parseSignedData(delta).eContent ?? new Uint8Array())
  const ders = Array.from({ length: signers.size }, (_, index) => signers.slice(index, index + 1))
  return signed(encodeTrustDelta({ ...document, signers: ders, ...change }))
}

describe('signTrustDelta, openTrustDelta, applyTrustDelta', () => {
  it('make the very octets that were published', () => {
    const { der, directory } = apply()
    expect(Buffer.from(der)).toEqual(Buffer.from(second.der))
    expect(directory.digest).toBe(second.directory.digest)
    expect(directory.signers.map(({ identity }) => identity.node).sort()).toEqual(['b', 'c', 'd', 'e', 'f'])
  })

  it('say from where to where, and how much', () => {
    const { trustDomain, base, result, removed, changed: more, issuedAt, nextUpdate } = open()
    expect([trustDomain, removed, more]).toEqual(['cloud.example', 1, 2])
    expect(base).toEqual({ sequence: 1, digest: first.directory.digest })
    expect(result).toEqual({ sequence: 2, digest: second.directory.digest })
    expect([issuedAt, nextUpdate]).toEqual([second.directory.issuedAt, second.directory.nextUpdate])
    expect(publishedType(delta)).toBe(OID.signetTrustDelta)
    expect(publishedType(second.der)).toBe(OID.signetTrustDirectory)
    expectCode('ERR_CMS_CONTENT_TYPE', () =>
      publishedType(buildSignedData({ eContentType: OID.signetMessage, signers: [] })),
    )
  })

  it('carry nothing of what stays', async () => {
    const many = Array.from({ length: 40 }, (_, index) =>
      makeSender(world, { node: `m${index}`, key: keyFor(`m${index}`) }),
    )
    const big = new History(world)
    const [one, two] = [await big.publish(many), await big.publish(many.slice(1))]
    expect((await big.delta(one, two)).length).toBeLessThan(one.der.length / 5)
  })

  it('apply to a directory that is past its end', () => {
    const at = addSeconds(NOW, DAY + 30)
    expectCode('ERR_TRUST_DIRECTORY_EXPIRED', () => first.directory.requireCurrent(at))
    const late = applyTrustDelta(first.directory, open(), request())
    expect(late.directory.sequence).toBe(2)
    expectCode('ERR_TRUST_DIRECTORY_EXPIRED', () =>
      applyTrustDelta(first.directory, open(), { ...request(), at: addSeconds(NOW, 2 * DAY) }),
    )
  })

  it('requirement 21: any history of changes ends where the whole directory does', { timeout: 60_000 }, async () => {
    const other = makeCertificate({ subject: 'Other', issuer: world.root, ca: true, key: keyFor('other ca') })
    const lists = [world.crls, [...world.crls, await makeCrl({ issuer: other })]] as const
    const step = fc.record({
      members: fc.subarray([0, 1, 2, 3, 4, 5]),
      changed: fc.subarray([0, 1, 2, 3, 4, 5]),
      crls: fc.constantFrom(...lists),
      authorities: fc.constantFrom([world.issuing.certificate], [world.issuing.certificate, other.certificate]),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 6 }), async (steps) => {
        const past = new History(world)
        const roles = senders.map(() => 0)
        const publications: Publication[] = []
        for (const { members, changed: renewed, crls, authorities } of steps) {
          for (const index of renewed) roles[index] = (roles[index] ?? 0) + 1
          const there = members.map((index) => {
            const sender = senders[index] as Sender
            return { ...sender, identity: { ...sender.identity, groups: [`g${roles[index]}`] } }
          })
          publications.push(await past.publish(there, { crls, authorities }))
        }
        const [start, ...rest] = publications as [Publication, ...Publication[]]
        let held = start.directory
        for (const [index, next] of rest.entries()) {
          const applied = applyTrustDelta(
            held,
            open(await past.delta(publications[index] as Publication, next)),
            request(),
          )
          expect(Buffer.compare(applied.der, next.der)).toBe(0)
          held = applied.directory
        }
        const last = publications.at(-1) as Publication
        expect(Buffer.compare(apply(start, await past.delta(start, last)).der, last.der)).toBe(0)
      }),
      { numRuns: 40 },
    )
  })

  it('requirement 22: a signer who is removed by a delta is not found any more; the others are', () => {
    const [gone, stays] = senders as [Sender, Sender]
    const identifier = (sender: Sender): Uint8Array => sender.certificate.subjectKeyIdentifier ?? new Uint8Array()
    expect(first.directory.find(identifier(gone))?.validate(NOW)).toBeDefined()
    const { directory } = apply()
    expect(directory.find(identifier(gone))).toBeUndefined()
    expect(directory.find(identifier(stays))?.validate(NOW)).toBeDefined()
  })
})

describe('signTrustDelta: refusals', () => {
  it('leads forward, and within one trust domain', async () => {
    await expectCodeAsync('ERR_CONFIG_INVALID', () => history.delta(second, first))
    await expectCodeAsync('ERR_CONFIG_INVALID', () => history.delta(first, first))
    const elsewhere = await new History(world).publish([], { trustDomain: 'other.example', sequence: 9 })
    await expectCodeAsync('ERR_CONFIG_INVALID', () =>
      signTrustDelta(first.directory, elsewhere.directory, elsewhere.der, world.publisher),
    )
  })
})

describe('openTrustDelta: refusals', () => {
  it.each<[string, () => Uint8Array, ErrorCode]>([
    ['nothing', () => new Uint8Array(), 'ERR_INPUT_EMPTY'],
    ['rubbish', () => Buffer.from('rubbish'), 'ERR_CMS_MALFORMED'],
    ['a whole directory', () => second.der, 'ERR_CMS_CONTENT_TYPE'],
    ['one that is cut off', () => delta.subarray(0, -1), 'ERR_DER_TRUNCATED'],
    ['one without its content', () => detachContent(delta), 'ERR_CMS_CONTENT_TYPE'],
    ['one of which an octet was changed', () => Buffer.from(delta).fill(1, 900, 901), 'ERR_CMS_DIGEST_MISMATCH'],
    ['one that a signer of messages signed', () => signed(new Uint8Array([0x30, 0]), senders[0]), 'ERR_PATH_PURPOSE'],
    ['one that the CA signed', () => signed(new Uint8Array([0x30, 0]), world.issuing), 'ERR_PATH_PURPOSE'],
    ['one that says nothing', () => signed(new Uint8Array([0x30, 0])), 'ERR_DER_TRUNCATED'],
  ])('refuses %s', (_, make, code) => {
    expectCode(code, () => open(make()))
  })

  it('requirement 45: refuses it without a pin, and by the pin of another root', () => {
    expectCode('ERR_TRUST_NO_PIN', () => openTrustDelta(delta, { pin: '', at: LATER }))
    expectCode('ERR_TRUST_PIN_MISMATCH', () => openTrustDelta(delta, { pin: 'ab'.repeat(32), at: LATER }))
    expectCode('ERR_SERIAL_MALFORMED', () => openTrustDelta(delta, { pin: 'the root', at: LATER }))
  })
})

describe('applyTrustDelta: refusals', () => {
  it('refuses another base: an older one, a newer one, a fork', async () => {
    const third = await history.publish(senders)
    const onward = await history.delta(second, third)
    expectCode('ERR_TRUST_DELTA_BASE', () => apply(first, onward))
    expectCode('ERR_TRUST_DIRECTORY_ROLLBACK', () => apply(third, delta))
    expectCode('ERR_TRUST_DELTA_BASE', () => apply(second, delta))
    const fork = await new History(world).publish(senders.slice(2))
    expectCode('ERR_TRUST_DIRECTORY_FORK', () => apply(fork, delta))
    const otherSecond = await new History(world).publish([], { sequence: 2 })
    expectCode('ERR_TRUST_DIRECTORY_FORK', () => apply(otherSecond, delta))
  })

  it('refuses another trust domain', async () => {
    const elsewhere = await new History(world).publish([], { trustDomain: 'other.example' })
    expectCode('ERR_TRUST_DOMAIN', () => apply(elsewhere))
  })

  it.each<[string, () => Partial<Parameters<typeof encodeTrustDelta>[0]>]>([
    ['removes nobody', () => ({ removed: [] })],
    ['removes one more', () => ({ removed: removing(senders[0], senders[1]) })],
    ['adds nobody', () => ({ signers: [] })],
    ['ends later', () => ({ nextUpdate: addSeconds(NOW, 3 * DAY) })],
    ['begins earlier', () => ({ issuedAt: NOW })],
    ['has no CRLs', () => ({ crls: [] })],
    ['has another authority', () => ({ authorities: [] })],
    ['has another number', () => ({ result: { sequence: 3, digest: second.directory.digest } })],
    ['states another digest', () => ({ result: { sequence: 2, digest: 'ab'.repeat(32) } })],
    ['carries the signature of its base', () => ({ signature: detachContent(first.der) })],
  ])('refuses one of the publisher that %s', (_, change) => {
    expectCode('ERR_TRUST_DELTA_RESULT', () => apply(first, changed(change())))
  })

  it('is put together by hand like the one that was signed', () => {
    expect(Buffer.from(apply(first, changed({})).der)).toEqual(Buffer.from(second.der))
  })

  it('refuses a publisher whom the CRLs of the result revoke', async () => {
    const list = await makeCrl({
      issuer: world.issuing,
      crlNumber: 2,
      revoked: [revoked(world.publisher.certificate.serialNumber, 'keyCompromise')],
    })
    const next = makeCertificate({
      subject: 'Publisher',
      issuer: world.issuing,
      key: keyFor('next publisher'),
      purposes: [OID.signetKpTrustDirectory],
    })
    const successor = new History({ ...world, publisher: next })
    const third = await successor.publish(senders, { crls: [...world.crls.slice(0, 1), list], sequence: 3 })
    const byNext = await successor.delta(first, third)
    expect(apply(first, byNext).directory.sequence).toBe(3)
    expectCode('ERR_REVOKED', () => apply(first, signed(parseSignedData(byNext).eContent ?? new Uint8Array())))
  })

  it('remembers what it made, and nothing that it refused', () => {
    const memory = createTrustMemory()
    const pin = world.root.certificate.fingerprint
    expectCode('ERR_TRUST_DELTA_RESULT', () =>
      applyTrustDelta(first.directory, open(changed({ removed: [] })), { ...request(), memory }),
    )
    expect(memory.recall(pin)).toBeUndefined()
    applyTrustDelta(first.directory, open(), { ...request(), memory })
    expect(memory.recall(pin)).toEqual({ sequence: 2, digest: second.directory.digest })
    expectCode('ERR_TRUST_DIRECTORY_ROLLBACK', () => openTrustDirectory(first.der, { ...request(), memory }))
  })
})

function removing(...gone: readonly (Sender | undefined)[]): readonly Uint8Array[] {
  return gone
    .map((sender) => sender?.certificate.subjectKeyIdentifier ?? new Uint8Array())
    .sort((a, b) => Buffer.compare(a, b))
}

describe('readTrustDelta: strictness', () => {
  const content = (): Uint8Array => parseSignedData(delta).eContent ?? new Uint8Array()
  it.each<[string, (document: Parameters<typeof encodeTrustDelta>[0]) => Partial<typeof document>, ErrorCode]>([
    ['a result that is no later', ({ base }) => ({ result: base }), 'ERR_TRUST_DELTA_MALFORMED'],
    ['a digest that is short', ({ base }) => ({ base: { ...base, digest: 'ab' } }), 'ERR_TRUST_DELTA_MALFORMED'],
    ['signers in the other order', ({ signers }) => ({ signers: signers.toReversed() }), 'ERR_TRUST_DELTA_MALFORMED'],
    [
      'a signer twice',
      ({ signers }) => ({ signers: [...signers.slice(0, 1), ...signers.slice(0, 1)] }),
      'ERR_TRUST_DELTA_MALFORMED',
    ],
    [
      'removed ones in the other order',
      () => ({ removed: removing(senders[0], senders[1]).toReversed() }),
      'ERR_TRUST_DELTA_MALFORMED',
    ],
    ['one removed twice', () => ({ removed: removing(senders[0], senders[0]) }), 'ERR_TRUST_DELTA_MALFORMED'],
    ['one both removed and there', () => ({ removed: removing(senders[4]) }), 'ERR_TRUST_DELTA_MALFORMED'],
    ['no signature', () => ({ signature: new Uint8Array() }), 'ERR_DER_TRUNCATED'],
    [
      'two signatures',
      ({ signature }) => ({ signature: Buffer.concat([signature, signature]) }),
      'ERR_DER_TRAILING_DATA',
    ],
  ])('refuses %s', (_, change, code) => {
    const { signers, ...rest } = readTrustDelta(content())
    const document = {
      ...rest,
      signers: Array.from({ length: signers.size }, (_entry, index) => signers.slice(index, index + 1)),
    }
    expect(Buffer.from(encodeTrustDelta(document))).toEqual(Buffer.from(content()))
    expectCode(code, () => readTrustDelta(encodeTrustDelta({ ...document, ...change(document) })))
  })

  it('refuses another version, and what follows', () => {
    const wrong = Buffer.from(content())
    const version = wrong.length - Buffer.concat(childrenOf(wrong).slice(1)).length - 1
    wrong[version] = 2
    expectCode('ERR_TRUST_DELTA_MALFORMED', () => readTrustDelta(wrong))
    expectCode('ERR_DER_TRAILING_DATA', () => readTrustDelta(Buffer.concat([content(), Uint8Array.of(0)])))
  })
})
