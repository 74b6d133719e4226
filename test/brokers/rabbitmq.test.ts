import { describe, expect, it } from 'vitest'
import { exportRabbitmq } from '../../src/brokers/rabbitmq.js'
import { contentOf, SMALL } from './universe.js'

const COMPUTE = 'spiffe://cloud.example/compute/compute-07'
const API = 'spiffe://cloud.example/compute/api.v2'
const NOTHING = '(?!)'

type Rows = readonly Readonly<Record<string, unknown>>[]
function definitions(options = {}): Readonly<Record<string, Rows>> {
  return JSON.parse(contentOf(exportRabbitmq(SMALL, options).files, 'definitions.json')) as Record<string, Rows>
}

describe('exportRabbitmq', () => {
  it('gives everybody an exchange to publish to and a queue to consume from, and binds what they have in common', () => {
    const vhost = 'signet'
    const exchange = { vhost, type: 'topic', durable: true, auto_delete: false, internal: false, arguments: {} }
    expect(definitions()).toEqual({
      users: [API, COMPUTE].map((name) => ({ name, password_hash: '', tags: [] })),
      vhosts: [{ name: vhost }],
      permissions: [
        { user: API, vhost, configure: NOTHING, write: '\\A(?:out:api\\.v2)\\z', read: NOTHING },
        {
          ...{ user: COMPUTE, vhost, configure: NOTHING },
          ...{ write: '\\A(?:out:compute-07)\\z', read: '\\A(?:in:compute-07)\\z' },
        },
      ],
      topic_permissions: [
        {
          ...{ user: API, vhost, exchange: 'out:api.v2', read: NOTHING },
          write: '\\A(?:compute\\.[A-Za-z0-9_:-]+\\.rpc\\.build)\\z',
        },
        {
          ...{ user: COMPUTE, vhost, exchange: 'out:compute-07', read: NOTHING },
          write: '\\A(?:scheduler\\.rpc\\.update)\\z',
        },
      ],
      exchanges: [
        { ...exchange, name: 'out:api.v2' },
        { ...exchange, name: 'out:compute-07' },
      ],
      queues: [{ name: 'in:compute-07', vhost, durable: true, auto_delete: false, arguments: {} }],
      bindings: [
        {
          ...{ source: 'out:api.v2', vhost, destination: 'in:compute-07', destination_type: 'queue' },
          ...{ routing_key: 'compute.compute-07.rpc.build', arguments: {} },
        },
      ],
    })
  })

  it('or one exchange for all, with rows for everybody, because RabbitMQ allows what has none', () => {
    const vhost = 'v'
    const { permissions, topic_permissions, exchanges, queues, bindings } = definitions({
      ...{ vhost, exchange: 'nova.x', layout: 'allow-shared-exchange' },
    })
    expect(permissions).toEqual([
      { user: API, vhost, configure: NOTHING, write: '\\A(?:nova\\.x)\\z', read: NOTHING },
      {
        ...{ user: COMPUTE, vhost, configure: '\\A(?:in:compute-07(?::.*)?)\\z' },
        ...{ write: '\\A(?:in:compute-07(?::.*)?|nova\\.x)\\z', read: '\\A(?:in:compute-07(?::.*)?|nova\\.x)\\z' },
      },
    ])
    expect(topic_permissions).toEqual([
      {
        ...{ user: API, vhost, exchange: 'nova.x' },
        ...{ write: '\\A(?:compute\\.[A-Za-z0-9_:-]+\\.rpc\\.build)\\z', read: NOTHING },
      },
      {
        ...{ user: COMPUTE, vhost, exchange: 'nova.x', write: '\\A(?:scheduler\\.rpc\\.update)\\z' },
        read: '\\A(?:compute\\.compute-07\\.(?:\\*|[A-Za-z0-9_:-]+)(?:\\.(?:\\*|[A-Za-z0-9_:-]+))*(?:\\.#)?)\\z',
      },
    ])
    expect([exchanges?.length, queues, bindings]).toEqual([1, [], []])
  })

  it('says for both layouts what they do not enforce', () => {
    const notes = (options = {}) => exportRabbitmq(SMALL, options).notes.join('\n')
    expect(notes()).not.toContain('CC and BCC')
    expect(notes({ layout: 'allow-shared-exchange' })).toContain('CC and BCC')
  })

  it('requirement 53: lets nobody in but by certificate, over TLS, with its URI as name', () => {
    const { files } = exportRabbitmq(SMALL, {
      credentialDirectory: '/srv/tls',
      configDirectory: '/srv/rmq',
      port: 5672,
    })
    expect(contentOf(files, 'enabled_plugins')).toBe('[rabbitmq_auth_mechanism_ssl].\n')
    const lines = contentOf(files, 'rabbitmq.conf').split('\n')
    expect(lines.filter((line) => line !== '' && !line.startsWith('#'))).toEqual([
      'listeners.tcp = none',
      'listeners.ssl.1 = 0.0.0.0:5672',
      'auth_mechanisms.1 = EXTERNAL',
      'ssl_cert_login_from = subject_alternative_name',
      'ssl_cert_login_san_type = uri',
      'ssl_cert_login_san_index = 0',
      'default_vhost = signet',
      'load_definitions = /srv/rmq/definitions.json',
    ])
    const advanced = contentOf(files, 'advanced.config')
    for (const setting of [
      '{cacertfile, "/srv/tls/current/ca-bundle.pem"}',
      '{certfile, "/srv/tls/current/fullchain.pem"}',
      '{keyfile, "/srv/tls/current/key.pem"}',
      '{verify, verify_peer}',
      '{fail_if_no_peer_cert, true}',
      '{reuse_sessions, false}',
      '{crl_check, true}',
      '{crl_cache, {ssl_crl_hash_dir, {internal, [{dir, "/srv/rmq/crls"}]}}}',
    ]) {
      expect(advanced).toContain(setting)
    }
  })
})
