/**
 * Messages of oslo.messaging as its drivers write them, and as logs may show them.
 *
 * @module oslo/messaging-encode (floor 5)
 */
import { randomBytes, randomUUID } from 'node:crypto'
import type { JsonValue } from '../json/index.js'
import {
  type JsonObject,
  OSLO_ENVELOPE_VERSION,
  type OsloNotification,
  type OsloRequest,
  parseOsloMessage,
} from './messaging.js'

export interface OsloRequestFields extends Pick<OsloRequest, 'method' | 'args'> {
  readonly namespace?: string
  readonly version?: string
  readonly context?: JsonObject
  /** Where the answer goes; without, none is expected. */
  readonly reply?: { readonly messageId: string; readonly queue: string; readonly timeoutSeconds?: number }
  /** Default: 16 random octets. */
  readonly uniqueId?: string
}

export interface OsloNotificationFields extends Pick<
  OsloNotification,
  'eventType' | 'publisherId' | 'priority' | 'payload'
> {
  readonly at: Date
  readonly context?: JsonObject
  /** Default: random. */
  readonly messageId?: string
  readonly uniqueId?: string
}

/**
 * A request in its envelope, keys and white space as oslo.messaging has them.
 *
 * @throws {@link EncodingError} `ERR_OSLO_MESSAGE` for what could not be read again
 */
export function encodeOsloRequest(request: OsloRequestFields): Uint8Array {
  const { method, args, namespace, version, reply, context = {}, uniqueId = newId() } = request
  return inEnvelope({
    method,
    args,
    ...(namespace === undefined ? {} : { namespace }),
    ...(version === undefined ? {} : { version }),
    ...(reply === undefined
      ? {}
      : { _msg_id: reply.messageId, _reply_q: reply.queue, _timeout: reply.timeoutSeconds ?? null }),
    _unique_id: uniqueId,
    ...contextKeys(context),
  })
}

/**
 * A notification in its envelope, as the driver `messagingv2` writes it.
 *
 * @throws {@link EncodingError} `ERR_OSLO_MESSAGE` for what could not be read again
 */
export function encodeOsloNotification(notification: OsloNotificationFields): Uint8Array {
  const { eventType, publisherId, priority, payload, at, context = {}, uniqueId = newId() } = notification
  return inEnvelope({
    message_id: notification.messageId ?? randomUUID(),
    publisher_id: publisherId,
    event_type: eventType,
    priority,
    payload,
    timestamp: at.toISOString().replace('T', ' ').replace('Z', '000'),
    _unique_id: uniqueId,
    ...contextKeys(context),
  })
}

const SECRET = /auth_token|passw|admin_pass|new_pass|secret|^token$/i
const REDACTED = '***'

/** A message for logs: tokens, passwords and secrets are stars, at any depth. Their keys say which they are. */
export function redactOsloMessage(body: JsonValue): JsonValue {
  if (Array.isArray(body)) return (body as readonly JsonValue[]).map(redactOsloMessage)
  if (typeof body !== 'object' || body === null) return body
  return Object.fromEntries(
    Object.entries(body).map(([key, value]) => [key, SECRET.test(key) ? REDACTED : redactOsloMessage(value)]),
  )
}

function inEnvelope(body: JsonObject): Uint8Array {
  const envelope = { 'oslo.version': OSLO_ENVELOPE_VERSION, 'oslo.message': pythonJson(body) }
  const bytes = Buffer.from(pythonJson(envelope), 'latin1')
  parseOsloMessage(bytes)
  return bytes
}

function contextKeys(context: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(context).map(([key, value]) => [`_context_${key}`, value]))
}

function newId(): string {
  return randomBytes(16).toString('hex')
}

/** JSON as Python writes it: a space behind commas and colons, ASCII only. Numbers as JavaScript writes them. */
function pythonJson(value: JsonValue): string {
  if (Array.isArray(value)) return `[${(value as readonly JsonValue[]).map(pythonJson).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    return `{${Object.entries(value)
      .map(([key, item]) => `${pythonText(key)}: ${pythonJson(item)}`)
      .join(', ')}}`
  }
  return typeof value === 'string' ? pythonText(value) : JSON.stringify(value)
}

function pythonText(value: string): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
