/**
 * signet: the certificate authority of a deployment, identities from its certificates, and CMS-signed messages.
 *
 * Each part is also an entry of its own: `signet-pki/message`, `/identity`, `/cms`, `/trust`, `/authority`, `/path`,
 * `/x509`, `/errors`.
 *
 * @module signet-pki
 */
export {
  answerOcsp,
  applyRegistry,
  Authority,
  bootstrap,
  type BootstrapRequest,
  currentCrls,
  issueCertificates,
  issueInGroups,
  IssueQueue,
  previewRevocation,
  publishCrl,
  publishDeltaCrl,
  planRegistry,
  publishTrustDelta,
  publishTrustDirectory,
  registerEntity,
  renewCertificates,
  revokeCertificates,
  setEntityState,
} from './authority/index.js'
export { type Broker, type BrokerPermissions, exportFor, permissionsOf } from './brokers/index.js'
export {
  digestStream,
  type CmsRecipient,
  decryptData,
  encryptData,
  signData,
  type SignDataRequest,
  ValidatedRecipients,
  validateRecipients,
  VerifiedSignedData,
  VerifiedSignedStream,
  verifySignedData,
  type VerifySignedDataRequest,
  verifySignedStream,
} from './cms/index.js'
export { deliverCredential, loadCredential, type LoadedCredential } from './credential/index.js'
export {
  CommandKeyProvider,
  type KeyProvider,
  MemoryKeyProvider,
  openKeyFile,
  Passphrase,
  SignaturePool,
} from './crypto/index.js'
export { type ErrorCategory, type ErrorCode, EXIT_CODES, isSignetError, SignetError } from './errors/index.js'
export {
  explainIdentity,
  type Identity,
  parseMapping,
  parseRegistryDocument,
  registryOf,
  resolveIdentity,
  rolesAt,
} from './identity/index.js'
export {
  addPart,
  checkOff,
  createReplayMemory,
  type EnvelopePolicy,
  type IncomingMessage,
  makeEnvelope,
  DecryptedMessage,
  decryptMessage,
  encryptMessage,
  type EncryptMessageRequest,
  type MessageContext,
  type MessagePolicy,
  MessageSigner,
  MessageVerifier,
  openRedisReplay,
  openReplayFile,
  PendingRequests,
  receiverNames,
  replyTo,
  requireInOrder,
  sequenceId,
  planProtection,
  type ProtectionSettings,
  type ReplayStore,
  type RoutePolicy,
  requireProtection,
  signMessage,
  type SignMessageRequest,
  VerifiedEnvelope,
  VerifiedMessage,
  VerifiedRoute,
  VerifiedStream,
  verifyAll,
  verifyEnvelope,
  verifyMessage,
  verifyMessageStream,
} from './message/index.js'
export {
  explainPath,
  type PathExplanation,
  type PathRequest,
  type RevocationPolicy,
  type Strictness,
  STRICTNESS,
  validatePath,
  ValidatedPath,
  verifyOcspResponse,
} from './path/index.js'
export { type Decision, parseBinding, parsePolicy, Policy, type PolicyQuestion } from './policy/index.js'
export { type Clock } from './time/index.js'
export {
  applyTrustDelta,
  createTrustMemory,
  fetchTrust,
  openTrustCache,
  openTrustDelta,
  openTrustDirectory,
  openTrustMemory,
  type TrustCache,
  TrustDelta,
  TrustDirectory,
  watchTrustCache,
} from './trust/index.js'
export {
  Certificate,
  certIdOf,
  Crl,
  encodeOcspRequest,
  type OcspResponse,
  parseCertificate,
  parseCertificates,
  parseCrl,
  parseCrls,
  parseOcspRequest,
  parseOcspResponse,
} from './x509/index.js'
