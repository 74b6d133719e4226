import { describe, it } from 'vitest'
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
function process(inputs: PolicyInputs, ...extensions: readonly (readonly Uint8Array[])[]): void {
  const path = extensions.map(
    (moreExtensionsDer) => makeCertificate({ subject: 'CA', issuer: root, moreExtensionsDer }).certificate,
  )
  const state = new PolicyState(inputs, path.length)
  path.forEach((certificate, index) => state.process(certificate, index === path.length - 1))
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
