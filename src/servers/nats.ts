/**
 * NATS: users by identity URI. It reads no CRLs, and so lets in only keys that are named, where they are.
 *
 * @module servers/nats (floor 7.2)
 */
import { brokerFiles } from './broker.js'
import type { ServerPlan } from './plan.js'
import type { ConfigFinding } from './finding.js'
import type { ConfigTexts, ServerConfiguration, ServerKind } from './server.js'
import { isLoopback } from './lint-words.js'
import { finding, lastOf, type Setting, settingsOf } from './settings.js'

export const NATS: ServerKind = {
  name: 'nats',
  title: 'NATS',
  role: 'service',
  facts: {
    version: '2.9',
    profile: 'server',
    identity: 'uri',
    crls: 'none',
    crlsCount: 'never',
    brokenPair: 'old-stays',
    // By that reload of which the file names the user no more. A key that it no longer names only stays out next time.
    disconnect: 'on-reload',
  },
  installation: {
    directory: '/etc/signet/nats',
    state: '/run/signet-nats',
    user: 'nats',
    group: 'nats',
    port: 4222,
    unit: { name: 'nats-server', from: 'package', startsAs: 'user' },
    image: 'nats:2.10',
    imageUid: 0,
  },
  generate,
  lint,
  nameOf: ({ uri }) => uri,
}

function generate(plan: ServerPlan): ServerConfiguration {
  const { directory, state, admitted, versions } = plan
  const pins = admitted.map((one) => one.pins)
  const isPinned = pins.some((of) => of !== undefined)
  const { files, notes } = brokerFiles(plan, 'nats', 'NATS', isPinned ? { pins: pins.flatMap((of) => of ?? []) } : {})
  const [program, pidFile] = [['nats-server', '-c', `${directory}/signet.conf`], `${state}/nats.pid`]
  return {
    files,
    start: [...program, '-P', pidFile],
    test: [...program, '-t'],
    reload: [['nats-server', '--signal', `reload=${pidFile}`]],
    reloadSignal: 'HUP',
    notes: [
      ...notes,
      isPinned ? PINNED : UNPINNED,
      ...(versions === 'TLSv1.3' ? ['NATS 2.9 speaks TLS 1.2, too: it knows no least version'] : []),
    ],
  }
}

const PINNED =
  'only keys that are named in pinned_certs come in: write the configuration again, and reload, after each revocation and before a renewed certificate is used'
const UNPINNED =
  'a certificate that was revoked, of an entity that stays, is let in until it is over: name the keys that may come in (pinned_certs)'

/** Values may be quoted; a quoted `"false"` is a text, which nats-server refuses for a switch, and other programs believe. */
function lint(texts: ConfigTexts): readonly ConfigFinding[] {
  const settings = settingsOf(texts, { comment: /#|\/\//, separator: /\s*[:=]\s*|\s+(?=[{[])|\s+/ })
  const [verify, mapped] = ['verify', 'verify_and_map'].map((key) => lastOf(settings, key))
  const tls = settings.find(({ key }) => key === 'tls')
  const findings: ConfigFinding[] = settings
    .filter(
      ({ key, text }) =>
        /^(?:verify|verify_and_map|insecure)$/.test(key) && /["'](?:true|false|yes|no|on|off)["']/i.test(text),
    )
    .map((setting) =>
      finding(setting, 'hole', 'string-boolean', `${setting.text}: a text, not yes or no`, 'write it without quotes'),
    )
  if (tls === undefined)
    findings.push(finding(texts, 'hole', 'clear-text', 'there is no block tls', 'tls { verify_and_map: true … }'))
  else if (!isYes(mapped)) {
    findings.push(
      isYes(verify)
        ? finding(
            verify ?? tls,
            'hole',
            'anybody-certified',
            'certificates are verified, but are nobody’s',
            'verify_and_map: true',
          )
        : finding(
            mapped ?? verify ?? tls,
            'hole',
            'verification-absent',
            'clients need no certificate',
            'verify_and_map: true',
          ),
    )
  }
  for (const setting of settings) {
    if (setting.key === 'insecure' && isYes(setting)) {
      const message = 'the certificate at the other end of a route or leaf node is not looked at'
      findings.push(finding(setting, 'hole', 'host-unchecked', message, 'insecure: false'))
    }
    if (setting.key === 'allow_non_tls' && isYes(setting)) {
      findings.push(finding(setting, 'hole', 'clear-text', 'clients may come without TLS', 'allow_non_tls: false'))
    }
    if (/^(?:http|http_port|monitor_port)$/.test(setting.key) && !isLoopback(setting.value.replace(/:[0-9]+$/, ''))) {
      const message = 'the monitoring port has neither TLS nor users'
      findings.push(finding(setting, 'hole', 'clear-text', message, 'http: "127.0.0.1:8222"'))
    }
  }
  if (tls !== undefined && !settings.some(({ key }) => /^(?:pinned_certs|ocsp_peer)$/.test(key))) {
    const message = 'NATS reads no CRLs: who was revoked comes in until the certificate is over'
    findings.push(finding(tls, 'note', 'revocation-absent', message, 'pinned_certs: [SHA-256 of public keys]'))
  }
  return findings
}

function isYes(setting: Setting | undefined): boolean {
  return /^(?:true|yes|on)\b/i.test(setting?.value ?? '')
}
