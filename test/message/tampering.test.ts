/** Whatever is changed in a signed message, one bit or one byte, it is refused: as malformed (3) or not believed (4). */
import { beforeAll, describe, expect, it } from 'vitest'
import type { KeyAlgorithmName, SignatureAlgorithmName } from '../../src/crypto/index.js'
import { isSignetError } from '../../src/errors/index.js'
import { type MessagePolicy, signMessage, type SignMessageRequest, verifyMessage } from '../../src/message/index.js'
import { keyFor, NOW } from '../support/certificates.js'
import { makeDirectory, makeSender, makeWorld, receiver, type Sender, type World } from '../support/messages.js'

const content = Buffer.from('{"host":"compute-07"}')
let world: World
beforeAll(async () => {
  world = await makeWorld()
})

interface Signed {
  readonly der: Buffer
  readonly payload: Buffer | undefined
  readonly policy: MessagePolicy
}

async function sign(
  algorithm: KeyAlgorithmName,
  form: 'detached' | 'attached',
  changes: Partial<SignMessageRequest> = {},
  signature?: SignatureAlgorithmName,
): Promise<Signed> {
  const key = keyFor('sender', algorithm, signature)
  const sender: Sender = makeSender(world, { node: `${algorithm}-node`, key })
  const policy = receiver(await makeDirectory(world, [sender]), {
    replay: 'allow-unchecked',
    ...(changes.route === undefined ? {} : { route: { require: 'allow-partial' } }),
  })
  const request = { type: 'notify.test', destination: 'notifications', at: NOW, form, ...changes }
  const { der } = await signMessage(content, sender, request)
  const signed = { der: Buffer.from(der), payload: form === 'detached' ? Buffer.from(content) : undefined, policy }
  expect((await verifyMessage(signed.der, signed.payload, policy)).signer.service).toBe('nova-compute')
  return signed
}

/** Require a refusal of exit code 3 or 4; count what was tried, by code. */
class Tally {
  readonly codes = new Map<string, number>()
  tried = 0

  async refused(der: Uint8Array, payload: Uint8Array | undefined, policy: MessagePolicy, what: string): Promise<void> {
    this.tried++
    try {
      await verifyMessage(der, payload, policy)
    } catch (error) {
      if (!isSignetError(error)) throw new Error(`not a refusal: ${what}`, { cause: error })
      if (error.exitCode !== 3 && error.exitCode !== 4)
        throw new Error(`exit code ${error.exitCode}: ${what}`, { cause: error })
      this.codes.set(error.code, (this.codes.get(error.code) ?? 0) + 1)
      return
    }
    throw new Error(`accepted: ${what}`)
  }
}

/** Turn every bit, or every `step`-th. */
async function turnBits({ der, payload, policy }: Signed, step = 1): Promise<Tally> {
  const tally = new Tally()
  for (let bit = 0; bit < der.length * 8; bit += step) {
    const index = bit >> 3
    const original = der[index] ?? 0
    der[index] = original ^ (1 << (bit & 7))
    await tally.refused(der, payload, policy, `bit ${bit} of the signature document`)
    der[index] = original
  }
  expect((await verifyMessage(der, payload, policy)).signer.service).toBe('nova-compute')
  return tally
}

describe('verifyMessage: every bit counts', () => {
  it.each(['detached', 'attached'] as const)(
    'requirement 1: refuses a message that is %s with any bit of it turned',
    async (form) => {
      const signed = await sign('p256', form, { source: 'stated', route: ['cell-1', 'cell-2'] })
      const tally = await turnBits(signed)
      expect(tally.tried).toBe(signed.der.length * 8)
      // Each layer refuses on its own ground; none of them does all the work.
      for (const code of [
        'ERR_CMS_MALFORMED',
        'ERR_CMS_SIGNATURE',
        'ERR_CMS_DIGEST_MISMATCH',
        'ERR_CMS_SIGNER_UNKNOWN',
      ]) {
        expect(tally.codes.get(code)).toBeGreaterThan(0)
      }
    },
    30_000,
  )

  it('requirement 1: refuses a message with any bit of its detached payload turned', async () => {
    const { der, payload = Buffer.alloc(0), policy } = await sign('p256', 'detached')
    const tally = new Tally()
    for (let bit = 0; bit < payload.length * 8; bit++) {
      const changed = Buffer.from(payload)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      await tally.refused(der, changed, policy, `bit ${bit} of the payload`)
    }
    expect([...tally.codes]).toEqual([['ERR_CMS_DIGEST_MISMATCH', payload.length * 8]])
  })

  it.each<[KeyAlgorithmName, SignatureAlgorithmName, number]>([
    ['p384', 'ecdsa-sha384', 1],
    ['ed25519', 'ed25519', 1],
    ['rsa2048', 'rsa-sha256', 1],
    ['rsa2048', 'rsa-pss-sha256', 1],
    ['ml-dsa-44', 'ml-dsa-44', 13],
    ['ml-dsa-87', 'ml-dsa-87', 31],
  ])(
    'refuses a message of %s, signed with %s, with a bit of it turned (every %i-th)',
    async (algorithm, signature, step) => {
      for (const form of ['detached', 'attached'] as const) {
        const signed = await sign(algorithm, form, {}, signature)
        const tally = await turnBits(signed, step)
        expect(tally.tried).toBe(Math.ceil((signed.der.length * 8) / step))
        expect(tally.codes.get('ERR_CMS_SIGNATURE')).toBeGreaterThan(0)
      }
    },
    30_000,
  )
})

describe('verifyMessage: every byte counts', () => {
  it.each<[KeyAlgorithmName, 'detached' | 'attached']>([
    ['p256', 'detached'],
    ['p256', 'attached'],
    ['ed25519', 'detached'],
  ])('refuses a message of %s, %s, with a byte missing, doubled, zero, or ff', async (algorithm, form) => {
    const { der, payload, policy } = await sign(algorithm, form)
    const tally = new Tally()
    for (let index = 0; index < der.length; index++) {
      const [before, octet, after] = [der.subarray(0, index), der.subarray(index, index + 1), der.subarray(index + 1)]
      await tally.refused(Buffer.concat([before, after]), payload, policy, `without byte ${index}`)
      await tally.refused(Buffer.concat([before, octet, octet, after]), payload, policy, `byte ${index} twice`)
      for (const other of [0x00, 0xff]) {
        if (octet[0] === other) continue
        await tally.refused(
          Buffer.concat([before, Uint8Array.of(other), after]),
          payload,
          policy,
          `byte ${index} ${other}`,
        )
      }
    }
    expect(tally.tried).toBeGreaterThan(der.length * 3)
  })

  it('refuses a message that is cut off anywhere; cut off at its beginning, it is unsigned', async () => {
    const { der, payload, policy } = await sign('p256', 'detached')
    const tally = new Tally()
    for (let length = 1; length < der.length; length++) {
      await tally.refused(der.subarray(0, length), payload, policy, `the first ${length} bytes`)
    }
    for (let start = 1; start < der.length; start++) {
      await tally.refused(der.subarray(start), payload, policy, `without the first ${start} bytes`)
    }
    await expect(verifyMessage(der.subarray(0, 0), payload, policy)).rejects.toMatchObject({
      code: 'ERR_MESSAGE_UNSIGNED',
      exitCode: 5,
    })
  })

  it('refuses a message with any byte behind it, and a payload with any byte behind it', async () => {
    const { der, payload = Buffer.alloc(0), policy } = await sign('p256', 'detached')
    const tally = new Tally()
    for (let octet = 0; octet < 256; octet++) {
      const more = Uint8Array.of(octet)
      await tally.refused(Buffer.concat([der, more]), payload, policy, `byte ${octet} behind the document`)
      await tally.refused(der, Buffer.concat([payload, more]), policy, `byte ${octet} behind the payload`)
    }
    expect([...tally.codes.keys()].sort()).toEqual(['ERR_CMS_DIGEST_MISMATCH', 'ERR_DER_TRAILING_DATA'])
  })

  it('refuses a payload that is cut off, swapped, or empty', async () => {
    const { der, payload = Buffer.alloc(0), policy } = await sign('p256', 'detached')
    const tally = new Tally()
    for (let length = 0; length < payload.length; length++) {
      await tally.refused(der, payload.subarray(0, length), policy, `the first ${length} bytes of the payload`)
    }
    const other = await sign('p256', 'detached', { type: 'notify.other' })
    await tally.refused(der, Buffer.from('{"host":"compute-08"}'), policy, 'another payload')
    expect(tally.codes.get('ERR_CMS_DIGEST_MISMATCH')).toBe(payload.length + 1)
    expect((await verifyMessage(other.der, payload, other.policy)).context.type).toBe('notify.other')
  })
})
