/**
 * Keys for many certificates: made on another thread as well, ahead of whoever needs them, so that both processor cores
 * have something to do while a disk is waited for.
 *
 * @module crypto/key-maker (floor 2)
 */
import type { Worker } from 'node:worker_threads'
import { fileBeside, startThread } from '../files/index.js'
import type { KeyAlgorithmName } from './algorithms.js'
import { type CurveName, CURVES, isCurveName } from './curves.js'
import { GeneratedKey } from './generate-key.js'

/** So many keys on a curve. The answer is their numbers, one after the other. */
export interface KeyQuestion {
  readonly curve: CurveName
  readonly count: number
}

/** Keys before a thread is started: to start it takes as long as to make these. */
const ALONE = 1000
/** Keys that are asked for together: two milliseconds of work. */
const BATCH = 64
/** Batches that wait at most: what is made while a group of certificates is being written to the disk. */
const AHEAD = 16

/** Makes keys. None is handed out twice. */
export class KeyMaker {
  readonly #alone: number
  #worker: Worker | undefined
  #made = 0
  #curve: CurveName | undefined
  #ready: Uint8Array[] = []
  /** Batches on their way, and how many of the next of them nobody wants any more. */
  #asked = 0
  #unwanted = 0

  /** @param alone - Keys that are made on this thread, before another is started. */
  constructor(alone: number = ALONE) {
    this.#alone = alone
  }

  /** A new key: one that is ready, or one made here and now. Nobody waits for the thread, or notices when it fails. */
  take(algorithm: KeyAlgorithmName): GeneratedKey {
    this.#made++
    if (!isCurveName(algorithm)) return GeneratedKey.generate(algorithm)
    if (this.#made > this.#alone) this.#ask(algorithm)
    return (algorithm === this.#curve ? this.#next(algorithm) : undefined) ?? GeneratedKey.generate(algorithm)
  }

  /** Forget the keys that nobody took. The thread stays, for the next who takes some. */
  rest(): void {
    for (const octets of this.#ready.splice(0)) octets.fill(0)
    this.#unwanted = this.#asked
    this.#curve = undefined
  }

  /** End the thread, and forget the keys that nobody took. From now on all are made here. */
  async close(): Promise<void> {
    this.rest()
    this.#made = -Infinity
    await this.#worker?.terminate()
  }

  #next(curve: CurveName): GeneratedKey | undefined {
    const [octets] = this.#ready
    if (octets === undefined) return undefined
    const { scalarOctets, pointOctets } = CURVES[curve]
    const [scalar, rest] = [octets.subarray(0, scalarOctets), octets.subarray(scalarOctets + pointOctets)]
    const key = GeneratedKey.ofNumbers(curve, scalar, octets.subarray(scalarOctets, scalarOctets + pointOctets))
    scalar.fill(0)
    if (rest.length > 0) this.#ready[0] = rest
    else this.#ready.shift()
    return key
  }

  /** All keys that are ready are on one curve, the first that was asked for: nobody asks for two. */
  #ask(curve: CurveName): void {
    this.#curve ??= curve
    if (curve !== this.#curve) return
    while (this.#ready.length + this.#asked - this.#unwanted < AHEAD) {
      this.#worker ??= this.#start()
      if (this.#worker === undefined) return
      this.#asked++
      this.#worker.postMessage({ curve, count: BATCH } satisfies KeyQuestion)
    }
  }

  #take(octets: Uint8Array): void {
    this.#asked--
    if (this.#unwanted === 0) {
      this.#ready.push(octets)
      return
    }
    this.#unwanted--
    octets.fill(0)
  }

  #start(): Worker | undefined {
    const file = fileBeside(import.meta.url, './key-worker.js')
    if (file === undefined) {
      this.#made = -Infinity
      return undefined
    }
    return startThread(file, {
      message: (octets: Uint8Array) => {
        this.#take(octets)
      },
      error: () => {
        this.#made = -Infinity
      },
    })
  }
}
