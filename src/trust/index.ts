export { openTrustCache, type TrustCache, type TrustCacheOptions, type TrustUpdate } from './cache.js'
export {
  type AppliedDelta,
  applyTrustDelta,
  applyTrustDeltaInTurns,
  openTrustDelta,
  openTrustDeltaInTurns,
  type OpenTrustDeltaRequest,
  signTrustDelta,
  TrustDelta,
} from './delta.js'
export { encodeTrustDelta, readTrustDelta } from './delta-document.js'
export {
  openPastTrustDirectory,
  openTrustDirectory,
  openTrustDirectoryInTurns,
  type OpenTrustDirectoryRequest,
  signTrustDirectory,
  TRUST_CLOCK_SKEW_SECONDS,
  TrustDirectory,
} from './directory.js'
export { encodeTrustDocument, parseTrustDocument, type TrustDocument } from './document.js'
export { FETCH_TIMEOUT_MILLISECONDS, fetchTrust, type FetchedTrust, type FetchTrustOptions } from './fetch.js'
export { createTrustMemory, openTrustMemory, type SeenDirectory, type TrustMemory } from './memory.js'
export { type Place, placeOf } from './place.js'
export { publishedType } from './publisher.js'
export type { DocumentSigner } from './signer.js'
export {
  deltaName,
  encodeSiteIndex,
  MAX_SITE_DELTAS,
  parseSiteIndex,
  SITE_FILES,
  type SiteDelta,
  type SiteIndex,
} from './site.js'
export { TrustedSigner } from './trusted-signer.js'
export { type TrustCacheListener, watchTrustCache } from './watch.js'
