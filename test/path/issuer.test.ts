import { describe, expect, it } from 'vitest'
import { OID } from '../../src/asn1/index.js'
import { isSignetError } from '../../src/errors/index.js'
import {
  type IssuerRequest,
  type PurposeName,
  ValidatedIssuer,
  validateIssuer,
  validatePath,
} from '../../src/path/index.js'
import { addSeconds, DAY } from '../../src/time/index.js'
import {
  type Certificate,
  encodeAuthorityKeyIdentifier,
  encodeNameConstraints,
  parseCertificate,
} from '../../src/x509/index.js'
import {
  type CertificateOptions,
  type Holder,
  keyFor,
  makeCertificate,
  makeCrl,
  NOW,
  revoked,
} from '../support/certificates.js'
import { expectCode } from '../support/expect-code.js'
import { hierarchy, NODE_NAMES, nodeExtensions, unknownExtension } from '../support/hierarchy.js'

const { root, issuing } = hierarchy()
const stranger = hierarchy({
  root: { subject: 'Stranger' },
  issuing: { subject: 'Issuing', key: keyFor('of the stranger') },
})

const codeOf = (work: () => unknown): string => {
  try {
    work()
    return 'valid'
  } catch (error) {
    if (!isSignetError(error)) throw error
    return error.code
  }
}

const nodeBy = (issuer: Holder, changes: CertificateOptions = {}): Certificate =>
  makeCertificate({
    subject: 'node',
    issuer,
    purposes: [OID.kpServerAuth, OID.kpClientAuth],
    names: NODE_NAMES,
    ...changes,
  }).certificate

function flipped(certificate: Certificate): Certificate {
  const der = Uint8Array.from(certificate.der)
  der[der.length - 1] = (der.at(-1) ?? 0) ^ 1
  return parseCertificate(der)
}

const crls = [await makeCrl({ issuer: root }), await makeCrl({ issuer: issuing, revoked: [revoked('4711')] })]
const request: IssuerRequest = { anchors: [root.certificate], at: NOW, revocation: { crls } }

const withName = (names: CertificateOptions['names']): Certificate => nodeBy(constrained, { names: names ?? [] })
const permitted = encodeNameConstraints({ permitted: [{ kind: 'dns', value: 'cloud.example' }], excluded: [] })
const constrained = makeCertificate({
  subject: 'Constrained',
  issuer: root,
  ca: true,
  pathLength: 0,
  moreExtensionsDer: [permitted],
})

const targets: readonly (readonly [claim: string, target: Certificate, code: string])[] = [
  ['a node', nodeBy(issuing), 'valid'],
  ['a node with another kind of key', nodeBy(issuing, { algorithm: 'ed25519' }), 'valid'],
  ['one for another purpose', nodeBy(issuing, { purposes: [OID.kpEmailProtection] }), 'ERR_PATH_PURPOSE'],
  ['one for the first purpose only', nodeBy(issuing, { purposes: [OID.kpServerAuth] }), 'ERR_PATH_PURPOSE'],
  ['one for the second purpose only', nodeBy(issuing, { purposes: [OID.kpClientAuth] }), 'ERR_PATH_PURPOSE'],
  ['one without a purpose', nodeBy(issuing, { purposes: [] }), 'ERR_PATH_PURPOSE'],
  ['one whose key may not sign', nodeBy(issuing, { keyUsage: ['cRLSign'] }), 'ERR_PATH_KEY_USAGE'],
  ['one that has expired', nodeBy(issuing, { notAfter: addSeconds(NOW, -DAY / 2) }), 'ERR_PATH_EXPIRED'],
  ['one that is not valid yet', nodeBy(issuing, { notBefore: addSeconds(NOW, DAY) }), 'ERR_PATH_NOT_YET_VALID'],
  ['one that is revoked', nodeBy(issuing, { serialNumber: '4711' }), 'ERR_REVOKED'],
  ['one whose signature has a bit flipped', flipped(nodeBy(issuing)), 'ERR_PATH_SIGNATURE'],
  ['one by another CA of that name', nodeBy(stranger.issuing), 'ERR_PATH_NOT_FOUND'],
  ['one by a CA of another name', nodeBy(stranger.root, { extensionsDer: nodeExtensions() }), 'ERR_PATH_NOT_FOUND'],
  [
    'one that names another key of its issuer',
    nodeBy(issuing, { extensionsDer: [...nodeExtensions(), encodeAuthorityKeyIdentifier(Buffer.from('another'))] }),
    'ERR_PATH_NOT_FOUND',
  ],
  [
    'one with something critical and unknown',
    nodeBy(issuing, { moreExtensionsDer: [unknownExtension(true)] }),
    'ERR_PATH_CRITICAL_EXTENSION',
  ],
  ['one that constrains names and is no CA', nodeBy(issuing, { moreExtensionsDer: [permitted] }), 'ERR_PATH_FORM'],
]

const purposes = ['server', 'client'] as const satisfies readonly PurposeName[]

describe('validateIssuer and what it issued', () => {
  const validated = validateIssuer(issuing.certificate, { ...request, intermediates: [] })

  it.each(targets)('PATH-01: of %s says what validatePath says', (_claim, target, code) => {
    expect(codeOf(() => validated.validate(target, purposes))).toBe(code)
    const whole = purposes.map((purpose) =>
      codeOf(() => validatePath(target, { ...request, intermediates: [issuing.certificate], purpose })),
    )
    expect(whole.every((verdict) => verdict === 'valid')).toBe(code === 'valid')
  })

  it('PATH-01: one certificate leaves nothing behind for the next', () => {
    for (let turn = 0; turn < 2; turn++) {
      for (const [, target, code] of targets) expect(codeOf(() => validated.validate(target, purposes))).toBe(code)
    }
  })

  it('PATH-10: names outside of what the CA may certify', () => {
    const issuer = validateIssuer(constrained.certificate, { ...request, revocation: 'allow-unchecked' })
    const verdict = (...values: string[]): string =>
      codeOf(() => issuer.validate(withName(values.map((value) => ({ kind: 'dns', value }))), ['server']))
    expect(verdict('node.cloud.example')).toBe('valid')
    expect(verdict('node.evil.example')).toBe('ERR_PATH_NAME_CONSTRAINT')
    expect(verdict('a.cloud.example', 'node.evil.example')).toBe('ERR_PATH_NAME_CONSTRAINT')
    expect(verdict('node.cloud.example')).toBe('valid')
  })

  it('PATH-02: is no proof for a certificate that is no CA, or that does not lead to an anchor', () => {
    const node = nodeBy(issuing)
    expectCode('ERR_PATH_NOT_CA', () => validateIssuer(node, { ...request, intermediates: [issuing.certificate] }))
    expectCode('ERR_PATH_NOT_FOUND', () => validateIssuer(stranger.issuing.certificate, request))
    expectCode('ERR_TRUST_NO_ANCHOR', () => validateIssuer(issuing.certificate, { ...request, anchors: [] }))
    expectCode('ERR_REVOCATION_UNKNOWN', () =>
      validateIssuer(issuing.certificate, { ...request, revocation: { crls: [] } }),
    )
  })

  it('PATH-02: a path that is as long as the CAs of it allow ends there', () => {
    const below = makeCertificate({ subject: 'Below', issuer: issuing, ca: true })
    expectCode('ERR_PATH_LENGTH', () =>
      validateIssuer(below.certificate, {
        ...request,
        intermediates: [issuing.certificate],
        revocation: 'allow-unchecked',
      }),
    )
  })

  it('says nothing where nobody said what for', () => {
    expectCode('ERR_CONFIG_INVALID', () => {
      validated.validate(nodeBy(issuing), [])
    })
  })

  it('is made by nobody else', () => {
    // @ts-expect-error the constructor is private
    const forge = (): unknown => new ValidatedIssuer(issuing.certificate, request, undefined)
    expect(forge).toBeDefined()
  })
})
