/**
 * Verifying signatures on all processor cores: threads that do arithmetic, beside this one, which does as much.
 *
 * @module crypto/signature-pool (floor 2)
 */
import type { KeyObject } from 'node:crypto'
import { availableParallelism } from 'node:os'
import type { Worker } from 'node:worker_threads'
import { StateError } from '../errors/index.js'
import { fileBeside, startThread } from '../files/index.js'
import { requireFamily, type VerifyingAlgorithm } from './algorithms.js'
import { type SignatureCheck, verifySignature } from './signature.js'
import { MAX_KEYS, SignatureRing, SLOT_OCTETS, SLOTS } from './signature-ring.js'
import type { KeyMessage, ThreadData } from './signature-worker.js'

export interface SignaturePoolOptions {
  /** Threads beside this one. Default: one less than the machine runs at the same time, and at least one. */
  readonly threads?: number
}

/** Who wants to know whether a signature verifies, and is told once. */
export interface SignatureAsker {
  answered(verifies: boolean): void
  /** @param error - {@link StateError} `ERR_POOL_CLOSED`: nobody will answer. */
  failed(error: unknown): void
}

interface Asked {
  readonly check: SignatureCheck
  readonly asker: SignatureAsker
}

/** Signatures that each thread has before it, so that it has the next whatever this one does. */
const AHEAD = 32
/** The number of this thread among those that take. */
const HERE = 0

/**
 * Threads that verify signatures. They do not keep the process alive while nothing waits for them.
 *
 * They hold public keys and what was signed, and answer yes or no; what an answer means is decided by who asked. What a
 * thread had that is no more is verified by another, and by this one where there is none.
 */
export class SignaturePool {
  readonly #ring = new SignatureRing()
  readonly #threads = new Map<number, Worker>()
  /** Who asked, by slots of the ring. */
  readonly #asked: (Asked | undefined)[] = []
  /** For whom there is no slot yet. */
  readonly #waiting: Asked[] = []
  readonly #places = new Map<KeyObject, Map<VerifyingAlgorithm, number>>()
  #lastPlace = 0
  #isWatching = false
  #isClosed = false

  constructor({ threads = Math.max(1, availableParallelism() - 1) }: SignaturePoolOptions = {}) {
    // From source it is a TypeScript file, too.
    const name = import.meta.url.endsWith('.ts') ? './signature-worker.ts' : './signature-worker.js'
    const file = fileBeside(import.meta.url, name)
    if (file === undefined) return
    for (let thread = HERE + 1; thread <= threads; thread++) this.#start(file, thread)
  }

  /** Whether all threads have as much before them as is good: then who asks does better to {@link help}. */
  get isBusy(): boolean {
    return this.#ring.length >= Math.min(AHEAD * this.#threads.size, SLOTS / 2)
  }

  /**
   * Verify a signature.
   *
   * @param check - Its octets must not change before the answer.
   * @returns Whether it verifies. A malformed signature does not.
   * @throws {@link TrustError} `ERR_ALGORITHM_MISMATCH` · {@link StateError} `ERR_POOL_CLOSED`
   */
  verify(check: SignatureCheck): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.ask(check, { answered: resolve, failed: reject })
    })
  }

  /**
   * As {@link verify}, for whoever asks so often that a promise for each is too much. Answers come in the order of the
   * questions, but for what is too long to be handed over: that is verified here and now.
   */
  ask(check: SignatureCheck, asker: SignatureAsker): void {
    const { algorithm, key, data, signature } = check
    requireFamily(algorithm, key.family)
    if (this.#isClosed) throw closed()
    if (data.length + signature.length > SLOT_OCTETS) {
      asker.answered(verifySignature(algorithm, key, data, signature))
      return
    }
    const asked = { check, asker }
    if (this.#waiting.length > 0 || !this.#put(asked)) this.#waiting.push(asked)
    if (this.#isWatching) return
    this.#isWatching = true
    setImmediate(() => {
      this.#watch()
    })
  }

  /** Verify one signature here that nobody has begun, and tell what others found. @returns Whether there was any. */
  help(): boolean {
    const slot = this.#ring.take(HERE)
    const asked = slot === undefined ? undefined : this.#asked[slot]
    if (slot !== undefined && asked !== undefined) {
      const { algorithm, key, data, signature } = asked.check
      this.#ring.answer(slot, verifySignature(algorithm, key, data, signature))
    }
    this.#tell()
    return slot !== undefined
  }

  /** End the threads. Who still waits is refused. */
  async close(): Promise<void> {
    this.#isClosed = true
    const error = closed()
    for (const asked of [...this.#asked.splice(0), ...this.#waiting.splice(0)]) asked?.asker.failed(error)
    await Promise.all([...this.#threads.values()].map((worker) => worker.terminate()))
  }

  #start(file: URL, thread: number): void {
    const workerData: ThreadData = { memory: this.#ring.memory, thread }
    const listeners = {
      message: () => {
        this.#watch()
      },
      // It ends, too, and nobody takes what it did not say for an answer.
      error: () => undefined,
      exit: () => {
        this.#threads.delete(thread)
        this.#ring.giveBack(thread)
        this.#watch()
      },
    }
    this.#threads.set(thread, startThread(file, listeners, { workerData }))
  }

  #put(asked: Asked): boolean {
    const { algorithm, key, data, signature } = asked.check
    const slot = this.#ring.put({ data, signature, key: this.#placeOf(key.keyObject, algorithm) })
    if (slot === undefined) return false
    this.#asked[slot] = asked
    return true
  }

  /** The place of a key that verifies in one way. The threads learn of it before they need it. */
  #placeOf(key: KeyObject, algorithm: VerifyingAlgorithm): number {
    const known = this.#places.get(key)?.get(algorithm)
    if (known !== undefined) return known
    if (++this.#lastPlace % MAX_KEYS === 0) this.#places.clear()
    const place = this.#lastPlace
    const places = this.#places.get(key) ?? new Map<VerifyingAlgorithm, number>()
    this.#places.set(key, places.set(algorithm, place))
    const message: KeyMessage = { place, key, digest: algorithm.digest, pss: algorithm.pss }
    for (const worker of this.#threads.values()) worker.postMessage(message)
    return place
  }

  /** Tell who asked, oldest first; then there is room for those who wait. */
  #tell(): void {
    for (let found = this.#ring.fetch(); found !== undefined; found = this.#ring.fetch()) {
      const asked = this.#asked[found.slot]
      this.#asked[found.slot] = undefined
      asked?.asker.answered(found.verifies)
    }
    while (this.#waiting[0] !== undefined && this.#put(this.#waiting[0])) this.#waiting.shift()
  }

  /** Be woken when there is an answer, as long as there is a question. */
  #watch(): void {
    // Who closes waits for the threads to end, and so does the process.
    if (this.#isClosed) return
    this.#tell()
    this.#ring.want()
    // What was answered before it was wanted, nobody reports.
    this.#tell()
    this.#isWatching = this.#ring.length > 0
    for (const worker of this.#threads.values()) {
      if (this.#isWatching) worker.ref()
      else worker.unref()
    }
    if (!this.#isWatching || this.#threads.size > 0) return
    setImmediate(() => {
      this.help()
      this.#watch()
    })
  }
}

function closed(): StateError {
  return new StateError('ERR_POOL_CLOSED', 'the threads that verify signatures are ended')
}
