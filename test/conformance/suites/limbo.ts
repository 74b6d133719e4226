/**
 * Cases in the format of C2SP x509-limbo, which BetterTLS comes in, too.
 *
 * @module test/conformance/suites/limbo
 */
import { parsePemBlocks } from '../../../src/asn1/index.js'
import type { PurposeName, Strictness } from '../../../src/path/index.js'
import { readJson } from '../files.js'
import { type PathCase, pathCase, type PathInputs, type PathSuite } from './paths.js'

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
export function loadLimbo(
  path: readonly string[],
  strictnessOf: (id: string) => Strictness,
): ReturnType<PathSuite['load']> {
  const file = readJson(...path) as { readonly testcases: readonly LimboRow[] } | undefined
  return file && { cases: file.testcases.map((row) => limboCase(row, strictnessOf(row.id))) }
}

function limboCase(row: LimboRow, strictness: Strictness): PathCase {
  const expected = row.expected_result === 'SUCCESS' ? 'accept' : 'reject'
  return pathCase(row.id, expected, () => inputsOf(row, strictness))
}

const PURPOSES: Readonly<Record<string, PurposeName>> = {
  serverAuth: 'server',
  clientAuth: 'client',
  emailProtection: 'email',
  OCSPSigning: 'ocsp-signing',
}

function inputsOf(row: LimboRow, strictness: Strictness): PathInputs | string {
  const [usage = row.validation_kind === 'SERVER' ? 'serverAuth' : 'clientAuth', another] = row.extended_key_usage ?? []
  const purpose = PURPOSES[usage]
  if (purpose === undefined || another !== undefined) return 'signet validates for one purpose that it knows'
  const { expected_peer_name: peer, max_chain_depth: depth, crls } = row
  if (peer?.kind === 'RFC822') return 'signet compares no e-mail addresses of peers'
  const [target] = read('CERTIFICATE', row.peer_certificate)
  if (target === undefined) throw new Error('a case has a certificate')
  return {
    target,
    anchors: row.trusted_certs.flatMap((pem) => read('CERTIFICATE', pem)),
    intermediates: row.untrusted_intermediates.flatMap((pem) => read('CERTIFICATE', pem)),
    at: typeof row.validation_time === 'string' ? new Date(row.validation_time) : new Date(),
    purpose,
    strictness,
    // Without CRLs a case is not about revocation.
    ...(crls && crls.length > 0 ? { crls: crls.flatMap((pem) => read('X509 CRL', pem)) } : {}),
    ...(peer ? { hostName: peer.value } : {}),
    ...(typeof depth === 'number' ? { maxPathLength: depth } : {}),
  }
}

function read(label: string, pem: string): readonly Uint8Array[] {
  return parsePemBlocks(pem, label).map(({ der }) => der)
}
