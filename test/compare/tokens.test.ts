/** JWS and COSE as they are measured beside signet, judged by those who make them for a living. */
import { decodeProtectedHeader, compactVerify, flattenedVerify } from 'jose'
import { Sign1 } from '@auth0/cose'
import { beforeAll, describe, expect, it } from 'vitest'
import { signCose } from '../../src/compare/cose.js'
import { ownSamples, type SampleMessage } from '../../src/compare/index.js'
import { detachJws, signJws } from '../../src/compare/jws.js'
import { messageIdOf } from '../../src/compare/sample.js'
import { makeSigners, type SizeSigner } from '../../src/compare/signers.js'
import { NOW } from '../support/certificates.js'

const ALGORITHMS = ['p256', 'p384', 'ed25519', 'rsa2048', 'rsa2048-pss', 'ml-dsa-44', 'ml-dsa-65', 'ml-dsa-87'] as const
type Algorithm = (typeof ALGORITHMS)[number]

const [message] = ownSamples(NOW) as [SampleMessage]
const SECONDS = NOW.getTime() / 1000
let signers: ReadonlyMap<string, SizeSigner>

beforeAll(async () => {
  signers = new Map((await makeSigners(ALGORITHMS, NOW)).signers.map((signer) => [signer.algorithm, signer]))
})

function signerBy(algorithm: Algorithm): SizeSigner {
  const signer = signers.get(algorithm)
  if (signer === undefined) throw new Error(`no signer by ${algorithm}`)
  return signer
}

const keyOf = ({ sender }: SizeSigner) => sender.certificate.publicKey.keyObject

describe('signJws (RFC 7515)', () => {
  it.each(ALGORITHMS)('requirement 19: jose verifies it by %s, attached and detached', async (algorithm) => {
    const signer = signerBy(algorithm)
    const jws = signJws(message, signer, NOW)
    const { payload, protectedHeader } = await compactVerify(jws, keyOf(signer))
    expect(Buffer.from(payload)).toEqual(Buffer.from(message.content))
    expect(protectedHeader).toMatchObject({ type: message.type, aud: message.destination, iat: SECONDS })
    const [header = '', none, signature = ''] = detachJws(jws).split('.')
    expect(none).toBe('')
    const text = Buffer.from(message.content).toString('base64url')
    await flattenedVerify({ protected: header, payload: text, signature }, keyOf(signer))
    const other = Buffer.from(`${Buffer.from(message.content).toString()} `).toString('base64url')
    await expect(flattenedVerify({ protected: header, payload: other, signature }, keyOf(signer))).rejects.toThrow()
  })

  it('says what a message of signet says', () => {
    const signer = signerBy('p256')
    const { certificate } = signer.sender
    expect(decodeProtectedHeader(signJws(message, signer, NOW))).toEqual({
      alg: 'ES256',
      kid: Buffer.from(certificate.keyIdentifier, 'hex').toString('base64url'),
      'x5t#S256': Buffer.from(certificate.fingerprint, 'hex').toString('base64url'),
      type: message.type,
      aud: message.destination,
      jti: Buffer.from(messageIdOf(message)).toString('base64url'),
      iat: SECONDS,
      exp: SECONDS + 300,
    })
  })
})

describe('signCose (RFC 9052)', () => {
  // The library does not know ML-DSA.
  const known = ALGORITHMS.filter((algorithm) => !algorithm.startsWith('ml-dsa'))

  it.each(known)('requirement 19: cose verifies it by %s, attached and detached', async (algorithm) => {
    const signer = signerBy(algorithm)
    const attached = Sign1.decode(signCose(message, signer, NOW, 'attached'))
    expect(Buffer.from(attached.payload)).toEqual(Buffer.from(message.content))
    await attached.verify(keyOf(signer))
    const detached = Sign1.decode(signCose(message, signer, NOW, 'detached'))
    await detached.verify(keyOf(signer), { detachedPayload: message.content })
    const other = Buffer.concat([message.content, Buffer.from(' ')])
    await expect(detached.verify(keyOf(signer), { detachedPayload: other })).rejects.toThrow()
  })

  it('says what a message of signet says, all of it protected', () => {
    const signer = signerBy('p256')
    const { certificate } = signer.sender
    const { protectedHeaders, unprotectedHeaders } = Sign1.decode(signCose(message, signer, NOW, 'detached'))
    const headers: ReadonlyMap<number, unknown> = protectedHeaders
    expect([...headers.keys()]).toEqual([1, 4, 15, 34])
    expect(headers.get(1)).toBe(-7)
    expect(headers.get(4)).toEqual(Buffer.from(certificate.keyIdentifier, 'hex'))
    expect(headers.get(34)).toEqual([-16, Buffer.from(certificate.fingerprint, 'hex')])
    expect(headers.get(15)).toEqual(
      new Map<number | string, unknown>([
        [3, message.destination],
        [4, SECONDS + 300],
        [6, SECONDS],
        [7, Buffer.from(messageIdOf(message))],
        ['type', message.type],
      ]),
    )
    expect(unprotectedHeaders.size).toBe(0)
  })
})
