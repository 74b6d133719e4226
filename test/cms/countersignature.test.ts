import { describe, expect, it } from 'vitest'
import { encodeObjectIdentifier, encodeOctetString, OID } from '../../src/asn1/index.js'
import {
  countersign,
  countersignaturesOf,
  parseSignedData,
  signData,
  type SignerInfo,
  verifyCountersignature,
  verifySigner,
  withCountersignature,
} from '../../src/cms/index.js'
import { keyFor, makeCertificate, NOW } from '../support/certificates.js'
import { attribute, buildSignedData, buildSigner } from '../support/cms-builder.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'

const content = Buffer.from('content')
const root = makeCertificate({ subject: 'Root', ca: true })
const alice = makeCertificate({ subject: 'Alice', issuer: root, key: keyFor('alice') })
const bob = makeCertificate({ subject: 'Bob', issuer: root, key: keyFor('bob', 'p384') })
const carol = makeCertificate({ subject: 'Carol', issuer: root, key: keyFor('carol', 'ed25519') })

const document = await signData(content, { signers: [alice], signingTime: NOW, form: 'attached' })
const claims = { signingTime: NOW }
const byBob = await countersign(signerOf(document).signature, bob, claims)
const twice = withCountersignature(document, byBob)
const byCarol = await countersign(only(countersignaturesOf(signerOf(twice))).signature, carol, claims)
const thrice = withCountersignature(twice, byCarol)

function signerOf(der: Uint8Array): SignerInfo {
  return only(parseSignedData(der).signerInfos)
}

function only<T>(items: readonly T[]): T {
  const [item, second] = items
  if (item === undefined || second !== undefined) throw new Error(`expected one, found ${items.length}`)
  return item
}

describe('countersignatures (RFC 5652 §11.4)', () => {
  it('are of a signature, or of a countersignature, and leave the rest of the document as it is', () => {
    const message = signerOf(thrice)
    const second = only(countersignaturesOf(message))
    const third = only(countersignaturesOf(second))
    expect(verifyCountersignature(message, second, bob.certificate)).toMatchObject({
      signingTime: NOW,
      certificateBound: true,
      digest: 'sha384',
    })
    expect(verifyCountersignature(second, third, carol.certificate).signingTime).toEqual(NOW)
    expect(countersignaturesOf(third)).toEqual([])
    expect(verifySigner(parseSignedData(thrice), message, content, alice.certificate).signingTime).toEqual(NOW)
    const without = ({ unsignedAttrs, ...rest }: SignerInfo): unknown => [rest, unsignedAttrs.size > 0]
    expect(without(message)).toEqual([expect.objectContaining(withoutAttributes(signerOf(document))), true])
    expect([...second.signedAttrs.keys()].sort()).toEqual(
      [OID.messageDigest, OID.signingTime, OID.signingCertificateV2].sort(),
    )
  })

  it('keep other unsigned attributes beside them', () => {
    const blob = attribute('1.2.3.4', encodeOctetString(content))
    const signer = buildSigner({ content, holder: alice, eContentType: OID.data, unsignedAttributes: [blob] })
    const extended = withCountersignature(buildSignedData({ signers: [signer], eContentType: OID.data }), byBob)
    expect([...signerOf(extended).unsignedAttrs.keys()].sort()).toEqual(['1.2.3.4', OID.counterSignature].sort())
  })

  it('MSG-14: of another signature, with another key, or with a content type, do not verify', async () => {
    const message = signerOf(twice)
    const second = only(countersignaturesOf(message))
    const other = signerOf(await signData(content, { signers: [alice], signingTime: NOW }))
    expectCode('ERR_CMS_DIGEST_MISMATCH', () => verifyCountersignature(other, second, bob.certificate))
    expectCode('ERR_CMS_ESS_MISMATCH', () => verifyCountersignature(message, second, carol.certificate))
    const typed = [[OID.contentType, encodeObjectIdentifier(OID.data)]] as const
    const odd = withCountersignature(
      document,
      await countersign(message.signature, bob, { ...claims, attributes: typed }),
    )
    expectCode('ERR_CMS_CONTENT_TYPE', () =>
      verifyCountersignature(message, only(countersignaturesOf(signerOf(odd))), bob.certificate),
    )
    // What was signed as a document is no countersignature, and the reverse.
    const asDocument = signerOf(await signData(message.signature, { signers: [bob], signingTime: NOW }))
    expectCode('ERR_CMS_CONTENT_TYPE', () => verifyCountersignature(message, asDocument, bob.certificate))
    const signedData = parseSignedData(buildSignedData({ signers: [byCarol], eContentType: OID.data }))
    expectCode('ERR_ALGORITHM_MISMATCH', () =>
      verifySigner(signedData, only(signedData.signerInfos), second.signature, carol.certificate),
    )
    const forSha384 = { ...signedData, digestAlgorithms: [only(signedData.signerInfos).digestAlgorithm] }
    expectCode('ERR_CMS_SIGNED_ATTRIBUTES', () =>
      verifySigner(forSha384, only(signedData.signerInfos), second.signature, carol.certificate),
    )
  })

  it('are refused where they are none, or nowhere to put', async () => {
    const empty = attribute(OID.counterSignature)
    const withEmpty = buildSignedData({
      signers: [buildSigner({ content, holder: alice, unsignedAttributes: [empty] })],
    })
    expectCode('ERR_CMS_ATTRIBUTE_MALFORMED', () => countersignaturesOf(signerOf(withEmpty)))
    const junk = attribute(OID.counterSignature, encodeOctetString(content))
    const withJunk = buildSignedData({ signers: [buildSigner({ content, holder: alice, unsignedAttributes: [junk] })] })
    expectCode('ERR_CMS_MALFORMED', () => countersignaturesOf(signerOf(withJunk)))
    const two = await signData(content, { signers: [alice, carol], signingTime: NOW })
    expectCode('ERR_CMS_SIGNER_COUNT', () => withCountersignature(two, byBob))
    await expectCodeAsync('ERR_KEY_CERT_MISMATCH', () =>
      countersign(signerOf(document).signature, { ...bob, certificate: carol.certificate }, claims),
    )
  })

  it('MSG-17: are as many as there is a limit', () => {
    let der = document
    for (let count = 0; count < 32; count++) der = withCountersignature(der, byBob)
    expectCode('ERR_LIMIT_EXCEEDED', () => withCountersignature(der, byBob))
  })
})

function withoutAttributes({ sid, signature, signedAttrsDer, version }: SignerInfo): Partial<SignerInfo> {
  return { sid, signature, signedAttrsDer: signedAttrsDer ?? new Uint8Array(), version }
}
