import { beforeAll, describe, expect, it } from 'vitest'
import { encodeNull, OID } from '../../src/asn1/index.js'
import {
  examineSignedData,
  signData,
  type SignDataRequest,
  VerifiedSignedData,
  verifySignedData,
  type VerifySignedDataRequest,
} from '../../src/cms/index.js'
import { isSignetError } from '../../src/errors/index.js'
import { ValidatedPath, validatePath } from '../../src/path/index.js'
import { addSeconds, DAY } from '../../src/time/index.js'
import type { Crl } from '../../src/x509/index.js'
import { type Holder, keyFor, makeCertificate, makeCrl, NOT_AFTER, NOW, revoked } from '../support/certificates.js'
import {
  attribute,
  buildSignedData,
  buildSigner,
  type SignedDataParts,
  type SignerParts,
} from '../support/cms-builder.js'
import { expectCode } from '../support/expect-code.js'

const content = Buffer.from('content')
const root = makeCertificate({ subject: 'Root', ca: true })
const issuing = makeCertificate({ subject: 'Issuing', issuer: root, ca: true })
const purposes = [OID.kpEmailProtection]
const alice = makeCertificate({ subject: 'alice', issuer: issuing, purposes })
const bob = makeCertificate({ subject: 'bob', issuer: issuing, purposes })
const mallory = makeCertificate({ subject: 'mallory', purposes })

let crls: readonly Crl[]
beforeAll(async () => {
  crls = [await makeCrl({ issuer: root }), await makeCrl({ issuer: issuing })]
})

const sign = (changes: Partial<SignDataRequest> = {}): Promise<Uint8Array> =>
  signData(content, { signers: [alice], signingTime: NOW, ...changes })

const wanted = (changes: Partial<VerifySignedDataRequest> = {}): VerifySignedDataRequest => ({
  content,
  anchors: [root.certificate],
  certificates: [issuing.certificate, alice.certificate, bob.certificate],
  purpose: 'email',
  revocation: { crls },
  at: NOW,
  ...changes,
})

const own = (changes: Partial<VerifySignedDataRequest> = {}): VerifySignedDataRequest => {
  const { content: _, ...rest } = wanted(changes)
  return rest
}

describe('verifySignedData: who signed', () => {
  it('says who, by which path, and what', async () => {
    const verified = verifySignedData(await sign(), wanted())
    const [signer] = verified.signers
    expect(signer?.certificate.equals(alice.certificate)).toBe(true)
    expect(signer?.path.certificates.map((certificate) => certificate.subject.toString())).toEqual([
      'CN=alice',
      'CN=Issuing',
      'CN=Root',
    ])
    expect(signer?.path.revocation).toBe('checked')
    expect(verified.contentType).toBe(OID.data)
  })

  it('reports each of several signers, in the order of the document', async () => {
    const verified = verifySignedData(await sign({ signers: [alice, bob] }), wanted())
    expect(verified.signers.map((signer) => signer.certificate.subject.toString()).sort()).toEqual([
      'CN=alice',
      'CN=bob',
    ])
    const reversed = verifySignedData(await sign({ signers: [bob, alice] }), wanted())
    expect(reversed.signers).toHaveLength(2)
  })

  it.each([
    ['CN=alice first', 0],
    ['CN=bob first', 1],
  ])('refuses a document of which one signer of two is bad: %s', (_, bad) => {
    const holders = [alice, bob]
    const signers = holders.map((holder, index) =>
      buildSigner({
        content,
        holder,
        ...(index === bad ? { signature: (genuine) => Uint8Array.from(genuine).fill(7, 8, 12) } : {}),
      }),
    )
    for (const order of [signers, signers.toReversed()]) {
      const der = buildSignedData({ signers: order })
      expectCode('ERR_CMS_SIGNATURE', () => verifySignedData(der, wanted()))
      const { outcomes } = examineSignedData(der, wanted())
      expect(outcomes.map((outcome) => outcome.verified).sort()).toEqual([false, true])
    }
  })

  it('refuses a second signer who is unknown, although the first is good', () => {
    const signers = [alice, mallory].map((holder) => buildSigner({ content, holder }))
    for (const order of [signers, signers.toReversed()]) {
      expectCode('ERR_CMS_SIGNER_UNKNOWN', () => verifySignedData(buildSignedData({ signers: order }), wanted()))
    }
  })

  it('refuses a second signer without signed attributes, although the first has them', () => {
    const signers = [buildSigner({ content, holder: alice }), buildSigner({ content, holder: bob, attributes: 'none' })]
    expectCode('ERR_CMS_SIGNED_ATTRIBUTES', () => verifySignedData(buildSignedData({ signers }), wanted()))
  })

  it('refuses a document that nobody signed', () => {
    expectCode('ERR_CMS_NO_SIGNERS', () => verifySignedData(buildSignedData({ signers: [] }), wanted()))
    const bundle = buildSignedData({ signers: [], eContent: content, certificates: [alice.certificate.der] })
    expectCode('ERR_CMS_NO_SIGNERS', () => verifySignedData(bundle, own()))
  })

  it('does not know a signer whose certificate nobody gave', async () => {
    const der = await sign()
    const error = expectCode('ERR_CMS_SIGNER_UNKNOWN', () =>
      verifySignedData(der, wanted({ certificates: [issuing.certificate] })),
    )
    expect(error.message).toContain('key identifier')
  })

  it('requirement 35: does not guess between two certificates that fit', async () => {
    const twin = makeCertificate({ subject: 'twin', issuer: issuing, key: alice.key, purposes })
    const certificates = [issuing.certificate, alice.certificate, twin.certificate]
    const der = await sign()
    expectCode('ERR_CMS_SIGNER_AMBIGUOUS', () => verifySignedData(der, wanted({ certificates })))
    const again = [issuing.certificate, alice.certificate, alice.certificate]
    expect(verifySignedData(der, wanted({ certificates: again })).signers).toHaveLength(1)
  })
})

describe('verifySignedData: whom to believe', () => {
  const selfContained: Partial<SignDataRequest> = { certificates: [alice.certificate, issuing.certificate] }

  it('takes certificates from the document as candidates', async () => {
    expect(verifySignedData(await sign(selfContained), wanted({ certificates: [] })).signers).toHaveLength(1)
  })

  it('never believes a root that the document brings', async () => {
    const der = await sign({ signers: [mallory], certificates: [mallory.certificate] })
    expectCode('ERR_PATH_NOT_FOUND', () => verifySignedData(der, wanted()))
  })

  it('never believes a CA that the document brings, whatever it is called', async () => {
    const fakeRoot = makeCertificate({ subject: 'Root', ca: true, key: keyFor('fake root') })
    const fakeIssuing = makeCertificate({ subject: 'Issuing', issuer: fakeRoot, ca: true, key: keyFor('fake issuing') })
    const fake = makeCertificate({ subject: 'alice', issuer: fakeIssuing, purposes, key: keyFor('fake alice') })
    const bag = [fake, fakeIssuing, fakeRoot].map((holder) => holder.certificate)
    const der = await sign({ signers: [fake], certificates: bag })
    expectCode('ERR_PATH_NOT_FOUND', () => verifySignedData(der, wanted()))
  })

  it('uses no CRL that the document brings', async () => {
    const { der: crlDer } = await makeCrl({ issuer: issuing })
    const der = buildSignedData({
      signers: [buildSigner({ content, holder: alice })],
      crls: [crlDer],
    })
    const [rootCrl] = crls
    expectCode('ERR_REVOCATION_UNKNOWN', () =>
      verifySignedData(der, wanted({ revocation: { crls: rootCrl === undefined ? [] : [rootCrl] } })),
    )
  })

  it('finds the same signer whatever else is in the document', async () => {
    const strangers = [bob, mallory, root].map((holder) => holder.certificate)
    for (const extra of [strangers, strangers.toReversed()]) {
      const der = await sign({ certificates: [...extra, alice.certificate, issuing.certificate] })
      const verified = verifySignedData(der, wanted({ certificates: [] }))
      expect(verified.signers.map((signer) => signer.certificate.subject.toString())).toEqual(['CN=alice'])
    }
  })

  it('refuses a document with something in its certificates that is none', () => {
    const der = buildSignedData({
      signers: [buildSigner({ content, holder: alice })],
      certificates: [encodeNull()],
      version: 3,
    })
    expectCode('ERR_CMS_MALFORMED', () => verifySignedData(der, wanted()))
    const broken = buildSignedData({
      signers: [buildSigner({ content, holder: alice })],
      certificates: [alice.certificate.der.subarray(0, 4)],
    })
    expectCode('ERR_DER_TRUNCATED', () => verifySignedData(broken, wanted()))
  })

  it('refuses to believe anybody without an anchor', async () => {
    const der = await sign()
    expectCode('ERR_TRUST_NO_ANCHOR', () => verifySignedData(der, wanted({ anchors: [] })))
  })

  it('judges the path at the time given, whatever signingTime says', async () => {
    const der = await sign({ signingTime: NOW })
    const later = addSeconds(NOT_AFTER, DAY)
    expectCode('ERR_PATH_EXPIRED', () => verifySignedData(der, wanted({ at: later, revocation: 'allow-unchecked' })))
    const back = await sign({ signingTime: addSeconds(NOW, -40 * DAY) })
    expect(verifySignedData(back, wanted()).signers).toHaveLength(1)
  })

  it('wants the purpose that is asked for', async () => {
    const der = await sign()
    expectCode('ERR_PATH_PURPOSE', () => verifySignedData(der, wanted({ purpose: 'message-signing' })))
  })

  it('refuses a signer who is revoked', async () => {
    const der = await sign()
    const list = await makeCrl({ issuer: issuing, revoked: [revoked(alice.certificate.serialNumber, 'keyCompromise')] })
    expectCode('ERR_REVOKED', () => verifySignedData(der, wanted({ revocation: { crls: [...crls, list] } })))
  })

  it('wants the content type that is asked for', async () => {
    const der = await sign()
    expect(verifySignedData(der, wanted({ contentType: OID.data })).contentType).toBe(OID.data)
    expectCode('ERR_CMS_CONTENT_TYPE', () => verifySignedData(der, wanted({ contentType: OID.signetMessage })))
  })
})

describe('verifySignedData: content', () => {
  it('refuses a detached document without its content, and one with content of its own beside the one given', async () => {
    const detached = await sign()
    const attached = await sign({ form: 'attached' })
    expectCode('ERR_CMS_CONTENT_MISSING', () => verifySignedData(detached, own()))
    expectCode('ERR_CMS_CONTENT_CONFLICT', () => verifySignedData(attached, wanted()))
    expectCode('ERR_CMS_CONTENT_CONFLICT', () => verifySignedData(attached, wanted({ content: Buffer.from('else') })))
    expect(verifySignedData(attached, own()).form).toBe('attached')
  })

  it.each<[string, Uint8Array]>([
    ['empty', new Uint8Array()],
    ['shorter', content.subarray(0, -1)],
    ['longer', Buffer.concat([content, Uint8Array.of(0)])],
    ['with other line endings', Buffer.from('content\r\n')],
  ])('refuses content that is %s', async (_, given) => {
    const der = await sign()
    expectCode('ERR_CMS_DIGEST_MISMATCH', () => verifySignedData(der, wanted({ content: given })))
  })

  it('hands out a copy: what becomes of the input afterwards changes nothing', async () => {
    const given = Buffer.from(content)
    const detached = verifySignedData(await sign(), wanted({ content: given }))
    given.fill(0)
    expect(Buffer.from(detached.content)).toEqual(content)
    const der = await sign({ form: 'attached' })
    const attached = verifySignedData(der, own())
    der.fill(0)
    expect(Buffer.from(attached.content)).toEqual(content)
  })
})

describe('examineSignedData', () => {
  it('says of each signer whether it verified, and of those that did not, why and who', () => {
    const signers = [alice, mallory].map((holder) => buildSigner({ content, holder }))
    const { outcomes } = examineSignedData(buildSignedData({ signers }), wanted())
    const good = outcomes.filter((outcome) => outcome.verified)
    const bad = outcomes.filter((outcome) => !outcome.verified)
    expect(good.map((outcome) => outcome.signer.certificate.subject.toString())).toEqual(['CN=alice'])
    expect(bad.map((outcome) => outcome.error.code)).toEqual(['ERR_CMS_SIGNER_UNKNOWN'])
    expect(bad[0]?.sid).toMatch(/^key identifier/)
  })

  it('is no proof: what it yields is no VerifiedSignedData', async () => {
    const examined = examineSignedData(await sign(), wanted())
    expect(examined).not.toBeInstanceOf(VerifiedSignedData)
    expectCode('ERR_CMS_NO_SIGNERS', () => examineSignedData(buildSignedData({ signers: [] }), wanted()))
  })

  it('lets a bug through instead of calling it a refusal', async () => {
    const der = await sign()
    const revocation = {
      get crls(): never {
        throw new TypeError('a bug')
      },
    }
    expect(() => examineSignedData(der, wanted({ revocation }))).toThrow(TypeError)
  })
})

describe('the proofs VerifiedSignedData and ValidatedPath', () => {
  it('cannot be made by others, as far as the compiler can tell', async () => {
    const verified = verifySignedData(await sign(), wanted())
    const [signer] = verified.signers
    if (signer === undefined) throw new Error('there is no signer')
    // @ts-expect-error -- the constructor is private
    const construct = (): VerifiedSignedData => new VerifiedSignedData(content, verified, verified.signers)
    // @ts-expect-error -- the constructor is private
    const constructPath = (): ValidatedPath => new ValidatedPath([alice.certificate], wanted())
    // @ts-expect-error -- an object of the same form is no proof
    const forged: VerifiedSignedData = { content, contentType: OID.data, form: 'attached', signers: verified.signers }
    // @ts-expect-error -- an object of the same form is no proof
    const forgedPath: ValidatedPath = { ...signer.path }
    expect([typeof construct, typeof constructPath, forged instanceof VerifiedSignedData]).toEqual([
      'function',
      'function',
      false,
    ])
    expect(forgedPath).not.toBeInstanceOf(ValidatedPath)
  })

  it('never says verified without a signer', () => {
    expectCode('ERR_INTERNAL', () => {
      const Forged = VerifiedSignedData as unknown as new (...fields: unknown[]) => VerifiedSignedData
      return new Forged(content, { eContentType: OID.data, eContent: undefined }, [])
    })
  })

  it('are frozen', async () => {
    const verified = verifySignedData(await sign(), wanted())
    expect(Object.isFrozen(verified)).toBe(true)
    expect(Object.isFrozen(verified.signers)).toBe(true)
    expect(Object.isFrozen(verified.signers[0])).toBe(true)
    const path = validatePath(alice.certificate, {
      anchors: [root.certificate],
      intermediates: [issuing.certificate],
      purpose: 'email',
      revocation: { crls },
      at: NOW,
    })
    expect(Object.isFrozen(path)).toBe(true)
    expect(Object.isFrozen(path.certificates)).toBe(true)
  })
})

describe('verifySignedData: what others may add to a document', () => {
  const document = (
    parts: Partial<SignerParts>,
    rest: Partial<SignedDataParts> = {},
    holder: Holder = alice,
  ): Uint8Array => buildSignedData({ signers: [buildSigner({ content, holder, ...parts })], ...rest })

  it('tolerates unsigned attributes of a stranger and reports none of them', () => {
    const der = document({ unsignedAttributes: [attribute(OID.counterSignature, encodeNull())] })
    const [signer] = verifySignedData(der, wanted()).signers
    expect(Object.keys(signer ?? {}).sort()).toEqual(
      [
        'certificate',
        'certificateBound',
        'digest',
        'messageDigest',
        'path',
        'signatureAlgorithm',
        'signingTime',
      ].sort(),
    )
  })

  it('reads PEM and BER of strangers with the same verdict', async () => {
    const der = Buffer.from(await sign())
    const ber = Buffer.concat([Uint8Array.of(0x30, 0x80), der.subarray(4), Uint8Array.of(0, 0)])
    expect(der[1]).toBe(0x82)
    expect(verifySignedData(ber, wanted()).signers).toHaveLength(1)
  })

  /** Turn every bit of a document; yield what was accepted nevertheless. */
  async function acceptedBits(
    identifier: 'subjectKeyIdentifier' | 'issuerAndSerialNumber',
  ): Promise<readonly number[]> {
    const der = Buffer.from(await sign({ signers: [{ ...alice, identifier }] }))
    const accepted: number[] = []
    for (let bit = 0; bit < der.length * 8; bit++) {
      const index = bit >> 3
      const original = der[index] ?? 0
      der[index] = original ^ (1 << (bit & 7))
      try {
        verifySignedData(der, wanted())
        accepted.push(bit)
      } catch (error) {
        if (!isSignetError(error)) throw error
        expect([3, 4]).toContain(error.exitCode)
      }
      der[index] = original
    }
    return accepted
  }

  it('accepts no document in which a bit was turned, although it would read BER', async () => {
    expect(await acceptedBits('subjectKeyIdentifier')).toEqual([])
  })

  it('accepts the name of an issuer in letters of the other case, which is the same name, and nothing else', async () => {
    const accepted = await acceptedBits('issuerAndSerialNumber')
    expect(accepted).toHaveLength('Issuing'.length)
    for (const bit of accepted) expect(bit & 7).toBe(5)
  })

  it('refuses BER in which a value ends after the one that holds it', async () => {
    const der = Buffer.from(await sign())
    const at = der.indexOf(Buffer.from('06092a864886f70d010904', 'hex')) - 1
    der[at] = (der[at] ?? 0) + 8
    expectCode('ERR_DER_TRAILING_DATA', () => verifySignedData(der, wanted()))
  })
})
