/**
 * Envoy: clients by the URI of their certificate. The credential is watched, so that nothing has to be reloaded.
 *
 * @module servers/envoy (floor 7.2)
 */
import type { JsonValue } from '../json/index.js'
import { formatYaml } from '../yaml/index.js'
import { backendOf, invalid, refuseAdmitted, refuseReplicas } from './checks.js'
import { lintEnvoy } from './envoy-lint.js'
import type { Backend, ServerPlan, SniRoute } from './plan.js'
import { credentialFilesOf, IDENTITY_HEADERS, publicFile } from './render.js'
import type { GeneratedFile, ServerConfiguration, ServerKind } from './server.js'

export const ENVOY: ServerKind = {
  name: 'envoy',
  title: 'Envoy',
  role: 'proxy',
  facts: {
    version: 'documentation',
    profile: 'server',
    identity: 'uri',
    crls: 'every-ca',
    crlsCount: 'at-once',
    brokenPair: 'old-stays',
    disconnect: 'restart',
  },
  installation: {
    directory: '/etc/signet/envoy',
    state: '/run/signet-envoy',
    user: 'envoy',
    group: 'envoy',
    port: 8443,
    unit: { name: 'signet-envoy', from: 'own' },
    image: 'envoyproxy/envoy:v1.36',
    imageUid: 101,
  },
  generate,
  lint: lintEnvoy,
  nameOf: ({ uri }) => uri,
}

const TLS = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3'
const FILTERS = 'type.googleapis.com/envoy.extensions.filters'
/** A connection is made in so long, or not. */
const PATIENCE = '10s'

type Json = { readonly [name: string]: JsonValue }

function generate(plan: ServerPlan): ServerConfiguration {
  const backend = backendOf(plan)
  const [chains, clusters, secrets] =
    backend.kind === 'passthrough' ? passthrough(plan, backend.routes) : opened(plan, backend)
  const listener = {
    name: 'signet',
    address: address(plan),
    ...(backend.kind === 'passthrough'
      ? {
          listener_filters: [
            { name: 'tls_inspector', typed_config: { '@type': `${FILTERS}.listener.tls_inspector.v3.TlsInspector` } },
          ],
        }
      : {}),
    filter_chains: chains,
  }
  const text = formatYaml({ static_resources: { listeners: [listener], clusters } })
  const file = publicFile(plan, 'envoy.yaml', `# Written by signet. envoy -c this; the credential is watched.\n${text}`)
  return {
    files: [file, ...secrets],
    start: ['envoy', '-c', file.path],
    test: ['envoy', '--mode', 'validate', '-c', file.path],
    reload: [],
    notes: [
      'written by its documentation, tried on none',
      ...(backend.kind === 'passthrough'
        ? ['it opens nothing: the servers behind it say who comes in']
        : ['the backend is told the URI of the client, and no roles']),
      'who is connected stays so after a revocation: restart it to end that',
    ],
  }
}

type Parts = readonly [chains: JsonValue[], clusters: JsonValue[], secrets: readonly GeneratedFile[]]

function opened(plan: ServerPlan, backend: Exclude<Backend, { kind: 'passthrough' }>): Parts {
  if (plan.admitted.length === 0) {
    throw invalid('choice of entities', 'nobody', 'Envoy without names lets everybody in who has a certificate')
  }
  const names = plan.admitted.map(({ uri }) => ({ san_type: 'URI', matcher: { exact: uri } }))
  const secrets = secretFiles(plan, 'signet', plan.credential, names)
  const chain = {
    transport_socket: {
      name: 'envoy.transport_sockets.tls',
      typed_config: {
        '@type': `${TLS}.DownstreamTlsContext`,
        require_client_certificate: true,
        disable_stateless_session_resumption: true,
        disable_stateful_session_resumption: true,
        common_tls_context: tlsContext(plan, 'signet'),
      },
    },
    filters: [{ name: 'http', typed_config: connectionManager() }],
  }
  if (backend.kind !== 'mutual-tls') return [[chain], [cluster('backend', place(backend))], secrets]
  const inner = secretFiles(plan, 'backend', backend.credential, [
    { san_type: 'DNS', matcher: { exact: backend.name } },
  ])
  const socket = {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': `${TLS}.UpstreamTlsContext`,
      sni: backend.name,
      max_session_keys: 0,
      common_tls_context: tlsContext(plan, 'backend'),
    },
  }
  return [[chain], [{ ...cluster('backend', place(backend)), transport_socket: socket }], [...secrets, ...inner]]
}

/** SANITIZE is the default of forwarding certificates, and said all the same. */
function connectionManager(): Json {
  const told = { key: IDENTITY_HEADERS.uri, value: '%DOWNSTREAM_PEER_URI_SAN%' }
  return {
    '@type': `${FILTERS}.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'signet',
    forward_client_cert_details: 'SANITIZE',
    common_http_protocol_options: { headers_with_underscores_action: 'REJECT_REQUEST', idle_timeout: '60s' },
    request_headers_timeout: PATIENCE,
    http_filters: [
      { name: 'envoy.filters.http.router', typed_config: { '@type': `${FILTERS}.http.router.v3.Router` } },
    ],
    route_config: {
      virtual_hosts: [
        {
          name: 'signet',
          domains: ['*'],
          // What clients send under these names never arrives.
          request_headers_to_remove: [IDENTITY_HEADERS.entity, IDENTITY_HEADERS.roles],
          request_headers_to_add: [{ header: told, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' }],
          routes: [{ match: { prefix: '/' }, route: { cluster: 'backend' } }],
        },
      ],
    },
  }
}

function passthrough(plan: ServerPlan, routes: readonly SniRoute[]): Parts {
  refuseAdmitted(plan)
  refuseReplicas(routes)
  const chains = routes.map(({ serverName }, index) => ({
    filter_chain_match: { server_names: [serverName], transport_protocol: 'tls' },
    filters: [
      {
        name: 'tcp',
        typed_config: {
          '@type': `${FILTERS}.network.tcp_proxy.v3.TcpProxy`,
          stat_prefix: 'signet',
          cluster: `signet_${index}`,
        },
      },
    ],
  }))
  const clusters = routes.map(({ host, port }, index) =>
    cluster(`signet_${index}`, { socket_address: { address: host, port_value: port } }),
  )
  return [chains, clusters, []]
}

function cluster(name: string, where: Json): Json {
  const endpoints = [{ lb_endpoints: [{ endpoint: { address: where } }] }]
  // A name is looked up; what has none is known.
  const type = 'pipe' in where ? 'STATIC' : 'STRICT_DNS'
  return { name, type, connect_timeout: PATIENCE, load_assignment: { cluster_name: name, endpoints } }
}

function place(backend: Exclude<Backend, { kind: 'passthrough' }>): Json {
  if (backend.kind === 'socket') return { pipe: { path: backend.path } }
  const { host, port } = backend.kind === 'loopback' ? { host: '127.0.0.1', port: backend.port } : backend
  return { socket_address: { address: host, port_value: port } }
}

function address({ listen }: ServerPlan): Json {
  if (!('socket' in listen)) return { socket_address: { address: listen.address, port_value: listen.port } }
  // It belongs to whoever runs it.
  return { pipe: { path: listen.socket, mode: listen.mode } }
}

function tlsContext({ directory, versions }: ServerPlan, name: string): Json {
  const secret = (part: string): Json => ({
    name: `${name}-${part}`,
    sds_config: { path_config_source: { path: `${directory}/${name}-${part}.yaml` } },
  })
  return {
    tls_params: { tls_minimum_protocol_version: versions === 'TLSv1.3' ? 'TLSv1_3' : 'TLSv1_2' },
    tls_certificate_sds_secret_configs: [secret('certificate')],
    validation_context_sds_secret_config: secret('validation'),
  }
}

/** What is watched is the folder in which `current` changes places. */
function secretFiles(
  plan: ServerPlan,
  name: string,
  credential: string,
  match_typed_subject_alt_names: JsonValue[],
): readonly GeneratedFile[] {
  const { directory, fullchain, key, caBundle, crls } = credentialFilesOf(credential)
  const file = (part: string, content: Json): GeneratedFile =>
    publicFile(
      plan,
      `${name}-${part}.yaml`,
      `# Written by signet.\n${formatYaml({ resources: [{ '@type': `${TLS}.Secret`, name: `${name}-${part}`, ...content }] })}`,
    )
  const watched_directory = { path: directory }
  return [
    file('certificate', {
      tls_certificate: {
        certificate_chain: { filename: fullchain },
        private_key: { filename: key },
        watched_directory,
      },
    }),
    file('validation', {
      validation_context: {
        trusted_ca: { filename: caBundle },
        crl: { filename: crls },
        match_typed_subject_alt_names,
        watched_directory,
      },
    }),
  ]
}
