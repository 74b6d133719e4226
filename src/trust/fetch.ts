/**
 * Fetching a trust directory into a cache: from a folder, a file, or over HTTP.
 *
 * What is fetched is believed for its signature, up to the pinned root, and for nothing else. So it may come over plain
 * HTTP and from any mirror; who stands between can only hold it back, until nextUpdate tells.
 *
 * @module trust/fetch (floor 6)
 */
import { isSignetError, type SignetError, StaleError } from '../errors/index.js'
import type { TrustCache, TrustUpdate } from './cache.js'
import { deltaName, deltasFrom, parseSiteIndex, SITE_FILES, type SiteIndex } from './site.js'
import { type Place, placeOf } from './place.js'

export interface FetchTrustOptions {
  /** For each request, from its begin to its end. Default {@link FETCH_TIMEOUT_MILLISECONDS}. */
  readonly timeoutMilliseconds?: number
}

export const FETCH_TIMEOUT_MILLISECONDS = 60_000

/** What came of fetching. `deltas`: how many were applied. */
export interface FetchedTrust extends TrustUpdate {
  readonly deltas: number
}

/** Longest `latest.json`. */
const MAX_INDEX_BYTES = 64 * 1024

/**
 * Bring a cache up to date. From a site (a URL that ends with `/`, or a folder) come the deltas where they lead to the
 * newest directory, and the whole directory where they do not; from every other URL or file what is there.
 *
 * Redirects are refused. Nothing is fetched without a pin: a cache has one.
 *
 * @param source - `http://…`, `https://…` or a path.
 * @throws {@link StoreError} `ERR_TRUST_FETCH`, `ERR_FILE_READ`; {@link UsageError} `ERR_CONFIG_INVALID`
 * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED`
 * @throws {@link StaleError} `ERR_TRUST_DIRECTORY_ROLLBACK` where the site has less than the cache; as
 * {@link TrustCache.update}
 */
export async function fetchTrust(
  cache: TrustCache,
  source: string,
  options: FetchTrustOptions = {},
): Promise<FetchedTrust> {
  const place = placeOf(source, options.timeoutMilliseconds ?? FETCH_TIMEOUT_MILLISECONDS)
  if (!place.isSite) return { ...(await cache.update(await place.read(''))), deltas: 0 }
  const index = parseSiteIndex(await place.read(SITE_FILES.index, MAX_INDEX_BYTES))
  await cache.refresh()
  const held = cache.sequence
  if (held !== undefined && index.sequence < held) throw siteIsOlder(index, held)
  if (held === index.sequence) return { changed: 'nothing', directory: cache.reload(), deltas: 0 }
  const way = held === undefined ? undefined : deltasFrom(held, index)
  const byDeltas = way === undefined ? undefined : await applied(cache, place, way.map(deltaName))
  return byDeltas ?? { ...(await cache.update(await place.read(SITE_FILES.directory))), deltas: 0 }
}

/** Apply deltas, one after another. Where one is missing or does not fit, the whole directory is wanted instead. */
async function applied(cache: TrustCache, place: Place, names: readonly string[]): Promise<FetchedTrust | undefined> {
  let update: TrustUpdate | undefined
  for (const name of names) {
    try {
      update = await cache.update(await place.read(name))
    } catch (error) {
      if (!isSignetError(error) || isGrave(error)) throw error
      return undefined
    }
  }
  return update === undefined ? undefined : { ...update, deltas: names.length }
}

/** What the whole directory cannot put right. */
function isGrave({ code }: SignetError): boolean {
  return code === 'ERR_TRUST_DIRECTORY_FORK' || code === 'ERR_FILE_WRITE' || code === 'ERR_STORE_LOCKED'
}

function siteIsOlder({ sequence }: SiteIndex, held: number): StaleError {
  return new StaleError(
    'ERR_TRUST_DIRECTORY_ROLLBACK',
    `the site has the trust directory ${sequence}, which is older than ${held} in the cache`,
    {
      details: { sequence: String(sequence), seen: String(held) },
      hint: 'the site is behind, or somebody holds the newest one back',
    },
  )
}
