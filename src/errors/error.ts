/**
 * The one error type of signet. What is thrown on purpose is a `SignetError`; anything else is a bug.
 *
 * @module errors/error (floor 0)
 */
import { type CodeIn, type ErrorCategory, type ErrorCode, ERROR_CODES, EXIT_CODES } from './codes.js'

export interface SignetErrorOptions {
  /** Printed facts, never key material. */
  readonly details?: Readonly<Record<string, string>>
  /** What to do next. */
  readonly hint?: string
  readonly cause?: unknown
}

/** The JSON form of an error, as `--json` prints it. */
export interface SignetErrorJson {
  readonly code: ErrorCode
  readonly category: ErrorCategory
  readonly exitCode: number
  readonly message: string
  readonly details: Readonly<Record<string, string>>
  readonly hint?: string
}

/**
 * A refusal with a stable code. The class says the category, so that `catch` can tell *untrusted* from *denied*.
 *
 * The message is lower case without a final period and says what failed and on what.
 */
export abstract class SignetError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C
  readonly details: Readonly<Record<string, string>>
  readonly hint: string | undefined

  constructor(code: C, message: string, options: SignetErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.code = code
    this.details = Object.freeze({ ...options.details })
    this.hint = options.hint
  }

  get category(): ErrorCategory {
    return ERROR_CODES[this.code].category
  }

  get exitCode(): number {
    return EXIT_CODES[this.category]
  }

  toJSON(): SignetErrorJson {
    return {
      code: this.code,
      category: this.category,
      exitCode: this.exitCode,
      message: this.message,
      details: this.details,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
    }
  }
}

/** A broken invariant: a bug. */
export class InternalError extends SignetError<CodeIn<'internal'>> {}
/** The caller asked in a way that cannot be answered. */
export class UsageError extends SignetError<CodeIn<'usage'>> {}
/** Bytes or text are not what their format allows. */
export class EncodingError extends SignetError<CodeIn<'encoding'>> {}
/** Something is well-formed, but not to be believed: signature, path, purpose, revocation. */
export class TrustError extends SignetError<CodeIn<'untrusted'>> {}
/** Something is believed, but not allowed: identity, destination, binding, profile. */
export class DeniedError extends SignetError<CodeIn<'denied'>> {}
/** Something was right at another time: replayed, expired, from the future. */
export class StaleError extends SignetError<CodeIn<'stale'>> {}
/** Something is there that should not be, or the reverse. */
export class StateError extends SignetError<CodeIn<'state'>> {}
/** Files, keys, stores, clocks. */
export class StoreError extends SignetError<CodeIn<'store'>> {}
/** More than the documented limit. */
export class LimitError extends SignetError<CodeIn<'limit'>> {}

/** Whether something thrown is one of ours; anything else is a bug or belongs to the caller. */
export function isSignetError(error: unknown): error is SignetError {
  return error instanceof SignetError
}
