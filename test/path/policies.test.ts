import { describe, expect, it } from 'vitest'
import { encodeObjectIdentifier, encodeOctetString, encodeSequence, OID } from '../../src/asn1/index.js'
import { type PolicyInputs, PolicyState } from '../../src/path/policies.js'
import { makeCertificate } from '../support/certificates.js'
import { expectCode } from '../support/expect-code.js'

/** NIST PKITS judges the rules themselves (pkits.test.ts); here is what it does not ask. */
const GOLD = '1.2.3.1'
const SILVER = '1.2.3.2'

function extension(oid: string, valueDer: Uint8Array): Uint8Array {
  return encodeSequence(encodeObjectIdentifier(oid), encodeOctetString(valueDer))
}

function policies(...oids: readonly string[]): Uint8Array {
  return extension(
    OID.certificatePolicies,
    encodeSequence(...oids.map((oid) => encodeSequence(encodeObjectIdentifier(oid)))),
  )
}

function mappings(...pairs: readonly (readonly [string, string])[]): Uint8Array {
  const entries = pairs.map(([from, to]) => encodeSequence(encodeObjectIdentifier(from), encodeObjectIdentifier(to)))
  return extension(OID.policyMappings, encodeSequence(...entries))
}

/** Process certificates with these extensions, CAs first. */
function process(inputs: PolicyInputs, ...extensions: readonly (readonly Uint8Array[])[]): readonly string[] {
  const path = extensions.map(
    (moreExtensionsDer) => makeCertificate({ subject: 'CA', issuer: root, moreExtensionsDer }).certificate,
  )
  const state = new PolicyState(inputs, path.length)
  path.forEach((certificate, index) => state.process(certificate, index === path.length - 1))
  return [...state.userConstrainedPolicies()].sort()
}

const root = makeCertificate({ subject: 'Root', ca: true })

const wantsGold: PolicyInputs = { userInitialPolicySet: [GOLD], initialExplicitPolicy: 'required' }

describe('PolicyState (RFC 5280 §6.1, RFC 9618)', () => {
  it('asks for nothing unless told to', () => {
    process({}, [], [])
  })

  it('accepts a path that is valid for the policy that is wanted, and refuses one for another, or for none', () => {
    process(wantsGold, [policies(GOLD, SILVER)], [policies(GOLD)])
    expectCode('ERR_PATH_POLICY', () => process(wantsGold, [policies(GOLD, SILVER)], [policies(SILVER)]))
    expectCode('ERR_PATH_POLICY', () => process(wantsGold, [policies(GOLD)], []))
  })

  it('follows a mapping back to the domain of who asks', () => {
    process(wantsGold, [policies(GOLD), mappings([GOLD, SILVER])], [policies(SILVER)])
    expectCode('ERR_PATH_POLICY', () =>
      process(wantsGold, [policies(GOLD), mappings([GOLD, SILVER])], [policies(GOLD)]),
    )
  })

  it.each<[string, PolicyInputs, readonly (readonly Uint8Array[])[], readonly string[]]>([
    ['what all assert', {}, [[policies(GOLD, SILVER)], [policies(GOLD)]], [GOLD]],
    ['what the end entity asserts under a CA of any policy', {}, [[policies(OID.anyPolicy)], [policies(GOLD)]], [GOLD]],
    ['nothing where the CA asserts another', {}, [[policies(SILVER)], [policies(GOLD)]], []],
    ['nothing where the CA asserts none', {}, [[], [policies(GOLD)]], []],
    ['nothing where the end entity asserts none', {}, [[policies(GOLD)], []], []],
    [
      'what the CA asserts, where the end entity asserts any',
      {},
      [[policies(GOLD)], [policies(OID.anyPolicy)]],
      [GOLD],
    ],
    ['nothing where all assert any', {}, [[policies(OID.anyPolicy)], [policies(OID.anyPolicy)]], []],
    [
      'what was asked for, where all assert any',
      { userInitialPolicySet: [GOLD] },
      [[policies(OID.anyPolicy)], [policies(OID.anyPolicy)]],
      [GOLD],
    ],
    ['of all, what was asked for', { userInitialPolicySet: [GOLD] }, [[policies(GOLD, SILVER)]], [GOLD]],
    ['nothing, where another was asked for', { userInitialPolicySet: [GOLD] }, [[policies(SILVER)]], []],
    [
      'the name that a mapped policy has here',
      {},
      [[policies(GOLD), mappings([GOLD, SILVER])], [policies(SILVER)]],
      [GOLD],
    ],
    ['nothing for its name there', {}, [[policies(GOLD), mappings([GOLD, SILVER])], [policies(GOLD)]], []],
    ['nothing for a path of an anchor alone', {}, [], []],
  ])('tells the policies for which the path is valid: %s', (_claim, inputs, extensions, valid) => {
    expect(process(inputs, ...extensions)).toEqual(valid)
  })

  it('refuses a mapping of anyPolicy', () => {
    expectCode('ERR_PATH_POLICY', () => process({}, [policies(GOLD), mappings([OID.anyPolicy, SILVER])], []))
  })

  it('does work in proportion to what the certificates say: no tree grows', () => {
    // Every policy of a depth maps to every one of the next: a tree would have 20^8 leaves, and never end.
    const names = Array.from({ length: 20 }, (_, index) => `1.2.4.${index + 1}`)
    const all = names.flatMap((from) => names.map((to) => [from, to] as const))
    process(
      { initialExplicitPolicy: 'required' },
      ...Array.from({ length: 8 }, () => [policies(...names), mappings(...all)]),
      [policies(...names)],
    )
  })
})
