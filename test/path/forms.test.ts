import { describe, expect, it } from 'vitest'
import {
  encodeContext,
  encodeContextPrimitive,
  encodeInteger,
  encodeNull,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  OID,
} from '../../src/asn1/index.js'
import { keyIdentifierOf } from '../../src/crypto/index.js'
import {
  explainPath,
  type FormRule,
  FORMS,
  type Strictness,
  STRICTNESS,
  type StrictnessName,
} from '../../src/path/index.js'
import { checkForms } from '../../src/path/forms.js'
import {
  buildName,
  encodeAuthorityKeyIdentifier,
  encodeAuthorityInfoAccess,
  encodeBasicConstraints,
  encodeExtKeyUsage,
  encodeKeyUsage,
  encodeNameConstraints,
  encodeSubjectAltName,
  encodeSubjectKeyIdentifier,
} from '../../src/x509/index.js'
import { type Holder, keyFor, makeCertificate, NOW, signCertificate } from '../support/certificates.js'
import { childrenOf, contentOf, editDer } from '../support/der.js'
import { expectCode } from '../support/expect-code.js'
import {
  caExtensions,
  type Changes,
  extensionDer,
  type Hierarchy,
  hierarchy,
  NODE_NAMES,
  nodeExtensions,
  validate,
} from '../support/hierarchy.js'

const EMPTY = buildName([])
const purposes = [OID.kpServerAuth]
const skiOf = (name: string): Uint8Array => keyIdentifierOf(keyFor(`CN=${name}`).publicKey)
/** An extension that the library encodes, made critical or not. */
const extension = (oid: string, critical: boolean, whole: Uint8Array): Uint8Array =>
  extensionDer(oid, critical, contentOf(childrenOf(whole).at(-1) ?? new Uint8Array()))

interface Case {
  /** A hierarchy that breaks the rule and no other. */
  readonly broken: Hierarchy
  /** Who breaks it. */
  readonly by: keyof Hierarchy
  /** A profile that holds paths to the rule. */
  readonly profile: StrictnessName
  /** What is said, where that is not ERR_PATH_FORM. */
  readonly code?: 'ERR_EXTENSION_MALFORMED'
  /** Where another rule of validation refuses it first, whatever the profile. */
  readonly shadowed?: 'ERR_PATH_CRITICAL_EXTENSION'
  /** A rule that is always broken with it: who is issued by nobody has an issuer without a name. */
  readonly coupled?: FormRule
}

const of = (profile: StrictnessName, by: keyof Hierarchy, changes: Changes): Case => ({
  profile,
  by,
  broken: hierarchy(changes),
})

/** A certificate of version 1 that signed itself. */
function versionOne(): Hierarchy {
  const { certificate, key } = makeCertificate({ subject: 'Version 1' })
  const tbsDer = editDer(
    editDer(certificate.tbsDer, [7], () => []),
    [0],
    () => [],
  )
  const self: Holder = { certificate: signCertificate(tbsDer, key), key }
  return { root: self, issuing: self, node: self }
}

const nameConstraints = encodeNameConstraints({ permitted: [{ kind: 'dns', value: 'cloud.example' }], excluded: [] })

const CASES: Readonly<Record<FormRule, Case>> = {
  'extensions-well-formed': {
    ...of('deployment', 'node', {
      node: { purposes, moreExtensionsDer: [extensionDer(OID.crlDistributionPoints, false, encodeNull())] },
    }),
    code: 'ERR_EXTENSION_MALFORMED',
  },
  'version-3': { broken: versionOne(), by: 'node', profile: 'webpki' },
  'issuer-not-empty': {
    ...of('deployment', 'root', { root: { subject: EMPTY, key: keyFor('nameless'), ca: true } }),
    coupled: 'ca-subject-not-empty',
  },
  'ca-subject-not-empty': {
    ...of('deployment', 'issuing', { issuing: { subject: EMPTY, key: keyFor('nameless') } }),
    coupled: 'issuer-not-empty',
  },
  'authority-key-identifier': of('pedantic', 'node', { node: { extensionsDer: nodeExtensions() } }),
  'key-identifiers-not-critical': {
    ...of('deployment', 'node', {
      node: {
        extensionsDer: [
          ...nodeExtensions(),
          extension(OID.authorityKeyIdentifier, true, encodeAuthorityKeyIdentifier(skiOf('Issuing'))),
        ],
      },
    }),
    shadowed: 'ERR_PATH_CRITICAL_EXTENSION',
  },
  'key-identifiers-agree-in-root': of('webpki', 'root', {
    root: {
      extensionsDer: [
        ...caExtensions(),
        encodeSubjectKeyIdentifier(skiOf('Root')),
        encodeAuthorityKeyIdentifier(skiOf('Issuing')),
      ],
    },
  }),
  'subject-key-identifier-in-ca': of('pedantic', 'issuing', {
    issuing: { ca: true, extensionsDer: [...caExtensions(), encodeAuthorityKeyIdentifier(skiOf('Root'))] },
  }),
  'key-cert-sign-in-ca': of('deployment', 'node', {
    node: { purposes, keyUsage: ['digitalSignature', 'keyCertSign'] },
  }),
  'subject-alt-name-critical-without-subject': of('pedantic', 'node', {
    node: { subject: EMPTY, key: keyFor('nameless node'), purposes, names: NODE_NAMES },
  }),
  'basic-constraints-critical-in-ca': of('pedantic', 'issuing', {
    issuing: {
      extensionsDer: [
        extension(OID.basicConstraints, false, encodeBasicConstraints({ ca: true, pathLenConstraint: 0 })),
        encodeKeyUsage(['keyCertSign', 'cRLSign']),
        encodeSubjectKeyIdentifier(skiOf('Issuing')),
        encodeAuthorityKeyIdentifier(skiOf('Root')),
      ],
    },
  }),
  'path-length-in-ca': of('pedantic', 'node', {
    node: {
      extensionsDer: [
        encodeBasicConstraints({ ca: false, pathLenConstraint: 0 }),
        ...nodeExtensions().slice(1),
        encodeAuthorityKeyIdentifier(skiOf('Issuing')),
      ],
    },
  }),
  'end-entity-not-ca': of('webpki', 'node', { node: { ca: true, keyUsage: ['digitalSignature'], purposes } }),
  'name-constraints-in-ca': of('deployment', 'node', { node: { purposes, moreExtensionsDer: [nameConstraints] } }),
  'name-constraints-critical': of('pedantic', 'issuing', {
    issuing: { moreExtensionsDer: [extension(OID.nameConstraints, false, nameConstraints)] },
  }),
  'policy-constraints-critical': of('pedantic', 'issuing', {
    issuing: { moreExtensionsDer: [extensionDer(OID.inhibitAnyPolicy, false, encodeInteger(5))] },
  }),
  'ext-key-usage-not-critical-in-end-entity': of('webpki', 'node', {
    node: { moreExtensionsDer: [extension(OID.extKeyUsage, true, encodeExtKeyUsage(purposes))], purposes: [] },
  }),
  'ext-key-usage-not-any-in-end-entity': of('webpki', 'node', {
    node: { purposes: [...purposes, OID.anyExtendedKeyUsage] },
  }),
  'information-access-not-critical': {
    ...of('deployment', 'node', {
      node: {
        purposes,
        moreExtensionsDer: [
          extensionDer(
            OID.authorityInfoAccess,
            true,
            encodeAuthorityInfoAccess([{ method: OID.ocsp, location: { kind: 'uri', value: 'http://a.example/' } }]),
          ),
        ],
      },
    }),
    shadowed: 'ERR_PATH_CRITICAL_EXTENSION',
  },
}
const rules = Object.keys(FORMS) as FormRule[]
const profiles = Object.keys(STRICTNESS) as StrictnessName[]

/** Validate a broken hierarchy; what is its own anchor is validated as such, for any purpose. */
function check({ broken }: Case, strictness: Strictness): unknown {
  const isAlone = broken.root === broken.node
  return validate(broken, { strictness, ...(isAlone ? { purpose: 'allow-any', intermediates: [] } : {}) })
}

const without = (profile: StrictnessName, ...left: readonly (FormRule | undefined)[]): Strictness => ({
  ...STRICTNESS[profile],
  forms: STRICTNESS[profile].forms.filter((name) => !left.includes(name)),
})
const only = (rule: FormRule): Strictness => ({ ...STRICTNESS.deployment, forms: [rule] })

describe('forms (RFC 5280 §4)', () => {
  it('each is in the table of this test, and some profile has it', () => {
    expect(Object.keys(CASES).sort()).toEqual([...rules].sort())
    for (const rule of rules)
      expect(profiles.some((name) => STRICTNESS[name].forms.some((form) => form === rule))).toBe(true)
  })

  it.each(profiles)('a careful hierarchy keeps all of them: %s', (name) => {
    validate(hierarchy(), { strictness: STRICTNESS[name] })
    validate(hierarchy(), { strictness: { ...STRICTNESS[name], forms: rules } })
    const nameless = hierarchy({
      node: {
        subject: EMPTY,
        key: keyFor('nameless node'),
        purposes,
        names: [],
        moreExtensionsDer: [encodeSubjectAltName(NODE_NAMES, true)],
      },
    })
    validate(nameless, { strictness: { ...STRICTNESS[name], forms: rules } })
    const constrained = hierarchy({
      issuing: {
        moreExtensionsDer: [nameConstraints, extensionDer(OID.inhibitAnyPolicy, true, encodeInteger(5))],
      },
    })
    validate(constrained, { strictness: { ...STRICTNESS[name], forms: rules } })
  })

  const reachable = rules.filter((rule) => CASES[rule].shadowed === undefined)

  it.each(reachable)('%s: refused by the profile that has it, and by nothing else', (rule) => {
    const item = CASES[rule]
    const code = item.code ?? 'ERR_PATH_FORM'
    for (const strictness of [STRICTNESS[item.profile], only(rule)]) {
      const { details } = expectCode(code, () => check(item, strictness))
      if (code !== 'ERR_PATH_FORM') continue
      const { section } = FORMS[rule]
      expect(details).toMatchObject({
        form: rule,
        rule: 'form',
        section: section.startsWith('BR') ? section : `RFC 5280 ${section}`,
        serialNumber: item.broken[item.by].certificate.serialNumber,
      })
    }
    check(item, STRICTNESS.rfc5280)
    check(item, without(item.profile, rule, item.coupled))
    check(item, { ...STRICTNESS.deployment, forms: [] })
  })

  it.each(reachable)('%s: no profile without it refuses for it', (rule) => {
    for (const name of profiles) {
      const { forms }: Strictness = STRICTNESS[name]
      if (!forms.includes(rule)) check(CASES[rule], { ...STRICTNESS[name], forms: [] })
    }
  })

  it.each(rules.filter((rule) => CASES[rule].shadowed !== undefined))(
    '%s: nothing processes such an extension, so it is refused before its form is looked at',
    (rule) => {
      const item = CASES[rule]
      for (const name of profiles) expectCode(item.shadowed ?? 'ERR_INTERNAL', () => check(item, STRICTNESS[name]))
      const { certificate } = item.broken[item.by]
      expectCode('ERR_PATH_FORM', () => checkForms(certificate, 'end-entity', [rule]))
      // Whoever explains says both.
      const { examined } = explainPath(certificate, {
        anchors: [item.broken.root.certificate],
        intermediates: [item.broken.issuing.certificate],
        at: NOW,
        purpose: 'server',
        revocation: 'allow-unchecked',
      })
      const failed = examined.flatMap(({ findings }) => findings).filter(({ error }) => error !== undefined)
      expect(failed.map((finding) => finding.rule)).toEqual(['critical-extensions', 'form'])
    },
  )

  it('are held against every certificate of the path: the anchor, too, where what it says counts', () => {
    const broken = hierarchy({ root: { extensionsDer: [...caExtensions()] } })
    expectCode('ERR_PATH_FORM', () => validate(broken, { strictness: only('subject-key-identifier-in-ca') }))
    const ignoring = { ...only('subject-key-identifier-in-ca'), anchorConstraints: 'allow-ignored' } as const
    validate(broken, { strictness: ignoring })
    const below = hierarchy({ issuing: { extensionsDer: [...caExtensions()] } })
    expectCode('ERR_PATH_FORM', () => validate(below, { strictness: ignoring }))
  })

  it('an authority key identifier names the key: issuer and serial number are not enough', () => {
    const issuerAndSerial = extensionDer(
      OID.authorityKeyIdentifier,
      false,
      encodeSequence(
        encodeContext(1, encodeContextPrimitive(2, Buffer.from('a'))),
        encodeContextPrimitive(2, Buffer.of(1)),
      ),
    )
    const broken = hierarchy({ node: { extensionsDer: [...nodeExtensions(), issuerAndSerial] } })
    expectCode('ERR_PATH_FORM', () => validate(broken, { strictness: STRICTNESS.pedantic }))
    validate(broken)
  })

  it('a root names itself by its key, not by its serial number', () => {
    const value = encodeSequence(
      encodeContextPrimitive(0, skiOf('Root')),
      encodeContext(1, encodeContextPrimitive(2, Buffer.from('a'))),
      encodeContextPrimitive(2, Buffer.of(1)),
    )
    const broken = hierarchy({
      root: {
        extensionsDer: [
          ...caExtensions(),
          encodeSubjectKeyIdentifier(skiOf('Root')),
          extensionDer(OID.authorityKeyIdentifier, false, value),
        ],
      },
    })
    const error = expectCode('ERR_PATH_FORM', () => validate(broken, { strictness: STRICTNESS.webpki }))
    expect(error.details['form']).toBe('key-identifiers-agree-in-root')
    validate(broken, { strictness: STRICTNESS.pedantic })
  })

  it('both ways to limit policies are critical', () => {
    const constraints = encodeSequence(encodeContextPrimitive(0, Buffer.of(9)))
    for (const critical of [true, false]) {
      const path = hierarchy({
        issuing: { moreExtensionsDer: [extensionDer(OID.policyConstraints, critical, constraints)] },
      })
      const work = (): unknown => validate(path, { strictness: only('policy-constraints-critical') })
      if (critical) work()
      else expect(expectCode('ERR_PATH_FORM', work).message).toContain('policyConstraints')
    }
  })

  it('a path length in a CA that may not sign certificates limits nothing', () => {
    const { certificate } = makeCertificate({ ca: true, pathLength: 1, keyUsage: ['cRLSign'] })
    expectCode('ERR_PATH_FORM', () => checkForms(certificate, 'end-entity', ['path-length-in-ca']))
    checkForms(makeCertificate({ ca: true, pathLength: 1 }).certificate, 'authority', ['path-length-in-ca'])
    checkForms(makeCertificate({ ca: true, pathLength: 1, keyUsage: [] }).certificate, 'authority', [
      'path-length-in-ca',
    ])
  })

  it('names a certificate without a subject by its serial number', () => {
    const { broken } = CASES['ca-subject-not-empty']
    const { message } = expectCode('ERR_PATH_FORM', () => validate(broken))
    expect(message).toContain(`serial number ${broken.issuing.certificate.serialNumber}`)
  })

  it('are read in their order: the first that is broken is named', () => {
    const { certificate } = makeCertificate({
      ca: true,
      extensionsDer: caExtensions(),
      subject: EMPTY,
      key: keyFor('x'),
    })
    for (const [first, second] of [
      ['issuer-not-empty', 'ca-subject-not-empty'],
      ['ca-subject-not-empty', 'issuer-not-empty'],
    ] as const) {
      const { details } = expectCode('ERR_PATH_FORM', () => checkForms(certificate, 'anchor', [first, second]))
      expect(details['form']).toBe(first)
    }
    checkForms(certificate, 'anchor', [])
  })

  it('the extension that a test makes critical is the one that the library writes', () => {
    const made = extension(OID.extKeyUsage, true, encodeExtKeyUsage(purposes))
    expect(made).toEqual(extensionDer(OID.extKeyUsage, true, encodeSequence(encodeObjectIdentifier(OID.kpServerAuth))))
    const key = extension(OID.subjectKeyIdentifier, false, encodeSubjectKeyIdentifier(Buffer.of(1)))
    expect(key).toEqual(extensionDer(OID.subjectKeyIdentifier, false, encodeOctetString(Buffer.of(1))))
  })
})
