/**
 * What a thread of the {@link SignaturePool} does: arithmetic, and nothing else. It imports nothing of signet, so that it
 * runs from source and from what is built.
 *
 * @module crypto/signature-worker (floor 2)
 */
import { constants, type KeyObject, verify } from 'node:crypto'
import { parentPort } from 'node:worker_threads'

/** Signatures to verify: octets in one piece of memory, one after the other: data, signature, data, signature. */
export interface Batch {
  readonly octets: Uint8Array
  /** For each signature: length of the data, length of the signature, place of the key, digest, PSS or not. */
  readonly checks: readonly (readonly [number, number, number, string | null, boolean])[]
  /** Keys that this thread does not have yet, by their places. */
  readonly keys: readonly (readonly [number, KeyObject])[]
}

const keys = new Map<number, KeyObject>()

function verifyBatch({ octets, checks, keys: newKeys }: Batch): Uint8Array {
  for (const [place, key] of newKeys) keys.set(place, key)
  let position = 0
  return Uint8Array.from(checks, ([dataLength, signatureLength, place, digest, pss]) => {
    const data = octets.subarray(position, position + dataLength)
    const signature = octets.subarray(position + dataLength, position + dataLength + signatureLength)
    position += dataLength + signatureLength
    const key = keys.get(place)
    if (key === undefined) return 0
    const { RSA_PKCS1_PSS_PADDING: padding, RSA_PSS_SALTLEN_DIGEST: saltLength } = constants
    try {
      return verify(digest, data, pss ? { key, padding, saltLength } : key, signature) ? 1 : 0
    } catch {
      // OpenSSL throws for some malformed signatures and answers false for others.
      return 0
    }
  })
}

parentPort?.on('message', (batch: Batch) => {
  parentPort?.postMessage(verifyBatch(batch))
})
