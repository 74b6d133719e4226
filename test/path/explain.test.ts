import { describe, expect, it } from 'vitest'
import { encodeContextPrimitive, encodeNull, encodeSequence, OID } from '../../src/asn1/index.js'
import { isSignetError, type SignetError } from '../../src/errors/index.js'
import {
  explainPath,
  type Finding,
  MAX_EXPLAINED_PATHS,
  type PathExplanation,
  type PathRequest,
  type RuleName,
  RULES,
  STRICTNESS,
  validatePath,
} from '../../src/path/index.js'
import { addSeconds, DAY } from '../../src/time/index.js'
import {
  type Certificate,
  encodeBasicConstraints,
  encodeExtKeyUsage,
  encodeKeyUsage,
  encodeNameConstraints,
} from '../../src/x509/index.js'
import { keyFor, makeCertificate, makeCrl, NOW, revoked } from '../support/certificates.js'
import { expectCode } from '../support/expect-code.js'
import {
  caExtensions,
  type Changes,
  extensionDer,
  type Hierarchy,
  hierarchy,
  nodeExtensions,
  unknownExtension,
} from '../support/hierarchy.js'
import { answerDer, makeOcsp, revokedStatus } from '../support/ocsp.js'

const purposes = [OID.kpServerAuth]
const whole = hierarchy()
const rootCrl = await makeCrl({ issuer: whole.root })
const goodCrl = await makeCrl({ issuer: whole.issuing })
const listing = await makeCrl({
  issuer: whole.issuing,
  revoked: [revoked(whole.node.certificate.serialNumber, 'keyCompromise')],
})

function requestOf({ root, issuing }: Hierarchy, request: Partial<PathRequest> = {}): PathRequest {
  return {
    anchors: [root.certificate],
    intermediates: [issuing.certificate],
    at: NOW,
    purpose: 'server',
    revocation: 'allow-unchecked',
    ...request,
  }
}

const explain = (path: Hierarchy, request: Partial<PathRequest> = {}): PathExplanation =>
  explainPath(path.node.certificate, requestOf(path, request))

/** What validatePath says: nothing, or its error. */
function verdict(target: Certificate, request: PathRequest): SignetError | undefined {
  try {
    validatePath(target, request)
    return undefined
  } catch (error) {
    if (!isSignetError(error)) throw error
    return error
  }
}

const failures = ({ findings }: { readonly findings: readonly Finding[] }): readonly string[] =>
  findings.flatMap(({ rule, certificate, error }) =>
    error === undefined ? [] : [`${certificate.subject.toString()} ${rule} ${error.code}`],
  )

const explicitPolicy = extensionDer(
  OID.policyConstraints,
  true,
  encodeSequence(encodeContextPrimitive(0, Buffer.of(0))),
)
const CRITICAL = [unknownExtension(true)]
const malformed = (oid: string): Uint8Array => extensionDer(oid, true, encodeNull())

type Case = readonly [claim: string, changes: Changes, request?: Partial<PathRequest>]

/** Paths and demands of every kind, good and bad. */
const ROWS: readonly Case[] = [
  ['nothing wrong', {}],
  ['nothing wrong, and revocation asked for', {}, { revocation: { crls: [rootCrl, goodCrl] } }],
  ['nothing wrong, for any purpose', {}, { purpose: 'allow-any' }],
  ['nothing wrong, for a host', {}, { hostName: 'node.cloud.example' }],
  ['a host that is another', {}, { hostName: 'other.example' }],
  ['a host that is another, and an end', { node: { notAfter: addSeconds(NOW, -1) } }, { hostName: 'other.example' }],
  ['a root past its end', { root: { notAfter: addSeconds(NOW, -1) } }],
  [
    'a root past its end, which does not matter',
    { root: { notAfter: addSeconds(NOW, -1) } },
    { strictness: STRICTNESS.rfc5280 },
  ],
  ['a CA past its end', { issuing: { notAfter: addSeconds(NOW, -1) } }],
  ['a node before its beginning', { node: { purposes, notBefore: addSeconds(NOW, 1) } }],
  [
    'all of them past their end',
    { root: { notAfter: NOW }, issuing: { notAfter: NOW }, node: { notAfter: NOW } },
    { at: addSeconds(NOW, 5) },
  ],
  ['a root that is no CA', { root: { ca: false } }],
  ['a CA that is no CA', { issuing: { ca: false, keyUsage: ['keyCertSign'] } }],
  ['a CA that may not sign', { issuing: { keyUsage: ['cRLSign'] } }],
  ['a path that is too long', { root: { pathLength: 0 } }],
  ['a path that is longer than wanted', {}, { maxPathLength: 0 }],
  ['a critical extension of the root', { root: { moreExtensionsDer: CRITICAL } }],
  ['a critical extension of the CA', { issuing: { moreExtensionsDer: CRITICAL } }],
  ['a critical extension of the node', { node: { purposes, moreExtensionsDer: CRITICAL } }],
  ['another purpose', { node: { purposes: [OID.kpClientAuth] } }],
  ['a CA of another purpose', { issuing: { purposes: [OID.kpClientAuth] } }],
  ['a form that is broken', { node: { purposes, keyUsage: ['digitalSignature', 'keyCertSign'] } }],
  [
    'a name outside',
    {
      issuing: {
        moreExtensionsDer: [
          encodeNameConstraints({ permitted: [{ kind: 'dns', value: 'other.example' }], excluded: [] }),
        ],
      },
    },
  ],
  ['a policy that is missing', { issuing: { moreExtensionsDer: [explicitPolicy] } }],
  ['a policy that is wanted', {}, { policies: { userInitialPolicySet: ['1.2.3'], initialExplicitPolicy: 'required' } }],
  ['no CRLs', {}, { revocation: { crls: [] } }],
  ['a node that is revoked', {}, { revocation: { crls: [rootCrl, listing] } }],
  [
    'a node that OCSP calls revoked',
    {},
    {
      revocation: {
        crls: [rootCrl, goodCrl],
        ocspResponses: [
          makeOcsp({
            signer: whole.issuing,
            answers: [
              answerDer(whole.issuing.certificate, whole.node.certificate.serialNumber, { status: revokedStatus() }),
            ],
          }),
        ],
      },
    },
  ],
  [
    'a key usage of the CA that cannot be read',
    { issuing: { keyUsage: [], moreExtensionsDer: [malformed(OID.keyUsage)] } },
  ],
  [
    'name constraints of the CA that cannot be read',
    { issuing: { moreExtensionsDer: [malformed(OID.nameConstraints)] } },
  ],
  [
    'name constraints of the root that cannot be read',
    { root: { moreExtensionsDer: [malformed(OID.nameConstraints)] } },
  ],
  ['policies of the CA that cannot be read', { issuing: { moreExtensionsDer: [malformed(OID.certificatePolicies)] } }],
  ['limits on policies that cannot be read', { root: { moreExtensionsDer: [malformed(OID.policyConstraints)] } }],
  [
    'names of the node that cannot be read',
    {
      node: {
        extensionsDer: [
          encodeBasicConstraints({ ca: false, pathLenConstraint: undefined }),
          encodeKeyUsage(['digitalSignature']),
          encodeExtKeyUsage(purposes),
          extensionDer(OID.subjectAltName, false, encodeNull()),
        ],
      },
    },
  ],
  ['a CA that is not there', {}, { intermediates: [] }],
  ['an anchor that is another', {}, { anchors: [makeCertificate({ subject: 'Other', ca: true }).certificate] }],
  [
    'a signature that is another',
    { issuing: { issuer: { ...whole.root, key: keyFor('thief') }, ca: true, extensionsDer: caExtensions() } },
  ],
  ['an anchor that is another end entity', {}, { anchors: [whole.node.certificate], intermediates: [] }],
]

const CASES = ROWS.map(([claim, changes, request]) => ({ claim, changes, request }))

/** Those in which no chain of certificates leads to an anchor. */
const NO_PATH: ReadonlySet<string> = new Set([
  'a CA that is not there',
  'an anchor that is another',
  'an anchor that is another end entity',
  'a signature that is another',
])

describe('explainPath: agrees with validatePath', () => {
  it.each(CASES)('$claim', ({ changes, request }) => {
    const path = hierarchy(changes)
    const said = explain(path, request)
    const wanted = verdict(path.node.certificate, requestOf(path, request))
    expect(said.error?.code).toBe(wanted?.code)
    expect(said.error?.message).toBe(wanted?.message)
    expect(said.path === undefined).toBe(wanted !== undefined)
    const [only, ...others] = said.examined
    // One way leads to the anchor in each of these: where it is refused, the first rule that it breaks says so.
    if (only === undefined || others.length > 0) return
    const first = only.findings.find(({ error }) => error !== undefined)?.error ?? said.findings[0]?.error
    const isHostName = wanted?.code === 'ERR_PATH_HOST_NAME'
    if (!isHostName) expect(first?.code).toBe(wanted?.code)
    if (wanted === undefined) expect(said.path?.certificates).toEqual(only.certificates)
  })

  it.each(CASES.filter(({ claim }) => !NO_PATH.has(claim)))(
    'examines the one path that there is: $claim',
    ({ changes, request }) => {
      const path = hierarchy(changes)
      const { examined } = explain(path, request)
      expect(examined).toHaveLength(1)
      expect(examined[0]?.certificates[0]).toBe(path.node.certificate)
    },
  )

  it('without anchors nothing is explained', () => {
    expectCode('ERR_TRUST_NO_ANCHOR', () => explain(whole, { anchors: [] }))
  })

  it('what goes wrong inside is thrown on', () => {
    const broken = {
      get crls(): never {
        throw new TypeError('the disk is on fire')
      },
    }
    expect(() => explain(whole, { revocation: broken })).toThrow(TypeError)
  })
})

describe('explainPath: lists every rule', () => {
  const said = explain(whole, { revocation: { crls: [rootCrl, goodCrl] }, hostName: 'node.cloud.example' })
  const [path] = said.examined
  const rulesOf = (certificate: Certificate): readonly RuleName[] =>
    (path?.findings ?? []).filter((finding) => finding.certificate === certificate).map(({ rule }) => rule)

  it('that there is, for one certificate or another, and each is kept', () => {
    const rules = new Set([...(path?.findings ?? []), ...said.findings].map(({ rule }) => rule))
    // Who is meant is asked only where somebody is named: see reference-identity.
    const named: readonly string[] = ['uri', 'email']
    expect([...rules].sort()).toEqual(
      Object.keys(RULES)
        .filter((rule) => !named.includes(rule))
        .sort(),
    )
    expect([...(path?.findings ?? []), ...said.findings].every(({ error }) => error === undefined)).toBe(true)
  })

  it('of each certificate once, in the order of RFC 5280 §6.1, anchor first', () => {
    const { root, issuing, node } = whole
    expect(rulesOf(root.certificate)).toEqual([
      'validity',
      'key',
      'critical-extensions',
      'authority',
      'key-usage',
      'path-length',
      'policies',
      'name-constraints',
      'form',
    ])
    const basics = ['issuer', 'signature', 'validity', 'revocation', 'name-constraints', 'policies'] as const
    expect(rulesOf(issuing.certificate)).toEqual([
      ...basics,
      'critical-extensions',
      'key',
      'authority',
      'path-length',
      'key-usage',
      'form',
    ])
    expect(rulesOf(node.certificate)).toEqual([...basics, 'critical-extensions', 'key', 'purpose', 'form'])
    expect(said.findings.map(({ rule }) => rule)).toEqual(['host-name'])
    expect(path?.findings.map(({ certificate }) => certificate.subject.toString())).toEqual([
      ...Array.from({ length: 9 }, () => 'CN=Root'),
      ...Array.from({ length: 12 }, () => 'CN=Issuing'),
      ...Array.from({ length: 10 }, () => 'CN=node'),
    ])
  })

  it('and does not list what is not asked', () => {
    const lax = explain(whole, { purpose: 'allow-any', strictness: STRICTNESS.rfc5280 }).examined[0]
    const rules = (lax?.findings ?? []).map(({ rule }) => rule)
    for (const rule of ['revocation', 'purpose', 'form', 'host-name'] as const) expect(rules).not.toContain(rule)
    expect(
      lax?.findings.filter(({ certificate }) => certificate === whole.root.certificate).map(({ rule }) => rule),
    ).toEqual(['key'])
  })

  it('an anchor that is the end entity is held to what it is held to', () => {
    const pinned = makeCertificate({ subject: 'pinned', purposes }).certificate
    const { examined, path: proof } = explainPath(pinned, requestOf(whole, { anchors: [pinned], intermediates: [] }))
    expect(proof?.certificates).toEqual([pinned])
    expect(examined[0]?.findings.map(({ rule }) => rule)).toEqual([
      'validity',
      'key',
      'critical-extensions',
      'purpose',
      'form',
    ])
  })
})

describe('explainPath: goes on after what fails', () => {
  it('every rule that is broken is named, of every certificate', () => {
    const path = hierarchy({
      root: { subject: 'Root', ca: true, pathLength: 0, notAfter: addSeconds(NOW, -1) },
      issuing: { notAfter: addSeconds(NOW, -1), moreExtensionsDer: CRITICAL, keyUsage: ['cRLSign'] },
      node: { purposes: [OID.kpClientAuth], moreExtensionsDer: CRITICAL, keyUsage: ['keyCertSign'] },
    })
    const said = explain(path, { revocation: { crls: [] }, hostName: 'other.example' })
    const [examined] = said.examined
    expect(said.error?.code).toBe('ERR_PATH_HOST_NAME')
    expect(examined === undefined ? [] : failures(examined)).toEqual([
      'CN=Root validity ERR_PATH_EXPIRED',
      'CN=Issuing validity ERR_PATH_EXPIRED',
      'CN=Issuing revocation ERR_REVOCATION_UNKNOWN',
      'CN=Issuing critical-extensions ERR_PATH_CRITICAL_EXTENSION',
      'CN=Issuing path-length ERR_PATH_LENGTH',
      'CN=Issuing key-usage ERR_PATH_KEY_USAGE',
      'CN=node revocation ERR_REVOCATION_UNKNOWN',
      'CN=node critical-extensions ERR_PATH_CRITICAL_EXTENSION',
      'CN=node purpose ERR_PATH_PURPOSE',
      'CN=node form ERR_PATH_FORM',
    ])
    expect(failures(said)).toEqual(['CN=node host-name ERR_PATH_HOST_NAME'])
  })

  it('a CA whose extensions cannot be read does not hide the path that it is on', () => {
    for (const oid of [OID.nameConstraints, OID.basicConstraints, OID.keyUsage, OID.certificatePolicies]) {
      const path = hierarchy({
        issuing: {
          ca: true,
          extensionsDer: [
            ...caExtensions().filter((_, index) => (index === 0 ? oid !== OID.basicConstraints : oid !== OID.keyUsage)),
            malformed(oid),
          ],
        },
        node: { extensionsDer: nodeExtensions() },
      })
      const said = explain(path)
      expect(said.error?.code).toBe('ERR_EXTENSION_MALFORMED')
      expect([oid, said.examined.length]).toEqual([oid, 1])
      expect(said.examined.flatMap(failures).join()).toContain('ERR_EXTENSION_MALFORMED')
    }
  })
})

describe('explainPath: several ways', () => {
  const { root, issuing, node } = hierarchy({ node: { extensionsDer: nodeExtensions() } })
  /** As many certificates of the issuing CA's key, each an anchor, of which the last so many are good. */
  const anchorsOf = (bad: number, good: number): readonly Certificate[] =>
    Array.from(
      { length: bad + good },
      (_, index) =>
        makeCertificate({
          subject: 'Issuing',
          key: issuing.key,
          ca: true,
          serialNumber: `41${index.toString(16).padStart(4, '0')}`,
          ...(index < bad ? { notAfter: addSeconds(NOW, -DAY / 2) } : {}),
        }).certificate,
    )
  const among = (bad: number, good: number): PathExplanation =>
    explain({ root, issuing, node }, { anchors: anchorsOf(bad, good), intermediates: [] })

  it('each is examined until one is valid, which is the last', () => {
    const said = among(3, 2)
    expect(said.examined.map((path) => failures(path).length === 0)).toEqual([false, false, false, true])
    expect(said.path?.certificates).toEqual(said.examined.at(-1)?.certificates)
  })

  it('where none is, at most eight', () => {
    const said = among(12, 0)
    expect([said.examined.length, MAX_EXPLAINED_PATHS]).toEqual([8, 8])
    expect(said.error?.code).toBe('ERR_PATH_EXPIRED')
  })

  it('where one is valid, it is the last that is examined, however many are refused before', () => {
    for (const bad of [6, 7, 8, 20]) {
      const said = among(bad, 1)
      expect(said.path).toBeDefined()
      expect([bad, said.examined.at(-1)?.certificates]).toEqual([bad, said.path?.certificates])
      expect(said.examined.length).toBeLessThanOrEqual(MAX_EXPLAINED_PATHS)
    }
  })

  it('who has the name and did not issue is told, with the reason', () => {
    const thief = makeCertificate({
      subject: 'Issuing',
      issuer: root,
      key: keyFor('thief'),
      extensionsDer: caExtensions(),
    }).certificate
    const said = explain({ root, issuing, node }, { intermediates: [thief, issuing.certificate] })
    expect(said.leftAside.map(({ issuer, error }) => [issuer, error.code])).toEqual([[thief, 'ERR_PATH_SIGNATURE']])
    const lost = explain({ root, issuing, node }, { intermediates: [thief] })
    expect([lost.error?.code, lost.examined, lost.leftAside.length]).toEqual(['ERR_PATH_SIGNATURE', [], 1])
  })

  it('a budget that is spent ends the telling, not the verdict', () => {
    const crowd = Array.from(
      { length: 300 },
      (_, index) =>
        makeCertificate({
          subject: 'Issuing',
          issuer: root,
          key: keyFor(`crowd ${index % 3}`),
          serialNumber: `42${index.toString(16).padStart(4, '0')}`,
          extensionsDer: caExtensions(),
        }).certificate,
    )
    const said = explain({ root, issuing, node }, { intermediates: crowd })
    expect(said.error?.code).toBe('ERR_LIMIT_EXCEEDED')
    expect(said.examined).toEqual([])
    const found = explain({ root, issuing, node }, { intermediates: [issuing.certificate, ...crowd] })
    expect(found.path?.issuer).toBe(issuing.certificate)
  })

  it('asking changes nothing: the same question twice has the same answer', () => {
    const request = requestOf({ root, issuing, node }, { revocation: { crls: [rootCrl, goodCrl] } })
    const once = explainPath(node.certificate, request)
    const twice = explainPath(node.certificate, request)
    expect(twice).toEqual(once)
  })
})
