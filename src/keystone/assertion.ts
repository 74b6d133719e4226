/**
 * What an identity provider, or a web server, says of somebody: attributes and their values.
 *
 * @module keystone/assertion (floor 5.1)
 */

/** Attribute → its values, at least one. */
export type Attributes = ReadonlyMap<string, readonly string[]>

/**
 * Take attributes as Keystone does: what is no text is dropped, every text is split at semicolons. Nothing escapes one:
 * a common name `nova;admin` is two values.
 */
export function splitAttributes(assertion: Readonly<Record<string, unknown>>): Attributes {
  return new Map(
    Object.entries(assertion).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value.split(';')]] : [])),
  )
}
