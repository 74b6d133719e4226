import { describe, expect, it } from 'vitest'
import {
  type Backend,
  CONFIG_FORMS,
  configure,
  configureAs,
  type Listener,
  lintConfiguration,
  SERVER_KINDS,
  serverKind,
  type ServerKind,
  type ServerPlan,
} from '../../src/servers/index.js'
import { parseYaml } from '../../src/yaml/index.js'
import { expectCode } from '../support/expect-code.js'
import { admitted, INNER, planOf, ROUTES, servicePlan } from './plans.js'

/** What a kind wants otherwise: Redis and its gateway speak over a socket. */
const WISHES: Readonly<Record<string, Partial<ServerPlan>>> = {
  redis: { listen: { socket: '/run/redis/redis.sock', mode: 0o660, owner: 'www-data', group: 'www-data' } },
  'redis-gateway': { backend: { kind: 'socket', path: '/run/redis/redis.sock' } },
}

const usual = (kind: ServerKind, changes: Partial<ServerPlan> = {}): ServerPlan => {
  const all = { ...WISHES[kind.name], ...changes }
  return kind.role === 'proxy' ? planOf(all) : servicePlan(all)
}

/** Those for HTTP, or for whatever. */
const proxies = SERVER_KINDS.filter(({ name, role }) => role === 'proxy' && name !== 'redis-gateway')

describe.each(SERVER_KINDS.map((kind) => [kind.name, kind] as const))('%s', (name, kind) => {
  it('is found by its name', () => {
    expect(serverKind(name)).toBe(kind)
    expect(kind.name).toMatch(/^[a-z]+(?:-[a-z]+)*$/)
  })

  it('yields the same octets for the same plan, in whatever order it says who comes in', () => {
    const people = [admitted('compute-07'), admitted('compute-08'), admitted('operator-01', 'operator', ['reader'])]
    const first = configure(kind, usual(kind, { admitted: people }))
    expect(configure(kind, usual(kind, { admitted: people.toReversed() }))).toEqual(first)
  })

  it('finds nothing wrong with what it writes itself', () => {
    const { files } = configure(kind, usual(kind))
    const texts = new Map(files.map(({ path, content }) => [path, content]))
    expect(lintConfiguration(kind, texts).filter(({ severity }) => severity !== 'note')).toEqual([])
  })

  it('names nothing but the credential, its own folders and programs', () => {
    const { files, start, reload, test = [] } = configure(kind, usual(kind))
    for (const { path, mode } of files) {
      expect(path).toMatch(/^\/etc\/signet\/server\/|^\/etc\//)
      expect([0o644, 0o755, 0o640, 0o600]).toContain(mode)
    }
    for (const [program = ''] of [start, ...reload, ...(test.length === 0 ? [] : [test])]) {
      expect(program).toMatch(/^(?:\/(?:usr|opt)\/[a-z0-9/.-]+\/)?[a-z][a-z0-9.-]*$/)
    }
  })

  it.each(CONFIG_FORMS)('is written in the form of %s', (form) => {
    const { files } = configureAs(form, kind, usual(kind))
    expect(files.map(({ path }) => path)).toEqual([...new Set(files.map(({ path }) => path))].toSorted())
    for (const { path, content } of files) {
      if (/(?:compose|kubernetes)\.yaml$/.test(path)) {
        for (const document of content.split(/^---$/m)) expect(parseYaml(document, path)).toBeTypeOf('object')
      }
      expect(content).not.toMatch(/undefined|\[object|NaN/)
      if (content !== '') expect(content.endsWith('\n')).toBe(true)
    }
  })

  const wrong: readonly (readonly [string, Partial<ServerPlan>])[] = [
    ['a path that ends a line', { credential: '/etc/signet/tls\nssl_verify_client off' }],
    ['a path that ends a word', { directory: '/etc/signet;}' }],
    ['a path that quotes', { state: '/run/"x' }],
    ['a path that goes up', { credential: '/etc/../root' }],
    ['a path that is relative', { directory: 'etc' }],
    ['a user who is none', { user: 'www-data;' }],
    ['a group who is none', { group: 'a b' }],
    ['an address that is none', { listen: { address: 'any', port: 8443 } }],
    ['a port that is none', { listen: { address: '10.0.0.7', port: 0 } }],
    ['a socket that everybody may use', { listen: { socket: '/run/x/s', mode: 0o666, owner: 'root', group: 'root' } }],
    ['an entity twice', { admitted: [admitted('compute-07'), admitted('compute-07')] }],
    [
      'an entity with a strange subject',
      { admitted: [{ ...admitted('compute-07'), subject: admitted('compute-08').subject }] },
    ],
    ['an entity with a strange name', { admitted: [{ ...admitted('compute-07'), dnsNames: ['a";\nb'] }] }],
    ['a role that quotes', { admitted: [{ ...admitted('compute-07'), roles: ['a"b'] }] }],
    ['an id that quotes', { admitted: [{ ...admitted('compute-07'), entity: 'a"b' }] }],
  ]
  it.each(wrong)('refuses %s', (_, changes) => {
    expectCode('ERR_CONFIG_INVALID', () => configure(kind, usual(kind, changes)))
  })
})

describe('a proxy', () => {
  it.each(proxies.map((kind) => [kind.name, kind] as const))(
    'requirement 63: %s hands on in clear text to its own machine only',
    (_, kind) => {
      const { files } = configure(kind, planOf({ backend: { kind: 'loopback', port: 8080 } }))
      const text = files.map(({ content }) => content).join('')
      expect(text).toMatch(/127\.0\.0\.1/)
      // There is no plan with an address in clear text: a loopback backend has none.
      const sly = { kind: 'loopback', port: 8080, host: '10.0.0.9', address: '10.0.0.9' } as Backend
      expect(configure(kind, planOf({ backend: sly }))).toEqual(configure(kind, planOf()))
    },
  )

  it.each(proxies.map((kind) => [kind.name, kind] as const))('%s needs a backend', (_, kind) => {
    expectCode('ERR_CONFIG_INVALID', () => configure(kind, servicePlan()))
  })

  const places: readonly (readonly [string, Backend])[] = [
    ['a port', { kind: 'loopback', port: 0 }],
    ['a socket', { kind: 'socket', path: '/run/a b' }],
    ['a host', { ...INNER, host: 'a;b' } as Backend],
    ['a name', { ...INNER, name: '*' } as Backend],
    ['a credential', { ...INNER, credential: '../x' } as Backend],
    ['routes', { kind: 'passthrough', routes: [] }],
    ['an address for a name', { kind: 'passthrough', routes: [{ serverName: '10.0.0.1', host: 'a', port: 1 }] }],
    ['a name in capitals', { kind: 'passthrough', routes: [{ serverName: 'A.example', host: 'a', port: 1 }] }],
    [
      'a name twice',
      { kind: 'passthrough', routes: ['a', 'b'].map((host) => ({ serverName: 'a.example', host, port: 1 })) },
    ],
  ]
  it.each(places)('refuses %s that is none', (_, backend) => {
    expectCode('ERR_CONFIG_INVALID', () => configure(serverKind('nginx'), planOf({ backend })))
  })

  it.each(['nginx', 'haproxy', 'envoy', 'node'])(
    'requirement 69: %s encrypts again with verification and a name',
    (name) => {
      const { files } = configure(serverKind(name), planOf({ backend: INNER }))
      const text = files.map(({ content }) => content).join('')
      expect(text).toContain('/etc/signet/inner/current/'.slice(0, name === 'node' ? 17 : undefined))
      expect(text).toContain('db.inner.example')
      const texts = new Map(files.map(({ path, content }) => [path, content]))
      expect(lintConfiguration(serverKind(name), texts)).toEqual([])
    },
  )

  it.each(['nginx', 'haproxy', 'envoy'])(
    'requirement 67: %s hands on unopened by server name, and knows nobody',
    (name) => {
      const { files, notes } = configure(serverKind(name), planOf({ backend: ROUTES, admitted: [] }))
      const text = files.map(({ content }) => content).join('')
      expect(text).toContain('api.cloud.example')
      expect(text).not.toContain('/etc/signet/tls')
      expect(notes.join()).toContain('the servers behind it say who comes in')
      const texts = new Map(files.map(({ path, content }) => [path, content]))
      expect(lintConfiguration(serverKind(name), texts)).toEqual([])
      expectCode('ERR_CONFIG_INVALID', () => configure(serverKind(name), planOf({ backend: ROUTES })))
    },
  )

  it.each<[string, Partial<ServerPlan>]>([
    ['stunnel', { backend: INNER }],
    ['stunnel', { backend: ROUTES, admitted: [] }],
    ['stunnel', { admitted: [] }],
    ['stunnel', { admitted: [{ ...admitted('compute-07'), dnsNames: [] }] }],
    ['stunnel', { listen: { socket: '/run/x/s', mode: 0o600, owner: 'root', group: 'root' } }],
    ['node', { backend: ROUTES, admitted: [] }],
    ['node', { admitted: [] }],
    ['envoy', { admitted: [] }],
    ['nginx', { listen: { socket: '/run/s', mode: 0o600, owner: 'root', group: 'root' } }],
  ])('%s refuses what it cannot do: %j', (name, changes) => {
    expectCode('ERR_CONFIG_INVALID', () => configure(serverKind(name), planOf(changes)))
  })

  const socket: Listener = { socket: '/run/signet-api/tls.sock', mode: 0o660, owner: 'proxy', group: 'clients' }
  it.each([
    ['haproxy', 'unix@/run/signet-api/tls.sock mode 660 user proxy group clients'],
    ['nginx', 'd /run/signet-api 0710 proxy clients -'],
    ['envoy', 'mode: 432'],
    ['node', 'mode: 0o660'],
  ])('requirement 64: %s listens on a Unix socket with an owner and a mode', (name, words) => {
    const { files } = configure(serverKind(name), planOf({ listen: socket }))
    expect(files.map(({ content }) => content).join('')).toContain(words)
  })

  it('requirement 66: one plan is every proxy, with the same people', () => {
    for (const kind of proxies) {
      const text = configure(kind, planOf())
        .files.map(({ content }) => content)
        .join('')
      for (const name of ['compute-07', 'api.v2']) expect(text, kind.name).toContain(name)
      expect(text, kind.name).toContain(kind.name === 'node' ? '/etc/signet/tls' : '/etc/signet/tls/current/')
    }
  })

  it('lets nobody in where nobody is named', () => {
    expect(configure(serverKind('nginx'), planOf({ admitted: [] })).files[0]?.content).not.toContain('CN=')
    expect(configure(serverKind('haproxy'), planOf({ admitted: [] })).files[1]?.content).not.toContain('CN')
  })

  it('speaks TLS 1.2 only where that is allowed', () => {
    for (const kind of proxies) {
      const text = (versions: ServerPlan['versions']): string =>
        configure(kind, planOf({ versions }))
          .files.map(({ content }) => content)
          .join('')
      expect(text('TLSv1.3'), kind.name).not.toMatch(/TLSv1[._]2/)
      expect(text('allow-TLSv1.2'), kind.name).toMatch(/TLSv1[._]2/)
    }
  })
})

it('refuses a server that there is not', () => {
  expectCode('ERR_CONFIG_INVALID', () => serverKind('apache'))
})
