import { describe, expect, it } from 'vitest'
import { encodeInteger, encodeSequence } from '../../src/asn1/index.js'
import { attachContent, detachContent, parseSignedData, signData } from '../../src/cms/index.js'
import { makeCertificate, NOW } from '../support/certificates.js'
import { expectCode } from '../support/expect-code.js'

const holder = makeCertificate({ subject: 'Signer' })
const content = Buffer.from('what was signed')
const sign = (form: 'attached' | 'detached', bytes: Uint8Array = content): Promise<Uint8Array> =>
  signData(bytes, { signers: [holder], signingTime: NOW, form, certificates: [holder.certificate] })
const attached = await sign('attached')

describe('detachContent and attachContent (RFC 5652 §5.2)', () => {
  it('take content out and put it back, octet by octet', () => {
    const detached = detachContent(attached)
    expect(parseSignedData(detached).eContent).toBeUndefined()
    expect(Buffer.from(attachContent(detached, [content]))).toEqual(Buffer.from(attached))
    expect(Buffer.from(attachContent(detached, [content.subarray(0, 4), content.subarray(4)]))).toEqual(
      Buffer.from(attached),
    )
  })

  it.each([0, 1, 120, 127, 128, 250, 65_530, 70_000])('do so with %i octets', async (length) => {
    const bytes = Buffer.alloc(length, 7)
    const whole = await sign('attached', bytes)
    expect(Buffer.from(attachContent(detachContent(whole), [bytes]))).toEqual(Buffer.from(whole))
  })

  it('leave alone what has no content, and replace what is there', async () => {
    const detached = await sign('detached')
    expect(Buffer.from(detachContent(detached))).toEqual(Buffer.from(detached))
    expect(parseSignedData(attachContent(attached, [Buffer.from('other')])).eContent).toEqual(
      new Uint8Array(Buffer.from('other')),
    )
  })

  it('refuse what is no SignedData', () => {
    for (const bytes of [Buffer.from('rubbish'), encodeSequence(encodeInteger(1))]) {
      expectCode('ERR_CMS_MALFORMED', () => detachContent(bytes))
      expectCode('ERR_CMS_MALFORMED', () => attachContent(bytes, [content]))
    }
    expectCode('ERR_DER_TRUNCATED', () => detachContent(attached.subarray(0, 40)))
  })
})
