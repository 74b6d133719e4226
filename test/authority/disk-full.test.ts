import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readlinkSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import {
  bootstrap,
  type IssuedCertificate,
  issueCertificates,
  issueInGroups,
  PROFILES,
} from '../../src/authority/index.js'
import { deliverCredential, loadCredential } from '../../src/credential/index.js'
import { isSignetError, type SignetError } from '../../src/errors/index.js'
import { verifyAudit } from '../../src/store/index.js'
import { NOW } from '../support/certificates.js'
import { runSignet } from '../support/children.js'
import { temporaryFolder } from '../support/temporary.js'
import {
  bootstrapRequest,
  makeTemplate,
  openHome,
  passphraseFile,
  type TestAuthority,
  TestClock,
} from '../support/test-authority.js'

const folder = temporaryFolder()
const mounted: string[] = []
afterAll(() => {
  for (const disk of mounted) execFileSync('umount', ['--lazy', disk])
})

/** A small disk of its own, or undefined where mounting is not permitted. */
function makeDisk(name: string, kibibytes: number): string | undefined {
  const disk = join(folder, name)
  mkdirSync(disk)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kibibytes}k`, 'tmpfs', disk], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  mounted.push(disk)
  return disk
}

const available = ((): boolean => {
  if (makeDisk('probe', 64) !== undefined) return true
  if (process.env['CI'] === 'true') throw new Error('a tmpfs cannot be mounted here, and in CI it must be')
  console.warn('skipped: a tmpfs cannot be mounted here')
  return false
})()

function disk(name: string, kibibytes: number): string {
  const path = makeDisk(name, kibibytes)
  if (path === undefined) throw new Error('mounting worked a moment ago')
  return path
}

/** Leave so many pages of 4 KiB free. */
function leave(path: string, pages: number): void {
  const filler = join(path, 'filler')
  rmSync(filler, { force: true })
  const { bavail, bsize } = statfsSync(path)
  writeFileSync(filler, Buffer.alloc(Math.max(0, bavail - pages) * bsize))
}

async function refusal(work: () => Promise<unknown>): Promise<SignetError | undefined> {
  try {
    await work()
    return undefined
  } catch (error) {
    // Anything else would leave the command line as a bug, with exit code 1.
    if (!isSignetError(error)) throw error
    expect(`${error.code} ${error.exitCode}`).toMatch(/ 8$/)
    return error
  }
}

const request = { entity: 'node-1', profile: PROFILES.peer, key: { kind: 'generate', algorithm: 'p256' } } as const

describe.skipIf(!available)('a full disk', async () => {
  const template = await makeTemplate()

  async function deliver(test: TestAuthority, directory: string, issued: IssuedCertificate): Promise<string> {
    const { crls, at } = await test.issuing()
    const { authority } = test
    return deliverCredential(
      directory,
      {
        ...issued,
        chain: [authority.issuing],
        anchor: authority.root,
        crls,
        profile: issued.profile.name,
        purpose: 'client',
      },
      at,
    )
  }

  it('CA-09: of the store refuses to issue, records nothing as issued, and loses nothing', async () => {
    const path = disk('home', 2048)
    const home = join(path, 'home')
    cpSync(template.home, home, { recursive: true })
    const test = await openHome(home, template.keys)
    await test.register('node-1')
    const issuing = await test.issuing()
    const reported = new Set<string>()
    let refused = 0
    for (let pages = 0; pages < 24; pages++) {
      leave(path, pages)
      const error = await refusal(async () => {
        for (const { certificate } of await issueCertificates(issuing, [request]))
          reported.add(certificate.serialNumber)
      })
      if (error !== undefined) refused++
    }
    expect(refused).toBeGreaterThan(0)
    leave(path, 200)
    const stored = (await test.authority.store.certificates('node-1')).map((item) => item.certificate.serialNumber)
    expect(new Set(stored)).toEqual(reported)
    await verifyAudit(test.authority.store)
    await issueCertificates(issuing, [request])
    await test.authority.close()
    const again = await openHome(home, template.keys)
    expect((await verifyAudit(again.authority.store)).certificates).toBe(reported.size + 2)
    await again.authority.close()
  })

  it('CA-09: of the store ends a group whole, and what was handed out before stays', async () => {
    const path = disk('groups', 2048)
    const home = join(path, 'home')
    cpSync(template.home, home, { recursive: true })
    const test = await openHome(home, template.keys)
    await test.register('node-1')
    const issuing = await test.issuing()
    const reported = new Set<string>()
    let refused = 0
    for (const pages of [0, 2, 4, 8, 12, 16, 24, 32, 48]) {
      leave(path, pages)
      const error = await refusal(async () => {
        const requests = Array.from({ length: 24 }, () => request)
        for await (const group of issueInGroups(issuing, requests, 6)) {
          for (const { certificate } of group) reported.add(certificate.serialNumber)
        }
      })
      if (error !== undefined) refused++
    }
    expect(refused).toBeGreaterThan(0)
    expect(reported.size % 6).toBe(0)
    leave(path, 200)
    const stored = (await test.authority.store.certificates('node-1')).map((item) => item.certificate.serialNumber)
    expect(new Set(stored)).toEqual(reported)
    await verifyAudit(test.authority.store)
    await test.authority.close()
  })

  it('KEY-08: of a credential keeps the old version whole, at whichever file it fills', async () => {
    const path = disk('out', 512)
    const test = await template.open()
    await test.register('node-1')
    const directory = join(path, 'credential')
    const [first, second] = await issueCertificates(await test.issuing(), [request, request])
    if (first === undefined || second === undefined) throw new Error('two were asked for')
    await deliver(test, directory, first)
    const before = readlinkSync(join(directory, 'current'))
    let refused = 0
    for (let pages = 0; pages < 16; pages++) {
      leave(path, pages)
      const error = await refusal(() => deliver(test, directory, second))
      if (error === undefined) break
      refused++
      expect(error.code).toBe('ERR_FILE_WRITE')
      expect(readlinkSync(join(directory, 'current'))).toBe(before)
      expect(readdirSync(join(directory, 'versions'))).toEqual([first.certificate.serialNumber])
      expect(loadCredential(directory).certificate.serialNumber).toBe(first.certificate.serialNumber)
    }
    expect(refused).toBeGreaterThan(4)
    expect(loadCredential(directory).certificate.serialNumber).toBe(second.certificate.serialNumber)
  })

  it('CA-23: of a new home leaves nothing, at whichever file it fills', async () => {
    const path = disk('init', 1024)
    const home = join(path, 'home')
    let refused = 0
    for (const pages of [0, 1, 2, 3, 4, 6, 10, 20, 40]) {
      leave(path, pages)
      const error = await refusal(() => bootstrap(bootstrapRequest(home), new TestClock()))
      if (error === undefined) break
      refused++
      expect(readdirSync(path)).toEqual(['filler'])
    }
    expect(refused).toBeGreaterThan(4)
    rmSync(join(path, 'filler'))
    if (!existsSync(home)) await bootstrap(bootstrapRequest(home), new TestClock())
  })

  it('CA-09: is exit code 8 of the command line, which then reports nothing', { timeout: 30_000 }, async () => {
    const path = disk('cli', 1024)
    const home = join(path, 'home')
    cpSync(template.home, home, { recursive: true })
    const passphrase = passphraseFile(folder)
    const words = ['--home', home, '--json']
    expect(
      (await runSignet([...words, 'entity', 'add', 'node-1', '--kind', 'node', '--service', 'compute'])).code,
    ).toBe(0)
    leave(path, 1)
    const issue = [...words, 'issue', 'node-1', '--out', join(folder, 'cli-out'), '--passphrase-file', passphrase]
    const { code, stdout } = await runSignet(issue)
    expect(code).toBe(8)
    expect(stdout).toMatch(/^\{"schema":1,"ok":false,"error":\{"code":"ERR_STORE_(OPEN|WRITE)"/)
    expect(existsSync(join(folder, 'cli-out'))).toBe(false)
    rmSync(join(path, 'filler'))
    leave(path, 100)
    expect((await runSignet(issue)).code).toBe(0)
    expect(loadCredential(join(folder, 'cli-out', 'tls')).certificate.notBefore.getTime()).toBeGreaterThan(
      NOW.getTime() - 1e12,
    )
  })
})
