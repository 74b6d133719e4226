import { beforeAll, describe, expect, it } from 'vitest'
import { digestIdentifierDer, type KeyAlgorithmName, type SignatureAlgorithmName } from '../../src/crypto/index.js'
import { type MessagePolicy, signMessage, verifyMessage } from '../../src/message/index.js'
import { encodeMessageContext } from '../../src/message/context.js'
import { OID } from '../../src/asn1/index.js'
import { keyFor, NOW } from '../support/certificates.js'
import { algorithmIdentifier, attribute, buildSignedData, buildSigner, WEAK } from '../support/cms-builder.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { makeDirectory, makeSender, makeWorld, receiver, type Sender, type World } from '../support/messages.js'

const content = Buffer.from('{"payload":"hashed, and the hash is signed"}')
let world: World
beforeAll(async () => {
  world = await makeWorld()
})

/** Kinds of keys, and the digest that each signs by default. */
const KINDS: readonly (readonly [KeyAlgorithmName, SignatureAlgorithmName | undefined, string])[] = [
  ['p256', undefined, 'sha256'],
  ['p256', 'ecdsa-sha384', 'sha384'],
  ['p256', 'ecdsa-sha512', 'sha512'],
  ['p384', undefined, 'sha384'],
  ['rsa2048', 'rsa-sha384', 'sha384'],
  ['rsa2048', 'rsa-pss-sha512', 'sha512'],
  ['ed25519', undefined, 'sha512'],
  ['ml-dsa-65', undefined, 'sha512'],
]

describe('requirement 41: digests can change, and weak ones do not count', () => {
  const senderOf = (algorithm: KeyAlgorithmName, signature?: SignatureAlgorithmName): Sender => {
    const node = `${algorithm}-${signature ?? 'default'}`
    return makeSender(world, { node, algorithm, key: keyFor('digests', algorithm, signature) })
  }

  it.each(KINDS)(
    'requirement 41: %s signs with %s, over %s, and receivers need no setting for it',
    async (algorithm, signature, digest) => {
      const sender = senderOf(algorithm, signature)
      const trust = await makeDirectory(world, [sender])
      const { der } = await signMessage(content, sender, { type: 'a.b', destination: 'here', at: NOW })
      for (const name of ['sha256', 'sha384', 'sha512'] as const) {
        expect([name, Buffer.from(der).includes(Buffer.from(digestIdentifierDer(name)))]).toEqual([
          name,
          name === digest,
        ])
      }
      const policy: MessagePolicy = receiver(trust)
      expect((await verifyMessage(der, content, policy)).signer.node).toBe(sender.identity.node)
      const other = Buffer.from(content.toString().replace('hashed', 'Hashed'))
      await expectCodeAsync('ERR_CMS_DIGEST_MISMATCH', () => verifyMessage(der, other, receiver(trust)))
    },
  )

  it('requirement 41: one receiver takes messages over any of them side by side', async () => {
    const senders = [senderOf('p256'), senderOf('p384'), senderOf('ed25519')]
    const trust = await makeDirectory(world, senders)
    const policy = receiver(trust)
    for (const sender of senders) {
      const { der } = await signMessage(content, sender, { type: 'a.b', destination: 'here', at: NOW })
      await verifyMessage(der, content, policy)
    }
  })

  it('requirement 41: MD5, SHA-1 and unknown digests are refused, and so is one that is named beside another', async () => {
    const sender = senderOf('p256')
    const trust = await makeDirectory(world, [sender])
    const context = attribute(
      OID.signetMessageContext,
      encodeMessageContext({ type: 'a.b', destination: 'here', messageId: Buffer.alloc(12, 5), lifetimeSeconds: 300 }),
    )
    const base = { content, holder: sender, moreAttributes: [context] }
    const verify = (der: Uint8Array): Promise<unknown> => verifyMessage(der, content, receiver(trust))
    await verify(buildSignedData({ signers: [buildSigner(base)] }))
    for (const oid of [WEAK.md5, WEAK.sha1, WEAK.nothing]) {
      const digestAlgorithmDer = algorithmIdentifier(oid)
      await expectCodeAsync('ERR_ALGORITHM_NOT_ALLOWED', () =>
        verify(
          buildSignedData({
            signers: [buildSigner({ ...base, digestAlgorithmDer })],
            digestAlgorithms: [digestAlgorithmDer],
          }),
        ),
      )
    }
    for (const oid of [WEAK.ecdsaWithSha1, WEAK.sha1WithRsa, WEAK.md5WithRsa]) {
      const signatureAlgorithmDer = algorithmIdentifier(oid)
      await expectCodeAsync('ERR_ALGORITHM_NOT_ALLOWED', () =>
        verify(buildSignedData({ signers: [buildSigner({ ...base, signatureAlgorithmDer })] })),
      )
    }
    const signers = [buildSigner(base)]
    await expectCodeAsync('ERR_ALGORITHM_MISMATCH', () =>
      verify(buildSignedData({ signers, digestAlgorithms: [digestIdentifierDer('sha512')] })),
    )
  })
})
