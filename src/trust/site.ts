/**
 * A folder from which any web server hands out trust directories: `trust.p7`, the newest; `deltas/N-M.p7`, from one
 * number to another; `latest.json`, which says what is there. Only the first two are signed. The third is a hint: who
 * lies in it makes receivers fetch what they then refuse, or nothing, which they notice at nextUpdate.
 *
 * @module trust/site (floor 6)
 */
import { EncodingError } from '../errors/index.js'
import { decodeUtf8 } from '../files/index.js'
import { parseStrictJson, requireKeys } from '../json/index.js'
import { MAX_SEQUENCE } from './document.js'

export const SITE_FILES = { directory: 'trust.p7', index: 'latest.json', deltas: 'deltas' } as const

/** So many deltas are kept; who is further behind fetches the whole directory. */
export const MAX_SITE_DELTAS = 64

/** What `latest.json` says. */
export interface SiteIndex {
  /** Number of the newest directory. */
  readonly sequence: number
  /** Deltas that are there, from which number to which, ascending. */
  readonly deltas: readonly SiteDelta[]
}

export type SiteDelta = readonly [base: number, result: number]

export function deltaName([base, result]: SiteDelta): string {
  return `${SITE_FILES.deltas}/${base}-${result}.p7`
}

export function encodeSiteIndex({ sequence, deltas }: SiteIndex): string {
  return `${JSON.stringify({ schema: 1, sequence, deltas })}\n`
}

/** @throws {@link EncodingError} `ERR_JSON_MALFORMED`, `ERR_TRUST_SITE_MALFORMED` */
export function parseSiteIndex(bytes: Uint8Array): SiteIndex {
  const json = parseStrictJson(decodeUtf8(bytes, SITE_FILES.index))
  const { schema, sequence, deltas } = requireKeys(json, ['schema', 'sequence', 'deltas'], SITE_FILES.index)
  if (schema !== 1 || !isSequence(sequence) || !Array.isArray(deltas) || deltas.length > MAX_SITE_DELTAS)
    throw malformed()
  return { sequence, deltas: deltas.map(parseDelta) }
}

function parseDelta(value: unknown): SiteDelta {
  if (!Array.isArray(value) || value.length !== 2) throw malformed()
  const [base, result] = value as readonly unknown[]
  if (!isSequence(base) || !isSequence(result) || base >= result) throw malformed()
  return [base, result]
}

function isSequence(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= MAX_SEQUENCE
}

function malformed(): EncodingError {
  return new EncodingError(
    'ERR_TRUST_SITE_MALFORMED',
    `${SITE_FILES.index} does not say which trust directory is there`,
  )
}

/**
 * The deltas that lead from one number to the newest, the longest first.
 *
 * @returns `undefined` where they do not.
 */
export function deltasFrom(held: number, { sequence, deltas }: SiteIndex): readonly SiteDelta[] | undefined {
  const way: SiteDelta[] = []
  for (let number = held; number !== sequence;) {
    const [next] = deltas
      .filter(([base, result]) => base === number && result <= sequence)
      .toSorted(([, a], [, b]) => b - a)
    if (next === undefined) return undefined
    way.push(next)
    number = next[1]
  }
  return way
}
