import { describe, expect, it } from 'vitest'
import { encodeContext, encodeInteger, encodeNull, encodeSequence, encodeTime, OID } from '../../src/asn1/index.js'
import { plainSignedData } from '../../src/cms/plain-signed-data.js'
import { parseAnySignedData, type SignedData } from '../../src/cms/signed-data.js'
import { digestIdentifierDer } from '../../src/crypto/index.js'
import { isSignetError } from '../../src/errors/index.js'
import { makeCertificate, NOW } from '../support/certificates.js'
import {
  algorithmIdentifier,
  attribute,
  buildSignedData,
  buildSigner,
  type SignerParts,
} from '../support/cms-builder.js'
import { allPaths, editDer } from '../support/der.js'

const content = Buffer.from('hello')
const alice = makeCertificate({ subject: 'alice' })
const signer = (parts: Partial<SignerParts> = {}): Uint8Array => buildSigner({ content, holder: alice, ...parts })
const message = buildSignedData({ signers: [signer()] })

/** What the strict reader makes of it; `undefined` where it refuses. */
function strictly(der: Uint8Array): SignedData | undefined {
  try {
    return parseAnySignedData(der)
  } catch (error) {
    if (isSignetError(error)) return undefined
    throw error
  }
}

/** Never another than the strict reader's; whatever that refuses is not plain. */
function expectSame(der: Uint8Array): boolean {
  // First the strict reader: of identifiers only those that it has met are plain.
  const strict = strictly(der)
  const plain = plainSignedData(der)
  if (plain !== undefined) expect(plain).toEqual(strict)
  return plain !== undefined
}

describe('plainSignedData', () => {
  it('reads a message as the strict reader does', () => {
    expect(expectSame(message)).toBe(true)
    expect(expectSame(Buffer.from(message))).toBe(true)
  })

  it.each([
    ['p384', 'sha384'],
    ['ed25519', 'sha512'],
    ['rsa2048', 'sha256'],
    ['ml-dsa-65', 'sha512'],
  ] as const)('reads a message that a key of the kind %s signed', (algorithm, digest) => {
    const holder = makeCertificate({ subject: 'bob', algorithm })
    expect(
      expectSame(
        buildSignedData({ signers: [signer({ holder, digest })], digestAlgorithms: [digestIdentifierDer(digest)] }),
      ),
    ).toBe(true)
  })

  it.each([
    ['content inside', buildSignedData({ eContent: content, signers: [signer()] })],
    ['a certificate', buildSignedData({ signers: [signer()], certificates: [alice.certificate.der] })],
    ['two signers', buildSignedData({ signers: [signer(), signer({ holder: makeCertificate({ subject: 'bob' }) })] })],
    ['no signer', buildSignedData({ signers: [] })],
    [
      'a signer by issuer and serial number',
      buildSignedData({ signers: [signer({ identifier: 'issuerAndSerialNumber' })] }),
    ],
    [
      'an attribute that has no name here',
      buildSignedData({ signers: [signer({ moreAttributes: [attribute('1.2.3', encodeNull())] })] }),
    ],
    ['no signed attributes', buildSignedData({ signers: [signer({ attributes: 'none' })] })],
    [
      'an attribute of two values',
      buildSignedData({
        signers: [signer({ signingTime: attribute(OID.signingTime, encodeTime(NOW), encodeTime(new Date(0))) })],
      }),
    ],
    [
      'a value of another type',
      buildSignedData({ signers: [signer({ signingTime: attribute(OID.signingTime, encodeInteger(1)) })] }),
    ],
    ['an unknown digest', buildSignedData({ signers: [signer({ digestAlgorithmDer: algorithmIdentifier('1.2.3') })] })],
    ['something after it', Buffer.concat([message, encodeNull()])],
    ['nothing', new Uint8Array()],
    ['another document', encodeSequence(encodeContext(0))],
  ])('leaves %s to the strict reader', (_, der) => {
    strictly(der)
    expect(plainSignedData(der)).toBeUndefined()
  })

  it('reads nothing else than the strict reader, whichever bit is another', () => {
    let plain = 0
    for (let bit = 0; bit < message.length * 8; bit++) {
      const der = Uint8Array.from(message)
      der[bit >> 3] = (der[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      if (expectSame(der)) plain++
    }
    // Those of key identifier, digest, time, hash and signature.
    expect(plain).toBeGreaterThan(1000)
  })

  it('reads nothing else than the strict reader, whichever value is missing, twice there or empty', () => {
    for (const path of allPaths(message)) {
      expectSame(editDer(message, path, () => []))
      expectSame(editDer(message, path, (element) => [element, element]))
      expectSame(editDer(message, path, (element) => [Uint8Array.of(element[0] ?? 0, 0)]))
    }
  })

  it('reads nothing that is cut off', () => {
    for (let length = 0; length < message.length; length++) {
      expect(plainSignedData(message.subarray(0, length))).toBeUndefined()
    }
  })
})
