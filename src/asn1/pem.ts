/**
 * PEM (RFC 7468): every block of a text, or an error; never a subset.
 *
 * @module asn1/pem (floor 1)
 */
import { EncodingError, LimitError } from '../errors/index.js'

export interface PemBlock {
  readonly label: string
  readonly der: Uint8Array
}

/** Longest PEM text: 96 MiB, which holds what the largest DER limits of files here allow. */
const MAX_PEM_CHARACTERS = 96 * 1024 * 1024

const BOUNDARY = /^-----(BEGIN|END) ([A-Z0-9][A-Z0-9 /#]{0,63})-----[ \t]*$/

/** Indented, quoted or behind a byte order mark, a boundary must not make its block disappear without a word. */
function looksLikeBoundary(line: string): boolean {
  return line.startsWith('-----') || line.includes('-----BEGIN ') || line.includes('-----END ')
}

/** What no text beside blocks has: octets of DER or UTF-16, and boundaries that a word processor or hand has changed. */
function isNoComment(line: string): boolean {
  return (
    /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(line) ||
    (line.length <= MAX_BOUNDARY_CHARACTERS && BROKEN_BOUNDARY.test(line))
  )
}

/** A boundary is not longer, also when a hand has changed it; what is, is text, and not worth a long look. */
const MAX_BOUNDARY_CHARACTERS = 128
const BROKEN_BOUNDARY = /\b(?:BEGIN|END)\s+[A-Z0-9 ]*(?:CERTIFICATE|CRL|KEY|REQUEST|CMS|PKCS)/

/**
 * Parse all blocks of a PEM text.
 *
 * Text outside of blocks is ignored, as RFC 7468 §2 allows, unless a line of it looks like a boundary, even a broken one,
 * or is no text. Headers inside
 * a block (the encryption of RFC 1421) are refused.
 *
 * @returns The blocks in order, at least one; each owns its bytes.
 * @throws {@link EncodingError} `ERR_PEM_MALFORMED`
 * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED`
 */
export function parsePem(text: string): readonly PemBlock[] {
  if (text.length > MAX_PEM_CHARACTERS) {
    throw new LimitError('ERR_LIMIT_EXCEEDED', `PEM text is longer than ${MAX_PEM_CHARACTERS} characters`)
  }
  const blocks: PemBlock[] = []
  let label: string | undefined
  let body: string[] = []
  let number = 0
  for (const line of text.split(/\r\n|\n|\r/)) {
    number++
    const boundary = BOUNDARY.exec(line)
    if (boundary === null) {
      if (looksLikeBoundary(line)) throw malformed('a boundary line is malformed', number)
      if (label !== undefined) body.push(line)
      else if (isNoComment(line))
        throw malformed('what stands outside of the blocks is no text, or a broken block', number)
      continue
    }
    if (boundary[1] === 'BEGIN') {
      if (label !== undefined) throw malformed(`${label} has no END line`, number)
      label = boundary[2]
      body = []
    } else {
      if (label === undefined || label !== boundary[2]) throw malformed('an END line has no BEGIN line', number)
      blocks.push({ label, der: decodeBody(body, number) })
      label = undefined
    }
  }
  if (label !== undefined) throw malformed(`${label} has no END line`, number)
  if (blocks.length === 0) throw malformed('there is no PEM block', number)
  return blocks
}

/** Parse a text that holds exactly one block with one of these labels. */
export function parsePemBlock(text: string, ...labels: readonly string[]): PemBlock {
  const [block, second] = parsePemBlocks(text, ...labels)
  if (block === undefined || second !== undefined) {
    throw new EncodingError('ERR_PEM_MALFORMED', `expected one PEM block ${labels.join(' or ')}, found several`)
  }
  return block
}

/** Parse a text whose blocks all have one of these labels. */
export function parsePemBlocks(text: string, ...labels: readonly string[]): readonly PemBlock[] {
  const blocks = parsePem(text)
  for (const block of blocks) {
    if (!labels.includes(block.label)) {
      throw new EncodingError('ERR_PEM_LABEL', `expected a PEM block ${labels.join(' or ')}, found ${block.label}`, {
        details: { expected: labels.join(' or '), found: block.label },
        hint: 'check that this is the file you meant',
      })
    }
  }
  return blocks
}

/** Whether bytes look like PEM rather than DER. Every DER document here starts with 0x30. */
export function looksLikePem(bytes: Uint8Array): boolean {
  return bytes[0] !== 0x30
}

/**
 * The DER of every object in a file that is either one DER object or PEM with this label.
 *
 * @throws {@link EncodingError} `ERR_PEM_MALFORMED`, `ERR_PEM_LABEL`
 */
export function readPemOrDer(bytes: Uint8Array, ...labels: readonly string[]): readonly Uint8Array[] {
  if (bytes.length === 0) throw new EncodingError('ERR_INPUT_EMPTY', 'there is nothing to read')
  if (!looksLikePem(bytes)) return [bytes]
  // PEM is ASCII; other octets make some line malformed or stay outside of blocks.
  return parsePemBlocks(Buffer.from(bytes).toString('latin1'), ...labels).map((block) => block.der)
}

/** PEM with lines of 64 characters and a final newline. */
export function encodePem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

/**
 * Decode base64 strictly: the standard alphabet, padding, no other character, unused bits zero.
 *
 * @throws {@link EncodingError} `ERR_PEM_MALFORMED`
 */
export function decodeBase64(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64')
  // Node skips what it does not know; encoding again shows whether it skipped anything.
  if (bytes.toString('base64') !== text) throw new EncodingError('ERR_PEM_MALFORMED', 'base64 text is malformed')
  return new Uint8Array(bytes)
}

function decodeBody(lines: readonly string[], number: number): Uint8Array {
  const body = lines.map((line) => line.trim()).join('')
  if (body.includes(':')) throw malformed('headers inside a PEM block are not supported', number)
  if (body === '') throw malformed('a PEM block is empty', number)
  try {
    return decodeBase64(body)
  } catch (cause) {
    throw malformed('the base64 text of a PEM block is malformed', number, cause)
  }
}

function malformed(message: string, line: number, cause?: unknown): EncodingError {
  return new EncodingError('ERR_PEM_MALFORMED', message, { details: { line: String(line) }, cause })
}
