import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import {
  encodeBoolean,
  encodeContext,
  encodeEnumerated,
  encodeGeneralizedTime,
  encodeInteger,
  encodeNull,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  encodeString,
  encodeTime,
  encodeUnsigned,
  encodeValue,
  OID,
  TAG,
} from '../../src/asn1/index.js'
import type { ErrorCode } from '../../src/errors/index.js'
import {
  type Crl,
  encodeGeneralName,
  encodeSigned,
  parseCrl,
  REVOCATION_REASONS,
  type RevocationReason,
  type RevokedCertificate,
} from '../../src/x509/index.js'
import { revocationReasonOf } from '../../src/x509/crl-entry.js'
import { commonName, keyFor, makeCrl, makeCertificate, NOT_BEFORE, NOW } from '../support/certificates.js'
import { fromHex, toHex } from '../support/der.js'
import { expectCode } from '../support/expect-code.js'
import { extensionDer, unknownExtension } from '../support/hierarchy.js'
import { outcomeOf } from '../support/only-signet-errors.js'

vi.setConfig({ testTimeout: 60_000 })

const key = keyFor('Issuing')
const ISSUER = commonName('Issuing')

/** A CRL of these entries, each in DER. */
function crlOf(entries: readonly Uint8Array[], version: 1 | 2 = 2): Uint8Array {
  const tbsDer = encodeSequence(
    ...(version === 1 ? [] : [encodeInteger(1)]),
    key.signatureAlgorithm.identifierDer,
    ISSUER.der,
    encodeTime(NOT_BEFORE),
    encodeTime(NOW),
    encodeSequence(Buffer.concat(entries)),
  )
  return encodeSigned(tbsDer, key.signatureAlgorithm, Buffer.of(1))
}

const read = (...entries: readonly Uint8Array[]): Crl => parseCrl(crlOf(entries))

/** A day that every month has: entries of such days are read at speed. The last of a month is read with care. */
const PLAIN_DAY = new Date('2026-06-15T12:34:56Z')
const LAST_DAY = new Date('2026-12-31T12:34:56Z')

interface EntryParts {
  readonly serialDer?: Uint8Array
  readonly timeDer?: Uint8Array
  readonly extensions?: readonly Uint8Array[]
}

/** An entry; what is given in DER may be anything. */
function entryDer(serialNumber: string, parts: EntryParts = {}): Uint8Array {
  return encodeSequence(
    parts.serialDer ?? encodeUnsigned(fromHex(serialNumber)),
    parts.timeDer ?? encodeTime(PLAIN_DAY),
    ...(parts.extensions === undefined ? [] : [encodeSequence(...parts.extensions)]),
  )
}

const reason = (number: number, critical = false): Uint8Array =>
  extensionDer(OID.reasonCode, critical, encodeEnumerated(number))
const issuerIs = (...names: readonly string[]): Uint8Array =>
  extensionDer(
    OID.certificateIssuer,
    true,
    encodeSequence(...names.map((name) => encodeGeneralName({ kind: 'directory', name: commonName(name) }))),
  )
const serial = (content: string): EntryParts => ({ serialDer: encodeValue(TAG.integer, fromHex(content)) })
const time = (text: string, tag: number = TAG.utcTime): EntryParts => ({ timeDer: encodeString(text, tag) })

/** A canonical serial number at random, of 1 to 20 octets as an INTEGER. */
function randomSerial(): string {
  const octets = randomBytes(1 + ((randomBytes(1)[0] ?? 0) % 19))
  return octets.toString('hex').replace(/^(?:00)+/, '') || '01'
}

describe('entries: look-up (RFC 5280 §5.1.2.6)', () => {
  it('finds each of several thousand serial numbers, and no other, as a Map does', async () => {
    const reasons = Object.keys(REVOCATION_REASONS) as RevocationReason[]
    const model = new Map<string, RevokedCertificate>()
    while (model.size < 4000) {
      const index = model.size
      const serialNumber = randomSerial()
      model.set(serialNumber, {
        serialNumber,
        revocationDate: new Date((index % 3 === 0 ? LAST_DAY : PLAIN_DAY).getTime() + index * 1000),
        reason: reasons[index % reasons.length] ?? 'unspecified',
        ...(index % 7 === 0 ? { invalidityDate: NOW } : {}),
      })
    }
    expect([...model.keys()].filter((text) => Number.parseInt(text.slice(0, 2), 16) >= 0x80).length).toBeGreaterThan(
      500,
    )
    const crl = await makeCrl({
      issuer: makeCertificate({ subject: 'Issuing', ca: true }),
      revoked: [...model.values()],
    })
    expect(crl.size).toBe(model.size)
    expect(crl.revokedCertificates.map(({ serialNumber }) => serialNumber)).toEqual([...model.keys()])
    for (const [serialNumber, entry] of model) {
      expect(crl.find(serialNumber)).toEqual({ invalidityDate: undefined, ...entry })
      for (const other of [
        `${serialNumber}00`,
        `01${serialNumber}`,
        serialNumber.slice(2),
        serialNumber.slice(0, -2),
      ]) {
        if (other.length > 40 || other === '') continue
        const canonical = other.replace(/^(?:00)+(?=..)/, '')
        expect(crl.find(canonical)?.serialNumber).toBe(model.get(canonical)?.serialNumber)
      }
    }
    for (let turn = 0; turn < 10_000; turn++) {
      const serialNumber = randomSerial()
      expect(crl.find(serialNumber)?.serialNumber).toBe(model.get(serialNumber)?.serialNumber)
    }
  })

  it('finds all of any set, and nothing of another, whatever the octets', () => {
    const serials = fc
      .uniqueArray(
        fc
          .uint8Array({ minLength: 1, maxLength: 20 })
          .filter(([first = 0, ...rest]) => first > 0 && (first < 0x80 || rest.length < 19)),
        { minLength: 1, maxLength: 40, selector: toHex },
      )
      .map((list) => list.map(toHex))
    fc.assert(
      fc.property(serials, serials, (listed, asked) => {
        const crl = read(...listed.map((text) => entryDer(text)))
        for (const text of [...listed, ...asked]) {
          expect(crl.find(text)?.serialNumber).toBe(listed.includes(text) ? text : undefined)
        }
      }),
    )
  })

  it('finds one of one, of two, and none of none', async () => {
    expect(read(entryDer('80')).find('80')?.serialNumber).toBe('80')
    expect(read(entryDer('80')).find('0080')?.serialNumber).toBe('80')
    expect(read(entryDer('80')).find('81')).toBeUndefined()
    const two = read(entryDer('01'), entryDer('ff'.repeat(19)))
    expect([two.size, two.find('01')?.serialNumber, two.find('ff'.repeat(19))?.serialNumber]).toEqual([
      2,
      '01',
      'ff'.repeat(19),
    ])
    const none = await makeCrl({ issuer: makeCertificate({ subject: 'Issuing', ca: true }) })
    expect([none.size, none.find('01'), none.revokedCertificates]).toEqual([0, undefined, []])
  })

  it('hands out reason, dates and serial number of an entry, however it is written', () => {
    const invalidity = extensionDer(OID.invalidityDate, false, encodeGeneralizedTime(NOW))
    const crl = read(
      entryDer('01'),
      entryDer('02', { extensions: [reason(1)] }),
      entryDer('03', { extensions: [reason(1, true)] }),
      entryDer('04', { extensions: [invalidity] }),
      entryDer('05', { extensions: [invalidity, reason(6), unknownExtension(false)] }),
      entryDer('06', { extensions: [reason(0)] }),
      entryDer('07', time('20510101000000Z', TAG.generalizedTime)),
      entryDer('08', time('500101000000Z')),
      entryDer('09', time('491231235959Z')),
      entryDer('0a', time('270131235959Z')),
    )
    const expected: readonly (readonly [string, RevocationReason, string, Date | undefined])[] = [
      ['01', 'unspecified', '2026-06-15T12:34:56.000Z', undefined],
      ['02', 'keyCompromise', '2026-06-15T12:34:56.000Z', undefined],
      ['03', 'keyCompromise', '2026-06-15T12:34:56.000Z', undefined],
      ['04', 'unspecified', '2026-06-15T12:34:56.000Z', NOW],
      ['05', 'certificateHold', '2026-06-15T12:34:56.000Z', NOW],
      ['06', 'unspecified', '2026-06-15T12:34:56.000Z', undefined],
      ['07', 'unspecified', '2051-01-01T00:00:00.000Z', undefined],
      ['08', 'unspecified', '1950-01-01T00:00:00.000Z', undefined],
      ['09', 'unspecified', '2049-12-31T23:59:59.000Z', undefined],
      ['0a', 'unspecified', '2027-01-31T23:59:59.000Z', undefined],
    ]
    for (const [serialNumber, wanted, date, invalidityDate] of expected) {
      expect(crl.find(serialNumber)).toEqual({
        serialNumber,
        reason: wanted,
        revocationDate: new Date(date),
        invalidityDate,
      })
    }
  })

  it('DER-13: does as much work for a list of collisions as for any', async () => {
    // Multiples of a power of two: a table that takes the low bits of a number puts them all in one place.
    const revoked = Array.from({ length: 50_000 }, (_, index) => ({
      serialNumber: `01${index.toString(16).padStart(8, '0')}${'00'.repeat(12)}`,
      revocationDate: PLAIN_DAY,
      reason: 'unspecified' as const,
    }))
    const { der } = await makeCrl({ issuer: makeCertificate({ subject: 'Issuing', ca: true }), revoked })
    const before = process.cpuUsage()
    const crl = parseCrl(der)
    expect(crl.find(revoked.at(-1)?.serialNumber ?? '')?.serialNumber).toBe(revoked.at(-1)?.serialNumber)
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1e6).toBeLessThan(5)
  })
})

describe('entries: one serial number twice', () => {
  it.each([
    ['side by side', ['2a', '2a']],
    ['far apart', ['2a', ...Array.from({ length: 500 }, (_, index) => (index + 0x1000).toString(16)), '2a']],
    ['with a high bit', ['01', 'ff', 'ff']],
    ['of 20 octets', ['7f'.repeat(20), '7f'.repeat(20)]],
  ])('REV-08: is refused %s', (_, serials) => {
    const error = expectCode('ERR_CRL_MALFORMED', () => read(...serials.map((text) => entryDer(text))))
    expect(error.message).toContain('listed twice')
    expect(error.details['serialNumber']).toBe(serials.at(-1))
  })

  it('REV-08: is refused whatever else the two say', () => {
    const different = { ...time('260101000000Z'), extensions: [reason(8)] }
    expectCode('ERR_CRL_MALFORMED', () => read(entryDer('2a', { extensions: [reason(1)] }), entryDer('2a', different)))
    expectCode('ERR_CRL_MALFORMED', () => read(entryDer('2a'), entryDer('2a', different)))
    expectCode('ERR_CRL_MALFORMED', () => read(entryDer('2a', different), entryDer('2a')))
  })

  it('is fine for two issuers, and refused for one that was named twice', () => {
    const a = { extensions: [issuerIs('A')] }
    const b = { extensions: [issuerIs('B')] }
    expect(read(entryDer('2a'), entryDer('2a', a), entryDer('2a', b)).size).toBe(3)
    expectCode('ERR_CRL_MALFORMED', () => read(entryDer('2a', a), entryDer('2a', b), entryDer('2a', a)))
    expectCode('ERR_CRL_MALFORMED', () => read(entryDer('2a', a), entryDer('2a')))
    expectCode('ERR_CRL_MALFORMED', () => read(entryDer('2a'), entryDer('2a', { extensions: [issuerIs('Issuing')] })))
  })
})

describe('entries: of several issuers (RFC 5280 §5.3.3)', () => {
  it('REV-07: an issuer goes for its entry and those after it, until the next is named', () => {
    const crl = read(
      entryDer('01'),
      entryDer('02', { extensions: [issuerIs('A')] }),
      entryDer('03'),
      entryDer('04', { extensions: [reason(1), issuerIs('B')] }),
      entryDer('01'),
      entryDer('02', { extensions: [issuerIs('Issuing')] }),
    )
    const found = (name: string): readonly string[] =>
      ['01', '02', '03', '04'].filter((text) => crl.find(text, commonName(name)) !== undefined)
    expect(crl.hasForeignEntries).toBe(true)
    expect(found('Issuing')).toEqual(['01', '02'])
    expect(found('A')).toEqual(['02', '03'])
    expect(found('B')).toEqual(['01', '04'])
    expect(found('C')).toEqual([])
    expect(crl.find('04', commonName('B'))?.reason).toBe('keyCompromise')
    // Without a word about whose, those of the issuer of the CRL are meant.
    expect([crl.find('01')?.serialNumber, crl.find('03')]).toEqual(['01', undefined])
  })

  it('REV-07: a thousand entries of ten issuers in turn, against a model', () => {
    const names = Array.from({ length: 10 }, (_, index) => `CA ${index}`)
    const model = new Set<string>()
    const entries: Uint8Array[] = []
    let current = 'Issuing'
    for (let index = 0; index < 1000; index++) {
      const [choice = 0, change = 0] = randomBytes(2)
      const isNamed = change % 3 === 0
      if (isNamed) current = names[choice % names.length] ?? current
      const text = (index % 100 < 50 ? 0x1000 + index : 0x8000 + index).toString(16)
      model.add(`${current} ${text}`)
      entries.push(entryDer(text, isNamed ? { extensions: [issuerIs(current)] } : {}))
    }
    const crl = read(...entries)
    for (let index = 0; index < 1000; index++) {
      const text = (index % 100 < 50 ? 0x1000 + index : 0x8000 + index).toString(16)
      for (const name of ['Issuing', ...names]) {
        expect(crl.find(text, commonName(name)) !== undefined).toBe(model.has(`${name} ${text}`))
      }
    }
  })

  it('a name is a name in another case, too, and takes the first of several that is distinguished', () => {
    expect(read(entryDer('01', { extensions: [issuerIs('Some CA')] })).find('01', commonName('SOME ca'))).toBeDefined()
    const names = encodeSequence(
      encodeGeneralName({ kind: 'dns', value: 'ca.example' }),
      encodeGeneralName({ kind: 'directory', name: commonName('A') }),
      encodeGeneralName({ kind: 'directory', name: commonName('B') }),
    )
    const crl = read(entryDer('01', { extensions: [extensionDer(OID.certificateIssuer, true, names)] }))
    expect([crl.find('01', commonName('A')) !== undefined, crl.find('01', commonName('B'))]).toEqual([true, undefined])
  })

  it('says whether something critical is not understood', () => {
    expect(read(entryDer('01', { extensions: [issuerIs('A'), reason(1, true)] })).unknownCriticalEntryExtension).toBe(
      false,
    )
    expect(
      read(entryDer('01'), entryDer('02', { extensions: [unknownExtension(true)] })).unknownCriticalEntryExtension,
    ).toBe(true)
    expect(read(entryDer('01', { extensions: [unknownExtension(false)] })).hasForeignEntries).toBe(false)
  })
})

describe('entries: malformed', () => {
  const bare = (...fields: readonly Uint8Array[]): Uint8Array => encodeSequence(...fields)
  const aSerial = encodeInteger(42)
  const aTime = encodeTime(PLAIN_DAY)
  const extension = (value: Uint8Array, oid: string = OID.reasonCode): EntryParts => ({
    extensions: [extensionDer(oid, false, value)],
  })
  const malformed: readonly (readonly [claim: string, entry: Uint8Array, code: ErrorCode])[] = [
    ['that is empty', bare(), 'ERR_DER_TRUNCATED'],
    ['that is a NULL', encodeNull(), 'ERR_CRL_MALFORMED'],
    ['that is a SET', encodeValue(TAG.set, aSerial, aTime), 'ERR_CRL_MALFORMED'],
    ['without a serial number', bare(aTime), 'ERR_CRL_MALFORMED'],
    ['without a date', bare(aSerial), 'ERR_CRL_MALFORMED'],
    ['in the wrong order', bare(aTime, aSerial), 'ERR_CRL_MALFORMED'],
    ['whose serial number is zero', entryDer('', serial('00')), 'ERR_SERIAL_MALFORMED'],
    ['whose serial number is negative', entryDer('', serial('80')), 'ERR_SERIAL_MALFORMED'],
    ['whose serial number is minus one', entryDer('', serial('ff')), 'ERR_SERIAL_MALFORMED'],
    ['whose serial number has no octets', entryDer('', serial('')), 'ERR_CRL_MALFORMED'],
    ['whose serial number is padded', entryDer('', serial('0001')), 'ERR_CRL_MALFORMED'],
    ['whose serial number is padded before 7f', entryDer('', serial('007f')), 'ERR_CRL_MALFORMED'],
    ['whose serial number is padded twice', entryDer('', serial('000080')), 'ERR_CRL_MALFORMED'],
    ['whose negative serial number is padded', entryDer('', serial('ff80')), 'ERR_CRL_MALFORMED'],
    ['whose serial number has 21 octets', entryDer('', serial(`01${'00'.repeat(20)}`)), 'ERR_SERIAL_MALFORMED'],
    [
      'whose serial number has 20 octets and a sign',
      entryDer('', serial(`00ff${'00'.repeat(19)}`)),
      'ERR_SERIAL_MALFORMED',
    ],
    ['whose serial number has 127 octets', entryDer('', serial('01'.repeat(127))), 'ERR_SERIAL_MALFORMED'],
    ['whose serial number has 200 octets', entryDer('', serial('01'.repeat(200))), 'ERR_SERIAL_MALFORMED'],
    ['whose serial number is an ENUMERATED', entryDer('', { serialDer: encodeEnumerated(1) }), 'ERR_CRL_MALFORMED'],
    ['of month 0', entryDer('2a', time('260001000000Z')), 'ERR_CRL_MALFORMED'],
    ['of month 13', entryDer('2a', time('261301000000Z')), 'ERR_CRL_MALFORMED'],
    ['of day 0', entryDer('2a', time('260100000000Z')), 'ERR_CRL_MALFORMED'],
    ['of the 30th of February', entryDer('2a', time('260230000000Z')), 'ERR_CRL_MALFORMED'],
    ['of the 29th of February of no leap year', entryDer('2a', time('260229000000Z')), 'ERR_CRL_MALFORMED'],
    ['of the 31st of April', entryDer('2a', time('260431000000Z')), 'ERR_CRL_MALFORMED'],
    ['of hour 24', entryDer('2a', time('260101240000Z')), 'ERR_CRL_MALFORMED'],
    ['of minute 60', entryDer('2a', time('260101006000Z')), 'ERR_CRL_MALFORMED'],
    ['of second 60', entryDer('2a', time('260101000060Z')), 'ERR_CRL_MALFORMED'],
    ['of a time without seconds', entryDer('2a', time('2601010000Z')), 'ERR_CRL_MALFORMED'],
    ['of a time with an offset', entryDer('2a', time('260101000000+0000')), 'ERR_CRL_MALFORMED'],
    ['of a time without Z', entryDer('2a', time('2601010000000')), 'ERR_CRL_MALFORMED'],
    ['of a time with a letter in it', entryDer('2a', time('2601O1000000Z')), 'ERR_CRL_MALFORMED'],
    ['of a time with a sign in it', entryDer('2a', time('26+101000000Z')), 'ERR_CRL_MALFORMED'],
    ['of a time with a space in it', entryDer('2a', time('26 101000000Z')), 'ERR_CRL_MALFORMED'],
    [
      'of a GeneralizedTime before 2050',
      entryDer('2a', time('20260101000000Z', TAG.generalizedTime)),
      'ERR_CRL_MALFORMED',
    ],
    ['of a time in a text', entryDer('2a', time('260101000000Z', TAG.printableString)), 'ERR_CRL_MALFORMED'],
    ['of two times', bare(aSerial, aTime, aTime), 'ERR_CRL_MALFORMED'],
    ['with an empty list of extensions', entryDer('2a', { extensions: [] }), 'ERR_EXTENSION_MALFORMED'],
    [
      'with two lists',
      bare(aSerial, aTime, encodeSequence(reason(1)), encodeSequence(reason(1))),
      'ERR_DER_TRAILING_DATA',
    ],
    ['with more after the date', bare(aSerial, aTime, encodeNull()), 'ERR_CRL_MALFORMED'],
    [
      'with more after the extensions',
      bare(aSerial, aTime, encodeSequence(reason(1)), encodeNull()),
      'ERR_DER_TRAILING_DATA',
    ],
    [
      'with extensions in a tag',
      bare(aSerial, aTime, encodeContext(0, encodeSequence(reason(1)))),
      'ERR_CRL_MALFORMED',
    ],
    ['with a reason twice', entryDer('2a', { extensions: [reason(1), reason(1)] }), 'ERR_EXTENSION_DUPLICATE'],
    ['REV-13: with reason 7', entryDer('2a', { extensions: [reason(7)] }), 'ERR_CRL_MALFORMED'],
    ['REV-13: with reason 11', entryDer('2a', { extensions: [reason(11)] }), 'ERR_CRL_MALFORMED'],
    ['REV-13: with reason 255', entryDer('2a', { extensions: [reason(255)] }), 'ERR_CRL_MALFORMED'],
    ['with a negative reason', entryDer('2a', extension(fromHex('0a01ff'))), 'ERR_EXTENSION_MALFORMED'],
    ['with a padded reason', entryDer('2a', extension(fromHex('0a020001'))), 'ERR_EXTENSION_MALFORMED'],
    ['with an empty reason', entryDer('2a', extension(fromHex('0a00'))), 'ERR_EXTENSION_MALFORMED'],
    ['with a reason that is an INTEGER', entryDer('2a', extension(encodeInteger(1))), 'ERR_EXTENSION_MALFORMED'],
    ['with a reason that is nothing', entryDer('2a', extension(new Uint8Array())), 'ERR_EXTENSION_MALFORMED'],
    ['with a reason and more', entryDer('2a', extension(fromHex('0a010100'))), 'ERR_EXTENSION_MALFORMED'],
    [
      'with an extension that states that it is not critical',
      entryDer('2a', {
        extensions: [
          encodeSequence(
            encodeObjectIdentifier(OID.reasonCode),
            encodeBoolean(false),
            encodeOctetString(encodeEnumerated(1)),
          ),
        ],
      }),
      'ERR_CRL_MALFORMED',
    ],
    [
      'with an invalidity date in UTCTime',
      entryDer('2a', extension(encodeTime(NOW), OID.invalidityDate)),
      'ERR_EXTENSION_MALFORMED',
    ],
    [
      'with an empty list of issuers',
      entryDer('2a', extension(encodeSequence(), OID.certificateIssuer)),
      'ERR_EXTENSION_MALFORMED',
    ],
    [
      'with an issuer that has no distinguished name',
      entryDer(
        '2a',
        extension(encodeSequence(encodeGeneralName({ kind: 'dns', value: 'a.example' })), OID.certificateIssuer),
      ),
      'ERR_CRL_MALFORMED',
    ],
    ['with a long length', Buffer.concat([fromHex('3081'), entryDer('2a').subarray(1)]), 'ERR_CRL_MALFORMED'],
    [
      'with an indefinite length',
      Buffer.concat([fromHex('3080'), entryDer('2a').subarray(2), fromHex('0000')]),
      'ERR_CRL_MALFORMED',
    ],
    ['whose serial number has a long length', entryDer('', { serialDer: fromHex('0281012a') }), 'ERR_CRL_MALFORMED'],
  ]

  it.each(malformed)('REV-11: refuses an entry %s, wherever it stands', (_, entry, code) => {
    const good = ['03', '04', '05'].map((text) => entryDer(text))
    const rich = entryDer('06', { extensions: [reason(1)] })
    // The same fault in an entry that could not be read at speed anyway.
    const plainTime = Buffer.from('260615123456Z')
    const late = Buffer.from(entry)
    if (late.includes(plainTime)) late.set(Buffer.from('261231123456Z'), late.indexOf(plainTime))
    expect(outcomeOf(() => read(late)).code).toBe(code)
    for (const entries of [[entry], [...good, entry], [entry, ...good], [rich, entry, ...good]]) {
      const outcome = outcomeOf(() => read(...entries)).code
      // Where the error is about DER, what follows may make it another; it is always refused.
      if (entries.length === 1) expect(outcome).toBe(code)
      expect(outcome).not.toBe('accepted')
    }
  })

  it('REV-11: refuses a list that ends within an entry', () => {
    const whole = entryDer('2a', { extensions: [reason(1)] })
    for (let length = 1; length < whole.length; length++) {
      expect(outcomeOf(() => read(entryDer('01'), whole.subarray(0, length))).code).not.toBe('accepted')
      expect(outcomeOf(() => read(whole.subarray(0, length))).code).not.toBe('accepted')
    }
  })

  it('reads every date that there is, and no other', () => {
    const pad = (number: number): string => String(number).padStart(2, '0')
    for (const year of [0, 24, 26, 49, 50, 99]) {
      for (let month = 0; month <= 13; month++) {
        for (let day = 0; day <= 32; day++) {
          const full = year + (year < 50 ? 2000 : 1900)
          const date = new Date(Date.UTC(full, month - 1, day, 1, 2, 3))
          const exists = date.getUTCMonth() === month - 1 && date.getUTCDate() === day
          const entry = entryDer('2a', time(`${pad(year)}${pad(month)}${pad(day)}010203Z`))
          if (exists) expect(read(entry).find('2a')?.revocationDate).toEqual(date)
          else expectCode('ERR_CRL_MALFORMED', () => read(entry))
        }
      }
    }
  })

  it('REV-11: reads an entry at speed exactly as it does with care', () => {
    // One octet of a plain entry changed, in front of one that cannot be read at speed: what is accepted is canonical.
    const plain = entryDer('0102030405', { extensions: [reason(1)] })
    const careful = entryDer('77', { extensions: [unknownExtension(false)] })
    const REASON_OID = Buffer.from(encodeObjectIdentifier(OID.reasonCode))
    for (let offset = 0; offset < plain.length; offset++) {
      for (let octet = 0; octet < 256; octet++) {
        const changed = plain.with(offset, octet)
        let crl: Crl | undefined
        const { code } = outcomeOf(() => (crl = read(changed, careful)))
        if (crl === undefined) {
          expect(code).toMatch(/^ERR_/)
          continue
        }
        // What was let in can be decoded, found, and written again in the one way that there is.
        const [first] = crl.revokedCertificates
        if (first === undefined || crl.size !== 2) throw new Error(`${toHex(changed)} was read as ${crl.size} entries`)
        expect(crl.find(first.serialNumber)).toEqual(first)
        expect(crl.find('77')?.serialNumber).toBe('77')
        const again = entryDer(first.serialNumber, {
          timeDer: encodeTime(first.revocationDate),
          extensions: [reason(REVOCATION_REASONS[first.reason])],
        })
        if (Buffer.from(changed).includes(REASON_OID)) expect(toHex(changed)).toBe(toHex(again))
      }
    }
  })

  it('REV-11: an entry does not reach beyond the list, whatever stands behind it', () => {
    const whole = entryDer('0102030405', { extensions: [reason(1)] })
    const { identifierDer } = key.signatureAlgorithm
    for (let length = 1; length < whole.length; length++) {
      const tbsDer = encodeSequence(
        encodeInteger(1),
        identifierDer,
        ISSUER.der,
        encodeTime(NOT_BEFORE),
        encodeTime(NOW),
        encodeSequence(whole.subarray(0, length)),
        whole.subarray(length),
      )
      expect(outcomeOf(() => parseCrl(encodeSigned(tbsDer, key.signatureAlgorithm, Buffer.of(1)))).code).not.toBe(
        'accepted',
      )
    }
  })

  it('version 1 has no entry extensions, and entries all the same', () => {
    expect(parseCrl(crlOf([entryDer('2a')], 1)).find('2a')?.serialNumber).toBe('2a')
    expectCode('ERR_CRL_MALFORMED', () => parseCrl(crlOf([entryDer('2a', { extensions: [reason(1)] })], 1)))
    expectCode('ERR_CRL_MALFORMED', () =>
      parseCrl(crlOf([entryDer('2a', { extensions: [unknownExtension(false)] })], 1)),
    )
    expectCode('ERR_CRL_MALFORMED', () =>
      parseCrl(crlOf([entryDer('01'), entryDer('7f'.repeat(20), { extensions: [reason(1)] })], 1)),
    )
    const longest = entryDer('7f'.repeat(20), time('20510101000000Z', TAG.generalizedTime))
    expect(parseCrl(crlOf([longest], 1)).size).toBe(1)
  })
})

describe('revocationReasonOf', () => {
  it('REV-13: knows 0 to 10 without 7', () => {
    const known = Array.from({ length: 20 }, (_, number) => number).filter(
      (number) => outcomeOf(() => revocationReasonOf(number)).code === 'accepted',
    )
    expect(known).toEqual([0, 1, 2, 3, 4, 5, 6, 8, 9, 10])
    for (const [name, number] of Object.entries(REVOCATION_REASONS)) expect(revocationReasonOf(number)).toBe(name)
  })
})
