import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

/** The house: a folder imports only from folders on lower floors. See docs/architecture.md. */
const FLOORS: Readonly<Record<string, number>> = {
  errors: 0,
  time: 0.1,
  json: 0.1,
  files: 0.1,
  yaml: 0.2,
  asn1: 1,
  crypto: 2,
  x509: 3,
  path: 4,
  store: 4,
  cms: 5,
  identity: 5,
  oslo: 5,
  keystone: 5.1,
  credential: 5.1,
  policy: 6,
  trust: 6,
  authority: 7,
  message: 7,
  tls: 7,
  brokers: 7.1,
  sharedkey: 7.1,
  compare: 7.2,
  servers: 7.2,
  channels: 7.3,
  probe: 7.3,
  agent: 7.4,
  cli: 8,
}

/** Outside libraries, and the one place that may use each. */
const LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  asn1js: ['asn1/ber.ts'],
  '@peculiar/x509': ['x509/second-opinion.ts'],
  '@peculiar/webcrypto': ['x509/second-opinion.ts'],
  'reflect-metadata': ['x509/second-opinion.ts'],
  pkijs: ['cms/second-opinion.ts'],
  kysely: [
    'store/certificate-migration.ts',
    'store/kysely-bulk.ts',
    'store/kysely-certificates.ts',
    'store/kysely-rotation.ts',
    'store/kysely-store.ts',
    'store/node-sqlite.ts',
    'store/registry-migration.ts',
    'store/rotation-migration.ts',
    'store/schema.ts',
  ],
  'kysely/migration': [
    'store/certificate-migration.ts',
    'store/registry-migration.ts',
    'store/rotation-migration.ts',
    'store/schema.ts',
  ],
  yaml: ['yaml/yaml.ts'],
  'node:child_process': ['crypto/command-key-provider.ts', 'agent/command.ts'],
}

const SRC = resolve('src')
const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))

interface Import {
  readonly file: string
  readonly target: string
}

const imports: readonly Import[] = files.flatMap((file) => {
  const text = readFileSync(join(SRC, file), 'utf8')
  const specifiers = [...text.matchAll(/(?:from |^import |import\()'([^'\n]+)'\)?(?=$|[,\])])/gm)]
  return specifiers.map((match) => ({ file, target: match[1] ?? '' }))
})

const inner = imports
  .filter(({ target }) => target.startsWith('.'))
  .map(({ file, target }) => ({
    file,
    target: relative(SRC, resolve(SRC, dirname(file), target)).replace(/\.js$/, '.ts'),
  }))

function folderOf(file: string): string {
  return file.split('/')[0] ?? ''
}

describe('the floor plan', () => {
  it('gives every folder of src a floor', () => {
    const folders = new Set(files.filter((file) => file.includes('/')).map(folderOf))
    expect([...folders].filter((folder) => !(folder in FLOORS))).toEqual([])
  })

  it('imports only downward', () => {
    const upward = inner.filter(({ file, target }) => {
      const [from, to] = [folderOf(file), folderOf(target)]
      return file.includes('/') && from !== to && !((FLOORS[to] ?? Infinity) < (FLOORS[from] ?? -Infinity))
    })
    expect(upward).toEqual([])
  })

  it('reaches another folder only through its door', () => {
    const window = inner.filter(
      ({ file, target }) => folderOf(file) !== folderOf(target) && !target.endsWith('/index.ts'),
    )
    expect(window).toEqual([])
  })

  it('has no cycles', () => {
    const graph = new Map<string, string[]>(files.map((file) => [file, []]))
    for (const { file, target } of inner) graph.get(file)?.push(target)
    const done = new Set<string>()
    const visit = (file: string, trail: readonly string[]): readonly string[] | undefined => {
      if (trail.includes(file)) return [...trail.slice(trail.indexOf(file)), file]
      if (done.has(file)) return undefined
      for (const next of graph.get(file) ?? []) {
        const cycle = visit(next, [...trail, file])
        if (cycle !== undefined) return cycle
      }
      done.add(file)
      return undefined
    }
    const cycles = files.map((file) => visit(file, [])).filter((cycle) => cycle !== undefined)
    expect(cycles).toEqual([])
  })

  it('uses each outside library in its one adapter only', () => {
    const stray = imports.filter(({ file, target }) => {
      if (target.startsWith('.')) return false
      if (folderOf(file) === 'cli' && (target === 'commander' || target.startsWith('node:'))) return false
      const allowed = LIBRARIES[target]
      return allowed === undefined ? !target.startsWith('node:') : !allowed.includes(file)
    })
    expect(stray).toEqual([])
  })
})
