/**
 * The thread of strangers: see `stranger-thread`. Each is told only what a relying party knows, and none holds a key.
 *
 * @module authority/stranger-worker (floor 7)
 */
import { parentPort } from 'node:worker_threads'
import { parseCertificate, parseCrl } from '../x509/index.js'
import { type Reading, type Signed, strangerTo } from './stranger.js'
import type { Answer, ThreadKnowledge, Told } from './stranger-thread.js'

const strangers = new Map<number, (signed: Signed) => Reading>()

parentPort?.on('message', (told: Told) => {
  if (told.kind === 'knows') strangers.set(told.stranger, whoKnows(told.knowledge))
  else if (told.kind === 'reads') parentPort?.postMessage(answer(told))
  else strangers.delete(told.stranger)
})

function whoKnows({ anchors, issuer, crls, at }: ThreadKnowledge): (signed: Signed) => Reading {
  return strangerTo({
    anchors: anchors.map((der) => parseCertificate(der)),
    issuer: parseCertificate(issuer),
    crls: crls.map((der) => parseCrl(der)),
    at,
  })
}

/** Whoever was not met, or is gone, refuses. */
function answer({ stranger, octets, ends, purposes }: Told & { readonly kind: 'reads' }): Answer {
  const read = strangers.get(stranger)
  const readings: Reading[] = []
  let start = 0
  for (const [index, end] of ends.entries()) {
    try {
      if (read === undefined) return { refused: index }
      readings.push(read({ der: octets.subarray(start, end), purposes: purposes[index] ?? [] }))
    } catch {
      // Errors lose their kind on the way: whoever asked looks again, and sees for itself.
      return { refused: index }
    }
    start = end
  }
  return { readings }
}
