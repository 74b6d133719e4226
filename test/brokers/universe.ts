/**
 * A small universe: every address of up to four segments, every pattern of up to three, and what a pattern means.
 */
import type { AddressPattern, AddressSegment, BrokerPermissions, BrokerUser } from '../../src/brokers/index.js'

export const ONE: AddressSegment = { any: 'one' }
export const REST: AddressSegment = { any: 'rest' }

/** A pattern from a text: `scheduler.*.x`, `scheduler.**`. */
export function pattern(text: string): AddressPattern {
  return text.split('.').map((segment) => (segment === '**' ? REST : segment === '*' ? ONE : segment))
}

/** All lists of some items, of one item to so many. */
export function lists<T>(items: readonly T[], longest: number): readonly (readonly T[])[] {
  let last: readonly (readonly T[])[] = [[]]
  const all: (readonly T[])[] = []
  for (let length = 1; length <= longest; length++) {
    last = last.flatMap((list) => items.map((item) => [...list, item]))
    all.push(...last)
  }
  return all
}

/** `a:b` is one segment. */
export const ADDRESSES = lists(['a', 'a:b', 'c'], 4)

export const PATTERNS: readonly AddressPattern[] = lists<AddressSegment>(['a', 'a:b', ONE, REST], 3).filter(
  (segments) => segments.slice(0, -1).every((segment) => segment !== REST),
)

/** What a pattern means, segment by segment. */
export function matches([first, ...others]: AddressPattern, [segment, ...more]: readonly string[]): boolean {
  if (first === undefined || segment === undefined) return first === undefined && segment === undefined
  if (first === REST) return true
  return (first === ONE || first === segment) && matches(others, more)
}

/** Somebody of the service `compute` without a scope. */
export function user(entity: string, publish: readonly string[], consume: readonly string[]): BrokerUser {
  const uri = `spiffe://cloud.example/compute/${entity}`
  return { entity, uri, publish: publish.map(pattern), consume: consume.map(pattern) }
}

/** Two who talk to each other, the one with a dot in its id. */
export const SMALL: BrokerPermissions = {
  users: [
    user('compute-07', ['scheduler.rpc.update'], ['compute.compute-07.**']),
    user('api.v2', ['compute.*.rpc.build'], []),
  ],
}

export function contentOf(files: readonly { readonly name: string; readonly content: string }[], name: string): string {
  const file = files.find((candidate) => candidate.name === name)
  if (file === undefined) throw new Error(`no file ${name}`)
  return file.content
}
