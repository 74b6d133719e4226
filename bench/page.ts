/** docs/performance.md, from what was measured. */
import { format, resolveConfig } from 'prettier'
import type { Creep } from './creep.ts'
import { GOALS, judgeGoals } from './goals.ts'
import type { IssuanceMemory } from './issuance-long.ts'
import type { Row } from './harness.ts'
import type { LongStream } from './long-stream.ts'
import type { Machine } from './machine.ts'
import { type Parts, partsText } from './parts.ts'
import type { Steady } from './steady.ts'
import type { TrustBench } from './trust.ts'
import { workOf } from './works.ts'

/** What `--json` writes. Suites that are not named here have no place on the page. */
export interface BenchResults {
  readonly schema: number
  readonly machine: Machine
  readonly rows: readonly Row[]
  readonly parts?: Parts
  readonly steady?: Steady
  readonly issuanceMemory?: IssuanceMemory
  readonly longStream?: LongStream
  readonly trust?: TrustBench
  readonly creep?: readonly Creep[]
}

/** Of several runs: the last that has a row or a suite has it; of their loads, the highest. */
export function mergeResults(runs: readonly BenchResults[]): BenchResults {
  const rows = new Map(runs.flatMap((run) => run.rows.map((row) => [row.name, row] as const)))
  const all = Object.assign({}, ...runs) as BenchResults
  const loadBefore = Math.max(...runs.map(({ machine }) => machine.loadBefore))
  return {
    ...all,
    machine: { ...all.machine, at: runs.map(({ machine }) => machine.at).join(', '), loadBefore },
    rows: [...rows.values()],
  }
}

const BULK_GOAL = GOALS.find(({ peer }) => peer === 'bare key generation + sign')?.atLeast ?? NaN

/** With more of it, numbers say little. */
const QUIET_LOAD = 0.5

export async function performancePage(results: BenchResults): Promise<string> {
  const { machine, rows, parts: timeParts, steady, issuanceMemory, longStream, trust, creep } = results
  const parts = [
    HEAD,
    machineText(machine),
    versionsText(rows),
    '![signet beside others: how many times as fast](performance.svg)',
    goalsText(rows),
    '## Side by side\n\n' + rows.map(rowText).join('\n\n'),
    worksText(rows),
    ...(timeParts === undefined ? [] : [partsText(timeParts)]),
    ...(steady === undefined ? [] : [steadyText(steady)]),
    ...(issuanceMemory === undefined ? [] : [issuanceMemoryText(issuanceMemory)]),
    ...(longStream === undefined ? [] : [longStreamText(longStream)]),
    ...(trust === undefined ? [] : [trustText(trust)]),
    ...(creep === undefined ? [] : [creepText(creep)]),
  ]
  return format(parts.join('\n\n'), { ...(await resolveConfig('docs/performance.md')), parser: 'markdown' })
}

const HEAD = `# Performance

\`npm run bench -- --page\` measures and writes this page; [bench/peers/README.md](../bench/peers/README.md) says how the others are
installed. Nothing here is a promise, and no test holds it.

All contenders of a row take turns: a batch of about a millisecond each, after half as many operations that are not measured,
round by round, so that what else the machine does hits each alike. A ratio is the median over all rounds of their time over ours in the same round: **above 1, signet is faster**.
Strangers run in processes of their own, which stay, and take their own time; nobody's start is measured. Rates are of one
operation after the other. The libcrypto beside us is that of the system, and not the one in Node.`

function machineText({
  at,
  processor,
  processors,
  memoryGigabytes,
  kernel,
  node,
  openssl,
  loadBefore,
}: Machine): string {
  const text = `Measured ${at} on ${processor}, ${processors} processors, ${memoryGigabytes} GB, Linux ${kernel}, Node ${node} with OpenSSL ${openssl}.`
  const load = `The load of the minute before was ${loadBefore}.`
  return loadBefore <= QUIET_LOAD
    ? `${text} ${load}`
    : `${text} **${load} Other programs ran, which blurs ratios, too.**`
}

function goalsText(rows: readonly Row[]): string {
  const goals = judgeGoals(rows)
  const reasons = goals.filter(({ verdict, why }) => verdict === 'missed' && why !== undefined)
  const lines = goals.map(
    ({ row, peer, atLeast, measured, verdict }) =>
      `| ${row} | ${peer} | ${atLeast} | ${measured ?? '–'} | ${verdict === 'missed' ? '**missed**' : verdict} |`,
  )
  return [
    '## What was wanted',
    '',
    '| row | against | at least | measured | |',
    '|---|---|---|---|---|',
    ...lines,
    ...(reasons.length === 0 ? [] : ['', 'What was missed, and why:', '']),
    ...reasons.map(({ row, why }) => `- **${row}**: ${why}.`),
  ].join('\n')
}

function rowText({ name, opsPerSecond, p50us, p99us, peers, ratios, skipped = {} }: Row): string {
  const others = Object.entries(peers).map(([peer, rate]) => `| ${peer} | ${grouped(rate)} | ${ratios[peer] ?? '–'} |`)
  const left = Object.entries(skipped).map(([peer, reason]) => `${peer} (${inline(reason)})`)
  return [
    `### ${name}`,
    '',
    `| | a second | signet is … times as fast |`,
    '|---|---|---|',
    `| **signet** | **${grouped(opsPerSecond)}** | p50 ${p50us} µs, p99 ${p99us} µs |`,
    ...others,
    ...(left.length === 0 ? [] : ['', `Not measured: ${left.join('; ')}.`]),
  ].join('\n')
}

function worksText(rows: readonly Row[]): string {
  const names = [...new Set(rows.flatMap(({ peers }) => Object.keys(peers)))]
  const lines = names.flatMap((name) => {
    const work = workOf(name)
    return work === undefined ? [] : [`- **${name}**: ${work}.`]
  })
  return `## What each does for one operation

- **signet, verifying**: strict DER, the digest of the content, the signature, the certificate bound by ESS, path and revocation
  (validated once for each signer of a directory, looked up after that), identity, destination, type, age, and a memory against
  replays in the same process. The content is not parsed.
- **signet, signing**: the same message from its content, a fresh id, the time and all signed attributes.
${lines.join('\n')}`
}

/** Each once, however many of its tasks were measured. */
function versionsText(rows: readonly Row[]): string {
  const versions = new Set(rows.flatMap((row) => Object.values(row.versions ?? {})))
  return versions.size === 0 ? '' : `The strangers: ${[...versions].map(inline).join('; ')}.`
}

function issuanceMemoryText(memory: IssuanceMemory): string {
  const { certificates, perSecond, threads, bareMicroseconds, residentMegabytes, heapMegabytes } = memory
  const sum = threads.reduce((total, { microseconds }) => total + microseconds, 0)
  const left = Math.round((2 * bareMicroseconds) / BULK_GOAL)
  return `## Issuing for long

${grouped(certificates)} certificates issued in groups at ${grouped(perSecond)} a second, memory in MB after each tenth of them: resident
${residentMegabytes.join(', ')}; on the heap, after collection, ${heapMegabytes.join(', ')}. What is resident besides is the cache of the
database and what the allocator keeps.

Processor time of one certificate. A bare key and signature took ${bareMicroseconds} µs in the same process: ${BULK_GOAL} of that rate
is ${left} µs on two processors that never wait.

| | µs |
|---|---|
${threads.map(({ name, microseconds }) => `| ${name} | ${microseconds} |`).join('\n')}
| all | ${sum} |`
}

function steadyText({ messages, residentMegabytes, heapMegabytes, steps }: Steady): string {
  const lines = steps.map(
    ({ name, count, longestms, p50ms, p99ms, maxms }) =>
      `| ${name} | ${grouped(count)} | ${p50ms} | ${p99ms} | ${maxms} | ${longestms ?? ''} |`,
  )
  return `## Standing still and growing

${grouped(messages)} messages signed and verified, memory in MB after each tenth of them: resident ${residentMegabytes.join(', ')}; on
the heap, after collection, ${heapMegabytes.join(', ')}.

Milliseconds of steps in which nothing else happens in the process, garbage collection included. What works in turns, and
issuing, takes several steps, of which those that only wait are not counted: the last column has the longest of each piece of work, as half of them are.
Where a step in turns is longer than two milliseconds, V8 collects garbage in it, as \`node --trace-gc\` shows: to finish a mark-compact
takes it three here, more while other programs run; and the memory of a directory of 100,000 signers, 73 MB, brings one nearly
every time. A commit waits for the disk, in one step.

| step | steps | p50 | p99 | most | longest of each |
|---|---|---|---|---|---|
${lines.join('\n')}`
}

function longStreamText(long: LongStream): string {
  const { gigabytes, signSeconds, verifySeconds, hashSeconds, residentMegabytes } = long
  return `## A file longer than memory

${gigabytes} GB signed in ${signSeconds} s and verified in ${verifySeconds} s, while they pass by; SHA-256 alone of the same octets takes
${hashSeconds} s. Resident MB before, and after each GB that is verified: ${residentMegabytes.join(', ')}.`
}

function trustText({ sizes }: TrustBench): string {
  const lines = sizes.map(
    ({ signers, bytes, loadMilliseconds, hashMilliseconds, bytesPerSigner, lookupNanoseconds, deltaMilliseconds }) =>
      `| ${grouped(signers)} | ${grouped(bytes)} | ${loadMilliseconds} | ${hashMilliseconds} | ${bytesPerSigner} | ${lookupNanoseconds} | ${deltaMilliseconds} |`,
  )
  return `## Trust directories

| signers | octets | ms to load and verify | ms for SHA-256 alone | octets a signer, besides | ns to look one up | ms for a delta |
|---|---|---|---|---|---|---|
${lines.join('\n')}`
}

function creepText(creep: readonly Creep[]): string {
  const lines = creep.map(
    ({ name, instructions, allocatedBytes }) =>
      `| ${name} | ${instructions === null ? 'not counted' : grouped(instructions)} | ${grouped(allocatedBytes)} |`,
  )
  return `## What must not creep

Counted and not timed, so that other programs do not matter: processor instructions of one message (P-256, 1 KiB) by valgrind's
callgrind, as the difference of 3,000 of them and 1,500; and octets that it allocates on the heap of V8.
The processor that valgrind simulates lacks some that OpenSSL would use: compare these numbers with each other only.

| | instructions | octets |
|---|---|---|
${lines.join('\n')}`
}

function grouped(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: value < 100 ? 1 : 0 })
}

/** More of what a stranger complains about tells no more. */
const MAX_WORDS = 120

/** Words of strangers, which may be anything, in a line of Markdown. */
function inline(text: string): string {
  const some = text.length <= MAX_WORDS ? text : `${text.slice(0, MAX_WORDS)}…`
  return some.replace(/\s+/g, ' ').replace(/[|<>*_`[\]\\]/g, (character) => `&#${character.charCodeAt(0)};`)
}
