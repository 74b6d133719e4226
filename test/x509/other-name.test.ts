import { describe, expect, it } from 'vitest'
import {
  encodeContext,
  encodeInteger,
  encodeNull,
  encodeObjectIdentifier,
  encodeSequence,
  encodeString,
  encodeValue,
  TAG,
} from '../../src/asn1/index.js'
import { type GeneralName, principalName } from '../../src/x509/index.js'
import { allPaths, editDer } from '../support/der.js'

const UPN = '1.3.6.1.4.1.311.20.2.3'
const KERBEROS = '1.3.6.1.5.2.2'

const general = (text: string): Uint8Array => encodeValue(0x1b, Buffer.from(text, 'latin1'))
const otherDer = (type: string, value: Uint8Array, ...more: readonly Uint8Array[]): Uint8Array =>
  encodeContext(0, encodeObjectIdentifier(type), encodeContext(0, value, ...more))
const other = (der: Uint8Array, tag = 0xa0): GeneralName => ({ kind: 'other', tag, der })
const kerberos = (realm: string, components: readonly string[], type = 1): Uint8Array =>
  encodeSequence(
    encodeContext(0, general(realm)),
    encodeContext(
      1,
      encodeSequence(
        encodeContext(0, encodeInteger(type)),
        encodeContext(1, encodeSequence(...components.map(general))),
      ),
    ),
  )
const good = otherDer(KERBEROS, kerberos('CLOUD.EXAMPLE', ['nova', 'node-7']))

describe('principalName: otherName (RFC 4556 §3.2.2, RFC 4120 §5.2.2)', () => {
  it('reads a Kerberos principal and a user principal name', () => {
    const principal = { kind: 'kerberos', realm: 'CLOUD.EXAMPLE', components: ['nova', 'node-7'] }
    expect(principalName(other(good))).toEqual(principal)
    expect(principalName(other(otherDer(KERBEROS, kerberos('CLOUD.EXAMPLE', ['nova', 'node-7'], 3))))).toEqual(
      principal,
    )
    expect(principalName(other(otherDer(UPN, encodeString('alice@example', TAG.utf8String))))).toEqual({
      kind: 'upn',
      value: 'alice@example',
    })
  })

  it('ID-02: keeps components apart, whatever they hold', () => {
    expect(principalName(other(otherDer(KERBEROS, kerberos('A', ['nova/x', 'y@B']))))).toEqual({
      kind: 'kerberos',
      realm: 'A',
      components: ['nova/x', 'y@B'],
    })
  })

  it.each<[string, GeneralName]>([
    ['another kind of general name', { kind: 'dns', value: 'a' }],
    ['x400Address', other(encodeContext(3, encodeNull()), 0xa3)],
    ['ediPartyName', other(encodeContext(5, encodeNull()), 0xa5)],
    ['another otherName', other(otherDer('1.3.6.1.5.5.7.8.9', encodeString('a@b', TAG.utf8String)))],
    ['an otherName of nothing', other(encodeContext(0))],
    ['a UPN that is no UTF8String', other(otherDer(UPN, encodeString('alice@example', TAG.ia5String)))],
    ['a UPN that is not UTF-8', other(otherDer(UPN, encodeValue(TAG.utf8String, Uint8Array.of(0xff))))],
    ['a UPN that is empty', other(otherDer(UPN, encodeString('', TAG.utf8String)))],
    ['a UPN with more behind', other(otherDer(UPN, encodeString('a@b', TAG.utf8String), encodeNull()))],
    ['a principal as UPN', other(otherDer(UPN, kerberos('A', ['b'])))],
    ['a principal without components', other(otherDer(KERBEROS, kerberos('A', [])))],
    ['a principal with an empty component', other(otherDer(KERBEROS, kerberos('A', ['nova', ''])))],
    ['a principal without realm', other(otherDer(KERBEROS, kerberos('', ['nova'])))],
    ['a principal with a NUL', other(otherDer(KERBEROS, kerberos('A', ['admin\0x'])))],
    ['a principal with a line break', other(otherDer(KERBEROS, kerberos('A\n', ['admin'])))],
    ['a principal that is not ASCII', other(otherDer(KERBEROS, kerberos('A', ['\u00e4'])))],
    [
      'a principal of many components',
      other(
        otherDer(
          KERBEROS,
          kerberos(
            'A',
            Array.from({ length: 17 }, () => 'x'),
          ),
        ),
      ),
    ],
  ])('finds nobody in %s', (_claim, name) => {
    expect(principalName(name)).toBeUndefined()
  })

  it('finds nobody in a principal of which any value is missing, doubled, or another', () => {
    for (const path of allPaths(good).filter((at) => at.length > 0)) {
      const isName = path.join() === '1,0,1,0,1,0,0' || path.join() === '1,0,1,0,1,0,1'
      for (const change of [() => [], (value: Uint8Array) => [value, value], () => encodeNull()]) {
        const found = principalName(other(editDer(good, path, change)))
        if (found === undefined) continue
        // One component more or less is another principal, not none.
        expect(isName && found.kind === 'kerberos' && found.components.length !== 2).toBe(true)
      }
    }
  })
})
