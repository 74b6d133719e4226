import { hash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  encodePrintableString,
  encodeObjectIdentifier,
  encodeSequence,
  encodeSetOf,
  encodeString,
  TAG,
  OID,
  DerReader,
  CERTIFICATE_LIMITS,
} from '../../src/asn1/index.js'
import {
  defaultMappingText,
  type EntityLookup,
  entityRecord,
  explainIdentity,
  type Identity,
  identityOf,
  parseMapping,
  requireActive,
  resolveIdentity,
  RoleGraph,
  roleRecord,
} from '../../src/identity/index.js'
import { type ValidatedPath, validatePath } from '../../src/path/index.js'
import type { EntityRecord } from '../../src/store/index.js'
import { buildName, type GeneralName, Name } from '../../src/x509/index.js'
import { type CertificateOptions, type Holder, makeCertificate, NOW } from '../support/certificates.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'

const ca = makeCertificate({ subject: 'CA', ca: true })
const other = makeCertificate({ subject: 'CA', algorithm: 'p384', ca: true })
const digestOf = (holder: Holder): string => hash('sha256', holder.certificate.spkiDer, 'hex')
const KEY = digestOf(ca)
const URI = 'spiffe://cloud.example/compute/node-7'

const uri = (value: string): GeneralName => ({ kind: 'uri', value })
const dns = (value: string): GeneralName => ({ kind: 'dns', value })

/** The path of a certificate to the CA of these tests, or another. */
function pathOf(options: CertificateOptions, issuer: Holder = ca): ValidatedPath {
  const { certificate } = makeCertificate({ subject: 'node-7', issuer, ...options })
  const anchors = [ca.certificate, other.certificate]
  return validatePath(certificate, { anchors, at: NOW, purpose: 'allow-any', revocation: 'allow-unchecked' })
}

function registry(...entities: readonly EntityRecord[]): EntityLookup {
  return {
    entity: (id) => Promise.resolve(entities.find((item) => item.id === id)),
    entityByUri: (text) => Promise.resolve(entities.find((item) => item.uri === text)),
    roleGraph: () => Promise.resolve(roles),
  }
}
const roles = new RoleGraph(['a', 'b', 'worker', 'admin', 'reader'].map((name) => roleRecord(name, [], NOW)))
const node = entityRecord({ id: 'node-7', kind: 'node', service: 'compute', roles: ['b', 'a'] }, 'cloud.example', NOW)
const nobody = registry()

/** A mapping of one rule with these predicates. */
function rule(when: string, then = '{ service: compute, node: "{node}", roles: [worker] }', issuerKey = KEY): string {
  return `version: 1
trustDomain: cloud.example
rules:
  - name: only
    when: { issuerKey: "${issuerKey}", ${when} }
    then: ${then}
`
}
const FIXED = '{ service: compute, node: fixed, roles: [worker] }'

function resolveWith(text: string, path: ValidatedPath, entities: EntityLookup = nobody): Promise<Identity> {
  return resolveIdentity(path, parseMapping(text), entities)
}

describe('resolveIdentity: the registry', () => {
  const text = defaultMappingText('cloud.example', KEY)
  const path = pathOf({ names: [uri(URI), dns('node-7.cloud.example')] })

  it('the mapping of a new deployment maps to the registered entity, with the roles of the registry', async () => {
    expect(await resolveWith(text, path, registry(node))).toEqual({
      entity: 'node-7',
      uri: URI,
      scope: '',
      service: 'compute',
      node: 'node-7',
      roles: ['a', 'b'],
      grants: ['a', 'b'],
      groups: [],
    })
    expect(identityOf(node, roles).roles).toEqual(['a', 'b'])
  })

  it('ID-21: who is not registered is nobody', async () => {
    await expectCodeAsync('ERR_IDENTITY_UNMAPPED', () => resolveWith(text, path, nobody))
  })

  it.each(['quarantined', 'retired'] as const)('who is %s is nobody', async (state) => {
    const error = await expectCodeAsync('ERR_ENTITY_INACTIVE', () =>
      resolveWith(text, path, registry({ ...node, state })),
    )
    expect(error.details).toEqual({ entity: 'node-7', state })
    expectCode('ERR_ENTITY_INACTIVE', () => requireActive({ ...node, state }))
    requireActive(node)
  })

  it('ID-12: the same names under another CA are nobody', async () => {
    const foreign = pathOf({ names: [uri(URI)] }, other)
    expect(foreign.issuer.subject.equals(path.issuer.subject)).toBe(true)
    await expectCodeAsync('ERR_IDENTITY_UNMAPPED', () => resolveWith(text, foreign, registry(node)))
  })

  it('ID-12: an identity of another trust domain is nobody, though it is in the registry', async () => {
    const foreign = entityRecord({ id: 'node-7', kind: 'node', service: 'compute' }, 'other.example', NOW)
    const there = pathOf({ names: [uri(foreign.uri)] })
    const byName = rule('subject: { CN: node-7 }', '{ entity: registered }')
    await expectCodeAsync('ERR_IDENTITY_UNMAPPED', () => resolveWith(byName, there, registry(foreign)))
    await expectCodeAsync('ERR_IDENTITY_UNMAPPED', () => resolveWith(text, there, registry(foreign)))
  })

  it('ID-06: a certificate with two URIs, or none, has no registered identity', async () => {
    const byName = rule('subject: { CN: node-7 }', '{ entity: registered }')
    for (const names of [[uri(URI), uri('spiffe://cloud.example/compute/other')], [dns('a.cloud.example')]]) {
      await expectCodeAsync('ERR_IDENTITY_INVALID', () => resolveWith(byName, pathOf({ names }), registry(node)))
      await expectCodeAsync('ERR_IDENTITY_UNMAPPED', () => resolveWith(text, pathOf({ names }), registry(node)))
    }
  })

  it('CA-26: an identity with an empty segment is not the one without', async () => {
    const byName = rule('subject: { CN: node-7 }', '{ entity: registered }')
    const twisted = pathOf({ names: [uri('spiffe://cloud.example//compute/node-7')] })
    await expectCodeAsync('ERR_IDENTITY_INVALID', () => resolveWith(byName, twisted, registry(node)))
    await expectCodeAsync('ERR_IDENTITY_UNMAPPED', () => resolveWith(text, twisted, registry(node)))
  })

  it('a registry that fails is thrown on', async () => {
    const broken: EntityLookup = {
      entity: () => Promise.reject(new TypeError('down')),
      entityByUri: () => Promise.reject(new TypeError('down')),
      roleGraph: () => Promise.resolve(roles),
    }
    await expect(resolveWith(text, path, broken)).rejects.toThrow(TypeError)
  })
})

describe('resolveIdentity: identities that a rule makes', () => {
  it('takes parts from captures and from the rule', async () => {
    const text = rule(
      'dns: "{node}.{service}.cloud.example"',
      '{ scope: "r/s", service: "{service}", node: "{node}", roles: [b, a, b] }',
    )
    expect(await resolveWith(text, pathOf({ names: [dns('n1.compute.cloud.example')] }))).toEqual({
      entity: 'compute/n1',
      uri: 'spiffe://cloud.example/r/s/compute/n1',
      scope: 'r/s',
      service: 'compute',
      node: 'n1',
      roles: ['a', 'b'],
      grants: ['a', 'b'],
      groups: [],
    })
  })

  it('is the registered entity where one has this identity, with the roles of the rule', async () => {
    const text = rule('subject: { CN: "{node}" }')
    expect(await resolveWith(text, pathOf({}), registry(node))).toMatchObject({ entity: 'node-7', roles: ['worker'] })
  })

  it('is refused where the registry has cut it off', async () => {
    const text = rule('subject: { CN: "{node}" }')
    for (const state of ['quarantined', 'retired'] as const) {
      await expectCodeAsync('ERR_ENTITY_INACTIVE', () => resolveWith(text, pathOf({}), registry({ ...node, state })))
    }
  })

  it('ID-21: roles may be none; that is an identity without rights, not a default', async () => {
    const text = rule('subject: { CN: "{node}" }', '{ service: compute, node: "{node}", roles: [] }')
    expect((await resolveWith(text, pathOf({}))).roles).toEqual([])
  })

  it('takes a whole scope from a URI', async () => {
    const text = rule(
      'uri: "spiffe://cloud.example/{scope...}/{service}/{node}"',
      '{ scope: "{scope}", service: "{service}", node: "{node}", roles: [] }',
    )
    const names = [uri('spiffe://cloud.example/r/s/compute/n')]
    expect((await resolveWith(text, pathOf({ names }))).uri).toBe('spiffe://cloud.example/r/s/compute/n')
  })
})

describe('resolveIdentity: every predicate must hold', () => {
  const all = rule(
    'uri: "spiffe://cloud.example/compute/{node}", dns: "node-7.cloud.example", subject: { CN: node-7, O: Cloud }',
  )
  const subject = buildName([
    [OID.organizationName, 'Cloud'],
    [OID.commonName, 'node-7'],
  ])
  const good: CertificateOptions = { subject, names: [uri(URI), dns('node-7.cloud.example')] }

  it('accepts where all hold', async () => {
    expect((await resolveWith(all, pathOf(good))).node).toBe('node-7')
  })

  it.each([
    ['issuerKey', good, other],
    ['uri', { ...good, names: [uri('spiffe://cloud.example/network/node-7'), dns('node-7.cloud.example')] }, ca],
    ['dns', { ...good, names: [uri(URI), dns('node-8.cloud.example')] }, ca],
    [
      'subject.CN',
      {
        ...good,
        subject: buildName([
          [OID.organizationName, 'Cloud'],
          [OID.commonName, 'node-8'],
        ]),
      },
      ca,
    ],
    [
      'subject.O',
      {
        ...good,
        subject: buildName([
          [OID.organizationName, 'Clout'],
          [OID.commonName, 'node-7'],
        ]),
      },
      ca,
    ],
  ] as const)('ID-21: refuses where %s alone does not, and names it', async (on, options, issuer) => {
    const error = await expectCodeAsync('ERR_IDENTITY_UNMAPPED', () => resolveWith(all, pathOf(options, issuer)))
    expect(error.details['rule only']).toMatch(new RegExp(`^${on} does not hold: .`))
  })
})

describe('resolveIdentity: the subject as a structure, never as text', () => {
  const admin = rule('subject: { CN: admin }', FIXED)
  const captured = rule('subject: { CN: "{node}" }')
  const refuse = (text: string, subject: Name): Promise<unknown> =>
    expectCodeAsync('ERR_IDENTITY_UNMAPPED', () => resolveWith(text, pathOf({ subject })))
  const cn = (value: string): Name => buildName([[OID.commonName, value]])

  it.each([
    [
      'OU',
      buildName([
        [OID.organizationalUnitName, 'x,CN=admin'],
        [OID.commonName, 'user'],
      ]),
    ],
    ['O', buildName([[OID.organizationName, 'CN=admin']])],
    [
      'O with a separator',
      buildName([
        [OID.organizationName, 'x+CN=admin'],
        [OID.commonName, 'user'],
      ]),
    ],
    ['a UID', buildName([[OID.userId, 'admin']])],
    ['an OU alone', buildName([[OID.organizationalUnitName, 'admin']])],
  ])('ID-01: a common name is not found inside %s', async (_where, subject) => {
    await refuse(admin, subject)
  })

  it.each([
    'admin-evil',
    'admin,OU=y',
    'ad\\min',
    'Admin',
    'ADMIN',
    ' admin',
    'admin ',
    'admin\n',
    '\nadmin',
    'admin\0',
    '"admin"',
    '#0c0561646d696e',
    '\\61dmin',
    'CN=admin',
    'adm\u0131n',
    '\uff41dmin',
    '\u200badmin',
    'admin.',
    '',
  ])('ID-01, ID-11: the common name %j is not admin', async (value) => {
    await refuse(admin, cn(value))
  })

  it.each([
    'admin-evil,OU=y',
    'a+CN=admin',
    'a;b',
    'a<b',
    'a>b',
    'a#',
    '"',
    'a\\b',
    'a\nb',
    'a b',
    '*)(uid=*',
    '../../x',
    "' OR 1=1",
    '__proto__',
  ])('ID-02, ID-10: the common name %j is no node, whatever text says', async (value) => {
    await refuse(captured, cn(value))
  })

  it('ID-06: two common names are none, in either order, in one RDN or two', async () => {
    const attribute = (text: string): Uint8Array =>
      encodeSequence(encodeObjectIdentifier(OID.commonName), encodePrintableString(text))
    const names = [
      [encodeSetOf(attribute('admin')), encodeSetOf(attribute('user'))],
      [encodeSetOf(attribute('user')), encodeSetOf(attribute('admin'))],
      [encodeSetOf(attribute('admin')), encodeSetOf(attribute('admin'))],
      [encodeSetOf(attribute('admin'), attribute('user'))],
    ].map((rdns) => Name.read(DerReader.over(encodeSequence(...rdns), CERTIFICATE_LIMITS)))
    for (const subject of names) {
      await refuse(admin, subject)
      await refuse(captured, subject)
    }
  })

  it('ID-02: an RDN of several attributes holds each of them, and no more', async () => {
    const rdn = encodeSetOf(
      encodeSequence(encodeObjectIdentifier(OID.commonName), encodePrintableString('admin')),
      encodeSequence(encodeObjectIdentifier(OID.organizationalUnitName), encodePrintableString('x')),
    )
    const subject = Name.read(DerReader.over(encodeSequence(rdn), CERTIFICATE_LIMITS))
    expect((await resolveWith(admin, pathOf({ subject }))).node).toBe('fixed')
    await refuse(rule('subject: { CN: admin, O: x }', FIXED), subject)
    await refuse(rule('subject: { CN: "admin+OU=x" }', FIXED), subject)
  })

  it('ID-10: the string type in which a certificate has its text makes no difference', async () => {
    for (const value of [encodePrintableString('admin'), encodeString('admin', TAG.utf8String)]) {
      const rdn = encodeSetOf(encodeSequence(encodeObjectIdentifier(OID.commonName), value))
      const subject = Name.read(DerReader.over(encodeSequence(rdn), CERTIFICATE_LIMITS))
      expect((await resolveWith(admin, pathOf({ subject }))).node).toBe('fixed')
    }
  })

  it('ID-10: every attribute type is written by its short name, in any case, and one not known is an error', async () => {
    const subject = buildName([
      [OID.countryName, 'DE'],
      [OID.domainComponent, 'example'],
      [OID.serialNumber, '7'],
      [OID.commonName, 'admin'],
    ])
    for (const text of ['C: DE', 'c: DE', 'DC: example', 'serialNumber: "7"', 'CN: admin, C: DE']) {
      expect((await resolveWith(rule(`subject: { ${text} }`, FIXED), pathOf({ subject }))).node).toBe('fixed')
    }
    for (const type of ['2.5.4.3', 'OID.2.5.4.3', 'commonName', 'X', '__proto__', 'toString', '""']) {
      expectCode('ERR_MAPPING_INVALID', () => parseMapping(rule(`subject: { ${type}: admin }`, FIXED)))
    }
  })

  it('ID-05: a rule on several attributes is not met by an attribute that occurs twice, though one of them fits', async () => {
    const text = rule('subject: { OU: ops, CN: admin }', FIXED)
    const good = buildName([
      [OID.organizationalUnitName, 'ops'],
      [OID.commonName, 'admin'],
    ])
    expect((await resolveWith(text, pathOf({ subject: good }))).node).toBe('fixed')
    await refuse(
      text,
      buildName([
        [OID.organizationalUnitName, 'ops'],
        [OID.organizationalUnitName, 'users'],
        [OID.commonName, 'admin'],
      ]),
    )
    await refuse(text, buildName([[OID.organizationalUnitName, 'ops']]))
  })
})

describe('resolveIdentity: alternative names by their kind', () => {
  it.each([
    ['uri', `uri: "spiffe://cloud.example/compute/{node}"`, uri(URI)],
    ['dns', `dns: "{node}.cloud.example"`, dns('node-7.cloud.example')],
  ])('ID-04: a rule on %s is met by a name of this kind alone', async (_kind, when, name) => {
    expect((await resolveWith(rule(when), pathOf({ names: [name] }))).node).toBe('node-7')
    if (name.kind !== 'uri' && name.kind !== 'dns') throw new Error('one of the two')
    for (const kind of ['uri', 'dns', 'email'] as const) {
      if (kind === name.kind) continue
      await expectCodeAsync('ERR_IDENTITY_UNMAPPED', () =>
        resolveWith(rule(when), pathOf({ names: [{ kind, value: name.value }] })),
      )
    }
  })

  it('ID-06: two URIs are none; of several DNS names one may fit, but only one may be captured', async () => {
    const byUri = rule('uri: "spiffe://cloud.example/compute/{node}"')
    await expectCodeAsync('ERR_IDENTITY_UNMAPPED', () =>
      resolveWith(byUri, pathOf({ names: [uri(URI), uri('https://x.example/')] })),
    )
    const capture = rule('dns: "{node}.cloud.example"')
    expect((await resolveWith(capture, pathOf({ names: [dns('a.cloud.example'), dns('b.other.example')] }))).node).toBe(
      'a',
    )
    await expectCodeAsync('ERR_IDENTITY_UNMAPPED', () =>
      resolveWith(capture, pathOf({ names: [dns('a.cloud.example'), dns('b.cloud.example')] })),
    )
    const literal = rule('dns: a.cloud.example', FIXED)
    expect((await resolveWith(literal, pathOf({ names: [dns('A.Cloud.example'), dns('b.cloud.example')] }))).node).toBe(
      'fixed',
    )
  })

  it('ID-09: DNS names are compared without regard to case, URIs with', async () => {
    expect(
      (await resolveWith(rule('dns: "{node}.CLOUD.example"'), pathOf({ names: [dns('N.Cloud.Example')] }))).node,
    ).toBe('n')
    const text = rule('uri: "spiffe://cloud.example/compute/{node}"')
    await expectCodeAsync('ERR_IDENTITY_UNMAPPED', () =>
      resolveWith(text, pathOf({ names: [uri('spiffe://cloud.example/Compute/n')] })),
    )
  })
})

describe('resolveIdentity: the first rule that matches decides', () => {
  const two = (first: string, second: string): string => `version: 1
trustDomain: cloud.example
rules:
  - { name: one, when: { issuerKey: "${KEY}", ${first} }, then: { service: s, node: one, roles: [] } }
  - { name: two, when: { issuerKey: "${KEY}", ${second} }, then: { service: s, node: two, roles: [] } }
`

  it('in the order of the file', async () => {
    const path = pathOf({ names: [dns('a.example')] })
    expect((await resolveWith(two('subject: { CN: node-7 }', 'dns: a.example'), path)).node).toBe('one')
    expect((await resolveWith(two('dns: a.example', 'subject: { CN: node-7 }'), path)).node).toBe('one')
    expect((await resolveWith(two('dns: b.example', 'subject: { CN: node-7 }'), path)).node).toBe('two')
  })

  it('also where it refuses: a later rule does not help', async () => {
    const text = two('subject: { CN: node-7 }', 'dns: a.example')
    const cut = {
      ...entityRecord({ id: 'one', kind: 'node', service: 's' }, 'cloud.example', NOW),
      state: 'quarantined',
    } as const
    await expectCodeAsync('ERR_ENTITY_INACTIVE', () =>
      resolveWith(text, pathOf({ names: [dns('a.example')] }), registry(cut)),
    )
  })

  it('and is explained, with the rules before it', async () => {
    const text = two('dns: b.example', 'subject: { CN: node-7 }')
    const explanation = await explainIdentity(pathOf({ names: [dns('a.example')] }), parseMapping(text), nobody)
    expect(explanation.rule).toBe('two')
    expect(explanation.identity.node).toBe('two')
    expect(explanation.trace).toEqual([
      {
        rule: 'one',
        matched: false,
        predicates: [
          { on: 'issuerKey', wanted: KEY, held: true },
          { on: 'dns', wanted: 'b.example', held: false, why: 'it has another' },
        ],
      },
      {
        rule: 'two',
        matched: true,
        predicates: [
          { on: 'issuerKey', wanted: KEY, held: true },
          { on: 'subject.CN', wanted: 'node-7', held: true },
        ],
      },
    ])
  })

  it('ID-13: nothing that a subject says becomes a role', async () => {
    const subject = buildName([
      [OID.organizationName, 'system:masters'],
      [OID.organizationalUnitName, 'admin'],
      [OID.commonName, 'node-7'],
    ])
    const identity = await resolveWith(
      defaultMappingText('cloud.example', KEY),
      pathOf({ subject, names: [uri(URI)] }),
      registry({ ...node, roles: [] }),
    )
    expect(identity.roles).toEqual([])
  })
})
