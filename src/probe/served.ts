/**
 * The certificate that a server shows, and whether it holds.
 *
 * @module probe/served (floor 7.3)
 */
import type { DetailedPeerCertificate } from 'node:tls'
import { isSignetError, StoreError, TrustError } from '../errors/index.js'
import { checkHostName, type PathRequest, validatePath } from '../path/index.js'
import { instantText } from '../time/index.js'
import { type Certificate, type Crl, parseCertificate } from '../x509/index.js'
import type { Attempt } from './attempt.js'
import type { ProbeClient } from './client.js'
import { openTransport, shakeHands } from './handshake.js'
import { type ProbeCase, type ProbeRow, rowOf } from './row.js'
import { checkTarget, type ProbeTarget, serverNameOf } from './target.js'

/** Seconds for each step of a try: to connect, to shake hands, to answer. */
export const DEFAULT_PROBE_SECONDS = 5

export interface ServedOptions {
  /** A client to shake hands as. Default: none, which servers may refuse that insist on one in TLS 1.2. */
  readonly client?: ProbeClient
  /** Default {@link DEFAULT_PROBE_SECONDS}. */
  readonly timeoutSeconds?: number
}

/** What a server showed. Nothing of it is believed yet. */
export interface Served {
  readonly certificate: Certificate
  /** What it sent besides, issuer first; certificates that issued none of the others are left out. */
  readonly chain: readonly Certificate[]
  readonly protocol: string
}

/**
 * Read the certificate that a server shows now, through its prelude where it has one.
 *
 * Says nothing about whether the certificate is to be believed, nor whether the client was accepted.
 *
 * @throws {@link StoreError} `ERR_TLS_CONNECTION`
 * @throws {@link TrustError} `ERR_TLS_HANDSHAKE`
 * @throws {@link EncodingError} what parsing throws
 */
export async function servedCertificate(target: ProbeTarget, options: ServedOptions = {}): Promise<Served> {
  checkTarget(target)
  const { client, timeoutSeconds = DEFAULT_PROBE_SECONDS } = options
  const milliseconds = timeoutSeconds * 1000
  const opened = await openTransport(target, milliseconds, target.starttls)
  if ('outcome' in opened) throw noHandshake(opened)
  const shaken = await shakeHands(opened.socket, target, client === undefined ? {} : { client }, milliseconds)
  if ('outcome' in shaken) throw noHandshake(shaken)
  const { socket, protocol } = shaken
  try {
    const ders: Uint8Array[] = []
    let shown: Partial<DetailedPeerCertificate> | undefined = socket.getPeerCertificate(true)
    const seen = new Set<unknown>()
    // A certificate that issued itself is its own issuer, round and round.
    while (shown?.raw !== undefined && !seen.has(shown)) {
      seen.add(shown)
      ders.push(new Uint8Array(shown.raw))
      shown = shown.issuerCertificate
    }
    const [certificate, ...chain] = ders.map((der) => parseCertificate(der))
    if (certificate === undefined) throw new TrustError('ERR_TLS_HANDSHAKE', 'the server shows no certificate')
    return { certificate, chain, protocol }
  } finally {
    socket.destroy()
  }
}

/** Why there is no handshake, as an error of ours. */
export function noHandshake({ stage, said }: Attempt): StoreError | TrustError {
  return stage === 'network'
    ? new StoreError('ERR_TLS_CONNECTION', said, { hint: 'is the server running, and is this its port?' })
    : new TrustError('ERR_TLS_HANDSHAKE', `there is no TLS handshake: ${said}`, { details: { stage } })
}

/** What the good client believes about servers. */
export interface ServerTrust {
  readonly anchors: readonly Certificate[]
  /** CAs between that it has at hand: only to tell why a chain is not whole. */
  readonly intermediates: readonly Certificate[]
  /** Where there are none for its issuer, revocation is not tested. */
  readonly crls: readonly Crl[]
}

/** Judge what a server showed, one thing at a time. */
export function judgeServed(served: Served, target: ProbeTarget, trust: ServerTrust, at: Date): readonly ProbeRow[] {
  const { certificate, chain } = served
  const { notBefore, notAfter } = certificate
  const path: PathRequest = {
    anchors: trust.anchors,
    intermediates: chain,
    // Whether it is valid now is a row of its own.
    at: at < notBefore ? notBefore : at > notAfter ? notAfter : at,
    purpose: 'allow-any',
    revocation: 'allow-unchecked',
  }
  const name = serverNameOf(target)
  const helped = { ...path, intermediates: [...chain, ...trust.intermediates] }
  return [
    name === undefined
      ? rowOf('server-name', 'not-tested', 'at a Unix socket there is no name to expect: --name')
      : holds('server-name', () => {
          checkHostName(certificate, name)
          return name
        }),
    chainRow(certificate, path, helped),
    holds('server-purpose', () => {
      validatePath(certificate, { ...helped, purpose: 'server' })
      return 'TLS server'
    }),
    holds('server-validity', () => {
      validatePath(certificate, { ...helped, at })
      return `until ${instantText(notAfter)}`
    }),
    revocationRow(certificate, { ...helped, at }, trust.crls),
    holds('server-key', () => certificate.publicKey.name),
  ]
}

/** @param check - Yields what there is to say where it holds. */
function holds(name: ProbeCase, check: () => string): ProbeRow {
  try {
    return rowOf(name, 'ok', check())
  } catch (error) {
    if (isSignetError(error)) return rowOf(name, 'fault', `${error.message} [${error.code}]`)
    throw error
  }
}

function chainRow(certificate: Certificate, path: PathRequest, helped: PathRequest): ProbeRow {
  const row = (request: PathRequest): ProbeRow =>
    holds('server-chain', () => {
      const { certificates, anchor } = validatePath(certificate, request)
      return `${certificates.length} certificates, up to ${anchor.subject.toString()}`
    })
  const sent = row(path)
  if (sent.verdict === 'ok' || row(helped).verdict !== 'ok') return sent
  return rowOf(
    'server-chain',
    'fault',
    'it does not send a CA that it needs: who trusts only the root cannot validate it',
  )
}

function revocationRow(certificate: Certificate, path: PathRequest, crls: readonly Crl[]): ProbeRow {
  if (crls.length === 0) return rowOf('server-revocation', 'not-tested', 'there are no CRLs at hand')
  try {
    validatePath(certificate, { ...path, revocation: { crls } })
    return rowOf('server-revocation', 'ok', 'not revoked')
  } catch (error) {
    if (!isSignetError(error)) throw error
    return error.code === 'ERR_REVOKED'
      ? rowOf('server-revocation', 'fault', error.message)
      : rowOf('server-revocation', 'not-tested', error.message)
  }
}
