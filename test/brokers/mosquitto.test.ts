import { describe, expect, it } from 'vitest'
import { exportMosquitto } from '../../src/brokers/mosquitto.js'
import { formatPattern } from '../../src/brokers/permissions.js'
import { ADDRESSES, contentOf, matches, PATTERNS, SMALL, user } from './universe.js'

describe('exportMosquitto', () => {
  it('writes an ACL by whole subjects', () => {
    const { files } = exportMosquitto(SMALL)
    expect(contentOf(files, 'signet.acl')).toBe(`# Written by signet. Who is not in here may do nothing.

# api.v2
user CN=id api.v2,OU=compute,O=cloud.example
topic write compute/+/rpc/build

# compute-07
user CN=compute-07,OU=compute,O=cloud.example
topic write scheduler/rpc/update
topic read compute/compute-07/+/#
`)
  })

  it('writes a listener that asks for certificates, and for nothing else', () => {
    const { files } = exportMosquitto(SMALL, {
      credentialDirectory: '/srv/tls',
      configDirectory: '/srv/mqtt',
      port: 8884,
    })
    const lines = contentOf(files, 'signet.conf').split('\n')
    expect(lines.filter((line) => line !== '' && !line.startsWith('#'))).toEqual([
      'per_listener_settings true',
      'listener 8884 0.0.0.0',
      'certfile /srv/tls/current/fullchain.pem',
      'keyfile /srv/tls/current/key.pem',
      'cafile /srv/tls/current/ca-bundle.pem',
      'crlfile /srv/mqtt/crls.pem',
      'tls_version tlsv1.2',
      'require_certificate true',
      'use_subject_as_username true',
      'use_username_as_clientid true',
      'allow_anonymous false',
      'acl_file /srv/mqtt/signet.acl',
    ])
  })

  it('has filters that match exactly the addresses of a pattern, in a small universe', () => {
    for (const wanted of PATTERNS) {
      const { files } = exportMosquitto({ users: [{ ...user('a', [], []), publish: [wanted], consume: [wanted] }] })
      const [write, read] = [...contentOf(files, 'signet.acl').matchAll(/^topic (?:write|read) (\S+)$/gm)]
      expect(read?.[1]).toBe(write?.[1])
      const levels = write?.[1]?.split('/') ?? []
      for (const address of ADDRESSES) {
        if (filterMatches(levels, address) !== matches(wanted, address)) {
          expect.fail(`${formatPattern(wanted)} at ${address.join('/')}`)
        }
      }
    }
  })
})

/** MQTT 5.0 §4.7: `#` is also the level above it. */
function filterMatches([first, ...others]: readonly string[], [level, ...more]: readonly string[]): boolean {
  if (first === '#') return true
  if (first === undefined || level === undefined) return first === undefined && level === undefined
  return (first === '+' || first === level) && filterMatches(others, more)
}
