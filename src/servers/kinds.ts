/**
 * All kinds of servers, by name.
 *
 * @module servers/kinds (floor 7.2)
 */
import { UsageError } from '../errors/index.js'
import { backendOf, checkedPlan, invalid } from './checks.js'
import { sortedFindings, type ConfigFinding } from './finding.js'
import { ENVOY } from './envoy.js'
import { ETCD } from './etcd.js'
import { HAPROXY } from './haproxy.js'
import { KAFKA } from './kafka.js'
import { MARIADB } from './mariadb.js'
import { MOSQUITTO } from './mosquitto.js'
import { NATS } from './nats.js'
import { NGINX } from './nginx.js'
import { NODE } from './node.js'
import { POSTGRESQL } from './postgresql.js'
import { PULSAR } from './pulsar.js'
import { RABBITMQ } from './rabbitmq.js'
import { REDIS_GATEWAY } from './redis-gateway.js'
import { REDIS } from './redis.js'
import type { ServerPlan } from './plan.js'
import type { ConfigTexts, ServerConfiguration, ServerKind } from './server.js'
import { STUNNEL } from './stunnel.js'

/** In the order of docs/servers.md. */
export const SERVER_KINDS: readonly ServerKind[] = [
  NGINX,
  HAPROXY,
  STUNNEL,
  ENVOY,
  NODE,
  POSTGRESQL,
  MARIADB,
  REDIS,
  REDIS_GATEWAY,
  NATS,
  MOSQUITTO,
  RABBITMQ,
  ETCD,
  KAFKA,
  PULSAR,
]

/** @throws {@link UsageError} `ERR_CONFIG_INVALID` */
export function serverKind(name: string): ServerKind {
  const found = SERVER_KINDS.find((kind) => kind.name === name)
  if (found !== undefined) return found
  throw new UsageError('ERR_CONFIG_INVALID', `not a server: ${JSON.stringify(name)}`, {
    hint: `it is one of ${SERVER_KINDS.map((kind) => kind.name).join(', ')}`,
  })
}

/**
 * Write the configuration of a server. Nothing is written to disk.
 *
 * @throws {@link UsageError} `ERR_CONFIG_INVALID`: something in the plan is malformed, or this kind cannot do it
 */
export function configure(kind: ServerKind, plan: ServerPlan): ServerConfiguration {
  if (kind.role === 'proxy') backendOf(plan)
  if (kind.role === 'service' && plan.backend !== undefined) {
    throw invalid('proxy', kind.name, 'it hands on to nobody: leave the backend out')
  }
  return kind.generate(checkedPlan(plan))
}

/** What is wrong with a configuration, the worst first. */
export function lintConfiguration(kind: ServerKind, texts: ConfigTexts): readonly ConfigFinding[] {
  return sortedFindings(kind.lint(texts))
}
