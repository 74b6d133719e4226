/** Envelopes: parts signed by different entities, and whatever is done to them. */
import { beforeAll, describe, expect, it } from 'vitest'
import { encodeInteger, encodeOctetString, encodeSequence, encodeString, OID, TAG } from '../../src/asn1/index.js'
import { parseSignedData, signData, withCountersignature } from '../../src/cms/index.js'
import { type ErrorCode, isSignetError } from '../../src/errors/index.js'
import {
  addPart,
  type EnvelopePolicy,
  makeEnvelope,
  type PlannedPart,
  signMessage,
  statedEnvelope,
  VerifiedEnvelope,
  verifyEnvelope,
} from '../../src/message/index.js'
import { encodeEnvelope, encodeManifest, encodePartContext, parseEnvelope } from '../../src/message/envelope-format.js'
import { fingerprintOf } from '../../src/message/envelope-parts.js'
import { addSeconds, DAY } from '../../src/time/index.js'
import type { TrustDirectory } from '../../src/trust/index.js'
import { keyFor, NOW } from '../support/certificates.js'
import { attribute, buildSignedData, buildSigner } from '../support/cms-builder.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'
import { makeDirectory, makeSender, makeWorld, type Sender, type World } from '../support/messages.js'

const INVOICE = Buffer.from('{"amount":7}')
const RECEIPT = Buffer.from('{"received":true}')
let world: World
let alice: Sender
let bob: Sender
let carol: Sender
let trust: TrustDirectory
let plan: readonly PlannedPart[]
beforeAll(async () => {
  world = await makeWorld()
  alice = makeSender(world, { node: 'alice', roles: ['originator'] })
  bob = makeSender(world, { node: 'bob', key: keyFor('bob', 'ed25519') })
  carol = makeSender(world, { node: 'carol', key: keyFor('carol', 'p384') })
  trust = await makeDirectory(world, [alice, bob, carol])
  plan = [
    { name: 'invoice', signer: bob.identity.entity },
    { name: 'receipt', signer: carol.identity.uri },
  ]
})

const make = (parts = plan, by = alice) => makeEnvelope(by, { parts, at: NOW })

async function whole(): Promise<Uint8Array> {
  const begun = await addPart(await make(), RECEIPT, carol, { name: 'receipt', at: NOW })
  return addPart(begun, INVOICE, bob, { name: 'invoice', at: NOW })
}

function verify(der: Uint8Array, changes: Partial<EnvelopePolicy> = {}): VerifiedEnvelope {
  return verifyEnvelope(der, {
    trust,
    originators: { roles: ['originator'] },
    require: 'complete',
    at: NOW,
    ...changes,
  })
}

const refused = (code: ErrorCode, der: Uint8Array, changes: Partial<EnvelopePolicy> = {}): void => {
  expectCode(code, () => verify(der, changes))
}

/** The same envelope with other parts, or another manifest. */
function rebuilt(
  der: Uint8Array,
  change: (parts: readonly Uint8Array[]) => readonly Uint8Array[],
  manifest?: Uint8Array,
) {
  const { manifestDer, partsDer } = parseEnvelope(der)
  return encodeEnvelope({ manifestDer: manifest ?? manifestDer, partsDer: change(partsDer) })
}

describe('an envelope', () => {
  it('requirement 32: says of each part who signed it, and of the whole who planned it', async () => {
    const envelope = verify(await whole())
    expect(envelope).toBeInstanceOf(VerifiedEnvelope)
    expect(envelope.originator).toEqual(alice.identity)
    expect(envelope.planned).toEqual(plan)
    expect(envelope.parts.map(({ name, signer, signingTime }) => [name, signer.uri, signingTime])).toEqual([
      ['invoice', bob.identity.uri, NOW],
      ['receipt', carol.identity.uri, NOW],
    ])
    expect(Buffer.from(envelope.part('invoice').content)).toEqual(INVOICE)
    expect(envelope.part('receipt').certificate.fingerprint).toBe(carol.certificate.fingerprint)
    expect(envelope.id).toMatch(/^[0-9a-f]{32}$/)
    expectCode('ERR_ENVELOPE_PART', () => envelope.part('other'))
    expect(Object.isFrozen(envelope) && Object.isFrozen(envelope.parts) && Object.isFrozen(envelope.parts[0])).toBe(
      true,
    )
  })

  it('has one form, whoever puts a part in first', async () => {
    const names = (der: Uint8Array): unknown => verify(der).parts.map(({ name }) => name)
    const other = await addPart(await make(), INVOICE, bob, { name: 'invoice', at: NOW })
    expect(names(await addPart(other, RECEIPT, carol, { name: 'receipt', at: NOW }))).toEqual(names(await whole()))
    refused(
      'ERR_ENVELOPE_PART',
      rebuilt(await whole(), (parts) => parts.toReversed()),
    )
  })

  it('CMS-13: has parts beside it, too, and then needs them, and no others', async () => {
    const beside = { name: 'invoice', at: NOW, form: 'detached' } as const
    const begun = await addPart(await make(), INVOICE, bob, beside)
    const der = await addPart(begun, RECEIPT, carol, { name: 'receipt', at: NOW })
    const contents = new Map<string, Uint8Array>([['invoice', INVOICE]])
    expect(Buffer.from(verify(der, { contents }).part('invoice').content)).toEqual(INVOICE)
    refused('ERR_CMS_CONTENT_MISSING', der)
    refused('ERR_CMS_DIGEST_MISMATCH', der, { contents: new Map([['invoice', RECEIPT]]) })
    refused('ERR_CMS_CONTENT_CONFLICT', der, { contents: new Map([...contents, ['receipt', RECEIPT]]) })
  })

  it('is incomplete only where that is allowed', async () => {
    const begun = await addPart(await make(), INVOICE, bob, { name: 'invoice', at: NOW })
    refused('ERR_ENVELOPE_PART', begun)
    refused('ERR_ENVELOPE_PART', await make())
    expect(verify(begun, { require: 'allow-partial' }).parts).toHaveLength(1)
  })

  it('is of an originator who is wanted, and of now', async () => {
    const der = await whole()
    refused('ERR_IDENTITY_MISMATCH', der, { originators: { roles: ['accountant'] } })
    expect(verify(der, { originators: 'allow-any-trusted' }).parts).toHaveLength(2)
    refused('ERR_MESSAGE_FROM_FUTURE', der, { at: addSeconds(NOW, -61) })
    refused('ERR_TRUST_DIRECTORY_EXPIRED', der, { at: addSeconds(NOW, 200_000) })
    for (const odd of [{ originators: {} }, { require: 'some' }, { originators: undefined }, { require: undefined }]) {
      refused('ERR_CONFIG_INVALID', der, odd as unknown as Partial<EnvelopePolicy>)
    }
    refused('ERR_CONFIG_INVALID', der, { revocation: 'none' } as unknown as Partial<EnvelopePolicy>)
    const without = await makeDirectory(world, [alice, carol])
    refused('ERR_CMS_SIGNER_UNKNOWN', der, { trust: without })
  })
})

describe('without current CRLs', () => {
  it('requirement 22: an envelope is opened only by who says so', async () => {
    const long = await makeDirectory(world, [alice, bob, carol], { nextUpdate: addSeconds(NOW, 90 * DAY) })
    const late = addSeconds(new Date(Math.min(...world.crls.map((crl) => crl.currentUntil.getTime()))), 60)
    const der = await whole()
    refused('ERR_REVOCATION_UNKNOWN', der, { trust: long, at: late })
    refused('ERR_REVOCATION_UNKNOWN', der, { trust: long, at: late, revocation: 'required' })
    expect(verify(der, { trust: long, at: late, revocation: 'allow-directory-only' }).parts).toHaveLength(2)
  })
})

describe('statedEnvelope', () => {
  it('says what is there, and believes nothing', async () => {
    const begun = await addPart(await make(), INVOICE, carol, { name: 'invoice', at: NOW, form: 'detached' })
    const der = await addPart(begun, RECEIPT, carol, { name: 'receipt', at: NOW })
    refused('ERR_CMS_CONTENT_MISSING', der)
    const stated = statedEnvelope(der)
    expect(stated.planned).toEqual(plan)
    expect(stated.id).toMatch(/^[0-9a-f]{32}$/)
    expect(stated.signingTime).toEqual(NOW)
    expect(stated.parts.map(({ name, signingTime, contentBytes }) => [name, signingTime, contentBytes])).toEqual([
      ['invoice', NOW, undefined],
      ['receipt', NOW, RECEIPT.length],
    ])
    // Signatures are as good as not there.
    const { manifestDer, partsDer } = parseEnvelope(der)
    expect(statedEnvelope(encodeEnvelope({ manifestDer, partsDer: partsDer.toReversed() })).parts).toHaveLength(2)
    expectCode('ERR_ENVELOPE_MALFORMED', () => statedEnvelope(manifestDer))
    const message = (await signMessage(INVOICE, bob, { type: 'a', destination: 'b', at: NOW, form: 'attached' })).der
    expectCode('ERR_CMS_CONTENT_TYPE', () => statedEnvelope(rebuilt(der, () => [message])))
  })
})

describe('requirement 32: whatever is done to the parts of an envelope', () => {
  it('requirement 32: a part that is moved from another envelope is refused, even of the same plan', async () => {
    const [mine, other] = [await whole(), await whole()]
    const { partsDer } = parseEnvelope(other)
    refused(
      'ERR_ENVELOPE_OTHER',
      rebuilt(mine, ([, receipt]) => [...partsDer.slice(0, 1), ...(receipt ? [receipt] : [])]),
    )
    refused(
      'ERR_ENVELOPE_OTHER',
      rebuilt(mine, () => partsDer),
    )
    refused(
      'ERR_ENVELOPE_OTHER',
      rebuilt(mine, (parts) => parts, parseEnvelope(other).manifestDer),
    )
    // Somebody else's manifest, for the same id.
    const stolen = encodeManifest({ id: Buffer.from(verify(mine).id, 'hex'), parts: plan.slice(0, 1) })
    const manifest = await signed(stolen, alice, OID.signetEnvelopeManifest)
    refused(
      'ERR_ENVELOPE_OTHER',
      rebuilt(mine, (parts) => parts.slice(0, 1), manifest),
    )
  })

  it('requirement 32: parts that are dropped, doubled, renamed, swapped or added are refused', async () => {
    const der = await whole()
    const fingerprint = fingerprintOf(parseSignedData(parseEnvelope(der).manifestDer).eContent ?? der)
    const part = (name: string, by: Sender, content = INVOICE): Promise<Uint8Array> =>
      signed(content, by, OID.signetEnvelopePart, [
        [OID.signetEnvelopePartContext, encodePartContext({ name, manifest: fingerprint })],
      ])
    const [invoice, receipt] = parseEnvelope(der).partsDer as [Uint8Array, Uint8Array]
    refused(
      'ERR_ENVELOPE_PART',
      rebuilt(der, () => [receipt]),
    )
    refused(
      'ERR_ENVELOPE_PART',
      rebuilt(der, () => []),
    )
    refused(
      'ERR_ENVELOPE_PART',
      rebuilt(der, () => [invoice, invoice, receipt]),
    )
    refused(
      'ERR_ENVELOPE_PART',
      rebuilt(der, () => [receipt, invoice]),
    )
    const extra = await part('extra', bob)
    refused(
      'ERR_ENVELOPE_PART',
      rebuilt(der, () => [invoice, receipt, extra]),
    )
    // Renamed and swapped by those who may sign something here, and by the one who made it all.
    const asReceipt = await part('receipt', bob)
    refused(
      'ERR_ENVELOPE_PART',
      rebuilt(der, () => [invoice, asReceipt]),
    )
    const byOriginator = await part('invoice', alice)
    refused(
      'ERR_ENVELOPE_PART',
      rebuilt(der, () => [byOriginator, receipt]),
    )
    const renamed = Buffer.from(der)
    renamed.write('voicein', renamed.lastIndexOf('invoice'), 'latin1')
    refused('ERR_ENVELOPE_PART', renamed)
    expect(verify(rebuilt(der, () => [invoice, receipt])).parts).toHaveLength(2)
  })

  it('MSG-12: what was signed as something else is no part and no manifest', async () => {
    const der = await whole()
    const [invoice, receipt] = parseEnvelope(der).partsDer as [Uint8Array, Uint8Array]
    const message = (await signMessage(INVOICE, bob, { type: 'a', destination: 'b', at: NOW, form: 'attached' })).der
    refused(
      'ERR_CMS_CONTENT_TYPE',
      rebuilt(der, () => [message, receipt]),
    )
    refused(
      'ERR_CMS_CONTENT_TYPE',
      rebuilt(der, () => [invoice, receipt], message),
    )
    refused(
      'ERR_CMS_CONTENT_TYPE',
      rebuilt(der, () => [invoice, receipt], invoice),
    )
    const plain = await signed(INVOICE, bob, OID.signetEnvelopePart)
    refused(
      'ERR_CMS_SIGNED_ATTRIBUTES',
      rebuilt(der, () => [plain, receipt]),
    )
  })

  it('CMS-15: nothing is said outside of the signatures', async () => {
    const der = await whole()
    const [invoice, receipt] = parseEnvelope(der).partsDer as [Uint8Array, Uint8Array]
    const countersigned = withCountersignature(invoice, buildSigner({ content: INVOICE, holder: carol }))
    refused(
      'ERR_CMS_UNSIGNED_ATTRIBUTE',
      rebuilt(der, () => [countersigned, receipt]),
    )
    const eContentType = OID.signetEnvelopePart
    const signer = buildSigner({ content: INVOICE, holder: alice, eContentType })
    const document = { eContentType, eContent: INVOICE }
    const carrying = buildSignedData({ ...document, signers: [signer], certificates: [alice.certificate.der] })
    refused(
      'ERR_CMS_UNSIGNED_ATTRIBUTE',
      rebuilt(der, () => [carrying, receipt]),
    )
    refused(
      'ERR_CMS_NO_SIGNERS',
      rebuilt(der, () => [buildSignedData({ ...document, signers: [] }), receipt]),
    )
    const two = buildSignedData({ ...document, signers: [signer, signer] })
    refused(
      'ERR_CMS_SIGNER_COUNT',
      rebuilt(der, () => [two, receipt]),
    )
    const more = buildSignedData({ ...document, signers: [signer], digestAlgorithms: [] })
    refused(
      'ERR_ALGORITHM_MISMATCH',
      rebuilt(der, () => [more, receipt]),
    )
    for (const missing of ['signingTime', 'signingCertificate'] as const) {
      const bare = buildSigner({
        content: INVOICE,
        holder: bob,
        eContentType,
        digest: 'sha512',
        moreAttributes: [attribute(OID.signetEnvelopePartContext, encodePartContext(contextIn(invoice)))],
        [missing]: undefined,
      })
      const digestAlgorithms = [parseSignedData(invoice).digestAlgorithms[0]?.der ?? invoice]
      const part = buildSignedData({ ...document, signers: [bare], digestAlgorithms })
      refused(
        'ERR_CMS_SIGNED_ATTRIBUTES',
        rebuilt(der, () => [part, receipt]),
      )
    }
  })

  it('every octet counts', async () => {
    const der = Buffer.from(await whole())
    for (let index = 0; index < der.length; index++) {
      const original = der[index] ?? 0
      for (const other of [original ^ 1, original ^ 0x80]) {
        der[index] = other
        let accepted = true
        try {
          verify(der, { require: 'allow-partial' })
        } catch (error) {
          if (!isSignetError(error)) throw error
          accepted = false
        }
        if (accepted) throw new Error(`accepted with octet ${index} ${other}`)
      }
      der[index] = original
    }
    expect(verify(der).parts).toHaveLength(2)
  }, 30_000)
})

describe('makeEnvelope and addPart', () => {
  it.each<[string, readonly PlannedPart[]]>([
    ['no parts', []],
    ['two parts of one name', [0, 1].map(() => ({ name: 'a', signer: 'b' }))],
    ['a part without a name', [{ name: '', signer: 'b' }]],
    ['a part without a signer', [{ name: 'a', signer: '' }]],
    ['a name with spaces', [{ name: 'a b', signer: 'b' }]],
    ['33 parts', Array.from({ length: 33 }, (_, index) => ({ name: `part-${index}`, signer: 'b' }))],
  ])('plan no envelope with %s', async (_, parts) => {
    await expectCodeAsync('ERR_CONFIG_INVALID', () => make(parts))
  })

  it('put in what is planned, once, by who may sign', async () => {
    const der = await whole()
    const add = (name: string, by = bob) => addPart(der, INVOICE, by, { name, at: NOW })
    await expectCodeAsync('ERR_ENVELOPE_PART', () => add('extra'))
    await expectCodeAsync('ERR_ENVELOPE_PART', () => add('invoice'))
    const publisher = { ...bob, ...world.publisher }
    await expectCodeAsync('ERR_ISSUE_PROFILE', () => add('invoice', publisher))
    await expectCodeAsync('ERR_ISSUE_PROFILE', () => make(plan, publisher))
  })
})

describe('the format of envelopes', () => {
  const label = (text: string): Uint8Array => encodeString(text, TAG.visibleString)
  const part = (): Uint8Array => encodeSequence(label('a'), label('b'))
  const manifest = (...fields: readonly Uint8Array[]): Uint8Array => encodeSequence(...fields)
  const id = encodeOctetString(new Uint8Array(16))
  it.each<[string, () => Uint8Array]>([
    ['an id that is too short', () => manifest(encodeOctetString(new Uint8Array(15)), encodeSequence(part()))],
    ['a version that is not known', () => manifest(encodeInteger(2), id, encodeSequence(part()))],
    ['no parts', () => manifest(id, encodeSequence())],
    ['a name twice', () => manifest(id, encodeSequence(part(), part()))],
    ['a part with more', () => manifest(id, encodeSequence(encodeSequence(label('a'), label('b'), label('c'))))],
    ['another type of name', () => manifest(id, encodeSequence(encodeSequence(encodeString('a'), label('b'))))],
    ['more than parts', () => manifest(id, encodeSequence(part()), id)],
    ['octets behind', () => Buffer.concat([manifest(id, encodeSequence(part())), Uint8Array.of(0)])],
  ])('refuses a manifest with %s', async (_, build) => {
    const manifestDer = await signed(build(), alice, OID.signetEnvelopeManifest)
    refused('ERR_ENVELOPE_MALFORMED', encodeEnvelope({ manifestDer, partsDer: [] }), { require: 'allow-partial' })
  })

  it('refuses what is no envelope', async () => {
    const der = await whole()
    const { manifestDer, partsDer } = parseEnvelope(der)
    refused('ERR_ENVELOPE_MALFORMED', new Uint8Array())
    refused('ERR_ENVELOPE_MALFORMED', manifestDer)
    refused('ERR_ENVELOPE_MALFORMED', encodeSequence(manifestDer))
    refused('ERR_ENVELOPE_MALFORMED', encodeSequence(manifestDer, encodeSequence(...partsDer), manifestDer))
    refused('ERR_ENVELOPE_MALFORMED', Buffer.concat([der, Uint8Array.of(0)]))
    refused(
      'ERR_ENVELOPE_MALFORMED',
      encodeEnvelope({ manifestDer, partsDer: Array.from({ length: 33 }, () => encodeSequence()) }),
    )
    const odd = attribute(OID.signetEnvelopePartContext, encodeSequence(label('a'), encodeOctetString(INVOICE)))
    const signer = buildSigner({
      content: INVOICE,
      holder: alice,
      eContentType: OID.signetEnvelopePart,
      moreAttributes: [odd],
    })
    const partDer = buildSignedData({ eContent: INVOICE, eContentType: OID.signetEnvelopePart, signers: [signer] })
    refused('ERR_ENVELOPE_MALFORMED', encodeEnvelope({ manifestDer, partsDer: [partDer] }))
  })
})

function contextIn(partDer: Uint8Array): { readonly name: string; readonly manifest: Uint8Array } {
  const values = parseSignedData(partDer).signerInfos[0]?.signedAttrs.get(OID.signetEnvelopePartContext)
  return { name: 'invoice', manifest: (values?.[0] ?? partDer).subarray(-32) }
}

async function signed(
  content: Uint8Array,
  by: Sender,
  contentType: string,
  attributes: readonly (readonly [string, Uint8Array])[] = [],
): Promise<Uint8Array> {
  return signData(content, { signers: [by], contentType, form: 'attached', signingTime: NOW, attributes })
}
