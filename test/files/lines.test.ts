import { describe, expect, it } from 'vitest'
import { MAX_LINE_BYTES, readLines } from '../../src/files/index.js'
import { expectCodeAsync } from '../support/expect-code.js'

const octets = (text: string): Uint8Array => Buffer.from(text)

async function linesOf(...pieces: readonly Uint8Array[]): Promise<readonly string[]> {
  const all: string[] = []
  for await (const some of readLines(pieces, 'the text')) all.push(...some)
  return all
}

/** The same octets in pieces of one size. */
function cut(whole: Uint8Array, size: number): readonly Uint8Array[] {
  const count = Math.ceil(whole.length / size)
  return Array.from({ length: count }, (_, index) => whole.subarray(index * size, (index + 1) * size))
}

describe('readLines', () => {
  it.each([
    ['nothing', '', []],
    ['one line', 'a\n', ['a']],
    ['one line without its end', 'a', ['a']],
    ['lines that end with LF', 'a\nb\n', ['a', 'b']],
    ['lines that end with CR LF', 'a\r\nb\r\n', ['a', 'b']],
    ['both, and a last one without its end', 'a\r\nb\nc', ['a', 'b', 'c']],
    ['a last CR without LF', 'a\r', ['a']],
    ['a CR in a line, which ends nothing', 'a\rb\n', ['a\rb']],
    ['empty lines', '\n\na\n\n', ['', '', 'a', '']],
    ['characters of several octets', 'größe €\n𝄞\n', ['größe €', '𝄞']],
    ['a byte order mark where no text begins', 'a\n\ufeffb', ['a', '\ufeffb']],
  ])('reads %s, however it is cut into pieces', async (_, text, lines) => {
    for (const size of [1, 2, 3, 1000]) expect(await linesOf(...cut(octets(text), size))).toEqual(lines)
  })

  it('reads pieces that come later', async () => {
    const later = async function* (): AsyncGenerator<Uint8Array> {
      yield octets('a\nb')
      await Promise.resolve()
      yield octets('c\n')
    }
    const all: string[] = []
    for await (const some of readLines(later(), 'the text')) all.push(...some)
    expect(all).toEqual(['a', 'bc'])
  })

  it('reads a line of exactly the limit, whatever is around it', async () => {
    const longest = 'x'.repeat(MAX_LINE_BYTES)
    expect(await linesOf(octets(`a\n${longest}\r\nb`))).toEqual(['a', longest, 'b'])
    expect(await linesOf(octets(longest))).toEqual([longest])
  })

  it.each([
    ['in the middle', `a\n${'x'.repeat(MAX_LINE_BYTES + 1)}\nb`, 2],
    ['at the end, which never comes', 'x'.repeat(3 * MAX_LINE_BYTES), 1],
    ['without its end', `a\nb\n${'x'.repeat(MAX_LINE_BYTES + 1)}`, 3],
    ['of few characters that have many octets', `${'€'.repeat(MAX_LINE_BYTES / 2)}\n`, 1],
  ])('refuses a line that is too long: %s', async (_, text, line) => {
    for (const size of [64 * 1024, 10 * MAX_LINE_BYTES]) {
      const error = await expectCodeAsync('ERR_LIMIT_EXCEEDED', () => linesOf(...cut(octets(text), size)))
      expect(error.details).toEqual({ line: String(line), limit: String(MAX_LINE_BYTES) })
    }
  })

  it('refuses a line without end before it holds it', async () => {
    let read = 0
    const endless = function* (): Generator<Uint8Array> {
      for (;;) {
        read++
        yield Buffer.alloc(64 * 1024, 'x')
      }
    }
    await expectCodeAsync('ERR_LIMIT_EXCEEDED', async () => {
      for await (const lines of readLines(endless(), 'the text')) expect(lines).toEqual([])
    })
    expect(read).toBeLessThan(20)
  })

  it.each([
    ['a lone continuation octet', Uint8Array.of(0x61, 0x80), 3],
    ['an overlong form', Uint8Array.of(0xc0, 0xaf), 3],
    ['a surrogate', Uint8Array.of(0xed, 0xa0, 0x80), 3],
    ['a character that its line cuts off', Uint8Array.of(0xe2, 0x82, 0x0a, 0xac), 3],
    ['NUL', Uint8Array.of(0x61, 0x00, 0x62), 3],
    ['UTF-16', Buffer.from('a\n', 'utf16le'), 3],
  ])('refuses %s, and names the line', async (_, wrong, line) => {
    const text = Buffer.concat([octets('a\nb\n'), wrong, octets('\nc\n')])
    for (const size of [1, 5, 1000]) {
      const error = await expectCodeAsync('ERR_DER_STRING', () => linesOf(...cut(text, size)))
      expect(error.details).toEqual({ line: String(line) })
      expect(error.message).toContain('the text')
    }
  })

  it('refuses a byte order mark', async () => {
    const error = await expectCodeAsync('ERR_DER_STRING', () => linesOf(octets('\ufeffa\n')))
    expect(error.details).toEqual({ line: '1' })
  })

  it('yields what comes before a fault first', async () => {
    const before: string[] = []
    await expectCodeAsync('ERR_DER_STRING', async () => {
      for await (const lines of readLines([octets('a\n'), Uint8Array.of(0xff, 0x0a)], 'x')) before.push(...lines)
    })
    expect(before).toEqual(['a'])
  })
})
