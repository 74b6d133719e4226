/**
 * Asking a server which certificate it answers with.
 *
 * @module agent/probe (floor 7.4)
 */
import { isSignetError, StateError, UsageError } from '../errors/index.js'
import { type ProbeTarget, servedCertificate } from '../probe/index.js'
import type { Certificate } from '../x509/index.js'
import type { ProbeConfiguration } from './configuration.js'

/** Whatever can tell which certificate a server answers with. */
export interface Probe {
  /**
   * The certificate that a server answers with, whose private key it has shown to have.
   *
   * @throws {@link StoreError} `ERR_TLS_CONNECTION` where it does not answer within these seconds
   */
  served(target: ProbeTarget, timeoutSeconds: number): Promise<Certificate>
}

/** Between two questions to a server that is still reloading. */
const WAIT_MILLISECONDS = 200
/** Longest wait for one handshake. */
const HANDSHAKE_SECONDS = 5

/** A probe that shakes hands, through what is spoken before TLS where that is something. */
export const handshakeProbe: Probe = {
  served: async (target, timeoutSeconds) => (await servedCertificate(target, { timeoutSeconds })).certificate,
}

/** How waiting is done, so that tests need not. */
export type Wait = (milliseconds: number) => Promise<void>

/**
 * Ask a server until it answers with a certificate, for as long as the configuration says: one that reloads may answer with
 * the old one for a moment, or not at all.
 *
 * @throws {@link StateError} `ERR_AGENT_PROBE`
 */
export async function requireServed(
  probe: Probe,
  target: ProbeConfiguration,
  certificate: Certificate,
  wait: Wait,
): Promise<void> {
  const attempts = Math.max(1, Math.ceil((target.timeoutSeconds * 1000) / WAIT_MILLISECONDS))
  const deadline = performance.now() + target.timeoutSeconds * 1000
  let seen: string | undefined
  let cause: unknown
  for (let attempt = 1; attempt <= attempts; attempt++) {
    try {
      const served = await probe.served(target.server, Math.min(HANDSHAKE_SECONDS, target.timeoutSeconds))
      if (served.equals(certificate)) return
      seen = served.serialNumber
      cause = undefined
    } catch (error) {
      if (!isSignetError(error) || error instanceof UsageError) throw error
      cause = error
    }
    if (performance.now() > deadline) break
    if (attempt < attempts) await wait(WAIT_MILLISECONDS)
  }
  const where = placeText(target.server)
  const why = isSignetError(cause) ? cause.message : `${where} answers with the certificate ${seen ?? ''}`
  throw new StateError('ERR_AGENT_PROBE', `${why}, and ${certificate.serialNumber} was given to it`, {
    details: { where, given: certificate.serialNumber, ...(seen === undefined ? {} : { served: seen }) },
    hint: 'see whether the reload command works, and the log of the server',
    cause,
  })
}

function placeText(server: ProbeTarget): string {
  return 'path' in server ? server.path : `${server.host}:${server.port}`
}
