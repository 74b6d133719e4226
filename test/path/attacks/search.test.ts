/** Named attacks on the search for a path and on certificate policies: much work for an answer, or no answer at all. */
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  encodeContextPrimitive,
  encodeInteger,
  encodeObjectIdentifier,
  encodeSequence,
  OID,
} from '../../../src/asn1/index.js'
import { MAX_SIGNATURES, type PathRequest } from '../../../src/path/index.js'
import { addSeconds } from '../../../src/time/index.js'
import type { Certificate, Crl } from '../../../src/x509/index.js'
import {
  type CertificateOptions,
  commonName,
  type Holder,
  keyFor,
  makeCertificate,
  makeCrl,
  NOW,
  revoked,
} from '../../support/certificates.js'
import { expectCode } from '../../support/expect-code.js'
import {
  caExtensions,
  type Changes,
  extensionDer,
  hierarchy,
  nodeExtensions,
  rawCrl,
  unknownExtension,
  validate,
} from '../../support/hierarchy.js'
import { constraining, dns, verdictOf } from './forge.js'

vi.setConfig({ testTimeout: 60_000 })

const purposes = [OID.kpServerAuth]
const wide = hierarchy({ root: { pathLength: 9 } }).root

/** Counts every signature that anybody verifies. */
let signatures = 0
const { verify } = crypto
beforeAll(() => {
  const counting = (...words: unknown[]): unknown => {
    signatures++
    return Reflect.apply(verify, crypto, words)
  }
  Object.assign(crypto, { verify: counting })
  syncBuiltinESMExports()
})
afterAll(() => {
  Object.assign(crypto, { verify })
  syncBuiltinESMExports()
})

/** What becomes of a leaf among these helpers. However it ends, it must not have cost too much. */
function search(leaf: Holder, helpers: readonly Certificate[], request: Partial<PathRequest> = {}): string {
  signatures = 0
  const verdict = verdictOf(() =>
    validate({ root: wide, issuing: wide, node: leaf }, { intermediates: helpers, ...request }),
  )
  expect(signatures).toBeLessThanOrEqual(MAX_SIGNATURES)
  return verdict
}

const ca = (subject: string, issuer?: Holder, options: CertificateOptions = {}): Holder =>
  makeCertificate({ subject, ca: true, key: keyFor(subject), ...(issuer === undefined ? {} : { issuer }), ...options })
const bare = { extensionsDer: caExtensions() }

/** Certificates of every one of these CAs by every other. */
function mesh(names: readonly string[], options: CertificateOptions = {}): Certificate[] {
  return names.flatMap((subject) =>
    names.filter((name) => name !== subject).map((name) => ca(subject, ca(name), options).certificate),
  )
}

const letters = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `CA ${index}`)

describe('PATH-18: graphs of certificates', () => {
  const leafOf = (issuer: Holder, options: CertificateOptions = {}): Holder =>
    makeCertificate({ subject: 'leaf', issuer, purposes, ...options })

  it('PATH-18: three CAs that certified each other in a ring, with a way out and without', () => {
    const names = letters(3)
    const ring = names.map((name, index) => ca(name, ca(names[(index + 1) % 3] ?? '')).certificate)
    const leaf = leafOf(ca('CA 0'))
    expect(search(leaf, ring)).toBe('ERR_PATH_NOT_FOUND')
    for (const name of names) {
      const out = ca(name, wide).certificate
      expect(search(leaf, [...ring, out])).toBe('accepted')
      expect(search(leaf, [out, ...ring])).toBe('accepted')
    }
  })

  it.each([3, 4, 5])('PATH-18: %i CAs that all certified each other, with a way out given first or last', (count) => {
    const names = letters(count)
    for (const options of [{}, bare]) {
      const all = mesh(names, options)
      const leaf = leafOf(ca(names.at(-1) ?? ''), options === bare ? { extensionsDer: nodeExtensions() } : {})
      const out = ca('CA 0', wide, options).certificate
      expect(search(leaf, [out, ...all])).toBe('accepted')
      expect(search(leaf, [...all, out])).toBe('accepted')
    }
  })

  it.each([8, 12, 20])(
    'PATH-18: %i CAs that all certified each other are given up, or one way out is found',
    (count) => {
      const names = letters(count)
      const all = mesh(names)
      const leaf = leafOf(ca(names.at(-1) ?? ''))
      expect(search(leaf, all)).toMatch(/^ERR_(LIMIT_EXCEEDED|PATH_NOT_FOUND)$/)
      expect(search(leaf, [...all, ca('CA 0', wide).certificate])).toMatch(/^(accepted|ERR_LIMIT_EXCEEDED)$/)
    },
  )

  it('PATH-18: fifty CAs of one name, with key identifiers and without: the right one is found, wherever it stands', () => {
    for (const options of [{}, bare]) {
      const same = Array.from(
        { length: 50 },
        (_, index) => ca('Same', wide, { key: keyFor(`same ${index}`), ...options }).certificate,
      )
      const right = ca('Same', wide, options)
      const leaf = leafOf(right, options === bare ? { extensionsDer: nodeExtensions() } : {})
      expect(search(leaf, [right.certificate, ...same])).toBe('accepted')
      expect(search(leaf, [...same, right.certificate])).toBe('accepted')
      expect(search(leaf, same)).toMatch(/^ERR_(PATH_NOT_FOUND|PATH_SIGNATURE|LIMIT_EXCEEDED)$/)
    }
  })

  it('PATH-18: a CA of one name certified by itself with fifty keys in a row is not followed for ever', () => {
    for (const options of [{}, bare]) {
      const ring = Array.from({ length: 50 }, (_, index) => {
        const issuer = ca('Loop', undefined, { key: keyFor(`loop ${(index + 1) % 50}`), ...options })
        return ca('Loop', issuer, { key: keyFor(`loop ${index}`), ...options }).certificate
      })
      const leaf = leafOf(ca('Loop', undefined, { key: keyFor('loop 0'), ...options }), {
        ...(options === bare ? { extensionsDer: nodeExtensions() } : {}),
      })
      expect(search(leaf, ring)).toMatch(/^ERR_(PATH_NOT_FOUND|PATH_SIGNATURE|LIMIT_EXCEEDED)$/)
    }
  })
})

describe('PATH-18: who signed a CRL is searched for, too', () => {
  const stranger = keyFor('stranger')
  const loop = (count: number) => {
    const key = (index: number): Holder['key'] => keyFor(`crl loop ${index % count}`)
    const self = (index: number): Holder => ca('Loop', undefined, { key: key(index), ...bare })
    const ring = Array.from(
      { length: count },
      (_, index) => ca('Loop', self(index + 1), { key: key(index), ...bare }).certificate,
    )
    const top = ca('Loop', wide, { key: key(0), ...bare })
    const leaf = makeCertificate({ subject: 'leaf', issuer: top, extensionsDer: nodeExtensions() })
    const foreign = Array.from({ length: count }, (_, index) =>
      rawCrl({ issuer: commonName('Loop'), key: keyFor(`stranger ${index}`), authorityKeyIdentifier: false }),
    )
    const good = rawCrl({ issuer: commonName('Loop'), key: key(0), authorityKeyIdentifier: false })
    return { ring, top, leaf, foreign, good }
  }

  it.each([3, 6, 20])(
    'PATH-18: %i CAs of one name that vouch for each other, and CRLs that none of them signed',
    async (count) => {
      const { ring, top, leaf, foreign } = loop(count)
      const crls = [await makeCrl({ issuer: wide }), ...foreign]
      const helpers = [top.certificate, ...ring]
      expect(search(leaf, helpers, { revocation: { crls } })).toMatch(/^ERR_(REVOCATION_UNKNOWN|LIMIT_EXCEEDED)$/)
    },
  )

  it.each([3, 6])('PATH-18: among %i of them, the CRL that is right is still believed', async (count) => {
    const { ring, top, leaf, foreign, good } = loop(count)
    const ofRoot = await makeCrl({ issuer: wide })
    for (const crls of [
      [ofRoot, good, ...foreign],
      [ofRoot, ...foreign, good],
    ]) {
      expect(search(leaf, [top.certificate, ...ring], { revocation: { crls } })).toBe('accepted')
      expect(search(leaf, [...ring, top.certificate], { revocation: { crls } })).toBe('accepted')
    }
  })

  it('PATH-18: fifty candidates for one signature', async () => {
    const issuing = ca('Issuing', wide)
    const leaf = makeCertificate({ subject: 'leaf', issuer: issuing, purposes })
    const candidates = Array.from(
      { length: 50 },
      (_, index) =>
        makeCertificate({
          subject: 'Issuing',
          issuer: wide,
          key: keyFor(`candidate ${index}`),
          keyUsage: ['cRLSign'],
        }).certificate,
    )
    const ofRoot = await makeCrl({ issuer: wide })
    const forged = Array.from({ length: 20 }, () =>
      rawCrl({ issuer: commonName('Issuing'), key: stranger, authorityKeyIdentifier: false }),
    )
    const helpers = [issuing.certificate, ...candidates]
    const ask = (crls: readonly Crl[]): string => search(leaf, helpers, { revocation: { crls } })
    expect(ask([ofRoot, ...forged])).toMatch(/^ERR_(REVOCATION_UNKNOWN|LIMIT_EXCEEDED)$/)
    const real = rawCrl({ issuer: commonName('Issuing'), key: issuing.key })
    expect(ask([ofRoot, real, ...forged.slice(0, 2)])).toBe('accepted')
  })
})

describe('PATH-19: certificate policies', () => {
  const oid = (number: number): string => `1.2.3.${number}`
  const policies = (...oids: readonly string[]): Uint8Array =>
    extensionDer(
      OID.certificatePolicies,
      false,
      encodeSequence(...oids.map((policy) => encodeSequence(encodeObjectIdentifier(policy)))),
    )
  const mappings = (...pairs: readonly (readonly [string, string])[]): Uint8Array =>
    extensionDer(
      OID.policyMappings,
      true,
      encodeSequence(
        ...pairs.map(([from, to]) => encodeSequence(encodeObjectIdentifier(from), encodeObjectIdentifier(to))),
      ),
    )
  const requireExplicit = (skip: number): Uint8Array =>
    extensionDer(
      OID.policyConstraints,
      true,
      encodeSequence(encodeContextPrimitive(0, encodeInteger(skip).subarray(2))),
    )
  const more = (...moreExtensionsDer: readonly Uint8Array[]): CertificateOptions => ({ moreExtensionsDer })

  it('PATH-19: eight CAs that map each policy to each: the work does not double from one to the next', () => {
    const names = Array.from({ length: 30 }, (_, index) => oid(index + 1))
    const all = names.flatMap((from) => names.map((to) => [from, to] as const))
    const chain = [wide]
    for (let level = 1; level <= 8; level++) {
      const issuer = chain.at(-1)
      if (issuer === undefined) throw new Error('a chain is never empty')
      chain.push(ca(`Level ${level}`, issuer, more(policies(...names), mappings(...all))))
    }
    const last = chain.at(-1)
    if (last === undefined) throw new Error('a chain is never empty')
    const ask = (policy: string): string =>
      search(
        makeCertificate({ subject: 'leaf', issuer: last, purposes, ...more(policies(policy)) }),
        chain.slice(1).map(({ certificate }) => certificate),
        { policies: { userInitialPolicySet: [oid(1)], initialExplicitPolicy: 'required' } },
      )
    expect(ask(oid(30))).toBe('accepted')
    expect(ask(oid(31))).toBe('ERR_PATH_POLICY')
  })

  it('PATH-19: more policies or mappings than anybody has are refused by their number', () => {
    const many = Array.from({ length: 1001 }, (_, index) => oid(index + 1))
    expectCode('ERR_LIMIT_EXCEEDED', () => validate(hierarchy({ node: more(policies(...many)) })))
    const pairs = many.map((policy) => [policy, oid(1)] as const)
    expectCode('ERR_LIMIT_EXCEEDED', () => validate(hierarchy({ issuing: more(mappings(...pairs)) })))
  })

  it('PATH-19: an explicit policy that a CA requires is required, whatever is asked', () => {
    const asked: readonly (PathRequest['policies'] | undefined)[] = [
      undefined,
      {},
      { initialExplicitPolicy: 'not-required' },
      { userInitialPolicySet: [OID.anyPolicy] },
      { initialAnyPolicy: 'allowed', initialPolicyMapping: 'allowed' },
    ]
    for (const request of asked) {
      const options = request === undefined ? {} : { policies: request }
      for (const [issuing, node, verdict] of [
        [more(requireExplicit(0), policies(oid(1))), more(policies(oid(1))), 'accepted'],
        [more(requireExplicit(0), policies(oid(1))), more(), 'ERR_PATH_POLICY'],
        [more(requireExplicit(0), policies(oid(1))), more(policies(oid(2))), 'ERR_PATH_POLICY'],
        [more(requireExplicit(0)), more(policies(oid(1))), 'ERR_PATH_POLICY'],
        [more(requireExplicit(1), policies(oid(1))), more(), 'ERR_PATH_POLICY'],
        [more(requireExplicit(5), policies(oid(1))), more(), 'accepted'],
      ] as const) {
        expect(verdictOf(() => validate(hierarchy({ issuing, node }), options))).toBe(verdict)
      }
    }
  })

  it('PATH-19: policies that are malformed are refused, also where nobody asks for any', () => {
    const twice = policies(oid(1), oid(1))
    const empty = extensionDer(OID.certificatePolicies, false, encodeSequence())
    const none = extensionDer(OID.policyConstraints, true, encodeSequence())
    for (const extension of [twice, empty, none]) {
      expectCode('ERR_EXTENSION_MALFORMED', () => validate(hierarchy({ node: more(extension) })))
      expectCode('ERR_EXTENSION_MALFORMED', () => validate(hierarchy({ issuing: more(extension) })))
    }
    const any = [OID.anyPolicy, oid(1)] as const
    for (const pair of [any, [...any].reverse() as [string, string]]) {
      expectCode('ERR_PATH_POLICY', () => validate(hierarchy({ issuing: more(mappings(pair)) })))
    }
  })

  it('PATH-19: no option takes another check away', async () => {
    const asserted = policies(oid(1))
    const path = (changes: Changes = {}) =>
      hierarchy({
        root: changes.root ?? {},
        issuing: { ...changes.issuing, moreExtensionsDer: [asserted, ...(changes.issuing?.moreExtensionsDer ?? [])] },
        node: { ...changes.node, moreExtensionsDer: [asserted, ...(changes.node?.moreExtensionsDer ?? [])] },
      })
    const faults: readonly (readonly [code: string, changes: Changes])[] = [
      ['accepted', {}],
      ['ERR_PATH_EXPIRED', { node: { notAfter: addSeconds(NOW, -1) } }],
      ['ERR_PATH_NOT_YET_VALID', { issuing: { notBefore: addSeconds(NOW, 1) } }],
      ['ERR_PATH_NOT_CA', { issuing: { ca: false } }],
      ['ERR_PATH_LENGTH', { root: { pathLength: 0 } }],
      ['ERR_PATH_KEY_USAGE', { issuing: { keyUsage: ['cRLSign'] } }],
      ['ERR_PATH_CRITICAL_EXTENSION', { node: { moreExtensionsDer: [unknownExtension(true)] } }],
      ['ERR_PATH_NAME_CONSTRAINT', { issuing: constraining({ excluded: [dns('cloud.example')] }) }],
    ]
    const requests: readonly Partial<PathRequest>[] = [
      {},
      { purpose: 'allow-any' },
      { hostName: 'node.cloud.example' },
      { policies: { userInitialPolicySet: [oid(1)] } },
      { policies: { userInitialPolicySet: [oid(1)], initialExplicitPolicy: 'required' } },
      { policies: { initialAnyPolicy: 'inhibited', initialPolicyMapping: 'inhibited' } },
    ]
    for (const [code, changes] of faults) {
      const whole = path(changes)
      const crls = [await makeCrl({ issuer: whole.root }), await makeCrl({ issuer: whole.issuing })]
      for (const request of requests) {
        for (const revocation of ['allow-unchecked', { crls }] as const) {
          expect(verdictOf(() => validate(whole, { ...request, revocation }))).toBe(code)
        }
      }
    }
    const whole = path()
    const listed = await makeCrl({ issuer: whole.issuing, revoked: [revoked(whole.node.certificate.serialNumber)] })
    for (const request of requests) {
      const crls = [await makeCrl({ issuer: whole.root }), listed]
      expectCode('ERR_REVOKED', () => validate(whole, { ...request, revocation: { crls } }))
    }
  })
})
