/**
 * PostgreSQL: everybody logs in as the role of their own id, to which the whole subject of their certificate is mapped.
 *
 * @module servers/postgresql (floor 7.2)
 */
import { subjectText } from '../brokers/index.js'
import { endpointOf } from './endpoint.js'
import type { ServerPlan } from './plan.js'
import { lintPostgresql } from './postgresql-lint.js'
import { credentialFilesOf, publicFile, secretFile } from './render.js'
import type { ServerConfiguration, ServerKind } from './server.js'

/** Where Debian has the programs of the server, which are not those of everybody. */
const PROGRAMS = '/usr/lib/postgresql/15/bin'

export const POSTGRESQL: ServerKind = {
  name: 'postgresql',
  title: 'PostgreSQL',
  role: 'service',
  facts: {
    version: '15',
    profile: 'server',
    identity: 'subject',
    crls: 'every-ca',
    // Each connection is a process of its own, which looks into the folder of CRLs anew.
    crlsCount: 'at-once',
    brokenPair: 'old-stays',
    disconnect: [
      ...['runuser', '-u', 'postgres', '--', 'psql', '-h', '{state}', '-p', '{port}', '-XqtAc'],
      "select pg_terminate_backend(pid) from pg_stat_ssl where client_serial = {serial} and issuer_dn = '{issuer}'",
      'postgres',
    ],
  },
  installation: {
    directory: '/etc/signet/postgresql',
    state: '/var/lib/postgresql/15/main',
    user: 'postgres',
    group: 'postgres',
    port: 5432,
    unit: { name: 'signet-postgresql', from: 'own', type: 'notify', startsAs: 'user' },
    image: 'postgres:15',
    imageUid: 999,
  },
  generate,
  lint: lintPostgresql,
  nameOf: ({ entity }) => entity,
}

function generate(plan: ServerPlan): ServerConfiguration {
  const { directory, state, user, admitted } = plan
  const { port } = endpointOf(plan, 'PostgreSQL')
  return {
    files: [
      publicFile(plan, 'postgresql.conf', mainPart(plan)),
      secretFile(plan, 'pg_hba.conf', hostBased(user)),
      secretFile(
        plan,
        'pg_ident.conf',
        `# Written by signet. Map, subject of the certificate (RFC 2253), role.
${admitted.map(({ entity, subject }) => `signet "${subjectText(subject)}" "${entity}"\n`).join('')}`,
      ),
      publicFile(plan, 'roles.sql', roles(admitted.map(({ entity }) => entity))),
      publicFile(plan, 'client/pg_service.conf', clientPart(port, versionOf(plan))),
    ],
    start: [`${PROGRAMS}/postgres`, '-D', state, '-c', `config_file=${directory}/postgresql.conf`],
    reload: [['runuser', '-u', user, '--', `${PROGRAMS}/pg_ctl`, 'reload', '-s', '-D', state]],
    reloadSignal: 'HUP',
    notes: NOTES,
  }
}

function versionOf({ versions }: ServerPlan): string {
  return versions === 'TLSv1.3' ? 'TLSv1.3' : 'TLSv1.2'
}

function mainPart(plan: ServerPlan): string {
  const { fullchain, key, caBundle, crlFolder } = credentialFilesOf(plan.credential)
  const { address, port } = endpointOf(plan, 'PostgreSQL')
  return `# Written by signet. Enough to start with; or, at the end of another postgresql.conf: include '${plan.directory}/postgresql.conf'
data_directory = '${plan.state}'
hba_file = '${plan.directory}/pg_hba.conf'
ident_file = '${plan.directory}/pg_ident.conf'
listen_addresses = '${address}'
port = ${port}
unix_socket_directories = '${plan.state}'
ssl = on
ssl_cert_file = '${fullchain}'
ssl_key_file = '${key}'
ssl_ca_file = '${caBundle}'
# A folder, not a file: a new CRL counts for the next connection, without a reload. There must be one of every CA.
ssl_crl_dir = '${crlFolder}'
ssl_min_protocol_version = '${versionOf(plan)}'
ssl_prefer_server_ciphers = on
`
}

/** What no line says is refused. */
function hostBased(user: string): string {
  return `# Written by signet. Who comes over TLS with a certificate is whom pg_ident.conf says; nobody else comes in.
# TYPE  DATABASE  USER  ADDRESS  METHOD
local   all       ${user}  peer
hostssl all       all   all      cert clientname=DN map=signet
`
}

function roles(names: readonly string[]): string {
  return `-- Written by signet, for psql -f: makes roles, removes none, and says nothing of what they may do.
${names
  .map(
    (name) =>
      `select 'create role "${name}" login' where not exists (select from pg_roles where rolname = '${name}') \\gexec\n`,
  )
  .join('')}`
}

/** For whoever connects, with the credential directory of the client. */
function clientPart(port: number, version: string): string {
  const { fullchain, key, caBundle, crlFolder } = credentialFilesOf('/etc/signet/tls')
  return `# Written by signet, for clients: PGSERVICEFILE=this psql "service=signet host=NAME dbname=NAME user=ENTITY"
# The host's name must be in the server's certificate. libpq refuses a key that others may read.
[signet]
port=${port}
sslmode=verify-full
sslrootcert=${caBundle}
sslcert=${fullchain}
sslkey=${key}
sslcrldir=${crlFolder}
ssl_min_protocol_version=${version}
gssencmode=disable
`
}

const NOTES: readonly string[] = [
  'the roles are made by roles.sql; the folder of data by initdb, as the user of the server',
  'an error in pg_hba.conf leaves the old one in force, and only the log says so: select * from pg_hba_file_rules where error is not null',
  'the key must have the mode 0600 and belong to the user of the server, or 0640 and belong to root: let the user be a reader of the credential directory',
  'new certificates, keys and CAs count after a reload; connections survive revocation until they are ended by serial number and issuer',
  'where a CRL is over, or that of one CA of the path is missing, nobody is let in',
]
