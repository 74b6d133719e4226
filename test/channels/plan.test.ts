import { describe, expect, it } from 'vitest'
import { found, planOf } from './deployment.js'

describe('planChannels: what is encrypted, and where it is decrypted', () => {
  it('finds nothing wrong where nothing is', () => {
    expect(planOf().findings).toEqual([])
  })

  it('requirement 61: says who decrypts each channel on its way', () => {
    const [channel] = planOf().channels
    expect(channel?.decryptedAt).toEqual(['edge', 'proxy', 'api'])
    expect(channel?.hops.map(({ from, to, encrypted, decryptedAt }) => [from, to, encrypted, decryptedAt])).toEqual([
      ['users', 'edge', true, 'edge'],
      ['edge', 'proxy', true, 'proxy'],
      ['proxy', 'api', false, undefined],
    ])
  })

  it('says whose certificates either end sees, and which name is looked for', () => {
    const [outer, inner, local] = planOf().channels[0]?.hops ?? []
    expect(outer).toMatchObject({
      network: 'public',
      serverCertificate: { endpoint: 'edge', domain: 'customers' },
      clientCertificate: { endpoint: 'users', domain: 'customers' },
      hostName: 'shop.example',
    })
    expect(inner).toMatchObject({ network: 'internal', clientCertificate: { endpoint: 'edge', domain: 'inside' } })
    expect(local).toMatchObject({ network: 'host-local', serverCertificate: undefined, hostName: undefined })
  })

  it('requirement 61: follows a session through a proxy that does not open it', () => {
    const plan = planOf({
      'endpoints.users.zone': 'rack',
      'endpoints.edge.zone': 'rack',
      'endpoints.users.credentials': {
        inside: { directory: '/etc/signet/tls', identities: [{ uri: 'spiffe://cloud.example/shop/alice' }] },
      },
      'channels.shop.hops': [
        { to: 'edge', tls: 'passthrough' },
        { to: 'proxy', tls: 'mutual-tls', domain: 'inside' },
        { to: 'api', tls: 'clear' },
      ],
    })
    expect(plan.findings).toEqual([])
    expect(plan.channels[0]?.decryptedAt).toEqual(['proxy', 'api'])
    expect(plan.channels[0]?.hops[0]).toMatchObject({
      tls: 'passthrough',
      encrypted: true,
      decryptedAt: 'proxy',
      hostName: 'api.cloud.example',
      clientCertificate: { endpoint: 'users', domain: 'inside' },
    })
  })
})

describe('planChannels: clear text', () => {
  it('requirement 60: fails on a channel in clear text, whatever it carries', () => {
    for (const protocol of ['rpc', 'database', 'rest', 'queue']) {
      const changes = { 'channels.shop.protocol': protocol, 'channels.shop.hops': [{ to: 'edge', tls: 'clear' }] }
      expect(found(changes)).toContain('hole clear-text')
    }
  })

  it('requirement 60: says who listens and is on no channel', () => {
    expect(found({ 'endpoints.queue': { zone: 'rack', listen: { address: '10.0.0.12', port: 5671 } } })).toEqual([
      'note endpoint-unlisted',
    ])
  })

  it('requirement 62: flags a proxy that decrypts, and sends it on over the network', () => {
    expect(found({ 'endpoints.api.host': 'api-02', 'endpoints.api.listen.address': '10.0.0.12' })).toEqual([
      'hole decrypted-early',
    ])
  })

  it.each(['10.0.0.11', '0.0.0.0', '::'])('requirement 63: refuses a service behind a local proxy at %s', (address) => {
    expect(found({ 'endpoints.api.listen.address': address })).toEqual(['hole listener-exposed'])
  })

  it.each([
    { address: '::1', port: 8775 },
    { socket: '/run/api/api.sock', mode: '0660', owner: 'api', group: 'haproxy' },
  ])('requirement 63: takes what only the machine reaches: %j', (listen) => {
    expect(found({ 'endpoints.api.listen': listen })).toEqual([])
  })

  it('does not take a zone of one machine for a wall around an address that others reach', () => {
    const changes = { 'endpoints.api.zone': 'edge-01', 'endpoints.api.listen.address': '10.0.0.11' }
    expect(found(changes)).toEqual(['hole listener-exposed'])
  })

  it.each(['edge-01', undefined])('says that loopback of another machine is not reached (%s)', (host) => {
    expect(found({ 'endpoints.api.host': host })).toEqual(['outage unreachable'])
  })
})

describe('planChannels: trust', () => {
  it.each([
    [
      'requirement 69: a certificate of inside that counts outside',
      { 'channels.shop.hops.0.domain': 'inside' },
      'hole domain-outside-zone',
    ],
    [
      'requirement 69: a certificate of outside that counts inside',
      { 'channels.shop.hops.1.domain': 'customers' },
      'hole domain-outside-zone',
    ],
    [
      'requirement 69: a public authority that is believed inside',
      { 'channels.shop.hops.1.domain': 'web' },
      'hole public-authority-inside',
    ],
    [
      'requirement 69: one session with ends in two domains',
      { 'channels.shop.hops.0.clients': 'web' },
      'hole domains-crossed',
    ],
    [
      'a public authority that says who clients are',
      { 'channels.shop.hops.0.clients': 'web' },
      'hole anybody-certified',
    ],
    ['a client of another domain', { 'channels.shop.hops.0.domain': 'inside' }, 'hole domains-crossed'],
    ['a client without a credential', { 'endpoints.users.credentials': {} }, 'outage credential-missing'],
    ['a server without one', { 'endpoints.proxy.credentials': {} }, 'outage credential-missing'],
    [
      'a server whose certificate has no name',
      { 'endpoints.proxy.credentials.inside.names': [] },
      'hole host-unchecked',
    ],
    ['a name that is not in it', { 'channels.shop.hops.1.name': 'db.cloud.example' }, 'outage name-mismatch'],
    ['a client inside that shows nothing', { 'channels.shop.hops.1.tls': 'tls' }, 'hole client-unauthenticated'],
    ['a client outside that shows nothing', { 'channels.shop.hops.0.tls': 'tls' }, 'note client-unauthenticated'],
  ])('finds %s', (_, changes, expected) => {
    expect(found(changes)).toContain(expected)
  })

  it('requirement 69: finds one session from a domain into another through what does not open it', () => {
    const hops = [
      { to: 'edge', tls: 'passthrough' },
      { to: 'proxy', tls: 'mutual-tls', domain: 'inside' },
    ]
    expect(found({ 'channels.shop.hops': hops })).toEqual(
      expect.arrayContaining(['hole domains-crossed', 'hole domain-outside-zone']),
    )
  })

  it('requirement 66: says where proxies differ', () => {
    expect(found({ 'endpoints.edge.kind': 'nginx' })).toEqual(['note settings-differ'])
    expect(found({ 'endpoints.edge.versions': 'allow-TLSv1.2' })).toEqual(['note settings-differ'])
  })
})

describe('planChannels: keys', () => {
  it('lists every key with its owner and mode', () => {
    expect(planOf().keys).toContainEqual({
      endpoint: 'proxy',
      host: 'api-01',
      domain: 'inside',
      path: '/var/lib/signet/api-01/current/key.pem',
      owner: 'root',
      group: 'haproxy',
      mode: 0o640,
    })
  })

  it.each([
    ['runs as root', { 'endpoints.api.user': 'root' }],
    ['runs as the owner', { 'endpoints.proxy.credentials.inside.owner': 'api' }],
    ['is in the group', { 'endpoints.api.groups': ['haproxy'] }],
    ['has a group of its name', { 'endpoints.proxy.credentials.inside.group': 'api' }],
    ['runs as nobody knows whom', { 'endpoints.api.user': undefined }],
  ])('requirement 65: finds a key that a service can read which %s', (_, changes) => {
    expect(found(changes)).toEqual(['hole key-readable'])
  })

  it('requirement 65: asks only where separation was asked for', () => {
    expect(found({ 'endpoints.api.user': 'root', 'endpoints.api.separation': undefined })).toEqual([])
  })
})
