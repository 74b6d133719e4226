/**
 * What a command sees of the world. Tests hand in their own; only `bin/signet.js` knows the process.
 *
 * @module cli/environment (floor 8)
 */
import type { Readable, Writable } from 'node:stream'
import type { Clock } from '../time/index.js'

/** A stream that may be a terminal. */
export type Terminal<S> = S & { readonly isTTY?: boolean; readonly columns?: number }

export interface CliEnvironment {
  readonly stdin: Terminal<Readable>
  readonly stdout: Terminal<Writable>
  readonly stderr: Terminal<Writable>
  /** Environment variables. Only `SIGNET_*`, `HOME` and those named in help are read. */
  readonly variables: Readonly<Record<string, string | undefined>>
  /** Folder that relative paths start from. */
  readonly directory: string
  readonly clock: Clock
}

/** The environment of this process. */
export function processEnvironment(): CliEnvironment {
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    variables: process.env,
    directory: process.cwd(),
    clock: { now: () => new Date() },
  }
}
