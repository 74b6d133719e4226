/**
 * Many end entities of one issuer: what is above them is validated once.
 *
 * @module path/issuer (floor 4)
 */
import { UsageError } from '../errors/index.js'
import type { Certificate } from '../x509/index.js'
import { crlSignersAmong, noPath, type PathRequest, validatePath } from './build.js'
import { Budget } from './budget.js'
import type { Purpose } from './purpose.js'
import { keyMayFit } from './search.js'
import { CheckedAuthorities } from './validate.js'

/** What is asked of every path that leads through one issuer. */
export type IssuerRequest = Omit<PathRequest, 'purpose' | 'hostName' | 'email' | 'uri'>

let prove: (issuer: Certificate, request: IssuerRequest, authorities: CheckedAuthorities) => ValidatedIssuer

/** The proof that a CA may issue: only {@link validateIssuer} makes one. It holds for one instant. */
export class ValidatedIssuer {
  static {
    prove = (issuer, request, authorities) => new ValidatedIssuer(issuer, request, authorities)
  }
  readonly certificate: Certificate
  readonly #request: IssuerRequest
  readonly #authorities: CheckedAuthorities

  private constructor(certificate: Certificate, request: IssuerRequest, authorities: CheckedAuthorities) {
    this.certificate = certificate
    this.#request = request
    this.#authorities = authorities
  }

  /**
   * Validate a certificate that this CA should have issued, for each of several purposes: all that `validatePath` checks
   * of an end entity, with the same words. No other issuer is looked for.
   *
   * @throws {@link UsageError} `ERR_CONFIG_INVALID` if no purpose is named
   * @throws {@link TrustError} what `validatePath` refuses
   * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED`
   */
  validate(target: Certificate, purposes: readonly Purpose[]): void {
    // Without this, nobody would have asked what it is for.
    if (purposes.length === 0) throw new UsageError('ERR_CONFIG_INVALID', 'no purpose to validate for is named')
    if (!keyMayFit(this.certificate, target)) throw noPath(target)
    const request = { ...this.#request, purpose: 'allow-any' } as const
    const budget = new Budget()
    this.#authorities.checkBelow(target, purposes, { budget, crlSigners: crlSignersAmong(request, budget) })
  }
}

/**
 * Validate a CA and everything above it.
 *
 * @returns The proof, by which the certificates that it issued can be validated.
 * @throws as {@link validatePath}; and what is wrong with it as a CA
 */
export function validateIssuer(issuer: Certificate, request: IssuerRequest): ValidatedIssuer {
  const { certificates } = validatePath(issuer, { ...request, purpose: 'allow-any' })
  const budget = new Budget()
  const context = { budget, crlSigners: crlSignersAmong({ ...request, purpose: 'allow-any' }, budget) }
  return prove(issuer, request, new CheckedAuthorities(certificates.toReversed(), request, context))
}
