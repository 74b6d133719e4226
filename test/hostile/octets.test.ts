/**
 * What strangers send: whatever the octets, a parser hands back a value or throws a SignetError, soon. Here octets and
 * values of an object are changed one after another; `mutation.test.ts` changes the structure at random.
 */
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { encodePem, OID, parsePemBlock } from '../../src/asn1/index.js'
import { decodePrivateKey, encryptPrivateKey, Passphrase } from '../../src/crypto/index.js'
import { EncodingError, isSignetError } from '../../src/errors/index.js'
import {
  type Certificate,
  type Crl,
  createCertificationRequest,
  encodeNameConstraints,
  formatGeneralName,
  parseCertificate,
  parseCertificationRequest,
  parseCrl,
} from '../../src/x509/index.js'
import { keyFor, makeCertificate, makeCrl, NOW, privateKeyFor, revoked } from '../support/certificates.js'
import { allPaths, type DerPath, editDer, elementAt, toHex } from '../support/der.js'
import { outcomeOf } from '../support/only-signet-errors.js'
import { knownDefect } from './known.js'

// A machine that others share may take long; what must be fast is measured in processor time.
vi.setConfig({ testTimeout: 60_000 })

const PASSPHRASE = new Passphrase(Buffer.from('secret'))

/** Ask a certificate for everything that it says. Each answer may be a refusal. */
function readAll(certificate: Certificate): string {
  const answers = [
    'publicKey',
    'basicConstraints',
    'keyUsage',
    'extKeyUsage',
    'subjectKeyIdentifier',
    'authorityKeyIdentifier',
    'subjectAltName',
    'nameConstraints',
    'isSelfIssued',
    'fingerprint',
    'serialNumber',
    'keyIdentifier',
  ] as const
  const codes = answers.map((answer) => outcomeOf(() => certificate[answer]).code)
  outcomeOf(() => certificate.subjectAltName.map(formatGeneralName))
  return `${certificate.subject.toString()} ${certificate.issuer.key} ${codes.join()}`
}

function readAllOfCrl(crl: Crl): void {
  outcomeOf(() => crl.crlNumber)
  outcomeOf(() => crl.authorityKeyIdentifier)
  for (const { serialNumber } of crl.revokedCertificates) crl.find(serialNumber)
}

const root = makeCertificate({
  subject: 'Root',
  ca: true,
  pathLength: 0,
  names: [
    { kind: 'dns', value: 'a.example' },
    { kind: 'ip', octets: Uint8Array.of(10, 0, 0, 1) },
  ],
  purposes: [OID.kpClientAuth],
  moreExtensionsDer: [encodeNameConstraints({ permitted: [{ kind: 'dns', value: 'example' }], excluded: [] })],
})
const crl = await makeCrl({
  issuer: root,
  revoked: [revoked('01', 'keyCompromise'), { ...revoked('02'), invalidityDate: NOW }],
})
const request = parsePemBlock(
  await createCertificationRequest(keyFor('request'), {
    subject: root.certificate.subject,
    extensionsDer: [encodeNameConstraints({ permitted: [], excluded: [{ kind: 'dns', value: 'b' }] })],
  }),
  'CERTIFICATE REQUEST',
).der
const pkcs8 = new Uint8Array(privateKeyFor('hostile').export({ format: 'der', type: 'pkcs8' }))

/** What is known to be thrown beside refusals passes for one here, too. */
function readPrivateKey(input: Uint8Array): unknown {
  try {
    return decodePrivateKey(encodePem('PRIVATE KEY', input))
  } catch (error) {
    if (
      isSignetError(error) ||
      knownDefect(`decodePrivateKey threw what is no refusal: ${String(error)}`) === undefined
    )
      throw error
    throw new EncodingError('ERR_KEY_MALFORMED', 'OpenSSL cannot sign with the key', { cause: error })
  }
}

const ORIGINALS: readonly (readonly [string, Uint8Array, (input: Uint8Array) => unknown])[] = [
  ['a certificate', root.certificate.der, (input) => readAll(parseCertificate(input))],
  ['a CRL', crl.der, (input) => readAllOfCrl(parseCrl(input))],
  ['a certification request', request, parseCertificationRequest],
  ['a private key', pkcs8, readPrivateKey],
]

describe.each(ORIGINALS)('DER-14: %s, mutated', (_, original, parse) => {
  it('parses before it is mutated', () => {
    expect(outcomeOf(() => parse(original)).code).toBe('accepted')
  })

  it('throws a SignetError or nothing with one to three octets changed', () => {
    const change = fc.tuple(
      fc.nat(original.length - 1),
      fc.oneof(fc.nat(255), fc.constantFrom(0x00, 0x30, 0x31, 0x7f, 0x80, 0x81, 0x84, 0xa0, 0xff)),
    )
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        const mutated = Uint8Array.from(original)
        for (const [position, octet] of changes) mutated[position] = octet
        expect(outcomeOf(() => parse(mutated)).cpuMilliseconds).toBeLessThan(1000)
      }),
      { numRuns: 3000 },
    )
  })

  it('throws a SignetError or nothing with octets inserted, removed or repeated', () => {
    const cut = fc.tuple(fc.nat(original.length), fc.nat(original.length), fc.uint8Array({ maxLength: 8 }))
    fc.assert(
      fc.property(cut, ([from, to, inserted]) => {
        outcomeOf(() => parse(Buffer.concat([original.subarray(0, from), inserted, original.subarray(to)])))
      }),
      { numRuns: 1000 },
    )
  })

  it('is refused when it is cut off anywhere', () => {
    for (let length = 0; length < original.length; length++) {
      expect(outcomeOf(() => parse(original.subarray(0, length))).code).not.toBe('accepted')
    }
  })
})

describe('DER-07: one value of the structure removed, repeated, moved or tagged otherwise', () => {
  const tagged =
    (bits: number): ((element: Uint8Array) => Uint8Array) =>
    (element) =>
      element.with(0, (element[0] ?? 0) ^ bits)
  const EDITS: Readonly<Record<string, (der: Uint8Array, path: DerPath) => Uint8Array | undefined>> = {
    removed: (der, path) => editDer(der, path, () => []),
    repeated: (der, path) => editDer(der, path, (element) => [element, element]),
    'exchanged with the next': (der, path) => {
      const next = [...path.slice(0, -1), (path.at(-1) ?? 0) + 1]
      try {
        const [a, b] = [elementAt(der, path), elementAt(der, next)]
        return editDer(
          editDer(der, path, () => b),
          next,
          () => a,
        )
      } catch {
        return undefined
      }
    },
    'made constructed or primitive': (der, path) => editDer(der, path, tagged(0x20)),
    'of another class': (der, path) => editDer(der, path, tagged(0x80)),
    'of another number': (der, path) => editDer(der, path, tagged(0x01)),
  }

  /** Everything that a reader of a certificate can see, in order. */
  function everything(certificate: Certificate): string {
    const {
      version,
      serialNumber,
      issuer,
      subject,
      notBefore,
      notAfter,
      spkiDer,
      extensions,
      signatureAlgorithm,
      signatureValue,
    } = certificate
    const seen = [...extensions.values()].map(({ oid, critical, value }) => [oid, critical, toHex(value)])
    const names = [issuer, subject].map((name) =>
      name.rdns.map((rdn) => rdn.map(({ type, valueDer }) => [type, toHex(valueDer)])),
    )
    return JSON.stringify([
      version,
      serialNumber,
      names,
      notBefore,
      notAfter,
      toHex(spkiDer),
      seen,
      toHex(signatureAlgorithm.der),
      toHex(signatureValue),
    ])
  }

  it.each(Object.entries(EDITS))('is refused in a certificate, or seen: %s', (_, change) => {
    const original = root.certificate.der
    const before = everything(root.certificate)
    for (const path of allPaths(original).filter(({ length }) => length > 0)) {
      const changed = change(original, path)
      if (changed === undefined || Buffer.compare(changed, original) === 0) continue
      outcomeOf(() => {
        expect(`${path.join('.')} ${everything(parseCertificate(changed))}`).not.toBe(`${path.join('.')} ${before}`)
      })
    }
  })

  it.each(Object.entries(EDITS))('is refused in a CRL, or seen: %s', (_, change) => {
    const view = (read: Crl): string =>
      JSON.stringify([
        read.issuer.key,
        toHex(read.issuer.der),
        read.thisUpdate,
        read.nextUpdate,
        read.revokedCertificates,
        [...read.extensions.values()],
        read.unknownCriticalEntryExtension,
        toHex(read.signatureAlgorithm.der),
        toHex(read.signatureValue),
        read.tbsDer.length,
      ])
    const before = view(crl)
    for (const path of allPaths(crl.der).filter(({ length }) => length > 0)) {
      const changed = change(crl.der, path)
      if (changed === undefined || Buffer.compare(changed, crl.der) === 0) continue
      outcomeOf(() => {
        expect(`${path.join('.')} ${view(parseCrl(changed))}`).not.toBe(`${path.join('.')} ${before}`)
      })
    }
  })

  it.each(Object.entries(EDITS))('is never accepted in a certification request: %s', (_, change) => {
    for (const path of allPaths(request).filter(({ length }) => length > 0)) {
      const changed = change(request, path)
      if (changed === undefined || Buffer.compare(changed, request) === 0) continue
      const { code } = outcomeOf(() => parseCertificationRequest(changed))
      expect(`${path.join('.')}: ${code}`).not.toBe(`${path.join('.')}: accepted`)
    }
  })
})

describe('DER-14: an encrypted private key, mutated', () => {
  it('throws a SignetError or nothing, and does no more work than is allowed', () => {
    const { der } = parsePemBlock(encryptPrivateKey(privateKeyFor('hostile'), PASSPHRASE), 'ENCRYPTED PRIVATE KEY')
    // All but the salt, the vector and the encrypted octets, which only make for a wrong passphrase after much work.
    const structure = allPaths(der).flatMap((path) => {
      const element = elementAt(der, path)
      const start = element.byteOffset - der.byteOffset
      return element[0] === 0x04 ? [] : [start, start + 1]
    })
    for (const position of structure) {
      for (const octet of [0x00, 0x80, 0xff]) {
        if (der[position] === octet) continue
        const { code } = outcomeOf(() =>
          decodePrivateKey(encodePem('ENCRYPTED PRIVATE KEY', der.with(position, octet)), PASSPHRASE),
        )
        expect(`${position} ${octet}: ${code}`).toMatch(/: ERR_K(EY_MALFORMED|EY_FORMAT_WEAK|DF_COST|EY_PASSPHRASE)$/)
      }
    }
  })
})
