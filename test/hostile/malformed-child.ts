/**
 * Calls every function with every file below a folder, and prints one line of JSON for each file.
 *
 * ```
 * node --import ./test/hostile/hook.mjs test/hostile/malformed-child.ts FILES FOLDER [PART PARTS]
 * ```
 *
 * `FILES` is where the corpora's hostile files are. `FOLDER` is an empty place of its own, in which `marker` names file
 * and function while it works. Of so many `PARTS`, it does the one numbered `PART`, from 0.
 *
 * @module test/hostile/malformed-child
 */
import { readFileSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { attempt, Violation } from './attempt.js'
import { CALLS } from './calls/index.js'
import { INPUT_FILE, inputOf } from './calls/input.js'
import { type FileReport, hostileFiles, partOf } from './malformed.js'
import { openMarker } from './marker.js'

const [files = '', folder = '', part = '0', parts = '1'] = process.argv.slice(2)
const mark = openMarker(join(folder, 'marker'))

for (const file of partOf(hostileFiles(files), Number(part), Number(parts))) {
  // One at a time: what is held is measured.
  const input = inputOf(new Uint8Array(readFileSync(join(files, file))), folder)
  writeFileSync(join(folder, INPUT_FILE), input.bytes, { mode: 0o600 })
  const calls: Record<string, readonly [code: string, milliseconds: number]> = {}
  const violations: string[] = []
  for (const [name, call] of CALLS) {
    mark(`${file} ${name}`)
    try {
      const { code, cpuMilliseconds } = await attempt(name, () => call(input))
      calls[name] = [code, cpuMilliseconds]
    } catch (error) {
      if (!(error instanceof Violation)) throw error
      violations.push(error.message)
    }
  }
  const report: FileReport = { file, calls, violations, maxRssKibibytes: process.resourceUsage().maxRSS }
  writeSync(1, `${JSON.stringify(report)}\n`)
}
