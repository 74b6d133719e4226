/** Where the time of a cold `signet verify` goes: what bin/signet.js does, with a clock between the steps. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { coldCase } from './cold.ts'
import { quantile, rounded } from './harness.ts'
import type { Part } from './parts.ts'

const ROUNDS = 25

const CHILD = `
const marks = []
const mark = (name) => marks.push([name, performance.now()])
mark('Node.js, until the first line of a program')
const { readFileSync, writeSync } = require('node:fs')
const vm = require('node:vm')
const [dist, words] = [process.env.SIGNET_BENCH_DIST, JSON.parse(process.env.SIGNET_BENCH_WORDS)]
const [source, cachedData] = [readFileSync(dist + 'signet.cjs', 'utf8'), readFileSync(dist + 'signet.cjs.cache')]
mark('the program, read from two files')
const begin = new vm.Script(source, { filename: dist + 'signet.cjs', cachedData }).runInThisContext()
mark('its compiled functions, taken over')
require('node:crypto')
mark('node:crypto')
const module_ = { exports: {}, folder: dist }
begin(module_.exports, require, module_)
mark('what the program makes while it is loaded')
const sink = { write: () => true, once: () => undefined }
const streams = { stdin: process.stdin, stdout: sink, stderr: sink }
const clock = { now: () => new Date() }
module_.exports.main(words, { ...streams, variables: process.env, directory: process.cwd(), clock }).then((code) => {
  mark('trust directory and message: read, verified')
  writeSync(1, JSON.stringify(marks))
  process.exit(code)
})
`

export function partsOfColdStart(folder: string): readonly Part[] {
  const { demo, words, variables } = coldCase(folder)
  const dist = fileURLToPath(new URL('../dist/', import.meta.url))
  const env = { ...variables, SIGNET_BENCH_DIST: dist, SIGNET_BENCH_WORDS: JSON.stringify(words) }
  // A file, as bin/signet.js is one: with -e, Node loads more before the first line.
  const program = join(demo, 'cold-start.cjs')
  writeFileSync(program, CHILD)
  const samples = new Map<string, number[]>()
  const add = (name: string, milliseconds: number): void => {
    samples.set(name, [...(samples.get(name) ?? []), 1000 * milliseconds])
  }
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now()
    const { status, stdout, stderr } = spawnSync(process.execPath, [program], { cwd: demo, env, encoding: 'utf8' })
    const whole = performance.now() - start
    if (status !== 0) throw new Error(`a cold start ended with ${status}: ${stderr}`)
    let last = 0
    for (const [name, at] of JSON.parse(stdout) as [string, number][]) {
      add(name, at - last)
      last = at
    }
    add('the process is made, and ends', whole - last)
    add('all of it', whole)
  }
  return [...samples].map(([name, list]) => ({ name, microseconds: rounded(quantile(list, 0.5)) }))
}
