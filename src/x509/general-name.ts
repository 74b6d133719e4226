/**
 * GeneralName (RFC 5280 §4.2.1.6): each kind a type of its own, so that a DNS name never passes for a URI.
 *
 * @module x509/general-name (floor 3)
 */
import {
  contextConstructed,
  contextPrimitive,
  DerReader,
  encodeContext,
  encodeContextPrimitive,
  TAG,
} from '../asn1/index.js'
import { EncodingError, LimitError } from '../errors/index.js'
import { Name } from './name.js'

export type GeneralName =
  | { readonly kind: 'email'; readonly value: string }
  | { readonly kind: 'dns'; readonly value: string }
  | { readonly kind: 'uri'; readonly value: string }
  /** 4 or 16 octets; in a name constraint 8 or 32, address and mask. */
  | { readonly kind: 'ip'; readonly octets: Uint8Array }
  | { readonly kind: 'directory'; readonly name: Name }
  | { readonly kind: 'registeredId'; readonly oid: string }
  /** otherName, x400Address, ediPartyName: kept whole, never interpreted. */
  | { readonly kind: 'other'; readonly tag: number; readonly der: Uint8Array }

const MAX_GENERAL_NAMES = 5000

/** Read GeneralNames: at least one. */
export function readGeneralNames(sequence: DerReader): readonly GeneralName[] {
  const names: GeneralName[] = []
  while (!sequence.atEnd) {
    if (names.length === MAX_GENERAL_NAMES) {
      throw new LimitError('ERR_LIMIT_EXCEEDED', `an extension has more than ${MAX_GENERAL_NAMES} names`)
    }
    names.push(readGeneralName(sequence))
  }
  if (names.length === 0) throw new EncodingError('ERR_NAME_MALFORMED', 'a list of general names is empty')
  return names
}

/** Read one GeneralName. An address may have the length of a constraint, too; who reads it checks that. */
export function readGeneralName(reader: DerReader): GeneralName {
  const tag = reader.peek()
  switch (tag) {
    case contextPrimitive(1):
      return { kind: 'email', value: reader.string(TAG.ia5String, tag) }
    case contextPrimitive(2):
      return { kind: 'dns', value: reader.string(TAG.ia5String, tag) }
    case contextPrimitive(6):
      return { kind: 'uri', value: reader.string(TAG.ia5String, tag) }
    case contextPrimitive(7):
      return { kind: 'ip', octets: reader.content(tag) }
    case contextPrimitive(8):
      return { kind: 'registeredId', oid: reader.oid(tag) }
    case contextConstructed(4): {
      // A CHOICE is tagged explicitly (X.680 §31.2.7).
      const inner = reader.constructed(tag)
      const name = Name.read(inner)
      inner.finish()
      return { kind: 'directory', name }
    }
    case contextConstructed(0):
    case contextConstructed(3):
    case contextConstructed(5):
      return { kind: 'other', tag, der: reader.element(tag) }
    default:
      throw reader.unexpected('a general name')
  }
}

export function encodeGeneralName(name: GeneralName): Uint8Array {
  switch (name.kind) {
    case 'email':
      return encodeContextPrimitive(1, ia5(name.value))
    case 'dns':
      return encodeContextPrimitive(2, ia5(name.value))
    case 'uri':
      return encodeContextPrimitive(6, ia5(name.value))
    case 'ip':
      return encodeContextPrimitive(7, name.octets)
    case 'directory':
      return encodeContext(4, name.name.der)
    case 'registeredId':
    case 'other':
      throw new EncodingError('ERR_NAME_MALFORMED', `names of the kind ${name.kind} are not issued`)
  }
}

function ia5(text: string): Uint8Array {
  if (!/^[\x21-\x7e]+$/.test(text)) {
    throw new EncodingError('ERR_NAME_MALFORMED', `not printable ASCII: ${JSON.stringify(text)}`)
  }
  return Buffer.from(text, 'latin1')
}

/** A general name for people, such as `DNS:compute-07.cloud.example`. */
export function formatGeneralName(name: GeneralName): string {
  switch (name.kind) {
    case 'email':
      return `email:${escapeControls(name.value)}`
    case 'dns':
      return `DNS:${escapeControls(name.value)}`
    case 'uri':
      return `URI:${escapeControls(name.value)}`
    case 'ip':
      return `IP:${formatIpAddress(name.octets)}`
    case 'directory':
      return `directory:${name.name.toString()}`
    case 'registeredId':
      return `registeredID:${name.oid}`
    case 'other':
      return `other:[${name.tag & 0x1f}]`
  }
}

/** IA5 has control characters; they are escaped, so that a name cannot drive a terminal. */
function escapeControls(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => `\\${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

/**
 * Parse a literal IPv4 (dotted, decimal, no leading zeros) or IPv6 address.
 *
 * @returns 4 or 16 octets, or `undefined`.
 */
export function parseIpAddress(text: string): Uint8Array | undefined {
  if (/^[0-9.]+$/.test(text)) {
    const parts = text.split('.')
    if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) < 256))
      return undefined
    return Uint8Array.from(parts.map(Number))
  }
  return parseIpv6(text)
}

function parseIpv6(text: string): Uint8Array | undefined {
  if (!/^[0-9A-Fa-f:]+$/.test(text) || text.length > 39) return undefined
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const groups = (half: string): readonly string[] => (half === '' ? [] : half.split(':'))
  const head = groups(halves[0] ?? '')
  const tail = groups(halves[1] ?? '')
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  const all = [...head, ...Array.from({ length: missing }, () => '0'), ...tail]
  if (!all.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group))) return undefined
  return Uint8Array.from(all.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]))
}

export function formatIpAddress(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join('.')
  if (octets.length === 8) return `${octets.subarray(0, 4).join('.')}/${octets.subarray(4).join('.')}`
  if (octets.length === 16) {
    const groups = Array.from({ length: 8 }, (_, index) =>
      (((octets[2 * index] ?? 0) << 8) | (octets[2 * index + 1] ?? 0)).toString(16),
    )
    // RFC 5952 §4.2: the longest run of zeros is shortened, of equal ones the first.
    const run = longestZeroRun(groups)
    const text = groups.join(':')
    if (run === '') return text
    return text.replace(new RegExp(`\\b${run}\\b`), '::').replace(/:{3,}/, '::')
  }
  if (octets.length === 32) return `${formatIpAddress(octets.subarray(0, 16))}/${formatIpAddress(octets.subarray(16))}`
  return Buffer.from(octets).toString('hex')
}

function longestZeroRun(groups: readonly string[]): string {
  const runs = groups.join(':').match(/\b0(?::0)+\b/g) ?? []
  return runs.reduce((longest, run) => (run.length > longest.length ? run : longest), '')
}
