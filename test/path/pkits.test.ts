import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isSignetError } from '../../src/errors/index.js'
import { validatePath } from '../../src/path/index.js'
import { parseCertificate, parseCrl } from '../../src/x509/index.js'
import { CORPORA, corporaAvailable } from '../support/corpora.js'

/** A case of NIST PKITS; certificates from the trust anchor to the end entity. */
interface Case {
  readonly name: string
  readonly certs: readonly string[]
  readonly crls: readonly string[]
  readonly should_validate: boolean
  readonly initial_policy_set: readonly string[]
  readonly initial_explicit_policy: boolean
  readonly initial_policy_mapping_inhibit: boolean
  readonly initial_inhibit_any_policy: boolean
}

interface Suite {
  readonly validation_time: string
  readonly policy_oids: Readonly<Record<string, string>>
  readonly cases: readonly Case[]
}

/** Where we disagree, and why. One that agrees after all fails, too. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  '4.1.4 Valid DSA Signatures Test4': 'DSA is not on the allow-list',
  '4.1.5 Valid DSA Parameter Inheritance Test5': 'DSA is not on the allow-list',
}

const available = corporaAvailable()
const suite: Suite = available
  ? (JSON.parse(readFileSync(join(CORPORA, 'pkits/vectors.json'), 'utf8')) as Suite)
  : { validation_time: '', policy_oids: {}, cases: [] }

function bytes(folder: string, name: string): Uint8Array {
  return new Uint8Array(readFileSync(join(CORPORA, 'pkits', folder, name)))
}

/** The code of the refusal, or `'accepted'`. */
function outcome(row: Case): string {
  try {
    const certificates = row.certs.map((name) => parseCertificate(bytes('certs', name)))
    const target = certificates.at(-1)
    if (target === undefined) throw new Error('a case has certificates')
    validatePath(target, {
      anchors: certificates.slice(0, 1),
      intermediates: certificates.slice(1, -1),
      at: new Date(suite.validation_time),
      purpose: 'allow-any',
      revocation: { crls: row.crls.map((name) => parseCrl(bytes('crls', name))) },
      policies: {
        userInitialPolicySet: row.initial_policy_set.map((name) => suite.policy_oids[name] ?? name),
        initialExplicitPolicy: row.initial_explicit_policy ? 'required' : 'not-required',
        initialPolicyMapping: row.initial_policy_mapping_inhibit ? 'inhibited' : 'allowed',
        initialAnyPolicy: row.initial_inhibit_any_policy ? 'inhibited' : 'allowed',
      },
    })
    return 'accepted'
  } catch (error) {
    if (isSignetError(error)) return error.code
    throw error
  }
}

describe.skipIf(!available)('NIST PKITS (RFC 5280 §6): paths, policies, full, delta and indirect CRLs', () => {
  it('has cases', () => {
    expect(suite.cases.length).toBeGreaterThan(0)
  })

  it.each(suite.cases)('$name', (row) => {
    const agreed = (outcome(row) === 'accepted') === row.should_validate
    expect(agreed, `${outcome(row)}; ${EXCEPTIONS[row.name] ?? 'no exception'}`).toBe(!(row.name in EXCEPTIONS))
  })
})
