/**
 * What the linter has to say.
 *
 * @module identity/lint-finding (floor 5)
 */

export type LintCode =
  /** An earlier rule matches whatever this one does. */
  | 'shadowed'
  /** Two rules match one certificate and say different things, and the earlier is not a special case of the later. */
  | 'overlap'
  /** What the rule matches can never have the identity that it gives. */
  | 'unreachable'
  /** Roles or groups for everybody whom the issuer certifies. */
  | 'unanchored'
  /** A rule grants what the registry does not know. */
  | 'role-unknown'
  /** A rule grants what no policy names. */
  | 'role-unused'
  /** A policy names what nobody is granted. */
  | 'role-never-granted'
  /** There are too many rules to compare each with each. */
  | 'unfinished'

export interface LintFinding {
  readonly code: LintCode
  /** The rule that it is about, where it is about one. */
  readonly rule?: string
  /** The earlier rule that it is about, too. */
  readonly other?: string
  readonly message: string
  readonly hint: string
}
