/** How trust directories and deltas are shown. @module cli/trust-facts (floor 8) */
import type { TrustDelta, TrustDirectory } from '../trust/index.js'
import { facts, instant } from './table.js'

export function directoryFacts(directory: TrustDirectory): Record<string, unknown> {
  const { trustDomain, sequence, issuedAt, nextUpdate, size, digest } = directory
  return {
    trustDomain,
    sequence,
    issuedAt: issuedAt.toISOString(),
    nextUpdate: nextUpdate.toISOString(),
    signers: size,
    digest,
  }
}

export function directoryText({ trustDomain, sequence, issuedAt, nextUpdate, size }: TrustDirectory): string {
  return facts([
    ['trust directory', `${trustDomain}, number ${sequence}`],
    ['current', `${instant(issuedAt)} to ${instant(nextUpdate)}`],
    ['signers', String(size)],
  ])
}

export function deltaFacts(delta: TrustDelta): Record<string, unknown> {
  const { trustDomain, base, result, issuedAt, nextUpdate, removed, changed } = delta
  return {
    trustDomain,
    base,
    result,
    issuedAt: issuedAt.toISOString(),
    nextUpdate: nextUpdate.toISOString(),
    removed,
    changed,
  }
}

export function deltaText(delta: TrustDelta): string {
  return facts([
    ['trust delta', `${delta.trustDomain}, from number ${delta.base.sequence} to ${delta.result.sequence}`],
    ['current', `${instant(delta.issuedAt)} to ${instant(delta.nextUpdate)}`],
    ['removed', String(delta.removed)],
    ['new, changed', String(delta.changed)],
  ])
}
