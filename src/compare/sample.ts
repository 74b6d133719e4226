/**
 * A message whose protection is measured: what it is called, for whom, and the octets that travel.
 *
 * @module compare/sample (floor 7.2)
 */
import { hash } from 'node:crypto'
import { EncodingError, UsageError } from '../errors/index.js'
import { decodeUtf8 } from '../files/index.js'
import { type JsonValue, parseStrictJson } from '../json/index.js'
import {
  encodeOsloNotification,
  type JsonObject,
  OSLO_PRIORITIES,
  osloDestination,
  osloMessageType,
  osloNotificationDestination,
  type OsloPriority,
  parseOsloMessage,
} from '../oslo/index.js'

export interface SampleMessage {
  /** Where it is from, for whoever looks. */
  readonly name: string
  readonly type: string
  readonly destination: string
  /** As it travels, byte for byte. */
  readonly content: Uint8Array
}

/** What messages that do not say so themselves are signed as. */
export interface SampleDefaults {
  readonly type: string
  readonly destination: string
  readonly at: Date
}

/** The message id that a sample is signed under: the same in every run. */
export function messageIdOf({ name, content }: SampleMessage): Uint8Array {
  return hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), content]), 'buffer').subarray(0, 12)
}

/**
 * A sample from a JSON text.
 *
 * Messages of oslo.messaging say what they are. A notification without its envelope, as documentation shows them, gets
 * envelope, id and time, as the driver `messagingv2` would give them. Everything else travels as it stands, and has type
 * and destination of the defaults.
 *
 * @param name - Names the text in errors.
 * @throws {@link EncodingError} `ERR_JSON_MALFORMED`, `ERR_OSLO_MESSAGE`
 */
export function readSample(bytes: Uint8Array, name: string, defaults: SampleDefaults): SampleMessage {
  const value = parsed(bytes, name)
  if (isObject(value) && 'oslo.message' in value) return osloSample(bytes, name, defaults)
  if (isBareNotification(value)) return osloSample(inEnvelope(value, name, defaults.at), name, defaults)
  const { type, destination } = defaults
  return { name, type, destination, content: bytes }
}

/** A message of oslo.messaging in its envelope. @throws {@link EncodingError} `ERR_OSLO_MESSAGE` */
function osloSample(content: Uint8Array, name: string, defaults: SampleDefaults): SampleMessage {
  const message = parseOsloMessage(content)
  const { destination } = defaults
  const topic = destination.split('.')[0] ?? destination
  return {
    name,
    type: osloMessageType(message, topic),
    destination: message.kind === 'notification' ? osloNotificationDestination('notifications', message) : destination,
    content,
  }
}

/** `topic`, or `topic.server`. @throws {@link UsageError} `ERR_CONFIG_INVALID` */
export function requireSampleDestination(destination: string): void {
  const [topic = '', ...server] = destination.split('.')
  osloDestination({ topic, ...(server.length === 0 ? {} : { server: server.join('.') }) })
  if (destination.length > 255) throw new UsageError('ERR_CONFIG_INVALID', 'a destination has at most 255 characters')
}

function parsed(bytes: Uint8Array, name: string): JsonValue {
  try {
    return parseStrictJson(decodeUtf8(bytes, name))
  } catch (cause) {
    throw new EncodingError('ERR_JSON_MALFORMED', `${name} is no message in JSON: ${(cause as Error).message}`, {
      details: { path: name },
      hint: 'give files of one JSON text each, or .ndjson with one in each line',
      cause,
    })
  }
}

interface BareNotification {
  readonly event_type: string
  readonly publisher_id: string
  readonly priority: OsloPriority
  readonly payload: JsonValue
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isBareNotification(value: JsonValue): value is JsonObject & BareNotification {
  return (
    isObject(value) &&
    typeof value['event_type'] === 'string' &&
    typeof value['publisher_id'] === 'string' &&
    OSLO_PRIORITIES.some((priority) => priority === value['priority']) &&
    value['payload'] !== undefined
  )
}

function inEnvelope({ event_type, publisher_id, priority, payload }: BareNotification, name: string, at: Date) {
  const digest = hash('sha256', name)
  return encodeOsloNotification({
    eventType: event_type,
    publisherId: publisher_id,
    priority,
    payload,
    at,
    messageId: `${digest.slice(0, 8)}-${digest.slice(8, 12)}-4${digest.slice(13, 16)}-8${digest.slice(17, 20)}-${digest.slice(20, 32)}`,
    uniqueId: digest.slice(32),
  })
}
