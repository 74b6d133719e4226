/**
 * Standard output and standard error, written to without waiting for the streams of Node, which take two milliseconds to
 * make. What is not written at once goes through them, and in order.
 *
 * @module cli/output (floor 8)
 */
import { writeSync } from 'node:fs'
import type { Writable } from 'node:stream'

/** What commands need of a stream that they write to. */
export interface Output {
  /** @returns Whether more may follow at once; else `drain` says when. */
  write(piece: string | Uint8Array): boolean
  once(event: 'drain', listener: () => void): unknown
}

/** A reader that goes away (`signet … | head`) is no failure of ours, but nothing was delivered either. */
const EXIT_UNDELIVERED = 8

/** Standard output of this process; the process ends where nobody takes what is written. */
export function standardOutput(): DirectOutput {
  return new DirectOutput(
    1,
    () => process.stdout,
    () => process.exit(EXIT_UNDELIVERED),
  )
}

/** Standard error of this process. Where nobody hears what went wrong, the exit code still says it. */
export function standardError(): DirectOutput {
  return new DirectOutput(
    2,
    () => process.stderr,
    () => undefined,
  )
}

export class DirectOutput implements Output {
  readonly #descriptor: number
  readonly #open: () => Writable
  readonly #onFailure: () => void
  #stream: Writable | undefined

  constructor(descriptor: number, open: () => Writable, onFailure: () => void) {
    this.#descriptor = descriptor
    this.#open = open
    this.#onFailure = onFailure
  }

  get isTTY(): boolean {
    return process.getBuiltinModule('node:tty').isatty(this.#descriptor)
  }

  /** Whether all that was written has been taken. */
  get isWritten(): boolean {
    return this.#stream === undefined || this.#stream.writableLength === 0
  }

  write(piece: string | Uint8Array): boolean {
    let rest = typeof piece === 'string' ? Buffer.from(piece) : piece
    try {
      while (this.#stream === undefined && rest.length > 0) {
        rest = rest.subarray(writeSync(this.#descriptor, rest))
      }
    } catch (error) {
      // Somebody who shares it made it non-blocking: the stream knows how to wait.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') {
        this.#onFailure()
        return true
      }
    }
    return rest.length === 0 || this.#streamed().write(rest)
  }

  once(event: 'drain', listener: () => void): void {
    this.#streamed().once(event, listener)
  }

  #streamed(): Writable {
    this.#stream ??= this.#open().on('error', this.#onFailure)
    return this.#stream
  }
}
