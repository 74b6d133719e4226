/**
 * What a pass begins with: the trust directory and CRLs, fetched from where they are published.
 *
 * Everything is believed for its signature, when it is used, and for nothing else; so it may come over plain HTTP.
 *
 * @module agent/offered (floor 7.4)
 */
import { CRL_LIMITS } from '../asn1/index.js'
import { isSignetError, type SignetError } from '../errors/index.js'
import { type Clock, inTurns } from '../time/index.js'
import { fetchTrust, openTrustCache, placeOf, type TrustDirectory } from '../trust/index.js'
import { type Certificate, type Crl, parseCrlsInSteps } from '../x509/index.js'
import type { AgentConfiguration } from './configuration.js'
import type { CredentialSource } from './source.js'

/** For one request. */
const FETCH_MILLISECONDS = 30_000

/** What came. */
export interface Offered {
  readonly crls: readonly Crl[]
  /** Current, fetched now or before; `undefined` where none is configured, or there is none. */
  readonly directory: TrustDirectory | undefined
  /** CAs, by the source that names them. */
  readonly cas: ReadonlyMap<CredentialSource, readonly Certificate[]>
}

/** Told of each thing that did not come. */
export type OnProblem = (what: string, error: SignetError) => void

/**
 * Fetch what is published. What does not come leaves the rest as it is.
 *
 * @param sources - Those that know whom to trust are asked, too.
 */
export async function fetchOffered(
  { crls: places, trust }: Pick<AgentConfiguration, 'crls' | 'trust'>,
  sources: readonly CredentialSource[],
  clock: Clock,
  onProblem: OnProblem,
): Promise<Offered> {
  const attempt = async <T>(what: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work()
    } catch (error) {
      if (!isSignetError(error)) throw error
      onProblem(what, error)
      return undefined
    }
  }
  let directory: TrustDirectory | undefined
  if (trust !== undefined) {
    const { from, cache: path, pin, domain } = trust
    const cache = openTrustCache(path, { pin, clock, ...(domain === undefined ? {} : { trustDomain: domain }) })
    const fetched = await attempt('trust', () => fetchTrust(cache, from, { timeoutMilliseconds: FETCH_MILLISECONDS }))
    // What came before is good for as long as it says.
    directory = fetched?.directory ?? (await attempt('trust', () => cache.refresh().then(() => cache.directory())))
  }
  const crls: Crl[] = [...(directory?.crls ?? [])]
  for (const place of places) {
    const read = async (): Promise<readonly Crl[]> =>
      inTurns(parseCrlsInSteps(await placeOf(place, FETCH_MILLISECONDS).read('', CRL_LIMITS.maxBytes)))
    crls.push(...((await attempt(`crls ${place}`, read)) ?? []))
  }
  const cas = new Map<CredentialSource, readonly Certificate[]>()
  for (const source of sources) {
    const said = await attempt('source', async () => source.trust?.())
    if (said === undefined) continue
    crls.push(...said.crls)
    cas.set(source, said.cas)
  }
  return { crls, directory, cas }
}
