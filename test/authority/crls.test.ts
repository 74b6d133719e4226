/** Full and delta CRLs of the authority, as those who publish and those who receive them see them. */
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it, vi } from 'vitest'
import {
  BACKDATE_SECONDS,
  CRL_VALIDITY_SECONDS,
  currentCrls,
  DELTA_CRL_VALIDITY_SECONDS,
  issueCertificates,
  latestCrl,
  latestDeltaCrl,
  openRootBundle,
  PROFILES,
  publishCrl,
  publishDeltaCrl,
  publishRootCrl,
  revokeCertificates,
  setEntityState,
} from '../../src/authority/index.js'
import { OID } from '../../src/asn1/index.js'
import { validatePath } from '../../src/path/index.js'
import { verifyAudit } from '../../src/store/index.js'
import { addSeconds, DAY, HOUR, MINUTE } from '../../src/time/index.js'
import {
  type Certificate,
  createCrl,
  type Crl,
  type RevocationReason,
  type RevokedCertificate,
} from '../../src/x509/index.js'
import { makeCertificate, makeCrl, NOW } from '../support/certificates.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { makeTemplate, openHome, PASSPHRASE, type TestAuthority } from '../support/test-authority.js'
import { temporaryFolder } from '../support/temporary.js'

vi.setConfig({ testTimeout: 60_000 })

const template = await makeTemplate()
const generate = { kind: 'generate', algorithm: 'p256' } as const
const rootBundle = openRootBundle(template.made.rootDirectory, PASSPHRASE)

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

const revoke = (test: TestAuthority, { serialNumber }: Certificate, reason: RevocationReason = 'keyCompromise') =>
  revokeCertificates(test.authority, { kind: 'serialNumber', serialNumber }, reason, test.clock.now())
const setState = (test: TestAuthority, id: string, state: 'active' | 'quarantined' | 'retired') =>
  setEntityState(test.authority, id, state, test.clock.now())
const full = (test: TestAuthority, ...found: readonly Crl[]): Promise<Crl> =>
  publishCrl(test.authority, test.key, test.clock.now(), { found })
const delta = (test: TestAuthority, ...found: readonly Crl[]): Promise<Crl> =>
  publishDeltaCrl(test.authority, test.key, test.clock.now(), { found })
const later = (test: TestAuthority, seconds: number): void => {
  test.clock.set(addSeconds(test.clock.now(), seconds))
}

const numberOf = (crl: Crl | undefined): number => Number(BigInt(`0x${crl?.crlNumber ?? '00'}`))
const baseOf = (crl: Crl): number | undefined =>
  crl.baseCrlNumber === undefined ? undefined : Number(BigInt(`0x${crl.baseCrlNumber}`))
const listed = (crl: Crl): Readonly<Record<string, string>> =>
  Object.fromEntries(crl.revokedCertificates.map((entry) => [entry.serialNumber, entry.reason]))

/** What a receiver says who has the root and these CRLs: a code, or `good`. */
async function verdict(test: TestAuthority, certificate: Certificate, ...crls: readonly Crl[]): Promise<string> {
  const { authority } = test
  const rootCrl = await latestCrl(authority, authority.root)
  try {
    validatePath(certificate, {
      anchors: authority.anchors,
      intermediates: [authority.issuing],
      at: test.clock.now(),
      purpose: 'message-signing',
      revocation: { crls: [...crls, ...(rootCrl === undefined ? [] : [rootCrl])] },
    })
    return 'good'
  } catch (error) {
    return (error as { readonly code: string }).code
  }
}

/** A CRL that the authority signed and its store does not know. */
function forgotten(
  test: TestAuthority,
  crlNumber: number,
  revokedCertificates: readonly RevokedCertificate[],
  thisUpdate = addSeconds(NOW, -DAY),
): Promise<Crl> {
  const { issuing } = test.authority
  return createCrl(
    {
      issuer: issuing.subject,
      authorityKeyIdentifier: issuing.subjectKeyIdentifier ?? new Uint8Array(),
      crlNumber,
      thisUpdate,
      nextUpdate: addSeconds(NOW, DAY),
      revokedCertificates,
    },
    test.key,
  )
}

describe('delta CRLs (RFC 5280 §5.2.4)', () => {
  it('list what changed since the last full one, and say which that is', async () => {
    const test = await setUp('a')
    const [before, after, good] = [await issue(test), await issue(test), await issue(test)]
    await revoke(test, before)
    const base = await full(test)
    later(test, MINUTE)
    await revoke(test, after, 'superseded')
    const crl = await delta(test)
    expect(listed(base)).toEqual({ [before.serialNumber]: 'keyCompromise' })
    expect(listed(crl)).toEqual({ [after.serialNumber]: 'superseded' })
    expect(baseOf(crl)).toBe(numberOf(base))
    expect(crl.extensions.get(OID.deltaCrlIndicator)).toMatchObject({ critical: true })
    expect(crl.thisUpdate).toEqual(addSeconds(NOW, MINUTE - BACKDATE_SECONDS))
    expect(crl.nextUpdate).toEqual(addSeconds(NOW, MINUTE + DELTA_CRL_VALIDITY_SECONDS))
    for (const [certificate, wanted] of [
      [before, 'ERR_REVOKED'],
      [after, 'ERR_REVOKED'],
      [good, 'good'],
    ] as const) {
      expect(await verdict(test, certificate, base, crl)).toBe(wanted)
      expect(await verdict(test, certificate, crl, base)).toBe(wanted)
    }
    // Who has only the full one does not know yet; who has only the delta knows nothing of the rest.
    expect(await verdict(test, after, base)).toBe('good')
    expect(await verdict(test, good, crl)).toBe('ERR_REVOCATION_UNKNOWN')
    await verifyAudit(test.authority.store)
  })

  it('REV-05: share one sequence of numbers with the full ones', async () => {
    const test = await setUp()
    const numbers: number[] = []
    const bases: (number | undefined)[] = []
    for (const kind of ['full', 'delta', 'delta', 'full', 'full', 'delta', 'full', 'delta']) {
      later(test, 1)
      const crl = kind === 'full' ? await full(test) : await delta(test)
      numbers.push(numberOf(crl))
      bases.push(baseOf(crl))
    }
    expect(numbers).toEqual([2, 3, 4, 5, 6, 7, 8, 9])
    expect(bases).toEqual([undefined, 2, 2, undefined, undefined, 6, undefined, 8])
  })

  it('CA-20: of several that are made at once each has a number of its own', async () => {
    const test = await setUp()
    const crls = await Promise.all([full(test), delta(test), full(test), delta(test), delta(test)])
    expect(crls.map(numberOf).sort()).toEqual([2, 3, 4, 5, 6])
    for (const crl of crls) {
      const base = baseOf(crl)
      if (base !== undefined) expect(base).toBeLessThan(numberOf(crl))
    }
  })

  it('may be empty: nothing changed', async () => {
    const test = await setUp('a')
    const certificate = await issue(test)
    const base = await full(test)
    const crl = await delta(test)
    expect(crl.size).toBe(0)
    expect(await verdict(test, certificate, base, crl)).toBe('good')
  })

  it('repeat what changed in the delta before: each stands for itself', async () => {
    const test = await setUp('a')
    const [first, second] = [await issue(test), await issue(test)]
    const base = await full(test)
    await revoke(test, first)
    const one = await delta(test)
    later(test, HOUR)
    await revoke(test, second)
    const two = await delta(test)
    expect(Object.keys(listed(two)).sort()).toEqual([first.serialNumber, second.serialNumber].sort())
    for (const crls of [
      [base, two],
      [base, one, two],
      [two, one, base],
    ]) {
      expect(await verdict(test, first, ...crls)).toBe('ERR_REVOKED')
      expect(await verdict(test, second, ...crls)).toBe('ERR_REVOKED')
    }
  })

  it('REV-13: remove a hold that was lifted, and only that', async () => {
    const test = await setUp('a', 'b')
    const [held, gone] = [await issue(test), await issue(test, 'b')]
    await setState(test, 'a', 'quarantined')
    await revoke(test, gone)
    const base = await full(test)
    expect(listed(base)).toEqual({ [held.serialNumber]: 'certificateHold', [gone.serialNumber]: 'keyCompromise' })
    later(test, MINUTE)
    await setState(test, 'a', 'active')
    const crl = await delta(test)
    expect(listed(crl)).toEqual({ [held.serialNumber]: 'removeFromCRL' })
    expect(await verdict(test, held, base)).toBe('ERR_REVOKED')
    expect(await verdict(test, held, base, crl)).toBe('good')
    expect(await verdict(test, gone, base, crl)).toBe('ERR_REVOKED')
    // Full CRLs never say so: there it is absent.
    expect(listed(await full(test))).toEqual({ [gone.serialNumber]: 'keyCompromise' })
  })

  it('REV-13: a hold that began and ended between two full CRLs is removed, for who has the delta that told of it', async () => {
    const test = await setUp('a')
    const certificate = await issue(test)
    const base = await full(test)
    await setState(test, 'a', 'quarantined')
    const one = await delta(test)
    expect(listed(one)).toEqual({ [certificate.serialNumber]: 'certificateHold' })
    expect(await verdict(test, certificate, base, one)).toBe('ERR_REVOKED')
    later(test, MINUTE)
    await setState(test, 'a', 'active')
    const two = await delta(test)
    expect(listed(two)).toEqual({ [certificate.serialNumber]: 'removeFromCRL' })
    expect(await verdict(test, certificate, base, two)).toBe('good')
    expect(await verdict(test, certificate, base, one, two)).toBe('good')
  })

  it('REV-13: of two deltas of one full CRL the newer is the whole truth, in whichever order they come', async () => {
    const test = await setUp('a')
    const certificate = await issue(test)
    const base = await full(test)
    await setState(test, 'a', 'quarantined')
    const held = await delta(test)
    later(test, MINUTE)
    await setState(test, 'a', 'active')
    const released = await delta(test)
    for (const crls of [
      [base, held, released],
      [released, held, base],
    ]) {
      expect(await verdict(test, certificate, ...crls)).toBe('good')
    }
  })

  it('REV-13: held, released, held again: whoever has every delta still refuses', async () => {
    const test = await setUp('a')
    const certificate = await issue(test)
    await setState(test, 'a', 'quarantined')
    const base = await full(test)
    later(test, MINUTE)
    await setState(test, 'a', 'active')
    const released = await delta(test)
    later(test, MINUTE)
    await setState(test, 'a', 'quarantined')
    const again = await delta(test)
    expect(await verdict(test, certificate, base, released)).toBe('good')
    expect(await verdict(test, certificate, base, again)).toBe('ERR_REVOKED')
    for (const crls of [
      [base, released, again],
      [again, released, base],
    ]) {
      expect(await verdict(test, certificate, ...crls)).toBe('ERR_REVOKED')
    }
  })

  it('REV-05: made within one second, the one with the higher number is newer', async () => {
    const test = await setUp('a')
    const certificate = await issue(test)
    await setState(test, 'a', 'quarantined')
    const base = await full(test)
    await setState(test, 'a', 'active')
    const released = await delta(test)
    await setState(test, 'a', 'quarantined')
    await revoke(test, certificate)
    const gone = await delta(test)
    expect(released.thisUpdate).toEqual(gone.thisUpdate)
    for (const crls of [
      [base, released, gone],
      [base, gone, released],
    ]) {
      expect(await verdict(test, certificate, ...crls)).toBe('ERR_REVOKED')
    }
  })

  it('REV-13: a hold that becomes a revocation is a change', async () => {
    const test = await setUp('a')
    const certificate = await issue(test)
    await setState(test, 'a', 'quarantined')
    const base = await full(test)
    await revoke(test, certificate)
    later(test, MINUTE)
    await setState(test, 'a', 'active')
    const crl = await delta(test)
    expect(listed(crl)).toEqual({ [certificate.serialNumber]: 'keyCompromise' })
    expect(await verdict(test, certificate, base, crl)).toBe('ERR_REVOKED')
  })

  it('need a full one that is current', async () => {
    const test = await setUp()
    test.clock.set(addSeconds(NOW, CRL_VALIDITY_SECONDS))
    await delta(test)
    later(test, 1)
    const head = await test.authority.store.logHead()
    const error = await expectCodeAsync('ERR_CRL_NO_BASE', () => delta(test))
    expect(error.exitCode).toBe(7)
    expect(await test.authority.store.logHead()).toEqual(head)
    await full(test)
    await delta(test)
  })

  it('need a full one at all: a store without any makes none', async () => {
    const home = template.copyHome()
    const database = new DatabaseSync(join(home, 'store.db'))
    database.exec('delete from crl')
    database.close()
    const test = await openHome(home, template.keys)
    await expectCodeAsync('ERR_CRL_NO_BASE', () => delta(test))
    await test.authority.close()
  })

  it('end when they are told to, and with their issuer at the latest', async () => {
    const test = await setUp()
    const { authority, key, clock } = test
    const short = await publishDeltaCrl(authority, key, clock.now(), { validitySeconds: HOUR })
    expect(short.nextUpdate).toEqual(addSeconds(NOW, HOUR))
    const end = authority.issuing.notAfter
    clock.set(addSeconds(end, -HOUR))
    await full(test)
    expect((await delta(test)).nextUpdate).toEqual(end)
  })

  it('REV-05: are refused where the clock went back, or a revocation would be forgotten', async () => {
    const test = await setUp('a')
    later(test, DAY)
    await delta(test)
    later(test, -1)
    await expectCodeAsync('ERR_CRL_ROLLBACK', () => delta(test))
    await expectCodeAsync('ERR_CRL_ROLLBACK', () => full(test))
    later(test, 1)
    const entry = { serialNumber: '77', revocationDate: NOW, reason: 'keyCompromise' } as const
    const elsewhere = await forgotten(test, 9, [entry])
    await expectCodeAsync('ERR_CRL_ROLLBACK', () => delta(test, elsewhere))
  })

  it('are what latestDeltaCrl hands out, until a full one follows', async () => {
    const test = await setUp()
    const { authority } = test
    expect(await latestDeltaCrl(authority, authority.issuing)).toBeUndefined()
    const base = await full(test)
    const crl = await delta(test)
    expect((await latestDeltaCrl(authority, authority.issuing))?.der).toEqual(crl.der)
    expect((await latestCrl(authority, authority.issuing))?.der).toEqual(base.der)
    await full(test)
    expect(await latestDeltaCrl(authority, authority.issuing)).toBeUndefined()
  })

  it('of one CA do not count for another', async () => {
    const test = await setUp()
    const { authority } = test
    await delta(test)
    const root = await publishRootCrl(authority, rootBundle.key, test.clock.now())
    expect(numberOf(root)).toBe(2)
    expect(await latestDeltaCrl(authority, authority.root)).toBeUndefined()
    expect(numberOf(await delta(test))).toBe(3)
  })

  it('are no substitute for the full ones that issuing needs: currentCrls makes a new one', async () => {
    const test = await setUp('a')
    const certificate = await issue(test)
    await revoke(test, certificate)
    await delta(test)
    const crls = await currentCrls(test.authority, test.key, test.clock.now())
    expect(crls.map((crl) => [baseOf(crl), crl.size])).toEqual([
      [undefined, 1],
      [undefined, 0],
    ])
  })
})

describe('delta CRLs: as strangers see them', () => {
  it('REV-05: once a delta was seen that revokes, the older full CRL alone does not bring a certificate back', async () => {
    const test = await setUp('a')
    const certificate = await issue(test)
    const base = await full(test)
    await revoke(test, certificate)
    const crl = await delta(test)
    expect(await verdict(test, certificate, base, crl)).toBe('ERR_REVOKED')
    // The delta has ended, the full CRL has not: what it said is still true.
    later(test, DELTA_CRL_VALIDITY_SECONDS + MINUTE)
    expect(await verdict(test, certificate, base, crl)).toBe('ERR_REVOKED')
  })

  it('REV-13: a delta that has ended lifts no hold', async () => {
    const test = await setUp('a')
    const certificate = await issue(test)
    await setState(test, 'a', 'quarantined')
    const base = await full(test)
    await setState(test, 'a', 'active')
    const crl = await delta(test)
    expect(await verdict(test, certificate, base, crl)).toBe('good')
    later(test, DELTA_CRL_VALIDITY_SECONDS + MINUTE)
    expect(await verdict(test, certificate, base, crl)).toBe('ERR_REVOKED')
  })

  it('REV-13: a hold in a delta that has ended lasts while nothing newer lifts it', async () => {
    const test = await setUp('a')
    const certificate = await issue(test)
    const base = await full(test)
    await setState(test, 'a', 'quarantined')
    const held = await delta(test)
    later(test, DELTA_CRL_VALIDITY_SECONDS + MINUTE)
    expect(await verdict(test, certificate, base, held)).toBe('ERR_REVOKED')
    await setState(test, 'a', 'active')
    const lifted = await delta(test)
    expect(await verdict(test, certificate, base, held, lifted)).toBe('good')
    const newer = await full(test)
    expect(await verdict(test, certificate, newer, held)).toBe('good')
  })

  it('REV-13: of two full CRLs the newer says whether a hold lasts, and neither takes back a revocation', async () => {
    const test = await setUp('a', 'b')
    const [lifted, gone] = [await issue(test), await issue(test, 'b')]
    await setState(test, 'a', 'quarantined')
    await revoke(test, gone)
    const older = await full(test)
    later(test, MINUTE)
    await setState(test, 'a', 'active')
    const newer = await full(test)
    for (const crls of [
      [older, newer],
      [newer, older],
    ]) {
      expect(await verdict(test, lifted, ...crls)).toBe('good')
      expect(await verdict(test, gone, ...crls)).toBe('ERR_REVOKED')
    }
    await setState(test, 'a', 'quarantined')
    const again = await full(test)
    expect(await verdict(test, lifted, newer, again)).toBe('ERR_REVOKED')
    expect(await verdict(test, lifted, again, newer)).toBe('ERR_REVOKED')
  })

  it('a current delta keeps a full CRL that has ended going (RFC 5280 §5.2.4)', async () => {
    const test = await setUp('a')
    const certificate = await issue(test)
    const base = await full(test)
    later(test, CRL_VALIDITY_SECONDS - HOUR)
    const crl = await delta(test)
    later(test, 2 * HOUR)
    expect(await verdict(test, certificate, base)).toBe('ERR_REVOCATION_UNKNOWN')
    expect(await verdict(test, certificate, base, crl)).toBe('good')
  })

  it('a delta of a full CRL that nobody has changes nothing of an older one, and still revokes', async () => {
    const test = await setUp('a')
    const [certificate, good] = [await issue(test), await issue(test)]
    const old = await full(test)
    later(test, HOUR)
    await full(test)
    await revoke(test, certificate)
    const crl = await delta(test)
    expect(baseOf(crl)).toBeGreaterThan(numberOf(old))
    expect(await verdict(test, good, old, crl)).toBe('good')
    // Whoever signs CRLs for the CA says that it is revoked.
    expect(await verdict(test, certificate, old, crl)).toBe('ERR_REVOKED')
    expect(await verdict(test, certificate, crl)).not.toBe('good')
  })

  it('a delta from before the full CRL changes nothing of it', async () => {
    const test = await setUp('a')
    const certificate = await issue(test)
    await setState(test, 'a', 'quarantined')
    await full(test)
    await setState(test, 'a', 'active')
    const lifted = await delta(test)
    later(test, MINUTE)
    await setState(test, 'a', 'quarantined')
    const newer = await full(test)
    expect(await verdict(test, certificate, newer, lifted)).toBe('ERR_REVOKED')
    expect(await verdict(test, certificate, lifted, newer)).toBe('ERR_REVOKED')
  })

  const folder = temporaryFolder()
  const openssl = (...words: readonly string[]): string =>
    execFileSync('openssl', words, { cwd: folder, encoding: 'utf8', stdio: 'pipe', timeout: 30_000 })

  it('OpenSSL reads in them what we wrote, and verifies them', async () => {
    const test = await setUp('a', 'b')
    const [held, gone] = [await issue(test), await issue(test, 'b')]
    await setState(test, 'a', 'quarantined')
    const base = await full(test)
    later(test, MINUTE)
    await setState(test, 'a', 'active')
    await revoke(test, gone)
    const crl = await delta(test)
    writeFileSync(join(folder, 'delta.pem'), crl.toPem())
    writeFileSync(join(folder, 'issuing.pem'), test.authority.issuing.toPem())
    const text = openssl('crl', '-in', 'delta.pem', '-noout', '-text', '-CAfile', 'issuing.pem')
    expect(text).toMatch(new RegExp(`X509v3 CRL Number: *\n +${numberOf(crl)}\n`))
    expect(text).toMatch(new RegExp(`X509v3 Delta CRL Indicator: critical\n +${numberOf(base)}\n`))
    const entries = [...text.matchAll(/Serial Number: ([0-9A-F]+)[^]*?CRL Reason Code: *\n +(.+)/g)]
    expect(Object.fromEntries(entries.map(([, serial = '', reason]) => [serial.toLowerCase(), reason]))).toEqual({
      [held.serialNumber]: 'Remove From CRL',
      [gone.serialNumber]: 'Key Compromise',
    })
  })
})

describe('what was published elsewhere', () => {
  const entry = { serialNumber: '77', revocationDate: NOW, reason: 'keyCompromise' } as const

  it('REV-05: a revocation that others have and the store does not stops every publication', async () => {
    const test = await setUp()
    const found = await forgotten(test, 9, [entry])
    for (const publish of [full, delta]) {
      const error = await expectCodeAsync('ERR_CRL_ROLLBACK', () => publish(test, found))
      expect(error.details).toMatchObject({ serialNumber: '77' })
      expect(error.hint).toContain('signet crl recover')
    }
    expect(numberOf(await latestCrl(test.authority, test.authority.issuing))).toBe(1)
  })

  it('REV-05: numbers go on after the highest that others have', async () => {
    const test = await setUp()
    expect(numberOf(await full(test, await forgotten(test, 41, [])))).toBe(42)
    expect(numberOf(await delta(test))).toBe(43)
    expect(numberOf(await full(test, await forgotten(test, 7, [])))).toBe(44)
  })

  it('REV-05: one that begins later than now says that the clock is wrong', async () => {
    const test = await setUp()
    const found = await forgotten(test, 9, [], addSeconds(NOW, HOUR))
    await expectCodeAsync('ERR_CRL_ROLLBACK', () => full(test, found))
  })

  it('holds that others have may be lifted', async () => {
    const test = await setUp()
    const found = await forgotten(test, 9, [{ ...entry, reason: 'certificateHold' }])
    expect(numberOf(await full(test, found))).toBe(10)
  })

  it('REV-07: CRLs of others are passed over: another issuer, another key of the same name, an altered one', async () => {
    const test = await setUp()
    const { subject } = test.authority.issuing
    const other = await makeCrl({
      issuer: makeCertificate({ subject: 'Other', ca: true }),
      crlNumber: 900,
      revoked: [entry],
    })
    const forged = await makeCrl({ issuer: makeCertificate({ subject, ca: true }), crlNumber: 900, revoked: [entry] })
    const root = await publishRootCrl(test.authority, rootBundle.key, test.clock.now())
    expect(numberOf(await full(test, other, forged, root))).toBe(2)
  })

  it('of the root stops the root in the same way', async () => {
    const test = await setUp()
    const { root } = test.authority
    const found = await createCrl(
      {
        issuer: root.subject,
        authorityKeyIdentifier: root.subjectKeyIdentifier ?? new Uint8Array(),
        crlNumber: 5,
        thisUpdate: addSeconds(NOW, -DAY),
        nextUpdate: addSeconds(NOW, DAY),
        revokedCertificates: [entry],
      },
      rootBundle.key,
    )
    await expectCodeAsync('ERR_CRL_ROLLBACK', () =>
      publishRootCrl(test.authority, rootBundle.key, test.clock.now(), { found: [found] }),
    )
  })
})

describe('entries of certificates that have ended (RFC 5280 §3.3)', () => {
  it('REV-08: stay for one full CRL that is made after the end, and then leave', async () => {
    const test = await setUp('a')
    const short = await issue(test, 'a', HOUR)
    const long = await issue(test, 'a', 10 * DAY)
    await revoke(test, short)
    await revoke(test, long)
    const both = [short.serialNumber, long.serialNumber].sort()
    expect(Object.keys(listed(await full(test))).sort()).toEqual(both)
    test.clock.set(addSeconds(short.notAfter, BACKDATE_SECONDS))
    // It begins before the end, so it is not one that was made after.
    expect(Object.keys(listed(await full(test))).sort()).toEqual(both)
    test.clock.set(addSeconds(short.notAfter, DAY))
    expect(Object.keys(listed(await full(test))).sort()).toEqual(both)
    later(test, MINUTE)
    expect(Object.keys(listed(await full(test)))).toEqual([long.serialNumber])
    expect(Object.keys(listed(await full(test)))).toEqual([long.serialNumber])
    await verifyAudit(test.authority.store)
  })

  it('REV-08: a delta does not count for that: who has only full ones would not have seen it', async () => {
    const test = await setUp('a')
    const certificate = await issue(test, 'a', HOUR)
    await full(test)
    await revoke(test, certificate)
    test.clock.set(addSeconds(certificate.notAfter, DAY))
    expect(Object.keys(listed(await delta(test)))).toEqual([certificate.serialNumber])
    expect(Object.keys(listed(await delta(test)))).toEqual([certificate.serialNumber])
    expect(Object.keys(listed(await full(test)))).toEqual([certificate.serialNumber])
    expect(Object.keys(listed(await delta(test)))).toEqual([])
    expect(Object.keys(listed(await full(test)))).toEqual([])
  })

  it('REV-08: one that was revoked after its end is listed once, too', async () => {
    const test = await setUp('a')
    const certificate = await issue(test, 'a', HOUR)
    test.clock.set(addSeconds(certificate.notAfter, DAY))
    const before = await full(test)
    expect(before.size).toBe(0)
    await revoke(test, certificate)
    // The last full CRL was made after its end: nobody can rely on it any more.
    expect((await full(test)).size).toBeLessThanOrEqual(1)
    expect((await full(test)).size).toBe(0)
  })

  it('REV-05: a CRL that still lists one that left is no sign of a store that is too old', async () => {
    const test = await setUp('a')
    const certificate = await issue(test, 'a', HOUR)
    await revoke(test, certificate)
    const first = await full(test)
    test.clock.set(addSeconds(certificate.notAfter, DAY))
    const second = await full(test)
    expect((await full(test, first, second)).size).toBe(0)
  })

  it('REV-05: nor is a delta that was left lying where it was published', async () => {
    const test = await setUp('a')
    const certificate = await issue(test, 'a', HOUR)
    await full(test)
    await revoke(test, certificate)
    const left = await delta(test)
    await full(test, left)
    test.clock.set(addSeconds(certificate.notAfter, DAY))
    expect((await full(test, left)).size).toBe(1)
    later(test, DAY)
    expect((await full(test, left)).size).toBe(0)
  })

  it('REV-08: a hold that ends with its certificate leaves; in a delta it is removed', async () => {
    const test = await setUp('a')
    const certificate = await issue(test, 'a', HOUR)
    await setState(test, 'a', 'quarantined')
    await full(test)
    test.clock.set(addSeconds(certificate.notAfter, DAY))
    expect(listed(await delta(test))).toEqual({ [certificate.serialNumber]: 'removeFromCRL' })
    expect(listed(await full(test))).toEqual({})
  })

  it('REV-08: abandoned ones have no end that is known, and stay', async () => {
    const test = await setUp()
    await test.authority.store.transaction(async (transaction) => {
      const intent = { serialNumber: '4711', entityId: null, profile: 'signer', tbsDigest: 'd', issuer: 1 }
      await transaction.insertIntents([{ ...intent, createdAt: NOW.toISOString() }])
      await transaction.abandonIntents(['4711'])
    })
    await revokeCertificates(test.authority, { kind: 'serialNumber', serialNumber: '4711' }, 'keyCompromise', NOW)
    for (const days of [1, 100, 800]) {
      test.clock.set(addSeconds(NOW, days * DAY))
      expect(listed(await full(test))).toEqual({ '4711': 'keyCompromise' })
    }
  })
})

describe('a store of the schema before delta CRLs', () => {
  /** Take a home back to what the version before wrote. */
  function downgrade(home: string): void {
    const database = new DatabaseSync(join(home, 'store.db'))
    database.exec('alter table crl drop column baseNumber')
    database.exec("delete from kysely_migration where name > '0001-first'")
    database.exec("update setting set value = '0001-first' where name = 'schema'")
    database.close()
  }

  it('keeps its CRLs, as full ones, and goes on counting', async () => {
    const test = await setUp('a')
    const certificate = await issue(test)
    await revoke(test, certificate)
    const before = await full(test)
    await test.authority.close()
    downgrade(test.home)
    const again = await openHome(test.home, template.keys, test.clock)
    const { authority } = again
    expect((await latestCrl(authority, authority.issuing))?.der).toEqual(before.der)
    expect(await latestCrl(authority, authority.root)).toBeDefined()
    expect(await latestDeltaCrl(authority, authority.issuing)).toBeUndefined()
    later(again, MINUTE)
    const crl = await delta(again)
    expect([numberOf(crl), baseOf(crl)]).toEqual([numberOf(before) + 1, numberOf(before)])
    expect(listed(await full(again))).toEqual({ [certificate.serialNumber]: 'keyCompromise' })
    await verifyAudit(authority.store)
    await authority.close()
  })

  it('is brought up once, also when several open it at once', async () => {
    const home = template.copyHome()
    downgrade(home)
    const opened = await Promise.allSettled([1, 2, 3].map(() => openHome(home, template.keys)))
    for (const result of opened) {
      if (result.status === 'fulfilled') await result.value.authority.close()
    }
    expect(opened.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled'])
    const test = await openHome(home, template.keys)
    expect(numberOf(await delta(test))).toBe(2)
    await test.authority.close()
  })

  it('is brought up all or not at all: dying between two steps leaves nothing that stays broken', async () => {
    const home = template.copyHome()
    downgrade(home)
    const path = join(home, 'store.db')
    const during = new DatabaseSync(path)
    during.exec("create trigger died before insert on kysely_migration begin select raise(abort, 'died'); end")
    during.close()
    await expectCodeAsync('ERR_STORE_OPEN', () => openHome(home, template.keys))
    const after = new DatabaseSync(path)
    after.exec('drop trigger died')
    after.close()
    const test = await openHome(home, template.keys)
    expect(numberOf(await full(test))).toBe(2)
    await test.authority.close()
  })

  it('of a version to come is not opened, and not changed', async () => {
    const home = template.copyHome()
    const path = join(home, 'store.db')
    const database = new DatabaseSync(path)
    database.exec("insert into kysely_migration values ('9999-later', '2030-01-01T00:00:00Z')")
    database.exec("update setting set value = '9999-later' where name = 'schema'")
    database.exec('pragma wal_checkpoint(truncate)')
    database.close()
    rmSync(join(home, 'store.db-wal'), { force: true })
    const before = readFileSync(path)
    await expectCodeAsync('ERR_STORE_OPEN', () => openHome(home, template.keys))
    const after = new DatabaseSync(path)
    expect(after.prepare("select value from setting where name = 'schema'").get()).toEqual({ value: '9999-later' })
    after.close()
    expect(before.length).toBeGreaterThan(0)
  })
})
