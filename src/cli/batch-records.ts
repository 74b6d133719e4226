/**
 * What `signet verify --batch` reads: one record for each message, and what it names.
 *
 * @module cli/batch-records (floor 8)
 */
import { EncodingError, LimitError } from '../errors/index.js'
import { decodeUtf8 } from '../files/index.js'
import { parseStrictJson, requireKeys } from '../json/index.js'

/** Longest record, its end not counted: 16 MiB. What is longer goes into files. */
export const MAX_RECORD_BYTES = 16 * 1024 * 1024

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

/** Octets, or the path of a file that has them. */
export type Source = Uint8Array | string

/** One message to verify. */
export interface BatchMessage {
  /** What the caller calls it, to find its verdict again. */
  readonly id?: string
  readonly signature: Source
  /** `undefined` for a message that carries its own. */
  readonly content: Source | undefined
}

/**
 * Split a stream at a separator, as many records at once as have ended.
 *
 * A record that is longer than {@link MAX_RECORD_BYTES} is not held: it is `'too long'`. The last one may do without its
 * separator.
 */
export async function* splitRecords(
  pieces: AsyncIterable<Uint8Array>,
  separator: number,
): AsyncGenerator<readonly (Uint8Array | 'too long')[]> {
  let open: Uint8Array[] = []
  let openBytes = 0
  const close = (end: Uint8Array): Uint8Array | 'too long' => {
    const isTooLong = openBytes + end.length > MAX_RECORD_BYTES
    const record = isTooLong ? 'too long' : open.length === 0 ? end : Buffer.concat([...open, end])
    open = []
    openBytes = 0
    return record
  }
  for await (const piece of pieces) {
    const records: (Uint8Array | 'too long')[] = []
    let start = 0
    for (let end = piece.indexOf(separator); end !== -1; end = piece.indexOf(separator, start)) {
      records.push(close(piece.subarray(start, end)))
      start = end + 1
    }
    openBytes += piece.length - start
    // Forgotten as soon as it is too long; a copy, because who reads may use the piece again.
    if (openBytes > MAX_RECORD_BYTES) open = []
    else if (start < piece.length) open.push(Uint8Array.from(piece.subarray(start)))
    if (records.length > 0) yield records
  }
  if (openBytes > 0) yield [close(new Uint8Array())]
}

/**
 * Read a line: `{"signature": "a.p7s", "content": "a.json"}`, either as octets where the key ends in `Base64`.
 *
 * @throws {@link EncodingError} `ERR_JSON_MALFORMED`, `ERR_DER_STRING` · {@link LimitError} `ERR_LIMIT_EXCEEDED`
 */
export function parseJsonRecord(record: Uint8Array | 'too long'): BatchMessage {
  const value = parseStrictJson(decodeUtf8(held(record), 'the line'))
  const keys = ['id?', 'signature?', 'signatureBase64?', 'content?', 'contentBase64?']
  const fields = requireKeys(value, keys, 'the line')
  const signature = source(fields, 'signature')
  if (signature === undefined) throw malformed('the line names no signature')
  const { id } = fields
  if (id !== undefined && typeof id !== 'string') throw malformed('id is not text')
  return { ...(id === undefined ? {} : { id }), signature, content: source(fields, 'content') }
}

/**
 * Read a path, as `find -print0` writes it. The content of `a.json.p7s` is beside it in `a.json`; any other carries its own.
 *
 * @throws {@link EncodingError} `ERR_DER_STRING` · {@link LimitError} `ERR_LIMIT_EXCEEDED`
 */
export function parsePathRecord(record: Uint8Array | 'too long'): BatchMessage {
  const signature = decodeUtf8(held(record), 'the path')
  return { signature, content: signature.endsWith('.p7s') ? signature.slice(0, -'.p7s'.length) : undefined }
}

function held(record: Uint8Array | 'too long'): Uint8Array {
  if (record !== 'too long') return record
  throw new LimitError('ERR_LIMIT_EXCEEDED', `a line is longer than ${MAX_RECORD_BYTES} bytes`, {
    details: { limit: String(MAX_RECORD_BYTES) },
    hint: 'name a file instead',
  })
}

function source(fields: Readonly<Record<string, unknown>>, name: 'signature' | 'content'): Source | undefined {
  const [path, base64] = [fields[name], fields[`${name}Base64`]]
  if (path !== undefined && base64 !== undefined) throw malformed(`${name} is given twice`)
  if (path !== undefined) {
    if (typeof path !== 'string' || path === '') throw malformed(`${name} is not a path`)
    return path
  }
  if (base64 === undefined) return undefined
  const octets = typeof base64 === 'string' ? octetsOfBase64(base64) : undefined
  if (octets === undefined) throw malformed(`${name}Base64 is not Base64`)
  return octets
}

/** Node passes over what is no Base64. Encoding it again tells at once that nothing was; looking at it takes longer. */
function octetsOfBase64(text: string): Uint8Array | undefined {
  const octets = Buffer.from(text, 'base64')
  if (octets.toString('base64') === text) return octets
  return text.length % 4 === 0 && BASE64.test(text) ? octets : undefined
}

function malformed(message: string): EncodingError {
  return new EncodingError('ERR_JSON_MALFORMED', message, {
    hint: 'one object in each line: {"signature": "a.p7s", "content": "a.json"}',
  })
}
