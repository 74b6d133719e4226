import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import {
  decodeBase64,
  encodePem,
  looksLikePem,
  parsePem,
  parsePemBlock,
  parsePemBlocks,
  readPemOrDer,
} from '../../src/asn1/index.js'
import { expectCode } from '../support/expect-code.js'
import { toHex } from '../support/der.js'
import { outcomeOf } from '../support/only-signet-errors.js'

// A machine that others share may take long; what must be fast is measured in processor time.
vi.setConfig({ testTimeout: 60_000 })

const A = encodePem('CERTIFICATE', Uint8Array.of(0x30, 0))
const B = encodePem('PRIVATE KEY', Uint8Array.of(0x30, 1, 5))
/** A block of 100 octets: three lines of base64. */
const LONG = encodePem('CERTIFICATE', new Uint8Array(100).fill(7))

describe('parsePem', () => {
  it.each([1, 2, 100])('DER-12: reads all of %i blocks, in order', (count) => {
    const text = Array.from({ length: count }, (_, index) => encodePem('X', Uint8Array.of(index))).join('')
    expect(parsePem(text).map((block) => block.der[0])).toEqual(Array.from({ length: count }, (_, index) => index))
  })

  it('keeps the label of each block', () => {
    expect(parsePem(A + B).map((block) => block.label)).toEqual(['CERTIFICATE', 'PRIVATE KEY'])
  })

  it.each([
    ['CRLF', LONG.replaceAll('\n', '\r\n')],
    ['CR', LONG.replaceAll('\n', '\r')],
    ['no line ending at the end', LONG.trimEnd()],
    ['text before and after', `subject=CN = x\n\n${LONG}bye\n`],
    ['text that has dashes within', `a --- b\n-- c\n- d -----\n${LONG}`],
    ['spaces around the lines of base64', LONG.replaceAll('\n', '  \n').replaceAll('\nB', '\n  B')],
    ['empty lines in the block', LONG.replaceAll('\n', '\n\n')],
    [
      'all base64 in one line',
      `-----BEGIN CERTIFICATE-----\n${Buffer.alloc(100, 7).toString('base64')}\n-----END CERTIFICATE-----`,
    ],
  ])('DER-12: reads a block with %s', (_, text) => {
    expect(parsePem(text).map((block) => toHex(block.der))).toEqual([toHex(new Uint8Array(100).fill(7))])
  })

  it.each([
    ['nothing', ''],
    ['no block', 'hello\n'],
    ['no END line', A.replace(/-----END.*\n/, '')],
    ['no BEGIN line', A.replace(/-----BEGIN.*\n/, '')],
    ['a second BEGIN line', A.replace('\n', '\n-----BEGIN CERTIFICATE-----\n')],
    ['an END line of another label', A.replace('END CERTIFICATE', 'END X509 CRL')],
    ['a BEGIN line without its last dashes', A.replace('BEGIN CERTIFICATE-----', 'BEGIN CERTIFICATE')],
    ['a BEGIN line with four dashes at its end', A.replace('BEGIN CERTIFICATE-----', 'BEGIN CERTIFICATE----')],
    ['six dashes', A.replace('-----BEGIN', '------BEGIN')],
    ['a label in small letters', A.replaceAll('CERTIFICATE', 'certificate')],
    ['no label', A.replaceAll('CERTIFICATE', '')],
    ['a label of 65 characters', A.replaceAll('CERTIFICATE', 'X'.repeat(65))],
    ['text after the BEGIN line', A.replace('CERTIFICATE-----\n', 'CERTIFICATE----- x\n')],
    ['text after the END line', `${A.trimEnd()} x\n`],
    ['base64 in the BEGIN line', A.replace('-----\n', '-----')],
    ['an empty body', '-----BEGIN X-----\n-----END X-----\n'],
    ['headers of the old encryption', A.replace('\n', '\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n')],
    ['a character that is not base64', A.replace('MAA=', 'MA!=')],
    ['the URL alphabet', A.replace('MAA=', 'MA-_')],
    ['no padding', A.replace('MAA=', 'MAA')],
    ['too much padding', A.replace('MAA=', 'MAA==')],
    ['data after the padding', A.replace('MAA=', 'MAA=MAA=')],
    ['unused bits that are not zero', A.replace('MAA=', 'MAB=')],
    ['a space within base64', A.replace('MAA=', 'MA A=')],
    ['NUL within base64', A.replace('MAA=', 'MA\0A=')],
  ])('DER-12: refuses %s', (_, text) => {
    expectCode('ERR_PEM_MALFORMED', () => parsePem(text))
  })

  it.each([
    ['indented', A.replaceAll(/^/gm, '  ')],
    ['quoted', A.replaceAll(/^/gm, '> ')],
    ['behind a byte order mark', `\ufeff${A}`],
    ['behind a byte order mark read as Latin-1', `ï»¿${A}`],
    ['with six dashes on both lines', A.replaceAll('-----BEGIN', '------BEGIN').replaceAll('-----END', '------END')],
    ['behind a vertical tab', A.replaceAll('-----BEGIN', '\v-----BEGIN').replaceAll('-----END', '\v-----END')],
  ])('DER-12: never drops one block of several: the first is %s', (_, first) => {
    expectCode('ERR_PEM_MALFORMED', () => parsePem(first + B))
  })

  it('says in which line it went wrong', () => {
    expect(expectCode('ERR_PEM_MALFORMED', () => parsePem(`one\ntwo\n-----BEGIN X\n`)).details).toEqual({ line: '3' })
  })

  it('DER-12: takes 10 MB without an END line, or of one line, in linear time', () => {
    for (const text of [
      `-----BEGIN X-----\n${'MAAA\n'.repeat(2_000_000)}`,
      `-----BEGIN X-----\n${'A'.repeat(10_000_000)}`,
      `-----BEGIN X-----${' '.repeat(10_000_000)}x`,
      `-----BEGIN ${'A '.repeat(5_000_000)}`,
      '-'.repeat(10_000_000),
      '-----BEGIN '.repeat(900_000),
      '-----BEGIN X-----\n'.repeat(500_000),
    ]) {
      const { code, cpuMilliseconds } = outcomeOf(() => parsePem(text))
      expect(code).toBe('ERR_PEM_MALFORMED')
      expect(cpuMilliseconds).toBeLessThan(5000)
    }
  })

  it('refuses text longer than 96 MiB before it looks at it', () => {
    expectCode('ERR_LIMIT_EXCEEDED', () => parsePem(' '.repeat(96 * 1024 * 1024 + 1)))
  })

  it('round trip: reads what encodePem writes', () => {
    const label = fc.stringMatching(/^[A-Z0-9][A-Z0-9 ]{0,20}[A-Z0-9]$/)
    fc.assert(
      fc.property(
        fc.array(fc.tuple(label, fc.uint8Array({ minLength: 1, maxLength: 300 })), { minLength: 1, maxLength: 5 }),
        (blocks) => {
          const read = parsePem(blocks.map(([name, der]) => encodePem(name, der)).join(''))
          expect(read.map((block) => [block.label, toHex(block.der)])).toEqual(
            blocks.map(([name, der]) => [name, toHex(der)]),
          )
        },
      ),
    )
  })

  it('DER-14: throws its own errors only, whatever the text', () => {
    const pieces = fc.constantFrom(
      '-----BEGIN X-----',
      '-----END X-----',
      '\n',
      '\r',
      'MAA=',
      '=',
      '-----',
      ':',
      ' ',
      '\0',
      '\ud800',
      'é',
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        outcomeOf(() => parsePem(parts.join('')))
      }),
      { numRuns: 2000 },
    )
  })
})

describe('parsePemBlock', () => {
  it('reads one block of a wanted label', () => {
    expect(parsePemBlock(B, 'X', 'PRIVATE KEY').label).toBe('PRIVATE KEY')
  })

  it('refuses several blocks, and another label', () => {
    expectCode('ERR_PEM_MALFORMED', () => parsePemBlock(A + A, 'CERTIFICATE'))
    expect(expectCode('ERR_PEM_LABEL', () => parsePemBlock(B, 'CERTIFICATE')).details).toEqual({
      expected: 'CERTIFICATE',
      found: 'PRIVATE KEY',
    })
  })
})

describe('parsePemBlocks', () => {
  it.each(['TRUSTED CERTIFICATE', 'X509 CERTIFICATE', 'NEW CERTIFICATE REQUEST', 'CERTIFICATE REQUEST', 'PRIVATE KEY'])(
    'DER-12: refuses the label %s among certificates',
    (label) => {
      expectCode('ERR_PEM_LABEL', () => parsePemBlocks(A + encodePem(label, Uint8Array.of(1)), 'CERTIFICATE'))
    },
  )
})

describe('readPemOrDer', () => {
  it('takes DER as it is, and PEM apart', () => {
    const der = Uint8Array.of(0x30, 0)
    expect(readPemOrDer(der, 'CERTIFICATE')).toEqual([der])
    expect(readPemOrDer(Buffer.from(A + A), 'CERTIFICATE').map(toHex)).toEqual(['3000', '3000'])
    expect(looksLikePem(der)).toBe(false)
    expect(looksLikePem(Buffer.from(A))).toBe(true)
  })

  it('refuses nothing, octets that are neither, and another label', () => {
    expectCode('ERR_INPUT_EMPTY', () => readPemOrDer(new Uint8Array(), 'CERTIFICATE'))
    expectCode('ERR_PEM_MALFORMED', () => readPemOrDer(Uint8Array.of(0x31, 0xff), 'CERTIFICATE'))
    expectCode('ERR_PEM_MALFORMED', () => readPemOrDer(Buffer.from(`\ufeff${A}`), 'CERTIFICATE'))
    expectCode('ERR_PEM_LABEL', () => readPemOrDer(Buffer.from(B), 'CERTIFICATE'))
  })

  it('reads past text in another encoding outside of the blocks', () => {
    expect(readPemOrDer(Buffer.concat([Buffer.from([0xff, 0xfe, 0x0a]), Buffer.from(A)]), 'CERTIFICATE').length).toBe(1)
  })
})

describe('encodePem', () => {
  it('writes lines of 64 characters and a final newline', () => {
    expect(LONG.split('\n').map((line) => line.length)).toEqual([27, 64, 64, 8, 25, 0])
  })
})

describe('decodeBase64', () => {
  it.each(['A', 'AA', 'AA=', 'AAA', 'A===', 'AAAA=', 'AA==AA==', 'AA A', 'AAAA\n', 'AAB=', 'AB==', 'A-_A', 'Ä==='])(
    'refuses %j',
    (text) => {
      expectCode('ERR_PEM_MALFORMED', () => decodeBase64(text))
    },
  )

  it('round trip: decodes what Node encodes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(toHex(decodeBase64(Buffer.from(bytes).toString('base64')))).toBe(toHex(bytes))
      }),
    )
  })
})
