/**
 * Commands that are said once, as data, and read twice: by commander, and by those who must not wait for it.
 *
 * @module cli/declaration (floor 8)
 */
import type { Invocation, Outcome } from './invocation.js'

/** One option, in the words of commander. */
export interface OptionDeclaration {
  /** `--force`, or with a value that must follow: `--out <file>`. A short form may stand before. */
  readonly flags: string
  readonly description: string
  /** What must be said. Default: nothing. */
  readonly presence?: 'required'
  /** Whether it may be said again, and then adds. Default: once. */
  readonly occurrence?: 'repeatable'
  /** What holds where it is not said. */
  readonly standard?: string
}

/** One command with at most one operand. */
export interface CommandDeclaration {
  /** The words that name it: `['cms', 'verify']`. */
  readonly path: readonly string[]
  /** `<file>`, or where it may be missing, `[file]`. */
  readonly operand: string
  readonly summary: string
  readonly description: string
  readonly options: readonly OptionDeclaration[]
  readonly examples: readonly string[]
}

/** A command that is declared, and what it does. */
export interface DeclaredCommand extends CommandDeclaration {
  /**
   * @param operand - `undefined` where it may be missing, and is.
   * @param options - By their names in camel case, as commander has them.
   */
  run(cli: Invocation, operand: string | undefined, options: object): Promise<Outcome | undefined>
}

/** What stands before or after any command: `GlobalOptions`. */
export const GLOBAL_OPTIONS: readonly OptionDeclaration[] = [
  { flags: '--home <dir>', description: 'folder of the authority (default: SIGNET_HOME, else ~/.signet)' },
  { flags: '--json', description: 'print one JSON object, errors too' },
]
