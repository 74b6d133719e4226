/**
 * Strict YAML: the values of JSON, written for people. One document of YAML 1.2 (core schema) in which every reader sees
 * the same: no key twice, no aliases, no tags, no directives, nothing that has no form in JSON.
 *
 * @module yaml/yaml (floor 0.2)
 */
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, stringify } from 'yaml'
import { EncodingError, LimitError } from '../errors/index.js'
import { type JsonValue, parseStrictJson } from '../json/index.js'

/** Longest text unless the caller says otherwise: YAML takes several times as long to read as JSON. */
export const MAX_YAML_CHARACTERS = 256 * 1024
/** As for JSON. */
export const MAX_YAML_DEPTH = 64

/**
 * Parse a YAML text.
 *
 * Scalars are what the core schema of YAML 1.2 says: `yes` and `2027-01-01` are texts, `017` is seventeen.
 *
 * @param what - Names the text in the error: `the mapping`.
 * @returns What JSON could say, too. `null` for a text without content.
 * @throws {@link EncodingError} `ERR_YAML_MALFORMED`, with `line` and `column` in its details
 * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED` for more than `maxCharacters`
 * @see YAML 1.2.2 §10.3
 */
export function parseYaml(text: string, what: string, maxCharacters: number = MAX_YAML_CHARACTERS): JsonValue {
  if (text.length > maxCharacters) {
    throw new LimitError('ERR_LIMIT_EXCEEDED', `${what} has more than ${maxCharacters} characters`, {
      details: { limit: String(maxCharacters), characters: String(text.length) },
    })
  }
  const lines = new LineCounter()
  const refuse: Refuse = (why, offset) => {
    const { line, col } = lines.linePos(offset)
    throw new EncodingError('ERR_YAML_MALFORMED', `${what} is not valid YAML: ${why} (line ${line})`, {
      details: { line: String(line), column: String(col) },
    })
  }
  // `silent` would let all documents after the first pass unread. Keys are compared below, in linear time.
  const document = composed(text, lines) ?? refuse(tooDeep, 0)
  const [fault] = [...document.errors, ...document.warnings]
  if (fault !== undefined) {
    const isDeep = fault.message.includes('call stack')
    refuse(isDeep ? tooDeep : (fault.message.split('\n', 1)[0] ?? ''), fault.pos[0])
  }
  if (text.startsWith('\ufeff')) refuse('it starts with a byte order mark', 0)
  // A directive could make it YAML 1.1, in which `yes` is true. Those that are unknown are warnings.
  const { yaml, tags } = document.directives
  if (yaml.explicit === true || Object.keys(tags).length > 1) refuse('it has a directive', 0)
  return valueOf(document.contents, 0, refuse, 0)
}

/** The document; `undefined` for one that is nested deeper than the stack of the library. */
function composed(text: string, lineCounter: LineCounter): Document.Parsed | undefined {
  try {
    return parseDocument(text, { uniqueKeys: false, prettyErrors: false, logLevel: 'error', lineCounter })
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

type Refuse = (why: string, offset: number) => never

const tooDeep = `it is nested deeper than ${MAX_YAML_DEPTH}`

function valueOf(node: unknown, depth: number, refuse: Refuse, near: number): JsonValue {
  // `{ a }` is `{ a: null }`, and a text of comments only is null.
  if (node === null || node === undefined) return null
  if (isAlias(node)) return refuse('it has an alias', node.range?.[0] ?? near)
  if (!isScalar(node) && !isMap(node) && !isSeq(node)) return refuse('it has what is no value', near)
  const offset = node.range?.[0] ?? near
  if (node.anchor !== undefined) return refuse('it has an anchor', offset)
  // To readers that know other tags, a tagged text is something else.
  if (node.tag !== undefined) return refuse(`it has a tag ${node.tag}`, offset)
  if (depth > MAX_YAML_DEPTH) return refuse(tooDeep, offset)
  if (isSeq(node)) return node.items.map((item) => valueOf(item, depth + 1, refuse, offset))
  if (isMap(node)) {
    const entries = new Map<string, JsonValue>()
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? valueOf(key, depth + 1, refuse, offset) : undefined
      const where = isScalar(key) ? (key.range?.[0] ?? offset) : offset
      if (typeof name !== 'string') return refuse('a key is no text', where)
      // A merge key of YAML 1.1: to other readers not a key, but what it names.
      if (name === '<<') return refuse('it has a merge key', where)
      if (entries.has(name)) return refuse(`a map has the key ${JSON.stringify(name)} twice`, where)
      entries.set(name, valueOf(value, depth + 1, refuse, where))
    }
    // As own members, whatever they are called.
    return Object.fromEntries(entries)
  }
  const { value } = node
  if (typeof value === 'number' && (!Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER)) {
    return refuse('a number is none that JSON could hold exactly', offset)
  }
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return value
  }
  return refuse('it has what is no value', offset)
}

/** Longest JSON that is read as one text. */
const MAX_JSON_CHARACTERS = 512 * 1024 * 1024

/**
 * Parse a text that people write in YAML and programs in JSON: JSON if it begins with `{`, which is fast and may be long.
 *
 * @throws {@link EncodingError} `ERR_YAML_MALFORMED`, `ERR_JSON_MALFORMED`
 * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED`
 */
export function parseYamlOrJson(text: string, what: string): JsonValue {
  if (!/^\s*\{/.test(text)) return parseYaml(text, what)
  try {
    if (text.length <= MAX_JSON_CHARACTERS) return parseStrictJson(text)
  } catch (error) {
    // YAML has maps in braces, too.
    if (text.length > MAX_YAML_CHARACTERS || /^\s*\{\s*"/.test(text)) throw error
    return parseYaml(text, what)
  }
  throw new LimitError('ERR_LIMIT_EXCEEDED', `${what} has more than ${MAX_JSON_CHARACTERS} characters`, {
    details: { limit: String(MAX_JSON_CHARACTERS), characters: String(text.length) },
  })
}

/** Write a value as YAML that {@link parseYaml} reads back as the same. */
export function formatYaml(value: JsonValue): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false })
}
