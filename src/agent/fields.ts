/**
 * Reading the members of a configuration, each of its type, and saying which was wrong.
 *
 * @module agent/fields (floor 7.4)
 */
import { isSignetError, UsageError } from '../errors/index.js'
import { requireKeys } from '../json/index.js'
import { parseDuration } from '../time/index.js'

const MAX_WORDS = 100

/** Members of an object whose keys are known. */
export class Fields {
  readonly #values: Readonly<Record<string, unknown>>
  readonly #path: (path: string) => string

  /** @param path - Makes a path absolute. */
  constructor(values: Readonly<Record<string, unknown>>, path: (path: string) => string) {
    this.#values = values
    this.#path = path
  }

  has(name: string): boolean {
    return this.#values[name] !== undefined
  }

  value(name: string): unknown {
    return this.#values[name]
  }

  text(name: string): string {
    const value = this.#values[name]
    if (typeof value !== 'string' || value === '' || value.includes('\0')) throw invalid(`${name} is no text`)
    return value
  }

  path(name: string): string {
    return this.#path(this.text(name))
  }

  number(name: string, otherwise: number): number {
    const value = this.#values[name] ?? otherwise
    if (typeof value !== 'number') throw invalid(`${name} is no number`)
    return value
  }

  seconds(name: string, otherwise: number): number {
    return this.has(name) ? parseDuration(this.text(name)) : otherwise
  }

  /** One text, or a list of them. */
  texts(name: string): readonly string[] {
    const value = this.#values[name]
    return typeof value === 'string' ? [this.text(name)] : wordsOf(value, name)
  }

  /** A program and its words. */
  command(name: string): readonly string[] {
    return wordsOf(this.#values[name], name)
  }

  /** One program with its words, or a list of such. */
  commands(name: string): readonly (readonly string[])[] {
    const value = this.#values[name]
    return Array.isArray(value) && Array.isArray(value[0])
      ? value.map((one: unknown) => wordsOf(one, name))
      : [wordsOf(value, name)]
  }

  inner(name: string, keys: readonly string[]): Fields {
    return new Fields(requireKeys(this.#values[name], keys, name), this.#path)
  }
}

/** A program without words of a shell: a text that a shell would have to split is refused. */
function wordsOf(value: unknown, name: string): readonly string[] {
  const isWord = (word: unknown): word is string => typeof word === 'string' && !word.includes('\0')
  if (Array.isArray(value) && value.length > 0 && value.length <= MAX_WORDS && value.every(isWord) && value[0] !== '')
    return value
  throw invalid(`${name} is no list of words, such as [systemctl, reload, nginx]`)
}

export function invalid(why: string): UsageError {
  return new UsageError('ERR_CONFIG_INVALID', why, { hint: 'docs/agent.md has every setting' })
}

/** Say where in the configuration something was wrong. */
export function within<T>(where: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!isSignetError(error)) throw error
    throw new UsageError('ERR_CONFIG_INVALID', `${where}: ${error.message}`, {
      details: error.details,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      cause: error,
    })
  }
}
