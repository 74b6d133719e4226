/**
 * Strangers on a thread of their own, so that what was signed is validated while the next is being signed. Questions are
 * answered in order.
 *
 * @module authority/stranger-thread (floor 7)
 */
import type { Worker } from 'node:worker_threads'
import { InternalError } from '../errors/index.js'
import { fileBeside, startThread } from '../files/index.js'
import type { PurposeName } from '../path/index.js'
import {
  type CommonKnowledge,
  readingInTurns,
  type Reading,
  type Signed,
  type Stranger,
  strangerTo,
} from './stranger.js'

/** {@link CommonKnowledge} in octets. */
export interface ThreadKnowledge {
  readonly anchors: readonly Uint8Array[]
  readonly issuer: Uint8Array
  readonly crls: readonly Uint8Array[]
  readonly at: Date
}

/** What the thread is told: who knows what, what is asked of whom, and who is not asked again. */
export type Told =
  | { readonly kind: 'knows'; readonly stranger: number; readonly knowledge: ThreadKnowledge }
  | ({ readonly kind: 'reads'; readonly stranger: number } & Question)
  | { readonly kind: 'goes'; readonly stranger: number }

/** Certificates one after the other, and where each ends. */
interface Question {
  readonly octets: Uint8Array<ArrayBuffer>
  readonly ends: readonly number[]
  readonly purposes: readonly (readonly PurposeName[])[]
}

/** What was read, or the place of the first certificate that was refused. */
export type Answer = { readonly readings: readonly Reading[] } | { readonly refused: number }

interface Open {
  readonly signed: readonly Signed[]
  /** Who finds the reason of a refusal again: errors lose their kind between threads. */
  readonly here: (signed: Signed) => Reading
  readonly resolve: (readings: readonly Reading[]) => void
  readonly reject: (error: unknown) => void
}

/** A stranger who is to be told when nothing more is asked. */
export interface MetStranger extends Stranger {
  part(): void
}

/** Certificates before a thread is started: to start it takes as long as to read these here. */
const ALONE = 500

/** The thread of an authority's strangers. It is started when there is much to read, and again where it failed. */
export class StrangerThread {
  readonly #alone: number
  #read = 0
  #thread: Thread | undefined

  /** @param alone - Certificates that are read on this thread, before another is started. */
  constructor(alone: number = ALONE) {
    this.#alone = alone
  }

  /**
   * Meet a stranger on the thread; where there is little to read, or no file to start a thread from, on this.
   *
   * @throws as {@link strangerTo}
   */
  meet(knowledge: CommonKnowledge): MetStranger {
    const read = strangerTo(knowledge)
    const here = readingInTurns(read)
    let there: MetStranger | undefined
    return {
      read: (signed) => {
        this.#read += signed.length
        if (this.#read > this.#alone) there ??= this.#start()?.meet(knowledge, read)
        return (there ?? here).read(signed)
      },
      part: () => there?.part(),
    }
  }

  /** End the thread. Who still waits is refused. */
  async close(): Promise<void> {
    await this.#thread?.close()
  }

  #start(): Thread | undefined {
    const file = fileBeside(import.meta.url, './stranger-worker.js')
    if (file !== undefined && this.#thread?.hasFailed !== false) this.#thread = new Thread(file)
    return this.#thread
  }
}

class Thread {
  readonly #worker: Worker
  readonly #open: Open[] = []
  #strangers = 0
  #failure: Error | undefined

  constructor(file: URL) {
    const fail = (why: string, options?: ErrorOptions): void => {
      this.#fail(new InternalError('ERR_INTERNAL', `the thread that validates certificates ${why}`, options))
    }
    // Who waits for an answer keeps the process alive; a thread that nobody asks does not.
    this.#worker = startThread(file, {
      message: (answer: Answer) => {
        this.#take(answer)
      },
      // What it could not bear, a lack of memory or a file that is not ours, is no verdict about a certificate.
      error: (cause) => {
        fail('failed', { cause })
      },
      exit: () => {
        fail('ended')
      },
    })
  }

  get hasFailed(): boolean {
    return this.#failure !== undefined
  }

  meet({ anchors, issuer, crls, at }: CommonKnowledge, here: (signed: Signed) => Reading): MetStranger {
    const stranger = ++this.#strangers
    const knowledge: ThreadKnowledge = {
      anchors: anchors.map(({ der }) => der),
      issuer: issuer.der,
      crls: crls.map(({ der }) => der),
      at,
    }
    this.#tell({ kind: 'knows', stranger, knowledge })
    return {
      read: (signed) => this.#ask(stranger, signed, here),
      part: () => {
        this.#tell({ kind: 'goes', stranger })
      },
    }
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }

  #tell(told: Told): void {
    this.#worker.postMessage(told, told.kind === 'reads' ? [told.octets.buffer] : [])
  }

  #ask(stranger: number, signed: readonly Signed[], here: (signed: Signed) => Reading): Promise<readonly Reading[]> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure)
        return
      }
      this.#open.push({ signed, here, resolve, reject })
      this.#worker.ref()
      this.#tell({ kind: 'reads', stranger, ...questionOf(signed) })
    })
  }

  #take(answer: Answer): void {
    const open = this.#open.shift()
    if (this.#open.length === 0) this.#worker.unref()
    if (open === undefined) return
    if ('readings' in answer && answer.readings.length === open.signed.length) open.resolve(answer.readings)
    else open.reject(whyRefused(open, 'refused' in answer ? answer.refused : -1))
  }

  /** Nothing more is believed. */
  #fail(error: Error): void {
    this.#failure ??= error
    for (const { reject } of this.#open.splice(0)) reject(this.#failure)
  }
}

function whyRefused({ signed, here }: Open, index: number): unknown {
  const refused = signed[index]
  try {
    if (refused !== undefined) here(refused)
  } catch (error) {
    return error
  }
  return new InternalError('ERR_INTERNAL', 'two threads do not agree about a certificate')
}

function questionOf(signed: readonly Signed[]): Question {
  const ends: number[] = []
  let length = 0
  for (const { der } of signed) ends.push((length += der.length))
  const octets = new Uint8Array(length)
  for (const [index, { der }] of signed.entries()) octets.set(der, (ends[index] ?? 0) - der.length)
  return { octets, ends, purposes: signed.map(({ purposes }) => purposes) }
}
