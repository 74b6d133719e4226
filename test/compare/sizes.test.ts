import { deflateRawSync } from 'node:zlib'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { issueCertificates, profileNamed, registerEntity } from '../../src/authority/index.js'
import { parseSignedData, verifySignedData } from '../../src/cms/index.js'
import { asCms, CMS_FORMS, signed } from '../../src/compare/cms-forms.js'
import {
  KITE_OCTETS,
  MAX_SAMPLES,
  measureRates,
  measureSizes,
  ownSamples,
  readSample,
  rpcSamples,
  type SampleMessage,
  SIZE_ALGORITHMS,
  sizeAlgorithmNamed,
  type SizeComparison,
  sizesSvg,
  sizeSteps,
} from '../../src/compare/index.js'
import { makeSigners, type Signers, type SizeSigner } from '../../src/compare/signers.js'
import { statisticsOf } from '../../src/compare/statistics.js'
import { SteadyKeyProvider } from '../../src/compare/steady-key.js'
import { generatePrivateKey, KEY_ALGORITHMS, MemoryKeyProvider } from '../../src/crypto/index.js'
import { verifyMessage } from '../../src/message/index.js'
import { osloMessageType, parseOsloMessage } from '../../src/oslo/index.js'
import { NOW } from '../support/certificates.js'
import { CORPORA, corporaAvailable } from '../support/corpora.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'
import { readMethods, typeOf } from '../support/nova.js'
import { makeTemplate } from '../support/test-authority.js'

const template = await makeTemplate()
const OWN = ownSamples(NOW)
const SMALL = OWN.slice(0, 6)
const DEFAULTS = { type: 'rpc.shop.order', destination: 'shop.till-1', at: NOW } as const

function medianOf({ forms }: SizeComparison, form: string, algorithm: string | undefined): number {
  const found = forms.find((row) => row.form === form && row.algorithm === algorithm)
  if (found === undefined) throw new Error(`${form} by ${algorithm ?? 'nothing'} was not measured`)
  return found.overhead.median
}

describe('measureSizes', () => {
  let sizes: SizeComparison
  let advanced: readonly number[]

  beforeAll(async () => {
    const seen: number[] = []
    sizes = await measureSizes(OWN, { at: NOW, algorithms: ['p256', 'ed25519'], advance: (done) => seen.push(done) })
    advanced = seen
  }, 60_000)

  it('requirement 19: by P-256, with all its context, half of the messages get no longer than by Kite', () => {
    expect(medianOf(sizes, 'detached', 'p256')).toBeLessThanOrEqual(KITE_OCTETS)
    expect(medianOf(sizes, 'detached', 'p256')).toBeLessThanOrEqual(medianOf(sizes, 'kite-spec', undefined))
  })

  it('requirement 19: measures every form by every algorithm, and Kite', () => {
    const forms = new Set(sizes.forms.map(({ form }) => form))
    expect(forms.size).toBe(CMS_FORMS.length + 4 + 4)
    expect(sizes.forms.length).toBe(2 * (CMS_FORMS.length + 4) + 4)
    expect(sizes.messages).toBe(OWN.length)
    for (const { overhead } of sizes.forms) {
      const { min, median, p95, max } = overhead
      expect([min, median, p95, max]).toEqual([min, median, p95, max].toSorted((a, b) => a - b))
      expect(min).toBeGreaterThan(0)
    }
  })

  it('requirement 19: finds the same in every run', async () => {
    const once = await measureSizes(SMALL, { at: NOW, algorithms: ['p256', 'p384', 'rsa2048-pss'] })
    expect(await measureSizes(SMALL, { at: NOW, algorithms: ['p256', 'p384', 'rsa2048-pss'] })).toEqual(once)
  })

  it('requirement 20: naming the key is shorter than naming the certificate, and much shorter than carrying it', () => {
    for (const algorithm of ['p256', 'ed25519']) {
      const detached = medianOf(sizes, 'detached', algorithm)
      expect(medianOf(sizes, 'issuer-serial', algorithm)).toBeGreaterThan(detached + 40)
      expect(medianOf(sizes, 'certificate', algorithm)).toBeGreaterThan(2 * detached)
    }
  })

  it('requirement 34: the table has messages with and without certificates', () => {
    const embedded = medianOf(sizes, 'certificate', 'p256')
    expect(medianOf(sizes, 'chain', 'p256')).toBeGreaterThan(embedded + 400)
    expect(embedded).toBeGreaterThan(2 * KITE_OCTETS)
  })

  it('orders what must be in order', () => {
    const of = (form: string): number => medianOf(sizes, form, 'p256')
    expect(of('attached')).toBeGreaterThan(of('detached'))
    expect(of('json-text')).toBeGreaterThan((of('detached') * 4) / 3)
    expect(of('route-3') - of('route-1')).toBeGreaterThan(2 * (of('route-1') - of('detached')) - 40)
    expect(of('encrypted-p256-3')).toBeGreaterThan(of('encrypted-p256-1'))
    expect(of('encrypted-rsa2048-1')).toBeGreaterThan(of('encrypted-p256-1'))
    expect(of('cose-detached')).toBeLessThan(of('jws-detached'))
  })

  it('says how far it is', () => {
    expect(advanced).toEqual(
      Array.from({ length: sizeSteps(OWN.length, ['p256', 'ed25519']) }, (_, index) => index + 1),
    )
  })

  it('refuses to measure nothing, and too much', async () => {
    await expectCodeAsync('ERR_CONFIG_INVALID', () => measureSizes([], { at: NOW }))
    const [message] = SMALL
    const many = Array.from({ length: MAX_SAMPLES + 1 }, () => message as SampleMessage)
    await expectCodeAsync('ERR_LIMIT_EXCEEDED', () => measureSizes(many, { at: NOW }))
  })

  it('draws a picture of it, and escapes what it draws', () => {
    const svg = sizesSvg(sizes)
    expect(svg).toMatch(/^<svg .*<\/svg>\n$/s)
    expect(svg).toContain(`>${medianOf(sizes, 'detached', 'p256')}</text>`)
    expect(svg).toContain(`Kite: ${KITE_OCTETS}`)
    const odd = { ...sizes, forms: sizes.forms.map((row) => ({ ...row, title: '<script>' })) }
    expect(sizesSvg(odd)).not.toContain('<script>')
  })
})

describe.runIf(corporaAvailable())('with the messages of nova', () => {
  it('requirement 19: half of the 140 notifications and 94 RPC messages need no more than 455 octets', async () => {
    const folder = join(CORPORA, 'openstack/nova-notification-samples')
    const notifications = readdirSync(folder)
      .filter((file) => file.endsWith('.json'))
      .map((file) => readSample(readFileSync(join(folder, file)), file, DEFAULTS))
    expect(notifications.length).toBe(140)
    const { forms } = await measureSizes([...notifications, ...rpcSamples()], { at: NOW, algorithms: ['p256'] })
    expect(forms[0]).toMatchObject({ form: 'detached', algorithm: 'p256' })
    expect(forms[0]?.overhead.median).toBeLessThanOrEqual(455)
    expect(forms[0]?.overhead.p95).toBeLessThanOrEqual(475)
  }, 60_000)

  it('has the types and arguments of all 94 RPC messages', () => {
    const methods = readMethods()
    const samples = new Map(rpcSamples().map((sample) => [sample.type, sample]))
    expect([...samples.keys()].toSorted()).toEqual(methods.map(typeOf).toSorted())
    for (const method of methods) {
      const message = parseOsloMessage(samples.get(typeOf(method))?.content ?? new Uint8Array())
      expect(Object.keys((message.body['args'] ?? {}) as object).toSorted()).toEqual([...method.args].toSorted())
    }
  })
})

describe('what is measured', () => {
  let signers: Signers
  let signer: SizeSigner
  const [message] = SMALL as [SampleMessage]

  beforeAll(async () => {
    signers = await makeSigners(['p256', 'rsa2048', 'rsa2048-pss', 'ml-dsa-44'], NOW)
    signer = signers.signers[0] as SizeSigner
  })

  const policy = () =>
    ({
      trust: signers.trust,
      destinations: [message.destination],
      senders: 'allow-any-trusted',
      types: [message.type],
      maxAgeSeconds: 300,
      replay: 'allow-unchecked',
      at: NOW,
    }) as const

  it('requirement 20: verifies, has no certificate in it, and names the key', async () => {
    for (const each of signers.signers) {
      const { der } = await signed(message, each, NOW)
      const { certificatesDer, signerInfos } = parseSignedData(der)
      expect(certificatesDer).toEqual([])
      expect(signerInfos[0]?.sid.kind).toBe('subjectKeyIdentifier')
      const verified = await verifyMessage(der, message.content, policy())
      expect(verified.signer.entity).toBe('compute-07')
      expect(verified.context).toMatchObject({ type: message.type, destination: message.destination })
    }
  })

  it('requirement 34: with its certificates inside, needs only a root, and is no message of signet', async () => {
    const certificates = [signer.sender.certificate, signers.issuing]
    const der = await asCms(message, signer, NOW, { certificates })
    const { signers: found } = verifySignedData(der, {
      content: message.content,
      anchors: [signers.root],
      purpose: 'message-signing',
      revocation: { crls: signers.trust.crls },
      at: NOW,
    })
    expect(found[0]?.certificate.equals(signer.sender.certificate)).toBe(true)
    await expectCodeAsync('ERR_CMS_UNSIGNED_ATTRIBUTE', () => verifyMessage(der, message.content, policy()))
  })

  it('requirement 34: compression does not cure it', async () => {
    const certificates = [signer.sender.certificate, signers.issuing]
    const der = await asCms(message, signer, NOW, { certificates })
    const compressed = deflateRawSync(der, { level: 9 })
    expect(compressed.length).toBeGreaterThan(0.6 * der.length)
    expect(compressed.length).toBeGreaterThan(2 * (await signed(message, signer, NOW)).der.length)
  })

  it('has certificates like those that are issued', async () => {
    const test = await template.open()
    await registerEntity(test.authority, { id: 'compute-07', kind: 'node', service: 'nova-compute' }, NOW)
    const [issued] = await issueCertificates(await test.issuing(), [
      { entity: 'compute-07', profile: profileNamed('signer'), key: { kind: 'generate', algorithm: 'p256' } },
    ])
    const ours = [signer.sender.certificate, signers.issuing, signers.root]
    const theirs = [issued?.certificate, test.authority.issuing, test.authority.root]
    for (const [index, certificate] of ours.entries()) {
      const real = theirs[index]
      expect([...certificate.extensions.keys()]).toEqual([...(real?.extensions.keys() ?? [])])
      // The longest signature is one or two octets longer than most.
      expect(Math.abs(certificate.der.length - (real?.der.length ?? 0))).toBeLessThanOrEqual(4)
    }
  })
})

describe('measureRates', () => {
  it('requirement 42: says how fast each algorithm signs and verifies here', async () => {
    const done: number[] = []
    const algorithms = ['p256', 'ed25519'] as const
    const rates = await measureRates(SMALL, {
      at: NOW,
      algorithms,
      milliseconds: 5,
      advance: (count) => done.push(count),
    })
    expect(rates.map(({ algorithm }) => algorithm)).toEqual(algorithms)
    expect(rates[0]).toMatchObject({ signRatio: 1, verifyRatio: 1 })
    for (const rate of rates) {
      expect(rate.signsPerSecond).toBeGreaterThan(0)
      expect(rate.verifiesPerSecond).toBeGreaterThan(0)
    }
    expect(done).toEqual([1, 2])
    expect(await measureRates([], { at: NOW, algorithms: [] })).toEqual([])
  })
})

describe('readSample', () => {
  const read = (value: unknown): SampleMessage => readSample(Buffer.from(JSON.stringify(value)), 'a.json', DEFAULTS)
  const bare = { event_type: 'order.paid', publisher_id: 'till:till-1', priority: 'INFO', payload: { id: 7 } }

  it('takes what is no message of oslo.messaging as it stands', () => {
    const bytes = Buffer.from('{ "id": 7 }')
    expect(readSample(bytes, 'a.json', DEFAULTS)).toEqual({
      name: 'a.json',
      type: DEFAULTS.type,
      destination: DEFAULTS.destination,
      content: bytes,
    })
    for (const key of Object.keys(bare)) {
      const { [key as keyof typeof bare]: _, ...rest } = bare
      expect(read(rest).type).toBe(DEFAULTS.type)
    }
    expect(read([bare]).type).toBe(DEFAULTS.type)
    expect(read({ ...bare, priority: 'LOUD' }).type).toBe(DEFAULTS.type)
  })

  it('gives a bare notification what travels with it', () => {
    const { type, destination, content } = read(bare)
    expect([type, destination]).toEqual(['notify.order.paid', 'notifications.info'])
    expect(parseOsloMessage(content)).toMatchObject({ kind: 'notification', eventType: 'order.paid' })
    expect(read(bare)).toEqual(read(bare))
  })

  it('asks messages of oslo.messaging what they are', () => {
    for (const sample of OWN) {
      const again = readSample(sample.content, sample.name, { ...DEFAULTS, destination: sample.destination })
      const message = parseOsloMessage(sample.content)
      expect(again).toEqual({ ...sample, type: osloMessageType(message, sample.destination.split('.')[0] ?? '') })
    }
  })

  it.each([
    ['no JSON', 'order 7', 'ERR_JSON_MALFORMED'],
    ['a key that is there twice', '{"a":1,"a":2}', 'ERR_JSON_MALFORMED'],
    ['an envelope with something else in it', '{"oslo.version":"2.0","oslo.message":"7"}', 'ERR_OSLO_MESSAGE'],
  ] as const)('refuses %s', (_, text, code) => {
    expectCode(code, () => readSample(Buffer.from(text), 'a.json', DEFAULTS))
  })
})

describe('SteadyKeyProvider', () => {
  it.each([
    ['p256', 72, 71],
    ['p384', 104, 103],
  ] as const)('makes the longest signatures of %s: %i octets, where half have %i', (algorithm, longest, median) => {
    const privateKey = generatePrivateKey(algorithm)
    const [usual, steady] = [new MemoryKeyProvider(privateKey), new SteadyKeyProvider(privateKey)]
    const lengths = Array.from({ length: 200 }, (_, index) => usual.sign(Uint8Array.of(index)).length)
    expect(statisticsOf(lengths)).toMatchObject({ median, max: longest })
    for (let index = 0; index < 20; index++) expect(steady.sign(Uint8Array.of(index)).length).toBe(longest)
    expect(steady.sign(Uint8Array.of(1))).toBe(steady.sign(Uint8Array.of(1)))
  })
})

describe('statisticsOf', () => {
  it('yields sizes that were seen', () => {
    expect(statisticsOf([7])).toEqual({ min: 7, median: 7, p95: 7, max: 7 })
    expect(statisticsOf([4, 1, 3, 2])).toEqual({ min: 1, median: 2, p95: 4, max: 4 })
    expectCode('ERR_INTERNAL', () => statisticsOf([]))
  })
})

describe('sizeAlgorithmNamed', () => {
  it('knows every algorithm that signs, and RSA twice', () => {
    const keys = new Set(SIZE_ALGORITHMS.map((name) => name.replace('-pss', '')))
    expect([...keys]).toEqual(Object.keys(KEY_ALGORITHMS))
    for (const name of SIZE_ALGORITHMS) expect(sizeAlgorithmNamed(name)).toBe(name)
    expectCode('ERR_CONFIG_INVALID', () => sizeAlgorithmNamed('p521'))
  })
})
