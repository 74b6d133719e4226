import { describe, expect, it } from 'vitest'
import { OID } from '../../src/asn1/index.js'
import { checkEmail, checkHostName, checkUri } from '../../src/path/index.js'
import { buildName, type GeneralName } from '../../src/x509/index.js'
import { makeCertificate, NOW } from '../support/certificates.js'
import { expectCode } from '../support/expect-code.js'
import { hierarchy, validate } from '../support/hierarchy.js'

function check(names: readonly GeneralName[], host: string): void {
  checkHostName(makeCertificate({ names }).certificate, host)
}
const dns = (value: string): GeneralName => ({ kind: 'dns', value })

describe('checkHostName (RFC 9525)', () => {
  it.each([
    ['the name itself', 'node.cloud.example', 'node.cloud.example'],
    ['another case, either side', 'Node.Cloud.Example', 'NODE.cloud.example'],
    ['a host with its final dot', 'node.cloud.example', 'node.cloud.example.'],
    ['one label for a wildcard', '*.cloud.example', 'node.cloud.example'],
    ['an A-label', 'xn--nde-sna.cloud.example', 'XN--NDE-SNA.cloud.example'],
  ])('accepts %s', (_claim, presented, host) => {
    check([dns(presented)], host)
  })

  it.each([
    ['another name', 'node.cloud.example', 'other.cloud.example'],
    ['a name below', 'cloud.example', 'node.cloud.example'],
    ['a name above', 'node.cloud.example', 'cloud.example'],
    ['a name that ends alike', 'cloud.example', 'evilcloud.example'],
    ['two labels for one wildcard', '*.cloud.example', 'a.b.cloud.example'],
    ['no label for a wildcard', '*.cloud.example', 'cloud.example'],
    ['an empty label for a wildcard', '*.cloud.example', '.cloud.example'],
    ['a wildcard over a top-level domain', '*.example', 'cloud.example'],
    ['a wildcard alone', '*', 'node'],
    ['a wildcard inside a label', 'n*.cloud.example', 'node.cloud.example'],
    ['a wildcard that is not leftmost', 'node.*.example', 'node.cloud.example'],
    ['an empty host', 'node.cloud.example', ''],
    ['a name with a NUL behind', 'node.cloud.example', 'node.cloud.example\0.evil.example'],
    ['an address in a DNS name', '10.0.0.1', '10.0.0.1'],
    ['a wildcard for an address', '*.0.0.1', '10.0.0.1'],
  ])('refuses %s', (_claim, presented, host) => {
    expectCode('ERR_PATH_HOST_NAME', () => check([dns(presented)], host))
  })

  it('compares addresses as octets, of the same family', () => {
    const v4: GeneralName = { kind: 'ip', octets: Uint8Array.of(10, 0, 0, 1) }
    const v6: GeneralName = {
      kind: 'ip',
      octets: Uint8Array.from({ length: 16 }, (_, index) => (index === 15 ? 1 : 0)),
    }
    check([v4], '10.0.0.1')
    check([v6], '::1')
    check([v6], '0:0:0:0:0:0:0:1')
    for (const [name, host] of [
      [v4, '10.0.0.2'],
      [v4, '010.0.0.1'],
      [v4, '0x0a.0.0.1'],
      [v4, '167772161'],
      [v4, '::ffff:10.0.0.1'],
      [v4, '::ffff:a00:1'],
      [v6, '::2'],
    ] as const) {
      expectCode('ERR_PATH_HOST_NAME', () => check([name], host))
    }
  })

  it('PATH-15: never takes the common name, nor a name of another kind, for a host name', () => {
    const host = 'node.cloud.example'
    const subject = buildName([[OID.commonName, host]])
    expectCode('ERR_PATH_HOST_NAME', () => checkHostName(makeCertificate({ subject }).certificate, host))
    for (const name of [
      { kind: 'uri', value: host },
      { kind: 'uri', value: `spiffe://${host}/x/y` },
      { kind: 'email', value: `root@${host}` },
      { kind: 'directory', name: subject },
    ] as const) {
      expectCode('ERR_PATH_HOST_NAME', () => check([name], host))
    }
    const address = buildName([[OID.commonName, '10.0.0.1']])
    expectCode('ERR_PATH_HOST_NAME', () => checkHostName(makeCertificate({ subject: address }).certificate, '10.0.0.1'))
  })

  it('is asked by validatePath where a host name is given', () => {
    const whole = hierarchy()
    expect(validate(whole, { hostName: 'node.cloud.example' }).at).toEqual(NOW)
    const error = expectCode('ERR_PATH_HOST_NAME', () => validate(whole, { hostName: 'other.cloud.example' }))
    expect(error.details).toMatchObject({ host: 'other.cloud.example' })
  })
})

describe('checkUri (RFC 5280 §7.4)', () => {
  const uri = 'spiffe://cloud.example/region-one/nova/compute/compute-07'
  const { certificate } = makeCertificate({ names: [{ kind: 'uri', value: uri }] })

  it.each([uri, uri.replace('cloud', 'CLOUD'), uri.replace('spiffe', 'SPIFFE')])('accepts %s', (wanted) => {
    checkUri(certificate, wanted)
  })

  it.each([`${uri}/`, uri.replace('nova', 'Nova'), uri.slice(0, -1), uri.replace('//', '//me@'), '', 'spiffe:'])(
    'refuses %j',
    (wanted) => {
      expectCode('ERR_PATH_IDENTITY', () => checkUri(certificate, wanted))
    },
  )

  it('the same text as a name of another kind is none', () => {
    const other = makeCertificate({ names: [dns(uri)] }).certificate
    expectCode('ERR_PATH_IDENTITY', () => checkUri(other, uri))
  })
})

describe('checkEmail (RFC 5280 §7.5)', () => {
  const { certificate } = makeCertificate({ names: [{ kind: 'email', value: 'Ops@cloud.example' }] })

  it('compares the host without regard to case, the rest exactly', () => {
    checkEmail(certificate, 'Ops@CLOUD.example')
    for (const wanted of ['ops@cloud.example', 'Ops@other.example', 'Ops', '@cloud.example', ''])
      expectCode('ERR_PATH_IDENTITY', () => checkEmail(certificate, wanted))
  })

  it('is asked of the end entity of a path', () => {
    const whole = hierarchy({ node: { names: [{ kind: 'email', value: 'ops@cloud.example' }] } })
    validate(whole, { email: 'ops@cloud.example' })
    expectCode('ERR_PATH_IDENTITY', () => validate(whole, { email: 'root@cloud.example' }))
    expectCode('ERR_PATH_IDENTITY', () => validate(whole, { uri: 'spiffe://cloud.example/x' }))
  })
})
