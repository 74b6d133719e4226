/**
 * The same message as a JSON Web Signature (RFC 7515), to measure it.
 *
 * @module compare/jws (floor 7.2)
 */
import type { SignedForm } from './cms-forms.js'
import type { SampleMessage } from './sample.js'
import type { SizeSigner } from './signers.js'
import { claimsOf, signToken, TOKEN_ALGORITHMS } from './token-claims.js'

/** Compact serialization, the payload in base64url inside. */
export function signJws(message: SampleMessage, { algorithm, privateKey, sender }: SizeSigner, at: Date): string {
  const claims = claimsOf(message, sender, at)
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')
  const header = JSON.stringify({
    alg: TOKEN_ALGORITHMS[algorithm].jws,
    kid: text(claims.keyIdentifier),
    'x5t#S256': text(claims.certificateHash),
    type: claims.type,
    aud: claims.destination,
    jti: text(claims.messageId),
    iat: claims.issuedAt,
    exp: claims.expiresAt,
  })
  const input = `${text(Buffer.from(header))}.${text(message.content)}`
  return `${input}.${text(signToken(algorithm, privateKey, Buffer.from(input)))}`
}

/** The payload left out, for who gets it beside (RFC 7515 appendix F). */
export function detachJws(jws: string): string {
  const [header = '', , signature = ''] = jws.split('.')
  return `${header}..${signature}`
}

export const JWS_FORMS: readonly SignedForm[] = [
  {
    system: 'jws',
    name: 'jws-detached',
    title: 'JWS, detached',
    octets: (message, signer, { at }) => Promise.resolve(detachJws(signJws(message, signer, at)).length),
  },
  {
    system: 'jws',
    name: 'jws-compact',
    title: 'JWS, compact: the payload inside, in base64url',
    octets: (message, signer, { at }) => Promise.resolve(signJws(message, signer, at).length - message.content.length),
  },
]
