/**
 * The signed attributes of a message made from those of one before, of the same signer, type, destination and lifetime: they
 * are the same octets, but for digest, time and id.
 *
 * @module message/signing-template (floor 7)
 */
import { sharedCopy } from '../asn1/index.js'
import { type CmsSigner, type ContentDigest, digestNameFor, encodeSigningTime, parseSignedData } from '../cms/index.js'
import type { DigestName } from '../crypto/index.js'
import type { Certificate } from '../x509/index.js'
import type { MessageContext } from './context.js'
import { type Place, placesOf } from './places.js'
import { SomeOfMany } from './some-of-many.js'

/** In the SET OF that is signed. */
type OwnPlaces = Readonly<Record<'messageDigest' | 'signingTime' | 'messageId', Place>>

export class SigningTemplate {
  /** The SET OF that was signed. */
  readonly #signedAttrs: Uint8Array
  readonly #places: OwnPlaces
  readonly #digest: DigestName
  readonly #context: MessageContext

  private constructor(signedAttrs: Uint8Array, places: OwnPlaces, digest: DigestName, context: MessageContext) {
    this.#signedAttrs = signedAttrs
    this.#places = places
    this.#digest = digest
    this.#context = context
  }

  /**
   * @param der - A message that was signed just now, of this context: without a route, and without recipients.
   * @returns `undefined` where it does not look like one.
   */
  static of(der: Uint8Array, context: MessageContext, signer: CmsSigner): SigningTemplate | undefined {
    const [signerInfo] = parseSignedData(der).signerInfos
    const places = signerInfo === undefined ? undefined : placesOf(der, signerInfo, signer.certificate)
    if (signerInfo?.signedAttrsDer === undefined || places === undefined) return undefined
    const { start } = places.signedAttrs
    const within = (place: Place): Place => ({ start: place.start - start, end: place.end - start })
    const { messageDigest, signingTime, messageId } = places
    return new SigningTemplate(
      new Uint8Array(signerInfo.signedAttrsDer),
      { messageDigest: within(messageDigest), signingTime: within(signingTime), messageId: within(messageId) },
      digestNameFor(signer),
      // Its own: the caller has that one, and may write into it.
      { ...context },
    )
  }

  /** Whether a message of this context, by the same certificate, differs in nothing else. */
  fits({ type, destination, lifetimeSeconds, source, messageId }: MessageContext, digest: DigestName): boolean {
    const own = this.#context
    return (
      type === own.type &&
      destination === own.destination &&
      lifetimeSeconds === own.lifetimeSeconds &&
      source === own.source &&
      messageId.length === own.messageId.length &&
      digest === this.#digest
    )
  }

  /** @returns `undefined` where time or digest are of another length. */
  fill(content: ContentDigest, signingTime: Date, messageId: Uint8Array): Uint8Array | undefined {
    const { messageDigest, signingTime: time, messageId: id } = this.#places
    // Without its header.
    const [digest, text] = [content.of(this.#digest), encodeSigningTime(signingTime).subarray(2)]
    if (text.length !== time.end - time.start || digest.length !== messageDigest.end - messageDigest.start) {
      return undefined
    }
    const set = sharedCopy(this.#signedAttrs)
    set.set(digest, messageDigest.start)
    set.set(text, time.start)
    set.set(messageId, id.start)
    return set
  }
}

/** Of one certificate: each is compared with what is to be signed. */
const MAX_TEMPLATES = 8

/** The templates of what was signed lately. They decide nothing but how fast a message is signed. */
export class SigningTemplates {
  readonly #byCertificate = new WeakMap<Certificate, readonly SigningTemplate[]>()
  readonly #some = new SomeOfMany()

  find(context: MessageContext, signer: CmsSigner): SigningTemplate | undefined {
    const templates = this.#byCertificate.get(signer.certificate)
    if (templates === undefined) return undefined
    const digest = digestNameFor(signer)
    for (const template of templates) if (template.fits(context, digest)) return template
    return undefined
  }

  /** Told of every message that was signed without: to learn from it costs more than to sign one. */
  leave(der: Uint8Array, context: MessageContext, signer: CmsSigner): void {
    if (!this.#some.isNext()) return
    const template = SigningTemplate.of(der, context, signer)
    if (template === undefined) return
    const templates = this.#byCertificate.get(signer.certificate) ?? []
    this.#byCertificate.set(signer.certificate, [template, ...templates].slice(0, MAX_TEMPLATES))
  }
}
