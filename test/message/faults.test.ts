/** Whatever breaks inside of verification, the outcome is never a verified message. */
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import * as cms from '../../src/cms/index.js'
import * as crypto from '../../src/crypto/index.js'
import * as files from '../../src/files/index.js'
import * as json from '../../src/json/index.js'
import { createReplayMemory, signMessage, VerifiedMessage, verifyMessage } from '../../src/message/index.js'
import * as context from '../../src/message/context.js'
import * as path from '../../src/path/index.js'
import * as policy from '../../src/policy/index.js'
import { TrustDirectory, TrustedSigner } from '../../src/trust/index.js'
import { NOW } from '../support/certificates.js'
import { makeDirectory, makeSender, makeWorld, receiver, type Sender, type World } from '../support/messages.js'

vi.mock('../../src/cms/index.js', { spy: true })
vi.mock('../../src/crypto/index.js', { spy: true })
vi.mock('../../src/files/index.js', { spy: true })
vi.mock('../../src/json/index.js', { spy: true })
vi.mock('../../src/message/context.js', { spy: true })
vi.mock('../../src/path/index.js', { spy: true })
vi.mock('../../src/policy/index.js', { spy: true })

const content = Buffer.from('{"publisher_id":"nova-compute:compute-07"}')
let world: World
let alice: Sender
let trust: TrustDirectory
let der: Uint8Array
beforeAll(async () => {
  world = await makeWorld()
  alice = makeSender(world, { node: 'compute-07' })
  der = (await signMessage(content, alice, { type: 'notify.test', destination: 'here', at: NOW })).der
})
beforeEach(async () => {
  vi.resetAllMocks()
  // A new directory each time: what it keeps of one test must not help the next.
  trust = await makeDirectory(world, [alice])
})

const verify = (): Promise<VerifiedMessage> =>
  verifyMessage(
    der,
    content,
    receiver(trust, {
      types: ['notify.*'],
      replay: createReplayMemory(),
      bindings: [policy.parseBinding('publisher_id == service:node')],
    }),
  )

/** `'refused'`, whatever was thrown: what counts is that there is no message. */
async function outcome(): Promise<unknown> {
  try {
    return await verify()
  } catch {
    return 'refused'
  }
}

/** A stage as a function that can be replaced: how to make it throw, or answer something. */
type Stage = readonly [name: string, replace: (stub: () => never) => unknown]

const STAGES: readonly Stage[] = [
  [
    'the age of the trust directory',
    (stub) => vi.spyOn(TrustDirectory.prototype, 'requireCurrent').mockImplementation(stub),
  ],
  ['parsing', (stub) => vi.mocked(cms.parseSignedData).mockImplementation(stub)],
  ['the content', (stub) => vi.mocked(cms.contentOf).mockImplementation(stub)],
  ['looking up the signer', (stub) => vi.spyOn(TrustDirectory.prototype, 'find').mockImplementation(stub)],
  [
    'the certificate of the signer',
    (stub) => vi.spyOn(TrustedSigner.prototype, 'certificate', 'get').mockImplementation(stub),
  ],
  ['the signature and attributes', (stub) => vi.mocked(cms.examineSigner).mockImplementation(stub)],
  ['the arithmetic of the signature', (stub) => vi.mocked(crypto.verifySignature).mockImplementation(stub)],
  ['the names of algorithms', (stub) => vi.mocked(crypto.signatureAlgorithmOf).mockImplementation(stub)],
  ['the digest', (stub) => vi.mocked(crypto.digestOf).mockImplementation(stub)],
  ['reading an attribute', (stub) => vi.mocked(cms.attributeValue).mockImplementation(stub)],
  ['reading the context', (stub) => vi.mocked(context.readMessageContext).mockImplementation(stub)],
  ['the verdict about the signer', (stub) => vi.spyOn(TrustedSigner.prototype, 'validate').mockImplementation(stub)],
  ['the path', (stub) => vi.mocked(path.validatePath).mockImplementation(stub)],
  ['the type', (stub) => vi.mocked(policy.typePattern).mockImplementation(stub)],
  ['the text of the content', (stub) => vi.mocked(files.decodeUtf8).mockImplementation(stub)],
  ['the JSON of the content', (stub) => vi.mocked(json.parseStrictJson).mockImplementation(stub)],
  ['the bindings', (stub) => vi.mocked(policy.checkBindings).mockImplementation(stub)],
]

describe('verifyMessage: a stage that breaks', () => {
  it('accepts the message when nothing does', async () => {
    expect(await verify()).toBeInstanceOf(VerifiedMessage)
  })

  it.each(STAGES)('CMS-02: yields no message when it is %s that throws, whatever it throws', async (_, replace) => {
    for (const thrown of [
      new Error('broken'),
      new RangeError('Maximum call stack size exceeded'),
      undefined,
      null,
      'text',
      0,
    ]) {
      vi.resetAllMocks()
      trust = await makeDirectory(world, [alice])
      const stub = vi.fn(() => {
        throw thrown
      })
      replace(stub)
      expect(await outcome()).toBe('refused')
      expect(stub).toHaveBeenCalled()
    }
  })

  // These refuse by throwing, and answer nothing or what is used for bindings alone.
  const SILENT = ['the age of the trust directory', 'the bindings']

  it.each(STAGES.filter(([name]) => !SILENT.includes(name)))(
    'CMS-02: yields no message when it is %s that answers nothing',
    async (_, replace) => {
      for (const answer of [undefined, null]) {
        vi.resetAllMocks()
        trust = await makeDirectory(world, [alice])
        const stub = vi.fn(() => answer as never)
        replace(stub)
        expect(await outcome()).toBe('refused')
        expect(stub).toHaveBeenCalled()
      }
    },
  )

  // What was read of the message before is not read again.
  const OF_KNOWN = [
    'the age of the trust directory',
    'the content',
    'looking up the signer',
    'the certificate of the signer',
    'the arithmetic of the signature',
    'the verdict about the signer',
    'the type',
    'the text of the content',
    'the JSON of the content',
    'the bindings',
  ]

  it.each(STAGES.filter(([name]) => OF_KNOWN.includes(name)))(
    'CMS-02: yields no message in a known form when it is %s that throws, or answers nothing',
    async (name, replace) => {
      const answers = SILENT.includes(name) ? [] : [() => undefined as never, () => null as never]
      for (const broken of [
        () => {
          throw new Error('broken')
        },
        ...answers,
      ]) {
        vi.resetAllMocks()
        trust = await makeDirectory(world, [alice])
        for (let again = 0; again < 5; again++) expect(await verify()).toBeInstanceOf(VerifiedMessage)
        const stub = vi.fn(broken)
        replace(stub)
        expect(await outcome()).toBe('refused')
        expect(stub).toHaveBeenCalled()
      }
    },
  )
})
