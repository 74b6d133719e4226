import { cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { PassThrough, Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { MAX_RECORD_BYTES, splitRecords } from '../../src/cli/batch-records.js'
import { main } from '../../src/cli/main.js'
import { runCli } from '../support/deployment.js'
import { prepareDeployment } from '../support/testscript.js'
import { copyWorld } from './world.js'

vi.setConfig({ testTimeout: 60_000 })

const world = copyWorld(await prepareDeployment())
afterAll(() => {
  rmSync(world.folder, { recursive: true, force: true })
})
const TRUST = 'verify --batch --trust trust.p7'
const FOR = `${TRUST} --for notifications`
const [NOTE, SIGNATURE] = ['note.json', 'note.json.p7s'].map((name) => readFileSync(world.path(name)))
const base64 = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('base64')
const GOOD = { signature: 'note.json.p7s', content: 'note.json' }
const HELD = { signatureBase64: base64(SIGNATURE), contentBase64: base64(NOTE) }
world.write('other.json', '{"publisher_id": "compute:compute-08"}')
world.write('empty.p7s', '')

interface Line {
  readonly ok: boolean
  readonly line: number
  readonly id?: string
  readonly signature?: string
  readonly verdict?: string
  readonly contentBytes?: number
  readonly error?: { readonly code: string; readonly exitCode: number; readonly category: string }
}

/** How a batch ends: its lines, what stderr says, the exit code. */
async function batch(stdin: string | Uint8Array | readonly string[], line = FOR) {
  const { code, stdout, stderr } = await runCli(line, {
    stdin,
    variables: world.variables,
    directory: world.folder,
    clock: world.clock,
  })
  const lines = stdout
    .split('\n')
    .filter((text) => text !== '')
    .map((text) => JSON.parse(text) as Line)
  return { code, lines, stderr, codes: lines.map(({ error }) => error?.code) }
}

const ndjson = (...messages: readonly unknown[]): string =>
  messages.map((item) => `${typeof item === 'string' ? item : JSON.stringify(item)}\n`).join('')

describe('signet verify --batch', () => {
  it('verifies files and octets, in order, and says it as verify --json does', async () => {
    const { code, lines, stderr } = await batch(ndjson(GOOD, { ...HELD, id: 'b' }, { ...GOOD, id: '' }))
    expect([code, stderr]).toEqual([0, 'signet: note: 3 of 3 messages verified\n'])
    const alone = await world.run(
      'verify note.json.p7s --content note.json --for notifications --trust trust.p7 --json',
    )
    const { schema, ok, ...verdict } = alone.json
    expect(lines).toEqual([
      { schema, ok, line: 1, signature: 'note.json.p7s', ...verdict },
      { schema, ok, line: 2, id: 'b', ...verdict },
      { schema, ok, line: 3, id: '', signature: 'note.json.p7s', ...verdict },
    ])
  })

  it.each([
    ['no JSON', '{', 'ERR_JSON_MALFORMED'],
    ['nothing', '', 'ERR_JSON_MALFORMED'],
    ['no object', '[]', 'ERR_JSON_MALFORMED'],
    ['an unknown key', { ...GOOD, verified: true }, 'ERR_JSON_MALFORMED'],
    ['a key twice', '{"signature": "note.json.p7s", "signature": "x"}', 'ERR_JSON_MALFORMED'],
    ['no signature', { content: 'note.json' }, 'ERR_JSON_MALFORMED'],
    ['a signature of both kinds', { ...GOOD, signatureBase64: '' }, 'ERR_JSON_MALFORMED'],
    ['a content of both kinds', { ...GOOD, contentBase64: '' }, 'ERR_JSON_MALFORMED'],
    ['a path that is none', { ...GOOD, signature: 7 }, 'ERR_JSON_MALFORMED'],
    ['a path of nothing', { ...GOOD, content: '' }, 'ERR_JSON_MALFORMED'],
    ['an id that is no text', { ...GOOD, id: 1 }, 'ERR_JSON_MALFORMED'],
    ['octets that are no Base64', { ...HELD, contentBase64: '*' }, 'ERR_JSON_MALFORMED'],
    ['octets that are no text', { ...HELD, signatureBase64: 7 }, 'ERR_JSON_MALFORMED'],
    ['a text that is not UTF-8', Buffer.from([0xff]), 'ERR_DER_STRING'],
    ['a missing signature', { signature: 'missing.p7s' }, 'ERR_FILE_READ'],
    ['a missing content', { ...GOOD, content: 'missing.json' }, 'ERR_FILE_READ'],
    ['a folder', { ...GOOD, content: 'home' }, 'ERR_FILE_READ'],
    ['standard input, which is not content', { ...GOOD, content: '-' }, 'ERR_FILE_READ'],
    ['an empty file', { signature: 'empty.p7s' }, 'ERR_INPUT_EMPTY'],
    ['an empty signature', { signatureBase64: '' }, 'ERR_MESSAGE_UNSIGNED'],
    ['no content', { signature: 'note.json.p7s' }, 'ERR_CMS_CONTENT_MISSING'],
    ['another content', { ...GOOD, content: 'other.json' }, 'ERR_CMS_DIGEST_MISMATCH'],
    ['no signature at all', { signature: 'note.json' }, 'ERR_CMS_MALFORMED'],
  ])('survives %s: one line with its error, and the next message verifies', async (_, bad, code) => {
    const line = Buffer.isBuffer(bad) ? Buffer.concat([bad, Buffer.from('\n')]) : Buffer.from(ndjson(bad))
    const found = await batch(Buffer.concat([line, Buffer.from(ndjson(GOOD))]))
    expect(found.codes).toEqual([code, undefined])
    expect(found.lines.map(({ ok, verdict }) => [ok, verdict])).toEqual([
      [false, undefined],
      [true, 'verified'],
    ])
    expect(found.code).toBe(found.lines[0]?.error?.exitCode)
    expect(found.stderr).toBe(`signet: note: 1 of 2 messages verified, 1 ${code}\n`)
  })

  it('ends with the exit code of the first that was refused', async () => {
    const untrusted = { ...GOOD, content: 'other.json' }
    const missing = { signature: 'missing.p7s' }
    expect((await batch(ndjson(GOOD, untrusted, missing))).code).toBe(4)
    const { code, stderr } = await batch(ndjson(GOOD, missing, untrusted, missing))
    expect([code, stderr]).toEqual([
      8,
      'signet: note: 1 of 4 messages verified, 2 ERR_FILE_READ, 1 ERR_CMS_DIGEST_MISMATCH\n',
    ])
  })

  it('judges each by the same policy', async () => {
    const { code, codes } = await batch(ndjson(GOOD, HELD), `${TRUST} --for elsewhere`)
    expect([code, codes]).toEqual([5, ['ERR_MESSAGE_DESTINATION', 'ERR_MESSAGE_DESTINATION']])
    expect((await batch(ndjson(GOOD), `${FOR} --bind publisher_id==node`)).codes).toEqual(['ERR_MESSAGE_BINDING'])
  })

  it('shares one replay memory, and none is verified twice', async () => {
    const { code, codes } = await batch(ndjson(GOOD, HELD), `${FOR} --replay-store seen.db`)
    expect([code, codes]).toEqual([6, [undefined, 'ERR_MESSAGE_REPLAYED']])
    expect((await batch(ndjson(GOOD), `${FOR} --replay-store seen.db`)).codes).toEqual(['ERR_MESSAGE_REPLAYED'])
  })

  it('-0: paths that end with NUL, the content beside them', async () => {
    mkdirSync(world.path('in box'))
    for (const name of ['note.json', 'note.json.p7s']) cpSync(world.path(name), world.path('in box', name))
    cpSync(world.path('note.json.p7s'), world.path('in box', 'a\nb.p7s'))
    const { code, lines, codes } = await batch(
      ['in box/note.json.p7s', 'in box/a\nb.p7s', 'note.json', ''].join('\0'),
      `${FOR} -0`,
    )
    expect(codes).toEqual([undefined, 'ERR_FILE_READ', 'ERR_CMS_MALFORMED'])
    expect([code, lines.map(({ signature }) => signature)]).toEqual([
      8,
      ['in box/note.json.p7s', 'in box/a\nb.p7s', 'note.json'],
    ])
    expect((await batch('note.json.p7s', `${FOR} --null`)).code).toBe(0)
  })

  it.each([
    ['', FOR, 'ERR_INPUT_EMPTY', 3],
    ['x', `${FOR} note.json.p7s`, 'ERR_USAGE', 2],
    ['x', `${FOR} --content note.json`, 'ERR_USAGE', 2],
    ['x', `${FOR} --out new.json`, 'ERR_USAGE', 2],
    ['x', TRUST, 'ERR_USAGE', 2],
    ['x', 'verify note.json.p7s --null --trust trust.p7 --for x', 'ERR_USAGE', 2],
    ['x', 'verify --trust trust.p7 --for x', 'ERR_USAGE', 2],
    ['x', 'verify --batch --trust missing.p7 --for x', 'ERR_FILE_READ', 8],
  ])('is refused as a whole: %s %s', async (stdin, line, code, exitCode) => {
    const found = await batch(stdin, line)
    expect([found.code, found.lines]).toEqual([exitCode, []])
    expect(found.stderr).toContain(`[${code}]`)
  })
})

describe('a long batch, on all processor cores', () => {
  // In pieces, as from a pipe: what came at once is judged before threads are started.
  const repeated = (text: string, count: number): readonly string[] =>
    Array.from({ length: count / 100 }, () => text.repeat(100))

  it('says of each message what a short one says, in order', async () => {
    const bad = ndjson({ ...GOOD, content: 'other.json' }, '{', { signature: 'missing.p7s' })
    const few = await batch(ndjson(GOOD, HELD) + bad)
    const many = await batch([...repeated(ndjson(GOOD, HELD) + bad, 300), ...repeated(ndjson(HELD), 700)])
    const plain = ({ line: _, ...rest }: Line): object => rest
    expect(many.lines.map(({ line }) => line)).toEqual(many.lines.map((_, index) => index + 1))
    expect(many.lines.slice(0, 1500).map(plain)).toEqual(Array.from({ length: 300 }, () => few.lines.map(plain)).flat())
    expect(many.lines.slice(1500).map(plain)).toEqual(Array.from({ length: 700 }, () => plain(few.lines[1] as Line)))
    expect([many.code, many.stderr]).toEqual([
      few.code,
      'signet: note: 1300 of 2200 messages verified, 300 ERR_CMS_DIGEST_MISMATCH, 300 ERR_JSON_MALFORMED, 300 ERR_FILE_READ\n',
    ])
  })

  it('refuses each by what nobody could go on after', async () => {
    const { code, codes } = await batch(repeated(ndjson(HELD), 800), `${FOR} --type a..b`)
    expect([code, new Set(codes), codes.length]).toEqual([2, new Set(['ERR_CONFIG_INVALID']), 800])
  })

  it('shares one replay memory, and none is verified twice', async () => {
    const { codes } = await batch(repeated(ndjson(GOOD, HELD), 600), `${FOR} --replay-store many.db`)
    expect(codes).toEqual([undefined, ...Array.from({ length: 1199 }, () => 'ERR_MESSAGE_REPLAYED')])
  })

  it('answers at once whoever sends a line and waits', async () => {
    const [stdin, stdout] = [new PassThrough(), new PassThrough()]
    const ended = main(FOR.split(' '), {
      stdin,
      stdout,
      stderr: new PassThrough().resume(),
      variables: world.variables,
      directory: world.folder,
      clock: world.clock,
    })
    const lines = createInterface({ input: stdout })[Symbol.asyncIterator]()
    const answers = async (count: number): Promise<void> => {
      for (let index = 0; index < count; index++) {
        expect(JSON.parse(String((await lines.next()).value))).toMatchObject({ ok: true, verdict: 'verified' })
      }
    }
    // Before there are threads, and after.
    for (const count of [1, 1, 700, 1, 1, 300, 1]) {
      stdin.write(ndjson(HELD).repeat(count))
      await answers(count)
    }
    stdin.end()
    expect(await ended).toBe(0)
  })
})

describe('splitRecords', () => {
  async function split(...pieces: readonly string[]) {
    const found: (string | readonly string[])[][] = []
    const octets = async function* (): AsyncGenerator<Uint8Array> {
      for (const piece of pieces) yield await Promise.resolve(Buffer.from(piece))
    }
    for await (const records of splitRecords(octets(), 0x0a)) {
      found.push(records.map((record) => (record === 'too long' ? [record] : Buffer.from(record).toString())))
    }
    return found
  }

  it('yields what has ended as soon as it has', async () => {
    expect(await split('a\nb', 'c\n', '\nd', 'e')).toEqual([['a'], ['bc'], [''], ['de']])
    expect(await split()).toEqual([])
    expect(await split('\n')).toEqual([['']])
  })

  it('does not hold what is too long, and goes on after it', async () => {
    const half = 'x'.repeat(MAX_RECORD_BYTES / 2)
    expect(await split(half, half, 'x', '\na\n')).toEqual([[['too long'], 'a']])
    expect((await split(half, half, '\na'))[0]?.[0]).toHaveLength(MAX_RECORD_BYTES)
    expect(await split(half, half, half)).toEqual([[['too long']]])
  })
})

describe('a reader that does not read', () => {
  it('is waited for: no more is read than it takes', async () => {
    const stdout = new PassThrough({ highWaterMark: 1024 })
    let asked = 0
    const total = 500
    const octets = function* (): Generator<Buffer> {
      for (; asked < total; asked++) yield Buffer.from(ndjson(GOOD))
    }
    const ended = main(FOR.split(' '), {
      stdin: Readable.from(octets(), { objectMode: false, highWaterMark: 1 }),
      stdout,
      stderr: new PassThrough().resume(),
      variables: world.variables,
      directory: world.folder,
      clock: world.clock,
    })
    // It is left alone until it asks for nothing any more.
    let before = -1
    while (before !== asked || asked === 0) {
      before = asked
      for (let turn = 0; turn < 100; turn++) await setImmediate()
    }
    expect(asked).toBeLessThan(20)
    let lines = 0
    stdout.on('data', (piece: Buffer) => (lines += piece.toString().split('\n').length - 1))
    expect(await ended).toBe(0)
    expect([asked, lines]).toEqual([total, total])
  })
})
