export { MAX_LIFETIME_SECONDS, type MessageContext } from './context.js'
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
export {
  DEFAULT_LIFETIME_SECONDS,
  type MessageSigner,
  type SignedMessage,
  signMessage,
  type SignMessageRequest,
} from './sign.js'
export {
  DEFAULT_SKEW_SECONDS,
  type MessagePolicy,
  VerifiedMessage,
  verifyMessage,
  type WantedSenders,
} from './verify.js'
