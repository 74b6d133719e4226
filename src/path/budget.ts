/**
 * How much work one question may cost, however the certificates at hand are arranged (CVE-2024-0567, RUSTSEC-2023-0052).
 *
 * @module path/budget (floor 4)
 */
import { LimitError } from '../errors/index.js'

/** Signatures verified for one question: paths, CRLs and OCSP responses together. */
export const MAX_SIGNATURES = 256
/** Issuers looked at, by name and key identifier. */
export const MAX_STEPS = 20_000
/** Complete paths checked. */
export const MAX_PATHS = 64
/** By the monotonic clock, which nobody sets. */
export const MAX_MILLISECONDS = 10_000

/** Counts down; throws when nothing is left. One for each call of {@link validatePath}. */
export class Budget {
  #signatures = MAX_SIGNATURES
  #steps = MAX_STEPS
  #paths = MAX_PATHS
  readonly #deadline = milliseconds() + MAX_MILLISECONDS

  /** @throws {@link LimitError} `ERR_LIMIT_EXCEEDED` */
  signature(): void {
    if (--this.#signatures < 0) throw exceeded(`${MAX_SIGNATURES} signatures were verified`)
    this.#time()
  }

  /** @throws {@link LimitError} `ERR_LIMIT_EXCEEDED` */
  step(): void {
    if (--this.#steps < 0) throw exceeded(`${MAX_STEPS} issuers were tried`)
    this.#time()
  }

  /** @throws {@link LimitError} `ERR_LIMIT_EXCEEDED` */
  path(): void {
    if (--this.#paths < 0) throw exceeded(`${MAX_PATHS} paths were checked`)
    this.#time()
  }

  #time(): void {
    if (milliseconds() > this.#deadline) throw exceeded(`${MAX_MILLISECONDS} ms went by`)
  }
}

/** `performance` says the same, and takes a millisecond to load. */
function milliseconds(): number {
  return Number(process.hrtime.bigint() / 1_000_000n)
}

function exceeded(what: string): LimitError {
  return new LimitError('ERR_LIMIT_EXCEEDED', `${what} and none led to a valid path`, {
    hint: 'give fewer certificates that have the same name',
  })
}
