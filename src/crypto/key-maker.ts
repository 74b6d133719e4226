/**
 * Keys for many certificates: made on another thread as well, ahead of whoever needs them, so that both processor cores
 * have something to do while a disk is waited for.
 *
 * @module crypto/key-maker (floor 2)
 */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { KeyAlgorithmName } from './algorithms.js'
import { GeneratedKey } from './generate-key.js'

/** What a key on a curve consists of: a number, and a point that is not compressed. */
export const CURVE_NUMBERS = {
  p256: { namedCurve: 'prime256v1', scalarOctets: 32, pointOctets: 65 },
  p384: { namedCurve: 'secp384r1', scalarOctets: 48, pointOctets: 97 },
} as const

type CurveName = keyof typeof CURVE_NUMBERS

/** So many keys on a curve. The answer is their numbers, one after the other. */
export interface KeyQuestion {
  readonly curve: CurveName
  readonly count: number
}

/** Keys before a thread is started: to start it takes as long as to make these. */
const ALONE = 1000
/** Keys that are asked for together: two milliseconds of work. */
const BATCH = 64
/** Keys that wait at most: what is made while a group of certificates is being written to the disk. */
const AHEAD = 512

/** Makes keys. None is handed out twice. */
export class KeyMaker {
  readonly #alone: number
  #worker: Worker | undefined
  #made = 0
  #curve: CurveName | undefined
  #ready: Uint8Array[] = []
  /** Keys that are ready, or asked for. */
  #ahead = 0

  /** @param alone - Keys that are made on this thread, before another is started. */
  constructor(alone: number = ALONE) {
    this.#alone = alone
  }

  /** A new key: one that is ready, or one made here and now. Nobody waits for the thread, or notices when it fails. */
  take(algorithm: KeyAlgorithmName): GeneratedKey {
    this.#made++
    if (algorithm !== 'p256' && algorithm !== 'p384') return GeneratedKey.generate(algorithm)
    if (this.#made > this.#alone) this.#ask(algorithm)
    return (algorithm === this.#curve ? this.#next(algorithm) : undefined) ?? GeneratedKey.generate(algorithm)
  }

  /** End the thread. Keys that nobody took are forgotten. */
  async close(): Promise<void> {
    for (const octets of this.#ready.splice(0)) octets.fill(0)
    this.#made = -Infinity
    await this.#worker?.terminate()
  }

  #next(curve: CurveName): GeneratedKey | undefined {
    const [octets] = this.#ready
    if (octets === undefined) return undefined
    const { scalarOctets, pointOctets } = CURVE_NUMBERS[curve]
    const [scalar, rest] = [octets.subarray(0, scalarOctets), octets.subarray(scalarOctets + pointOctets)]
    const key = GeneratedKey.ofNumbers(curve, scalar, octets.subarray(scalarOctets, scalarOctets + pointOctets))
    scalar.fill(0)
    if (rest.length > 0) this.#ready[0] = rest
    else this.#ready.shift()
    this.#ahead--
    return key
  }

  /** All keys of one thread are on one curve, the first that was asked for: nobody asks for two. */
  #ask(curve: CurveName): void {
    this.#curve ??= curve
    if (curve !== this.#curve || this.#ahead > AHEAD - BATCH) return
    this.#worker ??= this.#start()
    while (this.#worker !== undefined && this.#ahead <= AHEAD - BATCH) {
      this.#ahead += BATCH
      this.#worker.postMessage({ curve, count: BATCH } satisfies KeyQuestion)
    }
  }

  #start(): Worker | undefined {
    const file = new URL('./key-worker.js', import.meta.url)
    // A program of one file has none to start a thread from.
    if (file.protocol !== 'file:' || !existsSync(fileURLToPath(file))) {
      this.#made = -Infinity
      return undefined
    }
    // Flags of this program that name what it runs are none of the thread's.
    const worker = new Worker(file, { execArgv: [] })
    worker.unref()
    worker.on('message', (octets: Uint8Array) => this.#ready.push(octets))
    worker.on('error', () => {
      this.#made = -Infinity
    })
    return worker
  }
}
