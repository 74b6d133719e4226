/** A document within the surroundings of one before is, octet for octet, the one that is encoded alone. */
import { beforeEach, describe, expect, it } from 'vitest'
import { OID } from '../../src/asn1/index.js'
import { type CmsSigner, signData, type SignDataRequest, verifySignedData } from '../../src/cms/index.js'
import { addSeconds } from '../../src/time/index.js'
import { parseCertificate } from '../../src/x509/index.js'
import { keyFor, makeCertificate, NOW } from '../support/certificates.js'

const content = Buffer.from('content')
const holder = makeCertificate({ subject: 'Signer', key: keyFor('signer', 'ed25519') })

/** Certificates are told apart as objects: of this one nothing is known. */
const stranger = (): CmsSigner => ({ key: holder.key, certificate: parseCertificate(holder.certificate.der) })

const sign = async (signer: CmsSigner, changes: Partial<SignDataRequest> = {}): Promise<Buffer> =>
  Buffer.from(await signData(content, { signers: [signer], signingTime: NOW, ...changes }))

let signer: CmsSigner
beforeEach(async () => {
  signer = stranger()
  await sign(signer)
})

describe('signData: after a document of the same signer', () => {
  it.each<readonly [string, Partial<SignDataRequest>]>([
    ['the same again', {}],
    ['another time', { signingTime: addSeconds(NOW, 1) }],
    ['another content type', { contentType: OID.signetMessage }],
    ['its content inside', { form: 'attached' }],
    ['a certificate inside', { certificates: [holder.certificate] }],
    ['one more attribute', { attributes: [[OID.signetMessageContext, Buffer.from('0400', 'hex')]] }],
  ])('makes the same document with %s', async (_, changes) => {
    const anew = await sign(stranger(), changes)
    expect(await sign(signer, changes)).toEqual(anew)
    expect(await sign(signer, changes)).toEqual(anew)
    expect(await sign(signer)).toEqual(await sign(stranger()))
  })

  it('names the signer as it is told to', async () => {
    const named = (one: CmsSigner): CmsSigner => ({ ...one, identifier: 'issuerAndSerialNumber' })
    const anew = await sign(named(stranger()))
    expect(anew.equals(await sign(signer))).toBe(false)
    expect(await sign(named(signer))).toEqual(anew)
    expect(await sign(named(signer))).toEqual(anew)
  })

  it('fits signatures of each length, and forgets the oldest of many', async () => {
    const own = makeCertificate({ subject: 'Signer', key: keyFor('signer', 'p256') })
    for (let count = 0; count < 60; count++) {
      const attributes = [[OID.signetMessageContext, Buffer.from('0400', 'hex')]] as const
      const longer = [
        [OID.signetMessageContext, Buffer.concat([Buffer.from([4, count]), Buffer.alloc(count)])],
      ] as const
      for (const some of [attributes, longer]) {
        const der = await sign(own, { attributes: some })
        const request = { content, anchors: [own.certificate], purpose: 'allow-any', at: NOW } as const
        const { signers } = verifySignedData(der, { ...request, revocation: 'allow-unchecked' })
        expect(signers[0]?.certificate.equals(own.certificate)).toBe(true)
      }
    }
  })
})
