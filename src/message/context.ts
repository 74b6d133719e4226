/**
 * The context of a message: a signed attribute that says what the content is, for whom, and for how long.
 *
 * ```
 * MessageContext ::= SEQUENCE {
 *   version     INTEGER DEFAULT 1,
 *   type        VisibleString (SIZE (1..255)),
 *   destination VisibleString (SIZE (1..255)),
 *   messageId   OCTET STRING (SIZE (8..32)),
 *   lifetime    INTEGER (1..604800),                    -- seconds from signingTime
 *   source      [0] IMPLICIT VisibleString OPTIONAL,    -- identity URI of the signer
 *   route       [1] IMPLICIT SEQUENCE (SIZE (1..32)) OF VisibleString OPTIONAL }
 * ```
 *
 * `version` is left out while it is 1, and so costs nothing on the wire. The source need not be stated: the signer is
 * whom the certificate bound by signingCertificateV2 names.
 *
 * @module message/context (floor 7)
 */
import {
  BackwardWriter,
  contextConstructed,
  contextPrimitive,
  type DerReader,
  encodeInteger,
  TAG,
} from '../asn1/index.js'
import { EncodingError, isSignetError, UsageError } from '../errors/index.js'
import { isMessageType } from '../policy/index.js'
import { DAY } from '../time/index.js'

export interface MessageContext {
  /** What the content is: `notify.instance.create.end`. */
  readonly type: string
  /** For whom: an entity, a topic, a queue. Receivers compare it with their own. */
  readonly destination: string
  /** Unique for its signer; 8 to 32 octets. */
  readonly messageId: Uint8Array
  /** How long after signing it may be accepted, in seconds; at most seven days. */
  readonly lifetimeSeconds: number
  /** The signer's identity URI, where it is stated. */
  readonly source?: string
  /** The planned route, where there is one. */
  readonly route?: readonly string[]
}

export const MAX_LIFETIME_SECONDS = 7 * DAY
const MIN_ID_OCTETS = 8
const MAX_ID_OCTETS = 32
/** Longest route. */
export const MAX_ROUTE = 32

/**
 * Check what somebody wants to sign.
 *
 * @throws {@link UsageError} `ERR_CONFIG_INVALID`
 */
export function checkMessageContext(context: MessageContext): void {
  const fault = faultOf(context)
  if (fault !== undefined) throw new UsageError('ERR_CONFIG_INVALID', fault)
}

export function encodeMessageContext(context: MessageContext): Uint8Array {
  const { type, destination, messageId, lifetimeSeconds, source, route } = context
  const writer = new BackwardWriter(capacityFor(context))
  const end = writer.position
  if (route !== undefined) {
    for (const step of route.toReversed()) writeText(writer, TAG.visibleString, step)
    writer.header(contextConstructed(1), end)
  }
  if (source !== undefined) writeText(writer, contextPrimitive(0), source)
  writer.octets(encodeInteger(lifetimeSeconds))
  const idEnd = writer.position
  writer.octets(messageId)
  writer.header(TAG.octetString, idEnd)
  writeText(writer, TAG.visibleString, destination)
  writeText(writer, TAG.visibleString, type)
  writer.header(TAG.sequence, end)
  return writer.take()
}

/** Of a checked context: no field is longer than 255 octets, its header at most 4. */
function capacityFor({ route }: MessageContext): number {
  return (8 + (route?.length ?? 0)) * 260
}

function writeText(writer: BackwardWriter, tag: number, text: string): void {
  const end = writer.position
  writer.text(text)
  writer.header(tag, end)
}

/**
 * Read the one value of the attribute.
 *
 * @throws {@link EncodingError} `ERR_MESSAGE_CONTEXT_MALFORMED`
 */
export function readMessageContext(reader: DerReader): MessageContext {
  try {
    const fields = reader.sequence()
    if (fields.peek() === TAG.integer) {
      throw fields.error(
        'ERR_MESSAGE_CONTEXT_MALFORMED',
        `version ${fields.smallInteger(255)} of the context is not known`,
      )
    }
    const type = fields.string(TAG.visibleString)
    const destination = fields.string(TAG.visibleString)
    // A copy: whoever holds the document could change it between the check and the replay memory.
    const messageId = new Uint8Array(fields.octetString())
    const lifetimeSeconds = fields.smallInteger(MAX_LIFETIME_SECONDS)
    const source =
      fields.peek() === contextPrimitive(0) ? fields.string(TAG.visibleString, contextPrimitive(0)) : undefined
    const route =
      fields.peek() === contextConstructed(1) ? readRoute(fields.constructed(contextConstructed(1))) : undefined
    fields.finish()
    const context = contextOf({ type, destination, messageId, lifetimeSeconds }, source, route)
    const fault = faultOf(context)
    if (fault !== undefined) throw reader.error('ERR_MESSAGE_CONTEXT_MALFORMED', fault)
    return context
  } catch (error) {
    if (isSignetError(error) && error.category === 'encoding' && error.code !== 'ERR_MESSAGE_CONTEXT_MALFORMED') {
      throw new EncodingError(
        'ERR_MESSAGE_CONTEXT_MALFORMED',
        `the context of the message is malformed: ${error.message}`,
        { cause: error },
      )
    }
    throw error
  }
}

/** With what is stated of the optional fields. */
export function contextOf(
  context: Omit<MessageContext, 'source' | 'route'>,
  source: string | undefined,
  route: readonly string[] | undefined,
): MessageContext {
  // Told apart, because this is made for each message, and putting nothing in takes longer than not.
  if (source === undefined) return route === undefined ? context : { ...context, route }
  return route === undefined ? { ...context, source } : { ...context, source, route }
}

function readRoute(sequence: DerReader): readonly string[] {
  const route: string[] = []
  while (!sequence.atEnd && route.length <= MAX_ROUTE) route.push(sequence.string(TAG.visibleString))
  sequence.finish()
  return route
}

/** Printable, without spaces, 1 to 255 characters: what may travel in every broker's header. */
export function isLabel(text: string): boolean {
  return /^[\x21-\x7e]{1,255}$/.test(text)
}

function faultOf({ type, destination, messageId, lifetimeSeconds, source, route }: MessageContext): string | undefined {
  if (!isMessageType(type)) return `not a message type: ${JSON.stringify(type.slice(0, 60))}`
  if (!isLabel(destination)) return `not a destination: ${JSON.stringify(destination.slice(0, 60))}`
  if (messageId.length < MIN_ID_OCTETS || messageId.length > MAX_ID_OCTETS) return 'a message id has 8 to 32 octets'
  if (!Number.isInteger(lifetimeSeconds) || lifetimeSeconds < 1 || lifetimeSeconds > MAX_LIFETIME_SECONDS) {
    return `a lifetime is 1 to ${MAX_LIFETIME_SECONDS} seconds`
  }
  if (source !== undefined && !isLabel(source)) return 'not a source'
  if (route !== undefined && (route.length === 0 || route.length > MAX_ROUTE || !route.every(isLabel)))
    return `a route has 1 to ${MAX_ROUTE} steps`
  return undefined
}
