/**
 * The thread of a {@link KeyMaker}: it makes keys on a curve, hands out their numbers, and keeps none.
 *
 * @module crypto/key-worker (floor 2)
 */
import { createECDH } from 'node:crypto'
import { parentPort } from 'node:worker_threads'
import { CURVES } from './curves.js'
import type { KeyQuestion } from './key-maker.js'

parentPort?.on('message', ({ curve, count }: KeyQuestion) => {
  const { namedCurve, scalarOctets, pointOctets } = CURVES[curve]
  const ecdh = createECDH(namedCurve)
  const octets = new Uint8Array(count * (scalarOctets + pointOctets))
  for (let end = 0; end < octets.length;) {
    const point = ecdh.generateKeys()
    const scalar = ecdh.getPrivateKey()
    end += scalarOctets
    // OpenSSL yields the number without leading zeros.
    octets.set(scalar, end - scalar.length)
    octets.set(point, end)
    end += pointOctets
    scalar.fill(0)
  }
  parentPort?.postMessage(octets, [octets.buffer])
})
