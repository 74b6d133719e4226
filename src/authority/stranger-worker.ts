/**
 * The thread of a stranger: see `stranger-thread`. It is told only what a relying party knows, and holds no key.
 *
 * @module authority/stranger-worker (floor 7)
 */
import { parentPort, workerData } from 'node:worker_threads'
import { parseCertificate, parseCrl } from '../x509/index.js'
import { type Reading, strangerTo } from './stranger.js'
import type { Answer, Question, ThreadKnowledge } from './stranger-thread.js'

const { anchors, issuer, crls, at } = workerData as ThreadKnowledge
const read = strangerTo({
  anchors: anchors.map((der) => parseCertificate(der)),
  issuer: parseCertificate(issuer),
  crls: crls.map((der) => parseCrl(der)),
  at,
})

parentPort?.on('message', ({ octets, ends, purposes }: Question) => {
  const readings: Reading[] = []
  let start = 0
  let answer: Answer = { readings }
  for (const [index, end] of ends.entries()) {
    try {
      readings.push(read({ der: octets.subarray(start, end), purposes: purposes[index] ?? [] }))
    } catch {
      // Errors lose their kind on the way: whoever asked looks again, and sees for itself.
      answer = { refused: index }
      break
    }
    start = end
  }
  parentPort?.postMessage(answer)
})
