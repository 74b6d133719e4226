import { describe, expect, it } from 'vitest'
import { OID } from '../../src/asn1/index.js'
import {
  digestNameFor,
  digestStream,
  examineSignedStream,
  signData,
  VerifiedSignedStream,
  verifySignedData,
  verifySignedStream,
  type VerifySignedStreamRequest,
} from '../../src/cms/index.js'
import type { KeyAlgorithmName } from '../../src/crypto/index.js'
import { type Holder, keyFor, makeCertificate, makeCrl, NOW } from '../support/certificates.js'
import { algorithmIdentifier, buildSignedData, buildSigner, WEAK } from '../support/cms-builder.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'

const pieces = ['first', '', ' second', ' third'].map((text) => Buffer.from(text))
const content = Buffer.concat(pieces)
const root = makeCertificate({ subject: 'Root', ca: true })
const holderOf = (algorithm: KeyAlgorithmName): Holder =>
  makeCertificate({
    subject: algorithm,
    issuer: root,
    key: keyFor(algorithm, algorithm),
    purposes: [OID.kpEmailProtection],
  })
const alice = holderOf('p256')
const request: VerifySignedStreamRequest = {
  anchors: [root.certificate],
  certificates: [alice.certificate],
  purpose: 'email',
  revocation: { crls: [await makeCrl({ issuer: root })] },
  at: NOW,
}

/** Pieces of content, in one buffer that is used again, as files are read. */
async function* stream(of: readonly Uint8Array[] = pieces): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.alloc(100)
  for (const piece of of) {
    buffer.fill(0xff)
    buffer.set(piece)
    yield await Promise.resolve(buffer.subarray(0, piece.length))
  }
}

async function* unread(): AsyncGenerator<Uint8Array> {
  yield await Promise.reject(new Error('nobody should have read this'))
}

describe('requirement: content of any length', () => {
  it.each<KeyAlgorithmName>(['p256', 'p384', 'rsa2048', 'ed25519', 'ml-dsa-65'])(
    'a signature of %s over a stream is one over its octets, and the other way round',
    async (algorithm) => {
      const holder = holderOf(algorithm)
      const asked = { ...request, certificates: [holder.certificate] }
      const digest = await digestStream(stream(), [digestNameFor(holder)])
      expect(digest.length).toBe(content.length)
      const streamed = await signData(digest, { signers: [holder], signingTime: NOW })
      expect(verifySignedData(streamed, { ...asked, content }).signers).toHaveLength(1)
      const held = await signData(content, { signers: [holder], signingTime: NOW })
      const verified = await verifySignedStream(held, stream(), asked)
      expect(verified).toBeInstanceOf(VerifiedSignedStream)
      expect(verified).toMatchObject({ contentLength: content.length, contentType: OID.data })
      expect(verified.signers[0]?.certificate.fingerprint).toBe(holder.certificate.fingerprint)
    },
  )

  it('CMS-07: every signer counts, whatever digest they use', async () => {
    const [bob, carol] = [holderOf('p384'), holderOf('ed25519')]
    const certificates = [alice, bob, carol].map(({ certificate }) => certificate)
    const der = await signData(content, { signers: [alice, bob, carol], signingTime: NOW })
    expect((await verifySignedStream(der, stream(), { ...request, certificates })).signers).toHaveLength(3)
    await expectCodeAsync('ERR_CMS_SIGNER_UNKNOWN', () =>
      verifySignedStream(der, stream(), { ...request, certificates: certificates.slice(1) }),
    )
    const { outcomes } = await examineSignedStream(der, stream(), { ...request, certificates: certificates.slice(1) })
    expect(outcomes.filter(({ verified }) => verified)).toHaveLength(2)
  })

  it('CMS-04: other octets, fewer, more, or in another order, are not what was signed', async () => {
    const der = await signData(content, { signers: [alice], signingTime: NOW })
    const [first, second, third, fourth] = pieces as [Buffer, Buffer, Buffer, Buffer]
    for (const other of [[], [first], [first, fourth, third], [first, second, third, fourth, Buffer.from(' ')]]) {
      await expectCodeAsync('ERR_CMS_DIGEST_MISMATCH', () => verifySignedStream(der, stream(other), request))
    }
  })

  it('reads nothing of what is refused without it', async () => {
    const attached = await signData(content, { signers: [alice], signingTime: NOW, form: 'attached' })
    await expectCodeAsync('ERR_CMS_CONTENT_CONFLICT', () => verifySignedStream(attached, unread(), request))
    const nobody = buildSignedData({ signers: [] })
    await expectCodeAsync('ERR_CMS_NO_SIGNERS', () => verifySignedStream(nobody, unread(), request))
    await expectCodeAsync('ERR_INPUT_EMPTY', () => verifySignedStream(new Uint8Array(), unread(), request))
  })

  it('CMS-20: a digest that is not allowed is refused, not looked for', async () => {
    const digestAlgorithmDer = algorithmIdentifier(WEAK.sha1)
    const signer = buildSigner({ content, holder: alice, digestAlgorithmDer })
    const der = buildSignedData({ signers: [signer], digestAlgorithms: [digestAlgorithmDer] })
    await expectCodeAsync('ERR_ALGORITHM_NOT_ALLOWED', () => verifySignedStream(der, stream(), request))
  })

  it('a digest is not put into a document, and is not of another kind than was asked for', async () => {
    const digest = await digestStream(stream(), ['sha256'])
    await expectCodeAsync('ERR_CONFIG_INVALID', () =>
      signData(digest, { signers: [alice], signingTime: NOW, form: 'attached' }),
    )
    expectCode('ERR_INTERNAL', () => digest.of('sha512'))
  })

  it('passes a failure of the stream on', async () => {
    const der = await signData(content, { signers: [alice], signingTime: NOW })
    await expect(verifySignedStream(der, unread(), request)).rejects.toThrow('nobody should have read this')
  })
})
