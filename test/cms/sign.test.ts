import { describe, expect, it } from 'vitest'
import { encodeInteger, encodeNull, OID } from '../../src/asn1/index.js'
import {
  type CmsSigner,
  parseSignedData,
  signData,
  type SignDataRequest,
  verifySignedData,
} from '../../src/cms/index.js'
import { type KeyAlgorithmName, KEY_ALGORITHMS, type SignatureAlgorithmName } from '../../src/crypto/index.js'
import { StoreError } from '../../src/errors/index.js'
import { encodeKeyUsage } from '../../src/x509/index.js'
import { type Holder, keyFor, makeCertificate, NOW } from '../support/certificates.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'

const content = Buffer.from('{"a":1}\r\nno line ending is changed\n')
const root = makeCertificate({ subject: 'Root', ca: true })
const alice = makeCertificate({ subject: 'alice', issuer: root })

const sign = (changes: Partial<SignDataRequest> = {}, over: Uint8Array = content): Promise<Uint8Array> =>
  signData(over, { signers: [alice], signingTime: NOW, ...changes })

const verify = (der: Uint8Array, holder: Holder, given?: Uint8Array): ReturnType<typeof verifySignedData> =>
  verifySignedData(der, {
    ...(given === undefined ? {} : { content: given }),
    anchors: [root.certificate],
    certificates: [holder.certificate],
    purpose: 'allow-any',
    revocation: 'allow-unchecked',
    at: NOW,
  })

describe('signData and verifySignedData: every form with every key', () => {
  const kinds: readonly (readonly [KeyAlgorithmName, SignatureAlgorithmName])[] = [
    ['p256', 'ecdsa-sha256'],
    ['p256', 'ecdsa-sha512'],
    ['p384', 'ecdsa-sha384'],
    ['ed25519', 'ed25519'],
    ['rsa2048', 'rsa-sha256'],
    ['rsa2048', 'rsa-sha512'],
    ['rsa2048', 'rsa-pss-sha256'],
    ['rsa2048', 'rsa-pss-sha384'],
    ['ml-dsa-44', 'ml-dsa-44'],
    ['ml-dsa-65', 'ml-dsa-65'],
    ['ml-dsa-87', 'ml-dsa-87'],
  ]
  const forms = ['detached', 'attached'] as const
  const identifiers = ['subjectKeyIdentifier', 'issuerAndSerialNumber'] as const
  const combinations = kinds.flatMap(([algorithm, signature]) =>
    forms.flatMap((form) => identifiers.map((identifier) => ({ algorithm, signature, form, identifier }))),
  )

  it.each(combinations)(
    'signs and verifies $form with $signature of $algorithm by $identifier',
    async ({ algorithm, signature, form, identifier }) => {
      const key = keyFor('everybody', algorithm, signature)
      const holder = makeCertificate({ subject: `holder of ${algorithm}`, issuer: root, key })
      const der = await sign({ signers: [{ key, certificate: holder.certificate, identifier }], form })
      const verified = verify(der, holder, form === 'detached' ? content : undefined)
      expect(Buffer.from(verified.content)).toEqual(content)
      expect(verified.form).toBe(form)
      expect(verified.contentType).toBe(OID.data)
      const [signer, second] = verified.signers
      expect(second).toBeUndefined()
      expect(signer?.certificate.fingerprint).toBe(holder.certificate.fingerprint)
      expect(signer?.signatureAlgorithm.name).toBe(signature)
      expect(signer?.signingTime).toEqual(NOW)
      expect(signer?.certificateBound).toBe(true)
      expect(parseSignedData(der).signerInfos[0]?.sid.kind).toBe(identifier)
      expect(parseSignedData(der).version).toBe(identifier === 'subjectKeyIdentifier' ? 3 : 1)
      const changed = Buffer.from(content)
      changed[0] = 0x5b
      if (form === 'detached') expectCode('ERR_CMS_DIGEST_MISMATCH', () => verify(der, holder, changed))
    },
  )

  it('digests the content with what the scheme prescribes (RFC 8419, RFC 9882)', () => {
    expect(KEY_ALGORITHMS.ed25519.cmsDigest).toBe('sha512')
    expect(KEY_ALGORITHMS['ml-dsa-44'].cmsDigest).toBe('sha512')
  })
})

describe('signData: what is written (RFC 5652 §5)', () => {
  it('leaves detached content out, and puts no certificates in unless told to', async () => {
    const signedData = parseSignedData(await sign())
    expect(signedData.eContent).toBeUndefined()
    expect(signedData.certificatesDer).toEqual([])
  })

  it('signs the octets as they are', async () => {
    const signedData = parseSignedData(await sign({ form: 'attached' }))
    expect(Buffer.from(signedData.eContent ?? [])).toEqual(content)
  })

  it('signs empty content, which is not missing content', async () => {
    const empty = new Uint8Array()
    const attached = await sign({ form: 'attached' }, empty)
    expect(verify(attached, alice).content).toHaveLength(0)
    expect(verify(attached, alice).form).toBe('attached')
    const detached = await sign({}, empty)
    expect(verify(detached, alice, empty).content).toHaveLength(0)
    expectCode('ERR_CMS_CONTENT_MISSING', () => verify(detached, alice))
    expectCode('ERR_CMS_CONTENT_CONFLICT', () => verify(attached, alice, empty))
  })

  it('puts each certificate in once', async () => {
    const certificates = [alice.certificate, root.certificate, alice.certificate]
    const signedData = parseSignedData(await sign({ certificates }))
    expect(signedData.certificatesDer).toHaveLength(2)
  })

  it('lists each digest once', async () => {
    const bob = makeCertificate({ subject: 'bob', issuer: root })
    const dave = makeCertificate({ subject: 'dave', issuer: root, algorithm: 'p384' })
    const signedData = parseSignedData(await sign({ signers: [alice, bob, dave] }))
    expect(signedData.digestAlgorithms.map((digest) => digest.oid)).toEqual([OID.sha256, OID.sha384])
  })

  it('is of version 3 with a content type of its own, or a key identifier, and of version 1 otherwise', async () => {
    const bySerial: CmsSigner = { ...alice, identifier: 'issuerAndSerialNumber' }
    expect(parseSignedData(await sign()).version).toBe(3)
    expect(parseSignedData(await sign({ signers: [bySerial] })).version).toBe(1)
    expect(parseSignedData(await sign({ signers: [bySerial], contentType: OID.signetMessage })).version).toBe(3)
    expect(parseSignedData(await sign({ signers: [bySerial, alice] })).version).toBe(3)
  })

  it('cuts signingTime to the second', async () => {
    const der = await sign({ signingTime: new Date(NOW.getTime() + 999) })
    expect(verify(der, alice, content).signers[0]?.signingTime).toEqual(NOW)
  })

  it('signs more attributes when told to', async () => {
    const der = await sign({ attributes: [['1.2.3.4', encodeInteger(5)]] })
    expect(parseSignedData(der).signerInfos[0]?.signedAttrs.get('1.2.3.4')).toEqual([encodeInteger(5)])
    expect(verify(der, alice, content).signers).toHaveLength(1)
  })
})

describe('signData: refusals', () => {
  it('refuses a key that is not the key of the certificate', async () => {
    await expectCodeAsync('ERR_KEY_CERT_MISMATCH', () =>
      sign({ signers: [{ key: keyFor('somebody else'), certificate: alice.certificate }] }),
    )
  })

  it('refuses to name a certificate by a key identifier that it does not have', async () => {
    const bare = makeCertificate({
      subject: 'bare',
      issuer: root,
      key: alice.key,
      extensionsDer: [encodeKeyUsage(['digitalSignature'])],
    })
    const error = await expectCodeAsync('ERR_KEY_CERT_MISMATCH', () => sign({ signers: [bare] }))
    expect(error.hint).toContain('serial number')
    const der = await sign({ signers: [{ ...bare, identifier: 'issuerAndSerialNumber' }] })
    expect(verify(der, bare, content).signers).toHaveLength(1)
  })

  it('makes no document that nobody signed', async () => {
    await expectCodeAsync('ERR_INTERNAL', () => sign({ signers: [] }))
  })

  it('refuses a time that is none rather than signing it', async () => {
    await expect(sign({ signingTime: new Date(NaN) })).rejects.toThrow()
  })

  it('hands on what the key says', async () => {
    const key = {
      publicKey: alice.key.publicKey,
      signatureAlgorithm: alice.key.signatureAlgorithm,
      sign: () => {
        throw new StoreError('ERR_KEY_PROVIDER', 'the token is not plugged in')
      },
    }
    await expectCodeAsync('ERR_KEY_PROVIDER', () => sign({ signers: [{ key, certificate: alice.certificate }] }))
  })

  it('refuses two attributes of one type when the document is read', async () => {
    const der = await sign({ attributes: [[OID.signingTime, encodeNull()]] })
    expectCode('ERR_CMS_ATTRIBUTE_DUPLICATE', () => parseSignedData(der))
  })
})
