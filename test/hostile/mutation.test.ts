/**
 * DER-14: what signet makes, mutated where its structure is. Whatever is parsed has one encoding; whatever verifies was
 * signed; everything else is refused with a SignetError, and soon.
 *
 * `SIGNET_FUZZ_SECONDS` says for how long (default 20), `SIGNET_FUZZ_SEED` where to begin: the seed of a finding, with
 * `SIGNET_FUZZ_SECONDS=0`, shows it again; `random` begins anywhere. For hours, see `fuzz.ts`.
 */
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { temporaryFolder } from '../support/temporary.js'
import { runChild } from './child.js'
import type { Finding, Progress } from './findings.js'
import { KNOWN_DEFECTS } from './known.js'
import { readMarker } from './marker.js'
import { mutate, treeOf } from './mutate.js'
import { Random } from './random.js'
import { TARGETS } from './targets/index.js'
import type { Target, Verdict } from './targets/target.js'
import { encodeTlvs } from './tlv.js'

const SECONDS = Number(process.env['SIGNET_FUZZ_SECONDS'] ?? '20')
/** The same in every run, so that a change of ours is what makes a test fail; the longer runs draw theirs. */
const SEED = process.env['SIGNET_FUZZ_SEED'] ?? '20261122'
const FLAGS = ['--max-old-space-size=768', '--stack-trace-limit=5']

const SIGNED: ReadonlySet<string> = new Set([
  'certificate',
  'certification request',
  'CRL',
  'OCSP response',
  'detached message',
  'attached message',
  'message with a slip',
  'envelope',
  'CMS document',
  'encrypted document',
  'encrypted message',
  'signed message, then encrypted',
  'context, then signed',
  'signed attributes, then signed',
  'trust directory',
  'trust document, then signed',
  'trust delta',
  'trust delta document, then signed',
])

vi.setConfig({ testTimeout: SECONDS * 1000 + 300_000 })

describe('the mutator', () => {
  const ders = TARGETS.filter(({ name }) => !name.startsWith('text')).flatMap(({ originals }) => originals)

  it('takes DER apart and puts the same together', () => {
    for (const der of ders) expect(Buffer.compare(encodeTlvs(treeOf(der)), der)).toBe(0)
  })

  it('makes the same of the same seed, and hardly ever leaves it as it was', () => {
    let unchanged = 0
    for (const [seed, der] of ders.entries()) {
      const [first, second] = [mutate(new Random(seed), der, ders), mutate(new Random(seed), der, ders)]
      expect(first).toEqual(second)
      if (Buffer.compare(first.bytes, der) === 0) unchanged++
    }
    expect(unchanged).toBeLessThan(ders.length / 4)
  })

  const verdictsOf = ({ originals, check }: Target): Promise<readonly Verdict[]> =>
    // Some checks ask for what an object is not, too; one of several asks for what it is.
    Promise.all(originals.flatMap((original) => [1, 2, 3, 4, 5, 6].map((seed) => check(original, new Random(seed)))))

  it.each(TARGETS.map((target) => [target.name, target] as const))(
    'begins with objects that are accepted: %s',
    async (_, target) => {
      for (const original of target.originals) {
        const verdicts = await verdictsOf({ ...target, originals: [original] })
        expect(verdicts.some((verdict) => verdict !== 'refused')).toBe(true)
      }
    },
  )

  it.each(TARGETS.filter(({ name }) => SIGNED.has(name)).map((target) => [target.name, target] as const))(
    'begins with objects that verify: %s',
    async (_, target) => {
      expect(await verdictsOf(target)).toContain('verified')
    },
  )
})

describe('DER-14: mutated objects', () => {
  const place = temporaryFolder()

  it('are refused with a SignetError, or are what they were', async () => {
    const findings: Finding[] = []
    let progress: Progress | undefined
    const words = ['--seconds', String(SECONDS), '--place', place, ...(SEED === 'random' ? [] : ['--seed', SEED])]
    const ending = await runChild(
      'fuzz.ts',
      words,
      (line) => {
        const report = JSON.parse(line) as Finding | Progress
        if (report.kind === 'finding') findings.push(report)
        else progress = report
      },
      { flags: FLAGS, silenceSeconds: 120 },
    )
    console.info(`mutation: ${progress?.cases} cases from SIGNET_FUZZ_SEED=${progress?.firstSeed}`)
    expect(findings).toEqual([])
    const end = `${ending.signal ?? ending.code} at ${readMarker(join(place, 'marker'))}: ${ending.stderr.slice(-2000)}`
    expect(ending.code === 0 ? 'well' : end).toBe('well')
    expect(progress?.kind).toBe('done')
    expect(progress?.cases).toBeGreaterThan(0)
    // What does not show any more was mended, and is not to be passed over again.
    const wanted = KNOWN_DEFECTS.filter(({ shows }) => shows === 'always')
    const shown = Object.keys(progress?.tolerated ?? {})
    expect(shown).toEqual(expect.arrayContaining(wanted.map(({ why }) => why)))
  })
})
