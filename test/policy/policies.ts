/**
 * A policy of a small cloud, as the value of its document, and senders.
 *
 * ```ts
 * const policy = read({ rules: [{ ...RULE, allow: ['api'] }] })
 * policy.decide({ sender: somebody(['compute']), type: 'rpc.scheduler.update', destination: 'scheduler' })
 * ```
 */
import { identityUri, type Identity, rolesAt } from '../../src/identity/index.js'
import type { JsonValue } from '../../src/json/index.js'
import { type Decision, parsePolicy, type Policy, type PolicyQuestion } from '../../src/policy/index.js'

export type Part = Readonly<Record<string, JsonValue>>

export const ROLES = ['compute', 'conductor', 'scheduler', 'api'] as const

/** Types of nova and its neighbours. Every field that a rule may name is there. */
export const CLOUD = {
  version: 1,
  roles: [...ROLES],
  messages: {
    'rpc.scheduler.update_instance_info': ['args.host_name'],
    'rpc.conductor.ping': [],
    'rpc.compute.build_and_run_instance': ['args.host'],
    'rpc.compute.live_migration': ['args.dest'],
    'notify.*': ['publisher_id', 'payload'],
  },
  destinations: {
    scheduler: { receivers: ['scheduler'] },
    conductor: { receivers: ['conductor'], scope: 'region-one' },
    'compute.{node}': { receivers: ['compute'] },
    notifications: { receivers: ['api'] },
  },
  rules: [
    {
      name: 'compute-reports-itself',
      allow: ['compute'],
      send: ['rpc.scheduler.update_instance_info'],
      to: ['scheduler'],
      bind: ['args.host_name == node'],
    },
    {
      name: 'compute-notifies-as-itself',
      allow: ['compute'],
      send: ['notify.instance.*'],
      to: ['notifications'],
      bind: ['publisher_id == service:node'],
    },
    { name: 'anybody-pings-the-conductor', allow: ['compute', 'api'], send: ['rpc.conductor.ping'], to: ['conductor'] },
    {
      name: 'conductor-orders-compute',
      allow: ['conductor'],
      send: ['rpc.compute.*'],
      to: ['compute.{node}'],
    },
    {
      name: 'scheduler-builds',
      allow: ['scheduler'],
      send: ['rpc.compute.build_and_run_instance'],
      to: ['compute.{node}'],
    },
  ],
} as const satisfies Part

/** The cloud with some parts changed. */
export function read(changes: Part = {}): Policy {
  return parsePolicy(JSON.stringify({ ...CLOUD, ...changes }))
}

export interface SomebodyOptions {
  readonly service?: string
  readonly node?: string
  readonly scope?: string
}

/** Somebody with these grants. */
export function somebody(grants: readonly string[], options: SomebodyOptions = {}): Identity {
  const { service = 'nova-compute', node = 'compute-07', scope = '' } = options
  const { text: uri } = identityUri({ trustDomain: 'cloud.example', scope, service, node })
  return { entity: node, uri, scope, service, node, roles: rolesAt(grants, scope, scope), grants, groups: [] }
}

/** Ask the cloud, or another policy. */
export function ask(
  sender: Identity,
  type: string,
  destination: string,
  more: Partial<PolicyQuestion> = {},
  policy: Policy = read(),
): Decision {
  return policy.decide({ sender, type, destination, ...more })
}
