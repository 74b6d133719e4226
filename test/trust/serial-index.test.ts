import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  DerReader,
  encodeContext,
  encodeInteger,
  encodeOctetString,
  encodeSequence,
  encodeString,
  encodeUnsigned,
  TAG,
  TRUST_DIRECTORY_LIMITS,
} from '../../src/asn1/index.js'
import { atOnce } from '../../src/time/index.js'
import { SerialIndex } from '../../src/trust/serial-index.js'
import { SignerList } from '../../src/trust/signer-list.js'
import { serialText } from '../../src/x509/index.js'

const VERSION = encodeContext(0, encodeInteger(2))

/** Signers whose certificates begin with these octets. */
function listOf(beginnings: readonly Uint8Array[]): SignerList {
  const signers = beginnings.map((beginning, index) => {
    const keyIdentifier = Buffer.alloc(4)
    keyIdentifier.writeUInt32BE(index)
    const texts = ['e', 's', 's', 'n'].map((text) => encodeString(text))
    texts.splice(1, 0, encodeString('u', TAG.ia5String))
    const certificate = encodeSequence(encodeSequence(beginning, encodeOctetString(new Uint8Array(30))))
    return encodeSequence(encodeOctetString(keyIdentifier), certificate, ...texts, encodeSequence())
  })
  return SignerList.read(DerReader.over(encodeSequence(...signers), TRUST_DIRECTORY_LIMITS).sequence())
}

const withVersion = (serial: Uint8Array): Uint8Array => Buffer.concat([VERSION, encodeUnsigned(serial)])
const indexOf = (list: SignerList): SerialIndex => atOnce(SerialIndex.of(list))

describe('SerialIndex', () => {
  it('finds every serial number where it stands, ascending, and no other', () => {
    const octets = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 19 }),
      fc.constantFrom(Buffer.of(1), Buffer.of(0x80), Buffer.of(0, 0x80), Buffer.of(1, 0, 0, 0, 0, 0, 0, 0, 0, 1)),
    )
    const serial = octets.filter((bytes) => bytes.some((octet) => octet !== 0))
    fc.assert(
      fc.property(fc.array(serial, { maxLength: 40 }), fc.array(serial, { maxLength: 5 }), (serials, others) => {
        const index = indexOf(listOf(serials.map(withVersion)))
        const texts = serials.map((bytes) => serialText(bytes))
        for (const wanted of [...texts, ...others.map((bytes) => serialText(bytes))]) {
          const places = texts.flatMap((text, place) => (text === wanted ? [place] : []))
          expect([...index.placesOf(wanted)]).toEqual(places)
        }
      }),
    )
  })

  it('finds none in certificates that cannot be read, and in a version 1 the same', () => {
    const one = encodeInteger(1)
    const index = indexOf(
      listOf([
        one,
        Buffer.concat([VERSION, one]),
        Buffer.concat([VERSION, VERSION, one]),
        Buffer.concat([VERSION, Uint8Array.of(2, 2, 0, 1)]),
        Buffer.concat([VERSION, Uint8Array.of(2, 1, 0)]),
        Buffer.concat([VERSION, Uint8Array.of(2, 1, 0xff)]),
        Buffer.concat([VERSION, Uint8Array.of(2, 0x81, 1, 1)]),
        encodeOctetString(one),
      ]),
    )
    expect([...index.placesOf('01')]).toEqual([0, 1])
    for (const other of ['', '00', 'ff', '02', '0001', 'zz']) expect([...index.placesOf(other)]).toEqual([])
  })

  it('takes thousands of one serial number, in more than a step', () => {
    const index = indexOf(listOf(Array.from({ length: 3000 }, () => withVersion(Buffer.of(7)))))
    expect([...index.placesOf('07')]).toEqual(Array.from({ length: 3000 }, (_, place) => place))
  })

  it('of nobody has nobody', () => {
    expect([...indexOf(listOf([])).placesOf('01')]).toEqual([])
  })
})
