/** Issuing for long, in a process of its own: how fast, what it keeps in memory, and which thread has how much to do. */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { runMeasured } from './process.ts'

export interface IssuanceMemory {
  readonly certificates: number
  readonly perSecond: number
  /** Microseconds of processor time of one certificate, by thread. */
  readonly threads: readonly { readonly name: string; readonly microseconds: number }[]
  /** What a key and a signature alone take, one after the other, before and after. */
  readonly bareMicroseconds: number
  /** After each tenth: resident, and on the heap when its garbage is collected. */
  readonly residentMegabytes: readonly number[]
  readonly heapMegabytes: readonly number[]
}

const CHILD = (dist: string, folder: string, count: number): string => `
const at = (name) => import(${JSON.stringify(dist)} + name + '/index.js')
const [A, C, I] = await Promise.all(['authority', 'crypto', 'identity'].map(at))
const clock = { now: () => new Date() }
const passphrase = new C.Passphrase(Buffer.from('memory'))
const home = ${JSON.stringify(join(folder, 'memory'))}
const rootDirectory = home + '-root'
const rules = { trustDomain: 'cloud.example', domains: [], addressRanges: ['127.0.0.0/8'], algorithm: 'p256' }
await A.bootstrap({ home, rootDirectory, passphrase, ...rules }, clock)
const authority = await A.Authority.open(home, clock)
const now = await authority.now()
const key = await authority.issuingKey(passphrase)
const crls = await A.currentCrls(authority, key, now)
const id = (index) => 'bulk-' + (index % 10_000)
const record = (_, index) => I.entityRecord({ id: id(index), kind: 'node' }, 'cloud.example', now)
const entities = Array.from({ length: 10_000 }, record)
await authority.store.transaction(async (transaction) => {
  await transaction.insertEntities(entities)
  await transaction.logAll(now, 'entity.added', entities.map(({ id }) => ({ id })))
})
function* requests() {
  const made = { kind: 'generate', algorithm: 'p256' }
  for (let index = 0; index < ${count}; index++) yield { entity: id(index), profile: A.PROFILES.peer, key: made }
}
const { generateKeyPairSync, sign } = await import('node:crypto')
const { readdirSync, readFileSync } = await import('node:fs')
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
const bare = () => {
  const start = performance.now()
  for (let index = 0; index < 5000; index++) {
    generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    sign('sha256', Buffer.alloc(500), privateKey)
  }
  return (performance.now() - start) / 5
}
// Linux counts in hundredths of a second: fields 14 and 15 of proc_pid_stat(5).
const threads = () => readdirSync('/proc/self/task').map((id) => {
  const text = readFileSync('/proc/self/task/' + id + '/stat', 'latin1')
  const name = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'))
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { id, name, microseconds: 10_000 * (Number(fields[11]) + Number(fields[12])) }
})
const [residentMegabytes, heapMegabytes] = [[], []]
let done = 0
const bareBefore = bare()
const before = new Map(threads().map(({ id, microseconds }) => [id, microseconds]))
let taken = []
const start = performance.now()
for await (const group of A.issueInGroups({ authority, key, crls, at: now }, requests())) {
  done += group.length
  if (done === ${count}) taken = threads()
  if (Math.floor((10 * done) / ${count}) === Math.floor((10 * (done - group.length)) / ${count})) continue
  gc()
  const { rss, heapUsed } = process.memoryUsage()
  residentMegabytes.push(Math.round(rss / 1e6))
  heapMegabytes.push(Math.round(heapUsed / 1e6))
}
const perSecond = Math.round((1000 * done) / (performance.now() - start))
await authority.close()
const each = taken.map(({ id, name, microseconds }) => {
  return { name, microseconds: Math.round((microseconds - (before.get(id) ?? 0)) / done) }
})
const bareMicroseconds = Math.round((bareBefore + bare()) / 2)
process.stdout.write(JSON.stringify({
  certificates: done, perSecond, threads: each, bareMicroseconds, residentMegabytes, heapMegabytes,
}))
`

export async function measureIssuanceMemory(folder: string, count = 100_000): Promise<IssuanceMemory> {
  const place = mkdtempSync(join(folder, 'issuance-'))
  const program = CHILD(new URL('../dist/', import.meta.url).href, place, count)
  try {
    const { output } = await runMeasured(
      process.execPath,
      ['--expose-gc', '--input-type=module', '-e', program],
      600_000,
    )
    const measured = JSON.parse(output) as IssuanceMemory
    return { ...measured, threads: named(measured.threads) }
  } finally {
    rmSync(place, { recursive: true, force: true })
  }
}

/** By what they do: of the threads of Node, one validates, and the other makes keys. */
function named(threads: IssuanceMemory['threads']): IssuanceMemory['threads'] {
  const of = (name: string): number[] =>
    threads.flatMap((thread) => (thread.name.startsWith(name) ? [thread.microseconds] : []))
  const sum = (items: readonly number[]): number => items.reduce((a, b) => a + b, 0)
  const [validating = 0, making = 0] = of('WorkerThread').toSorted((a, b) => b - a)
  return [
    { name: 'the thread of whoever issues: approval, log, database', microseconds: sum(of('MainThread')) },
    { name: 'the thread that reads and validates what was signed', microseconds: validating },
    { name: 'the thread that makes keys', microseconds: making },
    { name: 'the threads that sign', microseconds: sum(of('libuv-worker')) },
    { name: 'the threads that compile, and collect garbage', microseconds: sum(of('V8Worker')) },
  ]
}

export function printIssuanceMemory(memory: IssuanceMemory): void {
  const { certificates, perSecond, threads, bareMicroseconds, residentMegabytes, heapMegabytes } = memory
  console.log(`${certificates} certificates at ${perSecond}/s, after each tenth: RSS ${residentMegabytes.join(' ')} MB`)
  for (const { name, microseconds } of threads) console.log(`  ${name.padEnd(60)} ${microseconds} µs each`)
  console.log(`  a bare key and signature ${bareMicroseconds} µs`)
  console.log(`  heap ${heapMegabytes.join(' ')} MB`)
}
