/**
 * What in etcd's environment, flags or YAML lets somebody in.
 *
 * @module servers/etcd-lint (floor 7.2)
 */
import type { ConfigFinding } from './finding.js'
import type { ConfigTexts } from './server.js'
import { isLoopback } from './lint-words.js'
import { finding, type Setting, settingsOf } from './settings.js'

/** The blocks of YAML by the prefix that flags have for the same. */
const BLOCKS: Readonly<Record<string, string>> = { client_transport_security: '', peer_transport_security: 'peer_' }

/** `ETCD_CERT_FILE=x`, `--cert-file x`, and `cert-file: x` in a block, as one. Whether `auth enable` was said is not in files. */
export function lintEtcd(texts: ConfigTexts): readonly ConfigFinding[] {
  const settings = flagsOf(texts)
  const of = (key: string): Setting | undefined => settings.findLast((setting) => setting.key === key)
  const findings: ConfigFinding[] = []
  for (const key of ['listen_client_urls', 'listen_peer_urls', 'listen_metrics_urls'])
    findings.push(...clearText(of(key)))
  const client = of('listen_client_urls')
  for (const [prefix, whom] of [
    ['', 'clients'],
    ['peer_', 'members'],
  ] as const) {
    const uses = prefix === '' ? client : of('listen_peer_urls')
    if (!/https:/.test(uses?.value ?? '')) continue
    const auth = of(`${prefix}client_cert_auth`)
    const hint = `--${prefix.replace('_', '-')}client-cert-auth`
    if (auth !== undefined && /^["']/.test(rawValue(auth)) && auth.text.includes(':')) {
      findings.push(
        finding(auth, 'hole', 'string-boolean', `${auth.text}: a text, not yes or no`, `${hint}, without quotes`),
      )
    }
    if (!/^(?:true|1|)$/i.test(auth?.value ?? 'false')) {
      findings.push(finding(auth ?? texts, 'hole', 'verification-absent', `${whom} need no certificate`, hint))
    }
    const auto = of(`${prefix}auto_tls`)
    if (/^(?:true|1|)$/i.test(auto?.value ?? 'false')) {
      const message = 'certificates are made up at each start, which nobody can verify'
      findings.push(
        finding(auto ?? texts, 'hole', 'host-unchecked', message, `--${prefix.replace('_', '-')}cert-file …`),
      )
    }
    if ([`${prefix}crl_file`, `${prefix}client_crl_file`].every((key) => of(key) === undefined)) {
      const flag = prefix === '' ? '--client-crl-file' : '--peer-crl-file'
      findings.push(
        finding(
          texts,
          'hole',
          'revocation-absent',
          `revoked certificates of ${whom} are let in`,
          `${flag} …/current/crls.pem`,
        ),
      )
    }
  }
  return findings
}

function clearText(setting: Setting | undefined): readonly ConfigFinding[] {
  const urls = setting?.value.split(',').map((url) => url.trim()) ?? []
  const open = urls.filter((url) => /^http:/.test(url) && !isLoopback(url.replace(/^http:\/\/|:[0-9]+$/g, '')))
  if (setting === undefined || open.length === 0) return []
  return [finding(setting, 'hole', 'clear-text', `${open.join(', ')} has no TLS`, 'https://…')]
}

function flagsOf(texts: ConfigTexts): readonly Setting[] {
  let block = ''
  return settingsOf(texts, { separator: /\s*=\s*|:(?:\s+|$)|(?<=^\S+)\s+(?=\S)/ }).flatMap((setting) => {
    if (setting.text.includes(' --') || setting.text.startsWith('--')) return wordsOf(setting)
    const key = setting.key.replace(/^(?:environment_|export\s+)?etcd_/, '')
    if (key in BLOCKS) block = BLOCKS[key] ?? ''
    else if (/^(?:listen|name|data_dir|initial|advertise)/.test(key)) block = ''
    return [{ ...setting, key: `${block}${key}` }]
  })
}

/** A command line: `ExecStart=/usr/bin/etcd --client-cert-auth --cert-file=x`, or a piece of one. */
function wordsOf(setting: Setting): readonly Setting[] {
  return [...setting.text.matchAll(/--([a-z-]+)(?:=|\s+(?!-))?([^\s\\]*)/g)].map(([, name = '', value = '']) => ({
    ...setting,
    key: name.replaceAll('-', '_'),
    value: value.replace(/^(["'])(.*)\1$/, '$2'),
  }))
}

function rawValue({ text }: Setting): string {
  return text.replace(/^[^:]*:\s*/, '')
}
