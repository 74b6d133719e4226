/**
 * What a command sees of the world. Tests hand in their own; only `bin/signet.js` knows the process.
 *
 * @module cli/environment (floor 8)
 */
import type { Readable } from 'node:stream'
import type { Clock } from '../time/index.js'
import { type DirectOutput, type Output, standardError, standardOutput } from './output.js'

/** A stream that may be a terminal. */
export type Terminal<S> = S & { readonly isTTY?: boolean }

export interface CliEnvironment {
  readonly stdin: Terminal<Readable>
  readonly stdout: Terminal<Output>
  readonly stderr: Terminal<Output>
  /** Environment variables. Only `SIGNET_*`, `HOME` and those named in help are read. */
  readonly variables: Readonly<Record<string, string | undefined>>
  /** Folder that relative paths start from. */
  readonly directory: string
  readonly clock: Clock
}

/** The environment of this process. */
export function processEnvironment(): CliEnvironment & Readonly<Record<'stdout' | 'stderr', DirectOutput>> {
  return {
    // A stream is made when somebody asks for it, which takes milliseconds.
    get stdin() {
      return process.stdin
    },
    stdout: standardOutput(),
    stderr: standardError(),
    variables: process.env,
    directory: process.cwd(),
    clock: { now: () => new Date() },
  }
}
