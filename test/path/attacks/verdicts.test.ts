/** What is believed, and for how long: named attacks on signatures, failures and memories. */
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { afterEach, describe, expect, it } from 'vitest'
import { encodeBoolean, encodeContext, encodeContextPrimitive, encodeSequence, OID } from '../../../src/asn1/index.js'
import type { ErrorCode } from '../../../src/errors/index.js'
import { type PathRequest, validatePath } from '../../../src/path/index.js'
import { addSeconds } from '../../../src/time/index.js'
import {
  type Certificate,
  encodeAuthorityKeyIdentifier,
  encodeGeneralName,
  parseCertificate,
} from '../../../src/x509/index.js'
import {
  commonName,
  type Holder,
  keyFor,
  makeCertificate,
  makeCrl,
  NOT_AFTER,
  NOT_BEFORE,
  NOW,
  revoked,
} from '../../support/certificates.js'
import { expectCode } from '../../support/expect-code.js'
import {
  caExtensions,
  extensionDer,
  type Hierarchy,
  hierarchy,
  nodeExtensions,
  rawCrl,
  validate,
} from '../../support/hierarchy.js'
import { constraining, dns, directory, verdictOf } from './forge.js'

const purposes = [OID.kpServerAuth]
const whole = hierarchy()
const { root, issuing, node } = whole

/** A certificate of the same octets that nobody has asked anything yet. */
const unread = ({ certificate, key }: Holder): Holder => ({ key, certificate: parseCertificate(certificate.der) })
const unreadHierarchy = (): Hierarchy => ({ root: unread(root), issuing: unread(issuing), node: unread(node) })

/** Replace functions of node:crypto, for everybody, until the test is over. */
function withCrypto(functions: Partial<typeof crypto>): void {
  Object.assign(crypto, functions)
  syncBuiltinESMExports()
}
const { verify, createPublicKey } = crypto
afterEach(() => withCrypto({ verify, createPublicKey }))

describe('PATH-25: the name of an issuer is not its signature', () => {
  const forger = { certificate: issuing.certificate, key: keyFor('forger') }
  const stranger = makeCertificate({ subject: 'Issuing', key: forger.key, extensionsDer: caExtensions() })

  it('PATH-25: a CA of the same name with another key, with and without key identifiers', () => {
    const leaf = makeCertificate({ subject: 'leaf', issuer: forger, extensionsDer: nodeExtensions() })
    expectCode('ERR_PATH_SIGNATURE', () => validate({ root, issuing, node: leaf }))
    // The forger's own CA certificate fits, and nobody certified it.
    expectCode('ERR_PATH_NOT_FOUND', () => validate({ root, issuing: stranger, node: leaf }))
    for (const intermediates of [
      [stranger.certificate, issuing.certificate],
      [issuing.certificate, stranger.certificate],
    ]) {
      expectCode('ERR_PATH_SIGNATURE', () => validate({ root, issuing, node: leaf }, { intermediates }))
      expect(validate(whole, { intermediates }).issuer).toBe(issuing.certificate)
    }
  })

  it('PATH-25: a key identifier of the right CA on a certificate that another key signed, and the other way round', () => {
    const named = (identifier: Uint8Array, issuer: Holder): Holder =>
      makeCertificate({
        subject: 'leaf',
        issuer,
        extensionsDer: [...nodeExtensions(), encodeAuthorityKeyIdentifier(identifier)],
      })
    const right = issuing.certificate.subjectKeyIdentifier ?? new Uint8Array()
    const wrong = Buffer.alloc(20, 7)
    expect(verdictOf(() => validate({ root, issuing, node: named(right, issuing) }))).toBe('accepted')
    expectCode('ERR_PATH_SIGNATURE', () => validate({ root, issuing, node: named(right, forger) }))
    expect(verdictOf(() => validate({ root, issuing, node: named(wrong, forger) }))).not.toBe('accepted')
  })

  it('PATH-25: the same three certificates in another order lead nowhere', () => {
    expectCode('ERR_PATH_NOT_FOUND', () => validate({ root: node, issuing, node: root }))
    expectCode('ERR_PATH_NOT_FOUND', () => validate({ root: node, issuing: root, node: issuing }))
    expectCode('ERR_PATH_NOT_FOUND', () => validate({ root: issuing, issuing: node, node: root }))
    // The issuing CA as the only anchor is believed by itself; the root beside it then adds nothing.
    expect(validate({ root: issuing, issuing: root, node }).certificates).toHaveLength(2)
  })

  it('PATH-25: nothing but the verification stands between a forged path and belief', () => {
    const forged = (): Hierarchy => ({
      root: unread(root),
      issuing: unread(issuing),
      node: unread(makeCertificate({ subject: 'leaf', issuer: forger, extensionsDer: nodeExtensions() })),
    })
    expectCode('ERR_PATH_SIGNATURE', () => validate(forged()))
    let asked = 0
    withCrypto({
      verify: () => {
        asked++
        return true
      },
    })
    // With the verification taken away it passes: so the tests above would fail without it.
    expect(validate(forged()).certificates).toHaveLength(3)
    expect(asked).toBe(2)
    withCrypto({ verify })
    expectCode('ERR_PATH_SIGNATURE', () => validate(forged()))
  })
})

describe('PATH-26: what breaks is no success', () => {
  const broken = (): never => {
    throw new Error('the machine is on fire')
  }

  it.each([
    ['throws', broken],
    ['says nothing', () => undefined],
    ['says no', () => false],
    ['says null', () => null],
    ['says 0', () => 0],
  ])('PATH-26: a verification that %s', (_claim, answer) => {
    withCrypto({ verify: answer as unknown as typeof verify })
    expectCode('ERR_PATH_SIGNATURE', () => validate(unreadHierarchy()))
  })

  it('PATH-26: keys that cannot be imported', () => {
    withCrypto({ createPublicKey: broken })
    expectCode('ERR_KEY_NOT_ALLOWED', () => validate(unreadHierarchy()))
  })

  it('PATH-26: a clock that throws, or gives no time', () => {
    const clock = {
      get at(): Date {
        return broken()
      },
    }
    expect(() => validatePath(node.certificate, { ...requestOf(), ...clock })).toThrow('on fire')
    expectCode('ERR_PATH_NOT_YET_VALID', () => validate(whole, { at: new Date(Number.NaN) }))
    for (const at of [undefined, null, '2027-01-01', 'never', {}]) {
      expect(() => validate(whole, { at: at as Date })).toThrow()
    }
  })

  it('PATH-26: CRLs that cannot be had, at any call, and a signature on them that cannot be verified', async () => {
    const crls = [await makeCrl({ issuer: root }), await makeCrl({ issuer: issuing })]
    expect(validate(whole, { revocation: { crls } }).revocation).toBe('checked')
    for (let call = 0; call < 3; call++) {
      let calls = 0
      const revocation = {
        get crls() {
          return calls++ === call ? broken() : crls
        },
      }
      const outcome = verdictOrThrown(() => validate(whole, { revocation }))
      // A call that never came broke nothing.
      expect(outcome).toBe(calls > call ? 'the machine is on fire' : 'accepted')
    }
    const again = [await makeCrl({ issuer: root }), await makeCrl({ issuer: issuing })]
    validate(whole)
    withCrypto({ verify: broken })
    expectCode('ERR_REVOCATION_UNKNOWN', () => validate(whole, { revocation: { crls: again } }))
  })

  it('PATH-26: a path is an object or an error: there is no other answer to mistake', () => {
    const path = validate(whole)
    expect([typeof path, path.revocation]).toEqual(['object', 'not checked'])
    expect(Object.isFrozen(path)).toBe(true)
  })

  function requestOf(): PathRequest {
    return {
      anchors: [root.certificate],
      intermediates: [issuing.certificate],
      at: NOW,
      purpose: 'server',
      revocation: 'allow-unchecked',
    }
  }
})

describe('PATH-27: a verdict holds for the question that was asked', () => {
  it('PATH-27: anchors, purpose, host, time, revocation and policies are asked anew each time', async () => {
    const crls = [await makeCrl({ issuer: root }), await makeCrl({ issuer: issuing })]
    const revokes = await makeCrl({ issuer: issuing, crlNumber: 2, revoked: [revoked(node.certificate.serialNumber)] })
    const other = makeCertificate({ subject: 'Other', ca: true })
    const questions: readonly (readonly [Partial<PathRequest>, ErrorCode])[] = [
      [{ anchors: [other.certificate] }, 'ERR_PATH_NOT_FOUND'],
      [{ anchors: [] }, 'ERR_TRUST_NO_ANCHOR'],
      [{ intermediates: [] }, 'ERR_PATH_NOT_FOUND'],
      [{ purpose: 'client' }, 'ERR_PATH_PURPOSE'],
      [{ hostName: 'other.cloud.example' }, 'ERR_PATH_HOST_NAME'],
      [{ at: addSeconds(NOT_AFTER, 1) }, 'ERR_PATH_EXPIRED'],
      [{ at: addSeconds(NOT_BEFORE, -1) }, 'ERR_PATH_NOT_YET_VALID'],
      [{ revocation: { crls: [] } }, 'ERR_REVOCATION_UNKNOWN'],
      [{ revocation: { crls: [...crls, revokes] } }, 'ERR_REVOKED'],
      [{ policies: { initialExplicitPolicy: 'required' } }, 'ERR_PATH_POLICY'],
    ]
    const good = { revocation: { crls }, hostName: 'node.cloud.example' }
    for (const [question, code] of questions) {
      expect(validate(whole, good).target).toBe(node.certificate)
      expectCode(code, () => validate(whole, { ...good, ...question }))
    }
    expect(validate(whole, good).target).toBe(node.certificate)
  })

  it('PATH-27: who may sign CRLs under one anchor may not under another', async () => {
    // One CA, certified by two anchors; the way from the first ends at a name constraint, after revocation was asked.
    const [first, second] = ['First', 'Second'].map((subject) => makeCertificate({ subject, ca: true }))
    if (first === undefined || second === undefined) throw new Error('there are two')
    const key = keyFor('both')
    const narrow = makeCertificate({
      subject: 'Both',
      issuer: first,
      key,
      ca: true,
      ...constraining({ excluded: [dns('cloud.example')] }),
    })
    const wide = makeCertificate({ subject: 'Both', issuer: second, key, ca: true })
    // Its certificates say that CRLs come from somebody else, whom one of the anchors certified.
    const lister = commonName('Lister')
    const point = encodeSequence(encodeSequence(encodeContext(2, encodeGeneralName(directory(lister)))))
    const leaf = makeCertificate({
      subject: 'leaf',
      issuer: wide,
      purposes,
      names: [dns('leaf.cloud.example')],
      moreExtensionsDer: [extensionDer(OID.crlDistributionPoints, false, point)],
    })
    const indirect = rawCrl({
      issuer: lister,
      key: keyFor('Lister'),
      moreExtensionsDer: [
        extensionDer(OID.issuingDistributionPoint, true, encodeSequence(encodeContextPrimitive(4, contentOfBoolean()))),
      ],
    })
    const crls = [await makeCrl({ issuer: first }), await makeCrl({ issuer: second }), indirect]
    const listerBy = (issuer: Holder): Certificate =>
      makeCertificate({ subject: 'Lister', issuer, key: keyFor('Lister'), keyUsage: ['cRLSign'] }).certificate
    const ask = (helper: Certificate, anchors: readonly Holder[], between: readonly Holder[]): string =>
      verdictOf(() =>
        validate(
          { root: second, issuing: wide, node: leaf },
          {
            anchors: anchors.map(({ certificate }) => certificate),
            intermediates: [...between.map(({ certificate }) => certificate), helper],
            revocation: { crls },
          },
        ),
      )
    expect(ask(listerBy(second), [second], [wide])).toBe('accepted')
    expect(ask(listerBy(first), [second], [wide])).toBe('ERR_REVOCATION_UNKNOWN')
    for (const anchors of [
      [first, second],
      [second, first],
    ]) {
      for (const between of [
        [narrow, wide],
        [wide, narrow],
      ]) {
        expect(ask(listerBy(first), anchors, between)).not.toBe('accepted')
        expect(ask(listerBy(second), anchors, between)).toBe('accepted')
      }
    }
  })

  function contentOfBoolean(): Uint8Array {
    return encodeBoolean(true).subarray(2)
  }
})

describe('PATH-22: the ends of validity, of every certificate of the path', () => {
  const late = addSeconds(NOW, 3600)
  const limited = (who: 'root' | 'issuing' | 'node'): Hierarchy =>
    hierarchy({ [who]: { notBefore: NOW, notAfter: late } })

  it.each(['root', 'issuing', 'node'] as const)('PATH-22: both seconds are inside, the one after is not: %s', (who) => {
    const path = limited(who)
    const at = (instant: Date): string => verdictOf(() => validate(path, { at: instant }))
    expect(at(addSeconds(NOW, -1))).toBe('ERR_PATH_NOT_YET_VALID')
    expect(at(new Date(NOW.getTime() - 1))).toBe('ERR_PATH_NOT_YET_VALID')
    expect(at(NOW)).toBe('accepted')
    expect(at(late)).toBe('accepted')
    expect(at(addSeconds(late, 0.999))).toBe('accepted')
    expect(at(addSeconds(late, 1))).toBe('ERR_PATH_EXPIRED')
  })

  it('PATH-22: a life of one second is one, and one of less than none is malformed', () => {
    const second = hierarchy({ node: { notBefore: NOW, notAfter: NOW } })
    expect(validate(second, { at: NOW }).at).toEqual(NOW)
    expectCode('ERR_PATH_EXPIRED', () => validate(second, { at: addSeconds(NOW, 1) }))
    expectCode('ERR_CERTIFICATE_MALFORMED', () =>
      hierarchy({ node: { notBefore: NOW, notAfter: addSeconds(NOW, -1) } }),
    )
  })

  it('PATH-22: the instant handed in decides, not the clock of the machine', () => {
    const far = hierarchy(
      Object.fromEntries(
        ['root', 'issuing', 'node'].map((who) => [
          who,
          { notBefore: new Date('2090-01-01T00:00:00Z'), notAfter: new Date('9999-12-31T23:59:59Z') },
        ]),
      ),
    )
    expect(verdictOf(() => validate(far))).toBe('ERR_PATH_NOT_YET_VALID')
    expect(verdictOf(() => validate(far, { at: new Date('2090-01-01T00:00:00Z') }))).toBe('accepted')
    expect(verdictOf(() => validate(far, { at: new Date('9999-12-31T23:59:59Z') }))).toBe('accepted')
    expect(verdictOf(() => validate(far, { at: new Date(8.64e15) }))).toBe('ERR_PATH_EXPIRED')
  })
})

function verdictOrThrown(work: () => unknown): string {
  try {
    return verdictOf(work)
  } catch (error) {
    return error instanceof Error ? error.message : 'something'
  }
}
