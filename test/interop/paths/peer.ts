/**
 * Another program that validates certification paths.
 *
 * @module test/interop/paths/peer
 */
import { createHash } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodePem } from '../../../src/asn1/index.js'
import { STRICTNESS, type Strictness } from '../../../src/path/index.js'
import type { PathInputs } from '../../conformance/suites/paths.js'
import type { Program } from '../programs.js'

/** What it says about a path; or why it was not asked. */
export type Answer =
  | { readonly got: 'accept' }
  | { readonly got: 'reject'; readonly words: string }
  | { readonly got: 'not asked'; readonly words: string }

export interface Peer {
  readonly name: PeerName
  readonly program: Program
  /** How strict signet has to be, to ask what this program asks. */
  readonly strictnessOf: (inputs: PathInputs) => Strictness
  /** Ask about many paths. @param folder - For files. @returns The answers in their order. */
  readonly ask: (questions: readonly PathInputs[], folder: string) => Promise<readonly Answer[]>
}

export const PEER_NAMES = ['openssl', 'gnutls', 'go'] as const
export type PeerName = (typeof PEER_NAMES)[number]

/** RFC 5280 §6, and what the certificates of anchors say: all three look at them. */
export function checkingAnchors({ strictness: { algorithms } }: PathInputs): Strictness {
  return { ...STRICTNESS.rfc5280, anchorValidity: 'checked', anchorConstraints: 'checked', algorithms }
}

export function rejected(words: string): Answer {
  return { got: 'reject', words: words.replaceAll(/\s+/g, ' ').trim() }
}

/** Write objects as one PEM file, once. @returns Its name. */
export function writePem(folder: string, label: string, objects: readonly Uint8Array[]): string {
  const text = objects.map((der) => encodePem(label, der)).join('')
  const path = join(folder, `${createHash('sha256').update(text).digest('hex')}.pem`)
  // Another process may be reading it.
  if (!existsSync(path)) writeFileSync(path, text)
  return path
}
