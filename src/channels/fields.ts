/**
 * The values of a deployment's document, each of the one kind that it must be.
 *
 * @module channels/fields (floor 7.3)
 */
import { isSignetError, UsageError } from '../errors/index.js'
import { requireKeys } from '../json/index.js'

export type Fields = Readonly<Record<string, unknown>>

export function invalid(message: string): UsageError {
  return new UsageError('ERR_DEPLOYMENT_INVALID', `the deployment is not valid: ${message}`, {
    hint: 'see docs/deployments/README.md',
  })
}

/** Turn what is wrong with a document into one kind of error. */
export function explained<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (!isSignetError(error) || error.code === 'ERR_DEPLOYMENT_INVALID' || error.category === 'limit') throw error
    throw new UsageError('ERR_DEPLOYMENT_INVALID', `the deployment is not valid: ${error.message}`, {
      details: error.details,
      hint: error.hint ?? 'see docs/deployments/README.md',
      cause: error,
    })
  }
}

/** The members of a map, whose names are names of things. */
export function namedMembers<T>(
  value: unknown,
  what: string,
  parse: (member: unknown, name: string) => T,
): Map<string, T> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(`${what} is not a map`)
  return new Map(
    Object.entries(value).map(([name, member]) => {
      if (!/^[a-z0-9](?:[a-z0-9.-]{0,62}[a-z0-9])?$/.test(name)) {
        throw invalid(`${what}: not a name of lower-case letters, digits, dots and dashes: ${JSON.stringify(name)}`)
      }
      return [name, parse(member, name)]
    }),
  )
}

export function keys(value: unknown, names: readonly string[], what: string): Fields {
  return requireKeys(value, names, what)
}

export function text(value: unknown, what: string): string {
  if (typeof value === 'string' && value !== '') return value
  throw invalid(`${what} is not a text`)
}

export function texts(value: unknown, what: string): readonly string[] {
  if (value === undefined) return []
  if (Array.isArray(value) && value.every((item) => typeof item === 'string' && item !== '')) return value as string[]
  throw invalid(`${what} is not a list of texts`)
}

export function oneOf<const T extends string>(value: unknown, words: readonly T[], what: string): T {
  const found = words.find((word) => word === value)
  if (found !== undefined) return found
  throw invalid(`${what} is none of ${words.join(', ')}: ${JSON.stringify(value)}`)
}

/** A name of something that is declared. */
export function known(value: unknown, declared: { has(name: string): boolean }, what: string): string {
  const name = text(value, what)
  if (declared.has(name)) return name
  throw invalid(`${what} is not declared: ${JSON.stringify(name)}`)
}

/** The member, where it is there. */
export function optional<K extends string, T>(
  key: K,
  value: unknown,
  parse: (value: unknown) => T,
): Partial<Record<K, T>> {
  return value === undefined ? {} : ({ [key]: parse(value) } as Partial<Record<K, T>>)
}
