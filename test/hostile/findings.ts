/**
 * What the mutating process prints, one line of JSON each.
 *
 * @module test/hostile/findings
 */

/** Something that must be so and is not. */
export interface Finding {
  readonly kind: 'finding'
  /** The case that found it. */
  readonly seed: number
  readonly target: string
  readonly steps: readonly string[]
  /** The octets in hexadecimal. */
  readonly input: string
  readonly what: string
}

export interface Progress {
  readonly kind: 'begun' | 'running' | 'done'
  readonly firstSeed: number
  readonly cases: number
  readonly findings: number
  /** How often each kind of object got how far. */
  readonly verdicts: Readonly<Record<string, number>>
  /** How often defects that are known were met. */
  readonly tolerated: Readonly<Record<string, number>>
  readonly maxRssKibibytes: number
}
