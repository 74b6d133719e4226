export { checkOff, type CheckOffRequest } from './check-off.js'
export { MAX_LIFETIME_SECONDS, type MessageContext } from './context.js'
export { addPart, type AddPartRequest, makeEnvelope, type MakeEnvelopeRequest } from './envelope.js'
export { type PlannedPart } from './envelope-format.js'
export { type DoneStep, planOf, type RoutePolicy, type StatedStep, statedSteps, VerifiedRoute } from './routing-slip.js'
export { DecryptedMessage, decryptMessage, type EncryptedMessagePolicy } from './decrypt.js'
export { type EncryptedMessage, encryptMessage, type EncryptMessageRequest } from './encrypt.js'
export {
  DEFAULT_PROTECTION,
  planProtection,
  type Protection,
  protectionOf,
  PROTECTIONS,
  type ProtectionSettings,
  requireProtection,
} from './protection.js'
export {
  cmsProtection,
  type CmsReceiver,
  looksLikeCms,
  type MessageProtection,
  type MessageVerification,
  type OutgoingMessage,
  type ProtectionName,
  type ReceivedMessage,
  receivedMessage,
  type SigningParty,
} from './message-protection.js'
export { type CarrierCheck, type ContentReader, DEFAULT_SKEW_SECONDS, type MessagePolicy } from './message-policy.js'
export { createReplayMemory, DEFAULT_MAX_REMEMBERED, type ReplayKey, type ReplayStore } from './replay.js'
export { type FileReplayStore, openReplayFile } from './replay-file.js'
export { openRedisReplay, type RedisReplayOptions, type RedisSend } from './replay-redis.js'
export {
  MAX_PENDING_REQUESTS,
  type PendingRequest,
  PendingRequests,
  replyIdOf,
  replyTo,
  type RequestFacts,
} from './reply.js'
export { requireInOrder, type SequenceGaps, sequenceId } from './sequence.js'
export {
  DEFAULT_LIFETIME_SECONDS,
  type SignedMessage,
  signMessage,
  type SignMessageRequest,
  type SigningCredential,
} from './sign.js'
export { type StatedEnvelope, statedEnvelope, type StatedPart, type StatedSignature } from './stated-envelope.js'
export { VerifiedStream, verifyMessageStream } from './stream.js'
export { type WantedSenders } from './trusted-signer.js'
export { receiverNames, roleDestination, scopeDestination } from './names.js'
export { MessageSigner, type SignerDefaults } from './signer.js'
export { MessageVerifier, type Observation, type Refusal, refusalOf, type VerifierOptions } from './verifier.js'
export { VerifiedMessage, verifyMessage } from './verify.js'
export type { MessageFacts } from './judge.js'
export { type IncomingMessage, verifyAll } from './verify-all.js'
export { type EnvelopePolicy, VerifiedEnvelope, type VerifiedPart, verifyEnvelope } from './verify-envelope.js'
