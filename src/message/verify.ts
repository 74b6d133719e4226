/**
 * A message is verified in one call: structure → signer in the trust directory → signature → path and revocation →
 * identity → source, destination, type, carrier, time → route → content → bindings → policy → replay. One value at the end, or one
 * error.
 *
 * @module message/verify (floor 7)
 */
import { equalBytes, OID } from '../asn1/index.js'
import {
  attributeValue,
  type ContentDigest,
  contentOf,
  digestBytes,
  noSigners,
  parseSignedData,
  type SignedData,
  type SignerInfo,
  verifySigner,
} from '../cms/index.js'
import { DeniedError, InternalError, LimitError, StaleError, TrustError, UsageError } from '../errors/index.js'
import { decodeUtf8 } from '../files/index.js'
import { type Identity, isScopePath } from '../identity/index.js'
import { type JsonValue, parseStrictJson } from '../json/index.js'
import { type Binding, checkBindings, messageTypeMatcher, Policy, type PolicyQuestion } from '../policy/index.js'
import { addSeconds, MINUTE } from '../time/index.js'
import { TrustDirectory } from '../trust/index.js'
import type { Certificate } from '../x509/index.js'
import { type MessageContext, readMessageContext } from './context.js'
import type { ReplayStore } from './replay.js'
import { checkRoutePolicy, type RoutePolicy, type VerifiedRoute, verifyRoute } from './routing-slip.js'
import { requireWanted, trustedSigner, type WantedSenders } from './trusted-signer.js'

/**
 * Reads the content of messages: what it yields is what bindings and rules see. It throws where the content is not what type
 * and destination say that it is.
 */
export type ContentReader = (content: Uint8Array, context: MessageContext) => JsonValue

/** Compares what a carrier says of one message with what was signed, and throws where they differ. */
export type CarrierCheck = (context: MessageContext, signer: Identity) => void

/** What a receiver wants. Everything must be said; what is laxer says `allow`. */
export interface MessagePolicy {
  readonly trust: TrustDirectory
  /** The receiver's own names; or any, for who only archives or inspects. */
  readonly destinations: readonly string[] | 'allow-any'
  readonly senders: WantedSenders | 'allow-any-trusted'
  /** Types or patterns of them, as `notify.*`. */
  readonly types: readonly string[] | 'allow-any'
  /** Oldest signing time, whatever lifetime the sender wrote. */
  readonly maxAgeSeconds: number
  readonly replay: ReplayStore | 'allow-unchecked'
  readonly at: Date
  /** Asked for every message, where there is one. Default: strict JSON, read where bindings or rules need it. */
  readonly reader?: ContentReader
  /** What the broker said of this very message: its address, its publisher. Default: nothing was said. */
  readonly carrier?: CarrierCheck
  /** Fields of the JSON content that must be the signer's own. Default none. */
  readonly bindings?: readonly Binding[]
  /** Which roles may send which types where. Without one, only what is above is asked. */
  readonly authorization?: Policy
  /** The receiver's own scope, where messages take effect: for rules that ask for a role there. */
  readonly scope?: string
  /** How much of the route must be done. Without it, messages that plan a route are refused. */
  readonly route?: RoutePolicy
  /** Whether CRLs must be current, or being in the current trust directory is enough. Default `'required'`. */
  readonly revocation?: 'required' | 'allow-directory-only'
  /** How far clocks may differ. Default {@link DEFAULT_SKEW_SECONDS}. */
  readonly skewSeconds?: number
}

export const DEFAULT_SKEW_SECONDS = MINUTE
/** The longest skew that is still a skew. */
const MAX_SKEW_SECONDS = 60 * MINUTE

let prove: (content: Uint8Array, facts: MessageFacts) => VerifiedMessage

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
    prove = (content, facts) => new VerifiedMessage(content, facts)
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

  private constructor(content: Uint8Array, facts: MessageFacts) {
    this.content = content
    this.context = facts.context
    this.signer = facts.signer
    this.certificate = facts.certificate
    this.signingTime = facts.signingTime
    this.replay = facts.replay
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
  const opened = openMessage(der, policy)
  const bytes = contentOf(opened.signedData, content)
  return prove(bytes, await verifyOpened(opened, digestBytes(bytes), bytes, policy))
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
  const signedData = parseMessage(der)
  return { der, signedData, signerInfo: onlySigner(signedData, policy) }
}

/**
 * Everything else, over content in memory or digested.
 *
 * @param bytes - The content, for rules that read it; `undefined` where it is too long for that.
 */
export async function verifyOpened(
  { der, signedData, signerInfo }: OpenedMessage,
  digest: ContentDigest,
  bytes: Uint8Array | undefined,
  policy: MessagePolicy,
): Promise<MessageFacts> {
  const signer = trustedSigner(signerInfo.sid, policy.trust)
  const facts = verifySigner(signedData, signerInfo, digest, signer.certificate)
  if (!facts.certificateBound) throw missing('signingCertificateV2')
  if (facts.signingTime === undefined) throw missing('signingTime')
  const { signingTime } = facts
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
  const route = verifyRoute({ der, signerInfo, planned: context.route, signingTime }, { ...policy, skewSeconds })
  const { bindings = [], authorization, reader = readJson } = policy
  const isRead =
    policy.reader !== undefined ||
    bindings.length > 0 ||
    authorization?.readsContent(context.type, context.destination) === true
  const json = isRead ? reader(readable(bytes, digest), context) : undefined
  // Content that was not read has no fields, and breaks every rule.
  if (bindings.length > 0) checkBindings(json ?? null, identity, bindings)
  const decision = authorization?.authorize(questionOf(context, identity, json, policy))
  const replay = await checkReplay(context, identity, until, policy, route)
  Object.freeze(context.route)
  return {
    context: Object.freeze(context),
    signer: identity,
    certificate: path.target,
    signingTime,
    replay,
    bindings: Object.freeze(bindings.map((binding) => binding.text)),
    rule: decision?.rule,
    route,
  }
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

const POLICY_KEYS: readonly string[] = [
  'trust',
  'destinations',
  'senders',
  'types',
  'maxAgeSeconds',
  'replay',
  'at',
  'reader',
  'carrier',
  'bindings',
  'authorization',
  'scope',
  'route',
  'revocation',
  'skewSeconds',
] satisfies readonly (keyof MessagePolicy)[]

/** A verifier that does not say what it wants gets whatever comes; callers in JavaScript have no compiler to tell them. */
function checkPolicy(policy: MessagePolicy): void {
  const refuse = (what: string): UsageError =>
    new UsageError('ERR_CONFIG_INVALID', `the policy of the receiver ${what}`)
  if (!isObject(policy)) throw refuse('is missing')
  const stranger = Object.keys(policy).find((key) => !POLICY_KEYS.includes(key))
  if (stranger !== undefined) throw refuse(`has an unknown option: ${stranger}`)
  const { trust, destinations, senders, types, maxAgeSeconds, replay, at, bindings } = policy
  if (!(trust instanceof TrustDirectory)) throw refuse('names no trust directory')
  const skew = policy.skewSeconds ?? DEFAULT_SKEW_SECONDS
  if (destinations !== 'allow-any' && !isFilled(destinations)) throw refuse('names no destination')
  if (types !== 'allow-any' && !isFilled(types)) throw refuse('names no type')
  if (senders !== 'allow-any-trusted') {
    if (!isObject(senders)) throw refuse('names no sender')
    const lists = Object.entries(senders as Record<string, unknown>)
    const unknown = lists.find(([name]) => !['entities', 'uris', 'roles'].includes(name))
    if (unknown !== undefined) throw refuse(`has an unknown way to name senders: ${unknown[0]}`)
    if (lists.length === 0 || !lists.every(([, list]) => isFilled(list))) throw refuse('names no sender')
  }
  if (replay !== 'allow-unchecked' && typeof (replay as Partial<ReplayStore> | undefined)?.remember !== 'function') {
    throw refuse('has no replay memory')
  }
  if (!(Number.isFinite(maxAgeSeconds) && maxAgeSeconds > 0)) throw refuse('says no maximum age')
  if (!(Number.isFinite(skew) && skew >= 0 && skew <= MAX_SKEW_SECONDS))
    throw refuse('allows a senseless difference of clocks')
  if (!(at instanceof Date) || Number.isNaN(at.getTime())) throw refuse('says no time')
  if (bindings !== undefined && !isBindings(bindings)) throw refuse('has bindings that were not parsed')
  for (const hook of ['reader', 'carrier'] as const) {
    if (Object.hasOwn(policy, hook) && typeof policy[hook] !== 'function')
      throw refuse(`has a ${hook} that is no function`)
  }
  // Whoever failed to load a policy, and hands over what came of it, does not mean to do without one.
  if (Object.hasOwn(policy, 'authorization') && !(policy.authorization instanceof Policy)) {
    throw refuse('has an authorization that is no policy')
  }
  if (policy.route !== undefined) checkRoutePolicy(policy.route)
  if (![undefined, 'required', 'allow-directory-only'].includes(policy.revocation))
    throw refuse('has an unknown revocation stance')
  const scope: unknown = policy.scope
  if (scope !== undefined && !(typeof scope === 'string' && isScopePath(scope))) {
    throw refuse('has a scope that is no path')
  }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isBindings(value: unknown): boolean {
  return Array.isArray(value) && value.every((item: Partial<Binding>) => typeof item.wanted === 'function')
}

function isFilled(list: unknown): boolean {
  return Array.isArray(list) && list.length > 0 && list.every((item) => typeof item === 'string' && item !== '')
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
  if (types !== 'allow-any' && !types.some((pattern) => messageTypeMatcher(pattern)(type))) {
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
  const details = { signingTime: signingTime.toISOString(), at: at.toISOString() }
  if (signingTime > addSeconds(at, skewSeconds)) {
    throw new StaleError('ERR_MESSAGE_FROM_FUTURE', `the message was signed later than now: ${details.signingTime}`, {
      details,
      hint: 'check the clocks of both machines',
    })
  }
  const until = addSeconds(signingTime, Math.min(lifetimeSeconds, maxAgeSeconds) + skewSeconds)
  if (at > until) {
    throw new StaleError('ERR_MESSAGE_EXPIRED', `the message is too old: it was signed at ${details.signingTime}`, {
      details: { ...details, lifetimeSeconds: String(lifetimeSeconds), maxAgeSeconds: String(maxAgeSeconds) },
      hint: 'sign it again, or accept a greater age',
    })
  }
  return addSeconds(signingTime, lifetimeSeconds + skewSeconds)
}

async function checkReplay(
  context: MessageContext,
  identity: Identity,
  until: Date,
  { replay, at, route: wanted }: MessagePolicy,
  route: VerifiedRoute | undefined,
): Promise<'checked' | 'not checked'> {
  if (replay === 'allow-unchecked') return 'not checked'
  const { destination, messageId } = context
  // One message passes each of the steps of its route once, and they may share a memory.
  const step = route !== undefined && wanted?.require === 'up-to-me' ? { step: route.steps.length + 1 } : {}
  const fresh = await replay.remember({ signer: identity.uri, destination, messageId, ...step }, until, at)
  // Whatever a store answers that is not a clear yes is a no.
  if ((fresh as unknown) !== true) {
    if ((fresh as unknown) !== false) throw new InternalError('ERR_INTERNAL', 'the replay memory gave no answer')
    throw new StaleError('ERR_MESSAGE_REPLAYED', 'the message was accepted before', {
      details: { signer: identity.uri, messageId: Buffer.from(messageId).toString('hex') },
    })
  }
  return 'checked'
}
