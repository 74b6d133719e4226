/**
 * A message is verified in one call: structure → signer in the trust directory → signature → path and revocation →
 * identity → source, destination, type, carrier, time → route → content → bindings → policy → replay. One value at the end, or one
 * error.
 *
 * @module message/verify (floor 7)
 */
import { Buffer } from 'node:buffer'
import { asBuffer } from '../asn1/index.js'
import {
  type ContentDigest,
  contentOf,
  digestBytes,
  examineSigner,
  type SignerInfo,
  signatureRefused,
  verifyCheck,
} from '../cms/index.js'
import { InternalError, StaleError } from '../errors/index.js'
import type { Identity } from '../identity/index.js'
import type { TrustDirectory } from '../trust/index.js'
import type { Certificate } from '../x509/index.js'
import type { MessageContext } from './context.js'
import { type ExaminedMessage, type Judged, judge, type MessageFacts } from './judge.js'
import { type KnownForm, KnownForms } from './known-form.js'
import { checkPolicy, type MessagePolicy } from './message-policy.js'
import { type OpenedMessage, openMessage } from './open.js'
import type { ReplayStore } from './replay.js'
import type { VerifiedRoute } from './routing-slip.js'
import { trustedSigner } from './trusted-signer.js'

let prove: (content: Uint8Array, facts: Judged['facts'], replay: MessageFacts['replay']) => VerifiedMessage

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
  requireSignature(verifyCheck(prepared.examined.check), prepared)
  return acceptMessage(prepared, policy)
}

/** A message of which everything holds that can be known without arithmetic: nothing yet. */
export type PreparedMessage = ExaminedMessage & {
  readonly bytes: Uint8Array
  readonly eContent: Uint8Array | undefined
}

/** What was accepted by one directory teaches nothing to those who trust another. */
const knownForms = new WeakMap<TrustDirectory, KnownForms>()

/** All that comes before the signature is verified. */
export function prepareMessage(
  der: Uint8Array,
  content: Uint8Array | undefined,
  policy: MessagePolicy,
): PreparedMessage {
  checkReceiver(policy)
  const form = policy.route === undefined && content !== undefined ? knownForms.get(policy.trust)?.find(der) : undefined
  if (form === undefined) return prepareAnew(der, content, policy)
  // What is in a known form is detached.
  const held = hold(contentOf({ eContent: undefined }, content))
  return prepareKnown(form, der, held, policy) ?? prepareAnew(der, content, policy, held)
}

/** @param held - The content, where it was digested already. */
function prepareAnew(
  der: Uint8Array,
  content: Uint8Array | undefined,
  policy: MessagePolicy,
  held?: HeldContent,
): PreparedMessage {
  const opened = openMessage(der, policy.route)
  const { eContent } = opened.signedData
  const { bytes, digest } = held ?? hold(contentOf(opened.signedData, content))
  return { ...examineOpened(opened, digest, policy), bytes, eContent }
}

/** Content, digested once. */
type HeldContent = Pick<PreparedMessage, 'bytes' | 'digest'>

function hold(bytes: Uint8Array): HeldContent {
  return { bytes, digest: digestBytes(bytes) }
}

/** @throws {@link UsageError} `ERR_CONFIG_INVALID` · {@link StaleError} `ERR_TRUST_DIRECTORY_*` */
export function checkReceiver(policy: MessagePolicy): void {
  checkPolicy(policy)
  policy.trust.requireCurrent(policy.at)
}

/** A message in a form that is known, if all else holds. @returns `undefined` where it does not: that is said elsewhere. */
function prepareKnown(
  form: KnownForm,
  der: Uint8Array,
  { bytes, digest }: HeldContent,
  { trust }: MessagePolicy,
): PreparedMessage | undefined {
  const octets = asBuffer(der)
  const signer = trust.find(form.keyIdentifier(octets))
  const examined = signer === undefined ? undefined : form.examine(octets, digest, signer.certificate)
  if (signer === undefined || examined === undefined) return undefined
  return { der, digest, signer, examined, context: form.context(octets), bytes, eContent: undefined }
}

/** All that comes after: for a message whose signature verified, and for no other. */
export async function acceptMessage(prepared: PreparedMessage, policy: MessagePolicy): Promise<VerifiedMessage> {
  const { bytes } = prepared
  const judged = judge(prepared, bytes, policy)
  const replay = rememberOnce(judged, policy)
  // What is there already is not waited for.
  const accepted = prove(bytes, judged.facts, typeof replay === 'string' ? replay : await replay)
  if (prepared.signerInfo !== undefined) teachForm(prepared, judged, policy)
  return accepted
}

function teachForm(
  prepared: PreparedMessage & { readonly signerInfo: SignerInfo },
  { facts: { context, certificate } }: Judged,
  { route, trust }: MessagePolicy,
): void {
  const { der, signerInfo, examined, eContent } = prepared
  if (eContent !== undefined || route !== undefined || !examined.facts.certificateBound) return
  const forms = knownForms.get(trust) ?? new KnownForms()
  knownForms.set(trust, forms)
  forms.teach({ der, signerInfo, facts: examined.facts, certificate, context })
}

function examineOpened(
  { der, signedData, signerInfo }: OpenedMessage,
  digest: ContentDigest,
  { trust }: MessagePolicy,
): ExaminedMessage & { readonly signerInfo: SignerInfo } {
  const signer = trustedSigner(signerInfo.sid, trust)
  return {
    der,
    digest,
    signer,
    signerInfo,
    examined: examineSigner(signedData, signerInfo, digest, signer.certificate),
  }
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
  const message = examineOpened(opened, digest, policy)
  requireSignature(verifyCheck(message.examined.check), message)
  const judged = judge(message, undefined, policy)
  return { ...judged.facts, replay: await rememberOnce(judged, policy) }
}

/** The last question, because asking it changes the answer. */
function rememberOnce(judged: Judged, policy: MessagePolicy): MessageFacts['replay'] | Promise<MessageFacts['replay']> {
  const { replay } = policy
  if (replay === 'allow-unchecked') return 'not checked'
  const answer = remember(judged, policy, replay)
  return typeof answer === 'boolean' ? requireFresh(answer, judged) : freshLater(answer, judged)
}

/** A promise of others than Node's is one, too. */
async function freshLater(answer: Promise<boolean>, judged: Judged): Promise<MessageFacts['replay']> {
  return requireFresh(await answer, judged)
}

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
function requireFresh(answer: unknown, { facts }: Judged): 'checked' {
  if (answer === true) return 'checked'
  if (answer !== false) throw new InternalError('ERR_INTERNAL', 'the replay memory gave no answer')
  throw new StaleError('ERR_MESSAGE_REPLAYED', 'the message was accepted before', {
    details: { signer: facts.signer.uri, messageId: Buffer.from(facts.context.messageId).toString('hex') },
  })
}
