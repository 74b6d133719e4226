/** Files of any length take no more memory than short ones; on a terminal there is something to see meanwhile. */
import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, expect, it, vi } from 'vitest'
import { main } from '../../src/cli/main.js'
import { startScript } from '../support/children.js'
import { prepareDeployment, STORY_START } from '../support/testscript.js'

vi.setConfig({ testTimeout: 120_000 })

const folder = await prepareDeployment()
const path = (name: string): string => join(folder, name)

/** A file of so many bytes that takes no room. */
function sparse(name: string, bytes: number): string {
  writeFileSync(path(name), '')
  truncateSync(path(name), bytes)
  return path(name)
}

const SIGNER = path('credentials/compute-07/signer')
const signWords = (file: string): readonly string[] => [
  'sign',
  file,
  '--as',
  SIGNER,
  '--type',
  'image',
  '--to',
  'glance',
]
const verifyWords = (file: string): readonly string[] => [
  ...['verify', `${file}.p7s`, '--content', file, '--for', 'glance', '--trust', path('trust.p7'), '--json'],
]

interface Peak {
  readonly code: number | null
  readonly stdout: string
  /** Resident, in MiB. */
  readonly peak: number
}

async function peakOf(words: readonly string[]): Promise<Peak> {
  const { code, stdout, stderr } = await startScript('peak-child.mjs', words, {
    SIGNET_HOME: path('home'),
    TEST_CLOCK: STORY_START.toISOString(),
  }).ended
  return { code, stdout, peak: Number(/^peak (\d+)$/m.exec(stderr)?.[1]) / 1024 }
}

describe('a file that is too long for memory', () => {
  it('is signed, verified and handed out in less memory than it has bytes', async () => {
    const file = sparse('long.raw', 300 * 1024 * 1024)
    const small = sparse('short.raw', 1024)
    const base = await peakOf(signWords(small))
    expect(base.code).toBe(0)
    // What Node needs by itself, and room for what is collected late.
    const bound = base.peak + 100
    expect(bound).toBeLessThan(300)
    const signed = await peakOf(signWords(file))
    expect(signed.code).toBe(0)
    expect(signed.peak).toBeLessThan(bound)
    const verified = await peakOf([...verifyWords(file), '--out', path('verified.raw')])
    expect(verified.code).toBe(0)
    expect(verified.stdout).toContain('"verdict":"verified"')
    expect(verified.peak).toBeLessThan(bound)
    const key = join(SIGNER, 'current', 'key.pem')
    const cert = join(SIGNER, 'current', 'cert.pem')
    const cms = await peakOf(['cms', 'sign', file, '--cert', cert, '--key', key, '--out', path('long.cms')])
    expect(cms).toMatchObject({ code: 0 })
    expect(cms.peak).toBeLessThan(bound)
    const read = await peakOf(['cms', 'verify', path('long.cms'), '--content', file, '--cert', cert])
    expect(read).toMatchObject({ code: 0 })
    expect(read.peak).toBeLessThan(bound)
  })

  it('shows on a terminal how far it is, in octets, and takes the line away', async () => {
    const file = sparse('shown.raw', 70 * 1024 * 1024)
    const stderr = Object.assign(new PassThrough(), { isTTY: true })
    const stdout = new PassThrough()
    let printed = ''
    stderr.on('data', (piece: Buffer) => (printed += piece.toString()))
    stdout.resume()
    const stdin = new PassThrough()
    stdin.end()
    const environment = { stdin, stdout, stderr, variables: {}, directory: folder, clock: { now: () => STORY_START } }
    expect(await main(signWords(file), environment)).toBe(0)
    expect(printed).toMatch(/\rsigning █+░+ +\d+ % \d+\.\d\/73\.4 MB/)
    expect(printed).toContain('100 % 73.4/73.4 MB')
    expect(printed.endsWith('\r\x1b[K')).toBe(true)
    printed = ''
    expect(await main(signWords(path('note.json')).concat('--force'), environment)).toBe(0)
    expect(printed).toBe('')
  })
})
