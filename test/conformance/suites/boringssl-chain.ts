/**
 * BoringSSL: certification paths as Chromium validates them (`verify_certificate_chain_typed_unittest`). What the last
 * certificate of a chain is trusted for says how much of it counts.
 *
 * @module test/conformance/suites/boringssl-chain
 */
import { dirname, join } from 'node:path'
import { type PolicyInputs, type PurposeName, STRICTNESS, type Strictness } from '../../../src/path/index.js'
import { readJson, readPemBlocks } from '../files.js'
import { pathCase, type PathInputs, type PathSuite } from './paths.js'

interface Row {
  readonly id: string
  /** A file beside the test: end entity first. */
  readonly chain: string
  readonly last_cert_trust: string
  /** `DEFAULT` or a UTCTime. */
  readonly utc_time: string
  readonly key_purpose: string
  readonly expect: 'ok' | 'fail'
  /** Signatures with SHA-1 count unless this is `STRONG`. */
  readonly digest_policy?: string
  readonly user_initial_policy_set?: string
  readonly initial_explicit_policy?: string
  readonly initial_policy_mapping_inhibit?: string
  readonly initial_any_policy_inhibit?: string
}

const DEFAULT_TIME = '211005120000Z'

export const boringsslChain: PathSuite = {
  name: 'boringssl-chain',
  title: "Chromium's certification paths",
  peers: '',
  load(corpora) {
    const folder = join(corpora, 'boringssl', 'chain')
    const rows = readJson(folder, 'expected.json') as readonly Row[] | undefined
    return (
      rows && {
        cases: rows.map((row) =>
          pathCase(row.id, row.expect === 'ok' ? 'accept' : 'reject', () => inputsOf(folder, row)),
        ),
      }
    )
  },
}

const PURPOSES: Readonly<Record<string, PurposeName | 'allow-any'>> = {
  ANY_EKU: 'allow-any',
  SERVER_AUTH: 'server',
  CLIENT_AUTH: 'client',
}

interface Trust {
  /** Whether it is trusted to issue others, and whether to be the end entity itself. */
  readonly as: readonly ('anchor' | 'leaf')[]
  readonly strictness?: Partial<Strictness>
}

const EXPIRATION = { anchorValidity: 'checked' } as const
const CONSTRAINTS = { anchorConstraints: 'checked' } as const

/** `last_cert_trust`, as `CertificateTrust::FromDebugString` reads it. */
const TRUST: Readonly<Record<string, Trust>> = {
  DISTRUSTED: { as: [] },
  UNSPECIFIED: { as: [] },
  TRUSTED_LEAF: { as: ['leaf'] },
  TRUSTED_ANCHOR: { as: ['anchor'] },
  TRUSTED_ANCHOR_OR_LEAF: { as: ['anchor', 'leaf'] },
  TRUSTED_ANCHOR_WITH_EXPIRATION: { as: ['anchor'], strictness: EXPIRATION },
  TRUSTED_ANCHOR_WITH_CONSTRAINTS: { as: ['anchor'], strictness: CONSTRAINTS },
  TRUSTED_ANCHOR_WITH_CONSTRAINTS_REQUIRE_BASIC_CONSTRAINTS: { as: ['anchor'], strictness: CONSTRAINTS },
  TRUSTED_ANCHOR_WITH_EXPIRATION_AND_CONSTRAINTS: { as: ['anchor'], strictness: { ...EXPIRATION, ...CONSTRAINTS } },
}

function inputsOf(folder: string, row: Row): PathInputs | string {
  const purpose = PURPOSES[row.key_purpose]
  // Said so in corpora/README.md: purposes of Chromium's own.
  if (purpose === undefined) return `signet has no purpose ${row.key_purpose}`
  const trust = TRUST[row.last_cert_trust]
  if (trust === undefined) return `signet has no trust ${row.last_cert_trust}`
  const chain = readChain(join(folder, dirname(row.id), row.chain))
  const [target] = chain
  const last = chain.at(-1)
  if (target === undefined || last === undefined) throw new Error('a chain has certificates')
  // Signet believes in an end entity that somebody put among the anchors; who does not want that, does not do it.
  const isTrusted = trust.as.includes(chain.length === 1 ? 'leaf' : 'anchor')
  return {
    target,
    purpose,
    at: timeOf(row.utc_time),
    anchors: isTrusted ? [last] : [],
    intermediates: chain.slice(1),
    policies: policiesOf(row),
    strictness: {
      ...STRICTNESS.rfc5280,
      ...trust.strictness,
      algorithms: row.digest_policy === 'STRONG' ? 'listed' : 'allow-weak',
    },
  }
}

function readChain(file: string): readonly Uint8Array[] {
  const blocks = readPemBlocks(file)
  // Whichever of the two labels they have, they stand in the order of the path.
  return [...(blocks.get('CERTIFICATE') ?? []), ...(blocks.get('TRUST_ANCHOR') ?? [])]
}

/** UTCTime (RFC 5280 §4.1.2.5.1), all of this century. */
function timeOf(text: string): Date {
  const parts = (text === 'DEFAULT' ? DEFAULT_TIME : text).match(/\d\d/g) ?? []
  const [year = '', month = '', day = '', hour = '', minute = '', second = ''] = parts
  return new Date(`20${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
}

function policiesOf(row: Row): PolicyInputs {
  const isSet = (value: string | undefined): boolean => value === 'true'
  const wanted = row.user_initial_policy_set?.split(',').map((oid) => oid.trim())
  return {
    ...(wanted === undefined ? {} : { userInitialPolicySet: wanted }),
    initialExplicitPolicy: isSet(row.initial_explicit_policy) ? 'required' : 'not-required',
    initialPolicyMapping: isSet(row.initial_policy_mapping_inhibit) ? 'inhibited' : 'allowed',
    initialAnyPolicy: isSet(row.initial_any_policy_inhibit) ? 'inhibited' : 'allowed',
  }
}
