import { describe, expect, it } from 'vitest'
import { type ConfiguredEndpoint, configureDeployment, parseDeployment } from '../../src/channels/index.js'
import { expectCode } from '../support/expect-code.js'
import { changed } from './deployment.js'

const configured = (changes: Readonly<Record<string, unknown>> = {}): readonly ConfiguredEndpoint[] =>
  configureDeployment(parseDeployment(changed(changes)))

const planOf = (
  name: string,
  changes: Readonly<Record<string, unknown>> = {},
): ConfiguredEndpoint['plan'] | undefined => configured(changes).find(({ endpoint }) => endpoint === name)?.plan

describe('configureDeployment', () => {
  it('requirement 66: fills one template for every endpoint of a kind', () => {
    const both = configured()
    expect(both.map(({ endpoint, kind }) => [endpoint, kind])).toEqual([
      ['edge', 'haproxy'],
      ['proxy', 'haproxy'],
    ])
    // What is left of each without what its channels say of it is the same.
    const settings = both.map(({ configuration: { files } }) =>
      files[0]?.content.match(/^global[^]*?(?=^frontend)|^ {2}http-request.*$/gm),
    )
    expect(settings[0]).toEqual(settings[1])
  })

  it('lets in who is at the other end, and nobody else', () => {
    expect(planOf('edge')?.admitted.map(({ uri, roles }) => [uri, roles])).toEqual([
      ['spiffe://customers.example/shop/alice', ['buyer']],
    ])
    expect(planOf('proxy')?.admitted.map(({ uri }) => uri)).toEqual(['spiffe://cloud.example/edge/edge-01'])
  })

  it('shows the certificate of the outer domain, and that of the inner one to who is inside', () => {
    expect(planOf('edge')).toMatchObject({
      credential: '/var/lib/signet/outside',
      backend: {
        kind: 'mutual-tls',
        host: '10.0.0.11',
        port: 8774,
        name: 'api.cloud.example',
        credential: '/var/lib/signet/inside',
      },
    })
  })

  it('requirement 63: hands on to loopback', () => {
    expect(planOf('proxy')?.backend).toEqual({ kind: 'loopback', port: 8775 })
  })

  it('hands on to a socket', () => {
    const listen = { socket: '/run/api/api.sock', mode: '0660', owner: 'api', group: 'haproxy' }
    expect(planOf('proxy', { 'endpoints.api.listen': listen })?.backend).toEqual({
      kind: 'socket',
      path: '/run/api/api.sock',
    })
  })

  it('requirement 67: hands on unopened, by the name of the server, to as many machines as there are', () => {
    const changes = {
      'endpoints.proxy.listen': ['10.0.0.11', '10.0.0.12'].map((address) => ({ address, port: 8774 })),
      'channels.shop.hops': [
        { to: 'edge', tls: 'passthrough' },
        { to: 'proxy', tls: 'mutual-tls', domain: 'inside' },
      ],
      'endpoints.proxy.kind': undefined,
    }
    expect(planOf('edge', changes)).toMatchObject({
      admitted: [],
      backend: {
        kind: 'passthrough',
        routes: [
          {
            serverName: 'api.cloud.example',
            host: '10.0.0.11',
            port: 8774,
            replicas: [{ host: '10.0.0.12', port: 8774 }],
          },
        ],
      },
    })
  })

  it.each([
    ['clients that nobody names', { 'endpoints.users.credentials.customers.identities': [] }],
    [
      'a proxy that ends a channel',
      {
        'channels.end': {
          protocol: 'rest',
          from: 'edge',
          hops: [{ to: 'proxy', tls: 'mutual-tls', domain: 'inside' }],
        },
      },
    ],
    ['a proxy at several places', { 'endpoints.edge.listen': [1, 2].map((port) => ({ address: '192.0.2.1', port })) }],
    [
      'an opened service at several places',
      { 'endpoints.api.listen': [1, 2].map((port) => ({ address: '127.0.0.1', port })) },
    ],
    ['a proxy without a credential', { 'endpoints.proxy.credentials': {} }],
  ])('refuses %s', (_, changes) => {
    expectCode('ERR_DEPLOYMENT_INVALID', () => configured(changes))
  })

  it.each([
    ['a listener that asks for no certificate', { 'channels.shop.hops.0.tls': 'tls' }],
    ['a backend that is shown none', { 'channels.shop.hops.1.tls': 'tls' }],
    ['what its kind cannot do', { 'endpoints.edge.kind': 'stunnel' }],
  ])('refuses %s', (_, changes) => {
    expectCode('ERR_CONFIG_INVALID', () => configured(changes))
  })
})
