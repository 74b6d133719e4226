/**
 * Message types: dotted names such as `notify.instance.create.end`, and patterns of whole segments.
 *
 * @module policy/message-type (floor 6)
 */
import { UsageError } from '../errors/index.js'

/** Segments of letters, digits, dashes and underscores, joined by dots or colons. */
const MESSAGE_TYPE = /^[A-Za-z0-9_-]+(?:[.:][A-Za-z0-9_-]+)*$/
const TYPE_PATTERN = /^(?:[A-Za-z0-9_-]+|\*)(?:[.:](?:[A-Za-z0-9_-]+|\*))*$/
const MAX_TYPE_LENGTH = 255

export function isMessageType(text: string): boolean {
  return text.length <= MAX_TYPE_LENGTH && MESSAGE_TYPE.test(text)
}

/** A pattern of types: `*` stands for one whole segment, and as the last one for one or more. */
export class TypePattern {
  readonly text: string
  /** Segments and the separators between them. */
  readonly parts: readonly string[]
  /** Whether it is a type itself. */
  readonly isExact: boolean
  /** What the types that match begin with, if the only `*` is the last segment. */
  readonly #prefix: string | undefined

  /** @throws {@link UsageError} `ERR_CONFIG_INVALID` */
  constructor(text: string) {
    if (text.length > MAX_TYPE_LENGTH || !TYPE_PATTERN.test(text)) {
      throw new UsageError('ERR_CONFIG_INVALID', `not a message type or pattern: ${JSON.stringify(text)}`, {
        hint: 'write segments of letters, digits, - and _ joined by dots or colons; * stands for a whole segment',
      })
    }
    this.text = text
    this.parts = text.split(/([.:])/)
    this.isExact = !this.parts.includes('*')
    this.#prefix = this.parts.indexOf('*') === this.parts.length - 1 ? text.slice(0, -1) : undefined
  }

  get #isOpen(): boolean {
    return this.parts.at(-1) === '*'
  }

  matches(type: string): boolean {
    if (this.isExact) return type === this.text
    // A type has no empty segments: what is longer has at least one more.
    if (this.#prefix !== undefined) return type.length > this.#prefix.length && type.startsWith(this.#prefix)
    const found = type.split(/([.:])/)
    if (this.#isOpen ? found.length < this.parts.length : found.length !== this.parts.length) return false
    return this.parts.every((part, index) => part === '*' || part === found[index])
  }

  /** Whether every type that `other` matches matches this, too. */
  includes(other: TypePattern): boolean {
    if (this.#isOpen ? other.parts.length < this.parts.length : other.parts.length !== this.parts.length) return false
    // An open pattern matches longer types, which one that is not open never does.
    if (other.#isOpen && !this.#isOpen) return false
    return this.parts.every((part, index) => part === '*' || part === other.parts[index])
  }

  /** Whether some type matches both, its length aside. */
  overlaps(other: TypePattern): boolean {
    const [shorter, longer] = byLength(this, other)
    if (shorter.parts.length !== longer.parts.length && !shorter.#isOpen) return false
    return shorter.parts.every((part, index) => {
      const against = longer.parts[index]
      return part === '*' || against === '*' || part === against
    })
  }

  /** The types that match both, which are those of one pattern again; `undefined` where there are none. */
  common(other: TypePattern): TypePattern | undefined {
    if (!this.overlaps(other)) return undefined
    const [shorter, longer] = byLength(this, other)
    const text = longer.parts.map((part, index) => (part === '*' ? (shorter.parts[index] ?? part) : part)).join('')
    return text.length > MAX_TYPE_LENGTH ? undefined : new TypePattern(text)
  }
}

function byLength(a: TypePattern, b: TypePattern): readonly [shorter: TypePattern, longer: TypePattern] {
  return a.parts.length <= b.parts.length ? [a, b] : [b, a]
}

const patterns = new Map<string, TypePattern>()
/** Receivers choose patterns, not senders; whoever makes ever new ones has them compiled each time. */
const MAX_REMEMBERED = 4096

/**
 * A pattern, compiled once.
 *
 * @throws {@link UsageError} `ERR_CONFIG_INVALID`
 */
export function typePattern(text: string): TypePattern {
  const known = patterns.get(text)
  if (known !== undefined) return known
  const pattern = new TypePattern(text)
  if (patterns.size < MAX_REMEMBERED) patterns.set(text, pattern)
  return pattern
}
