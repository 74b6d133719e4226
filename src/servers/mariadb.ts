/**
 * MariaDB: one account for everybody, bound to the whole subject of their certificate.
 *
 * @module servers/mariadb (floor 7.2)
 */
import type { Subject } from '../brokers/index.js'
import { endpointOf } from './endpoint.js'
import type { ServerPlan } from './plan.js'
import type { ConfigFinding } from './finding.js'
import { credentialFilesOf, publicFile } from './render.js'
import type { ConfigTexts, ServerConfiguration, ServerKind } from './server.js'
import { finding, lastOf, type Setting, settingsOf } from './settings.js'

export const MARIADB: ServerKind = {
  name: 'mariadb',
  title: 'MariaDB',
  role: 'service',
  facts: {
    version: '10.11',
    profile: 'server',
    identity: 'subject',
    crls: 'every-ca',
    crlsCount: 'on-reload',
    brokenPair: 'old-stays',
    // Not 'user'@'address': the address stands there as the name that it was resolved to.
    disconnect: ['mariadb', '--socket={state}/mysqld.sock', '-e', "kill user '{entity}'"],
  },
  installation: {
    directory: '/etc/signet/mariadb',
    state: '/var/lib/mysql',
    user: 'mysql',
    group: 'mysql',
    port: 3306,
    unit: { name: 'mariadb', from: 'package', type: 'notify', startsAs: 'user' },
    image: 'mariadb:10.11',
    imageUid: 999,
  },
  generate,
  lint,
  nameOf: ({ entity }) => `${entity}@%`,
}

/** First RDN first. None of the parts has a character that is escaped there. */
export function oneLineSubject({ organization, organizationalUnit, commonName }: Subject): string {
  return `/O=${organization}/OU=${organizationalUnit}/CN=${commonName}`
}

function generate(plan: ServerPlan): ServerConfiguration {
  const { directory, state } = plan
  return {
    files: [
      publicFile(plan, 'mariadb.cnf', mainPart(plan)),
      publicFile(plan, 'accounts.sql', accounts(plan)),
      publicFile(plan, 'client/client.cnf', clientPart(plan)),
    ],
    start: ['mariadbd', `--defaults-file=${directory}/mariadb.cnf`],
    reload: [['mariadb', `--socket=${state}/mysqld.sock`, '-e', 'flush ssl']],
    notes: NOTES,
  }
}

function versionsOf({ versions }: ServerPlan): string {
  return versions === 'TLSv1.3' ? 'TLSv1.3' : 'TLSv1.2,TLSv1.3'
}

function mainPart(plan: ServerPlan): string {
  const { fullchain, key, caBundle, crls } = credentialFilesOf(plan.credential)
  const { address, port } = endpointOf(plan, 'MariaDB')
  return `# Written by signet. Enough to start with; or, as 60-signet.cnf, in /etc/mysql/mariadb.conf.d.
[mariadbd]
user = ${plan.user}
datadir = ${plan.state}
socket = ${plan.state}/mysqld.sock
pid_file = ${plan.state}/mysqld.pid
bind_address = ${address}
port = ${port}
ssl_cert = ${fullchain}
ssl_key = ${key}
ssl_ca = ${caBundle}
# The CRLs of every CA: without one of them nobody is let in, and without the file the server does not start.
ssl_crl = ${crls}
tls_version = ${versionsOf(plan)}
# Otherwise an account that requires nothing could come without TLS.
require_secure_transport = on
`
}

function accounts({ admitted, issuer }: ServerPlan): string {
  const whose = issuer === undefined ? '' : ` and issuer ${sqlText(issuer)}`
  return `-- Written by signet, for mariadb: makes accounts, removes none, and says nothing of what they may do.
-- Only a whole subject is one service's: REQUIRE X509, or ISSUER alone, would let everybody in who has a certificate.
${admitted
  .map(({ entity, subject }) => {
    const account = `'${entity}'@'%'`
    const required = `require subject ${sqlText(oneLineSubject(subject))}${whose}`
    return `create user if not exists ${account} ${required};\nalter user ${account} ${required};\n`
  })
  .join('')}`
}

function sqlText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
}

/** For whoever connects, with the credential directory of the client. */
function clientPart(plan: ServerPlan): string {
  const { fullchain, key, caBundle, crls } = credentialFilesOf('/etc/signet/tls')
  return `# Written by signet, for clients: mariadb --defaults-extra-file=this --host=NAME --user=ENTITY
[client]
protocol = tcp
port = ${endpointOf(plan, 'MariaDB').port}
ssl_ca = ${caBundle}
ssl_cert = ${fullchain}
ssl_key = ${key}
ssl_crl = ${crls}
ssl_verify_server_cert = on
tls_version = ${versionsOf(plan)}
`
}

const NOTES: readonly string[] = [
  'FLUSH SSL takes up key, certificate, CAs and CRLs; SIGHUP does not',
  'the client says which account it wants, the account says which subject may have it: who is refused hears of error 1045, access denied',
  'accounts that name an issuer lock everybody out when the issuing CA is replaced, unless they are written again before',
  'the key is read as the user of the server: let it be a reader of the credential directory',
  'connections survive revocation: KILL USER ends those of one account',
  'where a CRL is over, or that of one CA of the path is missing, nobody is let in',
]

const REQUIRE = "require subject '/O=…/OU=…/CN=…'"

/** Settings, then accounts (`create user`, `alter user`, `grant`) of scripts. Passwords and rights are not looked at. */
function lint(texts: ConfigTexts): readonly ConfigFinding[] {
  const scripts = [...texts].filter(([file]) => file.endsWith('.sql'))
  const settings = settingsOf(new Map([...texts].filter(([file]) => !file.endsWith('.sql'))), { comment: /[#;]/ })
  const isServer = settings.some(({ text }) => /^\[(?:mysqld|mariadbd|server)[^\]]*\]/.test(text))
  return [
    ...(isServer ? serverFindings(texts, settings) : []),
    ...settings.flatMap(clientFindings),
    ...scripts.flatMap(([file, script]) => accountFindings(file, script)),
  ]
}

function serverFindings(texts: ConfigTexts, settings: readonly Setting[]): readonly ConfigFinding[] {
  const [secure, ca, version] = ['require_secure_transport', 'ssl_ca', 'tls_version'].map((key) =>
    lastOf(settings, key),
  )
  const findings: ConfigFinding[] = []
  if (!/^(?:on|1|true)$/i.test(secure?.value ?? '')) {
    const message = 'connections without TLS are let in'
    findings.push(finding(secure ?? texts, 'hole', 'clear-text', message, 'require_secure_transport = on'))
  }
  if (ca === undefined) {
    const message = 'there is no CA whose certificates clients could show'
    findings.push(finding(texts, 'hole', 'verification-absent', message, 'ssl_ca = …/current/ca-bundle.pem'))
  }
  if (!['ssl_crl', 'ssl_crlpath'].some((key) => lastOf(settings, key) !== undefined)) {
    const message = 'revoked certificates are let in'
    findings.push(finding(texts, 'hole', 'revocation-absent', message, 'ssl_crl = …/current/crls.pem'))
  }
  if (version !== undefined && /TLSv1\.[01]\b|TLSv1(?:,|$)/.test(version.value)) {
    findings.push(
      finding(version, 'hole', 'weak-protocol', `${version.value} is allowed`, 'tls_version = TLSv1.2,TLSv1.3'),
    )
  }
  return findings
}

function clientFindings(setting: Setting): readonly ConfigFinding[] {
  const isOff = setting.key === 'ssl_verify_server_cert' && /^(?:0|off|false)$/i.test(setting.value)
  if (!isOff && setting.key !== 'disable_ssl_verify_server_cert' && setting.key !== 'skip_ssl_verify_server_cert')
    return []
  const message = 'nobody asks whether this is the server'
  return [finding(setting, 'hole', 'host-unchecked', message, 'ssl_verify_server_cert = on')]
}

function accountFindings(file: string, script: string): readonly ConfigFinding[] {
  const bare = script.replaceAll(/--[^\n]*|#[^\n]*/g, (comment) => ' '.repeat(comment.length))
  return [...bare.matchAll(/\b(?:create|alter)\s+user\b[^;]*/gi)].flatMap((match) => {
    const [statement] = match
    const where = { file, line: bare.slice(0, match.index).split('\n').length }
    if (/\brequire\b.*\bsubject\b/is.test(statement)) return []
    if (/\brequire\s+(?:x509|issuer|cipher)\b/i.test(statement)) {
      const message = 'whoever has any certificate may use this account'
      return [finding(where, 'hole', 'anybody-certified', message, REQUIRE)]
    }
    if (/@\s*'?localhost\b|\bunix_socket\b/i.test(statement)) return []
    return [finding(where, 'hole', 'verification-absent', 'this account needs no certificate', REQUIRE)]
  })
}
