/**
 * Messages in a form that is known: octet for octet like one that was accepted, but for the values that each message has of
 * its own ({@link placesOf}). What was read of that one apart from these values holds for them, too, and is not read again.
 *
 * DER has one way to be read: the same headers at the same places mean the same values, of the same lengths, in the same
 * order (of a SET OF, too, because attributes differ in their types, before their values begin). What is made of the
 * values of its own, each message pays for itself: signer, digest, time, certificate, id, signature.
 *
 * What does not fit is not refused here, but read as every stranger's message is, which also says what is wrong.
 *
 * @module message/known-form (floor 7)
 */
import { CMS_LIMITS, DerReader, standsAt } from '../asn1/index.js'
import {
  type ContentDigest,
  type ExaminedSigner,
  signedOctets,
  type SignerFacts,
  type SignerInfo,
} from '../cms/index.js'
import { isSignetError } from '../errors/index.js'
import type { Certificate } from '../x509/index.js'
import { contextOf, type MessageContext } from './context.js'
import { type MessagePlaces, type Place, placesOf } from './places.js'
import { SomeOfMany } from './some-of-many.js'

/** A message that was accepted, detached and without a route. */
export interface AcceptedMessage {
  readonly der: Uint8Array
  readonly signerInfo: SignerInfo
  readonly facts: SignerFacts
  readonly certificate: Certificate
  readonly context: MessageContext
}

export class KnownForm {
  readonly #octets: Uint8Array
  readonly #places: MessagePlaces
  /** What no message has of its own. */
  readonly #common: readonly Place[]
  readonly #facts: SignerFacts
  readonly #context: MessageContext

  private constructor(octets: Uint8Array, places: MessagePlaces, facts: SignerFacts, context: MessageContext) {
    this.#octets = octets
    this.#places = places
    this.#common = commonPlaces(octets.length, places)
    this.#facts = facts
    this.#context = context
  }

  /** @returns `undefined` where messages like this one are read anew each time. */
  static of({ der, signerInfo, facts, certificate, context }: AcceptedMessage): KnownForm | undefined {
    const places = placesOf(der, signerInfo, certificate)
    return places === undefined ? undefined : new KnownForm(new Uint8Array(der), places, facts, context)
  }

  /** Whether all is the same that no message has of its own. The caller compares the lengths. */
  fits(der: Uint8Array): boolean {
    const octets = this.#octets
    for (const { start, end } of this.#common) {
      for (let index = start; index < end; index++) if (der[index] !== octets[index]) return false
    }
    return true
  }

  /** Of a message that fits: by which key it says that it is signed. */
  keyIdentifier(der: Uint8Array): Uint8Array {
    const { start, end } = this.#places.keyIdentifier
    return der.subarray(start, end)
  }

  /** Of a message that fits: with an id of its own, in octets of its own. */
  context(der: Uint8Array): MessageContext {
    const { type, destination, lifetimeSeconds, source } = this.#context
    const { start, end } = this.#places.messageId
    const messageId = new Uint8Array(end - start)
    for (let index = start; index < end; index++) messageId[index - start] = der[index] as number
    return contextOf({ type, destination, messageId, lifetimeSeconds }, source, undefined)
  }

  /**
   * As `examineSigner`, of a message that fits.
   *
   * @param certificate - Of the key that it names.
   * @returns `undefined` where digest, time or certificate are not as they should be.
   */
  examine(der: Uint8Array, content: ContentDigest, certificate: Certificate): ExaminedSigner | undefined {
    const { messageDigest: digest, signingTime: time, certHash, signedAttrs, signature } = this.#places
    const { digest: name, signatureAlgorithm } = this.#facts
    const messageDigest = der.subarray(digest.start, digest.end)
    if (!content.has(name, messageDigest)) return undefined
    if (!standsAt(der, certHash.start, certificate.fingerprintOctets)) return undefined
    const signingTime = timeAt(der, time)
    if (signingTime === undefined) return undefined
    return {
      facts: { digest: name, messageDigest, signatureAlgorithm, signingTime, certificateBound: true },
      check: {
        algorithm: signatureAlgorithm,
        key: certificate.publicKey,
        data: signedOctets(der, signedAttrs.start, signedAttrs.end),
        signature: der.subarray(signature.start, signature.end),
      },
    }
  }
}

/** All between the values of its own; the context first, in which forms of one length differ. */
function commonPlaces(length: number, own: MessagePlaces): readonly Place[] {
  const { keyIdentifier, messageDigest, signingTime, certHash, messageId, signature } = own
  const gaps = [keyIdentifier, messageDigest, signingTime, certHash, messageId, signature]
  const places: Place[] = []
  let start = 0
  for (const { start: end, end: next } of gaps.toSorted((a, b) => a.start - b.start)) {
    places.push({ start, end })
    start = next
  }
  places.push({ start, end: length })
  return places.toSorted((a, b) => Number(b.end === messageId.start) - Number(a.end === messageId.start))
}

let lastText: Uint8Array = new Uint8Array()
let lastTime = Number.NaN

/** Many are signed in one second. */
function timeAt(der: Uint8Array, place: Place): Date | undefined {
  if (lastText.length !== place.end - place.start || !standsAt(der, place.start, lastText)) {
    const header = 2
    const time = readTime(new Uint8Array(der.subarray(place.start - header, place.end)))
    if (time === undefined) return undefined
    lastText = new Uint8Array(der.subarray(place.start, place.end))
    lastTime = time.getTime()
  }
  return new Date(lastTime)
}

function readTime(value: Uint8Array): Date | undefined {
  try {
    return DerReader.over(value, CMS_LIMITS).time()
  } catch (error) {
    if (isSignetError(error)) return undefined
    throw error
  }
}

/** Of more forms than this, all are forgotten. */
const MAX_FORMS = 256
/** Of one length: each is compared with a message that has it. */
const MAX_OF_LENGTH = 8
/** The longest document whose form is kept, in octets. */
const MAX_OCTETS = 8 * 1024

/** The forms of what was accepted lately. They decide nothing but how fast a message is read. */
export class KnownForms {
  readonly #byLength = new Map<number, KnownForm[]>()
  #size = 0
  readonly #some = new SomeOfMany()

  find(der: Uint8Array): KnownForm | undefined {
    const forms = this.#byLength.get(der.length)
    if (forms !== undefined) for (const form of forms) if (form.fits(der)) return form
    return undefined
  }

  /** Told of every message that was accepted without: to learn from it costs more than to read one. */
  teach(message: AcceptedMessage): void {
    const { length } = message.der
    if (!this.#some.isNext() || length > MAX_OCTETS) return
    const form = KnownForm.of(message)
    if (form === undefined) return
    if (this.#size >= MAX_FORMS) {
      this.#byLength.clear()
      this.#size = 0
    }
    const forms = this.#byLength.get(length) ?? []
    this.#byLength.set(length, [form, ...forms].slice(0, MAX_OF_LENGTH))
    this.#size += forms.length < MAX_OF_LENGTH ? 1 : 0
  }
}
