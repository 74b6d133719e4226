import { describe, expect, it } from 'vitest'
import { OID } from '../../src/asn1/index.js'
import type { ErrorCode } from '../../src/errors/index.js'
import { purposeNamed, ValidatedPath } from '../../src/path/index.js'
import { Budget } from '../../src/path/budget.js'
import { checkPath as checkPathIn, type PathChecks } from '../../src/path/validate.js'
import { addSeconds, DAY } from '../../src/time/index.js'
import {
  type Certificate,
  encodeBasicConstraints,
  encodeCrlDistributionPoints,
  encodeExtKeyUsage,
  encodeKeyUsage,
  encodeTbsCertificate,
  parseCertificate,
} from '../../src/x509/index.js'
import { keyFor, makeCertificate, NOT_AFTER, NOT_BEFORE, NOW, signCertificate } from '../support/certificates.js'
import { editDer, fromHex, toHex } from '../support/der.js'
import { expectCode } from '../support/expect-code.js'
import {
  caExtensions,
  type Changes,
  extensionDer,
  type Hierarchy,
  hierarchy,
  nodeExtensions,
  unknownExtension,
  validate,
} from '../support/hierarchy.js'

const CRITICAL = [unknownExtension(true)]
const purposes = [OID.kpServerAuth]

describe('validatePath: one change to a valid hierarchy, one refusal', () => {
  it('accepts the hierarchy unchanged, and hands out all of it', () => {
    const whole = hierarchy()
    const path = validate(whole)
    expect(path).toBeInstanceOf(ValidatedPath)
    expect(path.certificates).toEqual([whole.node.certificate, whole.issuing.certificate, whole.root.certificate])
    expect(path.target).toBe(whole.node.certificate)
    expect(path.issuer).toBe(whole.issuing.certificate)
    expect(path.anchor).toBe(whole.root.certificate)
    expect(path.at).toEqual(NOW)
    expect(path.revocation).toBe('not checked')
    expect(Object.isFrozen(path) && Object.isFrozen(path.certificates)).toBe(true)
  })

  const table: readonly (readonly [claim: string, changes: Changes, code: ErrorCode])[] = [
    ['a root past its end', { root: { notAfter: addSeconds(NOW, -1) } }, 'ERR_PATH_EXPIRED'],
    ['an issuing CA past its end', { issuing: { notAfter: addSeconds(NOW, -1) } }, 'ERR_PATH_EXPIRED'],
    ['a node past its end', { node: { notAfter: addSeconds(NOW, -1) } }, 'ERR_PATH_EXPIRED'],
    ['a root before its beginning', { root: { notBefore: addSeconds(NOW, 1) } }, 'ERR_PATH_NOT_YET_VALID'],
    ['an issuing CA before its beginning', { issuing: { notBefore: addSeconds(NOW, 1) } }, 'ERR_PATH_NOT_YET_VALID'],
    ['a node before its beginning', { node: { notBefore: addSeconds(NOW, 1) } }, 'ERR_PATH_NOT_YET_VALID'],
    ['a root that is not a CA', { root: { ca: false } }, 'ERR_PATH_NOT_CA'],
    ['an issuing CA with CA:FALSE', { issuing: { ca: false, keyUsage: ['keyCertSign'] } }, 'ERR_PATH_NOT_CA'],
    [
      'an issuing CA without basicConstraints',
      { issuing: { extensionsDer: [encodeKeyUsage(['keyCertSign', 'cRLSign'])] } },
      'ERR_PATH_NOT_CA',
    ],
    ['a root of pathLen 0 above another CA', { root: { pathLength: 0 } }, 'ERR_PATH_LENGTH'],
    ['a root that may not sign certificates', { root: { keyUsage: ['cRLSign'] } }, 'ERR_PATH_KEY_USAGE'],
    ['an issuing CA that may not sign certificates', { issuing: { keyUsage: ['cRLSign'] } }, 'ERR_PATH_KEY_USAGE'],
    ['a node whose key may not sign', { node: { purposes, keyUsage: ['dataEncipherment'] } }, 'ERR_PATH_KEY_USAGE'],
    ['a node without any purpose', { node: { purposes: [] } }, 'ERR_PATH_PURPOSE'],
    ['a node of another purpose', { node: { purposes: [OID.kpClientAuth] } }, 'ERR_PATH_PURPOSE'],
    ['a node of any purpose', { node: { purposes: [OID.anyExtendedKeyUsage] } }, 'ERR_PATH_PURPOSE'],
    ['an issuing CA of another purpose', { issuing: { purposes: [OID.kpOcspSigning] } }, 'ERR_PATH_PURPOSE'],
    ['a root of another purpose', { root: { purposes: [OID.kpClientAuth] } }, 'ERR_PATH_PURPOSE'],
    [
      'an unknown critical extension of the root',
      { root: { moreExtensionsDer: CRITICAL } },
      'ERR_PATH_CRITICAL_EXTENSION',
    ],
    [
      'an unknown critical extension of the issuing CA',
      { issuing: { moreExtensionsDer: CRITICAL } },
      'ERR_PATH_CRITICAL_EXTENSION',
    ],
    [
      'an unknown critical extension of the node',
      { node: { moreExtensionsDer: CRITICAL } },
      'ERR_PATH_CRITICAL_EXTENSION',
    ],
    [
      'a critical issuerAltName, which is known and not processed',
      { node: { moreExtensionsDer: [extensionDer(OID.issuerAltName, true, fromHex('3003820161'))] } },
      'ERR_PATH_CRITICAL_EXTENSION',
    ],
    [
      'a critical key identifier (RFC 5280 §4.2.1.2)',
      {
        node: {
          extensionsDer: [...nodeExtensions(), extensionDer(OID.subjectKeyIdentifier, true, fromHex('040101'))],
        },
      },
      'ERR_PATH_CRITICAL_EXTENSION',
    ],
    ['a keyUsage of the issuing CA that is malformed', malformed(OID.keyUsage), 'ERR_EXTENSION_MALFORMED'],
  ]

  it.each(table)('refuses %s', (_claim, changes, code) => {
    expectCode(code, () => validate(hierarchy(changes)))
  })

  const accepted: readonly (readonly [claim: string, changes: Changes])[] = [
    ['a root of pathLen 1 above one CA', { root: { pathLength: 1 } }],
    ['CAs without keyUsage', { issuing: { keyUsage: [] }, root: { keyUsage: [] } }],
    ['CAs without pathLen', { root: { subject: 'No length', ca: true } }],
    ['an issuing CA of exactly this purpose', { issuing: { purposes } }],
    [
      'CAs of any purpose',
      { root: { purposes: [OID.anyExtendedKeyUsage] }, issuing: { purposes: [OID.anyExtendedKeyUsage] } },
    ],
    ['a node of this purpose among others', { node: { purposes: [OID.kpClientAuth, OID.kpServerAuth] } }],
    ['a node without keyUsage', { node: { keyUsage: [] } }],
    ['an unknown extension that is not critical', { node: { moreExtensionsDer: [unknownExtension(false)] } }],
    [
      'distribution points, which are not fetched',
      { node: { moreExtensionsDer: [encodeCrlDistributionPoints(['http://x.example/crl'])] } },
    ],
    ['a critical extKeyUsage', { node: { extensionsDer: criticalPurpose() } }],
  ]

  it.each(accepted)('accepts %s', (_claim, changes) => {
    expect(validate(hierarchy(changes)).certificates).toHaveLength(3)
  })
})

function malformed(oid: string): Changes {
  const [basicConstraints] = caExtensions()
  return {
    issuing: { extensionsDer: [basicConstraints ?? new Uint8Array(), extensionDer(oid, true, fromHex('0500'))] },
  }
}

function criticalPurpose(): readonly Uint8Array[] {
  const value = fromHex(toHex(encodeExtKeyUsage(purposes)).slice(-24))
  return [...nodeExtensions().slice(0, 2), extensionDer(OID.extKeyUsage, true, value)]
}

describe('validatePath: validity (RFC 5280 §4.1.2.5)', () => {
  const whole = hierarchy()

  it.each([
    ['the instant of notBefore', NOT_BEFORE],
    ['the instant of notAfter', NOT_AFTER],
    ['the last millisecond of the second of notAfter', new Date(NOT_AFTER.getTime() + 999)],
  ])('PATH-22: holds at %s', (_claim, at) => {
    expect(validate(whole, { at }).at).toEqual(at)
  })

  it.each([
    ['a millisecond before notBefore', new Date(NOT_BEFORE.getTime() - 1), 'ERR_PATH_NOT_YET_VALID'],
    ['the second after notAfter', new Date(NOT_AFTER.getTime() + 1000), 'ERR_PATH_EXPIRED'],
    ['a time that is none', new Date(Number.NaN), 'ERR_PATH_NOT_YET_VALID'],
  ] as const)('PATH-22: does not hold at %s', (_claim, at, code) => {
    expectCode(code, () => validate(whole, { at }))
  })

  it('holds at one instant for all: no instant fits two certificates that never lived together', () => {
    const never = hierarchy({
      issuing: { notAfter: addSeconds(NOW, -DAY / 2) },
      node: { notBefore: addSeconds(NOW, -DAY / 4) },
    })
    for (const hours of [-18, -12, -6, 0]) {
      const code = hours < -6 ? 'ERR_PATH_NOT_YET_VALID' : 'ERR_PATH_EXPIRED'
      expectCode(code, () => validate(never, { at: addSeconds(NOW, hours * 3600) }))
    }
  })
})

describe('validatePath: basic constraints (RFC 5280 §4.2.1.9)', () => {
  const { root, issuing, node } = hierarchy()

  it('PATH-01: a node cannot issue, whatever it says of itself', () => {
    for (const keyUsage of [['keyCertSign'], ['digitalSignature'], []] as const) {
      const rogue = hierarchy({ issuing: { ca: false, keyUsage, purposes } })
      expectCode('ERR_PATH_NOT_CA', () => validate(rogue))
    }
    const below = makeCertificate({ subject: 'below', issuer: node, purposes })
    const intermediates = [issuing.certificate, node.certificate]
    expectCode('ERR_PATH_NOT_CA', () => validate({ root, issuing, node: below }, { intermediates }))
  })

  it('PATH-01: a version 1 certificate cannot issue: it has no basicConstraints', () => {
    // Without extensions, and without the version field that says 3.
    const v1 = parseCertificate(
      editDer(
        editDer(issuing.certificate.der, [0, 7], () => []),
        [0, 0],
        () => [],
      ),
    )
    expect(v1.version).toBe(1)
    expectCode('ERR_PATH_NOT_CA', () => validate({ root, issuing, node }, { anchors: [v1] }))
  })

  it('PATH-01: an anchor that is not a CA issues nothing', () => {
    const selfSigned = makeCertificate({ subject: 'Self' })
    const below = makeCertificate({ subject: 'below', issuer: selfSigned, purposes })
    expectCode('ERR_PATH_NOT_CA', () =>
      validate({ root: selfSigned, issuing: selfSigned, node: below }, { intermediates: [] }),
    )
  })

  it('PATH-02: pathLen counts the CAs between, and a longer one below does not lengthen it', () => {
    const ca = (subject: string, issuer: typeof root, pathLength?: number): typeof root =>
      makeCertificate({ subject, issuer, ca: true, ...(pathLength === undefined ? {} : { pathLength }) })
    for (const [allowed, depth] of [
      [0, 1],
      [1, 2],
      [2, 3],
    ] as const) {
      const top = makeCertificate({ subject: `Top ${allowed}`, ca: true, pathLength: allowed })
      const chain = [top]
      for (let level = 0; level < depth; level++) chain.push(ca(`Level ${level}`, chain.at(-1) ?? top, 100))
      const leafBelow = (issuer: typeof root): typeof root => makeCertificate({ subject: 'leaf', issuer, purposes })
      const intermediates = chain.slice(1).map((item) => item.certificate)
      const good = leafBelow(chain.at(-2) ?? top)
      expect(validate({ root: top, issuing: top, node: good }, { intermediates }).certificates).toHaveLength(depth + 1)
      const bad = leafBelow(chain.at(-1) ?? top)
      expectCode('ERR_PATH_LENGTH', () => validate({ root: top, issuing: top, node: bad }, { intermediates }))
    }
  })

  it('PATH-02: a self-issued CA does not count (§6.1.4 (l))', () => {
    const top = makeCertificate({ subject: 'Roll', ca: true, pathLength: 0 })
    const next = makeCertificate({ subject: 'Roll', issuer: top, key: keyFor('Roll, new'), ca: true, pathLength: 0 })
    const leaf = makeCertificate({ subject: 'leaf', issuer: next, purposes })
    const path = validate({ root: top, issuing: next, node: leaf })
    expect(path.certificates).toHaveLength(3)
  })

  it('PATH-02: pathLen of a CA of the middle counts, too', () => {
    const top = makeCertificate({ subject: 'Wide', ca: true })
    const middle = makeCertificate({ subject: 'Narrow', issuer: top, ca: true, pathLength: 0 })
    const lower = makeCertificate({ subject: 'Lower', issuer: middle, ca: true })
    const leaf = makeCertificate({ subject: 'leaf', issuer: lower, purposes })
    const intermediates = [middle.certificate, lower.certificate]
    expectCode('ERR_PATH_LENGTH', () => validate({ root: top, issuing: lower, node: leaf }, { intermediates }))
  })

  it('PATH-02: pathLen on a certificate that is no CA makes it none', () => {
    const extensionsDer = [encodeBasicConstraints({ ca: false, pathLenConstraint: 3 }), encodeKeyUsage(['keyCertSign'])]
    expectCode('ERR_PATH_NOT_CA', () => validate(hierarchy({ issuing: { extensionsDer } })))
  })
})

describe('validatePath: signatures', () => {
  const { root, issuing, node } = hierarchy()

  it('PATH-25: a CA of the same name with another key did not issue it', () => {
    const stranger = makeCertificate({
      subject: 'Issuing',
      issuer: root,
      key: keyFor('another Issuing'),
      extensionsDer: caExtensions(),
    })
    expectCode('ERR_PATH_SIGNATURE', () =>
      validate({
        root,
        issuing: stranger,
        node: makeCertificate({ subject: 'n', issuer: issuing, extensionsDer: nodeExtensions() }),
      }),
    )
  })

  it('PATH-25: with key identifiers, such a CA is not even tried', () => {
    const stranger = makeCertificate({ subject: 'Issuing', issuer: root, key: keyFor('another Issuing'), ca: true })
    expectCode('ERR_PATH_NOT_FOUND', () => validate({ root, issuing: stranger, node }))
  })

  it.each([
    ['a bit of what is signed', (der: Uint8Array) => flipped(der, der.length - 90)],
    ['a bit of the signature', (der: Uint8Array) => flipped(der, der.length - 5)],
  ])('PATH-25: refuses a node after flipping %s', (_claim, change) => {
    const changed = { certificate: parseCertificate(change(node.certificate.der)), key: node.key }
    expectCode('ERR_PATH_SIGNATURE', () => validate({ root, issuing, node: changed }))
  })

  it('PATH-25: an issuing CA that its root did not sign is refused, though its own signatures are right', () => {
    const forged = { certificate: parseCertificate(flipped(issuing.certificate.der, -5)), key: issuing.key }
    expectCode('ERR_PATH_SIGNATURE', () => validate({ root, issuing: forged, node }))
  })

  it('PATH-23: an algorithm that is not allowed ends the path', () => {
    // ecdsa-with-SHA256 → ecdsa-with-SHA224, inside and outside.
    const der = fromHex(toHex(node.certificate.der).replaceAll('2a8648ce3d040302', '2a8648ce3d040301'))
    const weak = { certificate: parseCertificate(der), key: node.key }
    expectCode('ERR_ALGORITHM_NOT_ALLOWED', () => validate({ root, issuing, node: weak }))
  })

  it('PATH-23: a CA key that is not allowed ends the path', () => {
    // prime256v1 → prime192v1.
    const der = fromHex(toHex(root.certificate.der).replace('2a8648ce3d030107', '2a8648ce3d030101'))
    expectCode('ERR_KEY_NOT_ALLOWED', () => validate({ root, issuing, node }, { anchors: [parseCertificate(der)] }))
  })

  it('PATH-24: a node whose key is not allowed is refused, though nothing was signed with it', () => {
    const { subject, issuer, serialNumberOctets, notBefore, notAfter, spkiDer } = node.certificate
    const template = {
      serialNumberOctets,
      signatureAlgorithm: issuing.key.signatureAlgorithm,
      issuer,
      notBefore,
      notAfter,
      subject,
      extensionsDer: nodeExtensions(),
    }
    const withKey = (der: Uint8Array): Hierarchy['node'] => ({
      certificate: signCertificate(encodeTbsCertificate({ ...template, spkiDer: der }), issuing.key),
      key: node.key,
    })
    expect(validate({ root, issuing, node: withKey(spkiDer) }).certificates).toHaveLength(3)
    // prime256v1 → prime192v1.
    const weak = fromHex(toHex(spkiDer).replace('2a8648ce3d030107', '2a8648ce3d030101'))
    expectCode('ERR_KEY_NOT_ALLOWED', () => validate({ root, issuing, node: withKey(weak) }))
  })

  it('PATH-06: algorithms inside and outside that differ are refused before anything else', () => {
    const text = toHex(node.certificate.der)
    const last = text.lastIndexOf('2a8648ce3d040302')
    const der = fromHex(`${text.slice(0, last)}2a8648ce3d040303${text.slice(last + 16)}`)
    expectCode('ERR_ALGORITHM_MISMATCH', () => parseCertificate(der))
  })
})

function flipped(der: Uint8Array, index: number): Uint8Array {
  const copy = Uint8Array.from(der)
  const at = index < 0 ? der.length + index : index
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}

describe('checkPath: a path in order', () => {
  const { root, issuing, node } = hierarchy()
  const checks = { at: NOW, purpose: 'allow-any', revocation: 'allow-unchecked' } as const
  const checkPath = (path: readonly Certificate[], asked: PathChecks): void => {
    checkPathIn(path, asked, { budget: new Budget(), crlSigners: () => [] })
  }

  it('refuses an empty path', () => {
    expectCode('ERR_PATH_NOT_FOUND', () => checkPath([], checks))
  })

  it('refuses certificates whose names do not chain', () => {
    expectCode('ERR_PATH_NOT_FOUND', () => checkPath([root.certificate, node.certificate], checks))
    expectCode('ERR_PATH_NOT_FOUND', () => checkPath([issuing.certificate, root.certificate, node.certificate], checks))
  })

  it('accepts an anchor alone', () => {
    checkPath([root.certificate], checks)
  })

  it('the purpose allow-any asks for none, and only where it is spelt out', () => {
    checkPath([root.certificate, issuing.certificate, node.certificate], checks)
    expectCode('ERR_PATH_PURPOSE', () =>
      checkPath([root.certificate, issuing.certificate, node.certificate], { ...checks, purpose: 'client' }),
    )
  })

  it('PATH-27: a signature found good is not good for another issuer, and no verdict outlives its inputs', () => {
    const path = [root.certificate, issuing.certificate, node.certificate]
    checkPath(path, checks)
    const other = makeCertificate({
      subject: 'Issuing',
      issuer: root,
      key: keyFor('rekeyed'),
      extensionsDer: caExtensions(),
    })
    expectCode('ERR_PATH_SIGNATURE', () => checkPath([root.certificate, other.certificate, node.certificate], checks))
    expectCode('ERR_PATH_EXPIRED', () => checkPath(path, { ...checks, at: addSeconds(NOT_AFTER, 1) }))
    expectCode('ERR_REVOCATION_UNKNOWN', () => checkPath(path, { ...checks, revocation: { crls: [] } }))
    checkPath(path, checks)
  })
})

describe('purposes', () => {
  const names = [
    'server',
    'client',
    'message-signing',
    'message-encryption',
    'trust-directory',
    'email',
    'ocsp-signing',
  ] as const
  const oids = [
    OID.kpServerAuth,
    OID.kpClientAuth,
    OID.signetKpMessageSigning,
    OID.signetKpMessageEncryption,
    OID.signetKpTrustDirectory,
    OID.kpEmailProtection,
    OID.kpOcspSigning,
  ]

  it.each(names.map((name, index) => [name, index] as const))(
    'PATH-20: %s takes its own purpose and no other',
    (name, index) => {
      oids.forEach((oid, other) => {
        const whole = hierarchy({ node: { purposes: [oid], keyUsage: ['digitalSignature', 'keyAgreement'] } })
        if (other === index) expect(validate(whole, { purpose: name }).target).toBe(whole.node.certificate)
        else expectCode('ERR_PATH_PURPOSE', () => validate(whole, { purpose: name }))
      })
    },
  )

  it.each([
    ['server', 'keyEncipherment', true],
    ['server', 'keyAgreement', true],
    ['client', 'keyAgreement', true],
    ['client', 'keyEncipherment', false],
    ['message-signing', 'nonRepudiation', false],
    ['message-signing', 'digitalSignature', true],
    ['message-encryption', 'digitalSignature', false],
    ['message-encryption', 'keyAgreement', true],
    ['message-encryption', 'keyEncipherment', true],
    ['email', 'nonRepudiation', true],
    ['trust-directory', 'nonRepudiation', false],
    ['ocsp-signing', 'keyAgreement', false],
  ] as const)('%s with a key for %s alone: %s', (name, usage, good) => {
    const whole = hierarchy({ node: { purposes: [oids[names.indexOf(name)] ?? ''], keyUsage: [usage] } })
    if (good) expect(validate(whole, { purpose: name }).target).toBe(whole.node.certificate)
    else expectCode('ERR_PATH_KEY_USAGE', () => validate(whole, { purpose: name }))
  })

  it('are found by name, and nothing that an object inherits is a purpose', () => {
    for (const name of names) expect(purposeNamed(name)).toBe(name)
    for (const name of ['', 'Server', 'allow-any', 'toString', '__proto__', 'constructor', 'any']) {
      expectCode('ERR_CONFIG_INVALID', () => purposeNamed(name))
    }
  })
})
