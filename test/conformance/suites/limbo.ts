/**
 * Cases in the format of C2SP x509-limbo, which BetterTLS comes in, too.
 *
 * @module test/conformance/suites/limbo
 */
import { type PurposeName, type Strictness, validatePath } from '../../../src/path/index.js'
import { parseCertificates, parseCrls } from '../../../src/x509/index.js'
import { readJson } from '../files.js'
import { attempt, type Case, type Loaded, skipped, type Verdict } from '../suite.js'

/** A case; fields that no case uses are left out. */
export interface LimboRow {
  readonly id: string
  readonly validation_kind: 'SERVER' | 'CLIENT'
  /** PEM, each of one certificate. */
  readonly trusted_certs: readonly string[]
  readonly untrusted_intermediates: readonly string[]
  readonly peer_certificate: string
  /** `null` for now. */
  readonly validation_time?: string | null
  readonly extended_key_usage?: readonly string[] | null
  readonly expected_result: 'SUCCESS' | 'FAILURE'
  readonly expected_peer_name?: { readonly kind: 'DNS' | 'IP' | 'RFC822'; readonly value: string } | null
  /** Counts the CAs between anchor and end entity. */
  readonly max_chain_depth?: number | null
  readonly crls?: readonly string[] | null
}

/** The cases of a file. @param strictnessOf - How strict validation is for a case. */
export function loadLimbo(path: readonly string[], strictnessOf: (id: string) => Strictness): Loaded | undefined {
  const file = readJson(...path) as { readonly testcases: readonly LimboRow[] } | undefined
  return file && { cases: file.testcases.map((row) => limboCase(row, strictnessOf(row.id))) }
}

function limboCase(row: LimboRow, strictness: Strictness): Case {
  return {
    id: row.id,
    expected: row.expected_result === 'SUCCESS' ? 'accept' : 'reject',
    run: () => validate(row, strictness),
  }
}

const PURPOSES: Readonly<Record<string, PurposeName>> = {
  serverAuth: 'server',
  clientAuth: 'client',
  emailProtection: 'email',
  OCSPSigning: 'ocsp-signing',
}

function validate(row: LimboRow, strictness: Strictness): Verdict {
  const [usage = row.validation_kind === 'SERVER' ? 'serverAuth' : 'clientAuth', another] = row.extended_key_usage ?? []
  const purpose = PURPOSES[usage]
  if (purpose === undefined || another !== undefined) return skipped('signet validates for one purpose that it knows')
  const { expected_peer_name: peer, max_chain_depth: depth } = row
  if (peer?.kind === 'RFC822') return skipped('signet compares no e-mail addresses of peers')
  return attempt(() => {
    const parse = (pem: string): ReturnType<typeof parseCertificates> => parseCertificates(Buffer.from(pem))
    const [target] = parse(row.peer_certificate)
    if (target === undefined) throw new Error('a case has a certificate')
    validatePath(target, {
      anchors: row.trusted_certs.flatMap(parse),
      intermediates: row.untrusted_intermediates.flatMap(parse),
      at: typeof row.validation_time === 'string' ? new Date(row.validation_time) : new Date(),
      purpose,
      strictness,
      revocation: revocationOf(row),
      ...(peer ? { hostName: peer.value } : {}),
      ...(typeof depth === 'number' ? { maxPathLength: depth } : {}),
    })
  })
}

/** Without CRLs a case is not about revocation. */
function revocationOf({ crls }: LimboRow): Parameters<typeof validatePath>[1]['revocation'] {
  if (!crls || crls.length === 0) return 'allow-unchecked'
  return { crls: crls.flatMap((pem) => parseCrls(Buffer.from(pem))) }
}
