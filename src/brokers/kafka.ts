/**
 * Kafka: principals by the subject of certificates, ACLs on topics.
 *
 * @module brokers/kafka (floor 7.1)
 */
import { type BrokerExport, checkedPath, credentialPaths, endpoint, type ExportOptions } from './options.js'
import {
  type AddressPattern,
  badName,
  badPattern,
  type BrokerPermissions,
  type BrokerUser,
  patternText,
  sortedPermissions,
} from './permissions.js'
import { subjectOf } from './subject.js'

/** Longest name of a topic that Kafka takes. */
const MAX_TOPIC_OCTETS = 249

/**
 * The files `signet.properties`, to be part of a broker's `server.properties`, and `signet-acls.txt`: in each line the
 * arguments of one call of `kafka-acls.sh`. Topics are addresses: segments joined by dots.
 *
 * Kafka knows topics by their whole name or by how it begins. Patterns that are neither are refused, not widened.
 *
 * @throws {@link UsageError} as {@link sortedPermissions}; `ERR_BROKER_PATTERN` for a wildcard that is not all the rest, for
 * colons and for topics that are Kafka's own; `ERR_BROKER_NAME` for `ANONYMOUS`; `ERR_CONFIG_INVALID` for options
 */
export function exportKafka(permissions: BrokerPermissions, options: ExportOptions = {}): BrokerExport {
  const { users } = sortedPermissions(permissions)
  const configDirectory = checkedPath(options.configDirectory ?? '/etc/kafka')
  const { directory, combined, caBundle } = credentialPaths(options, configDirectory)
  const [address, port] = endpoint(options, 9094)
  const [domain = ''] = users.map((user) => subjectOf(user).organization)
  for (const id of [...users.map(({ entity }) => entity), ...(options.brokers ?? [])]) checkPrincipal(id)
  const properties = `# Written by signet: part of server.properties. Add the listeners of brokers and controllers.
listeners=SIGNET://${address}:${port}
listener.security.protocol.map=SIGNET:SSL
ssl.client.auth=required
ssl.keystore.type=PEM
# key.pem and fullchain.pem of ${directory}/current in one file
ssl.keystore.location=${combined}
ssl.truststore.type=PEM
ssl.truststore.location=${caBundle}
ssl.enabled.protocols=${options.versions === 'TLSv1.3' ? 'TLSv1.3' : 'TLSv1.3,TLSv1.2'}
# Subjects of this deployment become entity ids; any other is refused, because no rule is the default one.
ssl.principal.mapping.rules=${mappingRules(domain)}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=false
auto.create.topics.enable=false
${superUsers(options.brokers ?? [])}`
  return {
    files: [
      { name: 'signet-acls.txt', content: users.flatMap(aclLines).join('') },
      { name: 'signet.properties', content: properties },
    ],
    notes: NOTES,
  }
}

/**
 * Common names with dots are written behind `id `: two rules, of which never both give one id. Character classes stand
 * where others escape, because a properties file eats backslashes.
 */
function mappingRules(trustDomain: string): string {
  const rest = `,OU=[A-Za-z0-9._-]+,O=${trustDomain.replaceAll('.', '[.]')}`
  const part = '[A-Za-z0-9_-]+'
  return `RULE:^CN=(${part})${rest}$/$1/,RULE:^CN=id (${part}(?:[.]${part})+)${rest}$/$1/`
}

function superUsers(brokers: readonly string[]): string {
  if (brokers.length === 0) return '# super.users=User:ID;User:ID of the brokers themselves, which KRaft needs\n'
  return `super.users=${[...brokers]
    .sort()
    .map((id) => `User:${id}`)
    .join(';')}\n`
}

function aclLines({ entity, publish, consume }: BrokerUser): string[] {
  const add = (operations: readonly string[], resource: string): string =>
    `--add --allow-principal User:${entity} ${operations.map((name) => `--operation ${name}`).join(' ')} ${resource}\n`
  return [
    ...publish.map((pattern) => add(['Write', 'Describe'], topic(pattern))),
    ...consume.map((pattern) => add(['Read', 'Describe'], topic(pattern))),
    // Consumers keep their positions in a group: each entity in its own.
    ...(consume.length === 0 ? [] : [add(['Read'], `--group ${entity} --resource-pattern-type literal`)]),
  ]
}

function topic(pattern: AddressPattern): string {
  const [last, middle] = [pattern.at(-1), pattern.slice(0, -1)]
  const prefixed = typeof last === 'object' && last.any === 'rest'
  if (middle.some(isWildcard) || (isWildcard(last) && !prefixed)) {
    throw badPattern(
      pattern,
      'has a wildcard where Kafka knows none',
      'Kafka has whole names and prefixes: write out the types, or end the pattern with a wildcard for all the rest',
    )
  }
  const name = prefixed ? `${patternText(middle, '.', '', '')}.` : patternText(pattern, '.', '', '')
  if (name === '.') throw badPattern(pattern, 'is every topic, those of Kafka itself included', 'name a destination')
  if (!isTopic(name)) {
    throw badPattern(
      pattern,
      'is no name of a topic in Kafka',
      `topics have at most ${MAX_TOPIC_OCTETS} letters, digits, dots, dashes and underscores, and do not begin with __`,
    )
  }
  return `--topic ${name} --resource-pattern-type ${prefixed ? 'prefixed' : 'literal'}`
}

/** Whether Kafka takes a text for the name of a topic that is not its own. */
export function isTopic(name: string): boolean {
  return /^(?!__)[A-Za-z0-9._-]+$/.test(name) && name.length <= MAX_TOPIC_OCTETS
}

function isWildcard(segment: AddressPattern[number] | undefined): boolean {
  return typeof segment === 'object'
}

/** Kafka's name for clients of other listeners that show no certificate. */
function checkPrincipal(id: string): void {
  if (id === 'ANONYMOUS') throw badName(id, 'is what Kafka calls clients without a certificate')
  if (!/^[A-Za-z0-9._-]+$/.test(id)) throw badName(id, 'is not an id of letters, digits, dots, dashes and underscores')
}

const NOTES: readonly string[] = [
  'Kafka reads no CRLs: remove the ACLs of a revoked entity, and restart the broker to end its connections',
  'kafka-acls.sh adds; what the policy no longer allows must be removed with --remove',
  'Kafka keeps key and certificates in one file: join key.pem and fullchain.pem after each renewal',
  'topics are made by an operator; names that differ only in dots and underscores exclude each other',
  'who may read a topic may read all that it holds; binding rules on content are checked by receivers, not by Kafka',
]
