/**
 * What messages of oslo.messaging are called when they are signed, and the check that they are what they were signed as.
 *
 * ```
 * rpc.compute.build_and_run_instance            for compute.compute-07, or role:compute_node
 * rpc.conductor.compute_task.migrate_server     with its namespace, for conductor
 * notify.instance.create.end                    for notifications.info
 * ```
 *
 * @module oslo/messaging-type (floor 5)
 */
import { DeniedError, UsageError } from '../errors/index.js'
import type { JsonValue } from '../json/index.js'
import { type OsloMessage, type OsloNotification, parseOsloMessage } from './messaging.js'

/** Where oslo.messaging sends a request: to one of those at the topic, or to that server; a fanout is for the topic. */
export interface OsloTarget {
  readonly topic: string
  readonly server?: string
}

/** Topics have no dots here, so that a destination says where the topic ends and the server begins. */
const TOPIC = /^[A-Za-z0-9_-]{1,127}$/

/**
 * The destination of a request: what oslo.messaging makes the routing key, `topic` or `topic.server`.
 *
 * @throws {@link UsageError} `ERR_CONFIG_INVALID`
 */
export function osloDestination({ topic, server }: OsloTarget): string {
  if (!TOPIC.test(topic)) throw new UsageError('ERR_CONFIG_INVALID', `not a topic: ${JSON.stringify(topic)}`)
  return server === undefined ? topic : `${topic}.${server}`
}

/**
 * The destination of a notification: what oslo.messaging makes the routing key, `notifications.info`.
 *
 * @throws {@link UsageError} `ERR_CONFIG_INVALID`
 */
export function osloNotificationDestination(topic: string, { priority }: Pick<OsloNotification, 'priority'>): string {
  return osloDestination({ topic, server: priority.toLowerCase() })
}

/**
 * The type under which a message is signed.
 *
 * @param topic - Of a request; requests do not say it themselves.
 * @throws {@link UsageError} `ERR_CONFIG_INVALID`
 */
export function osloMessageType(message: OsloMessage, topic: string): string {
  if (message.kind === 'notification') return `notify.${message.eventType}`
  const { method, namespace } = message
  return ['rpc', osloDestination({ topic }), ...(namespace === undefined ? [] : [namespace]), method].join('.')
}

/**
 * Read the content of a signed message, and require that it is what type and destination say: method, namespace and topic of
 * a request, event type and priority of a notification. For `reader` of a message policy.
 *
 * A destination that is a role or a scope names no topic; there the type alone does.
 *
 * @returns The inner message: what binding rules and policies see.
 * @throws {@link EncodingError} `ERR_OSLO_MESSAGE` · {@link DeniedError} `ERR_MESSAGE_CONTENT`
 */
export function readOsloContent(
  content: Uint8Array,
  { type, destination }: { readonly type: string; readonly destination: string },
): JsonValue {
  const message = parseOsloMessage(content)
  const [first = '', ...rest] = destination.split('.')
  const isGroup = /^(?:role|scope):/.test(destination)
  if (message.kind === 'notification') {
    const priority = message.priority.toLowerCase()
    if (!isGroup && rest.join('.') !== priority) throw contradiction('priority', priority, destination)
  }
  const topic = isGroup ? (type.split('.')[1] ?? '') : first
  const wanted = TOPIC.test(topic) ? osloMessageType(message, topic) : undefined
  if (type !== wanted) throw contradiction('type', wanted ?? 'none', type)
  return message.body
}

function contradiction(what: string, found: string, signed: string): DeniedError {
  return new DeniedError('ERR_MESSAGE_CONTENT', `the ${what} of the message is not the one that was signed`, {
    details: { found: found.slice(0, 300), signed },
    hint: 'the sender signed one thing and sent another',
  })
}
