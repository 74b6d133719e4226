/**
 * NATS: users by identity URI (`verify_and_map`), subjects allowed to each.
 *
 * @module brokers/nats (floor 7.1)
 */
import { UsageError } from '../errors/index.js'
import { type BrokerExport, credentialPaths, endpoint, type ExportOptions } from './options.js'
import {
  type AddressPattern,
  badPattern,
  type BrokerPermissions,
  type BrokerUser,
  commonPattern,
  covers,
  formatPattern,
  patternText,
  sortedPermissions,
} from './permissions.js'

/**
 * The file `signet.conf` for nats-server. Subjects are addresses: segments joined by dots.
 *
 * @throws {@link UsageError} as {@link sortedPermissions}; `ERR_CONFIG_INVALID` for options
 */
export function exportNats(permissions: BrokerPermissions, options: ExportOptions = {}): BrokerExport {
  const { users } = sortedPermissions(permissions)
  const { fullchain, key, caBundle } = credentialPaths(options, '')
  const [address, port] = endpoint(options, 4222)
  const content = `# Written by signet. nats-server -c signet.conf; SIGHUP reads it again and drops users that are gone.
listen: "${address}:${port}"

tls {
  cert_file: "${fullchain}"
  key_file: "${key}"
  ca_file: "${caBundle}"
  # The identity URI of the client's certificate is its user name.
  verify_and_map: true
  timeout: 5
${pinned(options.pins)}}

authorization {
  default_permissions: { publish: { deny: [">"] }, subscribe: { deny: [">"] } }
  users: [
${users.map(userBlock).join('')}  ]
}
`
  return { files: [{ name: 'signet.conf', content }], notes: NOTES }
}

/** @throws {@link UsageError} `ERR_CONFIG_INVALID` */
function pinned(pins: readonly string[] | undefined): string {
  if (pins === undefined) return ''
  const wrong = pins.find((pin) => !/^[0-9a-f]{64}$/.test(pin))
  // An empty list would let everybody in.
  if (wrong === undefined && pins.length > 0) {
    const list = [...pins].sort().map((pin) => `    "${pin}"\n`)
    return `  # SHA-256 of the public keys that may come in: NATS reads no CRLs.\n  pinned_certs: [\n${list.join('')}  ]\n`
  }
  throw new UsageError('ERR_CONFIG_INVALID', `not the SHA-256 of a public key: ${JSON.stringify(wrong ?? '')}`, {
    hint: 'give 64 hexadecimal digits in lower case for each, and at least one',
  })
}

function userBlock({ uri, publish, consume }: BrokerUser): string {
  return `    {
      user: "${uri}"
      permissions: {
        publish: ${rule(publish, [])}
        subscribe: ${rule(consume, deeperSubjects(consume))}
      }
    }
`
}

/** An empty list of what is allowed would allow everything. */
function rule(allowed: readonly AddressPattern[], denied: readonly AddressPattern[]): string {
  if (allowed.length === 0) return '{ deny: [">"] }'
  const deny = denied.length === 0 ? '' : `, deny: ${subjects(denied)}`
  return `{ allow: ${subjects(allowed)}${deny} }`
}

/**
 * nats-server 2.9 compares a subscription with what is allowed segment by segment, and takes its `>` for one segment:
 * who may subscribe to `a.*` may subscribe to `a.>`. So what lies deeper is denied by name, and whoever is allowed some
 * of that cannot be given both, because a denial overrules.
 */
function deeperSubjects(patterns: readonly AddressPattern[]): readonly AddressPattern[] {
  return patterns.flatMap((pattern) => {
    const last = pattern.at(-1)
    const others = patterns.filter((other) => other !== pattern)
    if (typeof last !== 'object' || last.any !== 'one' || others.some((other) => covers(other, pattern))) return []
    const deeper: AddressPattern = [...pattern, { any: 'rest' }]
    const wanted = others.find((other) => commonPattern(deeper, other) !== undefined)
    if (wanted === undefined) return [deeper]
    throw badPattern(
      pattern,
      `cannot be held by NATS beside ${JSON.stringify(formatPattern(wanted))}, which lies below it`,
      'write out the types that are meant, or allow everything below',
    )
  })
}

function subjects(patterns: readonly AddressPattern[]): string {
  return `[${patterns.map((pattern) => `"${patternText(pattern, '.', '*', '>')}"`).join(', ')}]`
}

const NOTES: readonly string[] = [
  'NATS reads no CRLs: a revoked certificate is refused only after its user is gone from the file and the file is read again (SIGHUP), which also ends its connections',
  'who may subscribe to a subject may join any queue group on it, and take messages away from the others of that group',
  'requests with replies need an inbox (_INBOX.>), which is not granted: reply to the address of an entity instead',
  'binding rules on the content of messages are checked by receivers, not by NATS',
]
