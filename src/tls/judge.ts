/**
 * The path of whoever is at the other end, judged anew or kept while nothing that it rests on has changed.
 *
 * @module tls/judge (floor 7)
 */
import { type CrlMemory, type ReferenceIdentity, validatePath, type ValidatedPath } from '../path/index.js'
import { addSeconds } from '../time/index.js'
import type { TrustDirectory } from '../trust/index.js'
import type { Certificate, Crl } from '../x509/index.js'
import type { HandshakeTrust } from './context.js'
import type { TlsGeneration } from './generation.js'
import type { AllowedPeers } from './peer.js'

/** Who may be at the other end of one connection. */
export interface Wanted {
  readonly purpose: 'client' | 'server'
  readonly allow: AllowedPeers | 'allow-any-identified'
  /** Names that its certificate must hold. */
  readonly reference?: ReferenceIdentity
}

/** What peers are judged by at one moment. */
export interface Grounds {
  readonly generation: TlsGeneration
  readonly directory: TrustDirectory | undefined
  readonly graceSeconds: number
}

/** A path, and for how long it need not be validated again by the same grounds. */
export interface Verdict {
  readonly path: ValidatedPath
  readonly grounds: string
  readonly until: Date
}

/** What is believed of CAs: where there is a trust directory, its anchors alone. */
export function trustOf({ generation, directory }: Omit<Grounds, 'graceSeconds'>): HandshakeTrust {
  const { anchors, intermediates, crls } = generation
  if (directory === undefined) return { anchors, intermediates, crls }
  return {
    anchors: directory.anchors,
    intermediates: [...intermediates, ...directory.authorities],
    // Whoever says that somebody is revoked is believed.
    crls: [...crls, ...directory.crls],
  }
}

/** The same text for the same grounds. */
export function groundsKey({ generation, directory }: Omit<Grounds, 'graceSeconds'>): string {
  return JSON.stringify([generation.folder, generation.digest, directory?.digest ?? ''])
}

/**
 * Validate the path of a peer, unless the verdict before still stands: by the same grounds, and before anything that it
 * rests on is over.
 *
 * CAs between come from the credential and the trust directory, not from the peer.
 *
 * @throws {@link TrustError} what path validation refuses
 */
export function judgePath(
  certificate: Certificate,
  { purpose, reference = {} }: Wanted,
  grounds: Grounds,
  at: Date,
  crlMemory: CrlMemory,
  before?: Verdict,
): Verdict {
  const key = groundsKey(grounds)
  if (before?.grounds === key && before.path.at <= at && at <= before.until) return before
  const { anchors, intermediates, crls } = trustOf(grounds)
  const { graceSeconds } = grounds
  const path = validatePath(certificate, {
    ...reference,
    anchors,
    intermediates,
    at,
    purpose,
    revocation: { crls, crlMemory, allowStaleSeconds: graceSeconds },
  })
  return { path, grounds: key, until: firstEnd(path, crls, graceSeconds) }
}

function firstEnd(path: ValidatedPath, crls: readonly Crl[], graceSeconds: number): Date {
  const ends = [
    ...path.certificates.map(({ notAfter }) => notAfter),
    ...crls.map((crl) => addSeconds(crl.currentUntil, graceSeconds)),
  ]
  return new Date(Math.min(...ends.map((end) => end.getTime())))
}
