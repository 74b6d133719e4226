/**
 * Mosquitto: users by the whole subject of their certificates, topics allowed to each.
 *
 * @module brokers/mosquitto (floor 7.1)
 */
import { type BrokerExport, checkedPath, credentialPaths, endpoint, type ExportOptions } from './options.js'
import {
  type AddressPattern,
  type BrokerPermissions,
  type BrokerUser,
  patternText,
  sortedPermissions,
} from './permissions.js'
import { subjectOf, subjectText } from './subject.js'

/**
 * The files `signet.conf` and `signet.acl` for mosquitto. Topics are addresses: segments joined by slashes.
 *
 * @throws {@link UsageError} as {@link sortedPermissions}; `ERR_CONFIG_INVALID` for options
 */
export function exportMosquitto(permissions: BrokerPermissions, options: ExportOptions = {}): BrokerExport {
  const { users } = sortedPermissions(permissions)
  const [address, port] = endpoint(options, 8883)
  const directory = checkedPath(options.configDirectory ?? '/etc/mosquitto/conf.d')
  const { fullchain, key, caBundle, crls } = credentialPaths(options, directory)
  const conf = `# Written by signet. SIGHUP reads certificates, CRLs and the ACL file again.
per_listener_settings true
listener ${port} ${address}
certfile ${fullchain}
keyfile ${key}
cafile ${caBundle}
# signet crl publish --out here, then SIGHUP; when its CRLs have expired, nobody is let in.
crlfile ${crls}
tls_version ${options.versions === 'TLSv1.3' ? 'tlsv1.3' : 'tlsv1.2'}
require_certificate true
# The whole subject (RFC 2253) is the user name: a common name alone would not say whose deployment it is from.
use_subject_as_username true
# And the client id, so that nobody takes over the session of another.
use_username_as_clientid true
allow_anonymous false
acl_file ${directory}/signet.acl
`
  const acl = `# Written by signet. Who is not in here may do nothing.
${users.map(userBlock).join('')}`
  return {
    files: [
      { name: 'signet.acl', content: acl },
      { name: 'signet.conf', content: conf },
    ],
    notes: NOTES,
  }
}

function userBlock(user: BrokerUser): string {
  const lines = (access: string, patterns: readonly AddressPattern[]): string[] =>
    patterns.map((pattern) => `topic ${access} ${topicFilter(pattern)}\n`)
  const who = `\n# ${user.entity}\nuser ${subjectText(subjectOf(user))}\n`
  return [who, ...lines('write', user.publish), ...lines('read', user.consume)].join('')
}

/** `a/#` alone would also be `a` (MQTT 5.0 §4.7.1.2). */
function topicFilter(pattern: AddressPattern): string {
  return patternText(pattern, '/', '+', '+/#')
}

const NOTES: readonly string[] = [
  'Mosquitto grants every subscription and filters what is delivered: a client learns nothing from a granted subscription',
  'whoever has a certificate can join a shared subscription ($share) and so make its messages get lost: do not use them',
  'an entity that is not listed, but has a certificate of the deployment, can connect; it can neither publish nor receive',
  'an entity has one connection: a second one ends the first',
  'Mosquitto checks CRLs of the issuing CA only, and live connections survive a revocation until it is restarted',
  'on SIGHUP with a key that does not match its certificate, the listener refuses everybody: renew by credential directory only',
  'binding rules on the content of messages are checked by receivers, not by Mosquitto',
]
