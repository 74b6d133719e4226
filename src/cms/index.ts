export { type Attributes, attributeValue, encodeAttribute } from './attributes.js'
export {
  allowedDigests,
  type ContentDigest,
  digestBytes,
  digestFor,
  digestInSteps,
  digestStream,
} from './content-digest.js'
export { countersign, countersignaturesOf, withCountersignature } from './countersignature.js'
export { type AuthEnvelopedData, parseAuthEnvelopedData, parseForeignAuthEnvelopedData } from './auth-enveloped-data.js'
export { type CmsRecipient, decryptData, type DecryptedData, openAuthEnvelopedData } from './decrypt.js'
export {
  encryptData,
  type EncryptDataOptions,
  ValidatedRecipients,
  validateRecipients,
  type ValidateRecipientsRequest,
} from './encrypt.js'
export { MAX_RECIPIENTS, type RecipientIdentifier, type RecipientInfo } from './recipient-info.js'
export { attachContent, attachContentInSteps, detachContent } from './content.js'
export { compareCmsSecondOpinion } from './second-opinion.js'
export { signAttributesAtOnce, signData, signDataAtOnce, type SignDataRequest } from './sign.js'
export {
  type CmsSigner,
  digestNameFor,
  encodeSignedAttributes,
  encodeSigningTime,
  type SignerClaims,
} from './signed-attributes.js'
export { signedOctets } from './plain-signed-data.js'
export {
  parseForeignSignedData,
  parseSignedData,
  type SignedData,
  type SignerIdentifier,
  type SignerInfo,
} from './signed-data.js'
export {
  formatSignerIdentifier,
  identifies,
  type SignerFacts,
  verifyCountersignature,
  examineSigner,
  type ExaminedSigner,
  signatureRefused,
  verifyCheck,
  verifySigner,
} from './signer.js'
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
