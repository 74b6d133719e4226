/**
 * What an agent tells while it works.
 *
 * @module agent/event (floor 7.4)
 */
import type { SignetErrorJson } from '../errors/index.js'

/** Something happened. `directory` says to which credential, where it was to one. */
export type AgentEvent =
  | { readonly event: 'renewed'; readonly directory: string; readonly serialNumber: string; readonly notAfter: string }
  /** Newer CRLs or other CAs are in the directory. */
  | { readonly event: 'trust-delivered'; readonly directory: string; readonly crlNextUpdate: string | null }
  /** The server took up what is in the directory, and answers with it, where that is asked. */
  | { readonly event: 'reloaded'; readonly directory: string }
  /** The version before is current again. */
  | { readonly event: 'rolled-back'; readonly directory: string; readonly serialNumber: string }
  | {
      readonly event: 'failed'
      readonly directory: string
      readonly error: SignetErrorJson
      readonly nextAttempt: string | null
    }
  /** CRLs, the trust directory, status or metrics: what is of no one credential. */
  | { readonly event: 'problem'; readonly what: string; readonly error: SignetErrorJson }
  | { readonly event: 'trust-directory'; readonly sequence: number; readonly nextUpdate: string }
  /** A pass is over. */
  | { readonly event: 'passed'; readonly exitCode: number; readonly next: string | null }
  /** The configuration was read again, and is in force, or is not and the old one stays. */
  | { readonly event: 'configured'; readonly credentials: number }
  | { readonly event: 'configuration-refused'; readonly error: SignetErrorJson }
  | { readonly event: 'stopped' }

/** Who is told. */
export type AgentListener = (event: AgentEvent) => void
