/**
 * Mutates what signet makes until time is up, and checks what must be so. The test runs it for some twenty seconds; for
 * longer, run it by hand, with low priority, from the root of the repository:
 *
 * ```
 * nice -n 19 node --max-old-space-size=512 --import ./test/hostile/hook.mjs test/hostile/fuzz.ts --seconds 3600
 * ```
 *
 * `--seed N` begins with that case (else any), `--cases N` ends after so many, `--target NAME` tries one kind of object
 * only, `--place FOLDER` is where `marker` says which seed is at work. Each finding is a line of JSON with the seed that
 * leads to it; `--seed SEED --cases 1` shows it again. It ends with 1 if there are any.
 *
 * First come the findings of before (`regressions.json`). Signatures of ECDSA, RSA and ML-DSA are new in every run, and so
 * a seed yields the same mutation of other octets there; what is put into that file are the octets of the finding.
 *
 * @module test/hostile/fuzz
 */
import { randomInt } from 'node:crypto'
import { writeSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Finding, Progress } from './findings.js'
import { openMarker } from './marker.js'
import { tryRegressions } from './regressions.js'
import { Session } from './session.js'
import { TARGETS } from './targets/index.js'

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '20' },
    seed: { type: 'string' },
    cases: { type: 'string', default: 'Infinity' },
    target: { type: 'string' },
    place: { type: 'string' },
  },
})

/** So many findings are enough. */
const MAX_FINDINGS = 20
const REPORT_MILLISECONDS = 5000
const SEEDS = 2 ** 31

const firstSeed = options.seed === undefined ? randomInt(SEEDS) : Number(options.seed)
const targets = options.target === undefined ? TARGETS : TARGETS.filter(({ name }) => name === options.target)
const mark = options.place === undefined ? (): void => undefined : openMarker(join(options.place, 'marker'))
const session = new Session(targets, print)
let cases = 0

function print(line: Finding | Progress): void {
  writeSync(1, `${JSON.stringify(line)}\n`)
}

function report(kind: Progress['kind']): void {
  const { verdicts, tolerated, findings } = session
  const maxRssKibibytes = process.resourceUsage().maxRSS
  print({ kind, firstSeed, cases, findings, verdicts, tolerated, maxRssKibibytes })
}

report('begun')
if (options.target === undefined) await tryRegressions(session, mark)
const end = performance.now() + Number(options.seconds) * 1000
let reportAt = performance.now() + REPORT_MILLISECONDS
do {
  const seed = (firstSeed + cases) % SEEDS
  mark(`seed ${seed}`)
  await session.tryMutation(seed)
  cases++
  if (performance.now() > reportAt) {
    report('running')
    reportAt = performance.now() + REPORT_MILLISECONDS
  }
} while (performance.now() < end && cases < Number(options.cases) && session.findings < MAX_FINDINGS)
report('done')
process.exitCode = session.findings === 0 ? 0 : 1
