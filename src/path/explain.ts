/**
 * Why a certificate is believed, or why not: every rule that was applied, to which certificate, and what it said.
 *
 * @module path/explain (floor 4)
 */
import { isSignetError, type SignetError } from '../errors/index.js'
import type { Certificate } from '../x509/index.js'
import { Budget } from './budget.js'
import { crlSignersAmong, type PathRequest, searchOf, type ValidatedPath, validatePath } from './build.js'
import { checkReferenceIdentity } from './reference-identity.js'
import { type Judge, type RuleName } from './rules.js'
import { candidatePaths, type NotTheIssuer } from './search.js'
import { checkPath } from './validate.js'

/** One rule, applied to one certificate. */
export interface Finding {
  readonly certificate: Certificate
  readonly rule: RuleName
  /** What the rule says against it; nothing if it is kept. */
  readonly error: SignetError | undefined
}

/** One chain of certificates from the target to an anchor. */
export interface ExaminedPath {
  /** End entity first, trust anchor last. */
  readonly certificates: readonly Certificate[]
  /** In the order of validation: anchor first. Goes on after what fails. */
  readonly findings: readonly Finding[]
}

export interface PathExplanation {
  /** The proof, where a path is valid. */
  readonly path: ValidatedPath | undefined
  /** What {@link validatePath} throws, where none is. */
  readonly error: SignetError | undefined
  /** About the target alone, before any path. */
  readonly findings: readonly Finding[]
  /** The first paths found, at most {@link MAX_EXPLAINED_PATHS}. Where one is valid, it is the last. */
  readonly examined: readonly ExaminedPath[]
  /** Certificates that have the name of an issuer and did not issue. */
  readonly leftAside: readonly NotTheIssuer[]
}

export const MAX_EXPLAINED_PATHS = 8

/**
 * Validate as {@link validatePath} does, and tell how.
 *
 * @throws {@link UsageError} `ERR_TRUST_NO_ANCHOR`; refusals are part of the answer
 */
export function explainPath(target: Certificate, request: PathRequest): PathExplanation {
  const { path, error } = decide(target, request)
  const leftAside: NotTheIssuer[] = []
  const examined: ExaminedPath[] = []
  try {
    const budget = new Budget()
    const context = { budget, crlSigners: crlSignersAmong(request, budget) }
    const leaveAside = (aside: NotTheIssuer): void => void leftAside.push(aside)
    const examine = (certificates: readonly Certificate[]): void => {
      const findings: Finding[] = []
      checkPath(certificates, request, { ...context, judge: recordIn(findings) })
      examined.push({ certificates: certificates.toReversed(), findings })
    }
    const isValid = (): boolean => examined.at(-1)?.findings.every((finding) => finding.error === undefined) === true
    for (const certificates of candidatePaths(target, { ...searchOf(request), budget, leaveAside })) {
      examine(certificates)
      if (isValid() || examined.length === MAX_EXPLAINED_PATHS) break
    }
    // Of many ways, that which was taken is told in any case.
    if (path !== undefined && !isValid()) {
      examined.splice(MAX_EXPLAINED_PATHS - 1)
      examine(path.certificates.toReversed())
    }
  } catch (thrown) {
    // The budget is spent: what was found so far is told, and the verdict stands on its own.
    if (!isSignetError(thrown)) throw thrown
  }
  const findings: Finding[] = []
  checkReferenceIdentity(target, request, recordIn(findings))
  return { path, error, findings, examined, leftAside }
}

function decide(target: Certificate, request: PathRequest): Pick<PathExplanation, 'path' | 'error'> {
  try {
    return { path: validatePath(target, request), error: undefined }
  } catch (error) {
    if (!isSignetError(error) || error.category === 'usage') throw error
    return { path: undefined, error }
  }
}

function recordIn(findings: Finding[]): Judge {
  return (rule, certificate, check) => {
    let error: SignetError | undefined
    try {
      check()
    } catch (thrown) {
      if (!isSignetError(thrown)) throw thrown
      error = thrown
    }
    // A rule that is applied in two steps is one rule, kept if both are.
    const before = findings.findIndex((finding) => finding.certificate === certificate && finding.rule === rule)
    if (before < 0) findings.push({ certificate, rule, error })
    else if (findings[before]?.error === undefined) findings[before] = { certificate, rule, error }
  }
}
