/**
 * Defects that were found and are not mended yet. What fits one of these is counted and passed over. Each is in
 * `regressions.json`, too, and has to show there: whoever mends it takes it out here, and leaves it there.
 *
 * @module test/hostile/known
 */
export interface KnownDefect {
  readonly fits: RegExp
  readonly why: string
  /** `sometimes`: a matter of how fast the machine is, and so not in `regressions.json`. */
  readonly shows: 'always' | 'sometimes'
}

export const KNOWN_DEFECTS: readonly KnownDefect[] = []

/** The known defect that a violation is of. */
export function knownDefect(violation: string): KnownDefect | undefined {
  return KNOWN_DEFECTS.find(({ fits }) => fits.test(violation))
}
