/**
 * A message is verified in one call: structure → signer in the trust directory → signature → path and revocation →
 * identity → source, destination, type, carrier, time → route → content → bindings → policy → replay. One value at the end, or one
 * error.
 *
 * @module message/verify (floor 7)
 */
import { Buffer } from 'node:buffer'
import { asBuffer, equalBytes, OID } from '../asn1/index.js'
import {
  attributeValue,
  type ContentDigest,
  contentOf,
  digestBytes,
  noSigners,
  parseSignedData,
  type SignedData,
  type SignerInfo,
  examineSigner,
  signatureRefused,
  type SignerFacts,
  verifyCheck,
} from '../cms/index.js'
import type { SignatureCheck } from '../crypto/index.js'
import { DeniedError, InternalError, LimitError, StaleError, TrustError } from '../errors/index.js'
import { decodeUtf8 } from '../files/index.js'
import type { Identity } from '../identity/index.js'
import { type JsonValue, parseStrictJson } from '../json/index.js'
import { checkBindings, type PolicyQuestion, typePattern } from '../policy/index.js'
import { addSeconds } from '../time/index.js'
import type { TrustedSigner } from '../trust/index.js'
import type { Certificate } from '../x509/index.js'
import { type MessageContext, readMessageContext } from './context.js'
import { checkPolicy, DEFAULT_SKEW_SECONDS, type MessagePolicy } from './message-policy.js'
import type { ReplayStore } from './replay.js'
import { type VerifiedRoute, verifyRoute } from './routing-slip.js'
import { requireWanted, trustedSigner } from './trusted-signer.js'

let prove: (content: Uint8Array, facts: Judged['facts'], replay: MessageFacts['replay']) => VerifiedMessage

/** What is true of a message that verified, besides its content. */
export interface MessageFacts {
  readonly context: MessageContext
  readonly signer: Identity
  readonly certificate: Certificate
  readonly signingTime: Date
  readonly replay: 'checked' | 'not checked'
  readonly bindings: readonly string[]
  readonly rule: string | undefined
  readonly route: VerifiedRoute | undefined
}

/** The proof that a message is from its signer, for here and for now. Only {@link verifyMessage} makes one. */
export class VerifiedMessage {
  static {
    prove = (content, facts, replay) => new VerifiedMessage(content, facts, replay)
  }
  /** No object of the same form passes for this type. */
  declare protected readonly proof: 'VerifiedMessage'
  /** The very bytes that were digested: a copy that nobody else holds. */
  readonly content: Uint8Array
  readonly context: MessageContext
  /** Who signed: from the trust directory, never from the message. */
  readonly signer: Identity
  readonly certificate: Certificate
  readonly signingTime: Date
  readonly replay: 'checked' | 'not checked'
  /** The binding rules that held. */
  readonly bindings: readonly string[]
  /** The rule of the policy that allowed it; `undefined` where no policy was asked. */
  readonly rule: string | undefined
  /** Who checked off which steps; `undefined` where no route is planned. */
  readonly route: VerifiedRoute | undefined

  private constructor(content: Uint8Array, facts: Judged['facts'], replay: MessageFacts['replay']) {
    this.content = content
    this.context = facts.context
    this.signer = facts.signer
    this.certificate = facts.certificate
    this.signingTime = facts.signingTime
    this.replay = replay
    this.bindings = facts.bindings
    this.rule = facts.rule
    this.route = facts.route
    Object.freeze(this)
  }
}

/**
 * Verify a message.
 *
 * @param der - The CMS document in DER.
 * @param content - The payload of a detached message; `undefined` for one that carries its own.
 * @throws {@link UsageError} `ERR_CONFIG_INVALID` for a policy that does not say what it wants
 * @throws {@link EncodingError} malformed · {@link TrustError} not to be believed · {@link DeniedError} believed, but
 * not allowed · {@link StaleError} too old, too early or seen before · {@link StoreError} the replay memory failed
 */
export async function verifyMessage(
  der: Uint8Array,
  content: Uint8Array | undefined,
  policy: MessagePolicy,
): Promise<VerifiedMessage> {
  const prepared = prepareMessage(der, content, policy)
  requireSignature(verifyCheck(prepared.check), prepared)
  return acceptMessage(prepared, policy)
}

/** A message of which everything holds that can be known without arithmetic: nothing yet. */
export interface PreparedMessage extends ExaminedMessage {
  readonly bytes: Uint8Array
}

/** All that comes before the signature is verified. */
export function prepareMessage(
  der: Uint8Array,
  content: Uint8Array | undefined,
  policy: MessagePolicy,
): PreparedMessage {
  const opened = openMessage(der, policy)
  const bytes = contentOf(opened.signedData, content)
  const digest = digestBytes(bytes)
  return { ...opened, ...examineOpened(opened, digest, policy), digest, bytes }
}

/** All that comes after: for a message whose signature verified, and for no other. */
export async function acceptMessage(prepared: PreparedMessage, policy: MessagePolicy): Promise<VerifiedMessage> {
  const { bytes } = prepared
  const judged = judge(prepared, bytes, policy)
  const { replay } = policy
  if (replay === 'allow-unchecked') return prove(bytes, judged.facts, 'not checked')
  const answer = remember(judged, policy, replay)
  // What is there already is not waited for; a promise of others than Node's is.
  requireFresh(typeof answer === 'boolean' ? answer : await answer, judged)
  return prove(bytes, judged.facts, 'checked')
}

/** A message whose structure is as it must be, and nothing more. */
export interface OpenedMessage {
  readonly der: Uint8Array
  readonly signedData: SignedData
  readonly signerInfo: SignerInfo
}

/** What can be refused before the content is read. */
export function openMessage(der: Uint8Array, policy: MessagePolicy): OpenedMessage {
  checkPolicy(policy)
  policy.trust.requireCurrent(policy.at)
  // Of a Buffer, texts are read without making another.
  const signedData = parseMessage(asBuffer(der))
  return { der, signedData, signerInfo: onlySigner(signedData, policy) }
}

/** A message whose signature is to be verified. */
interface ExaminedMessage extends OpenedMessage {
  readonly digest: ContentDigest
  readonly signer: TrustedSigner
  readonly signature: SignerFacts
  readonly check: SignatureCheck
}

function examineOpened(
  { signedData, signerInfo }: OpenedMessage,
  digest: ContentDigest,
  { trust }: MessagePolicy,
): Pick<ExaminedMessage, 'signer' | 'signature' | 'check'> {
  const signer = trustedSigner(signerInfo.sid, trust)
  const { facts, check } = examineSigner(signedData, signerInfo, digest, signer.certificate)
  return { signer, signature: facts, check }
}

/** @throws {@link TrustError} `ERR_CMS_SIGNATURE` */
export function requireSignature(verifies: boolean, { signer }: Pick<ExaminedMessage, 'signer'>): void {
  // Whatever is not a clear yes is a no.
  if ((verifies as unknown) !== true) throw signatureRefused(signer.certificate)
}

/** Everything else, over content that was digested, and is too long for rules that read it. */
export async function verifyOpened(
  opened: OpenedMessage,
  digest: ContentDigest,
  policy: MessagePolicy,
): Promise<MessageFacts> {
  const examined = { ...opened, ...examineOpened(opened, digest, policy), digest }
  requireSignature(verifyCheck(examined.check), examined)
  const judged = judge(examined, undefined, policy)
  const { replay } = policy
  if (replay === 'allow-unchecked') return { ...judged.facts, replay: 'not checked' }
  requireFresh(await remember(judged, policy, replay), judged)
  return { ...judged.facts, replay: 'checked' }
}

/** A message that is all right, unless it was accepted before. */
interface Judged {
  readonly facts: Omit<MessageFacts, 'replay'>
  /** After this instant nobody accepts it. */
  readonly until: Date
}

const NO_BINDINGS: readonly string[] = Object.freeze([])

/** All that needs no store, of a message whose signature verified. */
function judge(
  { der, signerInfo, digest, signer, signature }: ExaminedMessage,
  bytes: Uint8Array | undefined,
  policy: MessagePolicy,
): Judged {
  if (!signature.certificateBound) throw missing('signingCertificateV2')
  if (signature.signingTime === undefined) throw missing('signingTime')
  const { signingTime } = signature
  const context = attributeValue(signerInfo.signedAttrs, OID.signetMessageContext, readMessageContext)
  if (context === undefined) throw missing('messageContext')
  const path = signer.validate(policy.at, policy.revocation ?? 'required')
  const { identity } = signer
  checkSender(context, identity, policy)
  checkDestination(context, policy)
  checkType(context, policy)
  policy.carrier?.(context, identity)
  const until = checkTime(signingTime, context, policy)
  const { skewSeconds = DEFAULT_SKEW_SECONDS } = policy
  const route = verifyRoute({ der, signerInfo, planned: context.route, signingTime }, policy, skewSeconds)
  const { bindings = [], authorization } = policy
  const json = isRead(context, policy) ? (policy.reader ?? readJson)(readable(bytes, digest), context) : undefined
  // Content that was not read has no fields, and breaks every rule.
  if (bindings.length > 0) checkBindings(json ?? null, identity, bindings)
  const decision = authorization?.authorize(questionOf(context, identity, json, policy))
  if (context.route !== undefined) Object.freeze(context.route)
  return {
    facts: {
      context: Object.freeze(context),
      signer: identity,
      certificate: path.target,
      signingTime,
      bindings: bindings.length === 0 ? NO_BINDINGS : Object.freeze(bindings.map((binding) => binding.text)),
      rule: decision?.rule,
      route,
    },
    until,
  }
}

/** Whether somebody wants to know what the content says. */
function isRead({ type, destination }: MessageContext, { reader, bindings, authorization }: MessagePolicy): boolean {
  return (
    reader !== undefined ||
    (bindings !== undefined && bindings.length > 0) ||
    authorization?.readsContent(type, destination) === true
  )
}

function readable(bytes: Uint8Array | undefined, { length }: ContentDigest): Uint8Array {
  if (bytes !== undefined) return bytes
  throw new LimitError('ERR_LIMIT_EXCEEDED', 'the content is too long for rules that read it', {
    details: { bytes: String(length) },
    hint: 'rules that read content are for messages that fit into memory',
  })
}

function readJson(content: Uint8Array): JsonValue {
  return parseStrictJson(decodeUtf8(content, 'the content of the message'))
}

/** Sender and scope are the receiver's own knowledge; of the message, only what was signed. */
function questionOf(
  { type, destination }: MessageContext,
  sender: Identity,
  content: JsonValue | undefined,
  { scope }: MessagePolicy,
): PolicyQuestion {
  return {
    sender,
    type,
    destination,
    ...(scope === undefined ? {} : { scope }),
    ...(content === undefined ? {} : { content }),
  }
}

function parseMessage(der: Uint8Array): SignedData {
  if (der.length === 0) {
    throw new DeniedError('ERR_MESSAGE_UNSIGNED', 'the message has no signature', {
      hint: 'unsigned messages are never accepted',
    })
  }
  const signedData = parseSignedData(der)
  if (signedData.eContentType !== OID.signetMessage) {
    throw new TrustError('ERR_CMS_CONTENT_TYPE', 'the document is not a signet message', {
      details: { found: signedData.eContentType },
      hint: 'for other CMS documents: signet cms verify',
    })
  }
  // Outside of the signature nothing is allowed that is not needed (OSSN-0062).
  if (signedData.certificatesDer.length > 0 || signedData.crlsDer.length > 0) {
    throw new TrustError('ERR_CMS_UNSIGNED_ATTRIBUTE', 'a message carries no certificates or CRLs')
  }
  return signedData
}

function onlySigner(signedData: SignedData, { route }: MessagePolicy): SignerInfo {
  const [signer, second] = signedData.signerInfos
  if (signer === undefined) throw noSigners()
  if (second !== undefined)
    throw new TrustError('ERR_CMS_SIGNER_COUNT', `a message has one signer, this one ${signedData.signerInfos.length}`)
  // Those of a routing slip are for whoever says what they must be.
  if (route === undefined && signer.unsignedAttrs.size > 0)
    throw new TrustError('ERR_CMS_UNSIGNED_ATTRIBUTE', 'a message has no unsigned attributes')
  const [digest, other] = signedData.digestAlgorithms
  if (digest === undefined || other !== undefined || !equalBytes(digest.der, signer.digestAlgorithm.der)) {
    throw new TrustError('ERR_ALGORITHM_MISMATCH', 'the digests of the document are not that of its signer')
  }
  return signer
}

function missing(attribute: string): TrustError {
  return new TrustError('ERR_CMS_SIGNED_ATTRIBUTES', `the signed attribute ${attribute} is missing`, {
    hint: 'messages are made with signet sign',
  })
}

function checkSender(context: MessageContext, identity: Identity, { senders }: MessagePolicy): void {
  if (context.source !== undefined && context.source !== identity.uri) {
    throw new DeniedError(
      'ERR_MESSAGE_SOURCE',
      `the message says it is from ${context.source}, and was signed by ${identity.uri}`,
      {
        details: { source: context.source, signer: identity.uri },
      },
    )
  }
  requireWanted(identity, senders)
}

function checkDestination({ destination }: MessageContext, { destinations }: MessagePolicy): void {
  if (destinations !== 'allow-any' && !destinations.includes(destination)) {
    throw new DeniedError('ERR_MESSAGE_DESTINATION', `the message is for ${destination}`, {
      details: { destination, wanted: destinations.join(' ') },
    })
  }
}

function checkType({ type }: MessageContext, { types }: MessagePolicy): void {
  if (types !== 'allow-any' && !types.some((pattern) => typePattern(pattern).matches(type))) {
    throw new DeniedError('ERR_MESSAGE_TYPE', `messages of the type ${type} are not wanted here`, {
      details: { type, wanted: types.join(' ') },
    })
  }
}

/**
 * Receiver's clock, both ways. Yields the instant until which the message is to be remembered: by what is signed and not
 * by this receiver's maximum age, so that a more patient one that shares the memory finds it there, too. Receivers that
 * share one allow the same skew.
 */
function checkTime(signingTime: Date, { lifetimeSeconds }: MessageContext, policy: MessagePolicy): Date {
  const { at, maxAgeSeconds, skewSeconds = DEFAULT_SKEW_SECONDS } = policy
  const [signed, now] = [signingTime.getTime(), at.getTime()]
  if (signed > now + skewSeconds * 1000) {
    throw new StaleError(
      'ERR_MESSAGE_FROM_FUTURE',
      `the message was signed later than now: ${signingTime.toISOString()}`,
      {
        details: { signingTime: signingTime.toISOString(), at: at.toISOString() },
        hint: 'check the clocks of both machines',
      },
    )
  }
  if (now > signed + (Math.min(lifetimeSeconds, maxAgeSeconds) + skewSeconds) * 1000) {
    throw new StaleError(
      'ERR_MESSAGE_EXPIRED',
      `the message is too old: it was signed at ${signingTime.toISOString()}`,
      {
        details: {
          signingTime: signingTime.toISOString(),
          at: at.toISOString(),
          lifetimeSeconds: String(lifetimeSeconds),
          maxAgeSeconds: String(maxAgeSeconds),
        },
        hint: 'sign it again, or accept a greater age',
      },
    )
  }
  return addSeconds(signingTime, lifetimeSeconds + skewSeconds)
}

/** The last question, because asking it changes the answer. */
function remember(
  { facts, until }: Judged,
  { at, route: wanted }: MessagePolicy,
  replay: ReplayStore,
): boolean | Promise<boolean> {
  const { signer, context, route } = facts
  const key = { signer: signer.uri, destination: context.destination, messageId: context.messageId }
  // One message passes each of the steps of its route once, and they may share a memory.
  const step = route !== undefined && wanted?.require === 'up-to-me' ? route.steps.length + 1 : undefined
  return replay.remember(step === undefined ? key : { ...key, step }, until, at)
}

/** Whatever a store answers that is not a clear yes is a no. */
function requireFresh(answer: unknown, { facts }: Judged): void {
  if (answer === true) return
  if (answer !== false) throw new InternalError('ERR_INTERNAL', 'the replay memory gave no answer')
  throw new StaleError('ERR_MESSAGE_REPLAYED', 'the message was accepted before', {
    details: { signer: facts.signer.uri, messageId: Buffer.from(facts.context.messageId).toString('hex') },
  })
}
