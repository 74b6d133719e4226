/** How verified routes are shown. @module cli/route-text (floor 8) */
import type { VerifiedRoute } from '../message/index.js'

/** A verified route for `--json`. */
export function describeRoute({ planned, steps, next }: VerifiedRoute): Record<string, unknown> {
  return {
    route: planned,
    steps: steps.map(({ entry, signer, certificate, signingTime }, index) => ({
      step: index + 1,
      entry,
      signer,
      fingerprint: certificate.fingerprint,
      signingTime: signingTime.toISOString(),
    })),
    next: next ?? null,
  }
}

/** A verified route in one line. */
export function routeText({ planned, steps, next }: VerifiedRoute): string {
  const done = `${steps.length} of ${planned.length} steps checked off`
  return next === undefined ? `${planned.join(', ')}: complete` : `${planned.join(', ')}: ${done}, next is ${next}`
}
