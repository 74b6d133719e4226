/**
 * What a suite of strangers' cases is: cases with the verdict that the suite states, and how signet comes to its own.
 *
 * @module test/conformance/suite
 */
import { isSignetError, type SignetError } from '../../src/errors/index.js'

/** What signet said about a case. */
export interface Verdict {
  /** In the words of {@link Case.expected}. */
  readonly got: string
  /** Given exactly where signet refused something. */
  readonly code?: string
  readonly message?: string
  /** Why the case was not judged: it asks for what signet does not do. Such a case is explained, never agreed. */
  readonly skipped?: string
}

export interface Case {
  /** Unique in its suite, and the same wherever the suite is run. */
  readonly id: string
  /** `accept`, `reject`, `either` of the two, or a word of the suite's own. */
  readonly expected: string
  /** Whatever it throws that is not a `SignetError` is a crash. */
  readonly run: () => Verdict | Promise<Verdict>
}

export interface Loaded {
  readonly cases: readonly Case[]
  /** What of the folder was left out, and why: one line each. */
  readonly leftOut?: readonly string[]
}

export interface Suite {
  /** Names it in `exceptions.json` and reports. */
  readonly name: string
  /** What it is about. */
  readonly title: string
  /** What other implementations score in the whole suite, as published. */
  readonly peers: string
  /** The cases in a folder of corpora, or `undefined` where it does not have the suite. */
  readonly load: (corpora: string) => Loaded | undefined
}

export const ACCEPT: Verdict = { got: 'accept' }

/** The verdict of a refusal. */
export function refused(error: SignetError, got = 'reject'): Verdict {
  return { got, code: error.code, message: error.message }
}

/** The verdict of a case that signet has no answer to. */
export function skipped(reason: string): Verdict {
  return { got: 'skipped', skipped: reason }
}

/**
 * Accept if the work comes to an end, reject if it throws an error of ours.
 *
 * @throws whatever else the work throws, and broken invariants: they are crashes.
 */
export function attempt(work: () => unknown, word: (error: SignetError) => string = () => 'reject'): Verdict {
  try {
    work()
    return ACCEPT
  } catch (error) {
    if (!isRefusal(error)) throw error
    return refused(error, word(error))
  }
}

/** Whether something thrown is a refusal rather than a defect. */
export function isRefusal(error: unknown): error is SignetError {
  return isSignetError(error) && error.category !== 'internal'
}

/** Whether a verdict is the one expected. */
export function agrees({ expected }: Case, { got }: Verdict): boolean {
  return expected === 'either' ? got === 'accept' || got === 'reject' : got === expected
}
