export {
  openPastTrustDirectory,
  openTrustDirectory,
  type OpenTrustDirectoryRequest,
  signTrustDirectory,
  TRUST_CLOCK_SKEW_SECONDS,
  TrustDirectory,
} from './directory.js'
export { encodeTrustDocument, parseTrustDocument, type TrustDocument } from './document.js'
export { createTrustMemory, openTrustMemory, type SeenDirectory, type TrustMemory } from './memory.js'
export type { DocumentSigner } from './signer.js'
export { TrustedSigner } from './trusted-signer.js'
