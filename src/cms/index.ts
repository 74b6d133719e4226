export { type Attributes, attributeValue, encodeAttribute } from './attributes.js'
export { allowedDigests, type ContentDigest, digestBytes, digestStream } from './content-digest.js'
export { countersign, countersignaturesOf, withCountersignature } from './countersignature.js'
export { compareCmsSecondOpinion } from './second-opinion.js'
export { type CmsSigner, digestNameFor, signData, type SignDataRequest, type SignerClaims } from './sign.js'
export {
  parseForeignSignedData,
  parseSignedData,
  type SignedData,
  type SignerIdentifier,
  type SignerInfo,
} from './signed-data.js'
export { formatSignerIdentifier, identifies, type SignerFacts, verifyCountersignature, verifySigner } from './signer.js'
export {
  contentConflict,
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
export {
  examineSignedStream,
  type ExaminedStream,
  VerifiedSignedStream,
  verifySignedStream,
  type VerifySignedStreamRequest,
} from './verify-stream.js'
