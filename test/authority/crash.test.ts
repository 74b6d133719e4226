import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { abandonStaleIntents, Authority, revokeCertificates } from '../../src/authority/index.js'
import { loadCredential } from '../../src/credential/index.js'
import { verifyAudit } from '../../src/store/index.js'
import { addSeconds, HOUR } from '../../src/time/index.js'
import { NOW } from '../support/certificates.js'
import { after, type Child, seededRandom, startScript } from '../support/children.js'
import { temporaryFolder } from '../support/temporary.js'
import { makeTemplate, openHome, TestClock } from '../support/test-authority.js'

const template = await makeTemplate()
const folder = temporaryFolder()
const KEY_FILE = join(folder, 'issuing.key.pem')
writeFileSync(KEY_FILE, template.keys.keyPem, { mode: 0o600 })

/** Names below a folder, whatever their depth, that nobody should find after a crash. */
function strays(home: string, out: string): string[] {
  const expected =
    /^(deployment\.json|mapping\.yaml|root\.pem|issuing-ca\.pem|trust-publisher\.pem|issuing-ca\.key\.pem|trust-publisher\.key\.pem|store\.db|store\.db-wal|store\.db-shm|store\.head|root-offline)$/
  const ofHome = readdirSync(home).filter((name) => !expected.test(name) && !name.startsWith('.signet-tmp-'))
  const ofOut = names(out).filter((name) => !/^(current|versions)$/.test(name) && !name.startsWith('.signet-tmp-'))
  const versions = names(join(out, 'versions')).filter(
    (name) => !/^[0-9a-f]{40}$/.test(name) && !name.startsWith('.signet-tmp-'),
  )
  return [...ofHome, ...ofOut, ...versions]
}

const temporaries = (...folders: readonly string[]): string[] =>
  folders.flatMap(names).filter((name) => name.startsWith('.signet-tmp-'))

function names(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory) : []
}

/** Everything that must be true whenever a process has died. */
async function expectWhole(home: string, out: string, reported: readonly string[]): Promise<void> {
  const { authority } = await openHome(home, template.keys)
  try {
    const report = await verifyAudit(authority.store)
    expect(report.head.sequence).toBe(report.entries)
    const stored = new Set((await authority.store.certificates()).map((item) => item.certificate.serialNumber))
    expect(reported.filter((serial) => !stored.has(serial))).toEqual([])
    expect(new Set(reported).size).toBe(reported.length)
  } finally {
    await authority.close()
  }
  expect(strays(home, out)).toEqual([])
  if (names(out).includes('current')) {
    // A whole version: key and certificate belong together, or this throws.
    expect(loadCredential(out).certificate.serialNumber).toMatch(/^[0-9a-f]{40}$/)
  }
}

const serialsOf = (child: Child, word: string): string[] =>
  child.lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1))

async function homeWithEntity(): Promise<string> {
  const home = template.copyHome()
  const { authority, register } = await openHome(home, template.keys)
  await register('node-1')
  await authority.close()
  return home
}

/** Kill one issuing process after another in one home, each at another instant. */
async function killAgainAndAgain(seed: number, kills: number): Promise<void> {
  const home = await homeWithEntity()
  const out = join(folder, `out-${seed}`)
  const random = seededRandom(seed)
  const reported: string[] = []
  for (let turn = 0; turn < kills; turn++) {
    const child = startScript('crash-child.mjs', [home, KEY_FILE, out, 'node-1'])
    // Mostly while it issues; now and then while it starts.
    if (turn % 8 === 7) await after(random() * 500)
    else {
      // It prints that it is ready, then two lines for each certificate.
      await child.printed(1 + Math.floor(random() * 6))
      await after(random() * 25)
    }
    child.process.kill('SIGKILL')
    const { code, stderr } = await child.ended
    expect(`${code} ${stderr}`).toBe('null ')
    const delivered = serialsOf(child, 'delivered').at(-1)
    reported.push(...serialsOf(child, 'issued'))
    await expectWhole(home, out, reported)
    // What was reported as delivered is there, or something newer.
    if (delivered !== undefined) expect(names(join(out, 'versions'))).not.toEqual([])
  }
  expect(reported.length).toBeGreaterThan(kills / 2)
  const last = startScript('crash-child.mjs', [home, KEY_FILE, out, 'node-1', '1'])
  expect((await last.ended).stdout).toMatch(/done\n$/)
  expect(temporaries(home, out, join(out, 'versions'))).toEqual([])
  expect(loadCredential(out).certificate.serialNumber).toBe(serialsOf(last, 'delivered')[0])
  await expectWhole(home, out, [...reported, ...serialsOf(last, 'issued')])
  await expectOrphansRevocable(home)
}

/** What was planned and not recorded is shown, and can be revoked in case its certificate exists after all. */
async function expectOrphansRevocable(home: string): Promise<void> {
  const authority = await Authority.open(home, new TestClock(addSeconds(NOW, HOUR)))
  const later = await authority.now()
  const orphans = await authority.store.pendingIntents()
  await abandonStaleIntents(authority, later)
  expect(await authority.store.pendingIntents()).toEqual([])
  for (const { serialNumber } of orphans) {
    const revoked = await revokeCertificates(authority, { kind: 'serialNumber', serialNumber }, 'unspecified', later)
    expect(revoked).toMatchObject([{ serialNumber, entityId: 'node-1' }])
  }
  expect((await verifyAudit(authority.store)).revocations).toBe(orphans.length)
  await authority.close()
}

describe('killed while issuing (kill -9)', () => {
  it.concurrent.each([1, 2])(
    'CA-09, KEY-08: nothing reported is lost and nothing is half, 22 times over (seed %i)',
    { timeout: 120_000 },
    async (seed) => {
      await killAgainAndAgain(seed, 22)
    },
  )
})

describe('killed while issuing in groups (kill -9)', () => {
  it(
    'CA-09: nothing that was handed out is lost, and what was planned can be revoked',
    { timeout: 120_000 },
    async () => {
      const home = await homeWithEntity()
      const random = seededRandom(5)
      const reported: string[] = []
      for (let turn = 0; turn < 12; turn++) {
        const child = startScript('group-child.mjs', [home, KEY_FILE, 'node-1', '20'])
        // After a group or several, mostly in the middle of the next.
        await child.printed(1 + 20 * Math.floor(random() * 4))
        await after(random() * 40)
        child.process.kill('SIGKILL')
        const { code, stderr } = await child.ended
        expect(`${code} ${stderr}`).toBe('null ')
        reported.push(...serialsOf(child, 'issued'))
        await expectWhole(home, join(folder, 'no-out'), reported)
      }
      expect(reported.length).toBeGreaterThan(100)
      const last = startScript('group-child.mjs', [home, KEY_FILE, 'node-1', '20', '45'])
      expect((await last.ended).stdout).toMatch(/done\n$/)
      await expectWhole(home, join(folder, 'no-out'), [...reported, ...serialsOf(last, 'issued')])
      await expectOrphansRevocable(home)
    },
  )
})
