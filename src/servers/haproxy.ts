/**
 * HAProxy: clients by the subject of their certificate, looked up in map files, told to the backend in headers.
 *
 * @module servers/haproxy (floor 7.2)
 */
import { subjectText } from '../brokers/index.js'
import { backendOf, refuseAdmitted } from './checks.js'
import { lintHaproxy } from './haproxy-lint.js'
import type { Admitted, Backend, ServerPlan, SniRoute } from './plan.js'
import { credentialFilesOf, hostPort, IDENTITY_HEADERS, modeText, publicFile } from './render.js'
import type { GeneratedFile, ServerConfiguration, ServerKind } from './server.js'

export const HAPROXY: ServerKind = {
  name: 'haproxy',
  title: 'HAProxy',
  role: 'proxy',
  facts: {
    version: '2.6.12',
    profile: 'server',
    identity: 'subject',
    crls: 'every-ca',
    crlsCount: 'on-reload',
    brokenPair: 'old-stays',
    disconnect: 'on-reload',
  },
  installation: {
    directory: '/etc/signet/haproxy',
    state: '/run/signet-haproxy',
    user: 'haproxy',
    group: 'haproxy',
    port: 8443,
    unit: { name: 'haproxy', from: 'package', type: 'notify', startsAs: 'root' },
    image: 'haproxy:3.2',
    imageUid: 99,
  },
  generate,
  lint: lintHaproxy,
  nameOf: ({ entity }) => entity,
}

/** What the maps hold, by the subjects of certificates. */
const MAPS: Readonly<Record<keyof typeof IDENTITY_HEADERS, (admitted: Admitted) => string>> = {
  entity: ({ entity }) => entity,
  uri: ({ uri }) => uri,
  roles: ({ roles }) => roles.join(','),
}

function generate(plan: ServerPlan): ServerConfiguration {
  const backend = backendOf(plan)
  const pidFile = `${plan.state}/haproxy.pid`
  const isOpened = backend.kind !== 'passthrough'
  const content = `# Written by signet. haproxy -c -f this; SIGUSR2 to the master reads it and the files of the credential again.
global
  log stderr format raw daemon notice
  user ${plan.user}
  group ${plan.group}
  # Who is connected while it reloads keeps what was true before: for so long, and no longer.
  hard-stop-after 10s
  ssl-default-bind-options ssl-min-ver ${version(plan)} no-tls-tickets
  ssl-default-bind-ciphers ECDHE+AESGCM:ECDHE+CHACHA20
  # Whoever resumes a session is not asked for a certificate again, and stays whom a CRL lists.
  tune.ssl.cachesize 0

defaults
  log global
  timeout connect 10s
  timeout client 60s
  timeout server 60s
  timeout http-request 10s

${isOpened ? opened(plan, backend) : passthrough(plan, backend.routes)}`
  const file = publicFile(plan, 'haproxy.cfg', content)
  return {
    files: [file, ...(isOpened ? identityMaps(plan) : [routeMap(plan, backend.routes)])],
    start: ['haproxy', '-Ws', '-f', file.path, '-p', pidFile],
    test: ['haproxy', '-c', '-f', file.path],
    reload: [['pkill', '-USR2', '-F', pidFile]],
    reloadSignal: 'USR2',
    notes: [
      ...(isOpened ? [] : ['it opens nothing: the servers behind it say who comes in']),
      'new CRLs by the stats socket (commit ssl crl-file) count only with the resumption that is turned off here',
    ],
  }
}

function opened(plan: ServerPlan, backend: Exclude<Backend, { kind: 'passthrough' }>): string {
  const { combined, caBundle, crls } = credentialFilesOf(plan.credential)
  const headers = Object.entries(IDENTITY_HEADERS).map(
    ([name, header]) => `  http-request set-header ${header} %[${look(plan, name)}]\n`,
  )
  return `frontend signet
  mode http
  # It wants a CRL of every CA of the path.
  bind ${place(plan)} ssl crt ${combined} ca-file ${caBundle} crl-file ${crls} verify required
  # A key of a map ends at the first blank: subjects are looked up with theirs encoded.
  http-request set-var(txn.signet_subject) ssl_c_s_dn(,0,rfc2253),url_enc
  http-request deny deny_status 403 unless { ${look(plan, 'entity')} -m found }
  # Nothing of these names comes from the client, nor of names that some backends take for the same.
  http-request del-header ^x[-_]signet[-_] -m reg
${headers.join('')}  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Proto https
  default_backend signet

backend signet
  mode http
${server(plan, backend)}`
}

function look({ directory }: ServerPlan, name: string): string {
  return `var(txn.signet_subject),map_str(${directory}/${name}.map)`
}

function server(plan: ServerPlan, backend: Exclude<Backend, { kind: 'passthrough' }>): string {
  if (backend.kind === 'loopback') return `  server backend 127.0.0.1:${backend.port}\n`
  if (backend.kind === 'socket') return `  server backend unix@${backend.path}\n`
  const { combined, caBundle, crls } = credentialFilesOf(backend.credential)
  const { host, port, name } = backend
  return `  # Encrypted again: with a certificate of the inner domain, and only to who has the name there.
  server backend ${hostPort(host, port)} ssl verify required verifyhost ${name} sni str(${name}) ca-file ${caBundle} crl-file ${crls} crt ${combined} ssl-min-ver ${version(plan)} no-ssl-reuse
`
}

function passthrough(plan: ServerPlan, routes: readonly SniRoute[]): string {
  refuseAdmitted(plan)
  const wanted = `req.ssl_sni,lower,map_str(${plan.directory}/routes.map)`
  const backends = routes.map(
    (route, index) => `
backend signet_${index}
  mode tcp
${routed(route)}`,
  )
  return `frontend signet
  mode tcp
  bind ${place(plan)}
  # Whoever names no server, or another, or does not speak TLS, is disconnected.
  tcp-request inspect-delay 5s
  tcp-request content reject if { req.ssl_hello_type 1 } !{ ${wanted} -m found }
  tcp-request content accept if { req.ssl_hello_type 1 }
  tcp-request content reject
  use_backend %[${wanted}]
${backends.join('')}`
}

function routed({ host, port, replicas = [] }: SniRoute): string {
  if (replicas.length === 0) return `  server backend ${hostPort(host, port)}\n`
  const servers = [{ host, port }, ...replicas].map(
    (place, index) => `  server backend_${index} ${hostPort(place.host, place.port)} check\n`,
  )
  return `  balance roundrobin
  option redispatch
  # Whoever resumes a session of TLS 1.2 by its id comes back to the server that has it. An id is 32 octets, its length is at
  # octet 43 of either hello; an empty one, as with tickets, is nobody's. Those of TLS 1.3 are made up anew each time.
  stick-table type binary len 32 size 100k expire 30m
  tcp-response inspect-delay 5s
  tcp-response content accept if { res.ssl_hello_type 2 }
  stick on req.payload_lv(43,1) if { req.ssl_hello_type 1 } { req.payload(43,1) -m bin 20 }
  stick store-response res.payload_lv(43,1) if { res.ssl_hello_type 2 } { res.payload(43,1) -m bin 20 }
${servers.join('')}`
}

function identityMaps(plan: ServerPlan): readonly GeneratedFile[] {
  return Object.entries(MAPS).map(([name, value]) => {
    // An empty value would end the line where HAProxy wants one.
    const lines = plan.admitted.map((one) => `${encodeURIComponent(subjectText(one.subject))} ${value(one) || '-'}\n`)
    return publicFile(
      plan,
      `${name}.map`,
      `# Written by signet: subjects of certificates, percent-encoded.\n${lines.join('')}`,
    )
  })
}

function routeMap(plan: ServerPlan, routes: readonly SniRoute[]): GeneratedFile {
  const lines = routes.map(({ serverName }, index) => `${serverName} signet_${index}\n`)
  return publicFile(
    plan,
    'routes.map',
    `# Written by signet: names of servers, and the backends that have them.\n${lines.join('')}`,
  )
}

/** A Unix socket with its owner and mode: HAProxy sets them before it lets anybody in. */
function place({ listen }: ServerPlan): string {
  if (!('socket' in listen)) return hostPort(listen.address, listen.port)
  const { socket, mode, owner, group } = listen
  return `unix@${socket} mode ${modeText(mode).slice(1)} user ${owner} group ${group}`
}

function version({ versions }: ServerPlan): string {
  return versions === 'TLSv1.3' ? 'TLSv1.3' : 'TLSv1.2'
}
