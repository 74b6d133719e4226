/**
 * Messages of oslo.messaging: the envelope of version 2.0 with JSON in JSON, requests and notifications in it.
 *
 * oslo.messaging takes whatever is no envelope for an old message and reads on; here everything else is refused, because what
 * one reader skips another may execute.
 *
 * @module oslo/messaging (floor 5)
 */
import { EncodingError, isSignetError } from '../errors/index.js'
import { decodeUtf8 } from '../files/index.js'
import { type JsonValue, parseStrictJson } from '../json/index.js'

export type JsonObject = Readonly<Record<string, JsonValue>>

/** The one version of the envelope. */
export const OSLO_ENVELOPE_VERSION = '2.0'

interface OsloMessageFields {
  /** The inner message as it is: what binding rules see, `args.host_name` or `publisher_id`. */
  readonly body: JsonObject
  /** On whose behalf, says the sender, without `_context_`. Nobody has proven any of it, and it may hold a bearer token. */
  readonly context: JsonObject
}

/** A method to be called. */
export interface OsloRequest extends OsloMessageFields {
  readonly kind: 'request'
  readonly method: string
  readonly namespace: string | undefined
  /** Default of oslo.messaging: `1.0`. */
  readonly version: string
  readonly args: JsonObject
}

export interface OsloNotification extends OsloMessageFields {
  readonly kind: 'notification'
  readonly eventType: string
  readonly publisherId: string
  readonly priority: OsloPriority
  readonly messageId: string
  readonly payload: JsonValue
}

export type OsloMessage = OsloRequest | OsloNotification

export const OSLO_PRIORITIES = ['AUDIT', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'CRITICAL', 'SAMPLE'] as const
export type OsloPriority = (typeof OSLO_PRIORITIES)[number]

const CONTEXT = '_context_'

type Check = (value: JsonValue) => boolean
const text =
  (pattern: RegExp): Check =>
  (value) =>
    typeof value === 'string' && pattern.test(value)
const optional = (check: Check): Check & { readonly isOptional: true } =>
  Object.assign((value: JsonValue) => check(value), { isOptional: true as const })

const ID = text(/^[0-9a-f]{32}$/)

/** What a request has beside `_context_…`. Names that begin with an underscore are none of an endpoint's methods. */
const REQUEST: Readonly<Record<string, Check>> = {
  method: text(/^[A-Za-z][A-Za-z0-9_]{0,127}$/),
  args: isObject,
  namespace: optional((value) => value === null || text(/^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/)(value)),
  version: optional(text(/^[0-9]{1,5}\.[0-9]{1,5}$/)),
  _unique_id: ID,
  _msg_id: optional(ID),
  _reply_q: optional(text(/^reply_[0-9a-f]{32}$/)),
  _timeout: optional((value) => value === null || (typeof value === 'number' && value >= 0)),
}

const NOTIFICATION: Readonly<Record<string, Check>> = {
  message_id: text(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
  publisher_id: text(/^[\x21-\x7e]{1,255}$/),
  event_type: text(/^[A-Za-z0-9_-]+(?:[.:][A-Za-z0-9_-]+)*$/),
  priority: (value) => OSLO_PRIORITIES.some((priority) => priority === value),
  payload: () => true,
  timestamp: text(/^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{6})?$/),
  _unique_id: ID,
}

/**
 * Read a message as it goes over the wire.
 *
 * Nothing in it says who sent it; that is for its signature to say.
 *
 * @throws {@link EncodingError} `ERR_OSLO_MESSAGE`: no envelope, another version, a message that is no text of JSON, keys
 * that are missing, unknown or there twice, values of another form
 */
export function parseOsloMessage(bytes: Uint8Array): OsloMessage {
  const body = parseOsloEnvelope(bytes)
  const isRequest = Object.hasOwn(body, 'method')
  if (isRequest === Object.hasOwn(body, 'event_type')) throw malformed('is neither a request nor a notification')
  checkFields(body, isRequest ? REQUEST : NOTIFICATION)
  const context = Object.fromEntries(
    Object.entries(body).flatMap(([key, value]) =>
      key.startsWith(CONTEXT) ? [[key.slice(CONTEXT.length), value] as const] : [],
    ),
  )
  return isRequest ? requestOf(body, context) : notificationOf(body, context)
}

/** The inner message of an envelope, whatever it says. @throws {@link EncodingError} `ERR_OSLO_MESSAGE` */
export function parseOsloEnvelope(bytes: Uint8Array): JsonObject {
  const envelope = parsed('the envelope', () => decodeUtf8(bytes, 'the envelope'))
  if (!isObject(envelope)) throw malformed('is no envelope')
  const { 'oslo.version': version, 'oslo.message': message, ...others } = envelope
  const stranger = Object.keys(others)[0]
  if (stranger !== undefined) throw malformed(`has an envelope with the key ${JSON.stringify(stranger.slice(0, 60))}`)
  if (version !== OSLO_ENVELOPE_VERSION) {
    throw malformed(`has an envelope of the version ${JSON.stringify(version ?? null).slice(0, 60)}`)
  }
  if (typeof message !== 'string') throw malformed('has no text in its envelope')
  const body = parsed('the message in the envelope', () => message)
  if (!isObject(body)) throw malformed('has no object in its envelope: encoded once too often, or not at all')
  return body
}

function requestOf(body: JsonObject, context: JsonObject): OsloRequest {
  const { namespace, version, args } = body
  return {
    kind: 'request',
    method: textAt(body, 'method'),
    namespace: typeof namespace === 'string' ? namespace : undefined,
    version: typeof version === 'string' ? version : '1.0',
    args: args as JsonObject,
    context,
    body,
  }
}

function notificationOf(body: JsonObject, context: JsonObject): OsloNotification {
  return {
    kind: 'notification',
    eventType: textAt(body, 'event_type'),
    publisherId: textAt(body, 'publisher_id'),
    priority: body['priority'] as OsloPriority,
    messageId: textAt(body, 'message_id'),
    payload: body['payload'] ?? null,
    context,
    body,
  }
}

/** Of a field that was checked. */
function textAt(body: JsonObject, key: string): string {
  const value = body[key]
  return typeof value === 'string' ? value : ''
}

function checkFields(body: JsonObject, fields: Readonly<Record<string, Check>>): void {
  for (const [key, check] of Object.entries(fields)) {
    if (!Object.hasOwn(body, key)) {
      if (!('isOptional' in check)) throw malformed(`has no ${key}`)
    } else if (!check(body[key] ?? null)) {
      throw malformed(`has a malformed ${key}`)
    }
  }
  const stranger = Object.keys(body).find((key) => !Object.hasOwn(fields, key) && !key.startsWith(CONTEXT))
  if (stranger !== undefined) throw malformed(`has the unknown key ${JSON.stringify(stranger.slice(0, 60))}`)
}

function parsed(what: string, read: () => string): JsonValue {
  try {
    return parseStrictJson(read())
  } catch (cause) {
    if (!isSignetError(cause)) throw cause
    throw new EncodingError('ERR_OSLO_MESSAGE', `${what} of oslo.messaging is malformed: ${cause.message}`, { cause })
  }
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function malformed(why: string): EncodingError {
  return new EncodingError('ERR_OSLO_MESSAGE', `the message of oslo.messaging ${why}`, {
    hint: 'requests and notifications of the driver messagingv2 are read: envelopes of version 2.0',
  })
}
