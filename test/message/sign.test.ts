import { beforeAll, describe, expect, it } from 'vitest'
import { OID } from '../../src/asn1/index.js'
import { parseSignedData } from '../../src/cms/index.js'
import { signMessage, type SignMessageRequest } from '../../src/message/index.js'
import { DEFAULT_LIFETIME_SECONDS, MESSAGE_ID_OCTETS } from '../../src/message/sign.js'
import { keyFor, makeCertificate, NOW } from '../support/certificates.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { makeSender, makeWorld, type Sender, SIGNER_PURPOSES, type World } from '../support/messages.js'

const content = Buffer.from('{}')
let world: World
let alice: Sender
beforeAll(async () => {
  world = await makeWorld()
  alice = makeSender(world, { node: 'compute-07' })
})

const request = (changes: Partial<SignMessageRequest> = {}): SignMessageRequest => ({
  type: 'notify.test',
  destination: 'notifications',
  at: NOW,
  ...changes,
})

describe('signMessage', () => {
  it('writes a detached document of one signer, by key identifier, with the context and nothing unsigned', async () => {
    const { der, context } = await signMessage(content, alice, request())
    const signedData = parseSignedData(der)
    const [signer, second] = signedData.signerInfos
    expect(second).toBeUndefined()
    expect(signedData.eContentType).toBe(OID.signetMessage)
    expect(signedData.eContent).toBeUndefined()
    expect(signedData.certificatesDer).toEqual([])
    expect(signer?.sid.kind).toBe('subjectKeyIdentifier')
    expect(signer?.signedAttrs.has(OID.signetMessageContext)).toBe(true)
    expect(signer?.unsignedAttrs.size).toBe(0)
    expect(context.lifetimeSeconds).toBe(DEFAULT_LIFETIME_SECONDS)
    expect(context.messageId).toHaveLength(MESSAGE_ID_OCTETS)
    expect(context.source).toBeUndefined()
  })

  it('gives each message another id', async () => {
    const ids = new Set<string>()
    for (let count = 0; count < 50; count++) {
      const { context } = await signMessage(content, alice, request())
      ids.add(Buffer.from(context.messageId).toString('hex'))
    }
    expect(ids.size).toBe(50)
  })

  it('states the source when told to: the identity of the certificate', async () => {
    const { context } = await signMessage(content, alice, request({ source: 'stated' }))
    expect(context.source).toBe('spiffe://cloud.example/nova-compute/compute-07')
  })

  it('carries the content when told to', async () => {
    const { der } = await signMessage(content, alice, request({ form: 'attached' }))
    expect(Buffer.from(parseSignedData(der).eContent ?? [])).toEqual(content)
  })

  it.each<[string, Partial<SignMessageRequest>]>([
    ['a type that is none', { type: 'not a type' }],
    ['a pattern for a type', { type: 'notify.*' }],
    ['an empty destination', { destination: '' }],
    ['a lifetime of nothing', { lifetimeSeconds: 0 }],
    ['a lifetime over seven days', { lifetimeSeconds: 604_801 }],
    ['a message id of 7 octets', { messageId: Buffer.alloc(7) }],
    ['a route without steps', { route: [] }],
  ])('refuses %s', async (_, changes) => {
    await expectCodeAsync('ERR_CONFIG_INVALID', () => signMessage(content, alice, request(changes)))
  })

  it('refuses a certificate that carries no identity, or two', async () => {
    const nobody = makeSender(world, { node: 'nobody', names: [] })
    await expectCodeAsync('ERR_IDENTITY_INVALID', () => signMessage(content, nobody, request()))
    const [name] = alice.certificate.subjectAltName
    if (name === undefined) throw new Error('there is no name')
    const two = makeSender(world, { node: 'two', names: [name, { kind: 'uri', value: 'spiffe://cloud.example/a/b' }] })
    await expectCodeAsync('ERR_IDENTITY_INVALID', () => signMessage(content, two, request()))
  })

  it.each<[string, readonly string[]]>([
    ['without purposes', []],
    ['for TLS servers', [OID.kpServerAuth]],
    ['for any purpose', [OID.anyExtendedKeyUsage]],
    ['for e-mail alone', [OID.kpEmailProtection]],
  ])('refuses a certificate %s', async (_, purposes) => {
    const other = makeSender(world, { node: 'compute-07', purposes })
    await expectCodeAsync('ERR_ISSUE_PROFILE', () => signMessage(content, other, request()))
  })

  it('refuses a key that is not that of the certificate', async () => {
    const signer = { certificate: alice.certificate, key: keyFor('somebody else') }
    await expectCodeAsync('ERR_KEY_CERT_MISMATCH', () => signMessage(content, signer, request()))
  })

  it('signs with an expired certificate, which nobody will believe: who signs knows no time but its own', async () => {
    const { certificate, key } = makeCertificate({
      subject: 'old',
      issuer: world.issuing,
      purposes: SIGNER_PURPOSES,
      names: [{ kind: 'uri', value: 'spiffe://cloud.example/nova-compute/old' }],
      notAfter: NOW,
    })
    const { der } = await signMessage(content, { certificate, key }, request({ at: new Date('2028-01-01T00:00:00Z') }))
    expect(der.length).toBeGreaterThan(0)
  })
})
