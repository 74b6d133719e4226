import { describe, expect, it } from 'vitest'
import { exportNats } from '../../src/brokers/nats.js'
import { formatPattern } from '../../src/brokers/permissions.js'
import { expectCode } from '../support/expect-code.js'
import { ADDRESSES, contentOf, lists, matches, PATTERNS, SMALL, user } from './universe.js'

describe('exportNats', () => {
  it('writes one file', () => {
    const { files } = exportNats(SMALL, { credentialDirectory: '/srv/tls', address: '127.0.0.1', port: 4223 })
    expect(files.map(({ name }) => name)).toEqual(['signet.conf'])
    expect(contentOf(files, 'signet.conf'))
      .toBe(`# Written by signet. nats-server -c signet.conf; SIGHUP reads it again and drops users that are gone.
listen: "127.0.0.1:4223"

tls {
  cert_file: "/srv/tls/current/fullchain.pem"
  key_file: "/srv/tls/current/key.pem"
  ca_file: "/srv/tls/current/ca-bundle.pem"
  # The identity URI of the client's certificate is its user name.
  verify_and_map: true
  timeout: 5
}

authorization {
  default_permissions: { publish: { deny: [">"] }, subscribe: { deny: [">"] } }
  users: [
    {
      user: "spiffe://cloud.example/compute/api.v2"
      permissions: {
        publish: { allow: ["compute.*.rpc.build"] }
        subscribe: { deny: [">"] }
      }
    }
    {
      user: "spiffe://cloud.example/compute/compute-07"
      permissions: {
        publish: { allow: ["scheduler.rpc.update"] }
        subscribe: { allow: ["compute.compute-07.>"] }
      }
    }
  ]
}
`)
  })

  it('names the keys that may come in, where they are named', () => {
    const pins = ['b'.repeat(64), 'a'.repeat(64)]
    expect(contentOf(exportNats(SMALL, { pins }).files, 'signet.conf')).toContain(
      `  pinned_certs: [\n    "${'a'.repeat(64)}"\n    "${'b'.repeat(64)}"\n  ]\n}`,
    )
    for (const wrong of [[], ['A'.repeat(64)], [`${'a'.repeat(64)}"`]]) {
      expectCode('ERR_CONFIG_INVALID', () => exportNats(SMALL, { pins: wrong }))
    }
  })

  it('refuses to allow one segment and something below it, which a denial would take away', () => {
    const users = [user('a', [], ['x.*', 'x.y.z'])]
    expect(expectCode('ERR_BROKER_PATTERN', () => exportNats({ users })).hint).toBeDefined()
    // All below includes the one segment: nothing is denied.
    const { files } = exportNats({ users: [user('a', [], ['x.*', 'x.**'])] })
    expect(contentOf(files, 'signet.conf')).toContain('subscribe: { allow: ["x.*", "x.>"] }')
  })

  it('delivers exactly what is allowed, whatever is subscribed to, in a small universe', () => {
    const subscriptions = lists(['a', 'a:b', 'c', '*', '>'], 4).filter((tokens) => !tokens.slice(0, -1).includes('>'))
    for (const wanted of PATTERNS) {
      const { files } = exportNats({ users: [{ ...user('a', [], []), publish: [wanted], consume: [wanted] }] })
      const content = contentOf(files, 'signet.conf')
      const [publish = [], allow = [], deny = []] = [
        /publish: \{ allow: \["(\S+)"\] \}\n/,
        /subscribe: \{ allow: \["(\S+)"\]/,
        /subscribe: .*, deny: \["(\S+)"\]/,
      ].map((expression) => expression.exec(content)?.[1]?.split('.'))
      for (const address of ADDRESSES) {
        const meant = matches(wanted, address)
        if (subjectMatches(publish, address) !== meant) expect.fail(`${formatPattern(wanted)} at ${address.join('.')}`)
        const received = subscriptions.some(
          (subscription) =>
            subjectMatches(allow, subscription) &&
            !(deny.length > 0 && (subjectMatches(deny, subscription) || subjectMatches(deny, address))) &&
            subjectMatches(subscription, address),
        )
        if (received !== meant) expect.fail(`${formatPattern(wanted)} receives ${address.join('.')}`)
      }
    }
  })
})

/** As nats-server compares: the wildcards of a subscription are tokens like others. */
function subjectMatches([first, ...others]: readonly string[], [token, ...more]: readonly string[]): boolean {
  if (first === undefined || token === undefined) return first === undefined && token === undefined
  return first === '>' || ((first === '*' || first === token) && subjectMatches(others, more))
}
