/**
 * What in postgresql.conf, pg_hba.conf, or a service file of clients lets somebody in.
 *
 * @module servers/postgresql-lint (floor 7.2)
 */
import type { ConfigFinding } from './finding.js'
import type { ConfigTexts } from './server.js'
import { isLoopback } from './lint-words.js'
import { finding, lastOf, type Setting, settingsOf } from './settings.js'

/** Read the settings, then each line of pg_hba.conf, then those of clients. Roles' passwords and rights are not looked at. */
export function lintPostgresql(texts: ConfigTexts): readonly ConfigFinding[] {
  const of = (pick: (file: string) => boolean): ConfigTexts => new Map([...texts].filter(([file]) => pick(file)))
  const hosts = of((file) => /hba[^/]*\.conf$/.test(file))
  const clients = of((file) => /service[^/]*\.conf$/.test(file))
  const main = of((file) => /\.conf$/.test(file) && !/(?:hba|service|ident)[^/]*\.conf$/.test(file))
  return [
    ...(main.size === 0 ? [] : mainFindings(main)),
    ...settingsOf(hosts).flatMap(hostFindings),
    ...settingsOf(clients).flatMap(clientFindings),
  ]
}

function mainFindings(texts: ConfigTexts): readonly ConfigFinding[] {
  const settings = settingsOf(texts)
  const findings: ConfigFinding[] = []
  const [ssl, ca, version] = ['ssl', 'ssl_ca_file', 'ssl_min_protocol_version'].map((key) => lastOf(settings, key))
  const hasCrls = ['ssl_crl_file', 'ssl_crl_dir'].some((key) => (lastOf(settings, key)?.value ?? '') !== '')
  if (ssl === undefined || !/^(?:on|true|yes|1)$/i.test(ssl.value)) {
    findings.push(finding(ssl ?? texts, 'hole', 'clear-text', 'TLS is off', 'ssl = on'))
  }
  if (ca === undefined || ca.value === '') {
    const message = 'there is no CA whose certificates clients could show'
    findings.push(
      finding(ca ?? texts, 'hole', 'verification-absent', message, "ssl_ca_file = '…/current/ca-bundle.pem'"),
    )
  }
  if (!hasCrls) {
    const message = 'revoked certificates are let in'
    findings.push(finding(texts, 'hole', 'revocation-absent', message, "ssl_crl_dir = '…/current/crls'"))
  }
  if (version !== undefined && /^TLSv1(?:\.1)?$/i.test(version.value)) {
    const message = `${version.value} is allowed`
    findings.push(finding(version, 'hole', 'weak-protocol', message, "ssl_min_protocol_version = 'TLSv1.2'"))
  }
  return findings
}

const CERT = 'hostssl all all all cert clientname=DN map=NAME'

/** `type database user address [mask] method [options]`. */
function hostFindings(setting: Setting): readonly ConfigFinding[] {
  const words = setting.text.split(/\s+/)
  const [type = '', , , address = '', fifth = ''] = words
  if (type === 'local') {
    if (address !== 'trust') return []
    const message = 'whoever is on this machine is whoever they say'
    return [finding(setting, 'hole', 'verification-absent', message, 'local all all peer')]
  }
  if (!type.startsWith('host')) return []
  const [method = '', ...options] = words.slice(/^[0-9.]+$/.test(fifth) ? 5 : 4)
  if (method === 'reject' || isLoopback(address.replace(/\/(?:32|128)$/, ''))) return []
  return [
    ...(type === 'hostssl'
      ? []
      : [finding(setting, 'hole', 'clear-text', `${type} also lets connections in that have no TLS`, CERT)]),
    ...methodFindings(setting, method, options),
  ]
}

function methodFindings(setting: Setting, method: string, options: readonly string[]): readonly ConfigFinding[] {
  if (method === 'cert') {
    if (options.some((option) => option.toLowerCase() === 'clientname=dn')) return []
    const message = 'only the common name counts: somebody of another service or deployment may have the same'
    return [finding(setting, 'note', 'anybody-certified', message, CERT)]
  }
  const findings: ConfigFinding[] = []
  if (options.includes('clientcert=verify-ca')) {
    const message = 'whoever has any certificate may be any role'
    findings.push(finding(setting, 'hole', 'anybody-certified', message, CERT))
  } else if (!options.includes('clientcert=verify-full')) {
    findings.push(finding(setting, 'hole', 'verification-absent', `${method} asks for no certificate`, CERT))
  }
  if (!/^(?:ident|peer|gss|sspi)$/.test(method) && options.some((option) => option.startsWith('map='))) {
    const message = `map is not for ${method}: PostgreSQL refuses the whole file, and at a reload keeps the old one`
    findings.push(finding(setting, 'outage', 'verification-absent', message, CERT))
  }
  return findings
}

function clientFindings(setting: Setting): readonly ConfigFinding[] {
  const { key, value } = setting
  if (key !== 'sslmode' || value === 'verify-full') return []
  const message = `with ${value} nobody asks whether this is the server`
  const code = value === 'verify-ca' ? 'host-unchecked' : 'verification-absent'
  return [finding(setting, 'hole', code, message, 'sslmode=verify-full')]
}
