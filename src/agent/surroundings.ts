/**
 * What every credential of a pass has around it: the time, the CRLs that came, who issues, who is told.
 *
 * @module agent/surroundings (floor 7.4)
 */
import type { Readers } from '../credential/index.js'
import type { Certificate, Crl } from '../x509/index.js'
import type { CredentialConfiguration } from './configuration.js'
import type { AgentListener } from './event.js'
import type { Probe, Wait } from './probe.js'
import type { CredentialSource } from './source.js'

export interface Surroundings {
  readonly at: Date
  /** Roots that the configuration names. */
  readonly anchors: readonly Certificate[]
  /** CRLs that came in this pass, from anywhere. Nothing is believed of them yet. */
  readonly crls: readonly Crl[]
  /** The CAs that the trust directory names, or else the source; `undefined` where neither does, and the CAs stay as they are. */
  readonly casOf: (item: CredentialConfiguration) => readonly Certificate[] | undefined
  readonly renew: 'due' | 'now'
  readonly sourceOf: (item: CredentialConfiguration) => CredentialSource
  readonly readersOf: (item: CredentialConfiguration) => Readers | undefined
  readonly probe: Probe
  readonly wait: Wait
  /** From 0, below 1. */
  readonly random: () => number
  readonly tell: AgentListener
}
