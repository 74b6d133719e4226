import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import {
  DerReader,
  encodeBoolean,
  encodeContext,
  encodeContextPrimitive,
  encodeInteger,
  encodeNull,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  encodeSetOf,
  encodeString,
  OID,
} from '../../src/asn1/index.js'
import {
  type BasicConstraints,
  buildName,
  encodeAuthorityKeyIdentifier,
  encodeBasicConstraints,
  encodeCrlDistributionPoints,
  encodeCrlNumber,
  encodeExtKeyUsage,
  encodeKeyUsage,
  encodeNameConstraints,
  encodeSubjectAltName,
  encodeSubjectKeyIdentifier,
  type Extension,
  KEY_USAGES,
  type KeyUsage,
  readAuthorityKeyIdentifier,
  readBasicConstraints,
  readExtensions,
  readExtensionValue,
  readExtKeyUsage,
  readKeyUsage,
  readNameConstraints,
  readSubjectAltName,
  readSubjectKeyIdentifier,
} from '../../src/x509/index.js'
import { fromHex, nested, toHex } from '../support/der.js'
import { expectCode } from '../support/expect-code.js'
import { outcomeOf } from '../support/only-signet-errors.js'

// A machine that others share may take long; what must be fast is measured in processor time.
vi.setConfig({ testTimeout: 60_000 })

const LIMITS = { maxBytes: 1 << 20, maxDepth: 8, maxNodes: 100_000 }

function parsed(...extensionsDer: Uint8Array[]): ReadonlyMap<string, Extension> {
  return readExtensions(DerReader.over(encodeSequence(...extensionsDer), LIMITS))
}

/** Read a value as the value of some extension. */
function value<T>(der: Uint8Array, read: (reader: DerReader) => T): T {
  return readExtensionValue({ oid: OID.keyUsage, critical: false, value: der }, read)
}

/** Read back what a writer wrote: the critical flag and the value. */
function back<T>(der: Uint8Array, read: (reader: DerReader) => T): readonly [boolean, T] {
  const extension = [...parsed(der).values()][0]
  if (extension === undefined) throw new Error('no extension')
  return [extension.critical, readExtensionValue(extension, read)]
}

const dns = (name: string): Uint8Array => encodeContextPrimitive(2, Buffer.from(name))
const directory = encodeContext(4, buildName([['2.5.4.3', 'a']]).der)

describe('readExtensions', () => {
  const one = (...fields: Uint8Array[]): Uint8Array => encodeSequence(encodeObjectIdentifier('1.2.3'), ...fields)
  const empty = encodeOctetString(new Uint8Array())

  it('reads them in order with their critical flags', () => {
    const extensions = parsed(encodeBasicConstraints({ ca: true, pathLenConstraint: undefined }), one(empty))
    expect([...extensions.values()].map(({ oid, critical }) => [oid, critical])).toEqual([
      [OID.basicConstraints, true],
      ['1.2.3', false],
    ])
  })

  it.each([
    ['DER-10: no extension', [], 'ERR_EXTENSION_MALFORMED'],
    ['DER-09: a critical flag that is the default', [one(encodeBoolean(false), empty)], 'ERR_DER_NON_CANONICAL'],
    ['DER-09: a critical flag of 01', [one(fromHex('010101'), empty)], 'ERR_DER_NON_CANONICAL'],
    ['DER-07: no value', [one()], 'ERR_DER_TRUNCATED'],
    ['DER-07: two critical flags', [one(encodeBoolean(true), encodeBoolean(true), empty)], 'ERR_DER_TAG'],
    ['DER-07: a critical flag after the value', [one(empty, encodeBoolean(true))], 'ERR_DER_TRAILING_DATA'],
    ['an OID twice', [one(empty), one(encodeBoolean(true), empty)], 'ERR_EXTENSION_DUPLICATE'],
  ] as const)('refuses %s', (_, extensions, code) => {
    expectCode(code, () => parsed(...extensions))
  })
})

describe('readExtensionValue', () => {
  it('names the extension and keeps the cause', () => {
    const extension = { oid: OID.keyUsage, critical: true, value: fromHex('0500') }
    const error = expectCode('ERR_EXTENSION_MALFORMED', () => readExtensionValue(extension, readKeyUsage))
    expect(error.message).toContain('keyUsage')
    expect(error.details).toEqual({ oid: OID.keyUsage })
    expectCode('ERR_DER_TAG', () => {
      throw error.cause
    })
  })

  it.each([
    ['keyUsage', '03020780', readKeyUsage],
    ['basicConstraints', '3000', readBasicConstraints],
    ['subjectKeyIdentifier', '040101', readSubjectKeyIdentifier],
  ] as const)('DER-04: refuses data after the value of %s, and no value', (_, hex, read) => {
    value(fromHex(hex), read as (reader: DerReader) => unknown)
    expectCode('ERR_EXTENSION_MALFORMED', () => value(fromHex(`${hex}00`), read as (reader: DerReader) => unknown))
    expectCode('ERR_EXTENSION_MALFORMED', () => value(new Uint8Array(), read as (reader: DerReader) => unknown))
  })

  it('lets limits keep their own code', () => {
    expectCode('ERR_LIMIT_EXCEEDED', () => value(new Uint8Array(256 * 1024 + 1), readKeyUsage))
  })

  it('DER-01: refuses nesting of 100, 3000 and 10000 levels in every value that is read later', () => {
    const readers = [
      readBasicConstraints,
      readKeyUsage,
      readExtKeyUsage,
      readSubjectKeyIdentifier,
      readAuthorityKeyIdentifier,
      readSubjectAltName,
      readNameConstraints,
    ]
    for (const levels of [100, 3000, 10_000]) {
      for (const tag of [0x30, 0x31, 0xa0, 0xa1, 0xa4]) {
        for (const read of readers) {
          for (const der of [
            nested(tag, levels),
            encodeSequence(nested(tag, levels)),
            encodeSequence(encodeContext(4, nested(tag, levels))),
          ]) {
            const { code, cpuMilliseconds } = outcomeOf(() => value<unknown>(der, read))
            // An otherName or x400Address is kept whole, however deep.
            expect(['ERR_EXTENSION_MALFORMED', ...(tag === 0xa0 ? ['accepted'] : [])]).toContain(code)
            expect(cpuMilliseconds).toBeLessThan(100)
          }
        }
      }
    }
  })
})

describe('basicConstraints (RFC 5280 §4.2.1.9)', () => {
  it.each<[string, BasicConstraints]>([
    ['3000', { ca: false, pathLenConstraint: undefined }],
    ['30030101ff', { ca: true, pathLenConstraint: undefined }],
    ['30060101ff020100', { ca: true, pathLenConstraint: 0 }],
    ['30070101ff02020100', { ca: true, pathLenConstraint: 256 }],
  ])('reads %s', (hex, constraints) => {
    expect(value(fromHex(hex), readBasicConstraints)).toEqual(constraints)
  })

  it.each([
    ['cA that is the default', '3003010100'],
    ['cA of 01', '3003010101'],
    ['a negative path length', '30060101ff0201ff'],
    ['a path length above 2^31 - 1', '300a0101ff02050080000000'],
    ['a third field', '30080101ff0201000500'],
    ['the fields in another order', '30060201000101ff'],
    ['a SET', '3100'],
  ])('refuses %s', (_, hex) => {
    expectCode('ERR_EXTENSION_MALFORMED', () => value(fromHex(hex), readBasicConstraints))
  })

  it('round trip: is critical and reads back', () => {
    for (const constraints of [
      { ca: true, pathLenConstraint: 3 },
      { ca: true, pathLenConstraint: undefined },
      { ca: false, pathLenConstraint: undefined },
    ]) {
      expect(back(encodeBasicConstraints(constraints), readBasicConstraints)).toEqual([true, constraints])
    }
  })
})

describe('keyUsage (RFC 5280 §4.2.1.3)', () => {
  it.each([
    ['no bits', '030100'],
    ['a zero bit at its end', '03020480'],
    ['an octet of zeros at its end', '0303008000'],
    ['zero bits only', '03020700'],
    ['three octets', '030400000001'],
    ['unused bits that are not zero', '030206e0'],
    ['8 unused bits', '03020880'],
    ['a number', '020101'],
  ])('refuses %s', (_, hex) => {
    expectCode('ERR_EXTENSION_MALFORMED', () => value(fromHex(hex), readKeyUsage))
  })

  it.each([
    ['03020780', ['digitalSignature']],
    ['03020106', ['keyCertSign', 'cRLSign']],
    ['0303070080', ['decipherOnly']],
  ])('reads %s', (hex, usages) => {
    expect([...value(fromHex(hex), readKeyUsage)]).toEqual(usages)
  })

  it('round trip: every set of usages is critical and reads back', () => {
    fc.assert(
      fc.property(fc.subarray([...KEY_USAGES], { minLength: 1 }), (usages: KeyUsage[]) => {
        expect(back(encodeKeyUsage(usages), readKeyUsage)).toEqual([true, new Set(usages)])
      }),
    )
  })

  it('refuses bits that RFC 5280 does not name', () => {
    expectCode('ERR_EXTENSION_MALFORMED', () => value(fromHex('0303010102'), readKeyUsage))
  })
})

describe('extKeyUsage (RFC 5280 §4.2.1.12)', () => {
  it('DER-10: refuses an empty list', () => {
    expectCode('ERR_EXTENSION_MALFORMED', () => value(encodeSequence(), readExtKeyUsage))
  })

  it.each([
    ['a string among the purposes', encodeSequence(encodeString('1.2.3'))],
    ['a purpose that is padded', encodeSequence(fromHex('0604 80550403'))],
    ['a purpose without octets', encodeSequence(fromHex('0600'))],
  ])('refuses %s', (_, der) => {
    expectCode('ERR_EXTENSION_MALFORMED', () => value(der, readExtKeyUsage))
  })

  it('round trip: is not critical and reads back', () => {
    const purposes = [OID.kpClientAuth, OID.kpServerAuth, OID.signetKpMessageSigning]
    expect(back(encodeExtKeyUsage(purposes), readExtKeyUsage)).toEqual([false, new Set(purposes)])
  })
})

describe('key identifiers (RFC 5280 §4.2.1.1, §4.2.1.2)', () => {
  const identifier = Uint8Array.from({ length: 20 }, (_, index) => index)

  it('round trip', () => {
    const [critical, subject] = back(encodeSubjectKeyIdentifier(identifier), readSubjectKeyIdentifier)
    expect([critical, toHex(subject)]).toEqual([false, toHex(identifier)])
    const [, authority] = back(encodeAuthorityKeyIdentifier(identifier), readAuthorityKeyIdentifier)
    expect(toHex(authority.keyIdentifier ?? new Uint8Array())).toBe(toHex(identifier))
    expect([authority.authorityCertIssuer, authority.authorityCertSerialNumber]).toEqual([undefined, undefined])
  })

  it('reads 64 octets, and refuses none and 65', () => {
    expect(value(encodeOctetString(new Uint8Array(64)), readSubjectKeyIdentifier).length).toBe(64)
    for (const length of [0, 65]) {
      expectCode('ERR_EXTENSION_MALFORMED', () =>
        value(encodeOctetString(new Uint8Array(length)), readSubjectKeyIdentifier),
      )
    }
  })

  const issuer = encodeContext(1, directory)
  const serial = encodeContextPrimitive(2, Uint8Array.of(5))

  it('reads an issuer with a serial number, and nothing', () => {
    const both = value(encodeSequence(issuer, serial), readAuthorityKeyIdentifier)
    expect(both.authorityCertIssuer?.length).toBe(1)
    expect(toHex(both.authorityCertSerialNumber ?? new Uint8Array())).toBe('05')
    expect(value(encodeSequence(), readAuthorityKeyIdentifier).keyIdentifier).toBeUndefined()
  })

  it.each([
    ['an issuer without a serial number', encodeSequence(issuer)],
    ['a serial number without an issuer', encodeSequence(serial)],
    ['the fields in another order', encodeSequence(serial, issuer)],
    ['an empty issuer', encodeSequence(encodeContext(1), serial)],
    ['a serial number that is padded', encodeSequence(issuer, encodeContextPrimitive(2, Uint8Array.of(0, 5)))],
    ['an unknown field', encodeSequence(encodeContextPrimitive(3, Uint8Array.of(1)))],
    ['a field twice', encodeSequence(encodeContextPrimitive(0, identifier), encodeContextPrimitive(0, identifier))],
  ])('refuses an authority key identifier with %s', (_, der) => {
    expectCode('ERR_EXTENSION_MALFORMED', () => value(der, readAuthorityKeyIdentifier))
  })
})

describe('subjectAltName (RFC 5280 §4.2.1.6)', () => {
  it('round trip, critical when told to', () => {
    const names = [
      { kind: 'dns', value: 'a.example' },
      { kind: 'ip', octets: new Uint8Array(16) },
    ] as const
    expect(back(encodeSubjectAltName(names, true), readSubjectAltName)).toEqual([true, names])
    expect(back(encodeSubjectAltName(names, false), readSubjectAltName)[0]).toBe(false)
  })

  it.each([
    ['DER-10: no name', encodeSequence()],
    ['an address of 5 octets', encodeSequence(encodeContextPrimitive(7, new Uint8Array(5)))],
    ['an address of 8 octets, which is a range', encodeSequence(encodeContextPrimitive(7, new Uint8Array(8)))],
    ['an address without octets', encodeSequence(encodeContextPrimitive(7, new Uint8Array()))],
    ['an empty DNS name', encodeSequence(dns(''))],
    ['an empty URI', encodeSequence(encodeContextPrimitive(6, new Uint8Array()))],
    ['an empty mail address', encodeSequence(encodeContextPrimitive(1, new Uint8Array()))],
    ['a DNS name that is not ASCII', encodeSequence(encodeContextPrimitive(2, Buffer.from('ä.example')))],
    ['an empty directory name tag', encodeSequence(encodeContext(4))],
    ['a SET', encodeSetOf(dns('a'))],
  ])('refuses %s', (_, der) => {
    expectCode('ERR_EXTENSION_MALFORMED', () => value(der, readSubjectAltName))
  })

  it('DER-13: reads 500 names', () => {
    const names = Array.from({ length: 500 }, (_, index) => dns(`node-${index}.example`))
    expect(value(encodeSequence(...names), readSubjectAltName).length).toBe(500)
  })

  it('DER-08: refuses 10000 names by their number', () => {
    const names = Buffer.concat(Array.from({ length: 10_000 }, (_, index) => dns(`n${10_000 - index}`)))
    const { code, cpuMilliseconds } = outcomeOf(() => value(encodeSequence(names), readSubjectAltName))
    expect(code).toBe('ERR_LIMIT_EXCEEDED')
    expect(cpuMilliseconds).toBeLessThan(200)
  })
})

describe('nameConstraints (RFC 5280 §4.2.1.10)', () => {
  const subtree = (...fields: Uint8Array[]): Uint8Array => encodeSequence(...fields)
  const range = (hex: string): Uint8Array => subtree(encodeContextPrimitive(7, fromHex(hex)))

  it('round trip: is critical and reads back', () => {
    const constraints = {
      permitted: [{ kind: 'dns', value: 'cloud.example' }],
      excluded: [{ kind: 'ip', octets: fromHex('0a000000ff000000') }],
    } as const
    expect(back(encodeNameConstraints(constraints), readNameConstraints)).toEqual([true, constraints])
    for (const half of [
      { ...constraints, excluded: [] },
      { ...constraints, permitted: [] },
    ]) {
      expect(back(encodeNameConstraints(half), readNameConstraints)).toEqual([true, half])
    }
  })

  it.each([
    ['0a000000ff000000'],
    ['0000000000000000'],
    ['0a000001ffffffff'],
    ['0a000000fffe0000'],
    [`${'00'.repeat(16)}${'ff'.repeat(8)}${'00'.repeat(8)}`],
  ])('reads the address range %s', (hex) => {
    expect(value(encodeSequence(encodeContext(0, range(hex))), readNameConstraints).permitted.length).toBe(1)
  })

  it.each([
    ['DER-10: nothing', encodeSequence()],
    ['DER-10: an empty list of permitted subtrees', encodeSequence(encodeContext(0))],
    ['DER-10: an empty list of excluded subtrees', encodeSequence(encodeContext(1))],
    ['DER-10: a subtree without a base', encodeSequence(encodeContext(0, subtree()))],
    ['a minimum', encodeSequence(encodeContext(0, subtree(dns('a'), encodeContextPrimitive(0, Uint8Array.of(0)))))],
    ['a maximum', encodeSequence(encodeContext(0, subtree(dns('a'), encodeContextPrimitive(1, Uint8Array.of(1)))))],
    [
      'excluded before permitted',
      encodeSequence(encodeContext(1, subtree(dns('a'))), encodeContext(0, subtree(dns('a')))),
    ],
    ['permitted twice', encodeSequence(encodeContext(0, subtree(dns('a'))), encodeContext(0, subtree(dns('a'))))],
    ['a range of 4 octets, which is an address', encodeSequence(encodeContext(0, range('0a000000')))],
    ['a range of 16 octets, which is an address', encodeSequence(encodeContext(0, range('00'.repeat(16))))],
    ['a range of 7 octets', encodeSequence(encodeContext(0, range('0a000000ff0000')))],
    ['a range without octets', encodeSequence(encodeContext(0, range('')))],
    ['a mask with a hole', encodeSequence(encodeContext(0, range('0a000000ff00ff00')))],
    ['a mask that starts with zeros', encodeSequence(encodeContext(0, range('0a00000000ffffff')))],
    ['an unknown field', encodeSequence(encodeContext(0, subtree(dns('a'))), encodeContext(2, encodeNull()))],
    ['a base that is no general name', encodeSequence(encodeContext(0, subtree(encodeInteger(1))))],
  ])('refuses %s', (_, der) => {
    expectCode('ERR_EXTENSION_MALFORMED', () => value(der, readNameConstraints))
  })

  it('reads 5000 subtrees and refuses 5001', () => {
    const trees = (count: number): Uint8Array =>
      encodeSequence(encodeContext(0, ...Array.from({ length: count }, () => subtree(dns('a')))))
    expect(value(trees(5000), readNameConstraints).permitted.length).toBe(5000)
    expectCode('ERR_LIMIT_EXCEEDED', () => value(trees(5001), readNameConstraints))
  })
})

describe('the writers of extensions that only others read', () => {
  it('write cRLDistributionPoints with one point', () => {
    const [, point] = back(encodeCrlDistributionPoints(['http://a.example/crl']), (reader) => {
      const points = reader.sequence()
      const fields = points.sequence().constructed(0xa0).constructed(0xa0)
      points.finish()
      return fields.string(0x16, 0x86)
    })
    expect(point).toBe('http://a.example/crl')
  })

  it('write cRLNumber, not critical', () => {
    expect(back(encodeCrlNumber(300), (reader) => reader.smallInteger(1000))).toEqual([false, 300])
  })

  it('refuse a URI that is not ASCII', () => {
    expectCode('ERR_NAME_MALFORMED', () => encodeCrlDistributionPoints(['http://ä.example/']))
  })
})
