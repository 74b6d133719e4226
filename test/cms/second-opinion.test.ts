/** The contract of the one place that uses pkijs, and pkijs itself as a judge who never saw our code. */
import { webcrypto } from 'node:crypto'
import * as pkijs from 'pkijs'
import { beforeAll, describe, expect, it } from 'vitest'
import { encodeSequence, OID } from '../../src/asn1/index.js'
import { compareCmsSecondOpinion, signData, verifySignedData } from '../../src/cms/index.js'
import type { KeyAlgorithmName, SignatureAlgorithmName } from '../../src/crypto/index.js'
import { isSignetError } from '../../src/errors/index.js'
import { type Holder, keyFor, makeCertificate, NOW } from '../support/certificates.js'
import { buildSignedData, buildSigner } from '../support/cms-builder.js'
import { expectCodeAsync } from '../support/expect-code.js'

const content = Buffer.from('content of a message')
const root = makeCertificate({ subject: 'Root', ca: true })

const holderOf = (algorithm: KeyAlgorithmName, signature?: SignatureAlgorithmName): Holder =>
  makeCertificate({ subject: `holder of ${algorithm}`, issuer: root, key: keyFor('holder', algorithm, signature) })

const sign = (holder: Holder, form: 'attached' | 'detached' = 'detached'): Promise<Uint8Array> =>
  signData(content, {
    signers: [{ ...holder, identifier: 'issuerAndSerialNumber' }],
    signingTime: NOW,
    form,
    certificates: [holder.certificate],
  })

const KINDS: readonly (readonly [KeyAlgorithmName, SignatureAlgorithmName])[] = [
  ['p256', 'ecdsa-sha256'],
  ['p256', 'ecdsa-sha512'],
  ['p384', 'ecdsa-sha384'],
  ['rsa2048', 'rsa-sha256'],
  ['rsa2048', 'rsa-sha512'],
  ['rsa2048', 'rsa-pss-sha256'],
]

beforeAll(() => {
  pkijs.setEngine('node', new pkijs.CryptoEngine({ name: 'node', crypto: webcrypto as never }))
})

describe('compareCmsSecondOpinion', () => {
  it.each(KINDS)('agrees with us on %s with %s', async (algorithm, signature) => {
    const holder = holderOf(algorithm, signature)
    for (const form of ['attached', 'detached'] as const) {
      expect(await compareCmsSecondOpinion(await sign(holder, form), content, 0, holder.certificate)).toBe(true)
    }
  })

  it.each(['ed25519', 'ml-dsa-44'] as const)('has no opinion on %s', async (algorithm) => {
    const holder = holderOf(algorithm)
    expect(await compareCmsSecondOpinion(await sign(holder), content, 0, holder.certificate)).toBe(false)
  })

  const alice = holderOf('p256')
  const flipped = (genuine: Uint8Array): Uint8Array => {
    const copy = Uint8Array.from(genuine)
    const last = copy.length - 1
    copy[last] = (copy[last] ?? 0) ^ 1
    return copy
  }

  it.each<[string, () => Promise<Uint8Array>, Uint8Array, number, Holder]>([
    ['other content', () => sign(alice), Buffer.from('other content'), 0, alice],
    ['empty content', () => sign(alice), new Uint8Array(), 0, alice],
    ['a signer that there is not', () => sign(alice), content, 1, alice],
    ['the key of somebody else', () => sign(alice), content, 0, makeCertificate({ subject: 'somebody' })],
    ['a key of another kind', () => sign(alice), content, 0, holderOf('rsa2048')],
    [
      'a signature with a bit turned',
      () =>
        Promise.resolve(buildSignedData({ signers: [buildSigner({ content, holder: alice, signature: flipped })] })),
      content,
      0,
      alice,
    ],
    [
      'no signed attributes',
      () =>
        Promise.resolve(buildSignedData({ signers: [buildSigner({ content, holder: alice, attributes: 'none' })] })),
      content,
      0,
      alice,
    ],
    [
      'no messageDigest',
      () =>
        Promise.resolve(
          buildSignedData({ signers: [buildSigner({ content, holder: alice, messageDigest: undefined })] }),
        ),
      content,
      0,
      alice,
    ],
    ['an empty document', () => Promise.resolve(encodeSequence()), content, 0, alice],
    ['no document', () => Promise.resolve(new Uint8Array()), content, 0, alice],
  ])('disagrees about %s', async (_, make, given, index, holder) => {
    const der = await make()
    await expectCodeAsync('ERR_SECOND_OPINION', () => compareCmsSecondOpinion(der, given, index, holder.certificate))
  })

  it('judges each signer of several', async () => {
    const bob = makeCertificate({ subject: 'bob', issuer: root })
    const signers = [alice, bob].map((holder) => buildSigner({ content, holder }))
    const der = buildSignedData({ signers })
    const verdicts = await Promise.allSettled(
      [0, 1].flatMap((index) =>
        [alice, bob].map((holder) => compareCmsSecondOpinion(der, content, index, holder.certificate)),
      ),
    )
    expect(verdicts.filter((verdict) => verdict.status === 'fulfilled')).toHaveLength(2)
  })
})

/** What `SignedData.verify` of pkijs says, with every argument that has a dangerous default given. */
async function pkijsVerifies(der: Uint8Array, given?: Uint8Array): Promise<boolean> {
  try {
    const contentInfo = pkijs.ContentInfo.fromBER(der)
    const signedData = new pkijs.SignedData({ schema: contentInfo.content })
    return await signedData.verify({
      signer: 0,
      checkChain: false,
      trustedCerts: [],
      ...(given === undefined ? {} : { data: Uint8Array.from(given).buffer }),
    })
  } catch {
    return false
  }
}

const weVerify = (der: Uint8Array, given?: Uint8Array): boolean => {
  try {
    verifySignedData(der, {
      anchors: [root.certificate],
      purpose: 'allow-any',
      revocation: 'allow-unchecked',
      at: NOW,
      ...(given === undefined ? {} : { content: given }),
    })
    return true
  } catch (error) {
    if (!isSignetError(error)) throw error
    return false
  }
}

describe('SignedData.verify of pkijs, which never saw our code', () => {
  it.each(KINDS)('accepts what we make with %s and %s, attached and detached', async (algorithm, signature) => {
    const holder = holderOf(algorithm, signature)
    const [attached, detached] = [await sign(holder, 'attached'), await sign(holder)]
    expect([await pkijsVerifies(attached), weVerify(attached)]).toEqual([true, true])
    expect([await pkijsVerifies(detached, content), weVerify(detached, content)]).toEqual([true, true])
    const other = Buffer.from('other content')
    expect([await pkijsVerifies(detached, other), weVerify(detached, other)]).toEqual([false, false])
  })

  it('refuses nothing that we accept, when bits are turned; we refuse more', async () => {
    const der = Buffer.from(await sign(holderOf('p256'), 'attached'))
    let [both, onlyThey] = [0, 0]
    for (let bit = 0; bit < der.length * 8; bit += 29) {
      const index = bit >> 3
      der[index] = (der[index] ?? 0) ^ (1 << (bit & 7))
      const [they, we] = [await pkijsVerifies(der), weVerify(der)]
      expect(we && !they).toBe(false)
      if (!they && !we) both++
      if (they && !we) onlyThey++
      der[index] = (der[index] ?? 0) ^ (1 << (bit & 7))
    }
    expect(both).toBeGreaterThan(20)
    // The certificate in the document is outside of the signature: they look at its key, we at its signature too.
    expect(onlyThey).toBeGreaterThan(0)
  })

  it('accepts a content type that is not the signed one, which is why it is not asked: we refuse', async () => {
    const holder = holderOf('p256')
    const signer = buildSigner({ content, holder, identifier: 'issuerAndSerialNumber', eContentType: OID.data })
    const der = buildSignedData({ eContent: content, signers: [signer], certificates: [holder.certificate.der] })
    expect(weVerify(der)).toBe(false)
    expect(await pkijsVerifies(der)).toBe(true)
  })
})
