/** A registry of a million entities: import, look-ups beside a small one, export, and the proof of its log. */
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, createWriteStream, statSync } from 'node:fs'
import { join } from 'node:path'
import { Authority, bootstrap, HOME_FILES } from '../dist/authority/index.js'
import { Passphrase } from '../dist/crypto/index.js'
import { type Store } from '../dist/store/index.js'
import { runMeasured } from './process.ts'

const ENTITIES = 1_000_000
const FEW_ENTITIES = 1000
const CERTIFICATES = 5000
const LOOKUPS = 5000
const ROUNDS = 3
const TIMEOUT = 900_000

const CLOCK = { now: () => new Date() }
const url = (path: string): string => JSON.stringify(new URL(`../dist/${path}`, import.meta.url).href)

/** Imports a file into a home, through the library. */
const IMPORT = `
import { createReadStream } from 'node:fs'
import { Authority, importRegistry } from ${url('authority/index.js')}
import { registryParts } from ${url('identity/index.js')}
const authority = await Authority.open(process.argv[1], { now: () => new Date() })
const start = performance.now()
const counts = await importRegistry(authority, registryParts(createReadStream(process.argv[2]), 'bench'), await authority.now())
process.stdout.write(JSON.stringify({ seconds: (performance.now() - start) / 1000, added: counts.get('add entity') ?? 0 }))
await authority.close()
`

/** How fast something goes over all entities, and what memory its process takes at most. */
export interface Pass {
  readonly seconds: number
  readonly perSecond: number
  readonly megabytes: number
}

interface Latency {
  readonly p50us: number
  readonly p99us: number
}

export interface Lookup {
  readonly by: string
  readonly few: Latency
  readonly many: Latency
  /** Median among many over that among few: 1 is flat. */
  readonly ratio: number
}

export interface Registry {
  readonly entities: number
  readonly fileMegabytes: number
  readonly storeMegabytes: number
  /** Without the start of the process; the rest is from start to end. */
  readonly import: Pass
  readonly importAgain: Pass
  readonly importByCommand: Pass
  readonly export: Pass
  readonly auditVerify: Pass
  readonly lookups: readonly Lookup[]
}

export async function measureRegistry(folder: string): Promise<Registry> {
  const template = await emptyHome(folder)
  const homeOf = (name: string): string => {
    const home = join(folder, name)
    cpSync(template, home, { recursive: true })
    return home
  }
  const [few, many] = [homeOf('few'), homeOf('many')]
  const [fewFile, manyFile] = [join(folder, 'few.ndjson'), join(folder, 'many.ndjson')]
  await writeRegistry(fewFile, FEW_ENTITIES)
  await writeRegistry(manyFile, ENTITIES)
  await importInto(few, fewFile)
  const first = await importInto(many, manyFile)
  const again = await importInto(many, manyFile)
  const byCommand = homeOf('command')
  const passes = {
    import: first,
    importAgain: again,
    importByCommand: await command(byCommand, 'apply', manyFile),
    export: await command(many, 'export', '--format', 'ndjson', '--out', join(folder, 'exported.ndjson')),
    auditVerify: await command(many, 'audit', 'verify'),
  }
  // After the audit: these certificates are in no log.
  return {
    entities: ENTITIES,
    fileMegabytes: megabytesOf(manyFile),
    storeMegabytes: megabytesOf(join(many, HOME_FILES.database)),
    ...passes,
    lookups: await measureLookups(few, many),
  }
}

async function emptyHome(folder: string): Promise<string> {
  const home = join(folder, 'registry-home')
  const passphrase = new Passphrase(randomBytes(16))
  const names = { trustDomain: 'cloud.example', domains: [], addressRanges: ['10.0.0.0/8'] }
  await bootstrap(
    { home, rootDirectory: join(folder, 'registry-root'), ...names, algorithm: 'p256', passphrase },
    CLOCK,
  )
  return home
}

const idOf = (index: number): string => `node-${String(index).padStart(7, '0')}`
const scopeOf = (index: number): string => `region-${index % 10}/service-${Math.floor(index / 10) % 10}`

/** Two levels of scopes, ten roles, and entities with one host name and one alias each. */
async function writeRegistry(path: string, entities: number): Promise<void> {
  const out = createWriteStream(path)
  let text = ''
  const line = (value: unknown): string => (text += `${JSON.stringify(value)}\n`)
  for (let region = 0; region < 10; region++) {
    line({ scope: `region-${region}`, kind: 'region' })
    for (let service = 0; service < 10; service++)
      line({ scope: `region-${region}/service-${service}`, kind: 'service' })
  }
  for (let role = 0; role < 10; role++) line({ role: `role-${role}`, implies: [] })
  for (let index = 0; index < entities; index++) {
    const entity = idOf(index)
    const names = { dns: [`${entity}.cloud.example`], aliases: [`kite:compute.${entity}`] }
    line({ entity, kind: 'node', service: 'compute', scope: scopeOf(index), roles: [`role-${index % 10}`], ...names })
    if (text.length < 1 << 20) continue
    if (!out.write(text)) await once(out, 'drain')
    text = ''
  }
  out.end(text)
  await once(out, 'finish')
}

async function importInto(home: string, file: string): Promise<Pass> {
  const words = ['--input-type=module', '-e', IMPORT, home, file]
  const { megabytes, output } = await runMeasured(process.execPath, words, TIMEOUT)
  return passOf((JSON.parse(output) as { seconds: number }).seconds, megabytes)
}

async function command(home: string, ...words: readonly string[]): Promise<Pass> {
  const { seconds, megabytes } = await runMeasured(
    process.execPath,
    ['bin/signet.js', '--home', home, ...words],
    TIMEOUT,
  )
  return passOf(seconds, megabytes)
}

function passOf(seconds: number, megabytes: number): Pass {
  return {
    seconds: Number(seconds.toPrecision(3)),
    perSecond: Math.round(ENTITIES / seconds),
    megabytes: Math.round(megabytes),
  }
}

function megabytesOf(path: string): number {
  return Math.round(statSync(path).size / 1e6)
}

/** Whom to look for: each way to name the `index`th. */
const WAYS: Readonly<Record<string, (store: Store, index: number) => Promise<unknown>>> = {
  id: (store, index) => store.entity(idOf(index)),
  uri: (store, index) => store.entityByUri(`spiffe://cloud.example/${scopeOf(index)}/compute/${idOf(index)}`),
  dns: (store, index) => store.entitiesByName('dns', [`${idOf(index)}.cloud.example`]),
  alias: (store, index) => store.entitiesByName('alias', [`kite:compute.${idOf(index)}`]),
  subject: (store, index) => store.certificatesBySubject(digestOf('subject', index)),
  fingerprint: (store, index) => store.certificateByFingerprint(digestOf('fingerprint', index)),
  'key identifier': (store, index) => store.certificatesByKeyIdentifier(digestOf('key', index)),
}

const digestOf = (what: string, index: number): string => createHash('sha256').update(`${what} ${index}`).digest('hex')

/** The two stores in turn, round by round, so that what else the machine does hits each alike. */
async function measureLookups(few: string, many: string): Promise<readonly Lookup[]> {
  const opened = [await Authority.open(few, CLOCK), await Authority.open(many, CLOCK)] as const
  const sizes = [FEW_ENTITIES, ENTITIES] as const
  const counts = [Math.min(FEW_ENTITIES, CERTIFICATES), CERTIFICATES] as const
  for (const [index, authority] of opened.entries()) await insertCertificates(authority.store, counts[index] ?? 0)
  const lookups: Lookup[] = []
  for (const [by, find] of Object.entries(WAYS)) {
    const samples: [number[], number[]] = [[], []]
    for (let round = 0; round < ROUNDS; round++) {
      for (const which of [0, 1] as const) {
        const size = by === 'subject' || by === 'fingerprint' || by === 'key identifier' ? counts[which] : sizes[which]
        for (let turn = 0; turn < LOOKUPS; turn++) {
          // A large stride, so that neighbours are not found on one page.
          const index = (turn * 7919 + round) % size
          const start = process.hrtime.bigint()
          const found = await find(opened[which].store, index)
          if (round > 0) samples[which].push(Number(process.hrtime.bigint() - start) / 1000)
          if (found === undefined || (Array.isArray(found) && found.length !== 1)) throw new Error(`${by} ${index}`)
        }
      }
    }
    const [fewest, most] = [latency(samples[0]), latency(samples[1])]
    lookups.push({ by, few: fewest, many: most, ratio: Number((most.p50us / fewest.p50us).toPrecision(3)) })
  }
  for (const authority of opened) await authority.close()
  return lookups
}

async function insertCertificates(store: Store, count: number): Promise<void> {
  const at = new Date().toISOString()
  await store.transaction(async (transaction) => {
    for (let index = 0; index < count; index++) {
      const serialNumber = digestOf('serial', index).slice(0, 40)
      const entityId = idOf(index)
      await transaction.insertIntents([
        { serialNumber, entityId, profile: 'peer', tbsDigest: '', createdAt: at, issuer: 1 },
      ])
      await transaction.insertCertificates([
        {
          serialNumber,
          entityId,
          profile: 'peer',
          keyIdentifier: digestOf('key', index),
          spkiDigest: digestOf('spki', index),
          fingerprint: digestOf('fingerprint', index),
          subjectDigest: digestOf('subject', index),
          notBefore: at,
          notAfter: at,
          der: new Uint8Array(700),
          issuer: 1,
          keySource: null,
        },
      ])
    }
  })
}

function latency(microseconds: readonly number[]): Latency {
  const sorted = microseconds.toSorted((a, b) => a - b)
  const at = (share: number): number => Number((sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toPrecision(3))
  return { p50us: at(0.5), p99us: at(0.99) }
}

export function printRegistry(registry: Registry): void {
  const { entities, fileMegabytes, storeMegabytes } = registry
  console.log(`registry of ${entities} entities: file ${fileMegabytes} MB, store ${storeMegabytes} MB`)
  const passes = [
    ['import', registry.import],
    ['import again, nothing to change', registry.importAgain],
    ['signet apply', registry.importByCommand],
    ['signet export', registry.export],
    ['signet audit verify', registry.auditVerify],
  ] as const
  for (const [name, { seconds, perSecond, megabytes }] of passes) {
    console.log(
      `  ${name.padEnd(32)} ${String(perSecond).padStart(7)} entities/s  ${seconds} s  ${megabytes} MB at most`,
    )
  }
  for (const { by, few, many, ratio } of registry.lookups) {
    console.log(
      `  find by ${by.padEnd(24)} p50 ${many.p50us} µs  p99 ${many.p99us} µs  ${ratio} × among ${FEW_ENTITIES} (p50 ${few.p50us} µs)`,
    )
  }
}
