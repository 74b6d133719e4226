/**
 * The policy for nova, and what nova says of itself: facts that others read out of it (see corpora.ts).
 *
 * ```ts
 * decide('compute', 'rpc.compute.live_migration', 'compute.compute-02').outcome // 'denied'
 * ```
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Identity } from '../../src/identity/index.js'
import type { JsonValue } from '../../src/json/index.js'
import { type Decision, parsePolicy, parseSender, type PolicyQuestion } from '../../src/policy/index.js'
import { CORPORA } from './corpora.js'

export const NOVA = parsePolicy(readFileSync('fixtures/nova/policy.yaml', 'utf8'))
export const ROLES = [...NOVA.document.roles]
/** The types of RPC messages, which are exact. */
export const RPC_TYPES = NOVA.document.messages
  .map(({ pattern }) => pattern.text)
  .filter((type) => type.startsWith('rpc.'))
/** A name for each declared destination. */
export const ADDRESSES = NOVA.document.destinations.all.map(({ name }) => name.replace('{node}', 'compute-02'))
export const SCOPE = 'region-one/nova'

/** A method of nova's RPC interfaces. */
export interface Method {
  readonly topic: string
  readonly namespace: string | null
  readonly method: string
  readonly args: readonly string[]
  /** Services, and where in them. */
  readonly static_callers: Readonly<Record<string, readonly string[]>>
}

export function readMethods(): readonly Method[] {
  const text = readFileSync(join(CORPORA, 'openstack/nova-rpc-methods.json'), 'utf8')
  return (JSON.parse(text) as { methods: readonly Method[] }).methods
}

/** What the policy calls a method. The topic of those of every service is written `topic`. */
export function typeOf({ topic, namespace, method }: Method): string {
  return ['rpc', ...(topic === 'topic' ? [] : [topic]), ...(namespace === null ? [] : [namespace]), method].join('.')
}

/** The role of a service that calls. What calls from nova-manage is in the hands of operators. */
export function roleOf(service: string): string {
  return service === 'cmd' ? 'operator' : service.replace('nova-', '')
}

/** A notification as nova's documentation shows it. */
export interface Sample {
  readonly file: string
  readonly bytes: Buffer
  readonly content: JsonValue
  readonly type: string
  readonly publisherId: string
}

export function readSamples(): readonly Sample[] {
  const folder = join(CORPORA, 'openstack/nova-notification-samples')
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => {
      const bytes = readFileSync(join(folder, file))
      const content = JSON.parse(bytes.toString()) as { event_type: string; publisher_id: string }
      return { file, bytes, content, type: `notify.${content.event_type}`, publisherId: content.publisher_id }
    })
}

/** A request in which every field that could name its sender names this node. */
export function requestOf(type: string, node: string): JsonValue {
  const instance = { 'nova_object.name': 'Instance', 'nova_object.data': { host: node } }
  const migration = {
    'nova_object.name': 'Migration',
    'nova_object.data': { source_compute: node, dest_compute: node },
  }
  return { method: type.split('.').at(-1) ?? '', args: { host_name: node, instance, migration } }
}

/** Somebody with a role in region-one. */
export function senderOf(role: string | readonly string[], scope = SCOPE, node = 'compute-01'): Identity {
  const roles = typeof role === 'string' ? [role] : role
  return parseSender({ roles, service: `nova-${(roles[0] ?? 'none').replace(/@.*/, '')}`, node, scope }, 'this test')
}

/** Decide about an honest request in region-one. */
export function decide(
  role: string | readonly string[],
  type: string,
  destination: string,
  changes: Partial<PolicyQuestion> = {},
): Decision {
  const sender = senderOf(role)
  return NOVA.decide({ sender, type, destination, scope: SCOPE, content: requestOf(type, sender.node), ...changes })
}

/** Where somebody with a role may send a type. */
export function reached(role: string | readonly string[], type: string): readonly string[] {
  return ADDRESSES.filter((address) => decide(role, type, address).outcome === 'allowed')
}
