import { describe, expect, it } from 'vitest'
import {
  BACKDATE_SECONDS,
  CRL_VALIDITY_SECONDS,
  currentCrls,
  issueCertificates,
  type IssuedCertificate,
  latestCrl,
  openRootBundle,
  PROFILES,
  publishCrl,
  publishRootCrl,
  publishTrustDirectory,
  recoverRevocations,
  revokeCertificates,
  ROOT_CRL_VALIDITY_SECONDS,
  setEntityState,
} from '../../src/authority/index.js'
import { OID } from '../../src/asn1/index.js'
import type { EntityState } from '../../src/store/index.js'
import { verifyAudit } from '../../src/store/index.js'
import { validatePath } from '../../src/path/index.js'
import { addSeconds, DAY, HOUR } from '../../src/time/index.js'
import { openTrustDirectory } from '../../src/trust/index.js'
import { createCrl, type Crl, type RevocationReason } from '../../src/x509/index.js'
import { NOW } from '../support/certificates.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'
import { makeTemplate, PASSPHRASE, type TestAuthority } from '../support/test-authority.js'

const template = await makeTemplate()
const generate = { kind: 'generate', algorithm: 'p256' } as const
const rootBundle = openRootBundle(template.made.rootDirectory, PASSPHRASE)

async function setUp(...entities: readonly string[]): Promise<TestAuthority> {
  const test = await template.open()
  for (const entity of entities) await test.register(entity, { roles: ['worker'] })
  return test
}

async function issue(
  test: TestAuthority,
  entity = 'a',
  change: Partial<Parameters<typeof issueCertificates>[1][number]> = {},
): Promise<IssuedCertificate> {
  const [issued] = await issueCertificates(await test.issuing(), [
    { entity, profile: PROFILES.signer, key: generate, ...change },
  ])
  if (issued === undefined) throw new Error('one was asked for')
  return issued
}

const revoke = (
  test: TestAuthority,
  target: Parameters<typeof revokeCertificates>[1],
  reason: RevocationReason = 'unspecified',
): ReturnType<typeof revokeCertificates> => revokeCertificates(test.authority, target, reason, test.clock.now())

const reasonsOf = (crl: Crl | undefined): Record<string, string> =>
  Object.fromEntries((crl?.revokedCertificates ?? []).map((entry) => [entry.serialNumber, entry.reason]))

const newest = (test: TestAuthority): Promise<Crl> => publishCrl(test.authority, test.key, test.clock.now())

describe('revokeCertificates', () => {
  it('finds a certificate by serial number, key identifier, fingerprint and entity', async () => {
    const test = await setUp('a')
    const targets = [
      (item: IssuedCertificate) => ({ kind: 'serialNumber', serialNumber: item.certificate.serialNumber }) as const,
      (item: IssuedCertificate) => ({ kind: 'keyIdentifier', keyIdentifier: item.certificate.keyIdentifier }) as const,
      (item: IssuedCertificate) => ({ kind: 'fingerprint', fingerprint: item.certificate.fingerprint }) as const,
      () => ({ kind: 'entity', id: 'a' }) as const,
    ]
    for (const target of targets) {
      const issued = await issue(test)
      const { serialNumber } = issued.certificate
      expect(await revoke(test, target(issued), 'superseded')).toMatchObject([
        { serialNumber, entityId: 'a', profile: 'signer' },
      ])
      expect((await test.authority.store.certificate(serialNumber))?.revocation).toMatchObject({
        reason: 'superseded',
        revokedAt: NOW.toISOString(),
      })
      await expectCodeAsync('ERR_ALREADY_REVOKED', () => revoke(test, target(issued)))
    }
    await verifyAudit(test.authority.store)
  })

  it('of an entity, every certificate that is neither expired nor revoked', async () => {
    const test = await setUp('a', 'b')
    const short = await issue(test, 'a', { validitySeconds: HOUR })
    const gone = await issue(test)
    await revoke(test, { kind: 'serialNumber', serialNumber: gone.certificate.serialNumber }, 'keyCompromise')
    const good = [await issue(test), await issue(test, 'a', { profile: PROFILES.peer })]
    const other = await issue(test, 'b')
    test.clock.set(addSeconds(NOW, 2 * HOUR))
    const revoked = await revoke(test, { kind: 'entity', id: 'a' })
    expect(revoked.map((item) => item.serialNumber).sort()).toEqual(
      good.map((item) => item.certificate.serialNumber).sort(),
    )
    for (const item of [short, other]) {
      expect((await test.authority.store.certificate(item.certificate.serialNumber))?.revocation).toBeUndefined()
    }
    expect((await test.authority.store.certificate(gone.certificate.serialNumber))?.revocation?.reason).toBe(
      'keyCompromise',
    )
  })

  it('says so where there is nothing to revoke; that is never a success', async () => {
    const test = await setUp('a')
    const unknown = [
      { kind: 'serialNumber', serialNumber: '4f' },
      { kind: 'keyIdentifier', keyIdentifier: '4f' },
      { kind: 'fingerprint', fingerprint: '4f' },
      { kind: 'entity', id: 'a' },
    ] as const
    const before = await test.authority.store.logHead()
    for (const target of unknown) await expectCodeAsync('ERR_CERTIFICATE_UNKNOWN', () => revoke(test, target))
    await expectCodeAsync('ERR_ENTITY_UNKNOWN', () => revoke(test, { kind: 'entity', id: 'nobody' }))
    expect(await test.authority.store.logHead()).toEqual(before)
    await issue(test, 'a', { validitySeconds: HOUR })
    test.clock.set(addSeconds(NOW, 2 * HOUR))
    await expectCodeAsync('ERR_ALREADY_REVOKED', () => revoke(test, { kind: 'entity', id: 'a' }))
  })

  it('CA-05: does not take a part of a serial number, or another writing of it, for the whole', async () => {
    const test = await setUp('a')
    const { serialNumber } = (await issue(test)).certificate
    for (const text of [
      serialNumber.toUpperCase(),
      serialNumber.slice(1),
      `00${serialNumber}`,
      `${serialNumber}%`,
      '%',
      '',
    ]) {
      await expectCodeAsync('ERR_CERTIFICATE_UNKNOWN', () => revoke(test, { kind: 'serialNumber', serialNumber: text }))
    }
  })
})

describe('setEntityState', () => {
  const change = (test: TestAuthority, state: EntityState, id = 'a'): Promise<unknown> =>
    setEntityState(test.authority, id, state, test.clock.now())

  it.each([
    ['active', 'quarantined', true],
    ['active', 'retired', true],
    ['active', 'active', false],
    ['quarantined', 'active', true],
    ['quarantined', 'retired', true],
    ['quarantined', 'quarantined', false],
    ['retired', 'active', false],
    ['retired', 'quarantined', false],
    ['retired', 'retired', false],
  ] as const)('from %s to %s: %s', async (from, to, good) => {
    const test = await setUp('a')
    if (from !== 'active') await change(test, from)
    if (good) expect(await change(test, to)).toMatchObject({ id: 'a', state: to })
    else await expectCodeAsync('ERR_ENTITY_STATE', () => change(test, to))
    expect((await test.authority.store.entity('a'))?.state).toBe(good ? to : from)
    await verifyAudit(test.authority.store)
  })

  it('knows only who is registered', async () => {
    await expectCodeAsync('ERR_ENTITY_UNKNOWN', () => setUp('a').then((test) => change(test, 'retired', 'b')))
  })

  it('retiring revokes what is good, and nothing else', async () => {
    const test = await setUp('a', 'b')
    await issue(test, 'a', { validitySeconds: HOUR })
    const gone = await issue(test)
    await revoke(test, { kind: 'serialNumber', serialNumber: gone.certificate.serialNumber }, 'keyCompromise')
    const good = await issue(test)
    await issue(test, 'b')
    test.clock.set(addSeconds(NOW, 2 * HOUR))
    await change(test, 'retired')
    expect(reasonsOf(await newest(test))).toEqual({
      [gone.certificate.serialNumber]: 'keyCompromise',
      [good.certificate.serialNumber]: 'cessationOfOperation',
    })
  })
})

describe('CRLs of the authority', () => {
  it('are numbered 1, 2, 3 …, begin a little before now, and end after seven days', async () => {
    const test = await setUp()
    const first = await latestCrl(test.authority, test.authority.issuing)
    const numbers = [first?.crlNumber]
    for (let turn = 1; turn < 5; turn++) {
      test.clock.set(addSeconds(NOW, turn))
      const crl = await newest(test)
      numbers.push(crl.crlNumber)
      expect(crl.thisUpdate).toEqual(addSeconds(NOW, turn - BACKDATE_SECONDS))
      expect(crl.nextUpdate).toEqual(addSeconds(NOW, turn + CRL_VALIDITY_SECONDS))
      expect([...crl.extensions.keys()].sort()).toEqual([OID.authorityKeyIdentifier, OID.crlNumber].sort())
    }
    expect(numbers).toEqual(['01', '02', '03', '04', '05'])
  })

  it('are made anew when the store says something else, or half of their life is over, and else are not', async () => {
    const test = await setUp('a')
    const number = async (): Promise<string | undefined> => {
      const [crl] = await currentCrls(test.authority, test.key, test.clock.now())
      return crl?.crlNumber
    }
    expect(await number()).toBe('01')
    const { serialNumber } = (await issue(test)).certificate
    expect(await number()).toBe('01')
    await revoke(test, { kind: 'serialNumber', serialNumber })
    expect(await number()).toBe('02')
    expect(await number()).toBe('02')
    test.clock.set(addSeconds(NOW, (CRL_VALIDITY_SECONDS - BACKDATE_SECONDS) / 2 - 1))
    expect(await number()).toBe('02')
    test.clock.set(addSeconds(NOW, (CRL_VALIDITY_SECONDS - BACKDATE_SECONDS) / 2))
    expect(await number()).toBe('03')
  })

  it('hold what is quarantined, and let go what is released; a revocation stays', async () => {
    const test = await setUp('a', 'b')
    const [held, gone, other] = [await issue(test), await issue(test), await issue(test, 'b')]
    await setEntityState(test.authority, 'a', 'quarantined', NOW)
    const { serialNumber: h } = held.certificate
    const { serialNumber: g } = gone.certificate
    expect(reasonsOf(await newest(test))).toEqual({ [h]: 'certificateHold', [g]: 'certificateHold' })
    await revoke(test, { kind: 'serialNumber', serialNumber: g }, 'keyCompromise')
    expect(reasonsOf(await newest(test))).toEqual({ [h]: 'certificateHold', [g]: 'keyCompromise' })
    await setEntityState(test.authority, 'a', 'active', addSeconds(NOW, 1))
    test.clock.set(addSeconds(NOW, 1))
    expect(reasonsOf(await newest(test))).toEqual({ [g]: 'keyCompromise' })
    const crls = await currentCrls(test.authority, test.key, test.clock.now())
    const check = (item: IssuedCertificate): unknown =>
      validatePath(item.certificate, {
        anchors: test.authority.anchors,
        intermediates: [test.authority.issuing],
        at: addSeconds(NOW, 1),
        purpose: 'message-signing',
        revocation: { crls },
      })
    check(held)
    check(other)
    expectCode('ERR_REVOKED', () => check(gone))
  })

  it('a hold on a certificate that has expired is dropped', async () => {
    const test = await setUp('a')
    await issue(test, 'a', { validitySeconds: HOUR })
    await setEntityState(test.authority, 'a', 'quarantined', NOW)
    expect((await newest(test)).revokedCertificates).toHaveLength(1)
    test.clock.set(addSeconds(NOW, 2 * HOUR))
    expect((await newest(test)).revokedCertificates).toHaveLength(0)
  })

  it('REV-05, CA-13: one that would begin before the last one is refused', async () => {
    const test = await setUp()
    test.clock.set(addSeconds(NOW, DAY))
    await newest(test)
    test.clock.set(addSeconds(NOW, DAY - 1))
    const error = await expectCodeAsync('ERR_CRL_ROLLBACK', () => newest(test))
    expect(error.exitCode).toBe(7)
    test.clock.set(addSeconds(NOW, DAY))
    await newest(test)
  })

  it('REV-05: one that forgets a revocation that was published is refused', async () => {
    const test = await setUp('a')
    const { issuing } = test.authority
    const serialNumber = '77'
    const published = await createCrl(
      {
        issuer: issuing.subject,
        authorityKeyIdentifier: issuing.subjectKeyIdentifier ?? new Uint8Array(),
        crlNumber: 9,
        thisUpdate: addSeconds(NOW, -DAY),
        nextUpdate: addSeconds(NOW, DAY),
        revokedCertificates: [{ serialNumber, revocationDate: NOW, reason: 'unspecified' }],
      },
      test.key,
    )
    const publish = (): Promise<Crl> => publishCrl(test.authority, test.key, NOW, { found: [published] })
    const error = await expectCodeAsync('ERR_CRL_ROLLBACK', publish)
    expect(error.details['serialNumber']).toBe(serialNumber)
    expect((await latestCrl(test.authority, issuing))?.crlNumber).toBe('01')
    expect(await recoverRevocations(test.authority, published, NOW)).toEqual(published.revokedCertificates)
    expect((await publish()).crlNumber).toBe('0a')
  })

  it('CA-20: of several that are published at once each has a number of its own, and none fails', async () => {
    const test = await setUp('a')
    const { serialNumber } = (await issue(test)).certificate
    const crls = await Promise.all([
      newest(test),
      revoke(test, { kind: 'serialNumber', serialNumber }).then(() => newest(test)),
      newest(test),
      newest(test),
    ])
    expect(crls.map((crl) => crl.crlNumber).sort()).toEqual(['02', '03', '04', '05'])
    expect(reasonsOf(await newest(test))).toEqual({ [serialNumber]: 'unspecified' })
    await verifyAudit(test.authority.store)
  })

  it('of the root are made with the offline key, numbered apart, and end after a year', async () => {
    const test = await setUp()
    test.clock.set(addSeconds(NOW, DAY))
    const crl = await publishRootCrl(test.authority, rootBundle.key, test.clock.now())
    expect(crl.crlNumber).toBe('02')
    expect(crl.nextUpdate).toEqual(addSeconds(NOW, DAY + ROOT_CRL_VALIDITY_SECONDS))
    const [issuing, root] = await currentCrls(test.authority, test.key, test.clock.now())
    expect(issuing?.issuer.equals(test.authority.issuing.subject)).toBe(true)
    expect(root?.der).toEqual(crl.der)
  })

  it('end with their issuer at the latest', async () => {
    const test = await setUp()
    const end = test.authority.issuing.notAfter
    test.clock.set(addSeconds(end, -DAY))
    expect((await newest(test)).nextUpdate).toEqual(end)
  })
})

describe('publishTrustDirectory', () => {
  const publish = async (test: TestAuthority): Promise<Awaited<ReturnType<typeof publishTrustDirectory>>> => {
    const at = test.clock.now()
    return publishTrustDirectory(test.authority, test.publisherKey, await currentCrls(test.authority, test.key, at), at)
  }
  const entities = async (test: TestAuthority): Promise<string[]> =>
    (await publish(test)).directory.signers.map((signer) => signer.identity.entity).sort()

  it('has every good signer with identity and roles of now, and who reads it needs only the root', async () => {
    const test = await setUp('a', 'b', 'c')
    for (const entity of ['a', 'b']) await issue(test, entity)
    await issue(test, 'c', { profile: PROFILES.peer })
    const { der, directory } = await publish(test)
    expect(directory.signers.map((signer) => signer.identity.entity).sort()).toEqual(['a', 'b'])
    expect(directory.signers[0]?.identity.roles).toEqual(['worker'])
    const read = openTrustDirectory(der, { pin: test.authority.root.fingerprint, at: NOW, memory: 'allow-forgetting' })
    expect(read.sequence).toBe(1)
    expect(read.nextUpdate).toEqual(addSeconds(NOW, DAY))
  })

  it('counts on, whoever publishes at once', async () => {
    const test = await setUp()
    const published = await Promise.all([publish(test), publish(test), publish(test)])
    expect(published.map((item) => item.directory.sequence).sort()).toEqual([1, 2, 3])
    expect((await publish(test)).directory.sequence).toBe(4)
    await verifyAudit(test.authority.store)
  })

  it('leaves out who is revoked, expired, quarantined or retired, and takes back who is released', async () => {
    const test = await setUp('revoked', 'expired', 'quarantined', 'retired', 'good')
    for (const entity of ['revoked', 'quarantined', 'retired', 'good']) await issue(test, entity)
    await issue(test, 'expired', { validitySeconds: HOUR })
    expect(await entities(test)).toHaveLength(5)
    await revoke(test, { kind: 'entity', id: 'revoked' })
    await setEntityState(test.authority, 'quarantined', 'quarantined', NOW)
    await setEntityState(test.authority, 'retired', 'retired', NOW)
    test.clock.set(addSeconds(NOW, 2 * HOUR))
    expect(await entities(test)).toEqual(['good'])
    await setEntityState(test.authority, 'quarantined', 'active', test.clock.now())
    expect(await entities(test)).toEqual(['good', 'quarantined'])
  })

  it('ID-21: has nobody where the mapping maps nobody', async () => {
    const { writeFileSync } = await import('node:fs')
    const { join } = await import('node:path')
    const test = await setUp('a')
    await issue(test)
    writeFileSync(
      join(test.home, 'mapping.yaml'),
      `version: 1\ntrustDomain: cloud.example\nrules: [{ name: other, when: { issuerKey: ${'ab'.repeat(32)}, dns: a }, then: { entity: registered } }]\n`,
    )
    expect(await entities(test)).toEqual([])
    writeFileSync(join(test.home, 'mapping.yaml'), 'rules: []')
    await expectCodeAsync('ERR_MAPPING_INVALID', () => publish(test))
  })

  it('is not signed by another key than that of the publisher', async () => {
    const test = await setUp()
    const crls = await currentCrls(test.authority, test.key, NOW)
    await expect(publishTrustDirectory(test.authority, test.key, crls, NOW)).rejects.toMatchObject({
      name: expect.any(String) as string,
    })
  })
})
