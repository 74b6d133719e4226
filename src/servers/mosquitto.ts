/**
 * Mosquitto: users by the whole subject of their certificate.
 *
 * @module servers/mosquitto (floor 7.2)
 */
import { subjectText } from '../brokers/index.js'
import { brokerFiles } from './broker.js'
import type { ServerPlan } from './plan.js'
import type { ConfigFinding } from './finding.js'
import type { ConfigTexts, ServerConfiguration, ServerKind } from './server.js'
import { isLoopback } from './lint-words.js'
import { finding, type Setting, settingsOf } from './settings.js'

export const MOSQUITTO: ServerKind = {
  name: 'mosquitto',
  title: 'Mosquitto',
  role: 'service',
  facts: {
    version: '2.0',
    profile: 'server',
    identity: 'subject',
    crls: 'issuing-ca',
    crlsCount: 'on-reload',
    brokenPair: 'outage',
    disconnect: 'restart',
  },
  installation: {
    directory: '/etc/signet/mosquitto',
    state: '/run/mosquitto',
    user: 'mosquitto',
    group: 'mosquitto',
    port: 8883,
    unit: { name: 'mosquitto', from: 'package', type: 'notify', startsAs: 'user' },
    image: 'eclipse-mosquitto:2.0',
    imageUid: 1883,
  },
  generate,
  lint,
  nameOf: ({ subject }) => subjectText(subject),
}

function generate(plan: ServerPlan): ServerConfiguration {
  const { directory, state, user } = plan
  const { files, notes } = brokerFiles(plan, 'mosquitto', 'Mosquitto')
  const pidFile = `${state}/mosquitto.pid`
  return {
    files: files.map((file) =>
      file.path.endsWith('.conf') ? { ...file, content: `${file.content}user ${user}\npid_file ${pidFile}\n` } : file,
    ),
    start: ['mosquitto', '-c', `${directory}/signet.conf`],
    reload: [['pkill', '-HUP', '-F', pidFile]],
    reloadSignal: 'HUP',
    notes: [
      ...notes,
      `the key is read as ${user}: let that be a reader of the credential directory`,
      'a reload with an ACL that names somebody no more leaves them connected; they can do nothing any more',
    ],
  }
}

interface Listener {
  readonly where: Setting
  readonly settings: readonly Setting[]
}

/** Each listener by itself, as with `per_listener_settings true`; what stands before the first is the listener by default. */
function lint(texts: ConfigTexts): readonly ConfigFinding[] {
  const settings = settingsOf(new Map([...texts].filter(([file]) => !file.endsWith('.acl'))), { separator: /\s+/ })
  return listenersOf(settings).flatMap(listenerFindings)
}

function listenersOf(settings: readonly Setting[]): readonly Listener[] {
  const starts = settings.flatMap(({ key }, index) => (key === 'listener' || key === 'port' ? [index] : []))
  return starts.flatMap((start, place) => {
    const where = settings[start]
    return where === undefined ? [] : [{ where, settings: settings.slice(start, starts[place + 1]) }]
  })
}

function listenerFindings({ where, settings }: Listener): readonly ConfigFinding[] {
  const of = (key: string): Setting | undefined => settings.findLast((setting) => setting.key === key)
  const isTrue = (key: string): boolean => of(key)?.value === 'true'
  const [port = '', address = of('bind_address')?.value ?? ''] = where.value.split(/\s+/)
  if (of('certfile') === undefined) {
    if (isLoopback(address) || port === '0') return []
    return [
      finding(where, 'hole', 'clear-text', 'this listener has no TLS', 'listener 8883 with certfile, keyfile, cafile'),
    ]
  }
  const findings: ConfigFinding[] = []
  if (!isTrue('require_certificate')) {
    const message = 'clients need no certificate'
    findings.push(
      finding(of('require_certificate') ?? where, 'hole', 'verification-optional', message, 'require_certificate true'),
    )
  }
  const [subject, commonName] = ['use_subject_as_username', 'use_identity_as_username'].map(isTrue)
  if (subject !== true && commonName !== true) {
    const message = 'who somebody is says their password, or nobody: certificates are nobody’s'
    findings.push(finding(where, 'hole', 'anybody-certified', message, 'use_subject_as_username true'))
  } else if (subject !== true) {
    const message = 'only the common name counts: somebody of another service or deployment may have the same'
    findings.push(
      finding(
        of('use_identity_as_username') ?? where,
        'note',
        'anybody-certified',
        message,
        'use_subject_as_username true',
      ),
    )
  }
  if (isTrue('allow_anonymous')) {
    const message = 'whoever has no name is let in'
    findings.push(
      finding(of('allow_anonymous') ?? where, 'hole', 'verification-optional', message, 'allow_anonymous false'),
    )
  }
  if (of('crlfile') === undefined) {
    findings.push(
      finding(where, 'hole', 'revocation-absent', 'revoked certificates are let in', 'crlfile …/current/crls.pem'),
    )
  }
  const version = of('tls_version')
  if (version !== undefined && /^tlsv1(?:\.1)?$/.test(version.value)) {
    findings.push(finding(version, 'hole', 'weak-protocol', `${version.value} is allowed`, 'tls_version tlsv1.2'))
  }
  const insecure = of('bridge_insecure')
  if (insecure?.value === 'true') {
    findings.push(
      finding(
        insecure,
        'hole',
        'host-unchecked',
        'nobody asks whether that is the other broker',
        'bridge_insecure false',
      ),
    )
  }
  return findings
}
