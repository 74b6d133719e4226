/** Named attacks that shift fields, and errors that nobody declared. */
import { spawnSync } from 'node:child_process'
import type { KeyObject } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, vi } from 'vitest'
import {
  concatBytes,
  encodeContext,
  encodeContextPrimitive,
  encodeInteger,
  encodeObjectIdentifier,
  encodeSequence,
  encodeString,
  OID,
} from '../../../src/asn1/index.js'
import { parseSignedData } from '../../../src/cms/index.js'
import { parsePublicKey } from '../../../src/crypto/index.js'
import {
  parseCertificate,
  parseCertificationRequest,
  parseOcspRequest,
  parseOcspResponse,
} from '../../../src/x509/index.js'
import { makeCertificate } from '../../support/certificates.js'
import { allPaths, contentOf, type DerPath, editContent, editDer, elementAt } from '../../support/der.js'
import { extensionDer } from '../../support/hierarchy.js'
import { authority, DOCUMENTS, KINDS, readCertificate, readCrl, verdictOf } from './documents.js'

vi.setConfig({ testTimeout: 120_000 })

const tagged =
  (bits: number) =>
  (element: Uint8Array): Uint8Array =>
    element.with(0, (element[0] ?? 0) ^ bits)

/** Changes of the structure around one value; `undefined` where there is nothing to exchange it with. */
const EDITS: Readonly<Record<string, (der: Uint8Array, path: DerPath) => Uint8Array | undefined>> = {
  removed: (der, path) => editDer(der, path, () => []),
  repeated: (der, path) => editDer(der, path, (element) => [element, element]),
  'exchanged with the next': (der, path) => {
    const next = [...path.slice(0, -1), (path.at(-1) ?? 0) + 1]
    try {
      const [here, there] = [elementAt(der, path), elementAt(der, next)]
      return editDer(
        editDer(der, path, () => there),
        next,
        () => here,
      )
    } catch {
      return undefined
    }
  },
  'made constructed or primitive': (der, path) => editDer(der, path, tagged(0x20)),
  'of another class': (der, path) => editDer(der, path, tagged(0x80)),
  'of another number': (der, path) => editDer(der, path, tagged(0x01)),
  'of the next number': (der, path) => editDer(der, path, tagged(0x03)),
  emptied: (der, path) => editContent(der, path, () => new Uint8Array()),
}

/** What a reader sees, without the octets that it was read from. */
function view(value: unknown): string {
  const raw = new Set(['der', 'tbsDer', 'signedAttrsDer', 'spkiDer', 'keyObject'])
  return JSON.stringify(value, function (this: object, name, item: unknown) {
    // The octets of a CertID are part of what it says: an answer repeats them.
    if (raw.has(name) && !('issuerKeyHash' in this)) return undefined
    if (item instanceof Uint8Array) return Buffer.from(item).toString('hex')
    if (item instanceof Map || item instanceof Set) return [...(item as Iterable<unknown>)]
    return item
  })
}

/** Every edit at every value is refused, or it is seen. */
function expectSeen(original: Uint8Array, read: (der: Uint8Array) => unknown, change: (typeof EDITS)[string]): number {
  const before = view(read(original))
  let changes = 0
  for (const path of allPaths(original).filter(({ length }) => length > 0)) {
    const changed = change(original, path)
    if (changed === undefined || Buffer.compare(changed, original) === 0) continue
    changes++
    verdictOf(() => {
      expect(`${path.join('.')} ${view(read(changed))}`).not.toBe(`${path.join('.')} ${before}`)
    })
  }
  return changes
}

const document = (kind: string): Uint8Array => DOCUMENTS[kind]?.der ?? new Uint8Array()

describe.each(Object.entries(EDITS))('DER-07: one value %s', (name, change) => {
  it('DER-07: in a CMS document, an OCSP request and response, and a public key: refused, or seen', () => {
    const readers: readonly (readonly [string, (der: Uint8Array) => unknown])[] = [
      ['a CMS document', (der) => parseSignedData(der)],
      ['an OCSP request', parseOcspRequest],
      ['an OCSP response', parseOcspResponse],
    ]
    for (const [kind, read] of readers) expect(expectSeen(document(kind), read, change)).toBeGreaterThan(0)
    for (const path of allPaths(document('a public key')).filter(({ length }) => length > 0)) {
      const changed = change(document('a public key'), path)
      if (changed === undefined || Buffer.compare(changed, document('a public key')) === 0) continue
      expect([path, verdictOf(() => parsePublicKey(changed))]).toEqual([path, expect.stringMatching(/^ERR_/)])
    }
  })

  it('DER-07: in a certificate, a CRL and a certification request: refused, or seen', () => {
    const readers: readonly (readonly [string, (der: Uint8Array) => unknown])[] = [
      [
        'a certificate',
        (der) => {
          const certificate = readCertificate(der)
          const { subject, issuer, spkiDer } = certificate
          return [certificate, subject.rdns, issuer.rdns, Buffer.from(spkiDer).toString('hex')]
        },
      ],
      [
        'a CRL',
        (der) => {
          const crl = readCrl(der)
          return [crl, crl.issuer.rdns, [...crl.revokedCertificates], crl.tbsDer.length]
        },
      ],
      ['a certification request', (der) => parseCertificationRequest(der)],
    ]
    for (const [kind, read] of readers) expect(expectSeen(document(kind), read, change)).toBeGreaterThan(5)
  })

  it('DER-07: in a private key, which OpenSSL reads: refused, or the same key', () => {
    const { der = new Uint8Array(), read } = DOCUMENTS['a private key'] ?? {}
    const key = read?.(der) as KeyObject
    for (const path of allPaths(der).filter(({ length }) => length > 0)) {
      const changed = change(der, path)
      if (changed === undefined) continue
      verdictOf(() => {
        expect([path, key.equals(read?.(changed) as KeyObject)]).toEqual([path, true])
      })
    }
  })

  it('DER-07: in the answer that an OCSP response wraps', () => {
    const whole = document('an OCSP response')
    const at: DerPath = [1, 0, 1]
    const inner = contentOf(elementAt(whole, at))
    const read = (basic: Uint8Array): unknown => parseOcspResponse(editContent(whole, at, () => basic))
    expect(expectSeen(inner, read, change)).toBeGreaterThan(10)
  })

  const dns = encodeContextPrimitive(2, Buffer.from('a.example'))
  const subject = authority.certificate.subject.der
  const VALUES: readonly (readonly [oid: string, value: Uint8Array])[] = [
    [OID.basicConstraints, encodeSequence(Uint8Array.of(1, 1, 0xff), encodeInteger(3))],
    [OID.extKeyUsage, encodeSequence(encodeObjectIdentifier(OID.kpServerAuth), encodeObjectIdentifier('1.2.3'))],
    [
      OID.authorityKeyIdentifier,
      encodeSequence(
        encodeContextPrimitive(0, Uint8Array.of(1, 2, 3)),
        encodeContext(1, encodeContext(4, subject)),
        encodeContextPrimitive(2, Uint8Array.of(5)),
      ),
    ],
    [
      OID.subjectAltName,
      encodeSequence(dns, encodeContext(4, subject), encodeContextPrimitive(7, Uint8Array.of(10, 0, 0, 1))),
    ],
    [
      OID.nameConstraints,
      encodeSequence(
        encodeContext(0, encodeSequence(dns)),
        encodeContext(1, encodeSequence(encodeContext(4, subject))),
      ),
    ],
    [
      OID.crlDistributionPoints,
      encodeSequence(
        encodeSequence(
          encodeContext(0, encodeContext(0, encodeContextPrimitive(6, Buffer.from('http://a.example/')))),
          encodeContextPrimitive(1, Uint8Array.of(1, 0x02)),
          encodeContext(2, encodeContext(4, subject)),
        ),
      ),
    ],
    [
      OID.authorityInfoAccess,
      encodeSequence(
        encodeSequence(
          encodeObjectIdentifier('1.3.6.1.5.5.7.48.1'),
          encodeContextPrimitive(6, Buffer.from('http://a/')),
        ),
      ),
    ],
    [
      OID.certificatePolicies,
      encodeSequence(encodeSequence(encodeObjectIdentifier('1.2.3')), encodeSequence(encodeObjectIdentifier('1.2.4'))),
    ],
    [
      OID.policyMappings,
      encodeSequence(encodeSequence(encodeObjectIdentifier('1.2.3'), encodeObjectIdentifier('1.2.4'))),
    ],
    [
      OID.policyConstraints,
      encodeSequence(encodeContextPrimitive(0, Uint8Array.of(1)), encodeContextPrimitive(1, Uint8Array.of(2))),
    ],
  ]

  it('DER-07: in the value of every extension that is read', () => {
    for (const [oid, value] of VALUES) {
      // A purpose that is said twice is said.
      if (oid === OID.extKeyUsage && name === 'repeated') continue
      const read = (der: Uint8Array): unknown => {
        const { certificate } = makeCertificate({ extensionsDer: [extensionDer(oid, false, der)] })
        certificate.readAllExtensions()
        const { basicConstraints, extKeyUsage, authorityKeyIdentifier, subjectAltName, nameConstraints } = certificate
        const { crlDistributionPoints, authorityInfoAccess, certificatePolicies } = certificate
        const { policyMappings, policyConstraints } = certificate
        return [
          [basicConstraints, extKeyUsage, authorityKeyIdentifier, subjectAltName, nameConstraints],
          [crlDistributionPoints, authorityInfoAccess, certificatePolicies, policyMappings, policyConstraints],
        ]
      }
      expectSeen(value, read, change)
    }
  })
})

describe('DER-14: errors of the runtime', () => {
  it('DER-14: keys that are nearly right end in a value or a SignetError, and the process lives', () => {
    const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
    const hex = (der: Uint8Array): string => Buffer.from(der).toString('hex')
    const { status, signal, stdout, stderr } = spawnSync(
      process.execPath,
      [
        ...['--import', path('../../support/source-hook.mjs'), path('faults-child.mjs')],
        ...['a certificate', 'a certification request', 'a private key'].map((kind) => hex(document(kind))),
        '3000',
      ],
      { encoding: 'utf8', timeout: 100_000, env: { PATH: process.env['PATH'], HOME: '/nonexistent' } },
    )
    expect([status, signal, stderr]).toEqual([0, null, ''])
    const report = JSON.parse(stdout) as { accepted: number; refused: number; foreign: Record<string, number> }
    expect(report.foreign).toEqual({})
    expect(report.refused).toBeGreaterThan(5000)
  })

  it('DER-14: every document with every octet another, and cut off at every octet', () => {
    for (const [kind, { der, read }] of KINDS) {
      if (kind === 'an encrypted private key') continue
      for (let at = 0; at < der.length; at++) {
        for (const bits of [0x01, 0x80, 0xff]) verdictOf(() => read(der.with(at, (der[at] ?? 0) ^ bits)))
        expect([kind, at, verdictOf(() => read(der.subarray(0, at)))]).toEqual([
          kind,
          at,
          expect.stringMatching(/^ERR_/),
        ])
      }
    }
  })

  it('DER-14: what is no document at all', () => {
    const inputs = [
      new Uint8Array(),
      Uint8Array.of(0),
      Uint8Array.of(0x30),
      Uint8Array.of(0x30, 0),
      Uint8Array.of(0x1f, 0xff, 0xff, 0xff, 0xff, 0x7f, 0),
      encodeString('text'),
      new Uint8Array(1000),
      new Uint8Array(1000).fill(0xff),
      concatBytes(encodeSequence(), encodeSequence()),
    ]
    for (const [kind, { read }] of KINDS) {
      for (const input of inputs) {
        expect([kind, input.length, verdictOf(() => read(input))]).toEqual([
          kind,
          input.length,
          expect.stringMatching(/^ERR_/),
        ])
      }
    }
    expect(verdictOf(() => parseCertificate(authority.certificate.der))).toBe('accepted')
  })
})
