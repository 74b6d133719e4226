export { MAX_LIFETIME_SECONDS, type MessageContext } from './context.js'
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
export { createReplayMemory, DEFAULT_MAX_REMEMBERED, type ReplayKey, type ReplayStore } from './replay.js'
export { type FileReplayStore, openReplayFile } from './replay-file.js'
export { openRedisReplay, type RedisReplayOptions, type RedisSend } from './replay-redis.js'
export {
  DEFAULT_LIFETIME_SECONDS,
  type SignedMessage,
  signMessage,
  type SignMessageRequest,
  type SigningCredential,
} from './sign.js'
export { receiverNames, roleDestination, scopeDestination } from './names.js'
export { MessageSigner, type SignerDefaults } from './signer.js'
export { MessageVerifier, type Observation, type Refusal, refusalOf, type VerifierOptions } from './verifier.js'
export {
  type CarrierCheck,
  type ContentReader,
  DEFAULT_SKEW_SECONDS,
  type MessagePolicy,
  VerifiedMessage,
  verifyMessage,
  type WantedSenders,
} from './verify.js'
