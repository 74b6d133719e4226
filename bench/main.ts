/**
 * `npm run bench`: what signet costs, beside what cannot be avoided and beside others; how that grows; what it needs to stay
 * as it is. `npm run bench -- --help` says what it may be told.
 *
 * Timings are never claims in tests; here they are printed as ratios measured in one run.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BenchContext, makeContext, type Rows } from './context.ts'
import { COLD_ROWS } from './cold.ts'
import { measureCreep, printCreep } from './creep.ts'
import { measureGrowth, printGrowth } from './growth.ts'
import { printRow, type Row } from './harness.ts'
import { ISSUANCE_ROWS } from './issuance.ts'
import { measureIssuanceMemory, printIssuanceMemory } from './issuance-long.ts'
import { measureLongStream, printLongStream } from './long-stream.ts'
import { describeMachine } from './machine.ts'
import { MESSAGE_ROWS } from './messages.ts'
import { measureMillion, printMillion } from './million.ts'
import { measureModels, printModels } from './models.ts'
import { type BenchOptions, readOptions } from './options.ts'
import { type BenchResults, mergeResults, performancePage } from './page.ts'
import { measureParts, printParts } from './parts.ts'
import { performanceSvg } from './picture.ts'
import { measureQuarantine, printQuarantine } from './quarantine.ts'
import { measureRegistry, printRegistry } from './registry.ts'
import { measureRevocation, printRevocation } from './revocation.ts'
import { SINGLE_ROWS } from './single.ts'
import { measureSteady, printSteady } from './steady.ts'
import { measureTrust, printTrust } from './trust.ts'

/** What is not rows: it has a form of its own, and prints itself. */
interface Suite<T> {
  readonly measure: (context: BenchContext) => Promise<T>
  readonly print: (results: T) => void
}

const ROWS: Rows = { ...MESSAGE_ROWS, ...ISSUANCE_ROWS, ...COLD_ROWS, ...SINGLE_ROWS }

const SUITES: Readonly<Record<string, (context: BenchContext) => Promise<unknown>>> = {
  growth: suite({ measure: measureGrowth, print: (rows) => rows.forEach(printGrowth) }),
  million: suite({ measure: ({ folder }) => measureMillion(folder), print: printMillion }),
  registry: suite({ measure: ({ folder }) => measureRegistry(folder), print: printRegistry }),
  trust: suite({ measure: ({ folder }) => measureTrust(folder), print: printTrust }),
  quarantine: suite({ measure: ({ folder }) => measureQuarantine(folder), print: printQuarantine }),
  issuanceMemory: suite({ measure: ({ folder }) => measureIssuanceMemory(folder), print: printIssuanceMemory }),
  longStream: suite({ measure: measureLongStream, print: printLongStream }),
  models: suite({ measure: ({ folder }) => measureModels(folder), print: printModels }),
  parts: suite({ measure: measureParts, print: printParts }),
  revocation: suite({ measure: async (context) => measureRevocation(context), print: printRevocation }),
  steady: suite({ measure: measureSteady, print: printSteady }),
  creep: suite({ measure: measureCreep, print: printCreep }),
}

function suite<T>({ measure, print }: Suite<T>): (context: BenchContext) => Promise<T> {
  return async (context) => {
    const results = await measure(context)
    print(results)
    return results
  }
}

const options = readOptions([...Object.keys(ROWS), ...Object.keys(SUITES)])
if (options !== undefined) await main(options)

async function main({ only, json, rounds, peers, from, page }: BenchOptions): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'signet-bench-'))
  try {
    const save = (some: BenchResults): void => {
      if (json !== undefined) writeFileSync(json, `${JSON.stringify(some, null, 2)}\n`)
    }
    const isWanted = (name: string): boolean => only?.some((part) => name.includes(part)) !== false
    const measured = (): Promise<BenchResults> => measureAll(makeContext({ folder, rounds, peers }), isWanted, save)
    const results = from.length === 0 ? await measured() : mergeResults(from.map(readResults))
    save(results)
    if (page) {
      writeFileSync('docs/performance.svg', performanceSvg(results.rows))
      writeFileSync('docs/performance.md', await performancePage(results))
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** @param save - Told of all there is after each row and suite: whoever stops a long run keeps what was measured. */
async function measureAll(
  context: BenchContext,
  isWanted: (name: string) => boolean,
  save: (results: BenchResults) => void,
): Promise<BenchResults> {
  const machine = describeMachine()
  const rows: Row[] = []
  const suites: [string, unknown][] = []
  const results = (): BenchResults => ({ schema: 2, machine, rows, ...Object.fromEntries(suites) })
  for (const [name, row] of Object.entries(ROWS)) {
    if (!isWanted(name)) continue
    const measured = await row(context, name)
    rows.push(measured)
    printRow(measured)
    save(results())
  }
  for (const [name, run] of Object.entries(SUITES)) {
    if (!isWanted(name)) continue
    suites.push([name, await run(context)])
    save(results())
  }
  return results()
}

function readResults(file: string): BenchResults {
  const results = JSON.parse(readFileSync(file, 'utf8')) as BenchResults
  if (results.schema !== 2) throw new Error(`${file} is not of this harness`)
  return results
}
