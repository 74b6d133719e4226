/**
 * LDAP: bind by the certificate (SASL EXTERNAL), ask who we are (RFC 4532).
 *
 * @module probe/ask-ldap (floor 7.3)
 */
import {
  encodeContext,
  encodeContextPrimitive,
  encodeInteger,
  encodeOctetString,
  encodeSequence,
  encodeValue,
} from '../asn1/index.js'
import { type Answer, letIn, refused } from './answer.js'
import type { Talk } from './talk.js'

const WHO_AM_I = '1.3.6.1.4.1.4203.1.11.3'
const BIND_REQUEST = 0x60
const EXTENDED_REQUEST = 0x77
const EXTENDED_RESPONSE_VALUE = 0x8b

/** RFC 4511 appendix A. */
const RESULTS: Readonly<Record<number, string>> = {
  7: 'authMethodNotSupported',
  8: 'strongerAuthRequired',
  13: 'confidentialityRequired',
  34: 'invalidDNSyntax',
  48: 'inappropriateAuthentication',
  49: 'invalidCredentials',
  50: 'insufficientAccessRights',
}

export async function askLdap(talk: Talk): Promise<Answer> {
  const external = encodeContext(3, encodeOctetString(Buffer.from('EXTERNAL')))
  const bind = encodeValue(BIND_REQUEST, encodeInteger(3), encodeOctetString(new Uint8Array()), external)
  talk.write(encodeSequence(encodeInteger(2), bind))
  const code = resultCodeOf(await readLdapMessage(talk))
  if (code === undefined) return refused('an answer that is none of the protocol')
  if (code !== 0) return refused(`the bind has the result ${RESULTS[code] ?? ''} (${code})`.replace('  ', ' '))
  talk.write(
    encodeSequence(encodeInteger(3), encodeValue(EXTENDED_REQUEST, encodeContextPrimitive(0, Buffer.from(WHO_AM_I)))),
  )
  const answer = elementsOf((await readLdapMessage(talk))[1]?.content)
  const who = answer.find(({ tag }) => tag === EXTENDED_RESPONSE_VALUE)?.content.toString('utf8')
  return letIn('the bind was accepted', who === '' ? undefined : who)
}

interface Element {
  readonly tag: number
  readonly content: Buffer
}

/** The elements of one LDAPMessage: its number, what it says, controls. Servers may write lengths in more octets than DER. */
export async function readLdapMessage(talk: Talk): Promise<readonly Element[]> {
  const message = await talk.take((heard) => {
    const header = headerOf(heard, 0)
    return header === undefined ? undefined : header.start + header.length
  })
  const [outer] = elementsOf(message)
  return elementsOf(outer?.content)
}

export function resultCodeOf(message: readonly Element[]): number | undefined {
  return elementsOf(message[1]?.content)[0]?.content[0]
}

function elementsOf(octets: Buffer | undefined): readonly Element[] {
  const elements: Element[] = []
  let position = 0
  while (octets !== undefined && position < octets.length) {
    const header = headerOf(octets, position)
    if (header === undefined) break
    elements.push({
      tag: octets[position] ?? 0,
      content: octets.subarray(header.start, header.start + header.length),
    })
    position = header.start + header.length
  }
  return elements
}

/** BER of definite length, as RFC 4511 §5.1 has it. */
function headerOf(octets: Buffer, position: number): { readonly start: number; readonly length: number } | undefined {
  const first = octets[position + 1]
  if (first === undefined) return undefined
  if (first < 0x80) return { start: position + 2, length: first }
  const count = first & 0x7f
  if (count === 0 || count > 4 || octets.length < position + 2 + count) return undefined
  return { start: position + 2 + count, length: octets.readUIntBE(position + 2, count) }
}
