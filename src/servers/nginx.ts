/**
 * nginx: clients by the subject of their certificate, told to the backend in headers.
 *
 * @module servers/nginx (floor 7.2)
 */
import { dirname } from 'node:path'
import { subjectText } from '../brokers/index.js'
import { backendOf, invalid, refuseAdmitted, refuseReplicas } from './checks.js'
import { lintNginx } from './nginx-lint.js'
import type { Backend, ServerPlan } from './plan.js'
import { credentialFilesOf, hostPort, IDENTITY_HEADERS, indented, modeText, publicFile } from './render.js'
import type { GeneratedFile, ServerConfiguration, ServerKind } from './server.js'

export const NGINX: ServerKind = {
  name: 'nginx',
  title: 'nginx',
  role: 'proxy',
  facts: {
    version: '1.22.1',
    profile: 'server',
    identity: 'subject',
    crls: 'every-ca',
    crlsCount: 'on-reload',
    brokenPair: 'old-stays',
    disconnect: 'on-reload',
  },
  installation: {
    directory: '/etc/signet/nginx',
    state: '/run/signet-nginx',
    user: 'www-data',
    group: 'www-data',
    port: 8443,
    unit: { name: 'nginx', from: 'package', startsAs: 'root' },
    image: 'nginx:1.28',
    imageUid: 0,
  },
  generate,
  lint: lintNginx,
  nameOf: ({ entity }) => entity,
}

function generate(plan: ServerPlan): ServerConfiguration {
  const { state, user, group } = plan
  const backend = backendOf(plan)
  const isOpened = backend.kind !== 'passthrough'
  const content = `# Written by signet. nginx -t -c this; nginx -s reload reads it and the files of the credential again.
user ${user} ${group};
pid ${state}/nginx.pid;
daemon off;
worker_processes auto;
error_log stderr notice;
# Who is connected while it reloads keeps what was true before: for so long, and no longer.
worker_shutdown_timeout 10s;
${isOpened ? '' : '# The stream module, where it is not built in.\ninclude /etc/nginx/modules-enabled/*.conf;\n'}
events {}

${isOpened ? http(plan, backend) : stream(plan, backend)}`
  const file = publicFile(plan, 'nginx.conf', content)
  const nginx = ['nginx', '-e', 'stderr', '-c', file.path] as const
  return {
    files: [file, ...socketFolder(plan)],
    start: nginx,
    test: [...nginx, '-t'],
    reload: [[...nginx, '-s', 'reload']],
    reloadSignal: 'HUP',
    notes: [
      ...(isOpened ? [] : ['it opens nothing: the servers behind it say who comes in']),
      'a reload that fails is only told in the log: run the test before it',
    ],
  }
}

type OpenedBackend = Exclude<Backend, { kind: 'passthrough' }>

function http(plan: ServerPlan, backend: OpenedBackend): string {
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `  ${name}_temp_path ${plan.state}/${name};\n`,
  )
  const { fullchain, key, caBundle, crls } = credentialFilesOf(plan.credential)
  return `http {
  server_tokens off;
  access_log off;
  client_header_timeout 10s;
  # Names with underscores are the same to some backends: they never arrive.
  underscores_in_headers off;
  ignore_invalid_headers on;
  map_hash_max_size 65536;
  map_hash_bucket_size 512;
${folders.join('')}
  # Who they are. A map does not tell capitals apart, so it yields the subject itself, which is compared below.
${subjectMap(plan, 'subject', ({ subject }) => subjectText(subject))}
${subjectMap(plan, 'entity', ({ entity }) => entity)}
${subjectMap(plan, 'identity', ({ uri }) => uri)}
${subjectMap(plan, 'roles', ({ roles }) => roles.join(','))}
${indented(upstream(backend), 2)}  server {
    listen ${place(plan)} ssl;
    ssl_certificate ${fullchain};
    ssl_certificate_key ${key};
    ssl_protocols ${protocols(plan)};
    ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20;
    ssl_client_certificate ${caBundle};
    ssl_verify_client on;
    ssl_verify_depth 2;
    # It wants a CRL of every CA of the path.
    ssl_crl ${crls};
    # Whoever resumes a session is not asked for a certificate again, and stays whom a CRL lists.
    ssl_session_cache off;
    ssl_session_tickets off;

    # No certificate, or one that is not believed.
    error_page 495 496 =401 @refused;
    location @refused {
      return 401;
    }
    # A good one of somebody who is not in the map.
    if ($signet_entity = "") {
      return 403;
    }
    if ($ssl_client_s_dn != $signet_subject) {
      return 403;
    }

    location / {
      # Always set, so that nothing of these names comes from the client. A location with headers of its own inherits none.
      proxy_set_header ${IDENTITY_HEADERS.entity} $signet_entity;
      proxy_set_header ${IDENTITY_HEADERS.uri} $signet_identity;
      proxy_set_header ${IDENTITY_HEADERS.roles} $signet_roles;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto https;
      proxy_set_header Host $host;
      proxy_set_header Connection "";
      proxy_http_version 1.1;
${indented(handOn(backend, plan), 6)}    }
  }
}
`
}

function subjectMap(
  plan: ServerPlan,
  name: string,
  value: (admitted: ServerPlan['admitted'][number]) => string,
): string {
  const lines = plan.admitted.map((one) => `    "${subjectText(one.subject)}" "${value(one)}";\n`)
  return `  map $ssl_client_s_dn $signet_${name} {\n    default "";\n${lines.join('')}  }`
}

/**
 * Connections to a server behind it stay open, so that not every request pays for a handshake; for less long than servers of
 * Node leave them open, since who writes into one that is being closed is refused.
 */
function upstream(backend: OpenedBackend): string {
  if (backend.kind !== 'mutual-tls') return ''
  return `upstream signet_backend {
  server ${hostPort(backend.host, backend.port)};
  keepalive 32;
  keepalive_timeout 4s;
}
`
}

function handOn(backend: OpenedBackend, plan: ServerPlan): string {
  if (backend.kind === 'loopback') return `proxy_pass http://127.0.0.1:${backend.port};\n`
  if (backend.kind === 'socket') return `proxy_pass http://unix:${backend.path}:;\n`
  const { fullchain, key, caBundle, crls } = credentialFilesOf(backend.credential)
  return `# Encrypted again: with a certificate of the inner domain, and only to who has the name there.
proxy_pass https://signet_backend;
proxy_ssl_certificate ${fullchain};
proxy_ssl_certificate_key ${key};
proxy_ssl_trusted_certificate ${caBundle};
proxy_ssl_crl ${crls};
proxy_ssl_verify on;
proxy_ssl_verify_depth 2;
proxy_ssl_name ${backend.name};
proxy_ssl_server_name on;
proxy_ssl_session_reuse off;
proxy_ssl_protocols ${protocols(plan)};
`
}

function stream(plan: ServerPlan, { routes }: Extract<Backend, { kind: 'passthrough' }>): string {
  refuseAdmitted(plan)
  refuseReplicas(routes)
  const upstreams = routes.map(
    ({ host, port }, index) => `  upstream signet_${index} {\n    server ${hostPort(host, port)};\n  }\n`,
  )
  const names = routes.map(({ serverName }, index) => `    ${serverName} signet_${index};\n`)
  return `stream {
${upstreams.join('')}
  # Whoever names no server, or another, is disconnected.
  map $ssl_preread_server_name $signet_backend {
    default "";
${names.join('')}  }
  server {
    listen ${place(plan)};
    ssl_preread on;
    preread_timeout 10s;
    proxy_connect_timeout 10s;
    proxy_pass $signet_backend;
  }
}
`
}

function place({ listen }: ServerPlan): string {
  return 'socket' in listen ? `unix:${listen.socket}` : hostPort(listen.address, listen.port)
}

function protocols({ versions }: ServerPlan): string {
  return versions === 'TLSv1.3' ? 'TLSv1.3' : 'TLSv1.2 TLSv1.3'
}

/** nginx gives each socket the mode 0666, so that the folder around it has to keep others out. */
function socketFolder({ listen }: ServerPlan): readonly GeneratedFile[] {
  if (!('socket' in listen)) return []
  const folder = dirname(listen.socket)
  if (!/^\/[^/]+\/./.test(folder)) {
    throw invalid('path of a socket', listen.socket, 'give it a folder of its own, such as /run/signet-nginx')
  }
  const mode = listen.mode === 0o600 ? 0o700 : 0o710
  const content = `# The folder of nginx's socket: who may enter it may connect.\nd ${folder} ${modeText(mode)} ${listen.owner} ${listen.group} -\n`
  return [{ path: '/etc/tmpfiles.d/signet-nginx-socket.conf', content, mode: 0o644, owner: 'root', group: 'root' }]
}
