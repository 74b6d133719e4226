/**
 * What OpenSSL is told for a handshake.
 *
 * @module tls/context (floor 7)
 */
import { constants } from 'node:crypto'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import type { Certificate, Crl } from '../x509/index.js'
import type { TlsGeneration } from './generation.js'

/** X25519 with ML-KEM-768 first, so that what is recorded today stays secret from a quantum computer. */
export const HYBRID_GROUP = 'X25519MLKEM768'
const CLASSIC_GROUPS = 'X25519:P-256:P-384'

/** For TLS 1.2: ephemeral keys and authenticated encryption only. */
const CIPHERS = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
].join(':')

/** What a handshake is judged by, besides the key pair. */
export interface HandshakeTrust {
  readonly anchors: readonly Certificate[]
  readonly intermediates: readonly Certificate[]
  /** Those that OpenSSL asks, too; none while they count only by grace, of which it knows nothing. */
  readonly crls: readonly Crl[]
}

/**
 * The options of a context. They hold the private key: nobody else may keep them.
 *
 * @param sessions - Whether there may be session tickets.
 */
export function contextOptions(
  generation: TlsGeneration,
  { anchors, intermediates, crls }: HandshakeTrust,
  versions: 'TLSv1.3' | 'allow-TLSv1.2',
  sessions: 'none' | 'tickets',
): SecureContextOptions {
  // A delta CRL is nothing to OpenSSL unless it is asked for; one text holds one CRL: Node reads only the first.
  const full = crls.filter(({ baseCrlNumber }) => baseCrlNumber === undefined).map((crl) => crl.toPem())
  return {
    ...generation.keyPair(),
    ca: [...anchors, ...intermediates].map((certificate) => certificate.toPem()),
    ...(full.length === 0 ? {} : { crl: full }),
    minVersion: versions === 'TLSv1.3' ? 'TLSv1.3' : 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    ciphers: CIPHERS,
    ecdhCurve: groups(),
    // Renegotiation of TLS 1.2 could put another certificate under a connection that was judged.
    secureOptions:
      constants.SSL_OP_NO_RENEGOTIATION |
      constants.SSL_OP_CIPHER_SERVER_PREFERENCE |
      (sessions === 'none' ? constants.SSL_OP_NO_TICKET : 0),
  }
}

let known: string | undefined

/** The groups for the key exchange that this runtime has, the hybrid one first. */
export function groups(): string {
  known ??= isAvailable(HYBRID_GROUP) ? `${HYBRID_GROUP}:${CLASSIC_GROUPS}` : CLASSIC_GROUPS
  return known
}

function isAvailable(ecdhCurve: string): boolean {
  try {
    createSecureContext({ ecdhCurve })
    return true
  } catch {
    return false
  }
}
