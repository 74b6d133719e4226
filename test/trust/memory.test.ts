import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ErrorCode } from '../../src/errors/index.js'
import { createTrustMemory, openTrustMemory } from '../../src/trust/index.js'
import { expectCode } from '../support/expect-code.js'
import { temporaryFolder } from '../support/temporary.js'

const folder = temporaryFolder()
let files = 0
const newPath = (): string => join(folder, `trust-${files++}.json`)
const pin = 'ab'.repeat(32)
const other = 'cd'.repeat(32)
const seen = { sequence: 7, digest: 'ef'.repeat(32) }

describe.each([
  ['createTrustMemory', () => createTrustMemory()],
  ['openTrustMemory', () => openTrustMemory(newPath())],
])('%s', (_, make) => {
  it('recalls by pin what was kept last, and nothing before', () => {
    const memory = make()
    expect(memory.recall(pin)).toBeUndefined()
    memory.keep(pin, seen)
    memory.keep(other, { ...seen, sequence: 1 })
    expect(memory.recall(pin)).toEqual(seen)
    memory.keep(pin, { ...seen, sequence: 8 })
    expect(memory.recall(pin)?.sequence).toBe(8)
    expect(memory.recall(other)?.sequence).toBe(1)
  })
})

describe('openTrustMemory', () => {
  it('remembers after it was opened again, in a file that only its owner can read', () => {
    const path = newPath()
    openTrustMemory(path).keep(pin, seen)
    expect(openTrustMemory(path).recall(pin)).toEqual(seen)
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('sees what another process kept meanwhile', () => {
    const path = newPath()
    const [first, second] = [openTrustMemory(path), openTrustMemory(path)]
    first.keep(pin, seen)
    expect(second.recall(pin)).toEqual(seen)
    second.keep(other, seen)
    expect(first.recall(other)).toEqual(seen)
    expect(first.recall(pin)).toEqual(seen)
  })

  const entry = (value: unknown): string => JSON.stringify({ schema: 1, seen: { [pin]: value } })
  it.each<[string, string]>([
    ['white space', ' '],
    ['cut off', entry(seen).slice(0, 30)],
    ['an empty object', '{}'],
    ['null', 'null'],
    ['of another schema', JSON.stringify({ schema: 2, seen: {} })],
    ['without a list', JSON.stringify({ schema: 1, seen: null })],
    ['with a list that is text', JSON.stringify({ schema: 1, seen: 'x' })],
    ['with an unknown key', JSON.stringify({ schema: 1, seen: {}, more: 1 })],
    ['with a sequence that is text', entry({ ...seen, sequence: '7' })],
    ['with half a sequence', entry({ ...seen, sequence: 7.5 })],
    ['with a digest that is short', entry({ ...seen, digest: 'ef' })],
    ['with a digest in capitals', entry({ ...seen, digest: 'EF'.repeat(32) })],
    ['without a digest', entry({ sequence: 7 })],
    ['with something more', entry({ ...seen, note: '' })],
    ['with a pin twice', `{"schema":1,"seen":{"${pin}":${JSON.stringify(seen)},"${pin}":${JSON.stringify(seen)}}}`],
  ])('refuses a file that is %s, and leaves it as it is', (_, text) => {
    const path = newPath()
    writeFileSync(path, text)
    const memory = openTrustMemory(path)
    const code: ErrorCode = 'ERR_JSON_MALFORMED'
    expectCode(code, () => memory.recall(pin))
    expectCode(code, () => {
      memory.keep(pin, seen)
    })
    expect(readFileSync(path, 'utf8')).toBe(text)
  })

  it('refuses a file that is empty, which a crash may leave', () => {
    const path = newPath()
    writeFileSync(path, '')
    expectCode('ERR_INPUT_EMPTY', () => openTrustMemory(path).recall(pin))
  })

  it('refuses a folder where a file should be', () => {
    const path = newPath()
    mkdirSync(path)
    expectCode('ERR_FILE_READ', () => openTrustMemory(path).recall(pin))
  })

  it('says when it cannot keep what it should', () => {
    const path = join(folder, 'nowhere', 'trust.json')
    const memory = openTrustMemory(path)
    expect(memory.recall(pin)).toBeUndefined()
    expectCode('ERR_FILE_WRITE', () => {
      memory.keep(pin, seen)
    })
  })

  it.skipIf(process.getuid?.() === 0)('refuses a file that it may not read', () => {
    const path = newPath()
    openTrustMemory(path).keep(pin, seen)
    chmodSync(path, 0)
    expectCode('ERR_FILE_READ', () => openTrustMemory(path).recall(pin))
  })
})
