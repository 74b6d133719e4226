/**
 * What an agent is told: one file, YAML or JSON, in which nothing may be that is not known.
 *
 * ```yaml
 * version: 1
 * status: /var/lib/signet-agent/status.json
 * metrics: /var/lib/prometheus/node-exporter/signet.prom
 * every: 10m
 * source: { command: [ssh, issuer@ca.cloud.example, '{entity}', '{profile}'] }
 * anchors: /etc/signet/root.pem
 * crls: [http://pki.cloud.example/crls.pem]
 * trust: { from: http://pki.cloud.example/trust/, cache: /var/lib/signet-agent/trust.p7, pin: 5f0c… }
 * credentials:
 *   - directory: /etc/signet/web
 *     entity: web-01
 *     profile: server
 *     group: www-data
 *     reload: [systemctl, reload, nginx]
 *     probe: { host: 127.0.0.1, port: 443, serverName: web-01.cloud.example }
 * ```
 *
 * Relative paths start from the folder of the file.
 *
 * @module agent/configuration (floor 7.4)
 */
import { isAbsolute, resolve } from 'node:path'
import { type Profile, profileNamed } from '../authority/index.js'
import { type KeyAlgorithmName, keyAlgorithmNamed } from '../crypto/index.js'
import { isSegment, parseIdentityUri } from '../identity/index.js'
import { requireKeys } from '../json/index.js'
import { PRELUDES, type ProbeTarget } from '../probe/index.js'
import { MINUTE } from '../time/index.js'
import { parseFingerprint } from '../x509/index.js'
import { parseYamlOrJson } from '../yaml/index.js'
import { Fields, invalid, within } from './fields.js'

/** Who issues. */
export type SourceConfiguration =
  | { readonly kind: 'authority'; readonly home: string; readonly passphraseFile?: string }
  | { readonly kind: 'command'; readonly command: readonly string[]; readonly timeoutSeconds: number }

/** The server that uses a credential, and how long it is asked. */
export interface ProbeConfiguration {
  readonly server: ProbeTarget
  /** For how long it is asked again until it answers with the new certificate. */
  readonly timeoutSeconds: number
}

export interface CredentialConfiguration {
  readonly directory: string
  readonly entity: string
  readonly profile: Profile
  readonly source: SourceConfiguration
  /** The identity URI that the first certificate must have. Default: one whose last segment is the entity. */
  readonly identity?: string
  /** Group that may read the key, by name or number. Default: that of the version before. */
  readonly group?: string
  readonly keyAlgorithm: KeyAlgorithmName
  /** Programs, one after another, that make the server take up new files. */
  readonly reload: readonly (readonly string[])[]
  readonly reloadSeconds: number
  readonly probe?: ProbeConfiguration
  /** The part of its life after which a certificate is renewed. */
  readonly renewAt: number
  /** The part of its life by which that is put off, more or less: the serial number says how much. */
  readonly jitter: number
}

export interface TrustConfiguration {
  readonly from: string
  readonly cache: string
  readonly pin: string
  readonly domain?: string
}

export interface AgentConfiguration {
  readonly status: string
  readonly metrics?: string
  readonly everySeconds: number
  /** File of the roots that a first certificate must lead to. */
  readonly anchors?: string
  /** Where CRLs are: files and URLs. */
  readonly crls: readonly string[]
  readonly trust?: TrustConfiguration
  readonly credentials: readonly CredentialConfiguration[]
}

export const DEFAULT_EVERY_SECONDS = 10 * MINUTE
export const DEFAULT_COMMAND_SECONDS = MINUTE
export const DEFAULT_PROBE_SECONDS = 15
/** Two thirds, as ACME clients have it: a third of its life is left to notice that renewing fails. */
export const DEFAULT_RENEW_AT = 2 / 3
export const DEFAULT_JITTER = 0.05
const MAX_CREDENTIALS = 1000

const TOP_KEYS = ['version', 'status', 'metrics?', 'every?', 'source?', 'anchors?', 'crls?', 'trust?', 'credentials']
const CREDENTIAL_KEYS = [
  ...[
    'directory',
    'entity',
    'profile?',
    'source?',
    'identity?',
    'group?',
    'keyAlgorithm?',
    'reload?',
    'reloadTimeout?',
  ],
  ...['probe?', 'renewAt?', 'jitter?'],
]

/**
 * Parse the configuration of an agent.
 *
 * Looks at no file that it names.
 *
 * @param folder - What relative paths start from.
 * @throws {@link UsageError} `ERR_CONFIG_INVALID`; {@link EncodingError} `ERR_YAML_MALFORMED`, `ERR_JSON_MALFORMED`
 */
export function parseAgentConfiguration(text: string, folder: string): AgentConfiguration {
  const document = parseYamlOrJson(text, 'the configuration')
  return within('the configuration', () => {
    const top = new Fields(requireKeys(document, TOP_KEYS, 'it'), (path) => resolve(folder, path))
    if (top.value('version') !== 1) throw invalid('its version is not 1')
    const source = top.has('source') ? within('source', () => sourceOf(top.inner('source', SOURCE_KEYS))) : undefined
    const listed = top.value('credentials')
    if (!Array.isArray(listed) || listed.length === 0) throw invalid('credentials is no list, or empty')
    if (listed.length > MAX_CREDENTIALS) throw invalid(`it has more than ${MAX_CREDENTIALS} credentials`)
    const credentials = listed.map((item, index) =>
      within(`credentials[${index}]`, () =>
        credentialOf(new Fields(requireKeys(item, CREDENTIAL_KEYS, 'it'), (path) => resolve(folder, path)), source),
      ),
    )
    requireDistinct(credentials)
    return {
      status: top.path('status'),
      ...(top.has('metrics') ? { metrics: top.path('metrics') } : {}),
      everySeconds: top.seconds('every', DEFAULT_EVERY_SECONDS),
      ...(top.has('anchors') ? { anchors: top.path('anchors') } : {}),
      crls: top.has('crls') ? top.texts('crls').map((place) => placeIn(folder, place)) : [],
      ...(top.has('trust') ? { trust: within('trust', () => trustOf(top.inner('trust', TRUST_KEYS), folder)) } : {}),
      credentials,
    }
  })
}

const SOURCE_KEYS = ['authority?', 'passphraseFile?', 'command?', 'timeout?']

function sourceOf(fields: Fields): SourceConfiguration {
  if (fields.has('authority') === fields.has('command')) throw invalid('name authority or command')
  if (fields.has('command')) {
    if (fields.has('passphraseFile')) throw invalid('a command has no passphraseFile')
    return {
      kind: 'command',
      command: fields.command('command'),
      timeoutSeconds: fields.seconds('timeout', DEFAULT_COMMAND_SECONDS),
    }
  }
  if (fields.has('timeout')) throw invalid('an authority has no timeout')
  return {
    kind: 'authority',
    home: fields.path('authority'),
    ...(fields.has('passphraseFile') ? { passphraseFile: fields.path('passphraseFile') } : {}),
  }
}

const TRUST_KEYS = ['from', 'cache', 'pin', 'domain?']

function trustOf(fields: Fields, folder: string): TrustConfiguration {
  return {
    from: placeIn(folder, fields.text('from')),
    cache: fields.path('cache'),
    pin: parseFingerprint(fields.text('pin')),
    ...(fields.has('domain') ? { domain: fields.text('domain') } : {}),
  }
}

function credentialOf(fields: Fields, common: SourceConfiguration | undefined): CredentialConfiguration {
  const source = fields.has('source') ? within('source', () => sourceOf(fields.inner('source', SOURCE_KEYS))) : common
  if (source === undefined) throw invalid('nothing says who issues: name a source')
  const [renewAt, jitter] = [fields.number('renewAt', DEFAULT_RENEW_AT), fields.number('jitter', DEFAULT_JITTER)]
  if (!(renewAt >= 0.1 && jitter >= 0 && renewAt + jitter <= 0.95)) {
    throw invalid('renewAt is a part of the life, from 0.1; with jitter at most 0.95')
  }
  const entity = fields.text('entity')
  if (!isSegment(entity)) throw invalid(`${JSON.stringify(entity)} is no entity`)
  const group = fields.has('group') ? fields.value('group') : undefined
  if (group !== undefined && typeof group !== 'string' && typeof group !== 'number') throw invalid('group is no name')
  return {
    directory: fields.path('directory'),
    entity,
    profile: profileNamed(fields.has('profile') ? fields.text('profile') : 'peer'),
    source,
    ...(fields.has('identity') ? { identity: parseIdentityUri(fields.text('identity')).text } : {}),
    ...(group === undefined ? {} : { group: String(group) }),
    keyAlgorithm: keyAlgorithmNamed(fields.has('keyAlgorithm') ? fields.text('keyAlgorithm') : 'p256').name,
    reload: fields.has('reload') ? fields.commands('reload') : [],
    reloadSeconds: fields.seconds('reloadTimeout', DEFAULT_COMMAND_SECONDS),
    ...(fields.has('probe') ? { probe: within('probe', () => probeOf(fields.inner('probe', PROBE_KEYS))) } : {}),
    renewAt,
    jitter,
  }
}

const PROBE_KEYS = ['host?', 'port?', 'path?', 'starttls?', 'serverName?', 'timeout?']

function probeOf(fields: Fields): ProbeConfiguration {
  if (fields.has('path') && (fields.has('host') || fields.has('port'))) throw invalid('name path, or host and port')
  const port = fields.has('path') ? 0 : fields.number('port', NaN)
  if (!fields.has('path') && (!Number.isInteger(port) || port < 1 || port > 65_535)) throw invalid('port is no port')
  const name = fields.has('starttls') ? fields.text('starttls') : undefined
  const starttls = PRELUDES.find((prelude) => prelude === name)
  if (name !== undefined && starttls === undefined) throw invalid(`starttls is one of ${PRELUDES.join(', ')}`)
  const place = fields.has('path')
    ? { path: fields.path('path') }
    : { host: fields.has('host') ? fields.text('host') : '127.0.0.1', port }
  return {
    server: {
      ...place,
      ...(starttls === undefined ? {} : { starttls }),
      ...(fields.has('serverName') ? { serverName: fields.text('serverName') } : {}),
    },
    timeoutSeconds: fields.seconds('timeout', DEFAULT_PROBE_SECONDS),
  }
}

function placeIn(folder: string, place: string): string {
  return /^https?:/i.test(place) || isAbsolute(place) ? place : resolve(folder, place)
}

function requireDistinct(credentials: readonly CredentialConfiguration[]): void {
  const seen = new Set<string>()
  for (const { directory } of credentials) {
    if (seen.has(directory)) throw invalid(`two credentials go to ${directory}`)
    seen.add(directory)
  }
}
