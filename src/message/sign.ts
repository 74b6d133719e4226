/**
 * Signing a message: SignedData over the untouched payload, with the context among the signed attributes.
 *
 * @module message/sign (floor 7)
 */
import { randomBytes } from 'node:crypto'
import { OID } from '../asn1/index.js'
import { type ContentDigest, digestFor, signAttributesAtOnce, signDataAtOnce } from '../cms/index.js'
import { type KeyProvider } from '../crypto/index.js'
import { DeniedError } from '../errors/index.js'
import { identityUriOf } from '../identity/index.js'
import { type Purpose, PURPOSES } from '../path/index.js'
import { MINUTE } from '../time/index.js'
import type { Certificate } from '../x509/index.js'
import { checkMessageContext, contextOf, encodeMessageContext, type MessageContext } from './context.js'
import { encodeMessageRecipients } from './recipients.js'
import { SigningTemplates } from './signing-template.js'

/** A key and the certificate of the profile `signer` for it. */
export interface SigningCredential {
  readonly key: KeyProvider
  readonly certificate: Certificate
}

export interface SignMessageRequest {
  readonly type: string
  readonly destination: string
  readonly at: Date
  /** Default {@link DEFAULT_LIFETIME_SECONDS}. */
  readonly lifetimeSeconds?: number
  /** Default: 12 random octets. */
  readonly messageId?: Uint8Array
  /** Default `'left-out'`: the certificate names the signer. */
  readonly source?: 'left-out' | 'stated'
  /** Who must check it off on its way, in this order: entities, or identity URIs. */
  readonly route?: readonly string[]
  /** Default `'detached'`: carried beside the payload. */
  readonly form?: 'detached' | 'attached'
  /** Identity URIs of everybody for whom it will be encrypted: {@link encryptMessage} says them. Default: no word of it. */
  readonly recipients?: readonly string[]
}

/** Five minutes: longer than clocks differ and queues are long, shorter than anybody keeps what was recorded. */
export const DEFAULT_LIFETIME_SECONDS = 5 * MINUTE
/** 96 random bits: two ids of one signer meet after some 2^48 messages. */
export const MESSAGE_ID_OCTETS = 12

export interface SignedMessage {
  /** ContentInfo in DER. */
  readonly der: Uint8Array
  readonly context: MessageContext
}

/**
 * Sign a message.
 *
 * Checks that the certificate is for signing messages and carries an identity; whether others believe it, they check.
 *
 * @param content - Signed byte for byte; for a detached message its digest suffices.
 * @throws {@link UsageError} `ERR_CONFIG_INVALID`
 * @throws {@link DeniedError} `ERR_IDENTITY_INVALID`, `ERR_ISSUE_PROFILE`
 * @throws {@link StoreError} `ERR_KEY_CERT_MISMATCH`, and what the key provider throws
 */
export async function signMessage(
  content: Uint8Array | ContentDigest,
  signer: SigningCredential,
  request: SignMessageRequest,
): Promise<SignedMessage> {
  const identity = signingIdentity(signer.certificate)
  const { type, destination, messageId = freshId(), lifetimeSeconds = DEFAULT_LIFETIME_SECONDS, route } = request
  const source = request.source === 'stated' ? identity : undefined
  const context = contextOf({ type, destination, messageId, lifetimeSeconds }, source, route)
  const signed = signInContext(content, signer, context, request)
  return { der: signed instanceof Uint8Array ? signed : await signed, context }
}

const templates = new SigningTemplates()

/** With what a message before left, where it left anything: what it left was checked. */
function signInContext(
  content: Uint8Array | ContentDigest,
  signer: SigningCredential,
  context: MessageContext,
  { at, form = 'detached', recipients }: SignMessageRequest,
): Uint8Array | Promise<Uint8Array> {
  const usual = { signers: [signer], contentType: OID.signetMessage, form, signingTime: at }
  const isUsual = context.route === undefined && recipients === undefined
  const template = isUsual ? templates.find(context, signer) : undefined
  const covered = digestFor(content)
  const signedAttrs = template?.fill(covered, at, context.messageId)
  if (signedAttrs !== undefined) return signAttributesAtOnce(signedAttrs, covered, content, usual)
  checkMessageContext(context)
  const attributes: [string, Uint8Array][] = [[OID.signetMessageContext, encodeMessageContext(context)]]
  if (recipients !== undefined) attributes.push([OID.signetMessageRecipients, encodeMessageRecipients(recipients)])
  const signed = signDataAtOnce(content, { ...usual, attributes })
  if (isUsual && form === 'detached' && signed instanceof Uint8Array) templates.leave(signed, context, signer)
  return signed
}

/** Random octets, and how many are handed out: asking for many at once costs what asking for few does. */
let random: Uint8Array = new Uint8Array()
let used = 0

function freshId(): Uint8Array {
  if (used === random.length) {
    random = randomBytes(256 * MESSAGE_ID_OCTETS)
    used = 0
  }
  const id = new Uint8Array(MESSAGE_ID_OCTETS)
  for (let index = 0; index < MESSAGE_ID_OCTETS; index++) id[index] = random[used++] as number
  return id
}

const identities = new WeakMap<Certificate, string>()

/** The identity URI of a certificate for signing messages: certificates do not change. */
function signingIdentity(certificate: Certificate): string {
  const known = identities.get(certificate)
  if (known !== undefined) return known
  const { text } = identityUriOf(certificate)
  requireSigningCertificate(certificate)
  identities.set(certificate, text)
  return text
}

const PURPOSE: Exclude<Purpose, 'allow-any'> = 'message-signing'

/** @throws {@link DeniedError} `ERR_ISSUE_PROFILE` */
export function requireSigningCertificate(certificate: Certificate): void {
  if (certificate.extKeyUsage?.has(PURPOSES[PURPOSE].keyPurposeId) !== true) {
    throw new DeniedError('ERR_ISSUE_PROFILE', 'the certificate is not for signing messages', {
      details: { certificate: certificate.fingerprint },
      hint: 'sign with a credential of the profile signer: DIR/signer, not DIR/tls',
    })
  }
}
