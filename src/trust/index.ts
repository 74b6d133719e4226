export {
  openTrustDirectory,
  type OpenTrustDirectoryRequest,
  signTrustDirectory,
  TRUST_CLOCK_SKEW_SECONDS,
  TrustDirectory,
  TrustedSigner,
} from './directory.js'
export { encodeTrustDocument, parseTrustDocument, type DocumentSigner, type TrustDocument } from './document.js'
export { createTrustMemory, openTrustMemory, type SeenDirectory, type TrustMemory } from './memory.js'
