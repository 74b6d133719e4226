import { randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { OID } from '../../src/asn1/index.js'
import {
  abandonStaleIntents,
  answerOcsp,
  BACKDATE_SECONDS,
  issueCertificates,
  type IssuedCertificate,
  issueOwnCertificate,
  latestCrl,
  OCSP_VALIDITY_SECONDS,
  type OcspSigner,
  presignOcsp,
  PROFILES,
  revokeCertificates,
  setEntityState,
} from '../../src/authority/index.js'
import { generatePrivateKey, MemoryKeyProvider } from '../../src/crypto/index.js'
import { validatePath, verifyOcspResponse } from '../../src/path/index.js'
import { addSeconds, DAY, HOUR, MINUTE } from '../../src/time/index.js'
import {
  type Certificate,
  type CertIdDigest,
  certIdOf,
  type CertStatus,
  encodeOcspRequest,
  type OcspResponse,
  parseOcspRequest,
  type RevocationReason,
} from '../../src/x509/index.js'
import { type Holder, keyFor, makeCertificate, NOW } from '../support/certificates.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'
import { makeResponder } from '../support/ocsp.js'
import { makeTemplate, type TestAuthority } from '../support/test-authority.js'

vi.setConfig({ testTimeout: 60_000 })

const template = await makeTemplate()
const generate = { kind: 'generate', algorithm: 'p256' } as const

async function setUp(...entities: readonly string[]): Promise<TestAuthority> {
  const test = await template.open()
  for (const entity of entities) await test.register(entity)
  return test
}

async function issue(test: TestAuthority, entity = 'a', validitySeconds?: number): Promise<Certificate> {
  const [issued] = await issueCertificates(await test.issuing(), [
    { entity, profile: PROFILES.signer, key: generate, ...(validitySeconds === undefined ? {} : { validitySeconds }) },
  ])
  if (issued === undefined) throw new Error('one was asked for')
  return issued.certificate
}

const caOf = ({ authority, key }: TestAuthority): OcspSigner => ({ certificate: authority.issuing, key })

/** A responder of the authority. */
async function delegate(test: TestAuthority): Promise<OcspSigner> {
  const privateKey = generatePrivateKey('p256')
  const key = new MemoryKeyProvider(privateKey)
  const issued: IssuedCertificate = await issueOwnCertificate(await test.issuing(), 'ocsp-responder', key.publicKey)
  return { certificate: issued.certificate, key }
}

interface Asking {
  readonly issuer?: Certificate
  readonly digest?: CertIdDigest
  readonly signer?: OcspSigner
  readonly nonce?: Uint8Array
  readonly validitySeconds?: number
}

/** Ask the authority as a client does, with a request in DER. */
async function ask(test: TestAuthority, serials: readonly string[], asking: Asking = {}): Promise<OcspResponse> {
  const { issuer = test.authority.issuing, digest, nonce, validitySeconds } = asking
  const request = parseOcspRequest(
    encodeOcspRequest(
      serials.map((serial) => certIdOf(issuer, serial, digest)),
      nonce,
    ),
  )
  return answerOcsp(test.authority, request, asking.signer ?? caOf(test), test.clock.now(), validitySeconds)
}

async function statusOf(
  test: TestAuthority,
  serialNumber: string,
  asking: Asking = {},
): Promise<CertStatus | undefined> {
  return (await ask(test, [serialNumber], asking)).basic?.answers[0]?.status
}

const revoke = (
  test: TestAuthority,
  serialNumber: string,
  reason: RevocationReason = 'unspecified',
): Promise<unknown> =>
  revokeCertificates(test.authority, { kind: 'serialNumber', serialNumber }, reason, test.clock.now())

const setState = (test: TestAuthority, id: string, state: 'active' | 'quarantined' | 'retired'): Promise<unknown> =>
  setEntityState(test.authority, id, state, test.clock.now())

/** Plan a certificate and die, as a crash between the two commits does. */
async function reserve(test: TestAuthority, serialNumber: string): Promise<void> {
  await test.authority.store.transaction(async (transaction) => {
    await transaction.insertIntents([
      {
        serialNumber,
        entityId: 'a',
        profile: 'signer',
        tbsDigest: 'd',
        createdAt: test.clock.now().toISOString(),
        issuer: 1,
      },
    ])
  })
}

describe('answerOcsp: what is said of a certificate (RFC 6960 §2.2)', () => {
  it('REV-09: unknown for a serial number that was never used', async () => {
    const test = await setUp()
    for (const serialNumber of ['01', '7f'.repeat(20), randomBytes(19).toString('hex').replace(/^00/, '11')]) {
      expect(await statusOf(test, serialNumber)).toEqual({ kind: 'unknown' })
    }
  })

  it('REV-09: unknown for one that was planned and not issued, while it waits and after it was given up', async () => {
    const test = await setUp('a')
    const serialNumber = '4711'
    await reserve(test, serialNumber)
    expect(await statusOf(test, serialNumber)).toEqual({ kind: 'unknown' })
    test.clock.set(addSeconds(NOW, HOUR))
    await abandonStaleIntents(test.authority, test.clock.now())
    expect(await statusOf(test, serialNumber)).toEqual({ kind: 'unknown' })
    // It may have been signed: whoever finds it can have it revoked, and that is said.
    await revoke(test, serialNumber, 'keyCompromise')
    expect(await statusOf(test, serialNumber)).toEqual({
      kind: 'revoked',
      revocationDate: test.clock.now(),
      reason: 'keyCompromise',
    })
  })

  it('REV-09: good for what was issued: to an entity, and to the authority itself', async () => {
    const test = await setUp('a')
    const { serialNumber } = await issue(test)
    const { certificate: responder } = await delegate(test)
    for (const serial of [serialNumber, responder.serialNumber, test.authority.publisher.serialNumber]) {
      expect(await statusOf(test, serial)).toEqual({ kind: 'good' })
    }
  })

  it.each(['unspecified', 'keyCompromise', 'superseded', 'privilegeWithdrawn'] as const)(
    'REV-09: revoked for what was revoked, since then and for that: %s',
    async (reason) => {
      const test = await setUp('a')
      const [gone, good] = [await issue(test), await issue(test)]
      test.clock.set(addSeconds(NOW, MINUTE))
      await revoke(test, gone.serialNumber, reason)
      for (const later of [MINUTE, HOUR, 60 * DAY]) {
        test.clock.set(addSeconds(NOW, later))
        expect(await statusOf(test, gone.serialNumber)).toEqual({
          kind: 'revoked',
          revocationDate: addSeconds(NOW, MINUTE),
          reason,
        })
      }
      expect(await statusOf(test, good.serialNumber)).toEqual({ kind: 'good' })
    },
  )

  it('REV-09: an expired one stays what it was: good, or revoked', async () => {
    const test = await setUp('a')
    const [good, gone] = [await issue(test, 'a', HOUR), await issue(test, 'a', HOUR)]
    await revoke(test, gone.serialNumber)
    test.clock.set(addSeconds(NOW, DAY))
    expect(await statusOf(test, good.serialNumber)).toEqual({ kind: 'good' })
    expect(await statusOf(test, gone.serialNumber)).toMatchObject({ kind: 'revoked' })
  })

  it('REV-09: on hold while its entity is in quarantine, and good when it is released', async () => {
    const test = await setUp('a', 'b')
    const [held, other] = [await issue(test), await issue(test, 'b')]
    test.clock.set(addSeconds(NOW, MINUTE))
    await setState(test, 'a', 'quarantined')
    expect(await statusOf(test, held.serialNumber)).toEqual({
      kind: 'revoked',
      revocationDate: addSeconds(NOW, MINUTE),
      reason: 'certificateHold',
    })
    expect(await statusOf(test, other.serialNumber)).toEqual({ kind: 'good' })
    test.clock.set(addSeconds(NOW, HOUR))
    await setState(test, 'a', 'active')
    expect(await statusOf(test, held.serialNumber)).toEqual({ kind: 'good' })
    await setState(test, 'a', 'quarantined')
    expect(await statusOf(test, held.serialNumber)).toMatchObject({ revocationDate: addSeconds(NOW, HOUR) })
  })

  it('REV-09, REV-13: revoked in quarantine is revoked, also after a release', async () => {
    const test = await setUp('a')
    const { serialNumber } = await issue(test)
    await setState(test, 'a', 'quarantined')
    await revoke(test, serialNumber, 'keyCompromise')
    expect(await statusOf(test, serialNumber)).toMatchObject({ reason: 'keyCompromise' })
    await setState(test, 'a', 'active')
    expect(await statusOf(test, serialNumber)).toMatchObject({ reason: 'keyCompromise' })
  })

  it('REV-09: of an entity that retired', async () => {
    const test = await setUp('a')
    const { serialNumber } = await issue(test)
    await setState(test, 'a', 'retired')
    expect(await statusOf(test, serialNumber)).toMatchObject({ kind: 'revoked', reason: 'cessationOfOperation' })
  })

  it('REV-09: a revocation that is recorded is said, though the clock went back behind it a little', async () => {
    const test = await setUp('a', 'b')
    const [gone, held] = [await issue(test), await issue(test, 'b')]
    test.clock.set(addSeconds(NOW, MINUTE))
    await revoke(test, gone.serialNumber, 'keyCompromise')
    await setState(test, 'b', 'quarantined')
    // Less than what is called a wrong clock (ERR_CLOCK_SUSPECT).
    test.clock.set(addSeconds(NOW, 30))
    expect(await test.authority.now()).toEqual(addSeconds(NOW, 30))
    expect(await statusOf(test, held.serialNumber)).toMatchObject({ kind: 'revoked', reason: 'certificateHold' })
    expect(await statusOf(test, gone.serialNumber)).toMatchObject({ kind: 'revoked', reason: 'keyCompromise' })
  })

  it.each(['sha1', 'sha256', 'sha384', 'sha512'] as const)(
    'REV-01: whoever asks with %s is answered alike',
    async (digest) => {
      const test = await setUp('a')
      const { serialNumber } = await issue(test)
      const { basic } = await ask(test, [serialNumber], { digest })
      expect(basic?.answers[0]).toMatchObject({ status: { kind: 'good' }, id: { digest, serialNumber } })
      const id = certIdOf(test.authority.issuing, serialNumber, digest)
      expect(basic?.answers[0]?.id).toEqual(id)
    },
  )

  it('REV-09: unknown for a serial number under another CA: the root, a namesake, the same key by another name', async () => {
    const test = await setUp('a')
    const { serialNumber } = await issue(test)
    const { issuing, root } = test.authority
    const namesake = makeCertificate({ subject: issuing.subject, ca: true, key: keyFor('namesake') }).certificate
    const renamed = makeCertificate({
      subject: 'Other',
      ca: true,
      key: new MemoryKeyProvider(generatePrivateKey('p256')),
    }).certificate
    for (const issuer of [root, namesake, renamed]) {
      for (const serial of [serialNumber, issuing.serialNumber]) {
        expect(await statusOf(test, serial, { issuer })).toEqual({ kind: 'unknown' })
      }
    }
    // Its own certificate is not one that the issuing CA issued.
    expect(await statusOf(test, issuing.serialNumber)).toEqual({ kind: 'unknown' })
  })

  it('answers every question in its order, the same twice if asked twice', async () => {
    const test = await setUp('a')
    const [good, gone] = [await issue(test), await issue(test)]
    await revoke(test, gone.serialNumber)
    const serials = [gone.serialNumber, '01', good.serialNumber, gone.serialNumber]
    const { basic } = await ask(test, serials)
    expect(basic?.answers.map(({ id, status }) => [id.serialNumber, status.kind])).toEqual([
      [gone.serialNumber, 'revoked'],
      ['01', 'unknown'],
      [good.serialNumber, 'good'],
      [gone.serialNumber, 'revoked'],
    ])
    const many = await ask(
      test,
      Array.from({ length: 100 }, () => good.serialNumber),
    )
    expect(many.basic?.answers).toHaveLength(100)
  })
})

describe('answerOcsp: the response', () => {
  it('REV-03: is made now, begins a little before, and ends after a day, or when who asks for it says', async () => {
    const test = await setUp('a')
    const { serialNumber } = await issue(test)
    for (const validitySeconds of [undefined, HOUR, 7 * DAY]) {
      const { basic } = await ask(test, [serialNumber], validitySeconds === undefined ? {} : { validitySeconds })
      expect(basic?.producedAt).toEqual(NOW)
      expect(basic?.answers[0]?.thisUpdate).toEqual(addSeconds(NOW, -BACKDATE_SECONDS))
      expect(basic?.answers[0]?.nextUpdate).toEqual(addSeconds(NOW, validitySeconds ?? OCSP_VALIDITY_SECONDS))
    }
  })

  it('ends with the certificate of who signs, at the latest', async () => {
    const test = await setUp('a')
    const { serialNumber } = await issue(test)
    const signer = await delegate(test)
    test.clock.set(addSeconds(signer.certificate.notAfter, -HOUR))
    const { basic } = await ask(test, [serialNumber], { signer })
    expect(basic?.answers[0]?.nextUpdate).toEqual(signer.certificate.notAfter)
  })

  it.each([1, 16, 32, 128])('REV-03: repeats a nonce of %i octets, and makes none up', async (octets) => {
    const test = await setUp()
    const nonce = new Uint8Array(randomBytes(octets))
    expect((await ask(test, ['01'], { nonce })).basic?.nonce).toEqual(nonce)
    expect((await ask(test, ['01'])).basic?.nonce).toBeUndefined()
  })

  it('to something critical that is not understood is malformedRequest, and not signed', async () => {
    const test = await setUp()
    const request = {
      ...parseOcspRequest(encodeOcspRequest([certIdOf(test.authority.issuing, '01')])),
      unknownCritical: true,
    }
    const response = await answerOcsp(test.authority, request, caOf(test), NOW)
    expect(response).toMatchObject({ status: 'malformedRequest', basic: undefined })
  })

  it('is believed by who trusts the root: signed by the CA, or by its responder', async () => {
    const test = await setUp('a')
    const { authority } = test
    const [good, gone] = [await issue(test), await issue(test)]
    await revoke(test, gone.serialNumber)
    const rootCrl = await latestCrl(authority, authority.root)
    if (rootCrl === undefined) throw new Error('there is one')
    for (const signer of [caOf(test), await delegate(test)]) {
      const check = async (certificate: Certificate): Promise<unknown> =>
        validatePath(certificate, {
          anchors: authority.anchors,
          intermediates: [authority.issuing],
          at: NOW,
          purpose: 'message-signing',
          revocation: {
            crls: [rootCrl],
            ocspResponses: [await ask(test, [certificate.serialNumber], { signer })],
          },
        })
      await check(good)
      await expectCodeAsync('ERR_REVOKED', () => check(gone))
      const response = await ask(test, [good.serialNumber], { signer })
      expect(verifyOcspResponse(response, { issuer: authority.issuing, at: NOW }).equals(signer.certificate)).toBe(true)
      expect(response.basic?.certificates.length).toBe(signer.certificate.equals(authority.issuing) ? 0 : 1)
    }
  })

  it('changes nothing: the log is as it was', async () => {
    const test = await setUp('a')
    const { serialNumber } = await issue(test)
    const head = await test.authority.store.logHead()
    await ask(test, [serialNumber, '01'])
    await presignOcsp(test.authority, serialNumber, caOf(test), NOW)
    expect(await test.authority.store.logHead()).toEqual(head)
  })
})

describe('answerOcsp: who signs', () => {
  let test: TestAuthority
  beforeAll(async () => {
    test = await setUp('a')
  })
  const asSigner = ({ certificate, key }: Holder): OcspSigner => ({ certificate, key })
  const refusedBy = (signer: OcspSigner): Promise<unknown> =>
    expectCodeAsync('ERR_ISSUE_PROFILE', () => ask(test, ['01'], { signer }))

  it('REV-02: not a responder of another CA, and not another CA', async () => {
    const other = makeCertificate({ subject: 'Other', ca: true })
    await refusedBy(asSigner(other))
    await refusedBy(asSigner(makeResponder(other)))
    await refusedBy({ certificate: test.authority.root, key: keyFor('x') })
  })

  it('REV-02: not a responder of a CA that only has the name of this one', async () => {
    const { subject } = test.authority.issuing
    const namesake = makeCertificate({ subject, ca: true, key: keyFor('namesake') })
    await refusedBy(asSigner(makeResponder(namesake)))
  })

  it('REV-02: not a certificate of this CA that is for something else: nobody would believe it', async () => {
    const privateKey = generatePrivateKey('p256')
    const [issued] = await issueCertificates(await test.issuing(), [
      { entity: 'a', profile: PROFILES.signer, key: generate },
    ])
    if (issued?.privateKey === undefined) throw new Error('one was asked for')
    await refusedBy({ certificate: issued.certificate, key: new MemoryKeyProvider(issued.privateKey) })
    await refusedBy({ certificate: test.authority.publisher, key: new MemoryKeyProvider(privateKey) })
  })

  it('REV-02: not a responder whose life is over: its answers would end before they begin', async () => {
    const other = await setUp('a')
    const signer = await delegate(other)
    other.clock.set(addSeconds(signer.certificate.notAfter, MINUTE))
    await expectCodeAsync('ERR_ISSUE_PROFILE', () => ask(other, ['01'], { signer }))
  })

  it('REV-02: not a responder that is revoked', async () => {
    const other = await setUp('a')
    const signer = await delegate(other)
    await revoke(other, signer.certificate.serialNumber, 'keyCompromise')
    await expectCodeAsync('ERR_ISSUE_PROFILE', () => ask(other, ['01'], { signer }))
  })
})

describe('the profile ocsp-responder', () => {
  it('is for OCSP alone, for thirty days, and nobody need ask about it (RFC 6960 §4.2.2.2.1)', async () => {
    const test = await setUp()
    const { certificate } = await delegate(test)
    expect([...(certificate.extKeyUsage ?? [])]).toEqual([OID.kpOcspSigning])
    expect([...(certificate.keyUsage ?? [])]).toEqual(['digitalSignature'])
    expect(certificate.extensions.get(OID.ocspNoCheck)).toMatchObject({ critical: false })
    expect(certificate.notAfter).toEqual(addSeconds(NOW, 30 * DAY))
    expect(certificate.basicConstraints?.ca).toBe(false)
  })

  it('CA-04: is issued to no entity, by no request', async () => {
    const test = await setUp('a')
    await expectCodeAsync('ERR_ISSUE_PROFILE', async () =>
      issueCertificates(await test.issuing(), [{ entity: 'a', profile: PROFILES['ocsp-responder'], key: generate }]),
    )
  })

  it('no other profile is exempt from being asked about', async () => {
    const test = await setUp('a')
    expect((await issue(test)).extensions.has(OID.ocspNoCheck)).toBe(false)
    expect(test.authority.publisher.extensions.has(OID.ocspNoCheck)).toBe(false)
    for (const { name, ocspNoCheck } of Object.values(PROFILES)) {
      expect([name, ocspNoCheck === true]).toEqual([name, name === 'ocsp-responder'])
    }
  })
})

describe('presignOcsp', () => {
  it('says beforehand what answerOcsp says, without a nonce', async () => {
    const test = await setUp('a', 'b')
    const [good, gone, held] = [await issue(test), await issue(test), await issue(test, 'b')]
    await revoke(test, gone.serialNumber, 'superseded')
    await setState(test, 'b', 'quarantined')
    for (const digest of ['sha1', 'sha256'] as const) {
      for (const serialNumber of [good.serialNumber, gone.serialNumber, held.serialNumber, '01']) {
        const asked = await ask(test, [serialNumber], { digest })
        const made = await presignOcsp(test.authority, serialNumber, caOf(test), NOW, { digest })
        expect(made.basic?.answers).toEqual(asked.basic?.answers)
        expect(made.basic?.nonce).toBeUndefined()
      }
    }
  })

  it('lasts as long as is wished', async () => {
    const test = await setUp('a')
    const { serialNumber } = await issue(test)
    const made = await presignOcsp(test.authority, serialNumber, await delegate(test), NOW, {
      validitySeconds: 7 * DAY,
    })
    expect(made.basic?.answers[0]?.nextUpdate).toEqual(addSeconds(NOW, 7 * DAY))
    expectCode('ERR_OCSP_NONCE', () =>
      verifyOcspResponse(made, { issuer: test.authority.issuing, at: NOW, nonce: Buffer.alloc(8, 1) }),
    )
  })
})
