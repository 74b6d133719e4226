/** One value, one encoding: named attacks with BER, with what follows the end, and with values that have a second form. */
import { describe, expect, it } from 'vitest'
import {
  concatBytes,
  encodeBoolean,
  encodeContext,
  encodeContextPrimitive,
  encodeInteger,
  encodeNull,
  encodeObjectIdentifier,
  encodeOctetString,
  encodePem,
  encodeSequence,
  encodeSetOf,
  encodeString,
  encodeValue,
  normalizeBer,
  OID,
  readPemOrDer,
  TAG,
} from '../../../src/asn1/index.js'
import { parseForeignSignedData, verifySignedData } from '../../../src/cms/index.js'
import { expectCode } from '../../support/expect-code.js'
import { makeCertificate, makeCrl, NOW } from '../../support/certificates.js'
import { allPaths, contentOf, type DerPath, editContent, editDer, elementAt } from '../../support/der.js'
import { type Changes, extensionDer, hierarchy, nodeExtensions, rawCrl, validate } from '../../support/hierarchy.js'
import { authority, CHEAP_KINDS, DOCUMENTS, readCertificate, readCrl, verdictOf } from './documents.js'

const END = Uint8Array.of(0, 0)
const { root, issuing, node } = hierarchy()
const certificate = authority.certificate.der

/** The same value with an indefinite length, if it is constructed. */
function indefinite(element: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(element[0] ?? 0, 0x80), contentOf(element), END)
}

/** The same value with its length in one octet more than it needs. */
function longLength(element: Uint8Array): Uint8Array {
  const content = contentOf(element)
  const { length } = content
  const octets = length < 0x80 ? [length] : length < 0x100 ? [0, length] : [0, length >> 8, length & 0xff]
  return concatBytes(Uint8Array.of(element[0] ?? 0, 0x80 | octets.length, ...octets), content)
}

/** A string in pieces: constructed, of one octet each. */
function inPieces(element: Uint8Array): Uint8Array {
  const tag = element[0] ?? 0
  const pieces = [...contentOf(element)].map((octet) => encodeValue(tag, Uint8Array.of(octet)))
  return encodeValue(tag | 0x20, ...pieces)
}

const isConstructed = (element: Uint8Array): boolean => ((element[0] ?? 0) & 0x20) !== 0
const isString = (element: Uint8Array): boolean =>
  [TAG.octetString, TAG.utf8String, TAG.printableString].includes(element[0] as never)

/** What OpenSSL reads, it reads as BER; nobody but its owner writes a private key. */
const STRICT_KINDS = CHEAP_KINDS.filter(([name]) => name !== 'a private key')

describe.each(STRICT_KINDS)('DER-03: BER in %s', (kind, { der, read }) => {
  it.each([
    ['an indefinite length', isConstructed, indefinite],
    ['a length that is longer than it must be', () => true, longLength],
    ['a string in pieces', isString, inPieces],
    ['an end-of-contents mark behind it', () => true, (element: Uint8Array) => [element, END]],
    ['an end-of-contents mark instead of it', () => true, () => END],
  ] as const)('DER-03: %s, at every value', (_claim, applies, change) => {
    // A CMS document of strangers may be BER, and is brought into DER.
    const foreign = kind === 'a CMS document'
    for (const path of allPaths(der)) {
      const element = elementAt(der, path)
      if (!applies(element)) continue
      const verdict = verdictOf(() => read(editDer(der, path, change)))
      expect(`${kind} ${path.join('.')}: ${verdict}`).toMatch(foreign ? /: (ERR_|accepted)/ : /: ERR_/)
    }
  })
})

describe('DER-03: where BER is read, it is brought into DER, or refused', () => {
  const document = DOCUMENTS['a CMS document']?.der ?? new Uint8Array()
  const request = {
    anchors: [authority.certificate],
    purpose: 'email',
    revocation: 'allow-unchecked',
    at: NOW,
  } as const
  const normal = (der: Uint8Array): string => verdictOf(() => normalizeBer(der))

  it('DER-03: the same document is read from either, and nothing of what was signed is changed by it', () => {
    const { signers } = verifySignedData(indefinite(document), request)
    expect(signers).toHaveLength(1)
    expect(Buffer.from(normalizeBer(indefinite(document))).equals(Buffer.from(document))).toBe(true)
    expect(parseForeignSignedData(indefinite(document))).toEqual(parseForeignSignedData(document))
  })

  it('DER-03: an end that never comes, that comes where nothing is open, or too often', () => {
    const open = Uint8Array.of(0x30, 0x80)
    for (const der of [
      open,
      concatBytes(open, open, END),
      concatBytes(open, Uint8Array.of(0)),
      concatBytes(open, encodeNull()),
      concatBytes(open, END, END),
      concatBytes(encodeSequence(), END),
      END,
      concatBytes(END, END),
      encodeSequence(END),
      encodeOctetString(END).with(0, 0x24),
      concatBytes(Uint8Array.of(0x24, 0x80), encodeSequence(END), END),
    ]) {
      expect(normal(der)).toBe('ERR_BER_UNSUPPORTED')
    }
  })

  it('DER-03: an indefinite length of what is primitive, and a constructed tag around what is no value', () => {
    for (const tag of [0x04, 0x02, 0x03, 0x05, 0x80, 0x0c]) {
      expect(normal(concatBytes(Uint8Array.of(tag, 0x80), Uint8Array.of(1, 2), END))).toBe('ERR_BER_UNSUPPORTED')
    }
    for (const content of [[0xff], [0x30], [0x04, 5], [0x30, 0x80], [0x1f, 0x81]]) {
      const verdict = normal(encodeSequence(encodeContext(0, Uint8Array.from(content))))
      expect([content, verdict]).toEqual([content, 'ERR_BER_UNSUPPORTED'])
    }
  })

  it('DER-03: a million pieces of one octet, and pieces of pieces', () => {
    const piece = encodeOctetString(Uint8Array.of(1))
    const pieces = new Uint8Array(Buffer.alloc(3_000_000, piece))
    expect(normal(concatBytes(Uint8Array.of(0x24, 0x80), pieces, END))).toBe('ERR_LIMIT_EXCEEDED')
    expect(normal(encodeValue(0x24, pieces))).toBe('ERR_LIMIT_EXCEEDED')
    let inner = piece
    for (let level = 0; level < 40; level++) inner = concatBytes(Uint8Array.of(0x24, 0x80), inner, END)
    expect(normal(inner)).toBe('ERR_DER_DEPTH')
    const few = concatBytes(Uint8Array.of(0x24, 0x80), piece, encodeValue(0x24, piece, piece), END)
    expect(Buffer.from(normalizeBer(few)).toString('hex')).toBe('0403010101')
  })
})

describe.each(CHEAP_KINDS)('DER-04: data behind the end in %s', (kind, { der, read }) => {
  const EXTRAS = [Uint8Array.of(0), encodeNull(), Uint8Array.of(0xff)]

  it('DER-04: one octet, one value, or the same document again, behind the whole', () => {
    for (const extra of [...EXTRAS, der]) {
      expect(verdictOf(() => read(concatBytes(der, extra)))).toMatch(/^ERR_/)
    }
  })

  it('DER-04: in every value that holds others', () => {
    for (const path of allPaths(der)) {
      if (!isConstructed(elementAt(der, path))) continue
      for (const extra of EXTRAS) {
        const verdict = verdictOf(() => read(editContent(der, path, (content) => concatBytes(content, extra))))
        expect(`${kind} ${path.join('.')}: ${verdict}`).toMatch(/: ERR_/)
      }
    }
  })
})

describe('DER-04: data behind the end of what is wrapped', () => {
  const after = (element: Uint8Array): Uint8Array => concatBytes(element, Uint8Array.of(0))

  it('DER-04: in the OCTET STRING of every extension of a certificate', () => {
    for (const path of allPaths(certificate).filter((place) => place[0] === 0 && place[1] === 7)) {
      if (elementAt(certificate, path)[0] !== TAG.octetString) continue
      const changed = editContent(certificate, path, after)
      expectCode('ERR_EXTENSION_MALFORMED', () => readCertificate(changed))
    }
  })

  it('DER-04: in the BIT STRING of a key, and in the one of a signature', () => {
    const rsa = makeCertificate({ subject: 'rsa', algorithm: 'rsa2048', ca: true })
    expectCode('ERR_KEY_MALFORMED', () => readCertificate(editContent(rsa.certificate.der, [0, 6, 1], after)))
    expectCode('ERR_KEY_NOT_ALLOWED', () => readCertificate(editContent(certificate, [0, 6, 1], after)))
    const signature = editContent(node.certificate.der, [2], after)
    expectCode('ERR_PATH_SIGNATURE', () =>
      validate({ root, issuing, node: { key: node.key, certificate: readCertificate(signature) } }),
    )
  })

  it('DER-04: behind base64 padding, and around PEM', () => {
    const pem = encodePem('CERTIFICATE', certificate)
    const [start = '', ...rest] = pem.trim().split('\n')
    const [last = '', end = ''] = rest.splice(-2)
    const padded = last.endsWith('=') ? last : `${last.slice(0, -2)}A=`
    for (const text of [
      `${padded}AAAA`,
      `${padded}=`,
      `${padded}====`,
      `${padded}\nAAAA`,
      `${padded} x`,
      `${padded}*`,
    ]) {
      expectCode('ERR_PEM_MALFORMED', () =>
        readPemOrDer(Buffer.from([start, ...rest, text, end].join('\n')), 'CERTIFICATE'),
      )
    }
    // Text behind the END line is no part of it; DER behind DER is.
    expect(readPemOrDer(Buffer.from(`${pem}and so on\n`), 'CERTIFICATE')).toHaveLength(1)
    for (const behind of ['-----END CERTIFICATE-----', '-----BEGIN CERTIFICATE-----', `x${pem}`]) {
      expectCode('ERR_PEM_MALFORMED', () => readPemOrDer(Buffer.from(`${pem}${behind}\n`), 'CERTIFICATE'))
    }
  })
})

describe('DER-09: values in a second form', () => {
  const serial: DerPath = [0, 1]
  const keyUsageValue = (value: Uint8Array): Changes => {
    const [constraints, , ...others] = nodeExtensions()
    const keyUsage = extensionDer(OID.keyUsage, true, value)
    return { node: { extensionsDer: [...(constraints === undefined ? [] : [constraints]), keyUsage, ...others] } }
  }
  const bits = (...content: readonly number[]): Uint8Array => encodeValue(TAG.bitString, Uint8Array.from(content))

  it.each([
    ['a leading 00', [0, 1]],
    ['a leading ff', [0xff, 0x80]],
    ['nothing', []],
  ])('DER-09: an INTEGER with %s', (_claim, content) => {
    expectCode('ERR_CERTIFICATE_MALFORMED', () =>
      readCertificate(editContent(certificate, serial, () => Uint8Array.from(content))),
    )
    const constraints = extensionDer(
      OID.basicConstraints,
      true,
      encodeSequence(encodeBoolean(true), encodeValue(TAG.integer, Uint8Array.from(content))),
    )
    expectCode('ERR_EXTENSION_MALFORMED', () => validate(hierarchy({ issuing: { extensionsDer: [constraints] } })))
  })

  it.each([
    ['01', [1]],
    ['fe', [0xfe]],
    ['two octets', [0xff, 0xff]],
    ['nothing', []],
    ['FALSE, which is the default', [0]],
  ])('DER-09: a BOOLEAN of %s', (_claim, content) => {
    const wrong = encodeValue(TAG.boolean, Uint8Array.from(content))
    const constraints = extensionDer(OID.basicConstraints, true, encodeSequence(wrong))
    expectCode('ERR_EXTENSION_MALFORMED', () => validate(hierarchy({ issuing: { extensionsDer: [constraints] } })))
    expectCode('ERR_EXTENSION_MALFORMED', () =>
      validate(hierarchy({ node: { extensionsDer: [constraints, ...nodeExtensions().slice(1)] } })),
    )
    const critical = encodeSequence(encodeObjectIdentifier('1.2.3.4'), wrong, encodeOctetString(new Uint8Array()))
    expectCode('ERR_CERTIFICATE_MALFORMED', () => makeCertificate({ extensionsDer: [critical] }))
  })

  it.each([
    ['8 unused bits', [8, 0x80]],
    ['255 unused bits', [255, 0x80]],
    ['no count of them', []],
    ['unused bits of nothing', [7]],
    ['unused bits that are set', [7, 0x81]],
    ['a zero at its end', [0, 0x80]],
    ['an octet of zeros at its end', [0, 0x80, 0]],
  ])('DER-09: a BIT STRING with %s', async (_claim, content) => {
    expectCode('ERR_EXTENSION_MALFORMED', () => validate(hierarchy(keyUsageValue(bits(...content)))))
    // The reasons of a CRL and of a distribution point are bits of the same kind.
    const ofRoot = await makeCrl({ issuer: root })
    const scope = extensionDer(
      OID.issuingDistributionPoint,
      true,
      encodeSequence(encodeContextPrimitive(3, Uint8Array.from(content))),
    )
    const crl = rawCrl({ issuer: issuing.certificate.subject, key: issuing.key, moreExtensionsDer: [scope] })
    expectCode('ERR_EXTENSION_MALFORMED', () => readCrl(crl.der))
    expectCode('ERR_REVOCATION_UNKNOWN', () =>
      validate({ root, issuing, node }, { revocation: { crls: [ofRoot, crl] } }),
    )
    const point = encodeSequence(
      encodeContext(0, encodeContext(0, encodeContextPrimitive(6, Buffer.from('http://a.example/')))),
      encodeContextPrimitive(1, Uint8Array.from(content)),
    )
    const points = extensionDer(OID.crlDistributionPoints, false, encodeSequence(point))
    expectCode('ERR_EXTENSION_MALFORMED', () => validate(hierarchy({ node: { moreExtensionsDer: [points] } })))
  })

  it('DER-09: keyUsage without a bit is malformed, and a CRL about no reason answers nothing', async () => {
    expectCode('ERR_EXTENSION_MALFORMED', () => validate(hierarchy(keyUsageValue(bits(0)))))
    const none = encodeSequence(encodeContextPrimitive(3, Uint8Array.of(0)))
    const scope = extensionDer(OID.issuingDistributionPoint, true, none)
    const crl = rawCrl({ issuer: issuing.certificate.subject, key: issuing.key, moreExtensionsDer: [scope] })
    const crls = [await makeCrl({ issuer: root }), crl]
    expectCode('ERR_REVOCATION_UNKNOWN', () => validate({ root, issuing, node }, { revocation: { crls } }))
  })

  it('DER-09: a signature, a key or a unique identifier that is no whole number of octets, or empty', () => {
    for (const path of [[2], [0, 6, 1]]) {
      for (const content of [[], [1, 0], [8, 0], [7]]) {
        expect(
          verdictOf(() => readCertificate(editContent(certificate, path, () => Uint8Array.from(content)))),
        ).toMatch(/^ERR_(CERTIFICATE|KEY)_MALFORMED$/)
      }
    }
    for (const content of [[], [8], [9, 1], [7]]) {
      const unique = encodeContextPrimitive(1, Uint8Array.from(content))
      expectCode('ERR_CERTIFICATE_MALFORMED', () =>
        readCertificate(editDer(certificate, [0, 6], (spki) => [spki, unique])),
      )
    }
  })

  it('DER-09: NULL with content is no NULL', () => {
    const rsa = makeCertificate({ subject: 'rsa', algorithm: 'rsa2048', ca: true })
    const leaf = makeCertificate({ subject: 'leaf', issuer: rsa, extensionsDer: nodeExtensions() }).certificate.der
    const long = encodeValue(TAG.null, Uint8Array.of(0))
    expectCode('ERR_KEY_NOT_ALLOWED', () => readCertificate(editDer(rsa.certificate.der, [0, 6, 0, 1], () => long)))
    const changed = editDer(
      editDer(leaf, [0, 2, 1], () => long),
      [1, 1],
      () => long,
    )
    expectCode('ERR_ALGORITHM_NOT_ALLOWED', () =>
      validate({ root: rsa, issuing: rsa, node: { key: node.key, certificate: readCertificate(changed) } }),
    )
  })

  it('DER-09: a set that is not in order, and one with an element twice', () => {
    const attribute = (text: string): Uint8Array =>
      encodeSequence(encodeObjectIdentifier('2.5.4.3'), encodeString(text))
    for (const elements of [
      [attribute('b'), attribute('a')],
      [attribute('a'), attribute('a')],
      [attribute('aa'), attribute('a')],
    ]) {
      const name = encodeSequence(encodeValue(TAG.set, ...elements))
      expectCode('ERR_CERTIFICATE_MALFORMED', () => readCertificate(editDer(certificate, [0, 5], () => name)))
    }
    const good = encodeSequence(encodeSetOf(attribute('b'), attribute('a')))
    expect(readCertificate(editDer(certificate, [0, 5], () => good)).subject.rdns).toHaveLength(1)
  })

  it('DER-09: a default that is written, and a time in its other type', () => {
    const version = encodeContext(0, encodeInteger(0))
    expectCode('ERR_CERTIFICATE_MALFORMED', () => readCertificate(editDer(certificate, [0, 0], () => version)))
    const early = encodeString('20270101000000Z', TAG.generalizedTime)
    expectCode('ERR_CERTIFICATE_MALFORMED', () => readCertificate(editDer(certificate, [0, 4, 0], () => early)))
  })
})
