import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SignaturePool } from '../../src/crypto/index.js'
import {
  createReplayMemory,
  type IncomingMessage,
  type MessagePolicy,
  type Observation,
  signMessage,
  verifyAll,
} from '../../src/message/index.js'
import { NOW } from '../support/certificates.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { poolOf } from '../support/threads.js'
import { makeDirectory, makeSender, makeWorld, receiver, type Sender } from '../support/messages.js'

const content = Buffer.from('{"a":1}')
const pool = new SignaturePool({ threads: 1 })
afterAll(() => pool.close())
let alice: Sender
let wanted: MessagePolicy
beforeAll(async () => {
  const world = await makeWorld()
  alice = makeSender(world, { node: 'compute-07' })
  wanted = receiver(await makeDirectory(world, [alice]), { types: ['notify.*'] })
})

const policy = (changes: Partial<MessagePolicy> = {}): (() => MessagePolicy) => {
  const same = { ...wanted, replay: createReplayMemory(), ...changes }
  return () => same
}

async function send(count: number, type = 'notify.test'): Promise<IncomingMessage[]> {
  const messages: IncomingMessage[] = []
  for (let index = 0; index < count; index++) {
    messages.push({ der: (await signMessage(content, alice, { type, destination: 'here', at: NOW })).der, content })
  }
  return messages
}

async function all(
  messages: Iterable<IncomingMessage> | AsyncIterable<IncomingMessage>,
  how = policy(),
): Promise<Observation[]> {
  const observations: Observation[] = []
  for await (const observation of verifyAll(messages, how, pool)) observations.push(observation)
  return observations
}

const codes = (observations: readonly Observation[]): readonly string[] =>
  observations.map((item) => (item.verdict === 'verified' ? 'verified' : item.error.code))

const changed = ({ der }: IncomingMessage, place: number): IncomingMessage => {
  const other = Uint8Array.from(der)
  other[other.length - place] = (other.at(-place) ?? 0) ^ 1
  return { der: other, content }
}

describe('verifyAll', () => {
  it('tells of each message, in their order, what became of it', async () => {
    const messages = await send(300)
    const [first, second] = messages
    const [other] = await send(1, 'other.type')
    if (first === undefined || second === undefined || other === undefined) throw new Error('there are as many')
    const asked = [
      ...messages.slice(0, 100),
      changed(first, 1),
      { der: new Uint8Array(), content },
      first,
      { ...second, content: Buffer.from('{}') },
      other,
      ...messages.slice(100),
    ]
    const observations = await all(asked)
    const refused = codes(observations).slice(100, 105)
    expect(refused).toEqual([
      'ERR_CMS_SIGNATURE',
      'ERR_MESSAGE_UNSIGNED',
      'ERR_MESSAGE_REPLAYED',
      'ERR_CMS_DIGEST_MISMATCH',
      'ERR_MESSAGE_TYPE',
    ])
    const verified = observations.flatMap((item) => (item.verdict === 'verified' ? [item.message] : []))
    expect(verified).toHaveLength(300)
    expect(verified.every(({ signer }) => signer.uri === alice.identity.uri)).toBe(true)
    expect(verified.every((message) => Buffer.compare(message.content, content) === 0)).toBe(true)
    expect(observations.map(({ verdict }) => verdict).slice(100, 105)).toEqual([
      'untrusted',
      'denied',
      'stale',
      'untrusted',
      'denied',
    ])
  })

  it('verifies the very octets that came in, whoever writes others over them meanwhile', async () => {
    const messages = await send(200)
    const reused = messages.map(({ der }) => Uint8Array.from(der))
    async function* source(): AsyncGenerator<IncomingMessage> {
      for (const der of reused) {
        yield { der, content }
        // As a transport does that has one buffer for all.
        der.fill(0)
        await Promise.resolve()
      }
    }
    expect(new Set(codes(await all(source())))).toEqual(new Set(['verified']))
  })

  it('believes a message once, although both are on their way at the same time', async () => {
    const [message] = await send(1)
    if (message === undefined) throw new Error('there is one')
    const observed = codes(await all(Array.from({ length: 200 }, () => message)))
    expect(observed[0]).toBe('verified')
    expect(new Set(observed.slice(1))).toEqual(new Set(['ERR_MESSAGE_REPLAYED']))
  })

  it('takes no more messages than there is room for', async () => {
    const [message] = await send(1)
    if (message === undefined) throw new Error('there is one')
    let taken = 0
    function* endless(): Generator<IncomingMessage> {
      for (;;) {
        taken++
        yield message as IncomingMessage
      }
    }
    for await (const observation of verifyAll(endless(), policy({ replay: 'allow-unchecked' }), pool)) {
      expect(observation.verdict).toBe('verified')
      if (taken > 2000) break
    }
    expect(taken).toBeLessThan(4000)
  })

  it('ends where nobody can go on: a policy that does not say what it wants, a source that breaks', async () => {
    const messages = await send(3)
    await expectCodeAsync('ERR_CONFIG_INVALID', () => all(messages, policy({ types: [] })))
    function* broken(): Generator<IncomingMessage> {
      yield* messages
      throw new Error('the connection is lost')
    }
    await expect(all(broken())).rejects.toThrow('the connection is lost')
  })

  it('believes nobody whose signature no thread answers for', async () => {
    const closed = new SignaturePool({ threads: 1 })
    await closed.close()
    const found: string[] = []
    for await (const item of verifyAll(await send(2), policy(), closed)) found.push(...codes([item]))
    expect(found).toEqual(['ERR_POOL_CLOSED', 'ERR_POOL_CLOSED'])
  })

  it('goes on by itself where the threads die in the middle', async () => {
    const { own, workers } = await poolOf(1)
    const messages = await send(600)
    const asked = messages.map((message, index) => (index % 50 === 7 ? changed(message, 1) : message))
    const found: Observation[] = []
    for await (const observation of verifyAll(asked, policy(), own)) {
      found.push(observation)
      if (found.length === 100) void Promise.all(workers.map((worker) => worker.terminate()))
    }
    expect(codes(found)).toEqual(asked.map((_, index) => (index % 50 === 7 ? 'ERR_CMS_SIGNATURE' : 'verified')))
    await own.close()
  })

  it('refuses the rest where the pool is closed in the middle', async () => {
    const own = new SignaturePool({ threads: 1 })
    const found: Observation[] = []
    for await (const observation of verifyAll(await send(600), policy(), own)) {
      found.push(observation)
      if (found.length === 100) await own.close()
    }
    expect(found).toHaveLength(600)
    expect(codes(found.slice(0, 100)).every((code) => code === 'verified')).toBe(true)
    expect(codes(found.slice(-100)).every((code) => code === 'ERR_POOL_CLOSED')).toBe(true)
    expect(new Set(codes(found))).toEqual(new Set(['verified', 'ERR_POOL_CLOSED']))
  })

  it('ends with who asks: the source is closed, and the pool is there for others', async () => {
    const messages = await send(300)
    let isClosed = false
    function* source(): Generator<IncomingMessage> {
      try {
        yield* messages
      } finally {
        isClosed = true
      }
    }
    for await (const { verdict } of verifyAll(source(), policy(), pool)) {
      expect(verdict).toBe('verified')
      break
    }
    expect(isClosed).toBe(true)
    expect(new Set(codes(await all(messages)))).toEqual(new Set(['verified']))
  })

  it('serves several at once with one pool', async () => {
    const [some, others] = [await send(400), await send(400, 'other.type')]
    const [verified, refused] = await Promise.all([all(some), all(others)])
    expect(new Set(codes(verified))).toEqual(new Set(['verified']))
    expect(codes(refused)).toEqual(others.map(() => 'ERR_MESSAGE_TYPE'))
  })

  it('does nothing for nothing', async () => {
    expect(await all([])).toEqual([])
  })
})
