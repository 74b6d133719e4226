import { describe, expect, it } from 'vitest'
import { identityUri, identityUriOf, isSegment, parseIdentityUri } from '../../src/identity/index.js'
import type { GeneralName } from '../../src/x509/index.js'
import { makeCertificate } from '../support/certificates.js'
import { expectCode } from '../support/expect-code.js'

const GOOD = 'spiffe://cloud.example/region-one/nova/compute/node-7'
const uri = (value: string): GeneralName => ({ kind: 'uri', value })

describe('parseIdentityUri (SPIFFE-ID §2)', () => {
  it('takes an identity apart and back together', () => {
    const parts = { trustDomain: 'cloud.example', scope: 'region-one/nova', service: 'compute', node: 'node-7' }
    expect(parseIdentityUri(GOOD)).toEqual({ text: GOOD, ...parts })
    expect(identityUri(parts)).toEqual({ text: GOOD, ...parts })
    expect(parseIdentityUri('spiffe://cloud.example/compute/node')).toMatchObject({ scope: '', service: 'compute' })
  })

  it.each([
    'spiffe://a/b/c',
    'spiffe://10.cloud-1.example/B_x/C.y-z',
    `spiffe://${'a'.repeat(63)}/b/c`,
    `spiffe://${'a'.repeat(31)}.${'b'.repeat(32)}/b/c`,
    `spiffe://a/b/${'c'.repeat(64)}`,
    'spiffe://cloud.example/constructor/toString',
  ])('accepts %s', (text) => {
    expect(parseIdentityUri(text).text).toBe(text)
  })

  it.each([
    ['nothing', ''],
    ['another scheme', 'https://cloud.example/compute/node'],
    ['an upper-case scheme', 'SPIFFE://cloud.example/compute/node'],
    ['no scheme', '//cloud.example/compute/node'],
    ['no trust domain', 'spiffe:///compute/node'],
    ['no path', 'spiffe://cloud.example'],
    ['an empty path', 'spiffe://cloud.example/'],
    ['one segment', 'spiffe://cloud.example/compute'],
    ['an empty last segment', 'spiffe://cloud.example/compute/node/'],
    ['an empty first segment', 'spiffe://cloud.example//compute/node'],
    ['two empty first segments', 'spiffe://cloud.example///compute/node'],
    ['an empty segment between', 'spiffe://cloud.example/a//compute/node'],
    ['an empty service', 'spiffe://cloud.example//node'],
    ['a segment ..', 'spiffe://cloud.example/a/../compute/node'],
    ['a segment .', 'spiffe://cloud.example/./compute/node'],
    ['a node ..', 'spiffe://cloud.example/compute/..'],
    ['.. inside a segment', 'spiffe://cloud.example/compute/a..b'],
    ['a segment that begins with a dot', 'spiffe://cloud.example/compute/.node'],
    ['a segment that ends with a dot', 'spiffe://cloud.example/compute/node.'],
    ['an encoded dot', 'spiffe://cloud.example/compute/%2e'],
    ['an encoded slash', 'spiffe://cloud.example/compute/a%2fb'],
    ['an upper-case trust domain', 'spiffe://Cloud.example/compute/node'],
    ['an underscore in the trust domain', 'spiffe://cloud_1.example/compute/node'],
    ['a trust domain with a final dot', 'spiffe://cloud.example./compute/node'],
    ['a trust domain with two dots', 'spiffe://cloud..example/compute/node'],
    ['a trust domain that begins with a dash', 'spiffe://-cloud.example/compute/node'],
    ['a label of 64 characters', `spiffe://${'a'.repeat(64)}/b/c`],
    ['a trust domain that is an address', 'spiffe://10.0.0.1/b/c'],
    ['a trust domain of 65 characters', `spiffe://${'a'.repeat(32)}.${'b'.repeat(32)}/b/c`],
    ['a port', 'spiffe://cloud.example:8443/compute/node'],
    ['a user', 'spiffe://root@cloud.example/compute/node'],
    ['a query', 'spiffe://cloud.example/compute/node?x=1'],
    ['a fragment', 'spiffe://cloud.example/compute/node#x'],
    ['a space', 'spiffe://cloud.example/compute/no de'],
    ['a space in front', ' spiffe://cloud.example/compute/node'],
    ['a newline behind', 'spiffe://cloud.example/compute/node\n'],
    ['a second line', 'spiffe://cloud.example/compute/node\nspiffe://cloud.example/compute/admin'],
    ['a NUL', 'spiffe://cloud.example/compute/node\0'],
    ['a backslash', 'spiffe://cloud.example/compute\\node'],
    ['a letter that only looks like one', 'spiffe://cloud.example/compute/n\u043ede'],
    ['a full-width letter', 'spiffe://cloud.example/compute/\uff4eode'],
    ['a Kelvin sign', 'spiffe://cloud.example/compute/\u212aode'],
    ['a zero-width joiner', 'spiffe://cloud.example/compute/no\u200dde'],
    ['an override of direction', 'spiffe://cloud.example/compute/\u202enode'],
    ['a combining accent', 'spiffe://cloud.example/compute/no\u0301de'],
    ['a segment of 65 characters', `spiffe://a/b/${'c'.repeat(65)}`],
    ['2049 octets', `spiffe://a/${'b/'.repeat(1018)}cc`],
    ['a million octets', `spiffe://a/${'b/'.repeat(500_000)}c`],
    ['a prototype', 'spiffe://cloud.example/compute/__proto__'],
  ])('CA-26: refuses %s, and never mends it', (_claim, text) => {
    expectCode('ERR_IDENTITY_INVALID', () => parseIdentityUri(text))
  })

  it('takes 2048 octets', () => {
    const text = `spiffe://a/${'b/'.repeat(1018)}c`
    expect(text).toHaveLength(2048)
    expect(parseIdentityUri(text).text).toBe(text)
    const scope = Array.from({ length: 1018 }, () => 'b').join('/')
    expectCode('ERR_IDENTITY_INVALID', () => identityUri({ trustDomain: 'a', scope, service: 'b', node: 'c' }))
  })

  it('ID-09: tells upper from lower case in a path: two names, two identities', () => {
    expect(parseIdentityUri('spiffe://a/b/Node').text).not.toBe(parseIdentityUri('spiffe://a/b/node').text)
  })

  it.each([
    ['scope', { scope: '/' }],
    ['scope', { scope: 'a/' }],
    ['scope', { scope: '../x' }],
    ['service', { service: '' }],
    ['service', { service: 'a/b' }],
    ['node', { node: '' }],
    ['node', { node: 'a/b' }],
    ['node', { node: '..' }],
    ['trust domain', { trustDomain: '' }],
    ['trust domain', { trustDomain: 'a/b' }],
  ])('is not put together with a wrong %s', (_part, change) => {
    const parts = { trustDomain: 'cloud.example', scope: '', service: 'compute', node: 'node' }
    expectCode('ERR_IDENTITY_INVALID', () => identityUri({ ...parts, ...change }))
  })
})

describe('isSegment', () => {
  it.each(['a', 'A9', 'a-b', 'a_b', 'a.b', 'constructor', 'toString', 'hasOwnProperty', 'a'.repeat(64)])(
    'takes %j',
    (text) => {
      expect(isSegment(text)).toBe(true)
    },
  )

  it.each([
    '',
    '.',
    '..',
    'a..b',
    'a/b',
    '/abs',
    '../x',
    '-a',
    'a-',
    '_a',
    '__proto__',
    'a b',
    'a\0',
    'a\n',
    'C:x',
    'a%2f',
    'ä',
    'a'.repeat(65),
    'a'.repeat(300),
  ])('KEY-07: refuses %j', (text) => {
    expect(isSegment(text)).toBe(false)
  })
})

describe('identityUriOf a certificate', () => {
  const of = (...names: readonly GeneralName[]): string => identityUriOf(makeCertificate({ names }).certificate).text

  it('is its one URI, whatever other names it has', () => {
    expect(of({ kind: 'dns', value: 'a.example' }, uri(GOOD), { kind: 'email', value: 'a@a.example' })).toBe(GOOD)
  })

  it('ID-06: refuses two URIs, even if one is no identity, or both are one', () => {
    expectCode('ERR_IDENTITY_INVALID', () => of(uri(GOOD), uri('spiffe://cloud.example/compute/admin')))
    expectCode('ERR_IDENTITY_INVALID', () => of(uri('https://a.example/'), uri(GOOD)))
    expectCode('ERR_IDENTITY_INVALID', () => of(uri(GOOD), uri(GOOD)))
  })

  it('ID-04: takes no identity from a name of another kind', () => {
    expectCode('ERR_IDENTITY_INVALID', () => of())
    expectCode('ERR_IDENTITY_INVALID', () => of({ kind: 'dns', value: GOOD }, { kind: 'email', value: GOOD }))
  })

  it('ID-03: does not find a second name inside a text', () => {
    expectCode('ERR_IDENTITY_INVALID', () => of(uri(`${GOOD},URI:spiffe://cloud.example/compute/admin`)))
    expectCode('ERR_IDENTITY_INVALID', () => of({ kind: 'dns', value: `a.example,URI:${GOOD}` }))
  })
})
