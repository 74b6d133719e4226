export { checkOff, type CheckOffRequest } from './check-off.js'
export { MAX_LIFETIME_SECONDS, type MessageContext } from './context.js'
export { addPart, type AddPartRequest, makeEnvelope, type MakeEnvelopeRequest } from './envelope.js'
export { type PlannedPart } from './envelope-format.js'
export { createReplayMemory, DEFAULT_MAX_REMEMBERED, type ReplayKey, type ReplayStore } from './replay.js'
export { type FileReplayStore, openReplayFile } from './replay-file.js'
export { type DoneStep, planOf, type RoutePolicy, type StatedStep, statedSteps, VerifiedRoute } from './routing-slip.js'
export {
  DEFAULT_LIFETIME_SECONDS,
  type MessageSigner,
  type SignedMessage,
  signMessage,
  type SignMessageRequest,
} from './sign.js'
export { VerifiedStream, verifyMessageStream } from './stream.js'
export { type WantedSenders } from './trusted-signer.js'
export {
  DEFAULT_SKEW_SECONDS,
  type MessageFacts,
  type MessagePolicy,
  VerifiedMessage,
  verifyMessage,
} from './verify.js'
export { type EnvelopePolicy, VerifiedEnvelope, type VerifiedPart, verifyEnvelope } from './verify-envelope.js'
