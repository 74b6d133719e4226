/**
 * Why a connection did not come about, in the codes of the house.
 *
 * @module tls/refusal (floor 7)
 */
import { isSignetError, type SignetError, StoreError, TrustError } from '../errors/index.js'

/** What OpenSSL's verification says, where there is a word of our own for it (X509_V_ERR_*). */
const VERIFICATION = {
  CERT_REVOKED: ['ERR_REVOKED', 'the certificate of the peer is revoked'],
  CERT_HAS_EXPIRED: ['ERR_PATH_EXPIRED', 'the certificate of the peer has expired'],
  CERT_NOT_YET_VALID: ['ERR_PATH_NOT_YET_VALID', 'the certificate of the peer is not valid yet'],
  CRL_HAS_EXPIRED: ['ERR_REVOCATION_UNKNOWN', 'the CRL for the certificate of the peer is over'],
  CRL_NOT_YET_VALID: ['ERR_REVOCATION_UNKNOWN', 'the CRL for the certificate of the peer has not begun'],
  UNABLE_TO_GET_CRL: [
    'ERR_REVOCATION_UNKNOWN',
    'there is no CRL of who issued the certificate of the peer: an unknown CA, or a missing CRL',
  ],
  INVALID_PURPOSE: ['ERR_PATH_PURPOSE', 'the certificate of the peer is not for this purpose'],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['ERR_PATH_NOT_FOUND', 'the certificate of the peer is signed by itself'],
  SELF_SIGNED_CERT_IN_CHAIN: ['ERR_PATH_NOT_FOUND', 'the certificate of the peer leads to a root that is not trusted'],
  UNABLE_TO_GET_ISSUER_CERT: ['ERR_PATH_NOT_FOUND', 'the certificate of the peer leads to no trust anchor'],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ['ERR_PATH_NOT_FOUND', 'the certificate of the peer leads to no trust anchor'],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ['ERR_PATH_NOT_FOUND', 'the certificate of the peer leads to no trust anchor'],
  CERT_SIGNATURE_FAILURE: ['ERR_PATH_SIGNATURE', 'the certificate of the peer is not signed by its issuer'],
} as const satisfies Readonly<Record<string, readonly [ConstructorParameters<typeof TrustError>[0], string]>>

const NETWORK: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOENT',
  'EACCES',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'ENOTSOCK',
  'EPERM',
])

/** What OpenSSL, Node or the network said, as an error of ours. What is one already stays as it is. */
export function refusalOf(error: unknown, verification?: unknown): SignetError {
  if (isSignetError(error)) return error
  const code = codeOf(error)
  const reason = typeof verification === 'string' ? verification : code
  if (isVerification(reason)) {
    const [ours, message] = VERIFICATION[reason]
    return new TrustError(ours, message, { details: { reason, saidBy: 'OpenSSL' }, cause: error })
  }
  const message = error instanceof Error ? error.message : 'unknown'
  if (NETWORK.has(code)) {
    return new StoreError('ERR_TLS_CONNECTION', `there is no connection: ${message}`, {
      details: { reason },
      cause: error,
    })
  }
  return new TrustError('ERR_TLS_HANDSHAKE', `the TLS handshake failed: ${message}`, {
    details: { reason },
    cause: error,
  })
}

function isVerification(reason: string): reason is keyof typeof VERIFICATION {
  return Object.hasOwn(VERIFICATION, reason)
}

function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : 'unknown'
}
