/** A thread that does nothing but `crypto.verify`: it takes the next signature until all are taken. */
import { type KeyObject, verify } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'

/** What all such threads share. */
export interface BareSignatures {
  /** How many were taken. */
  readonly taken: Int32Array
  readonly parts: readonly { readonly signed: Uint8Array; readonly signature: Uint8Array }[]
  readonly key: KeyObject
  readonly digest: string | null
}

const { taken, parts, key, digest } = workerData as BareSignatures
parentPort?.on('message', () => {
  for (let part = parts[Atomics.add(taken, 0, 1)]; part !== undefined; part = parts[Atomics.add(taken, 0, 1)]) {
    if (!verify(digest, part.signed, key, part.signature)) throw new Error('a signature does not verify')
  }
  parentPort?.postMessage('ended')
})
