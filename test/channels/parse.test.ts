import { describe, expect, it } from 'vitest'
import { parseDeployment } from '../../src/channels/index.js'
import { expectCode } from '../support/expect-code.js'
import { changed, GOOD } from './deployment.js'

describe('parseDeployment', () => {
  it('reads every endpoint, and what is not said by its default', () => {
    const { endpoints } = parseDeployment(GOOD)
    expect(endpoints.get('api')).toMatchObject({ listen: [{ address: '127.0.0.1', port: 8775 }], versions: 'TLSv1.3' })
    expect(endpoints.get('users')).toMatchObject({ listen: [], separation: 'not-required', groups: [] })
  })

  it('reads several places of one service', () => {
    const places = [1, 2].map((last) => ({ address: `10.0.0.${last}`, port: 8774 }))
    expect(parseDeployment(changed({ 'endpoints.api.listen': places })).endpoints.get('api')?.listen).toEqual(places)
  })

  it.each([
    ['another version', { version: 2 }],
    ['an unknown field', { colour: 'red' }],
    ['an unknown field of an endpoint', { 'endpoints.api.listens': [] }],
    ['an unknown field of a hop', { 'channels.shop.hops.0.verify': false }],
    ['an unknown option of clients', { 'clients.standard.verify': true }],
    ['an unknown kind of zone', { 'zones.rack': 'safe' }],
    ['an unknown authority', { 'domains.inside.authority': 'theirs' }],
    ['a domain in a zone that is not declared', { 'domains.inside.zones': ['cellar'] }],
    ['an endpoint in one', { 'endpoints.api.zone': 'cellar' }],
    ['an unknown server', { 'endpoints.edge.kind': 'apache' }],
    ['an unknown profile', { 'endpoints.users.client': 'usual' }],
    ['a credential of an unknown domain', { 'endpoints.api.credentials': { ours: { directory: '/a' } } }],
    ['an identity that is none', { 'endpoints.users.credentials.customers.identities': [{ uri: 'alice' }] }],
    ['a port that is a text', { 'endpoints.api.listen.port': '8775' }],
    ['an address that is a name', { 'endpoints.api.listen.address': 'localhost' }],
    ['a port with an owner', { 'endpoints.api.listen.owner': 'api' }],
    ['a socket with a port', { 'endpoints.api.listen.socket': '/run/api.sock' }],
    [
      'a socket that others may use',
      { 'endpoints.api.listen': { socket: '/run/a/s', mode: '0666', owner: 'a', group: 'a' } },
    ],
    ['a mode that is a number', { 'endpoints.api.listen': { socket: '/run/a/s', mode: 660, owner: 'a', group: 'a' } }],
    ['an unknown protocol', { 'channels.shop.protocol': 'smtp' }],
    ['a channel from nobody', { 'channels.shop.from': 'them' }],
    ['a channel that leads nowhere', { 'channels.shop.hops': [] }],
    ['a hop to who does not listen', { 'channels.shop.hops': [{ to: 'users', tls: 'clear' }] }],
    ['a way of TLS that there is not', { 'channels.shop.hops.0.tls': 'optional' }],
    ['TLS of no domain', { 'channels.shop.hops.0.domain': undefined }],
    ['clear text of one', { 'channels.shop.hops.2.domain': 'inside' }],
    [
      'clients of TLS that asks for none',
      { 'channels.shop.hops.0': { to: 'edge', tls: 'tls', domain: 'web', clients: 'web' } },
    ],
    ['a name that nobody looks at', { 'channels.shop.hops.2.name': 'api' }],
    ['a service that hands on', { 'endpoints.proxy.kind': undefined }],
    ['what ends unopened', { 'channels.shop.hops': [{ to: 'edge', tls: 'passthrough' }] }],
    ['what is not opened and goes on in clear text', { 'channels.shop.hops.1': { to: 'proxy', tls: 'passthrough' } }],
    ['names of things that are none', { 'endpoints.API': { zone: 'rack' } }],
    ['no channels', { channels: {} }],
    ['a list where a map is', { zones: ['rack'] }],
  ])('refuses %s', (_, changes) => {
    expectCode('ERR_DEPLOYMENT_INVALID', () => parseDeployment(changed(changes)))
  })

  it('refuses what is no YAML', () => {
    expectCode('ERR_DEPLOYMENT_INVALID', () => parseDeployment('{'))
  })
})
