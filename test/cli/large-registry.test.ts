/** Registries that are read and written in parts: `apply` of lines, `export`, `entity list`. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { makeTemplate } from '../support/test-authority.js'
import { temporaryFolder } from '../support/temporary.js'
import { copyFolder } from '../support/testscript.js'
import { copyWorld, type World } from './world.js'

const template = await makeTemplate()

function newWorld(): World {
  const world = copyWorld(temporaryFolder())
  copyFolder(template.home, world.path('home'))
  return world
}

const ids = (first: number, last: number): readonly string[] =>
  Array.from({ length: last - first + 1 }, (_, index) => `n-${String(first + index).padStart(5, '0')}`)

const PLACES = '{"scope":"region-one","kind":"region"}\n{"role":"worker","implies":[]}\n'
const entityLine = (id: string): string =>
  `${JSON.stringify({ entity: id, kind: 'node', service: 'node', scope: 'region-one', roles: ['worker'] })}\n`
const TEXT = PLACES + ids(1, 5000).map(entityLine).join('')

const listed = (json: Readonly<Record<string, unknown>>): readonly string[] =>
  (json['entities'] as readonly { readonly id: string }[]).map(({ id }) => id)

describe('signet apply, of lines', () => {
  it('imports 5,000 entities from a file, and finds nothing to change again; an export is the same text', async () => {
    const world = newWorld()
    world.write('all.ndjson', TEXT)
    const applied = await world.run('apply all.ndjson --json')
    expect(applied.json).toMatchObject({ applied: true, counts: { 'add scope': 1, 'add role': 1, 'add entity': 5000 } })
    expect((await world.run('apply all.ndjson')).stdout).toBe('nothing to change\n')
    const out = await world.run('export --format ndjson --out out.ndjson')
    expect(out.stdout).toContain('wrote 5000 entities to ')
    expect(readFileSync(world.path('out.ndjson'), 'utf8')).toBe(TEXT)
    expect((await world.run('export --format ndjson')).stdout).toBe(TEXT)
    expect((await world.run('export --format ndjson --json')).json).toMatchObject({ entities: 5000, document: TEXT })
    expect((await world.run('audit verify')).code).toBe(0)
  })

  it('imports standard input', async () => {
    const world = newWorld()
    expect((await world.run('apply - --format ndjson', { stdin: TEXT })).code).toBe(0)
    expect((await world.run('entity find --uri spiffe://cloud.example/region-one/node/n-05000')).stdout).toContain(
      'n-05000',
    )
  })

  it.each([
    ['ERR_INPUT_EMPTY', 3, ''],
    ['ERR_REGISTRY_DOCUMENT', 2, `${TEXT}{"entity":`],
    ['ERR_REGISTRY_DOCUMENT', 2, `${TEXT}${entityLine('n-00001')}`],
    ['ERR_DER_STRING', 3, `${TEXT}\0`],
    ['ERR_LIMIT_EXCEEDED', 9, `${TEXT}${' '.repeat(1_100_000)}`],
    ['ERR_SCOPE_UNKNOWN', 7, `${TEXT}{"entity":"x","kind":"node","scope":"nowhere"}`],
  ] as const)('%s: changes nothing, from a file and from standard input', async (errorCode, code, text) => {
    const world = newWorld()
    world.write('wrong.ndjson', text)
    const before = (await world.run('audit verify')).stdout
    expect(await world.run('apply wrong.ndjson')).toMatchObject({ code, errorCode, stdout: '' })
    const words = 'apply - --format ndjson'
    expect(await world.run(words, { stdin: text })).toMatchObject({ code, errorCode, stdout: '' })
    expect((await world.run('audit verify')).stdout).toBe(before)
  })

  it('refuses a file that is not there, or a folder', async () => {
    const world = newWorld()
    expect(await world.run('apply missing.ndjson')).toMatchObject({ code: 8, errorCode: 'ERR_FILE_READ' })
    expect(await world.run('apply home --format ndjson')).toMatchObject({ code: 8, errorCode: 'ERR_FILE_READ' })
  })
})

describe('signet export', () => {
  it('leaves nothing where it fails, and what was there', async () => {
    const world = newWorld()
    world.write('there.ndjson', 'old')
    const before = readdirSync(world.folder)
    const taken = await world.run('export --format ndjson --out there.ndjson')
    expect(taken).toMatchObject({ code: 7, errorCode: 'ERR_OUTPUT_EXISTS', stdout: '' })
    const missing = await world.run('export --format ndjson --out missing/out.ndjson')
    expect(missing).toMatchObject({ code: 8, errorCode: 'ERR_FILE_WRITE', stdout: '' })
    expect(await world.run('export --out -')).toMatchObject({ code: 2, errorCode: 'ERR_USAGE' })
    expect(readdirSync(world.folder)).toEqual(before)
    expect(readFileSync(world.path('there.ndjson'), 'utf8')).toBe('old')
    expect(await world.run('export --format ndjson --out there.ndjson --force')).toMatchObject({ code: 0 })
  })
})

describe('signet entity list', () => {
  it('lists all, page by page, in columns and as one JSON object', async () => {
    const world = newWorld()
    world.write('all.ndjson', TEXT)
    await world.run('apply all.ndjson')
    await world.run('entity quarantine n-04321')
    const { json } = await world.run('entity list --json')
    expect(json).toMatchObject({ schema: 1, ok: true })
    expect(listed(json)).toEqual(ids(1, 5000))
    const lines = (await world.run('entity list')).stdout.split('\n')
    expect(lines).toHaveLength(5002)
    expect(lines[0]).toBe('ENTITY   KIND  SERVICE  SCOPE       ROLES   STATE')
    expect(lines[1]).toBe('n-00001  node  node     region-one  worker  active')
    expect(lines[4321]).toBe('n-04321  node  node     region-one  worker  quarantined')
    expect(listed((await world.run('entity list --state quarantined --json')).json)).toEqual(['n-04321'])
    const after = await world.run('entity list --after n-04320 --limit 1001 --state active --json')
    expect(listed(after.json)).toEqual(ids(4322, 5000))
    expect(listed((await world.run('entity list --limit 1001 --json')).json)).toEqual(ids(1, 1001))
    expect(listed((await world.run('entity list --after z --json')).json)).toEqual([])
    expect((await world.run('entity list --after z')).stdout).toBe('ENTITY  KIND  SERVICE  SCOPE  ROLES  STATE\n')
  })

  it.each(['0', '-1', '1.5', 'many', ''])('refuses the limit %j', async (limit) => {
    expect(await newWorld().run(['entity', 'list', '--limit', limit])).toMatchObject({
      code: 2,
      errorCode: 'ERR_USAGE',
    })
  })
})
