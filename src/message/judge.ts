/**
 * What is asked of a message whose signature verified: path and revocation → sender, destination, type, carrier, time →
 * route → bindings → policy. All that needs no store.
 *
 * @module message/judge (floor 7)
 */
import { OID } from '../asn1/index.js'
import { attributeValue, type ContentDigest, type ExaminedSigner, type SignerInfo } from '../cms/index.js'
import { DeniedError, LimitError, StaleError, TrustError } from '../errors/index.js'
import { decodeUtf8 } from '../files/index.js'
import type { Identity } from '../identity/index.js'
import { type JsonValue, parseStrictJson } from '../json/index.js'
import { checkBindings, type PolicyQuestion, typePattern } from '../policy/index.js'
import { addSeconds } from '../time/index.js'
import type { TrustedSigner } from '../trust/index.js'
import type { Certificate } from '../x509/index.js'
import { type MessageContext, readMessageContext } from './context.js'
import { DEFAULT_SKEW_SECONDS, type MessagePolicy } from './message-policy.js'
import { type VerifiedRoute, verifyRoute } from './routing-slip.js'
import { requireWanted } from './trusted-signer.js'

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

/** Where the context of a message stands; a message in a known form plans no route, and has nothing unsigned. */
type StatedContext =
  | { readonly signerInfo: SignerInfo; readonly context?: undefined }
  | { readonly signerInfo?: undefined; readonly context: MessageContext }

/** A message of which all is known that its signature covers. */
export type ExaminedMessage = StatedContext & {
  readonly der: Uint8Array
  readonly digest: ContentDigest
  readonly signer: TrustedSigner
  readonly examined: ExaminedSigner
}

/** A message that is all right, unless it was accepted before. */
export interface Judged {
  readonly facts: Omit<MessageFacts, 'replay'>
  /** After this instant nobody accepts it. */
  readonly until: Date
}

const NO_BINDINGS: readonly string[] = Object.freeze([])

/** All that needs no store, of a message whose signature verified. */
export function judge(message: ExaminedMessage, bytes: Uint8Array | undefined, policy: MessagePolicy): Judged {
  const { digest, signer } = message
  const { facts: signature } = message.examined
  if (!signature.certificateBound) throw missing('signingCertificateV2')
  if (signature.signingTime === undefined) throw missing('signingTime')
  const { signingTime } = signature
  const context = message.context ?? contextIn(message.signerInfo)
  const path = signer.validate(policy.at, policy.revocation ?? 'required')
  const { identity } = signer
  checkSender(context, identity, policy)
  checkDestination(context, policy)
  checkType(context, policy)
  policy.carrier?.(context, identity)
  const until = checkTime(signingTime, context, policy)
  const { skewSeconds = DEFAULT_SKEW_SECONDS } = policy
  const { der, signerInfo } = message
  const route =
    signerInfo === undefined
      ? undefined
      : verifyRoute({ der, signerInfo, planned: context.route, signingTime }, policy, skewSeconds)
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

/** @throws {@link EncodingError} `ERR_MESSAGE_CONTEXT_MALFORMED` · {@link TrustError} `ERR_CMS_SIGNED_ATTRIBUTES` */
function contextIn({ signedAttrs }: SignerInfo): MessageContext {
  const context = attributeValue(signedAttrs, OID.signetMessageContext, readMessageContext)
  if (context === undefined) throw missing('messageContext')
  return context
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
