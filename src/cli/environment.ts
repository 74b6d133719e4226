/**
 * What a command sees of the world. Tests hand in their own; only `bin/signet.js` knows the process.
 *
 * @module cli/environment (floor 8)
 */
import { createReadStream, fstatSync } from 'node:fs'
import type { Readable } from 'node:stream'
import type { Clock } from '../time/index.js'
import { type DirectOutput, type Output, standardError, standardOutput } from './output.js'

const STANDARD_INPUT = 0
const FILE_PIECE_BYTES = 512 * 1024

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
  let stdin: Terminal<Readable> | undefined
  return {
    // A stream is made when somebody asks for it, which takes milliseconds.
    get stdin() {
      return (stdin ??= standardInput())
    },
    stdout: standardOutput(),
    stderr: standardError(),
    variables: process.env,
    directory: process.cwd(),
    clock: { now: () => new Date() },
  }
}

/** Node reads a file in pieces of 64 KiB, and between them waits for another thread. */
function standardInput(): Terminal<Readable> {
  return isFile(STANDARD_INPUT)
    ? createReadStream('', { fd: STANDARD_INPUT, autoClose: false, highWaterMark: FILE_PIECE_BYTES })
    : process.stdin
}

function isFile(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isFile()
  } catch {
    // It is closed.
    return false
  }
}
