/** A store that was put back from a backup, and what it published in between. */
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import {
  answerOcsp,
  issueCertificates,
  latestCrl,
  openRootBundle,
  PROFILES,
  publishCrl,
  publishDeltaCrl,
  publishRootCrl,
  recoverRevocations,
  revokeCertificates,
  setEntityState,
} from '../../src/authority/index.js'
import { verifyAudit } from '../../src/store/index.js'
import { addSeconds, DAY, HOUR, MINUTE } from '../../src/time/index.js'
import {
  type Certificate,
  certIdOf,
  type Crl,
  encodeOcspRequest,
  parseOcspRequest,
  type RevocationReason,
} from '../../src/x509/index.js'
import { keyFor, makeCertificate, makeCrl, NOW, revoked } from '../support/certificates.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { makeTemplate, openHome, PASSPHRASE, type TestAuthority } from '../support/test-authority.js'

vi.setConfig({ testTimeout: 60_000 })

const template = await makeTemplate()
const generate = { kind: 'generate', algorithm: 'p256' } as const

async function issue(test: TestAuthority, entity = 'a'): Promise<Certificate> {
  const [issued] = await issueCertificates(await test.issuing(), [{ entity, profile: PROFILES.signer, key: generate }])
  if (issued === undefined) throw new Error('one was asked for')
  return issued.certificate
}

const revoke = (test: TestAuthority, { serialNumber }: Certificate, reason: RevocationReason = 'keyCompromise') =>
  revokeCertificates(test.authority, { kind: 'serialNumber', serialNumber }, reason, test.clock.now())
const publish = (test: TestAuthority, ...found: readonly Crl[]): Promise<Crl> =>
  publishCrl(test.authority, test.key, test.clock.now(), { found })
const recover = (test: TestAuthority, crl: Crl) => recoverRevocations(test.authority, crl, test.clock.now())
const listed = (crl: Crl): Readonly<Record<string, string>> =>
  Object.fromEntries(crl.revokedCertificates.map((entry) => [entry.serialNumber, entry.reason]))

interface Loss {
  /** The authority as the backup has it, open. */
  readonly restored: TestAuthority
  /** Issued before the backup; what was revoked after it. */
  readonly known: Certificate
  /** Issued after the backup. */
  readonly unknown: Certificate
  /** Issued before, and put on hold after. */
  readonly held: Certificate
  /** What receivers have. */
  readonly published: Crl
}

/** Issue, back up, go on, revoke, publish, lose the disk, put the backup back. */
async function lose(): Promise<Loss> {
  const home = template.copyHome()
  const test = await openHome(home, template.keys)
  for (const id of ['a', 'b']) await test.register(id)
  const [known, held] = [await issue(test), await issue(test, 'b')]
  await test.authority.close()
  const backup = `${home}-backup`
  cpSync(home, backup, { recursive: true })

  const on = await openHome(home, template.keys, test.clock)
  on.clock.set(addSeconds(NOW, HOUR))
  const unknown = await issue(on)
  await revoke(on, known)
  await revoke(on, unknown, 'superseded')
  await setEntityState(on.authority, 'b', 'quarantined', on.clock.now())
  await publish(on)
  const published = await publish(on)
  await on.authority.close()

  rmSync(home, { recursive: true })
  cpSync(backup, home, { recursive: true })
  // Whoever puts an old store back on purpose removes the head that says what it forgot.
  rmSync(join(home, 'store.head'), { force: true })
  const restored = await openHome(home, template.keys, on.clock)
  return { restored, known, unknown, held, published }
}

describe('recoverRevocations', () => {
  it('REV-05: a store that forgot publishes nothing over what others have', async () => {
    const { restored, published } = await lose()
    await expectCodeAsync('ERR_CRL_ROLLBACK', () => publish(restored, published))
    await restored.authority.close()
  })

  it('records what was revoked, of certificates that the store knows and that it does not', async () => {
    const { restored, known, unknown, published } = await lose()
    const { store } = restored.authority
    const recovered = await recover(restored, published)
    expect(Object.fromEntries(recovered.map((entry) => [entry.serialNumber, entry.reason]))).toEqual({
      [known.serialNumber]: 'keyCompromise',
      [unknown.serialNumber]: 'superseded',
    })
    expect((await store.certificate(known.serialNumber))?.revocation).toMatchObject({
      reason: 'keyCompromise',
      revokedAt: addSeconds(NOW, HOUR).toISOString(),
    })
    expect(await store.certificate(unknown.serialNumber)).toBeUndefined()
    expect(await store.abandonedIntent(unknown.serialNumber)).toMatchObject({ profile: 'unknown', entityId: null })
    expect((await verifyAudit(store)).revocations).toBe(2)
    await restored.authority.close()
  })

  it('then goes on: the next CRL lists all of it, with a higher number, and OCSP says so, too', async () => {
    const { restored, known, unknown, held, published } = await lose()
    await recover(restored, published)
    const next = await publish(restored, published)
    expect(BigInt(`0x${next.crlNumber ?? '00'}`)).toBe(BigInt(`0x${published.crlNumber ?? '00'}`) + 1n)
    expect(listed(next)).toEqual({ [known.serialNumber]: 'keyCompromise', [unknown.serialNumber]: 'superseded' })
    const { authority, key } = restored
    const questions = [known, unknown, held].map(({ serialNumber }) => certIdOf(authority.issuing, serialNumber))
    const request = parseOcspRequest(encodeOcspRequest(questions))
    const { basic } = await answerOcsp(
      authority,
      request,
      { certificate: authority.issuing, key },
      restored.clock.now(),
    )
    expect(basic?.answers.map(({ status }) => status.kind)).toEqual(['revoked', 'revoked', 'good'])
    await authority.close()
  })

  it('is done once: the second time nothing is missing', async () => {
    const { restored, published } = await lose()
    expect(await recover(restored, published)).toHaveLength(2)
    const head = await restored.authority.store.logHead()
    expect(await recover(restored, published)).toEqual([])
    expect(await restored.authority.store.logHead()).toEqual(head)
    await restored.authority.close()
  })

  it('REV-13: what the store knows better stays: another reason or date in the CRL changes nothing', async () => {
    const { restored, known, published } = await lose()
    restored.clock.set(addSeconds(NOW, 2 * HOUR))
    await revoke(restored, known, 'privilegeWithdrawn')
    await recover(restored, published)
    expect((await restored.authority.store.certificate(known.serialNumber))?.revocation).toMatchObject({
      reason: 'privilegeWithdrawn',
      revokedAt: addSeconds(NOW, 2 * HOUR).toISOString(),
    })
    await restored.authority.close()
  })

  it('records no hold: those are of entities in quarantine', async () => {
    const { restored, held, published } = await lose()
    expect(listed(published)[held.serialNumber]).toBe('certificateHold')
    await recover(restored, published)
    const { store } = restored.authority
    expect((await store.certificate(held.serialNumber))?.revocation).toBeUndefined()
    expect((await store.entity('b'))?.state).toBe('active')
    await restored.authority.close()
  })

  it('takes a delta, too, and nothing that it removes', async () => {
    const test = await template.open()
    for (const id of ['a', 'b']) await test.register(id)
    const [gone, lifted] = [await issue(test), await issue(test, 'b')]
    await setEntityState(test.authority, 'b', 'quarantined', NOW)
    await publish(test)
    await setEntityState(test.authority, 'b', 'active', NOW)
    await revoke(test, gone)
    const crl = await publishDeltaCrl(test.authority, test.key, NOW)
    expect(listed(crl)).toEqual({ [gone.serialNumber]: 'keyCompromise', [lifted.serialNumber]: 'removeFromCRL' })
    const forgetful = await template.open()
    expect(await recover(forgetful, crl)).toMatchObject([{ serialNumber: gone.serialNumber }])
  })

  it('can be planned for: one that was under way when the backup was made', async () => {
    // The backup has the intent to issue it; it was issued and revoked afterwards.
    const test = await template.open()
    await test.authority.store.transaction(async (transaction) => {
      await transaction.insertIntents([
        {
          serialNumber: '4711',
          entityId: null,
          profile: 'signer',
          tbsDigest: 'd',
          createdAt: NOW.toISOString(),
          issuer: 1,
        },
      ])
      await transaction.log(NOW, 'certificate.intended', { serialNumber: '4711' })
    })
    const { authority, key } = test
    const holder = { certificate: authority.issuing, key: template.keys.key }
    const crl = await makeCrl({ issuer: holder, crlNumber: 9, revoked: [revoked('4711', 'keyCompromise')] })
    expect(await recover(test, crl)).toMatchObject([{ serialNumber: '4711', reason: 'keyCompromise' }])
    expect(listed(await publishCrl(authority, key, addSeconds(NOW, MINUTE), { found: [crl] }))).toEqual({
      '4711': 'keyCompromise',
    })
  })

  it('all of it or none of it', async () => {
    const { restored, published } = await lose()
    const { store } = restored.authority
    const head = await store.logHead()
    const failing = {
      ...restored.authority,
      allIssuingCas: restored.authority.allIssuingCas,
      store: {
        transaction: (work: Parameters<typeof store.transaction>[0]) =>
          store.transaction(async (transaction) => {
            await work(transaction)
            throw new Error('the power went out')
          }),
      },
    }
    await expect(
      recoverRevocations(failing as unknown as typeof restored.authority, published, restored.clock.now()),
    ).rejects.toThrow('the power went out')
    expect(await store.logHead()).toEqual(head)
    expect(await store.revocations()).toEqual([])
    await restored.authority.close()
  })
})

describe('recoverRevocations: CRLs of others', () => {
  it('REV-07: another issuer, the root, another key of the same name, an altered list: none is believed', async () => {
    const test = await template.open()
    const { issuing } = test.authority
    const entries = [revoked('77', 'keyCompromise')]
    const head = await test.authority.store.logHead()
    const rootBundle = openRootBundle(template.made.rootDirectory, PASSPHRASE)
    const foreign = [
      await makeCrl({ issuer: makeCertificate({ subject: 'Other', ca: true }), revoked: entries }),
      await makeCrl({ issuer: makeCertificate({ subject: issuing.subject, ca: true }), revoked: entries }),
      await makeCrl({ issuer: { certificate: issuing, key: keyFor('thief') }, revoked: entries }),
      await publishRootCrl(test.authority, rootBundle.key, NOW),
    ]
    const [, , , ofRoot] = foreign
    const after = await test.authority.store.logHead()
    for (const crl of foreign) {
      const error = await expectCodeAsync('ERR_CRL_FOREIGN', () => recover(test, crl))
      expect(error.exitCode).toBe(5)
    }
    expect(ofRoot?.issuer.equals(test.authority.root.subject)).toBe(true)
    expect(await test.authority.store.logHead()).toEqual(after)
    expect(after).not.toEqual(head)
    expect(await test.authority.store.revocations()).toEqual([])
  })

  it('an old one of its own adds what it lists; it is no younger for that', async () => {
    const test = await template.open()
    const holder = { certificate: test.authority.issuing, key: template.keys.key }
    const old = await makeCrl({
      issuer: holder,
      crlNumber: 1,
      thisUpdate: addSeconds(NOW, -30 * DAY),
      nextUpdate: addSeconds(NOW, -20 * DAY),
      revoked: [revoked('77', 'keyCompromise')],
    })
    expect(await recover(test, old)).toHaveLength(1)
    expect((await latestCrl(test.authority, test.authority.issuing))?.crlNumber).toBe('01')
    expect(listed(await publish(test))).toEqual({ '77': 'keyCompromise' })
  })
})
