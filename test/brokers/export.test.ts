import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Broker, BROKERS, exportFor, type ExportOptions, subjectOf, subjectText } from '../../src/brokers/index.js'
import { identityUriOf, isSegment } from '../../src/identity/index.js'
import { isSignetError } from '../../src/errors/index.js'
import { makeDeployment } from '../support/deployment.js'
import { expectCode } from '../support/expect-code.js'
import { contentOf, user } from './universe.js'

const USERS = [user('compute-07', ['scheduler.rpc.update'], ['compute.compute-07.**']), user('api', ['x.y'], ['y.x'])]
const ENTITIES = [
  { id: 'api.v2', service: 'api', dns: [] },
  { id: 'compute-07', scope: 'region-one/nova' },
]
const cloud = await makeDeployment({ entities: ENTITIES, issue: 'none' })

describe.each(BROKERS)('exportFor %s', (broker) => {
  it('gives the same octets whatever the order of users and patterns', () => {
    const turned = USERS.toReversed().map((item) => ({ ...item, publish: [...item.publish, ...item.publish] }))
    const first = exportFor(broker, { users: USERS })
    expect(exportFor(broker, { users: turned })).toEqual(first)
    expect(first.files.map(({ name }) => name)).toEqual(first.files.map(({ name }) => name).toSorted())
    expect(first.notes.length).toBeGreaterThan(0)
    expect(first.files.every(({ content }) => /^[\x20-\x7e\n]+\n$/.test(content))).toBe(true)
  })

  it('takes everything from the credential directory, or leaves some of it to whoever copies it', () => {
    const textOf = (options: ExportOptions): string =>
      exportFor(broker, { users: USERS }, { credentialDirectory: '/srv/tls', configDirectory: '/srv/conf', ...options })
        .files.map(({ content }) => content)
        .join('\n')
    const fresh = /\/srv\/tls\/current\/(?:crls|combined)/
    const copied = /\/srv\/conf\/(?:crls|signet-keystore)/
    expect(textOf({ material: 'credential-directory' })).not.toMatch(copied)
    expect(textOf({})).not.toMatch(fresh)
    if (broker !== 'nats') expect(textOf({ material: 'credential-directory' })).toMatch(fresh)
  })

  it('speaks no version before TLS 1.3 where that is said', () => {
    const textOf = (options: ExportOptions): string =>
      JSON.stringify(exportFor(broker, { users: USERS }, options).files)
    if (broker === 'nats') expect(textOf({ versions: 'TLSv1.3' })).toBe(textOf({}))
    else expect(textOf({ versions: 'TLSv1.3' })).not.toMatch(/tlsv1\.2/i)
  })

  it('requirement 56: asks for certificates, and knows no password', () => {
    const text = exportFor(broker, { users: USERS })
      .files.map(({ content }) => content)
      .join('\n')
    // RabbitMQ wants the member; an empty one lets nobody in by it.
    expect(text.replaceAll('"password_hash": ""', '')).not.toMatch(/password|PLAIN|token|jwt|kerberos|gssapi/i)
    expect(text).toMatch(/verify_peer|verify_and_map: true|require_certificate true|ssl\.client\.auth=required/)
  })

  it.each<[string, ExportOptions]>([
    ['a relative path', { credentialDirectory: 'tls' }],
    ['a path with a quote', { credentialDirectory: '/etc/"' }],
    ['a path with a line feed', { credentialDirectory: '/etc/x\ny' }],
    ['no port', { port: 0 }],
    ['a port that is no number', { port: Number.NaN }],
    ['a host name for an address', { address: 'localhost' }],
  ])('refuses %s', (_what, options) => {
    expectCode('ERR_CONFIG_INVALID', () => exportFor(broker, { users: USERS }, options))
  })

  it('writes hostile ids exactly, or refuses them', () => {
    const id = fc.oneof(
      fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$/),
      fc.constantFrom(
        'amq.default',
        'amq.topic',
        'signet',
        'user',
        'topic',
        'ANONYMOUS',
        'guest',
        'true',
        '0x1',
        'a..b',
        '-a',
      ),
      fc.string({ maxLength: 8 }),
    )
    fc.assert(
      fc.property(id, (entity) => {
        const hostile = { ...user(entity, ['a.b'], ['c.**']), uri: 'spiffe://cloud.example/compute/hostile' }
        const files = exportedOrRefused(broker, hostile)
        if (files === undefined) return !isSegment(entity) || (broker === 'kafka' && entity === 'ANONYMOUS')
        return isSegment(entity) && holdsExactly(broker, files, entity)
      }),
      { numRuns: 300 },
    )
  })
})

function exportedOrRefused(broker: Broker, hostile: (typeof USERS)[number]): Files | undefined {
  try {
    return exportFor(broker, { users: [...USERS.slice(1), hostile] }).files
  } catch (error) {
    if (isSignetError(error) && error.code === 'ERR_BROKER_NAME') return undefined
    throw error
  }
}

type Files = ReturnType<typeof exportFor>['files']

/** The id stands where it should, and nowhere does it mean something else. */
function holdsExactly(broker: Broker, files: Files, entity: string): boolean {
  switch (broker) {
    case 'rabbitmq': {
      const { permissions, queues } = JSON.parse(contentOf(files, 'definitions.json')) as {
        readonly permissions: readonly { readonly user: string; readonly write: string; readonly read: string }[]
        readonly queues: readonly { readonly name: string }[]
      }
      const own = permissions.find(({ user: name }) => name.endsWith('/hostile'))
      const names = ['amq.default', 'amq.topic', 'signet', '', 'out:api', 'in:api', `out:${entity}`, `in:${entity}`]
      const allowed = (expression = ''): string[] =>
        names.filter((name) => new RegExp(expression.replace('\\A', '^').replace('\\z', '$')).test(name))
      return (
        allowed(own?.write).join() === `out:${entity}` &&
        allowed(own?.read).join() === `in:${entity}` &&
        queues.some(({ name }) => name === `in:${entity}`)
      )
    }
    case 'nats':
      // The id is not in the file at all.
      return contentOf(files, 'signet.conf').match(/user: "[^"\n]+"$/gm)?.length === 2
    case 'mosquitto': {
      const lines = contentOf(files, 'signet.acl').split('\n')
      const name = entity.includes('.') ? `id ${entity}` : entity
      return (
        lines.filter((line) => line === `user CN=${name},OU=compute,O=cloud.example`).length === 1 &&
        lines.filter((line) => line.startsWith('user ')).length === 2 &&
        lines.filter((line) => line.startsWith('topic ')).length === 4
      )
    }
    case 'kafka':
      return contentOf(files, 'signet-acls.txt').split(` User:${entity} `).length === 4
  }
}

describe('exportFor', () => {
  it('refuses a broker that it does not know', () => {
    expectCode('ERR_CONFIG_INVALID', () => exportFor('toString' as Broker, { users: USERS }))
  })

  it.each<ExportOptions>([
    { vhost: '/' },
    { vhost: 'a b' },
    { exchange: 'amq.topic', layout: 'allow-shared-exchange' },
  ])('refuses names with a meaning for RabbitMQ: %j', (options) => {
    expectCode('ERR_CONFIG_INVALID', () => exportFor('rabbitmq', { users: USERS }, options))
  })
})

describe('subjectOf', () => {
  it.each(ENTITIES)('is the subject that the authority puts into the certificate of $id', async ({ id }) => {
    const { certificate } = (await cloud.issue(id, id, { profile: 'client' })).load()
    const uri = identityUriOf(certificate).text
    expect(subjectText(subjectOf({ entity: id, uri }))).toBe(certificate.subject.toString())
  })
})
