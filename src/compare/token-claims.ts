/**
 * What JWS and COSE have to say to protect a message as signet does: the same key and certificate, type, destination,
 * time, lifetime and message id, all of it under the signature.
 *
 * @module compare/token-claims (floor 7.2)
 */
import { constants, type KeyObject, sign } from 'node:crypto'
import type { SigningCredential } from '../message/index.js'
import { DEFAULT_LIFETIME_SECONDS } from '../message/index.js'
import { messageIdOf, type SampleMessage } from './sample.js'
import type { SizeAlgorithm } from './signers.js'

export interface TokenClaims {
  readonly keyIdentifier: Uint8Array
  /** SHA-256 of the certificate, as ESS has it in CMS. */
  readonly certificateHash: Uint8Array
  readonly type: string
  readonly destination: string
  readonly messageId: Uint8Array
  /** Seconds since 1970. */
  readonly issuedAt: number
  readonly expiresAt: number
}

export function claimsOf(message: SampleMessage, { certificate }: SigningCredential, at: Date): TokenClaims {
  const issuedAt = Math.floor(at.getTime() / 1000)
  return {
    keyIdentifier: Buffer.from(certificate.keyIdentifier, 'hex'),
    certificateHash: Buffer.from(certificate.fingerprint, 'hex'),
    type: message.type,
    destination: message.destination,
    messageId: messageIdOf(message),
    issuedAt,
    expiresAt: issuedAt + DEFAULT_LIFETIME_SECONDS,
  }
}

/** How an algorithm is called: `alg` of JWS (RFC 7518, RFC 8037), and its number in COSE (RFC 9053, RFC 8812). */
export interface TokenAlgorithm {
  readonly jws: string
  readonly cose: number
  readonly digest: 'sha256' | 'sha384' | null
}

const ES256 = { jws: 'ES256', cose: -7, digest: 'sha256' } as const
const ES384 = { jws: 'ES384', cose: -35, digest: 'sha384' } as const
const EDDSA = { jws: 'EdDSA', cose: -8, digest: null } as const
const RS256 = { jws: 'RS256', cose: -257, digest: 'sha256' } as const
const PS256 = { jws: 'PS256', cose: -37, digest: 'sha256' } as const

export const TOKEN_ALGORITHMS: Readonly<Record<SizeAlgorithm, TokenAlgorithm>> = {
  p256: ES256,
  p384: ES384,
  ed25519: EDDSA,
  rsa2048: RS256,
  rsa3072: RS256,
  rsa4096: RS256,
  'rsa2048-pss': PS256,
  'rsa3072-pss': PS256,
  'rsa4096-pss': PS256,
  'ml-dsa-44': { jws: 'ML-DSA-44', cose: -48, digest: null },
  'ml-dsa-65': { jws: 'ML-DSA-65', cose: -49, digest: null },
  'ml-dsa-87': { jws: 'ML-DSA-87', cose: -50, digest: null },
}

/** Sign as JWS and COSE both want it: ECDSA as two numbers of fixed length (RFC 7518 §3.4, RFC 9053 §2.1). */
export function signToken(algorithm: SizeAlgorithm, key: KeyObject, data: Uint8Array): Uint8Array {
  const pss = algorithm.endsWith('-pss')
  return sign(TOKEN_ALGORITHMS[algorithm].digest, data, {
    key,
    dsaEncoding: 'ieee-p1363',
    ...(pss ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST } : {}),
  })
}
