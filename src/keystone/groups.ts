/**
 * The groups that Keystone's engine gathers: what it adds up, what it takes for a list, and what it lists twice.
 *
 * @module keystone/groups (floor 5.1)
 */
import type { JsonObject, JsonValue } from './document.js'
import { literalOrText } from './python-literal.js'
import { isHashable, PythonError, type PythonValue, Unsupported } from './python-value.js'

/** Ids, each once: a set of Python, to which 1, 1.0 and True are one. */
export class GroupIds {
  readonly #ids = new Map<string, JsonValue>()

  add(id: PythonValue): void {
    const key = JSON.stringify(comparable(id))
    if (!this.#ids.has(key)) this.#ids.set(key, jsonOf(id))
  }

  /** A text that is the literal of a list adds what is in it. */
  addList(text: string): void {
    for (const id of listOf(text)) this.add(id)
  }

  sorted(): readonly JsonValue[] {
    return [...this.#ids.values()].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  }
}

/** Groups by name and domain, as often as Keystone lists them. */
export class GroupNames {
  readonly all: JsonValue[] = []
  /** Domain → name → group. */
  readonly #byDomain = new Map<JsonValue, Map<JsonValue, JsonObject>>()

  /** A `group`. With each, all that were seen so far are listed once more. */
  add(group: JsonObject): void {
    const { name = null, id = null } = group['domain'] as JsonObject
    const domain = name === null || name === '' ? id : name
    const groups = this.#byDomain.get(domain) ?? new Map<JsonValue, JsonObject>()
    this.#byDomain.set(domain, groups.set(group['name'] ?? null, group))
    for (const seen of this.#byDomain.values()) this.all.push(...seen.values())
  }

  /** The text of `groups`. */
  addList(text: string, domain: JsonValue | undefined): void {
    // The word anywhere in the text is taken for groups that state their own domains.
    if (text.includes('name')) {
      const groups = listOf(text).map(groupOf)
      for (const group of groups) {
        if (!holds(group, 'domain')) throw new PythonError('ValidationError', 'a group states no domain')
      }
      this.all.push(...groups)
      return
    }
    if (domain === undefined) throw new PythonError('ValidationError', "'groups' needs a 'domain'")
    this.all.push(...listOf(text).map((name) => ({ name: jsonOf(name), domain })))
  }
}

function groupOf(text: PythonValue): JsonValue {
  if (typeof text !== 'string') throw new PythonError('AttributeError', "object has no attribute 'startswith'")
  return text.startsWith('JSON:') ? parseJson(text.replace(/^[JSON:]+/, '')) : text
}

/** Python's `key in value`: part of a text, member of a list, key of an object. */
function holds(value: JsonValue, key: string): boolean {
  if (typeof value === 'string') return value.includes(key)
  if (Array.isArray(value)) return value.includes(key)
  if (typeof value === 'object' && value !== null) return key in value
  throw new PythonError('TypeError', 'argument is not iterable')
}

/** A text that is the literal of a list is that list; every other is one value. */
function listOf(text: string): readonly PythonValue[] {
  const value = literalOrText(text)
  return Array.isArray(value) ? (value as readonly PythonValue[]) : [text]
}

/** @throws {@link PythonError} `TypeError` for what no set takes */
function comparable(value: PythonValue): unknown {
  if (typeof value === 'boolean') return Number(value)
  if (typeof value === 'bigint') return { integer: value.toString() }
  if (!isHashable(value)) throw new PythonError('TypeError', 'unhashable type')
  return typeof value === 'object' && value !== null && 'items' in value ? value.items.map(comparable) : value
}

/** As JSON prints what Python holds. */
function jsonOf(value: PythonValue): JsonValue {
  if (typeof value === 'bigint') return value.toString()
  if (Array.isArray(value)) return value.map((item: PythonValue) => jsonOf(item))
  if (typeof value !== 'object' || value === null) return value
  if ('items' in value && value.kind === 'tuple') return value.items.map(jsonOf)
  if ('entries' in value && typeof value.entries !== 'function') {
    return Object.fromEntries(value.entries.map(([name, item]) => [textOf(jsonOf(name)), jsonOf(item)]))
  }
  throw new Unsupported('a name that is a set')
}

/** A key of an object in JSON. */
function textOf(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** @throws {@link PythonError} `JSONDecodeError`, @throws {@link Unsupported} */
export function parseJson(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue
  } catch {
    if (/NaN|Infinity/.test(text)) throw new Unsupported('JSON with what is no number')
    throw new PythonError('JSONDecodeError', 'not JSON')
  }
}
