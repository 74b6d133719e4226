/**
 * What a thread of the {@link SignaturePool} does: arithmetic, and nothing else.
 *
 * @module crypto/signature-worker (floor 2)
 */
import { constants, type KeyObject, verify } from 'node:crypto'
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import type { RingEntry } from './signature-ring.js'

/** What a thread is told when it starts. */
export interface ThreadData {
  readonly memory: SharedArrayBuffer
  readonly thread: number
}

/** A key, and how it verifies: sent before the first signature that needs it. */
export interface KeyMessage {
  readonly place: number
  readonly key: KeyObject
  readonly digest: string | null
  readonly pss: boolean
}

/** Answers after which they are told of, while there are more to come. */
const ANSWERS_TOLD_TOGETHER = 16

// From source it is a TypeScript file, too.
const file = import.meta.url.replace('signature-worker', 'signature-ring')
const { MAX_KEYS, SignatureRing } = (await import(file)) as typeof import('./signature-ring.js')
const keys = new Map<number, KeyMessage>()
const { memory, thread } = workerData as ThreadData
const ring = new SignatureRing(memory)
for (let untold = 0; ;) {
  const { next } = ring
  const slot = ring.take(thread)
  if (slot !== undefined) {
    ring.answer(slot, verifies(ring.read(slot)))
    if (++untold < ANSWERS_TOLD_TOGETHER) continue
  }
  untold = 0
  if (ring.takeWish()) parentPort?.postMessage('answered')
  if (slot === undefined) ring.wait(next)
}

function verifies({ data, signature, key: place }: RingEntry): boolean {
  const known = keys.get(place) ?? received(place)
  if (known === undefined) return false
  const { key, digest, pss } = known
  const { RSA_PKCS1_PSS_PADDING: padding, RSA_PSS_SALTLEN_DIGEST: saltLength } = constants
  try {
    return verify(digest, data, pss ? { key, padding, saltLength } : key, signature)
  } catch {
    // OpenSSL throws for some malformed signatures and answers false for others.
    return false
  }
}

function received(place: number): KeyMessage | undefined {
  if (parentPort === null) return undefined
  for (let item = receiveMessageOnPort(parentPort); item !== undefined; item = receiveMessageOnPort(parentPort)) {
    const key = item.message as KeyMessage
    keys.set(key.place, key)
  }
  // Who sends them forgets all when they are as many, so that older ones are named no more.
  for (const old of keys.keys()) {
    if (keys.size <= 2 * MAX_KEYS) break
    keys.delete(old)
  }
  return keys.get(place)
}
