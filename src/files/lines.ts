/**
 * Lines of a text that is too large to be held.
 *
 * @module files/lines (floor 0)
 */
import { EncodingError, LimitError } from '../errors/index.js'
import { PIECE_BYTES, type Pieces } from './pieces.js'

/** Longest line, its end not counted: 1 MiB. */
export const MAX_LINE_BYTES = 1024 * 1024

const LINE_FEED = 0x0a

/**
 * Read the lines of a UTF-8 text, as many at once as a piece holds. They end with LF or CR LF, the last one perhaps with
 * nothing; empty ones are lines, too.
 *
 * @param what - Names the text in errors, whose `details` name the line.
 * @throws {@link EncodingError} `ERR_DER_STRING`: ill-formed UTF-8, a byte order mark, or NUL, which no text has
 * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED`: a line longer than {@link MAX_LINE_BYTES}
 */
export async function* readLines(pieces: Pieces<Uint8Array>, what: string): AsyncGenerator<readonly string[]> {
  let open: Uint8Array[] = []
  let openBytes = 0
  let done = 0
  for await (const whole of pieces) {
    for (let start = 0; start < whole.length; start += PIECE_BYTES) {
      const piece = whole.subarray(start, start + PIECE_BYTES)
      const end = piece.lastIndexOf(LINE_FEED)
      if (end !== -1) {
        const lines = decodeLines(Buffer.concat([...open, piece.subarray(0, end)]), done, what)
        done += lines.length
        yield lines
        open = []
        openBytes = 0
      }
      const rest = piece.subarray(end + 1)
      open.push(rest)
      openBytes += rest.length
      if (openBytes > MAX_LINE_BYTES + 1) throw tooLong(what, done + 1)
    }
  }
  if (openBytes > 0) yield decodeLines(Buffer.concat(open), done, what)
}

/** Many lines are decoded at once; only where that fails, the line that is to blame is looked for. */
function decodeLines(octets: Uint8Array, done: number, what: string): readonly string[] {
  const text = decodeText(octets)
  if (text === undefined) throw notText(what, done + 1 + firstIllFormed(octets), 'is not UTF-8 text')
  if (done === 0 && text.startsWith('\ufeff')) throw notText(what, 1, 'starts with a byte order mark')
  const hasNul = text.includes('\0')
  const lines = text.split('\n')
  for (const [index, ended] of lines.entries()) {
    const line = ended.endsWith('\r') ? ended.slice(0, -1) : ended
    if (hasNul && line.includes('\0')) throw notText(what, done + 1 + index, 'has a NUL character')
    // A character has at most three octets for each of its units.
    if (line.length * 3 > MAX_LINE_BYTES && Buffer.byteLength(line) > MAX_LINE_BYTES) {
      throw tooLong(what, done + 1 + index)
    }
    lines[index] = line
  }
  return lines
}

function firstIllFormed(octets: Uint8Array): number {
  let index = 0
  for (let start = 0; start <= octets.length; index++) {
    const end = octets.indexOf(LINE_FEED, start)
    const stop = end === -1 ? octets.length : end
    if (decodeText(octets.subarray(start, stop)) === undefined) return index
    start = stop + 1
  }
  return index
}

function decodeText(octets: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets)
  } catch {
    return undefined
  }
}

function notText(what: string, line: number, fault: string): EncodingError {
  return new EncodingError('ERR_DER_STRING', `${what} ${fault}, in line ${line}`, { details: { line: String(line) } })
}

function tooLong(what: string, line: number): LimitError {
  return new LimitError('ERR_LIMIT_EXCEEDED', `line ${line} of ${what} is longer than ${MAX_LINE_BYTES} bytes`, {
    details: { line: String(line), limit: String(MAX_LINE_BYTES) },
    hint: 'a line ends with a line feed: is this text in lines?',
  })
}
