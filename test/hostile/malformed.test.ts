/**
 * DER-14: the hostile files of others (OpenSSL's fuzz corpora), each through every public function that reads what
 * strangers send. In child processes: one that crashes or hangs leaves the name of the file behind.
 */
import { mkdirSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it, vi } from 'vitest'
import { ERROR_CODES } from '../../src/errors/index.js'
import { CORPORA, corporaAvailable } from '../support/corpora.js'
import { temporaryFolder } from '../support/temporary.js'
import { CALLS } from './calls/index.js'
import { runChild } from './child.js'
import { type FileReport, hostileFiles, partOf } from './malformed.js'
import { readMarker } from './marker.js'

vi.setConfig({ testTimeout: 900_000 })

/** In KiB. */
const MAX_RSS = 256 * 1024
const PARTS = [0, 1]
/** Young objects are cleared away early, so that what is measured is what is held. */
const FLAGS = ['--max-old-space-size=128', '--max-semi-space-size=8', '--stack-trace-limit=5']

/** Exported functions that look like readers and are none. */
const NO_READERS: Readonly<Record<string, string>> = {
  'asn1.compareBytes': 'compares',
  'asn1.isStringTag': 'asks about one octet',
  'compare.compareKite': 'compares systems that it makes itself',
  'credential.isForTls': 'asks about a certificate that was parsed',
  'credential.readCredentialKey': 'reads for loadCredential, and is called through it',
  'errors.isSignetError': 'asks about what was thrown',
  'agent.openAgent': 'takes a configuration that was parsed',
  'files.readLines': 'splits what others then read',
  'files.readPieces': 'hands out what others then read',
  'identity.explainIdentity': 'takes a validated path',
  'message.looksLikeCms': 'asks about one octet',
  'message.checkOff': 'takes a verified route',
  'message.verifyAll': 'does what verifyMessage does, for many',
  'message.openRedisReplay': 'asks a server, and reads one word of its answers',
  'path.verifyAhead': 'takes what was parsed, and says nothing',
  'probe.loadProbeKit': 'reads credential directories by loadProbeClient',
  'policy.isAlways': 'asks about what was worked out',
  'sharedkey.openKeyStorage': 'opens a file under a master key',
  'sharedkey.readMasterKey': 'reads a secret file of 16 octets',
  'sharedkey.verifyEnvelope': 'takes an envelope that was parsed',
  'store.openDatabase': 'opens for openStore and openReplayFile, and is called through them',
  'store.verifyAudit': 'reads a store that was opened',
  'time.readClock': 'takes a clock',
  'x509.parseCrlsInSteps': 'is what parseCrls does at once',
  'x509.readCrlInSteps': 'is what readCrl does at once',
}

const READER =
  /^(parse|read|decode|open|load|normalize|looks|is|verify|validate|explain|examine|compare|check)(?=[A-Z])|^(contentOf|embedded)/

describe('the table of calls', () => {
  it('has every exported function that reads', async () => {
    const called = [...CALLS.keys()].map((name) => name.split(' ')[0])
    const missing: string[] = []
    for (const folder of readdirSync('src', { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
      if (folder.name === 'cli') continue
      const index = pathToFileURL(resolve('src', folder.name, 'index.ts')).href
      const exported = (await import(/* @vite-ignore */ index)) as Readonly<Record<string, unknown>>
      for (const [name, value] of Object.entries(exported)) {
        const full = `${folder.name}.${name}`
        if (typeof value !== 'function' || !READER.test(name) || full in NO_READERS) continue
        if (!called.includes(full)) missing.push(full)
      }
    }
    expect(missing).toEqual([])
  })
})

describe.skipIf(!corporaAvailable())('DER-14: hostile files of others', () => {
  const files = join(CORPORA, 'malformed')
  const place = temporaryFolder()

  it.concurrent.each(PARTS)('end in a value or a SignetError, soon and in bounded memory: part %i', async (part) => {
    const folder = join(place, String(part))
    mkdirSync(folder)
    const wanted = partOf(hostileFiles(files), part, PARTS.length)
    const violations: string[] = []
    const reported: string[] = []
    const codes = new Set<string>()
    let maxRss = 0
    const words = [files, folder, String(part), String(PARTS.length)]
    const ending = await runChild(
      'malformed-child.ts',
      words,
      (line) => {
        const report = JSON.parse(line) as FileReport
        reported.push(report.file)
        violations.push(...report.violations.map((violation) => `${report.file}: ${violation}`))
        if (maxRss < MAX_RSS && report.maxRssKibibytes >= MAX_RSS) {
          violations.push(`${report.file}: ${report.maxRssKibibytes} KiB are held`)
        }
        maxRss = Math.max(maxRss, report.maxRssKibibytes)
        for (const [code] of Object.values(report.calls)) codes.add(code)
        const tried = Object.keys(report.calls).length + report.violations.length
        if (tried !== CALLS.size) violations.push(`${report.file}: ${tried} calls of ${CALLS.size}`)
      },
      { flags: FLAGS, silenceSeconds: 120 },
    )
    const end = `${ending.signal ?? ending.code} at ${readMarker(join(folder, 'marker'))}: ${ending.stderr.slice(-2000)}`
    expect({ violations, end: ending.code === 0 ? 'well' : end }).toEqual({ violations: [], end: 'well' })
    expect(reported).toEqual(wanted)
    expect(wanted.length).toBeGreaterThan(1000)
    expect([...codes].filter((code) => code !== 'accepted' && !(code in ERROR_CODES))).toEqual([])
    // None of the layers does all the work.
    expect(codes.size).toBeGreaterThan(20)
    expect(maxRss).toBeLessThan(MAX_RSS)
  })
})
