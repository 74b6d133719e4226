/** Messages that are checked off on their way: what a slip proves, and whatever is done to one. */
import { beforeAll, describe, expect, it } from 'vitest'
import {
  encodeInteger,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  encodeTime,
  OID,
} from '../../src/asn1/index.js'
import {
  countersign,
  countersignaturesOf,
  parseSignedData,
  type SignerInfo,
  withCountersignature,
} from '../../src/cms/index.js'
import { type ErrorCode, isSignetError } from '../../src/errors/index.js'
import {
  checkOff,
  createReplayMemory,
  type MessagePolicy,
  type RoutePolicy,
  signMessage,
  type SignMessageRequest,
  VerifiedRoute,
  verifyMessage,
} from '../../src/message/index.js'
import { encodeRouteStep, routeStep } from '../../src/message/route-step.js'
import { addSeconds } from '../../src/time/index.js'
import type { TrustDirectory } from '../../src/trust/index.js'
import { keyFor, makeCrl, NOW, revoked } from '../support/certificates.js'
import { attribute, buildSignedData, buildSigner } from '../support/cms-builder.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'
import { encodeMessageContext } from '../../src/message/context.js'
import { makeDirectory, makeSender, makeWorld, receiver, type Sender, type World } from '../support/messages.js'

const content = Buffer.from('{"amount":7}')
const ROUTE = ['nova-compute.audit', 'nova-compute.finance', 'nova-compute.archive']
const [AUDIT = '', FINANCE = '', ARCHIVE = ''] = ROUTE
const COMPLETE: RoutePolicy = { require: 'complete' }
const PARTIAL: RoutePolicy = { require: 'allow-partial' }
let world: World
let alice: Sender
let steps: readonly [Sender, Sender, Sender]
let mallory: Sender
let trust: TrustDirectory
beforeAll(async () => {
  world = await makeWorld()
  alice = makeSender(world, { node: 'alice' })
  mallory = makeSender(world, { node: 'mallory' })
  steps = [
    makeSender(world, { node: 'audit', key: keyFor('audit', 'p384') }),
    makeSender(world, { node: 'finance', key: keyFor('finance', 'ed25519') }),
    makeSender(world, { node: 'archive', key: keyFor('archive', 'p256') }),
  ]
  trust = await makeDirectory(world, [alice, mallory, ...steps])
})

async function sign(changes: Partial<SignMessageRequest> = {}): Promise<Uint8Array> {
  const request = { type: 'order', destination: 'billing', at: NOW, route: ROUTE, ...changes }
  return (await signMessage(content, alice, request)).der
}

const verify = (der: Uint8Array, route?: RoutePolicy, changes: Partial<MessagePolicy> = {}) =>
  verifyMessage(der, content, receiver(trust, { ...(route === undefined ? {} : { route }), ...changes }))

async function routeOf(der: Uint8Array): Promise<VerifiedRoute> {
  const { route } = await verify(der, PARTIAL)
  if (route === undefined) throw new Error('no route')
  return route
}

async function pass(der: Uint8Array, by: readonly Sender[], at = NOW): Promise<Uint8Array> {
  let passed = der
  for (const step of by) passed = await checkOff(await routeOf(passed), step, { trust, at })
  return passed
}

const refused = (code: ErrorCode, der: Uint8Array, route?: RoutePolicy, changes: Partial<MessagePolicy> = {}) =>
  expectCodeAsync(code, () => verify(der, route, changes))

/** A slip as somebody makes it who asks nobody: steps one upon the other. */
interface Raw {
  readonly by: Sender
  /** What it says it is; default its place. `undefined` says nothing. */
  readonly step?: number | undefined
  readonly of?: Uint8Array
  readonly at?: Date
  readonly more?: readonly (readonly [string, Uint8Array])[]
}

async function slip(der: Uint8Array, raws: readonly Raw[]): Promise<Uint8Array> {
  let made = der
  for (const [index, raw] of raws.entries()) {
    const message = signerOf(made)
    const said = routeStep(signerOf(raw.of ?? made), raw.step ?? index + 1)
    const says = 'step' in raw && raw.step === undefined ? [] : [[OID.signetRouteStep, encodeRouteStep(said)] as const]
    const cs = await countersign(chainOf(message).at(-1)?.signature ?? message.signature, raw.by, {
      signingTime: raw.at ?? NOW,
      attributes: [...says, ...(raw.more ?? [])],
    })
    made = withCountersignature(made, cs)
  }
  return made
}

function signerOf(der: Uint8Array): SignerInfo {
  const [signer] = parseSignedData(der).signerInfos
  if (signer === undefined) throw new Error('no signer')
  return signer
}

function chainOf(message: SignerInfo): readonly SignerInfo[] {
  const chain: SignerInfo[] = []
  for (let [next] = countersignaturesOf(message); next !== undefined; [next] = countersignaturesOf(next))
    chain.push(next)
  return chain
}

/** The countersignatures of a message as bare values, each without those below it. */
function bareSteps(der: Uint8Array): readonly Uint8Array[] {
  const bare: Uint8Array[] = []
  for (let values = signerOf(der).unsignedAttrs.get(OID.counterSignature); values?.[0] !== undefined;) {
    const [value] = values
    const below = [...(countersignerOf(value).unsignedAttrs.get(OID.counterSignature) ?? [])]
    bare.push(below.length === 0 ? value : cut(value))
    values = below
  }
  return bare
}

function countersignerOf(value: Uint8Array): SignerInfo {
  return signerOf(buildSignedData({ signers: [value] }))
}

/** A SignerInfo without its unsigned attributes, which are its last field. */
function cut(value: Uint8Array): Uint8Array {
  const signer = countersignerOf(value)
  const end =
    Buffer.from(value).indexOf(encodeOctetString(signer.signature)) + encodeOctetString(signer.signature).length
  const header = value.length - contentLength(value)
  return encodeSequence(value.subarray(header, end))
}

function contentLength(value: Uint8Array): number {
  const first = value[1] ?? 0
  if (first < 0x80) return value.length - 2
  return value.length - 2 - (first & 0x7f)
}

/** The message with these countersignatures, one upon the other, whatever they sign. */
function chained(der: Uint8Array, values: readonly Uint8Array[]): Uint8Array {
  return values.reduce((message, value) => withCountersignature(message, value), der)
}

describe('a routing slip', () => {
  it('requirement 33: says who checked a message off, in which order, and that nobody is left out', async () => {
    const der = await pass(await sign(), steps)
    const { route } = await verify(der, COMPLETE)
    expect(route).toBeInstanceOf(VerifiedRoute)
    expect(route?.planned).toEqual(ROUTE)
    expect(route?.next).toBeUndefined()
    expect(route?.steps.map(({ entry, signer, signingTime }) => [entry, signer.uri, signingTime])).toEqual(
      steps.map(({ identity }, index) => [ROUTE[index], identity.uri, NOW]),
    )
    expect(Object.isFrozen(route) && Object.isFrozen(route?.steps) && Object.isFrozen(route?.steps[0])).toBe(true)
    // @ts-expect-error -- the constructor is private
    expect(() => new VerifiedRoute(ROUTE, [], der) as unknown).toBeTypeOf('function')
  })

  it('leads over entities and over URIs, and over the same twice', async () => {
    const [audit, finance] = steps
    const uri = finance.identity.uri
    const der = await pass(await sign({ route: [AUDIT, uri, AUDIT] }), [audit, finance, audit])
    const { route } = await verify(der, { require: 'complete', planned: [AUDIT, uri, AUDIT] })
    expect(route?.steps.map(({ signer }) => signer.node)).toEqual(['audit', 'finance', 'audit'])
    await verify(await pass(await sign({ route: [AUDIT, uri, AUDIT] }), [audit, finance]), {
      require: 'up-to-me',
      me: AUDIT,
    })
  })

  it('takes 32 steps, and is read without depth', async () => {
    const route = Array.from({ length: 32 }, () => AUDIT)
    const raws = route.map((): Raw => ({ by: steps[0] }))
    const der = await slip(await sign({ route }), raws)
    expect((await verify(der, COMPLETE)).route?.steps).toHaveLength(32)
    await expectCodeAsync('ERR_LIMIT_EXCEEDED', () => slip(der, [{ by: steps[0], step: 32 }]))
  })

  it('tells each step whether it is its turn', async () => {
    const messages = [await sign()]
    for (const step of steps) messages.push(await pass(messages.at(-1) ?? new Uint8Array(), [step]))
    for (const [done, der] of messages.entries()) {
      for (const [index, me] of ROUTE.entries()) {
        const policy: RoutePolicy = { require: 'up-to-me', me }
        if (index === done) expect((await verify(der, policy)).route?.next).toBe(me)
        else await refused(index > done ? 'ERR_ROUTE_INCOMPLETE' : 'ERR_ROUTE_DUPLICATE', der, policy)
      }
      if (done < 3) await refused('ERR_ROUTE_INCOMPLETE', der, COMPLETE)
      expect((await verify(der, PARTIAL)).route?.steps).toHaveLength(done)
    }
    await refused('ERR_ROUTE_PLAN', await sign(), { require: 'up-to-me', me: 'nova-compute.mallory' })
  })

  it('is accepted only where the receiver speaks of it', async () => {
    const planned = await sign()
    await refused('ERR_ROUTE_UNCHECKED', planned)
    await refused('ERR_CMS_UNSIGNED_ATTRIBUTE', await pass(planned, steps))
    const { der } = await signMessage(content, alice, { type: 'order', destination: 'billing', at: NOW })
    for (const policy of [COMPLETE, PARTIAL, { require: 'up-to-me', me: AUDIT } as const]) {
      await refused('ERR_ROUTE_ABSENT', der, policy)
    }
    await refused('ERR_ROUTE_PLAN', planned, { require: 'allow-partial', planned: [AUDIT, FINANCE] })
    await refused('ERR_ROUTE_PLAN', planned, { require: 'allow-partial', planned: [FINANCE, AUDIT, ARCHIVE] })
    await refused('ERR_ROUTE_ABSENT', await slip(der, [{ by: steps[0] }]), COMPLETE)
  })

  it.each([
    ['nothing', {}],
    ['another word', { require: 'none' }],
    ['a step without a name', { require: 'up-to-me' }],
    ['a step with an empty name', { require: 'up-to-me', me: '' }],
    ['a name that nobody asks for', { require: 'complete', me: 'x' }],
    ['something unknown', { require: 'complete', allowUnsigned: true }],
  ])('is not asked for by %s', async (_, policy) => {
    await refused('ERR_CONFIG_INVALID', await sign(), policy as unknown as RoutePolicy)
  })

  it('is remembered by step: one message passes each once, also where they share a memory', async () => {
    const replay = createReplayMemory()
    let der = await sign()
    for (const [index, step] of steps.entries()) {
      const policy: RoutePolicy = { require: 'up-to-me', me: ROUTE[index] ?? '' }
      await verify(der, policy, { replay })
      await refused('ERR_MESSAGE_REPLAYED', der, policy, { replay })
      der = await pass(der, [step])
    }
    await verify(der, COMPLETE, { replay })
    await refused('ERR_MESSAGE_REPLAYED', der, COMPLETE, { replay })
  })
})

describe('checkOff', () => {
  it('is for the next step and nobody else', async () => {
    const [audit, finance] = steps
    const begun = await routeOf(await pass(await sign(), [audit]))
    const by = (sender: Sender) => checkOff(begun, sender, { trust, at: NOW })
    await expectCodeAsync('ERR_ROUTE_ORDER', () => by(audit))
    await expectCodeAsync('ERR_ROUTE_ORDER', () => by(steps[2]))
    await expectCodeAsync('ERR_ROUTE_FOREIGN', () => by(mallory))
    await expectCodeAsync('ERR_CMS_SIGNER_UNKNOWN', () =>
      by(makeSender(world, { node: 'finance', key: keyFor('new') })),
    )
    await expectCodeAsync('ERR_KEY_CERT_MISMATCH', () => by({ ...finance, key: audit.key }))
    await expectCodeAsync('ERR_ISSUE_PROFILE', () => by({ ...finance, certificate: world.publisher.certificate }))
    const whole = await routeOf(await pass(await sign(), steps))
    await expectCodeAsync('ERR_ROUTE_DUPLICATE', () => checkOff(whole, audit, { trust, at: NOW }))
  })

  it('requirement 22: does without current CRLs only where it is told to', async () => {
    const [audit] = steps
    const long = await makeDirectory(world, [alice, ...steps], { nextUpdate: addSeconds(NOW, 7_776_000) })
    const at = addSeconds(new Date(Math.min(...world.crls.map((crl) => crl.currentUntil.getTime()))), 60)
    const begun = await routeOf(await sign())
    await expectCodeAsync('ERR_REVOCATION_UNKNOWN', () => checkOff(begun, audit, { trust: long, at }))
    const revocation = 'allow-directory-only'
    expect((await checkOff(begun, audit, { trust: long, at, revocation })).length).toBeGreaterThan(0)
  })
})

describe('MSG-13: whatever is done to a slip', () => {
  it('MSG-13: steps that are taken out, swapped or doubled are missed', async () => {
    const bare = await sign()
    const [first, second, third] = bareSteps(await pass(bare, steps))
    if (first === undefined || second === undefined || third === undefined) throw new Error('three steps')
    expect((await verify(chained(bare, [first, second, third]), COMPLETE)).route?.steps).toHaveLength(3)
    const cases: readonly (readonly [ErrorCode, readonly Uint8Array[]])[] = [
      ['ERR_ROUTE_INCOMPLETE', []],
      ['ERR_ROUTE_INCOMPLETE', [first]],
      ['ERR_ROUTE_INCOMPLETE', [first, second]],
      ['ERR_ROUTE_INCOMPLETE', [second]],
      ['ERR_ROUTE_INCOMPLETE', [second, third]],
      ['ERR_ROUTE_INCOMPLETE', [first, third]],
      ['ERR_ROUTE_ORDER', [second, first, third]],
      ['ERR_ROUTE_ORDER', [first, third, second]],
      ['ERR_ROUTE_DUPLICATE', [first, first, second]],
      ['ERR_ROUTE_DUPLICATE', [first, second, second]],
    ]
    for (const [code, values] of cases) await refused(code, chained(bare, values), COMPLETE)
    // Those whose numbers fit, but not their signatures.
    const otherThird = bareSteps(await pass(await pass(bare, [steps[0]]), [steps[1], steps[2]]))[2] ?? third
    await refused('ERR_CMS_DIGEST_MISMATCH', chained(bare, [first, second, otherThird]), COMPLETE)
    await refused('ERR_ROUTE_FOREIGN', chained(bare, [first, second, third, third]), COMPLETE)
  })

  it('MSG-13: who is not planned there checks nothing off', async () => {
    const [audit, finance, archive] = steps
    const bare = await sign()
    await refused('ERR_ROUTE_FOREIGN', await slip(bare, [{ by: audit }, { by: mallory }]), PARTIAL)
    await refused('ERR_ROUTE_FOREIGN', await slip(bare, [{ by: audit }, { by: mallory }, { by: archive }]), COMPLETE)
    await refused('ERR_ROUTE_ORDER', await slip(bare, [{ by: finance }, { by: audit }, { by: archive }]), COMPLETE)
    await refused('ERR_ROUTE_ORDER', await slip(bare, [{ by: audit }, { by: audit }, { by: archive }]), COMPLETE)
    const stranger = makeSender(await makeWorld('other'), { node: 'audit', key: keyFor('stranger') })
    await refused('ERR_CMS_SIGNER_UNKNOWN', await slip(bare, [{ by: stranger }]), PARTIAL)
    // A step that is more than planned, in words: a route of one.
    await refused('ERR_ROUTE_FOREIGN', await slip(await sign({ route: [AUDIT] }), [{ by: audit, step: 7 }]), PARTIAL)
  })

  it('MSG-14: a step of another message, or of nothing, is none of this one', async () => {
    const [audit] = steps
    const [bare, other] = [await sign(), await sign()]
    const [foreign] = bareSteps(await pass(other, [audit]))
    await refused('ERR_ROUTE_OTHER_MESSAGE', chained(bare, [foreign ?? bare]), PARTIAL)
    // It says that it is of this message, and signs another's signature.
    const lying = await countersign(signerOf(other).signature, audit, {
      signingTime: NOW,
      attributes: [[OID.signetRouteStep, encodeRouteStep(routeStep(signerOf(bare), 1))]],
    })
    await refused('ERR_CMS_DIGEST_MISMATCH', withCountersignature(bare, lying), PARTIAL)
    await refused('ERR_ROUTE_OTHER_MESSAGE', await slip(bare, [{ by: audit, of: other }]), PARTIAL)
    // Two beside each other are no chain.
    const values = bareSteps(await pass(bare, [audit]))
    const forked = buildSignedData({
      signers: [
        buildSigner({
          content,
          holder: alice,
          moreAttributes: [contextOf()],
          unsignedAttributes: [attribute(OID.counterSignature, ...values, ...values)],
        }),
      ],
    })
    await refused('ERR_ROUTE_DUPLICATE', forked, PARTIAL)
    expectCode('ERR_CMS_ATTRIBUTE_DUPLICATE', () => withCountersignature(forked, values[0] ?? forked))
  })

  it('MSG-14: a countersignature has no content type, says its step, its time and its certificate, and nothing outside', async () => {
    const [audit] = steps
    const bare = await sign()
    const typed = [[OID.contentType, encodeObjectIdentifier(OID.signetMessage)]] as const
    await refused('ERR_CMS_CONTENT_TYPE', await slip(bare, [{ by: audit, more: typed }]), PARTIAL)
    await refused('ERR_CMS_SIGNED_ATTRIBUTES', await slip(bare, [{ by: audit, step: undefined }]), PARTIAL)
    const { signature } = signerOf(bare)
    const step = attribute(OID.signetRouteStep, encodeRouteStep(routeStep(signerOf(bare), 1)))
    const made = (parts: Partial<Parameters<typeof buildSigner>[0]>): Uint8Array =>
      withCountersignature(
        bare,
        buildSigner({ content: signature, holder: audit, contentType: undefined, moreAttributes: [step], ...parts }),
      )
    expect((await verify(made({}), PARTIAL)).route?.steps).toHaveLength(1)
    await refused('ERR_CMS_SIGNED_ATTRIBUTES', made({ signingTime: undefined }), PARTIAL)
    await refused('ERR_CMS_SIGNED_ATTRIBUTES', made({ signingCertificate: undefined }), PARTIAL)
    await refused('ERR_CMS_SIGNED_ATTRIBUTES', made({ messageDigest: undefined }), PARTIAL)
    await refused('ERR_CMS_SIGNED_ATTRIBUTES', made({ attributes: 'none' }), PARTIAL)
    const blob = attribute('1.2.3.4', encodeOctetString(content))
    await refused('ERR_CMS_UNSIGNED_ATTRIBUTE', made({ unsignedAttributes: [blob] }), PARTIAL)
    const late = attribute(OID.signingTime, encodeTime(NOW))
    await refused('ERR_CMS_UNSIGNED_ATTRIBUTE', made({ unsignedAttributes: [late] }), PARTIAL)
    const malformed = [
      encodeInteger(1),
      encodeSequence(encodeInteger(1)),
      encodeSequence(encodeInteger(0), encodeOctetString(new Uint8Array(32))),
      encodeSequence(encodeInteger(33), encodeOctetString(new Uint8Array(32))),
      encodeSequence(encodeInteger(1), encodeOctetString(new Uint8Array(31))),
      encodeSequence(encodeInteger(1), encodeOctetString(new Uint8Array(32)), encodeInteger(1)),
    ]
    for (const value of malformed) {
      const moreAttributes = [attribute(OID.signetRouteStep, value)]
      await refused('ERR_CMS_ATTRIBUTE_MALFORMED', made({ moreAttributes }), PARTIAL)
    }
  })

  it('times that run backwards, or ahead, are refused; a skew is none, and skews do not add up', async () => {
    const [audit, finance, archive] = steps
    const at = addSeconds(NOW, 200)
    const bare = await sign({ at: addSeconds(NOW, 100) })
    const timed = (...seconds: readonly number[]): Promise<Uint8Array> =>
      slip(
        bare,
        seconds.map((second, index) => ({
          by: [audit, finance, archive][index] ?? audit,
          at: addSeconds(NOW, second),
        })),
      )
    await verify(await timed(40, 100, 260), COMPLETE, { at })
    await refused('ERR_ROUTE_TIME', await timed(39), PARTIAL, { at })
    await refused('ERR_ROUTE_TIME', await timed(150, 89), PARTIAL, { at })
    await refused('ERR_ROUTE_TIME', await timed(150, 100, 60), PARTIAL, { at })
    await refused('ERR_ROUTE_TIME', await timed(150, 160, 261), PARTIAL, { at })
  })

  it('a step that is revoked by now counts for nothing', async () => {
    const [audit] = steps
    const der = await pass(await sign(), steps)
    const crl = await makeCrl({
      issuer: world.issuing,
      crlNumber: 2,
      revoked: [revoked(audit.certificate.serialNumber)],
    })
    const crls = [world.crls[0] ?? crl, crl]
    const after = await makeDirectory(world, [alice, ...steps], { crls, sequence: 2 })
    await refused('ERR_REVOKED', der, COMPLETE, { trust: after })
    const without = await makeDirectory(world, [alice, steps[1], steps[2]], { sequence: 3 })
    await refused('ERR_CMS_SIGNER_UNKNOWN', der, COMPLETE, { trust: without })
  })
})

function contextOf(): Uint8Array {
  return attribute(
    OID.signetMessageContext,
    encodeMessageContext({
      type: 'order',
      destination: 'billing',
      messageId: Buffer.alloc(12, 1),
      lifetimeSeconds: 300,
      route: ROUTE,
    }),
  )
}

describe('a slip that is changed anywhere', () => {
  it('never yields a longer route, or another: every octet, three ways', async () => {
    const der = Buffer.from(await pass(await sign(), steps))
    const view = async (bytes: Uint8Array): Promise<string> => {
      const { route, signer, signingTime } = await verify(bytes, PARTIAL, { replay: 'allow-unchecked' })
      const done = route?.steps.map((step) => [
        step.entry,
        step.signer.uri,
        step.certificate.fingerprint,
        step.signingTime,
      ])
      return JSON.stringify([signer.uri, signingTime, route?.planned, done])
    }
    const genuine = await view(der)
    const codes = new Map<string, number>()
    for (let index = 0; index < der.length; index++) {
      const original = der[index] ?? 0
      for (const other of [original ^ 0x01, original ^ 0x80, 0xff - original]) {
        der[index] = other
        try {
          expect(await view(der), `octet ${index} became ${other}`).toBe('refused')
        } catch (error) {
          if (!isSignetError(error)) throw error
          codes.set(error.code, (codes.get(error.code) ?? 0) + 1)
        }
      }
      der[index] = original
    }
    expect(await view(der)).toBe(genuine)
    for (const code of ['ERR_CMS_DIGEST_MISMATCH', 'ERR_CMS_SIGNATURE', 'ERR_ROUTE_OTHER_MESSAGE']) {
      expect(codes.get(code)).toBeGreaterThan(0)
    }
  }, 60_000)
})
