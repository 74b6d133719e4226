/**
 * OpenSSL's test/recipes/25-test_verify.t: one row is one call of `openssl verify`.
 *
 * @module test/conformance/suites/openssl-verify
 */
import { join } from 'node:path'
import { type PolicyInputs, type PurposeName, STRICTNESS, type Strictness } from '../../../src/path/index.js'
import { parseCertificate } from '../../../src/x509/index.js'
import { pemBlock, readJson, readPemBlocks } from '../files.js'
import { isRefusal } from '../suite.js'
import { pathCase, type PathInputs, type PathSuite } from './paths.js'

interface Row {
  readonly id: string
  readonly desc: string
  /** Names of files, without their ending. */
  readonly cert: string
  readonly trusted: readonly string[]
  readonly untrusted: readonly string[]
  readonly purpose: string
  readonly opts: readonly string[]
  readonly expect: 'ok' | 'fail'
  readonly uses_trusted_aux: boolean
}

export const opensslVerify: PathSuite = {
  name: 'openssl-verify',
  title: "OpenSSL's openssl verify",
  peers: '',
  load(corpora) {
    const folder = join(corpora, 'openssl')
    const rows = readJson(folder, 'verify-expected.json') as readonly Row[] | undefined
    return (
      rows && {
        cases: rows.map((row) =>
          pathCase(
            `${row.id} ${[row.cert, ...row.untrusted, ...row.trusted].join(' < ')}: ${row.desc}`,
            row.expect === 'ok' ? 'accept' : 'reject',
            () => inputsOf(join(folder, 'certs'), row),
          ),
        ),
      }
    )
  },
}

const PURPOSES: Readonly<Record<string, PurposeName | 'allow-any'>> = {
  '': 'allow-any',
  any: 'allow-any',
  sslserver: 'server',
  nssslserver: 'server',
  sslclient: 'client',
  smimesign: 'email',
}

function inputsOf(folder: string, row: Row): PathInputs | string {
  const purpose = PURPOSES[row.purpose]
  if (purpose === undefined) return `signet has no purpose ${row.purpose}`
  if (row.uses_trusted_aux) return 'only OpenSSL keeps trust settings in certificates'
  const options = optionsOf(row.opts)
  if (typeof options === 'string') return `signet has no ${options}`
  const read = (name: string): Uint8Array => pemBlock(readPemBlocks(folder, `${name}.pem`), 'CERTIFICATE')
  const trusted = row.trusted.map(read)
  // What is trusted without having issued itself is an anchor only on request; else it is one to build paths with.
  const isAnchor = (der: Uint8Array): boolean => options.partialChain || isSelfIssued(der)
  return {
    target: read(row.cert),
    purpose,
    anchors: trusted.filter(isAnchor),
    intermediates: [...row.untrusted.map(read), ...trusted.filter((der) => !isAnchor(der))],
    ...options.request,
  }
}

function isSelfIssued(der: Uint8Array): boolean {
  try {
    return parseCertificate(der).isSelfIssued
  } catch (error) {
    // As an anchor it will be refused, too.
    if (isRefusal(error)) return true
    throw error
  }
}

interface Options {
  readonly partialChain: boolean
  readonly request: Pick<PathInputs, 'at' | 'policies' | 'maxPathLength' | 'strictness'>
}

/** Options that change no verdict of ours: of proxies we know nothing, and what is trusted needs no signature. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set(['-allow_proxy_certs', '-check_ss_sig', '-trusted_first'])
const WITH_ARGUMENT: ReadonlySet<string> = new Set(['-attime', '-auth_level', '-policy', '-verify_depth', '-vfyopt'])
const FLAGS: ReadonlySet<string> = new Set([
  '-partial_chain',
  '-x509_strict',
  '-policy_check',
  '-explicit_policy',
  '-inhibit_any',
  '-inhibit_map',
])

/** @returns The request that the options make, or the option that signet does not have. */
function optionsOf(words: readonly string[]): Options | string {
  const flags = new Set<string>()
  const values = new Map<string, string[]>()
  for (const [index, word] of words.entries()) {
    if (WITH_ARGUMENT.has(words[index - 1] ?? '')) continue
    if (WITH_ARGUMENT.has(word)) values.set(word, [...(values.get(word) ?? []), words[index + 1] ?? ''])
    else if (FLAGS.has(word)) flags.add(word)
    else if (!WITHOUT_EFFECT.has(word)) return `option ${word}`
  }
  const number = (word: string): number | undefined => {
    const text = values.get(word)?.at(-1)
    return text === undefined ? undefined : Number(text)
  }
  const [time, depth, level = 1] = ['-attime', '-verify_depth', '-auth_level'].map(number)
  if (level > 2) return `security level ${level}`
  return {
    partialChain: flags.has('-partial_chain'),
    request: {
      at: time === undefined ? new Date() : new Date(time * 1000),
      ...(depth === undefined ? {} : { maxPathLength: depth }),
      policies: policiesOf(flags, values.get('-policy')),
      strictness: strictnessOf(flags, level),
    },
  }
}

function policiesOf(flags: ReadonlySet<string>, wanted: readonly string[] | undefined): PolicyInputs {
  return {
    ...(wanted === undefined ? {} : { userInitialPolicySet: wanted }),
    initialExplicitPolicy: flags.has('-explicit_policy') ? 'required' : 'not-required',
    initialPolicyMapping: flags.has('-inhibit_map') ? 'inhibited' : 'allowed',
    initialAnyPolicy: flags.has('-inhibit_any') ? 'inhibited' : 'allowed',
  }
}

/** OpenSSL holds anchors to their own certificates, and takes anyExtendedKeyUsage for no purpose in particular. */
function strictnessOf(flags: ReadonlySet<string>, level: number): Strictness {
  return {
    ...(flags.has('-x509_strict') ? STRICTNESS.pedantic : STRICTNESS.rfc5280),
    anchorValidity: 'checked',
    anchorConstraints: 'checked',
    extKeyUsage: 'allow-absent',
    anyExtendedKeyUsage: 'refused',
    // Level 0 is anything; 1, the default, is 80 bits and no SHA-1; 2 is 112 bits, and much like our list.
    algorithms: level === 0 ? 'allow-weak' : 'listed',
  }
}
