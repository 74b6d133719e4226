import { beforeAll, describe, expect, it } from 'vitest'
import {
  createReplayMemory,
  MessageSigner,
  MessageVerifier,
  type ReplayStore,
  type VerifierOptions,
} from '../../src/message/index.js'
import { StoreError } from '../../src/errors/index.js'
import type { TrustDirectory } from '../../src/trust/index.js'
import { NOW } from '../support/certificates.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { makeDirectory, makeSender, makeWorld, type Sender } from '../support/messages.js'

let trust: TrustDirectory
let empty: TrustDirectory
let alice: Sender
beforeAll(async () => {
  const world = await makeWorld()
  alice = makeSender(world, { node: 'c1', roles: ['conductor'] })
  trust = await makeDirectory(world, [alice])
  empty = await makeDirectory(world, [], { sequence: 2 })
})
const content = Buffer.from('{}')
const clock = { now: () => NOW }

function options(changes: Partial<VerifierOptions> = {}): VerifierOptions {
  return {
    trust,
    destinations: ['scheduler'],
    senders: 'allow-any-trusted',
    types: 'allow-any',
    maxAgeSeconds: 300,
    replay: createReplayMemory(),
    clock,
    ...changes,
  }
}

const send = async (destination = 'scheduler'): Promise<Uint8Array> =>
  (await new MessageSigner(alice, { clock, lifetimeSeconds: 60 }).sign(content, { type: 'rpc.ping', destination })).der

describe('MessageVerifier', () => {
  it('verifies message after message, each once', async () => {
    const verifier = new MessageVerifier(options())
    const der = await send()
    expect(await verifier.verify(der, content)).toMatchObject({
      signer: alice.identity,
      context: { lifetimeSeconds: 60 },
    })
    await expectCodeAsync('ERR_MESSAGE_REPLAYED', () => verifier.verify(der, content))
    expect(await verifier.verify(await send(), content)).toBeDefined()
  })

  it('requirement 21: asks for the newest trust directory each time', async () => {
    let newest = trust
    const verifier = new MessageVerifier(options({ trust: () => newest }))
    await verifier.verify(await send(), content)
    newest = empty
    await expectCodeAsync('ERR_CMS_SIGNER_UNKNOWN', async () => verifier.verify(await send(), content))
  })

  it('requirement 16: watching tells what would be refused, and why, and refuses nothing itself', async () => {
    const observe = async (changes: Partial<VerifierOptions>, der: Uint8Array, payload = content) =>
      new MessageVerifier(options(changes)).observe(der, payload)
    expect(await observe({}, await send())).toMatchObject({ verdict: 'verified', message: { signer: alice.identity } })
    const verdicts = [
      [{}, Buffer.from('no CMS'), 'malformed'],
      [{}, new Uint8Array(), 'denied'],
      [{}, await send('elsewhere'), 'denied'],
      [{ trust: empty }, await send(), 'untrusted'],
      [{ clock: { now: () => new Date(NOW.getTime() + 3_600_000) } }, await send(), 'stale'],
      [{ clock: { now: () => new Date(0) } }, await send(), 'unavailable'],
      [{ replay: broken }, await send(), 'unavailable'],
    ] as const
    for (const [changes, der, verdict] of verdicts) {
      const observation = await observe(changes, der)
      expect(observation.verdict).toBe(verdict)
      expect(observation).toHaveProperty('error.code')
      expect(observation).not.toHaveProperty('message')
    }
    expect(await observe({}, await send(), Buffer.from('[]'))).toMatchObject({ verdict: 'untrusted' })
  })

  it('does not watch by a policy that says nothing', async () => {
    const verifier = new MessageVerifier(options({ destinations: [] }))
    await expectCodeAsync('ERR_CONFIG_INVALID', async () => verifier.observe(await send(), content))
  })

  it('requirement 22: does without current CRLs only where it is told to', async () => {
    const world = await makeWorld()
    const bob = makeSender(world, { node: 'c2' })
    const long = await makeDirectory(world, [bob], { nextUpdate: new Date(NOW.getTime() + 90 * 86_400_000) })
    const ends = world.crls.map((crl) => crl.currentUntil.getTime())
    const late = { now: () => new Date(Math.min(...ends) + 60_000) }
    const { der } = await new MessageSigner(bob, { clock: late }).sign(content, {
      type: 'rpc.ping',
      destination: 'scheduler',
    })
    const by = (revocation: VerifierOptions['revocation']): MessageVerifier =>
      new MessageVerifier(options({ trust: long, clock: late, ...(revocation === undefined ? {} : { revocation }) }))
    await expectCodeAsync('ERR_REVOCATION_UNKNOWN', () => by(undefined).verify(der, content))
    await expectCodeAsync('ERR_REVOCATION_UNKNOWN', () => by('required').verify(der, content))
    expect(await by('allow-directory-only').verify(der, content)).toMatchObject({ signer: bob.identity })
    await expectCodeAsync('ERR_REVOCATION_UNKNOWN', () => by('required').verify(der, content))
    await expectCodeAsync('ERR_CONFIG_INVALID', () => by('none' as never).verify(der, content))
  })
})

const broken: ReplayStore = {
  remember: () => Promise.reject(new StoreError('ERR_REPLAY_STORE', 'the replay memory is away')),
}

describe('MessageSigner', () => {
  it('signs with the newest credential, and what a message says goes before what all have', async () => {
    let asked = 0
    const signer = new MessageSigner(() => (asked++, alice), { clock, lifetimeSeconds: 60, form: 'attached' })
    const { context } = await signer.sign(content, { type: 'rpc.ping', destination: 'x', lifetimeSeconds: 10 })
    expect(context).toMatchObject({ type: 'rpc.ping', destination: 'x', lifetimeSeconds: 10 })
    await signer.sign(content, { type: 'rpc.ping', destination: 'x' })
    expect(asked).toBe(2)
  })

  it('refuses a clock that cannot be right', async () => {
    const signer = new MessageSigner(alice, { clock: { now: () => new Date(0) } })
    await expectCodeAsync('ERR_CLOCK_SUSPECT', () => signer.sign(content, { type: 'rpc.ping', destination: 'x' }))
  })
})
