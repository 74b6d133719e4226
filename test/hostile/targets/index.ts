/**
 * Every kind of object that is mutated.
 *
 * @module test/hostile/targets
 */
import type { Random } from '../random.js'
import { type Target } from './target.js'
import { ENCRYPTED_DERS, ENCRYPTED_TARGETS } from './encrypted.js'
import { KEY_DERS, keyTargets } from './keys.js'
import { MESSAGE_DERS, MESSAGE_TARGETS } from './message.js'
import { OCSP_DERS, OCSP_TARGETS } from './ocsp.js'
import { SIGNED_DERS, SIGNED_TARGETS } from './signed.js'
import { SLIP_DERS, SLIP_TARGETS } from './slip.js'
import { TEXT_TARGETS } from './text.js'
import { X509_DERS, X509_TARGETS } from './x509.js'

const ders = [...X509_DERS, ...MESSAGE_DERS, ...SLIP_DERS, ...ENCRYPTED_DERS, ...OCSP_DERS, ...SIGNED_DERS, ...KEY_DERS]

export const TARGETS: readonly Target[] = [
  ...X509_TARGETS,
  ...OCSP_TARGETS,
  ...MESSAGE_TARGETS,
  ...SLIP_TARGETS,
  ...ENCRYPTED_TARGETS,
  ...SIGNED_TARGETS,
  ...keyTargets(ders),
  ...TEXT_TARGETS,
]

/** One of these, by their weights. */
export function targetFor(random: Random, targets: readonly Target[]): Target {
  let rest = random.next() * targets.reduce((sum, { weight }) => sum + weight, 0)
  for (const target of targets) {
    rest -= target.weight
    if (rest < 0) return target
  }
  return random.pick(targets)
}
