import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  abandonStaleIntents,
  Authority,
  issueCertificates,
  PROFILES,
  revokeCertificates,
} from '../../src/authority/index.js'
import { loadCredential } from '../../src/credential/index.js'
import { verifyAudit } from '../../src/store/index.js'
import { addSeconds, HOUR } from '../../src/time/index.js'
import { NOW } from '../support/certificates.js'
import { after, type Child, runSignet, seededRandom, startScript } from '../support/children.js'
import { temporaryFolder } from '../support/temporary.js'
import { makeTemplate, openHome, passphraseFile, TestClock } from '../support/test-authority.js'

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
      await child.printed('ready')
      await after(random() * 60)
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

describe('killed while a command line runs', () => {
  it('CA-09: signet issue reports only what is recorded', { timeout: 60_000 }, async () => {
    const home = await homeWithEntity()
    const out = join(folder, 'cli-out')
    const passphrase = passphraseFile(folder)
    const random = seededRandom(3)
    const words = [
      '--home',
      home,
      'issue',
      'node-1',
      '--profile',
      'peer',
      '--out',
      out,
      '--passphrase-file',
      passphrase,
    ]
    for (let turn = 0; turn < 6; turn++) {
      const child = startScript('source-cli.mjs', words)
      await after(500 + random() * 700)
      child.process.kill('SIGKILL')
      await child.ended
      await expectWhole(home, out, [])
    }
  })

  it('CA-23, KEY-08: signet init leaves nothing at its home, or a whole home', { timeout: 60_000 }, async () => {
    const passphrase = passphraseFile(folder)
    const random = seededRandom(4)
    const parent = join(folder, 'init')
    mkdirSync(parent)
    const home = join(parent, 'home')
    const words = ['--home', home, 'init', '--domain', 'cloud.example', '--passphrase-file', passphrase]
    let whole = 0
    for (let turn = 0; turn < 12 && whole < 1; turn++) {
      const child = startScript('source-cli.mjs', words)
      await after(400 + random() * 1000)
      child.process.kill('SIGKILL')
      await child.ended
      expect(names(parent).filter((name) => name !== 'home' && !name.startsWith('.signet-tmp-'))).toEqual([])
      if (!existsSync(home)) continue
      whole++
      await expectCompleteHome(home)
    }
    if (whole === 0) expect((await runSignet(words)).code).toBe(0)
    await expectCompleteHome(home)
    const before = readFileSync(join(home, 'issuing-ca.key.pem'))
    // What the killed ones left goes with the next one that is asked to make this home, though it is refused.
    const again = await runSignet(words)
    expect(again.code).toBe(7)
    expect(readFileSync(join(home, 'issuing-ca.key.pem'))).toEqual(before)
  })
})

async function expectCompleteHome(home: string): Promise<void> {
  const authority = await Authority.open(home, new TestClock(new Date('2030-01-01T00:00:00Z')))
  const report = await verifyAudit(authority.store)
  expect(report.certificates).toBe(1)
  expect(authority.publisher.issuer.equals(authority.issuing.subject)).toBe(true)
  expect(names(join(home, 'root-offline')).sort()).toEqual(['README.txt', 'root.key.pem', 'root.pem'])
  expect(names(home).filter((name) => name.startsWith('.signet-tmp-'))).toEqual([])
  await authority.close()
}

describe('several processes at once', () => {
  it(
    'CA-08, CA-20: two processes issue 25 certificates each: no serial number twice, the log whole',
    { timeout: 60_000 },
    async () => {
      const home = await homeWithEntity()
      const children = ['a', 'b'].map((name) =>
        startScript('crash-child.mjs', [home, KEY_FILE, join(folder, `two-${name}`), 'node-1', '25']),
      )
      // Somebody verifies the log meanwhile: that is no time to cry wolf.
      const { authority } = await openHome(home, template.keys)
      let running = true
      const both = Promise.all(children.map((child) => child.ended)).finally(() => {
        running = false
      })
      let audits = 0
      while (running) {
        await verifyAudit(authority.store)
        audits++
        await after(20)
      }
      for (const { code, stderr } of await both) expect(`${code} ${stderr}`).toBe('0 ')
      const serials = children.flatMap((child) => serialsOf(child, 'issued'))
      expect(new Set(serials).size).toBe(50)
      expect(audits).toBeGreaterThan(3)
      const report = await verifyAudit(authority.store)
      expect(report.certificates).toBe(51)
      expect(await authority.store.pendingIntents()).toEqual([])
      await authority.close()
    },
  )

  it('CA-20: of two that start after a crash both tidy up, and neither is hindered', async () => {
    const { authority, issuing } = await template.open()
    const at = (await issuing()).at
    await authority.store.transaction(async (transaction) => {
      for (const serialNumber of ['01', '02']) {
        await transaction.insertIntent({
          serialNumber,
          entityId: null,
          profile: 'peer',
          tbsDigest: '',
          createdAt: addSeconds(at, -HOUR).toISOString(),
        })
      }
    })
    await Promise.all([abandonStaleIntents(authority, at), abandonStaleIntents(authority, at)])
    expect(await authority.store.pendingIntents()).toEqual([])
    const abandoned = (await authority.store.logEntries(1, 100)).filter(
      (entry) => entry.event === 'certificate.abandoned',
    )
    expect(abandoned).toHaveLength(2)
  })

  it('an intent of a process that may still live is left alone', async () => {
    const { authority, register, issuing } = await template.open()
    await register('node-1')
    const now = await issuing()
    const slow: typeof now.key = {
      publicKey: now.key.publicKey,
      signatureAlgorithm: now.key.signatureAlgorithm,
      sign: async (data) => {
        await abandonStaleIntents(authority, addSeconds(now.at, 600))
        return now.key.sign(data)
      },
    }
    const issued = await issueCertificates({ ...now, key: slow }, [
      { entity: 'node-1', profile: PROFILES.peer, key: { kind: 'generate', algorithm: 'p256' } },
    ])
    expect(issued).toHaveLength(1)
  })
})
