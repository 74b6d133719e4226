/**
 * What the suites about revocation share: GOOD, REVOKED or UNKNOWN, by one source that is at hand.
 *
 * @module test/conformance/suites/revocation
 */
import { Budget } from '../../../src/path/budget.js'
import { checkNotRevoked } from '../../../src/path/revocation.js'
import type { RevocationSources } from '../../../src/path/index.js'
import type { Certificate } from '../../../src/x509/index.js'
import { isRefusal, refused, type Verdict } from '../suite.js'

export interface Question {
  readonly certificate: Certificate
  readonly issuer: Certificate
  readonly at: Date
  readonly sources: RevocationSources
  /** Who may have signed a CRL. */
  readonly crlSigners?: readonly Certificate[]
}

/**
 * Ask about one certificate whose issuer is believed already: what a path would say of it is another suite's question.
 *
 * @param ask - Reads what must be read, too: what cannot be read says nothing.
 */
export function statusOf(ask: () => Question): Verdict {
  try {
    const { certificate, issuer, sources, at, crlSigners = [] } = ask()
    const context = { at, algorithms: 'allow-weak', budget: new Budget(), crlSigners: () => crlSigners } as const
    checkNotRevoked(certificate, issuer, sources, context)
    return { got: 'GOOD' }
  } catch (error) {
    if (!isRefusal(error)) throw error
    return refused(error, error.code === 'ERR_REVOKED' ? 'REVOKED' : 'UNKNOWN')
  }
}
