/**
 * Verifying signatures on other processor cores: threads that do arithmetic, fed in batches, because handing over one
 * signature takes about as long as verifying it.
 *
 * @module crypto/signature-pool (floor 2)
 */
import type { KeyObject } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { InternalError, StateError } from '../errors/index.js'
import { requireFamily } from './algorithms.js'
import type { SignatureCheck } from './signature.js'
import type { Batch } from './signature-worker.js'

export interface SignaturePoolOptions {
  /** Threads beside this one. Default: one less than the machine runs at the same time, and at least one. */
  readonly threads?: number
}

/** Signatures that are handed over together. */
const BATCH = 64
/** Batches that one thread has before it at most, so that it always has the next. */
const BATCHES_AHEAD = 2

interface Waiting {
  readonly check: SignatureCheck
  readonly resolve: (verifies: boolean) => void
  readonly reject: (error: unknown) => void
}

interface Thread {
  readonly worker: Worker
  /** What it has before it, oldest first. */
  readonly batches: (readonly Waiting[])[]
  /** Places of the keys that it has. */
  readonly places: Map<KeyObject, number>
}

/** Keys that a thread keeps; then all are sent anew. */
const MAX_KEYS = 4096

/**
 * Threads that verify signatures. They do not keep the process alive while nothing waits for them.
 *
 * They hold public keys and what was signed, and answer yes or no; what an answer means is decided by who asked.
 */
export class SignaturePool {
  readonly #threads: Thread[]
  #waiting: Waiting[] = []
  #isFlushing = false
  #isClosed = false

  constructor({ threads = Math.max(1, availableParallelism() - 1) }: SignaturePoolOptions = {}) {
    this.#threads = Array.from({ length: threads }, () => this.#start())
  }

  /** Whether all threads have as much before them as is good: then who asks does better to verify by itself. */
  get isBusy(): boolean {
    return this.#waiting.length >= BATCH && this.#threads.every(({ batches }) => batches.length >= BATCHES_AHEAD)
  }

  /**
   * Verify a signature.
   *
   * @param check - Its octets are copied when they are handed over: do not change them before the answer.
   * @returns Whether it verifies. A malformed signature does not.
   * @throws {@link TrustError} `ERR_ALGORITHM_MISMATCH` · {@link StateError} `ERR_POOL_CLOSED` · {@link InternalError}
   * where a thread failed
   */
  verify(check: SignatureCheck): Promise<boolean> {
    return new Promise((resolve, reject) => {
      requireFamily(check.algorithm, check.key.family)
      if (this.#isClosed) throw new StateError('ERR_POOL_CLOSED', 'the threads that verify signatures are ended')
      this.#waiting.push({ check, resolve, reject })
      if (this.#waiting.length >= BATCH) this.#flush()
      else if (!this.#isFlushing) {
        this.#isFlushing = true
        // Whatever else comes in this turn of the event loop goes along.
        setImmediate(() => {
          this.#isFlushing = false
          this.#flush()
        })
      }
    })
  }

  /** End the threads. Who still waits is refused. */
  async close(): Promise<void> {
    this.#isClosed = true
    const error = new StateError('ERR_POOL_CLOSED', 'the threads that verify signatures are ended')
    const waiting = [...this.#waiting, ...this.#threads.flatMap(({ batches }) => batches.flat())]
    this.#waiting = []
    for (const { reject } of waiting) reject(error)
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()))
  }

  #flush(): void {
    while (this.#waiting.length > 0) {
      const [first, ...others] = this.#threads
      if (first === undefined) throw new InternalError('ERR_INTERNAL', 'a pool without threads')
      const thread = others.reduce((idle, other) => (other.batches.length < idle.batches.length ? other : idle), first)
      if (thread.batches.length >= BATCHES_AHEAD) return
      const batch = this.#waiting.splice(0, BATCH)
      thread.batches.push(batch)
      thread.worker.ref()
      const message = pack(batch, thread)
      thread.worker.postMessage(message, [message.octets.buffer as ArrayBuffer])
    }
  }

  #start(): Thread {
    // From source the worker is a TypeScript file, too.
    const name = import.meta.url.endsWith('.ts') ? './signature-worker.ts' : './signature-worker.js'
    const worker = new Worker(new URL(name, import.meta.url))
    const thread: Thread = { worker, batches: [], places: new Map() }
    worker.unref()
    worker.on('message', (answers: Uint8Array) => {
      for (const [index, { resolve }] of (thread.batches.shift() ?? []).entries()) resolve(answers[index] === 1)
      if (thread.batches.length === 0) worker.unref()
      this.#flush()
    })
    worker.on('error', (cause) => {
      // A thread that failed has answered nothing: nobody is believed, and the pool is of no more use.
      const error = new InternalError('ERR_INTERNAL', 'a thread that verifies signatures failed', { cause })
      const waiting = [...this.#waiting, ...thread.batches.splice(0).flat()]
      this.#waiting = []
      this.#isClosed = true
      for (const { reject } of waiting) reject(error)
    })
    return thread
  }
}

function pack(batch: readonly Waiting[], { places }: Thread): Batch {
  if (places.size > MAX_KEYS) places.clear()
  let length = 0
  for (const { check } of batch) length += check.data.length + check.signature.length
  const octets = new Uint8Array(length)
  const keys: [number, KeyObject][] = []
  let position = 0
  const checks = batch.map(({ check: { algorithm, key, data, signature } }) => {
    octets.set(data, position)
    octets.set(signature, position + data.length)
    position += data.length + signature.length
    let place = places.get(key.keyObject)
    if (place === undefined) {
      place = places.size
      places.set(key.keyObject, place)
      keys.push([place, key.keyObject])
    }
    return [data.length, signature.length, place, algorithm.digest, algorithm.pss] as const
  })
  return { octets, checks, keys }
}
