/**
 * The same message as COSE_Sign1 (RFC 9052 §4.2), to measure it.
 *
 * @module compare/cose (floor 7.2)
 */
import type { SignedForm } from './cms-forms.js'
import type { SampleMessage } from './sample.js'
import type { SizeSigner } from './signers.js'
import { claimsOf, signToken, TOKEN_ALGORITHMS } from './token-claims.js'

/**
 * Header: alg (1), kid (4), CWT claims (15, RFC 9597) aud, exp, iat, cti and one of our own, x5t (34, RFC 9360), all of it
 * protected. The order is that of the deterministic encoding (RFC 8949 §4.2.1).
 */
export function signCose(
  message: SampleMessage,
  { algorithm, privateKey, sender }: SizeSigner,
  at: Date,
  form: 'attached' | 'detached',
): Uint8Array {
  const claims = claimsOf(message, sender, at)
  const protectedHeader = map(
    [integer(1), integer(TOKEN_ALGORITHMS[algorithm].cose)],
    [integer(4), octets(claims.keyIdentifier)],
    [
      integer(15),
      map(
        [integer(3), text(claims.destination)],
        [integer(4), integer(claims.expiresAt)],
        [integer(6), integer(claims.issuedAt)],
        [integer(7), octets(claims.messageId)],
        [text('type'), text(claims.type)],
      ),
    ],
    [integer(34), array(integer(SHA_256), octets(claims.certificateHash))],
  )
  const signed = array(text('Signature1'), octets(protectedHeader), octets(new Uint8Array()), octets(message.content))
  const payload = form === 'attached' ? octets(message.content) : NULL
  const signature = octets(signToken(algorithm, privateKey, signed))
  return Buffer.concat([head(TAG, COSE_SIGN1), array(octets(protectedHeader), map(), payload, signature)])
}

const SHA_256 = -16
const COSE_SIGN1 = 18
const NULL = Uint8Array.of(0xf6)

/** Major types of CBOR (RFC 8949 §3.1). */
const [UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG] = [0, 1, 2, 3, 4, 5, 6] as const

/** Major type and argument, in the fewest octets. */
function head(major: number, argument: number): Uint8Array {
  const first = major << 5
  if (argument < 24) return Uint8Array.of(first | argument)
  if (argument < 0x100) return Uint8Array.of(first | 24, argument)
  const long = Buffer.alloc(argument < 0x10000 ? 3 : 5, first | (argument < 0x10000 ? 25 : 26))
  long.writeUIntBE(argument, 1, long.length - 1)
  return long
}

function integer(value: number): Uint8Array {
  return value < 0 ? head(NEGATIVE, -1 - value) : head(UNSIGNED, value)
}

function octets(value: Uint8Array): Uint8Array {
  return Buffer.concat([head(BYTES, value.length), value])
}

function text(value: string): Uint8Array {
  const utf8 = Buffer.from(value)
  return Buffer.concat([head(TEXT, utf8.length), utf8])
}

function array(...items: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([head(ARRAY, items.length), ...items])
}

function map(...entries: readonly (readonly [key: Uint8Array, value: Uint8Array])[]): Uint8Array {
  return Buffer.concat([head(MAP, entries.length), ...entries.flat()])
}

export const COSE_FORMS: readonly SignedForm[] = [
  {
    system: 'cose',
    name: 'cose-detached',
    title: 'COSE_Sign1, detached',
    octets: (message, signer, { at }) => Promise.resolve(signCose(message, signer, at, 'detached').length),
  },
  {
    system: 'cose',
    name: 'cose-attached',
    title: 'COSE_Sign1, the payload inside',
    octets: (message, signer, { at }) =>
      Promise.resolve(signCose(message, signer, at, 'attached').length - message.content.length),
  },
]
