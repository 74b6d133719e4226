import { generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  encodeBitString,
  encodeContextPrimitive,
  encodeObjectIdentifier,
  encodeSequence,
  OID,
} from '../../src/asn1/index.js'
import type { MemoryKeyProvider } from '../../src/crypto/index.js'
import type { ErrorCode } from '../../src/errors/index.js'
import {
  DEFAULT_STRICTNESS,
  type PathRequest,
  type Strictness,
  STRICTNESS,
  strictnessNamed,
} from '../../src/path/index.js'
import { addSeconds, DAY } from '../../src/time/index.js'
import { type Certificate, encodeNameConstraints, parseCertificate } from '../../src/x509/index.js'
import { makeCertificate, NOW, signCertificate } from '../support/certificates.js'
import { editDer } from '../support/der.js'
import { expectCode } from '../support/expect-code.js'
import {
  type Changes,
  extensionDer,
  type Hierarchy,
  hierarchy,
  NODE_NAMES,
  unknownExtension,
  validate,
} from '../support/hierarchy.js'

const purposes = [OID.kpServerAuth]

const weak = generateKeyPairSync('ec', { namedCurve: 'secp224r1' })

/** The same certificate with a weak key in it, signed again. */
function withWeakKey({ tbsDer }: Certificate, issuerKey: MemoryKeyProvider): Certificate {
  const spkiDer = new Uint8Array(weak.publicKey.export({ format: 'der', type: 'spki' }))
  return signCertificate(
    editDer(tbsDer, [6], () => spkiDer),
    issuerKey,
  )
}

/** The same path, held to the default with one field changed. */
function under(path: Hierarchy, change: Partial<Strictness>, request: Partial<PathRequest> = {}): unknown {
  return validate(path, { ...request, strictness: { ...DEFAULT_STRICTNESS, ...change } })
}

describe('STRICTNESS', () => {
  it('the default is that of a deployment, which is what validation without a word does', () => {
    expect(DEFAULT_STRICTNESS).toBe(STRICTNESS.deployment)
    const old = hierarchy({ root: { notAfter: addSeconds(NOW, -DAY) } })
    expectCode('ERR_PATH_EXPIRED', () => validate(old))
  })

  it('no profile allows weak algorithms, and only that of RFC 5280 §6 alone is laxer than the default', () => {
    for (const [name, strictness] of Object.entries(STRICTNESS) as [string, Strictness][]) {
      expect([name, strictness.algorithms]).toEqual([name, 'listed'])
      if (name === 'rfc5280') continue
      const { forms, ...rest } = strictness
      const { forms: least, ...same } = DEFAULT_STRICTNESS
      expect([name, rest]).toEqual([name, same])
      for (const rule of least) expect(forms).toContain(rule)
      expect(new Set(forms).size).toBe(forms.length)
    }
    expect(STRICTNESS.rfc5280.forms).toEqual([])
  })

  it('is found by its name, and nothing else is', () => {
    for (const [name, strictness] of Object.entries(STRICTNESS)) expect(strictnessNamed(name)).toBe(strictness)
    for (const name of ['', 'Deployment', 'lax', 'constructor', '__proto__', 'toString', 'deployment ']) {
      const error = expectCode('ERR_CONFIG_INVALID', () => strictnessNamed(name))
      expect(error.hint).toBe('choose one of deployment, rfc5280, pedantic, webpki')
    }
  })
})

describe('anchorValidity', () => {
  it.each([
    ['over', { notAfter: addSeconds(NOW, -1) }, 'ERR_PATH_EXPIRED'],
    ['not begun', { notBefore: addSeconds(NOW, 1) }, 'ERR_PATH_NOT_YET_VALID'],
  ] as const)('of an anchor whose life is %s', (_, change, code) => {
    const path = hierarchy({ root: { subject: 'Root', ca: true, ...change } })
    expectCode(code, () => under(path, { anchorValidity: 'checked' }))
    under(path, { anchorValidity: 'allow-any-time' })
    // What is below it lives by its own dates, whatever is said of the anchor.
    expectCode(code, () => under(hierarchy({ issuing: change }), { anchorValidity: 'allow-any-time' }))
    expectCode(code, () => under(hierarchy({ node: { purposes, ...change } }), { anchorValidity: 'allow-any-time' }))
  })

  it('an anchor that is itself the end entity has to live', () => {
    const old = makeCertificate({ subject: 'pinned', purposes, notAfter: addSeconds(NOW, -1) })
    const path = { root: old, issuing: old, node: old }
    for (const anchorValidity of ['checked', 'allow-any-time'] as const) {
      expectCode('ERR_PATH_EXPIRED', () => under(path, { anchorValidity }, { intermediates: [] }))
    }
  })
})

describe('anchorConstraints', () => {
  const policies = extensionDer(
    OID.certificatePolicies,
    false,
    encodeSequence(encodeSequence(encodeObjectIdentifier('1.2.3'))),
  )
  const explicit = extensionDer(OID.policyConstraints, true, encodeSequence(encodeContextPrimitive(0, Buffer.of(0))))
  const excluded = encodeNameConstraints({ permitted: [], excluded: [{ kind: 'dns', value: 'cloud.example' }] })
  const rows: readonly (readonly [claim: string, changes: Changes, code: ErrorCode])[] = [
    ['a path length that is too short', { root: { pathLength: 0 } }, 'ERR_PATH_LENGTH'],
    ['that it is no CA', { root: { ca: false } }, 'ERR_PATH_NOT_CA'],
    ['that it may not sign certificates', { root: { keyUsage: ['cRLSign'] } }, 'ERR_PATH_KEY_USAGE'],
    ['name constraints', { root: { moreExtensionsDer: [excluded] } }, 'ERR_PATH_NAME_CONSTRAINT'],
    ['that a policy is needed', { root: { moreExtensionsDer: [policies, explicit] } }, 'ERR_PATH_POLICY'],
    [
      'a critical extension that is not known',
      { root: { moreExtensionsDer: [unknownExtension(true)] } },
      'ERR_PATH_CRITICAL_EXTENSION',
    ],
    ['another purpose', { root: { purposes: [OID.kpClientAuth] } }, 'ERR_PATH_PURPOSE'],
  ]

  it.each(rows)('of an anchor that says %s', (_, changes, code) => {
    expectCode(code, () => under(hierarchy(changes), { anchorConstraints: 'checked' }))
    under(hierarchy(changes), { anchorConstraints: 'allow-ignored' })
    // In a CA below, the same is never ignored.
    const { pathLength, ...root } = changes.root ?? {}
    const sub = makeCertificate({ subject: 'Root', ca: true })
    const wide = hierarchy({
      root: { subject: 'Top', ca: true, pathLength: 9 },
      issuing: { issuer: sub, subject: 'Issuing', ca: true },
    })
    const between = makeCertificate({
      subject: 'Root',
      issuer: wide.root,
      key: sub.key,
      ca: true,
      ...(pathLength === undefined ? {} : { pathLength }),
      ...root,
    })
    const intermediates = [between.certificate, wide.issuing.certificate]
    expectCode(code, () => under(wide, { anchorConstraints: 'allow-ignored' }, { intermediates }))
  })

  it('what whoever validates demands is not ignored', () => {
    const path = hierarchy()
    expectCode('ERR_PATH_LENGTH', () => under(path, { anchorConstraints: 'allow-ignored' }, { maxPathLength: 0 }))
    under(path, { anchorConstraints: 'allow-ignored' }, { maxPathLength: 1 })
    const nameConstraints = { permitted: [], excluded: [{ kind: 'dns', value: 'cloud.example' }] } as const
    expectCode('ERR_PATH_NAME_CONSTRAINT', () =>
      under(path, { anchorConstraints: 'allow-ignored' }, { nameConstraints }),
    )
    under(path, {}, { nameConstraints: { permitted: [{ kind: 'dns', value: 'cloud.example' }], excluded: [] } })
  })

  it('the key of the anchor is held to the algorithms that are allowed, whatever is ignored', () => {
    const path = hierarchy()
    const root = { ...path.root, certificate: withWeakKey(path.root.certificate, path.root.key) }
    const tbsDer = path.issuing.certificate.tbsDer
    const { identifierDer } = path.root.key.signatureAlgorithm
    const signature = encodeBitString(sign('sha256', tbsDer, weak.privateKey))
    const issuing = { ...path.issuing, certificate: parseCertificate(encodeSequence(tbsDer, identifierDer, signature)) }
    const below = { root, issuing, node: path.node }
    expectCode('ERR_KEY_NOT_ALLOWED', () => under(below, { anchorConstraints: 'allow-ignored' }))
    under(below, { anchorConstraints: 'allow-ignored', algorithms: 'allow-weak' })
  })
})

describe('extKeyUsage', () => {
  const silent = hierarchy({ node: { purposes: [], names: NODE_NAMES } })

  it('an end entity without it', () => {
    expectCode('ERR_PATH_PURPOSE', () => under(silent, { extKeyUsage: 'required' }))
    under(silent, { extKeyUsage: 'allow-absent' })
    expectCode('ERR_PATH_PURPOSE', () =>
      under(hierarchy({ node: { purposes: [OID.kpClientAuth] } }), { extKeyUsage: 'allow-absent' }),
    )
  })

  it.each(['message-signing', 'message-encryption', 'trust-directory', 'ocsp-signing'] as const)(
    'for %s it is required, whatever is allowed',
    (purpose) => {
      expectCode('ERR_PATH_PURPOSE', () =>
        under(silent, { extKeyUsage: 'allow-absent', anyExtendedKeyUsage: 'allow' }, { purpose }),
      )
    },
  )

  it('a key usage that excludes the purpose is not made good', () => {
    const path = hierarchy({ node: { purposes: [], keyUsage: ['dataEncipherment'] } })
    expectCode('ERR_PATH_KEY_USAGE', () => under(path, { extKeyUsage: 'allow-absent' }))
  })
})

describe('anyExtendedKeyUsage', () => {
  const any = hierarchy({ node: { purposes: [OID.anyExtendedKeyUsage] } })

  it('in an end entity', () => {
    expectCode('ERR_PATH_PURPOSE', () => under(any, { anyExtendedKeyUsage: 'refused' }))
    under(any, { anyExtendedKeyUsage: 'allow' })
    expectCode('ERR_PATH_PURPOSE', () => under(any, { extKeyUsage: 'allow-absent' }))
  })

  it.each(['message-signing', 'message-encryption', 'trust-directory', 'ocsp-signing'] as const)(
    'never stands for %s',
    (purpose) => {
      expectCode('ERR_PATH_PURPOSE', () => under(any, { anyExtendedKeyUsage: 'allow' }, { purpose }))
    },
  )

  it('in a CA it always stands for every purpose', () => {
    const path = hierarchy({ issuing: { purposes: [OID.anyExtendedKeyUsage] } })
    for (const anyExtendedKeyUsage of ['refused', 'allow'] as const) under(path, { anyExtendedKeyUsage })
  })
})

describe('algorithms and forms', () => {
  it('a key that is not listed', () => {
    const path = hierarchy()
    const node = { ...path.node, certificate: withWeakKey(path.node.certificate, path.issuing.key) }
    expectCode('ERR_KEY_NOT_ALLOWED', () => under({ ...path, node }, { algorithms: 'listed' }))
    under({ ...path, node }, { algorithms: 'allow-weak' })
  })

  it('a rule is held to where it is listed', () => {
    const path = hierarchy({ node: { purposes, keyUsage: ['digitalSignature', 'keyCertSign'] } })
    expectCode('ERR_PATH_FORM', () => under(path, { forms: ['key-cert-sign-in-ca'] }))
    under(path, { forms: [] })
  })
})

describe('rfc5280: the lax values together', () => {
  it('accepts what each of them does, and the end entity of any purpose', () => {
    const path = hierarchy({
      root: { ca: false, keyUsage: [], notAfter: addSeconds(NOW, -1) },
      node: { purposes: [], names: NODE_NAMES },
    })
    validate(path, { strictness: STRICTNESS.rfc5280 })
    for (const name of ['deployment', 'pedantic', 'webpki'] as const) {
      expectCode('ERR_PATH_EXPIRED', () => validate(path, { strictness: STRICTNESS[name] }))
    }
  })
})
