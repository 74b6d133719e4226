import { describe, expect, it } from 'vitest'
import { parseAgentConfiguration } from '../../src/agent/index.js'
import { formatYaml } from '../../src/yaml/index.js'
import { expectCode } from '../support/expect-code.js'

const PIN = 'ab'.repeat(32)
type Document = Record<string, unknown>

const credential = (changes: Document = {}): Document => ({ directory: 'web', entity: 'web-01', ...changes })
const document = (changes: Document = {}): Document => ({
  version: 1,
  status: 'status.json',
  source: { command: ['issuer', '{entity}'] },
  credentials: [credential()],
  ...changes,
})
const parse = (value: Document): ReturnType<typeof parseAgentConfiguration> =>
  parseAgentConfiguration(formatYaml(value as never), '/etc/signet')

describe('parseAgentConfiguration', () => {
  it('fills in what is left out, and starts paths from the folder of the file', () => {
    expect(parse(document())).toEqual({
      status: '/etc/signet/status.json',
      everySeconds: 600,
      crls: [],
      credentials: [
        {
          directory: '/etc/signet/web',
          entity: 'web-01',
          profile: expect.objectContaining({ name: 'peer' }) as unknown,
          source: { kind: 'command', command: ['issuer', '{entity}'], timeoutSeconds: 60 },
          keyAlgorithm: 'p256',
          reload: [],
          reloadSeconds: 60,
          renewAt: 2 / 3,
          jitter: 0.05,
        },
      ],
    })
  })

  it('takes everything that there is', () => {
    const { credentials, ...top } = parse(
      document({
        metrics: '/var/lib/metrics.prom',
        every: '1h',
        anchors: 'root.pem',
        crls: ['crls.pem', 'http://pki.example/crls.pem'],
        trust: { from: 'http://pki.example/trust/', cache: 'trust.p7', pin: PIN, domain: 'cloud.example' },
        credentials: [
          credential({
            profile: 'server',
            source: { authority: '/srv/signet', passphraseFile: 'passphrase' },
            identity: 'spiffe://cloud.example/web/web-01',
            group: 33,
            keyAlgorithm: 'ed25519',
            reload: [
              ['nginx', '-t'],
              ['systemctl', 'reload', 'nginx'],
            ],
            reloadTimeout: '5s',
            probe: { host: '::1', port: 5432, starttls: 'postgres', serverName: 'db.example', timeout: '3s' },
            renewAt: 0.5,
            jitter: 0,
          }),
        ],
      }),
    )
    expect(top).toEqual({
      status: '/etc/signet/status.json',
      metrics: '/var/lib/metrics.prom',
      everySeconds: 3600,
      anchors: '/etc/signet/root.pem',
      crls: ['/etc/signet/crls.pem', 'http://pki.example/crls.pem'],
      trust: { from: 'http://pki.example/trust/', cache: '/etc/signet/trust.p7', pin: PIN, domain: 'cloud.example' },
    })
    expect(credentials[0]).toMatchObject({
      source: { kind: 'authority', home: '/srv/signet', passphraseFile: '/etc/signet/passphrase' },
      group: '33',
      reload: [
        ['nginx', '-t'],
        ['systemctl', 'reload', 'nginx'],
      ],
      reloadSeconds: 5,
      probe: {
        server: { host: '::1', port: 5432, starttls: 'postgres', serverName: 'db.example' },
        timeoutSeconds: 3,
      },
    })
  })

  const wrong: readonly (readonly [claim: string, value: Document])[] = [
    ['another version', document({ version: 2 })],
    ['an unknown key', document({ statuz: 'x' })],
    ['an unknown key of a credential', document({ credentials: [credential({ reloads: [] })] })],
    ['no status', document({ status: '' })],
    ['no credentials', document({ credentials: [] })],
    ['credentials that are no list', document({ credentials: credential() })],
    ['a credential that is no object', document({ credentials: ['web'] })],
    ['two credentials in one directory', document({ credentials: [credential(), credential({ entity: 'b' })] })],
    ['nobody who issues', document({ source: undefined })],
    ['two who issue', document({ source: { command: ['a'], authority: '/b' } })],
    ['nobody in the source', document({ source: {} })],
    ['a command with a passphrase', document({ source: { command: ['a'], passphraseFile: 'b' } })],
    ['an authority with a timeout', document({ source: { authority: 'a', timeout: '1s' } })],
    ['KEY-12: a reload that a shell would have to split', document({ credentials: [credential({ reload: 'a b' })] })],
    ['KEY-12: a word that no program can get', document({ credentials: [credential({ reload: ['a\0b'] })] })],
    ['a reload without a program', document({ credentials: [credential({ reload: [''] })] })],
    ['a reload of no words', document({ credentials: [credential({ reload: [] })] })],
    ['KEY-12: an entity that is more than a word', document({ credentials: [credential({ entity: 'a;b' })] })],
    ['KEY-07: an entity that leads elsewhere', document({ credentials: [credential({ entity: '../a' })] })],
    ['an unknown profile', document({ credentials: [credential({ profile: 'ca' })] })],
    ['an unknown kind of key', document({ credentials: [credential({ keyAlgorithm: 'rsa512' })] })],
    ['an identity that is none', document({ credentials: [credential({ identity: 'web-01' })] })],
    ['a group that is a list', document({ credentials: [credential({ group: [] })] })],
    ['renewal after the end', document({ credentials: [credential({ renewAt: 1.1 })] })],
    ['renewal that jitter puts off too far', document({ credentials: [credential({ renewAt: 0.9, jitter: 0.1 })] })],
    ['renewal at once', document({ credentials: [credential({ renewAt: 0 })] })],
    ['a part that is a text', document({ credentials: [credential({ renewAt: '0.5' })] })],
    ['a port that is none', document({ credentials: [credential({ probe: { port: 0 } })] })],
    ['a port that is a text', document({ credentials: [credential({ probe: { port: '443' } })] })],
    ['a prelude that is not known', document({ credentials: [credential({ probe: { port: 1, starttls: 'ftp' } })] })],
    ['a port and a socket', document({ credentials: [credential({ probe: { port: 1, path: '/a' } })] })],
    ['a time without a unit', document({ every: '600' })],
    ['a pin that is none', document({ trust: { from: 'a', cache: 'b', pin: 'abc' } })],
    ['a trust directory without a pin', document({ trust: { from: 'a', cache: 'b' } })],
  ]

  it.each(wrong)('refuses %s', (_claim, value) => {
    const error = expectCode('ERR_CONFIG_INVALID', () => parseAgentConfiguration(JSON.stringify(value), '/etc/signet'))
    expect(error.message).toMatch(/^the configuration: /)
  })

  it('refuses what is no YAML', () => {
    expectCode('ERR_YAML_MALFORMED', () => parseAgentConfiguration('version: 1\nversion: 1\n', '/'))
    expectCode('ERR_YAML_MALFORMED', () => parseAgentConfiguration('{', '/'))
  })
})
