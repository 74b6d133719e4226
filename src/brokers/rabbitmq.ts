/**
 * RabbitMQ: users by identity URI (EXTERNAL), revocation, and the definitions.
 *
 * @module brokers/rabbitmq (floor 7.1)
 */
import {
  type BrokerExport,
  checkedName,
  checkedPath,
  credentialPaths,
  DEFAULT_EXCHANGE,
  DEFAULT_VHOST,
  endpoint,
  type ExportOptions,
} from './options.js'
import { type BrokerPermissions, sortedPermissions } from './permissions.js'
import { outboxDefinitions, sharedDefinitions } from './rabbitmq-definitions.js'

/**
 * The files `rabbitmq.conf`, `advanced.config`, `enabled_plugins` and `definitions.json`. Routing keys are addresses:
 * segments joined by dots. Everybody publishes to the exchange `out:ID` and consumes from the queue `in:ID`, or uses the
 * shared exchange, as `layout` says.
 *
 * @throws {@link UsageError} as {@link sortedPermissions}; `ERR_CONFIG_INVALID` for options
 */
export function exportRabbitmq(permissions: BrokerPermissions, options: ExportOptions = {}): BrokerExport {
  const sorted = sortedPermissions(permissions)
  const vhost = checkedName(options.vhost ?? DEFAULT_VHOST)
  const shared = options.layout === 'allow-shared-exchange'
  const definitions = shared
    ? sharedDefinitions(sorted, vhost, checkedName(options.exchange ?? DEFAULT_EXCHANGE))
    : outboxDefinitions(sorted, vhost)
  const directory = checkedPath(options.configDirectory ?? '/etc/rabbitmq')
  const [address, port] = endpoint(options, 5671)
  return {
    files: [
      { name: 'advanced.config', content: advancedConfig(options, directory) },
      { name: 'definitions.json', content: `${JSON.stringify(definitions, null, 2)}\n` },
      { name: 'enabled_plugins', content: '[rabbitmq_auth_mechanism_ssl].\n' },
      { name: 'rabbitmq.conf', content: mainConfig(address, port, vhost, directory) },
    ],
    notes: [...NOTES, ...(shared ? SHARED_NOTES : OUTBOX_NOTES)],
  }
}

function mainConfig(address: string, port: number, vhost: string, directory: string): string {
  return `# Written by signet. The certificates stand in advanced.config, because CRLs can only be set there.
listeners.tcp = none
listeners.ssl.1 = ${address}:${port}
auth_mechanisms.1 = EXTERNAL
ssl_cert_login_from = subject_alternative_name
ssl_cert_login_san_type = uri
ssl_cert_login_san_index = 0
default_vhost = ${vhost}
load_definitions = ${directory}/definitions.json
`
}

/**
 * `reuse_sessions` is off because a session of TLS 1.2 that is resumed is not checked against CRLs again. `crl_check`
 * without a cache of CRLs would refuse everybody, and `best_effort` accepts what no CRL is there for.
 */
function advancedConfig(options: ExportOptions, directory: string): string {
  const { fullchain, key, caBundle, crlFolder } = credentialPaths(options, directory)
  return `%% Written by signet. ${crlFolder} holds the CRL of each CA in PEM, as HASH.r0 (openssl crl -hash).
%% When one of them is missing or has expired, nobody is let in.
[{rabbit, [
  {ssl_options, [
    {cacertfile, "${caBundle}"},
    {certfile, "${fullchain}"},
    {keyfile, "${key}"},
    {verify, verify_peer},
    {fail_if_no_peer_cert, true},
    {depth, 2},
    {versions, [${options.versions === 'TLSv1.3' ? "'tlsv1.3'" : "'tlsv1.3', 'tlsv1.2'"}]},
    {reuse_sessions, false},
    {crl_check, true},
    {crl_cache, {ssl_crl_hash_dir, {internal, [{dir, "${crlFolder}"}]}}}
  ]}
]}].
`
}

const NOTES: readonly string[] = [
  'RabbitMQ adds definitions and removes none: delete the users of entities that are gone (rabbitmqctl delete_user), and start from an empty virtual host where the policy took something away',
  'CRLs count at the next handshake, live connections stay: rabbitmqctl close_all_user_connections URI REASON',
  'a new certificate is noticed within two minutes, or with rabbitmqctl eval "ssl:clear_pem_cache()."',
  'whoever can log in can ask whether a queue exists, and how many messages wait in it',
  'binding rules on the content of messages are checked by receivers, not by RabbitMQ',
]
const OUTBOX_NOTES: readonly string[] = [
  'an entity publishes to its exchange out:ID and consumes from its queue in:ID; it declares and binds nothing',
  'a message that is allowed, but that nobody may consume, is dropped: publish with mandatory to hear of it',
  'queues keep what nobody consumes: set a policy with message-ttl or max-length for entities that are often away',
]
const SHARED_NOTES: readonly string[] = [
  'whoever may publish anything can send to every routing key: RabbitMQ 3.10 compares neither the headers CC and BCC with topic permissions (4.0 does), nor the dead-letter-routing-key of a queue that a client declares; receivers still refuse what the policy does not allow',
  'an entity declares queues named in:ID or in:ID:ANYTHING',
]
