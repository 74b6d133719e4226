/**
 * Asking a server which certificate it answers with.
 *
 * @module agent/probe (floor 7.4)
 */
import { isIP } from 'node:net'
import { connect } from 'node:tls'
import { isSignetError, StateError, StoreError, UsageError } from '../errors/index.js'
import { type Certificate, parseCertificate } from '../x509/index.js'
import type { ProbeConfiguration } from './configuration.js'

/** Whatever can tell which certificate a server answers with. */
export interface Probe {
  /**
   * The certificate of a server, whose private key it has shown to have.
   *
   * @throws {@link StoreError} `ERR_TLS_CONNECTION` where it does not answer within these seconds
   */
  served(target: ProbeConfiguration, timeoutSeconds: number): Promise<Certificate>
}

/** Between two questions to a server that is still reloading. */
const WAIT_MILLISECONDS = 200
/** Longest wait for one handshake. */
const HANDSHAKE_SECONDS = 5

/** A probe for servers that speak TLS at once. */
export const tlsProbe: Probe = {
  served: (target, timeoutSeconds) => {
    if (target.starttls !== undefined) {
      throw new UsageError('ERR_CONFIG_INVALID', `this probe does not speak ${target.starttls} before TLS`)
    }
    return handshake(target, timeoutSeconds)
  },
}

function handshake({ host, port, serverName }: ProbeConfiguration, timeoutSeconds: number): Promise<Certificate> {
  return new Promise((resolve, reject) => {
    const name = serverName ?? host
    const socket = connect({
      host,
      port,
      ...(isIP(name) === 0 ? { servername: name } : {}),
      // Which certificate it is, is compared octet by octet; that the server has its key, the handshake shows.
      rejectUnauthorized: false,
    })
    const fail = (reason: string, cause?: unknown): void => {
      clearTimeout(timer)
      socket.destroy()
      const where = `${host}:${port}`
      reject(new StoreError('ERR_TLS_CONNECTION', `${where} does not answer: ${reason}`, { details: { where }, cause }))
    }
    const timer = setTimeout(() => {
      fail(`no handshake within ${timeoutSeconds} s`)
    }, timeoutSeconds * 1000)
    socket.on('error', (error: Error) => {
      fail(error.message, error)
    })
    socket.once('close', () => {
      fail('it closed the connection')
    })
    socket.once('secureConnect', () => {
      clearTimeout(timer)
      const { raw } = socket.getPeerCertificate()
      socket.removeAllListeners('close')
      socket.destroy()
      // What it throws goes to whoever waits.
      resolve(Promise.resolve().then(() => parseCertificate(raw)))
    })
  })
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
      const served = await probe.served(target, Math.min(HANDSHAKE_SECONDS, target.timeoutSeconds))
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
  const where = `${target.host}:${target.port}`
  const why = isSignetError(cause) ? cause.message : `${where} answers with the certificate ${seen ?? ''}`
  throw new StateError('ERR_AGENT_PROBE', `${why}, and ${certificate.serialNumber} was given to it`, {
    details: { where, given: certificate.serialNumber, ...(seen === undefined ? {} : { served: seen }) },
    hint: 'see whether the reload command works, and the log of the server',
    cause,
  })
}
