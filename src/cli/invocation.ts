/**
 * One run of the command line: what every command needs, and how its outcome is printed.
 *
 * stdout holds the result and nothing else; notes, prompts and progress go to stderr.
 *
 * @module cli/invocation (floor 8)
 */
import { join, resolve } from 'node:path'
import type { Authority } from '../authority/index.js'
import type { Passphrase } from '../crypto/index.js'
import {
  DEFAULT_MAX_FILE_BYTES,
  type Pieces,
  PUBLIC_MODE,
  readFileBytes,
  writeFileAtomic,
  writePiecesAtomic,
} from '../files/index.js'
import { EncodingError, LimitError, UsageError } from '../errors/index.js'
import type { CliEnvironment } from './environment.js'
import type { PassphraseOptions } from './passphrase.js'
import { type Progress, type ProgressUnit, startProgress } from './progress.js'
import { printable } from './table.js'

/** What stands before or after any command. */
export interface GlobalOptions {
  readonly home?: string
  readonly json?: boolean
}

/** What a command has to say. */
export interface Outcome {
  /** The members of the JSON object, beside `schema` and `ok`. */
  readonly data: Readonly<Record<string, unknown>>
  /** For people: lines without a final newline. */
  readonly text: string
}

/** A refusal that has more to say than its error: what is printed besides it. */
export class RefusedOutcome extends Error {
  readonly outcome: Outcome
  /** The refusal itself. */
  readonly error: unknown

  constructor(outcome: Outcome, error: unknown) {
    super('refused', { cause: error })
    this.outcome = outcome
    this.error = error
  }
}

/** A refusal of which everything has been said: only the exit code is left. */
export class ReportedRefusal extends Error {
  readonly exitCode: number

  constructor(exitCode: number) {
    super('refused')
    this.exitCode = exitCode
  }
}

export class Invocation {
  readonly environment: CliEnvironment
  readonly #globals: () => GlobalOptions

  /** @param globals - Known only when the words were read. */
  constructor(environment: CliEnvironment, globals: () => GlobalOptions) {
    this.environment = environment
    this.#globals = globals
  }

  /** Whether the result is to be JSON. */
  get json(): boolean {
    return this.#globals().json === true
  }

  /** Make an action of a command: run it, print what it yields, if it has not printed by itself. */
  action<A extends readonly unknown[]>(
    run: (...words: A) => Promise<Outcome | undefined> | Outcome,
  ): (...words: A) => Promise<void> {
    return async (...words) => {
      const outcome = await run(...words)
      if (outcome !== undefined) this.print(outcome)
    }
  }

  /** Print a result that is too large to be held, as fast as whoever reads it takes it. */
  async printPieces(pieces: Pieces<string>): Promise<undefined> {
    const { stdout } = this.environment
    for await (const piece of pieces) {
      if (!stdout.write(piece)) await new Promise<void>((resolve) => stdout.once('drain', resolve))
    }
    return undefined
  }

  print({ data, text }: Outcome): void {
    this.environment.stdout.write(
      this.json ? `${JSON.stringify({ schema: 1, ok: true, ...data })}\n` : text === '' ? '' : `${text}\n`,
    )
  }

  /** Something worth knowing that is not the result. */
  note(text: string): void {
    this.environment.stderr.write(`signet: note: ${printable(text)}\n`)
  }

  /** A path as the user meant it. */
  path(path: string): string {
    return resolve(this.environment.directory, path)
  }

  /** The folder of the authority: `--home`, `SIGNET_HOME`, `~/.signet`. */
  get home(): string {
    const home = this.#namedHome()
    if (home === undefined) {
      throw new UsageError('ERR_USAGE', 'no home is named, and HOME is not set', {
        hint: 'name it with --home or SIGNET_HOME',
      })
    }
    return home
  }

  /** Whether anything says where the folder of the authority would be. Receivers do without. */
  get hasHome(): boolean {
    return this.#namedHome() !== undefined
  }

  /** Whether this command line names it, and not only what is around. */
  get isHomeGiven(): boolean {
    return this.#globals().home !== undefined
  }

  #namedHome(): string | undefined {
    const { variables } = this.environment
    const named = this.#globals().home ?? nonEmpty(variables['SIGNET_HOME'])
    if (named !== undefined) return this.path(named)
    const userHome = nonEmpty(variables['HOME'])
    return userHome === undefined ? undefined : join(userHome, '.signet')
  }

  now(): Date {
    return this.environment.clock.now()
  }

  /** Open the authority for the time of some work. */
  async withAuthority<T>(work: (authority: Authority) => Promise<T>): Promise<T> {
    const { Authority } = await import('../authority/index.js')
    const authority = await Authority.open(this.home, this.environment.clock)
    try {
      return await work(authority)
    } finally {
      await authority.close()
    }
  }

  /** The passphrase of an authority's keys; `undefined` where no key needs one. */
  async authorityPassphrase(authority: Authority, options: PassphraseOptions): Promise<Passphrase | undefined> {
    return authority.needsPassphrase ? this.passphrase(options) : undefined
  }

  async passphrase(
    options: PassphraseOptions,
    what = 'passphrase of the authority',
    twice: 'once' | 'twice' = 'once',
  ): Promise<Passphrase> {
    const { obtainPassphrase } = await import('./passphrase.js')
    return obtainPassphrase(this, options, what, twice)
  }

  /** Read a file, or standard input where the path is `-`. */
  async readInput(path: string): Promise<Uint8Array> {
    if (path !== '-') return readFileBytes(this.path(path), { empty: 'allow' })
    const pieces: Buffer[] = []
    let length = 0
    for await (const piece of this.environment.stdin) {
      const bytes = Buffer.from(piece as Uint8Array)
      length += bytes.length
      if (length > DEFAULT_MAX_FILE_BYTES) {
        throw new LimitError('ERR_LIMIT_EXCEEDED', `standard input is longer than ${DEFAULT_MAX_FILE_BYTES} bytes`, {
          details: { limit: String(DEFAULT_MAX_FILE_BYTES) },
        })
      }
      pieces.push(bytes)
    }
    return new Uint8Array(Buffer.concat(pieces))
  }

  /** As {@link readInput}, for what cannot be empty. */
  async readDocument(path: string): Promise<Uint8Array> {
    const bytes = await this.readInput(path)
    if (bytes.length === 0) throw new EncodingError('ERR_INPUT_EMPTY', `${path} is empty`, { details: { path } })
    return bytes
  }

  /** Where a result goes. */
  outputPath(path: string): string {
    if (path !== '-') return this.path(path)
    throw new UsageError('ERR_USAGE', 'the result goes into a file: - is not one', {
      hint: 'write ./- for that name',
    })
  }

  /** Write a result file that is public. @returns Where it is. */
  writeOutput(
    path: string,
    content: Uint8Array | string,
    force: boolean | undefined,
    mode: number = PUBLIC_MODE,
  ): string {
    const target = this.outputPath(path)
    writeFileAtomic(target, content, { mode, existing: force === true ? 'replace' : 'refuse' })
    return target
  }

  /** As {@link writeOutput}, for what is too large to be held. */
  async writeOutputPieces(path: string, pieces: Pieces<string>, force: boolean | undefined): Promise<string> {
    const target = this.outputPath(path)
    await writePiecesAtomic(target, pieces, { mode: PUBLIC_MODE, existing: force === true ? 'replace' : 'refuse' })
    return target
  }

  /** @param total - `undefined` where nobody knows. */
  progress(label: string, total: number | undefined, unit: ProgressUnit = 'count'): Progress {
    return startProgress(this.environment.stderr, label, total, unit)
  }
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text
}
