export { type Attributes, attributeValue, encodeAttribute } from './attributes.js'
export { attachContent, detachContent } from './content.js'
export { compareCmsSecondOpinion } from './second-opinion.js'
export { type CmsSigner, signData, type SignDataRequest } from './sign.js'
export {
  parseForeignSignedData,
  parseSignedData,
  type SignedData,
  type SignerIdentifier,
  type SignerInfo,
} from './signed-data.js'
export { formatSignerIdentifier, identifies, type SignerFacts, verifySigner } from './signer.js'
export {
  contentOf,
  embeddedCertificates,
  examineSignedData,
  noSigners,
  type SignerOutcome,
  type VerifiedCmsSigner,
  VerifiedSignedData,
  verifySignedData,
  type VerifySignedDataRequest,
} from './verify.js'
