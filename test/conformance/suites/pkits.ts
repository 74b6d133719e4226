/**
 * NIST PKITS: certification paths, policies, full, delta and indirect CRLs (RFC 5280 §6). Every certificate below the
 * anchor is checked for revocation.
 *
 * @module test/conformance/suites/pkits
 */
import { join } from 'node:path'
import { STRICTNESS } from '../../../src/path/index.js'
import { readBytes, readJson } from '../files.js'
import { pathCase, type PathInputs, type PathSuite } from './paths.js'

interface Row {
  readonly id: string
  readonly name: string
  /** Files, from the trust anchor to the end entity. */
  readonly certs: readonly string[]
  readonly crls: readonly string[]
  readonly should_validate: boolean
  readonly initial_policy_set: readonly string[]
  readonly initial_explicit_policy: boolean
  readonly initial_policy_mapping_inhibit: boolean
  readonly initial_inhibit_any_policy: boolean
}

interface Vectors {
  readonly validation_time: string
  readonly policy_oids: Readonly<Record<string, string>>
  readonly cases: readonly Row[]
}

/** Of the algorithms of 2011 some are weak today; what is asked here is §6. */
const STRICT = { ...STRICTNESS.rfc5280, algorithms: 'allow-weak' } as const

export const pkits: PathSuite = {
  name: 'pkits',
  title: 'NIST PKITS: RFC 5280 §6',
  peers: 'OpenSSL 3.0 246/249 · Chromium 226 · GnuTLS 166',
  load(corpora) {
    const folder = join(corpora, 'pkits')
    const vectors = readJson(folder, 'vectors.json') as Vectors | undefined
    return (
      vectors && {
        cases: vectors.cases.map((row) =>
          pathCase(`${row.id} ${row.name}`, row.should_validate ? 'accept' : 'reject', () =>
            inputsOf(folder, vectors, row),
          ),
        ),
      }
    )
  },
}

function inputsOf(folder: string, { validation_time, policy_oids }: Vectors, row: Row): PathInputs {
  const certificates = row.certs.map((name) => readBytes(folder, 'certs', name))
  const target = certificates.at(-1)
  if (target === undefined) throw new Error('a case has certificates')
  return {
    target,
    anchors: certificates.slice(0, 1),
    intermediates: certificates.slice(1, -1),
    at: new Date(validation_time),
    purpose: 'allow-any',
    strictness: STRICT,
    crls: row.crls.map((name) => readBytes(folder, 'crls', name)),
    policies: {
      userInitialPolicySet: row.initial_policy_set.map((name) => policy_oids[name] ?? name),
      initialExplicitPolicy: row.initial_explicit_policy ? 'required' : 'not-required',
      initialPolicyMapping: row.initial_policy_mapping_inhibit ? 'inhibited' : 'allowed',
      initialAnyPolicy: row.initial_inhibit_any_policy ? 'inhibited' : 'allowed',
    },
  }
}
