/**
 * A stranger on a thread of its own, so that what was signed is validated while the next is being signed. Questions are
 * answered in order.
 *
 * @module authority/stranger-thread (floor 7)
 */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { InternalError } from '../errors/index.js'
import type { PurposeName } from '../path/index.js'
import { type CommonKnowledge, type Reading, type Signed, type Stranger, strangerTo } from './stranger.js'

/** {@link CommonKnowledge} in octets. */
export interface ThreadKnowledge {
  readonly anchors: readonly Uint8Array[]
  readonly issuer: Uint8Array
  readonly crls: readonly Uint8Array[]
  readonly at: Date
}

/** Certificates one after the other, and where each ends. */
export interface Question {
  readonly octets: Uint8Array
  readonly ends: readonly number[]
  readonly purposes: readonly (readonly PurposeName[])[]
}

/** What was read, or the place of the first certificate that was refused. */
export type Answer = { readonly readings: readonly Reading[] } | { readonly refused: number }

interface Open {
  readonly signed: readonly Signed[]
  readonly resolve: (readings: readonly Reading[]) => void
  readonly reject: (error: unknown) => void
}

/** A stranger that is to be closed. */
export interface ClosableStranger extends Stranger {
  close(): Promise<void>
}

/**
 * Start a stranger on another thread; where the program has no file to start one from, on this.
 *
 * @throws as {@link strangerTo}
 */
export function startStranger(knowledge: CommonKnowledge): ClosableStranger {
  const here = strangerTo(knowledge)
  const file = new URL('./stranger-worker.js', import.meta.url)
  if (file.protocol === 'file:' && existsSync(fileURLToPath(file))) return new ThreadStranger(file, knowledge, here)
  return { read: async (signed) => Promise.resolve(signed.map(here)), close: () => Promise.resolve() }
}

class ThreadStranger implements ClosableStranger {
  readonly #worker: Worker
  readonly #here: (signed: Signed) => Reading
  readonly #open: Open[] = []
  #failure: Error | undefined

  constructor(file: URL, { anchors, issuer, crls, at }: CommonKnowledge, here: (signed: Signed) => Reading) {
    this.#here = here
    const workerData: ThreadKnowledge = {
      anchors: anchors.map(({ der }) => der),
      issuer: issuer.der,
      crls: crls.map(({ der }) => der),
      at,
    }
    // Flags of this program that name what it runs are none of the thread's.
    this.#worker = new Worker(file, { workerData, execArgv: [] })
    // Who waits for an answer keeps the process alive; a thread that nobody asks does not.
    this.#worker.unref()
    this.#worker.on('message', (answer: Answer) => {
      this.#take(answer)
    })
    // What it could not bear, a lack of memory or a file that is not ours, is no verdict about a certificate.
    this.#worker.on('error', (cause) => {
      this.#fail(new InternalError('ERR_INTERNAL', 'the thread that validates certificates failed', { cause }))
    })
    this.#worker.on('exit', () => {
      this.#fail(new InternalError('ERR_INTERNAL', 'the thread that validates certificates ended'))
    })
  }

  async read(signed: readonly Signed[]): Promise<readonly Reading[]> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure)
        return
      }
      this.#open.push({ signed, resolve, reject })
      this.#worker.ref()
      const question = questionOf(signed)
      this.#worker.postMessage(question, [question.octets.buffer])
    })
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }

  #take(answer: Answer): void {
    const open = this.#open.shift()
    if (this.#open.length === 0) this.#worker.unref()
    if (open === undefined) return
    if ('readings' in answer && answer.readings.length === open.signed.length) open.resolve(answer.readings)
    else open.reject(this.#whyRefused(open.signed, 'refused' in answer ? answer.refused : -1))
  }

  /** The refusal, found again here: errors lose their kind between threads. */
  #whyRefused(signed: readonly Signed[], index: number): unknown {
    const refused = signed[index]
    try {
      if (refused !== undefined) this.#here(refused)
    } catch (error) {
      return error
    }
    return new InternalError('ERR_INTERNAL', 'two threads do not agree about a certificate')
  }

  /** Nothing more is believed. */
  #fail(error: Error): void {
    this.#failure ??= error
    for (const { reject } of this.#open.splice(0)) reject(this.#failure)
  }
}

function questionOf(signed: readonly Signed[]): Question & { readonly octets: { readonly buffer: ArrayBuffer } } {
  const ends: number[] = []
  let length = 0
  for (const { der } of signed) ends.push((length += der.length))
  const octets = new Uint8Array(length)
  for (const [index, { der }] of signed.entries()) octets.set(der, (ends[index] ?? 0) - der.length)
  return { octets, ends, purposes: signed.map(({ purposes }) => purposes) }
}
