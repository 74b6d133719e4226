import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { abandonStaleIntents, Authority, issueCertificates, PROFILES } from '../../src/authority/index.js'
import { loadCredential } from '../../src/credential/index.js'
import { verifyAudit } from '../../src/store/index.js'
import { addSeconds, HOUR } from '../../src/time/index.js'
import { after, runSignet, seededRandom, startScript } from '../support/children.js'
import { temporaryFolder } from '../support/temporary.js'
import { makeTemplate, openHome, passphraseFile, TestClock } from '../support/test-authority.js'

const template = await makeTemplate()
const folder = temporaryFolder()
const KEY_FILE = join(folder, 'issuing.key.pem')
writeFileSync(KEY_FILE, template.keys.keyPem, { mode: 0o600 })

const names = (directory: string): string[] => (existsSync(directory) ? readdirSync(directory) : [])
const temporaries = (directory: string): string[] => names(directory).filter((name) => name.startsWith('.signet-tmp-'))

async function homeWithEntity(): Promise<string> {
  const home = template.copyHome()
  const { authority, register } = await openHome(home, template.keys)
  await register('node-1')
  await authority.close()
  return home
}

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
      const { authority } = await openHome(home, template.keys)
      await verifyAudit(authority.store)
      await authority.close()
      if (names(out).includes('current')) expect(loadCredential(out).certificate.isSelfIssued).toBe(false)
      expect(names(out).filter((name) => !/^(current|versions|\.signet-tmp-.*)$/.test(name))).toEqual([])
    }
    expect((await runSignet(words)).code).toBe(0)
    expect(temporaries(out)).toEqual([])
    expect(loadCredential(out).identity).toBe('spiffe://cloud.example/compute/node-1')
  })

  it('CA-23, KEY-08: signet init leaves nothing at its home, or a whole home', { timeout: 60_000 }, async () => {
    const passphrase = passphraseFile(folder)
    const random = seededRandom(4)
    const parent = join(folder, 'init')
    mkdirSync(parent)
    const home = join(parent, 'home')
    const words = ['--home', home, 'init', '--domain', 'cloud.example', '--passphrase-file', passphrase]
    for (let turn = 0; turn < 7; turn++) {
      const child = startScript('source-cli.mjs', words)
      await after(300 + random() * 900)
      child.process.kill('SIGKILL')
      await child.ended
      expect(names(parent).filter((name) => name !== 'home' && !name.startsWith('.signet-tmp-'))).toEqual([])
      if (!existsSync(home)) continue
      await expectCompleteHome(home)
      rmSync(home, { recursive: true })
    }
    expect((await runSignet(words)).code).toBe(0)
    await expectCompleteHome(home)
    expect(temporaries(parent)).toEqual([])
    const before = readFileSync(join(home, 'issuing-ca.key.pem'))
    expect((await runSignet(words)).code).toBe(7)
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
      const running = new Set(children)
      const both = Promise.all(children.map((child) => child.ended.finally(() => running.delete(child))))
      let audits = 0
      while (running.size > 0) {
        await verifyAudit(authority.store)
        audits++
        await after(20)
      }
      for (const { code, stderr } of await both) expect(`${code} ${stderr}`).toBe('0 ')
      const serials = children.flatMap((child) => child.lines.filter((line) => line.startsWith('issued ')))
      expect(new Set(serials).size).toBe(50)
      expect(audits).toBeGreaterThan(3)
      const report = await verifyAudit(authority.store)
      expect(report.certificates).toBe(51)
      expect(await authority.store.pendingIntents()).toEqual([])
      await authority.close()
    },
  )

  it(
    'CA-08, CA-20: two processes issue in groups at once: no serial number twice, the log whole',
    { timeout: 60_000 },
    async () => {
      const home = await homeWithEntity()
      const children = ['25', '40'].map((size) =>
        startScript('group-child.mjs', [home, KEY_FILE, 'node-1', size, '200']),
      )
      for (const { code, stderr } of await Promise.all(children.map((child) => child.ended))) {
        expect(`${code} ${stderr}`).toBe('0 ')
      }
      const serials = children.flatMap((child) => child.lines.filter((line) => line.startsWith('issued ')))
      expect(new Set(serials).size).toBe(400)
      const { authority } = await openHome(home, template.keys)
      expect((await verifyAudit(authority.store)).certificates).toBe(401)
      expect(await authority.store.pendingIntents()).toEqual([])
      await authority.close()
    },
  )

  it('CA-20: of two that start after a crash both tidy up, and neither is hindered', async () => {
    const { authority, issuing } = await template.open()
    const at = (await issuing()).at
    await authority.store.transaction(async (transaction) => {
      for (const serialNumber of ['01', '02']) {
        await transaction.insertIntents([
          {
            serialNumber,
            entityId: null,
            profile: 'peer',
            tbsDigest: '',
            createdAt: addSeconds(at, -HOUR).toISOString(),
            issuer: 1,
          },
        ])
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
