/**
 * Certificate extensions (RFC 5280 §4.2): reading the ones that decide, writing the ones that profiles need.
 *
 * @module x509/extensions (floor 3)
 */
import {
  contextConstructed,
  contextPrimitive,
  DerReader,
  encodeBoolean,
  encodeContext,
  encodeContextPrimitive,
  encodeInteger,
  encodeNamedBits,
  encodeNull,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  CERTIFICATE_LIMITS,
  OID,
  oidName,
  TAG,
} from '../asn1/index.js'
import { EncodingError, isSignetError, LimitError } from '../errors/index.js'
import { encodeGeneralName, type GeneralName, readGeneralName, readGeneralNames } from './general-name.js'

export interface Extension {
  readonly oid: string
  readonly critical: boolean
  /** The octets inside the OCTET STRING. */
  readonly value: Uint8Array
}

const MAX_EXTENSIONS = 64

/** Read Extensions: at least one, each OID once, `critical` only where it is true. */
export function readExtensions(reader: DerReader): ReadonlyMap<string, Extension> {
  const sequence = reader.sequence()
  const extensions = new Map<string, Extension>()
  while (!sequence.atEnd) {
    if (extensions.size === MAX_EXTENSIONS) {
      throw new LimitError('ERR_LIMIT_EXCEEDED', `there are more than ${MAX_EXTENSIONS} extensions`)
    }
    const fields = sequence.sequence()
    const oid = fields.oid()
    let critical = false
    if (fields.peek() === TAG.boolean) {
      critical = fields.boolean()
      if (!critical) throw fields.error('ERR_DER_NON_CANONICAL', 'a default value is not encoded')
    }
    const value = fields.octetString()
    fields.finish()
    if (extensions.has(oid)) {
      throw new EncodingError('ERR_EXTENSION_DUPLICATE', `the extension ${oidName(oid)} occurs twice`, {
        details: { oid },
      })
    }
    extensions.set(oid, { oid, critical, value })
  }
  if (extensions.size === 0) throw new EncodingError('ERR_EXTENSION_MALFORMED', 'a list of extensions is empty')
  return extensions
}

/** Read the value of one extension, naming the extension in what goes wrong. */
export function readExtensionValue<T>(extension: Extension, read: (reader: DerReader) => T): T {
  try {
    const reader = DerReader.over(extension.value, CERTIFICATE_LIMITS)
    const value = read(reader)
    reader.finish()
    return value
  } catch (error) {
    if (isSignetError(error) && error.category === 'encoding') {
      throw new EncodingError(
        'ERR_EXTENSION_MALFORMED',
        `the extension ${oidName(extension.oid)} is malformed: ${error.message}`,
        {
          details: { oid: extension.oid },
          cause: error,
        },
      )
    }
    throw error
  }
}

/** Names of the bits of keyUsage (RFC 5280 §4.2.1.3), in their order. */
export const KEY_USAGES = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const
export type KeyUsage = (typeof KEY_USAGES)[number]

export interface BasicConstraints {
  readonly ca: boolean
  readonly pathLenConstraint: number | undefined
}

export interface AuthorityKeyIdentifier {
  readonly keyIdentifier: Uint8Array | undefined
  readonly authorityCertIssuer: readonly GeneralName[] | undefined
  readonly authorityCertSerialNumber: Uint8Array | undefined
}

export interface NameConstraints {
  readonly permitted: readonly GeneralName[]
  readonly excluded: readonly GeneralName[]
}

export function readBasicConstraints(reader: DerReader): BasicConstraints {
  const fields = reader.sequence()
  let ca = false
  if (fields.peek() === TAG.boolean) {
    ca = fields.boolean()
    if (!ca) throw fields.error('ERR_DER_NON_CANONICAL', 'a default value is not encoded')
  }
  const pathLenConstraint = fields.atEnd ? undefined : fields.smallInteger(2 ** 31 - 1)
  fields.finish()
  return { ca, pathLenConstraint }
}

export function readKeyUsage(reader: DerReader): ReadonlySet<KeyUsage> {
  const { bytes, unusedBits } = reader.bitString()
  const last = bytes.at(-1)
  // X.690 §11.2.2: named bits end with a one. RFC 5280 §4.2.1.3: at least one bit is set.
  if (last === undefined || ((last >> unusedBits) & 1) === 0 || bytes.length > 2) {
    throw reader.error('ERR_DER_NON_CANONICAL', 'keyUsage has at least one bit, and no zero bits at its end')
  }
  if (((bytes[1] ?? 0) & 0x7f) !== 0) throw reader.error('ERR_EXTENSION_MALFORMED', 'keyUsage has a bit without a name')
  const usages = new Set<KeyUsage>()
  KEY_USAGES.forEach((usage, bit) => {
    if (((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0) usages.add(usage)
  })
  return usages
}

export function readExtKeyUsage(reader: DerReader): ReadonlySet<string> {
  const sequence = reader.sequence()
  const purposes = new Set<string>()
  while (!sequence.atEnd) purposes.add(sequence.oid())
  if (purposes.size === 0) throw reader.error('ERR_EXTENSION_MALFORMED', 'extKeyUsage names no purpose')
  return purposes
}

export function readSubjectKeyIdentifier(reader: DerReader): Uint8Array {
  const identifier = reader.octetString()
  if (identifier.length === 0 || identifier.length > 64) {
    throw reader.error('ERR_EXTENSION_MALFORMED', 'a key identifier has 1 to 64 octets')
  }
  return identifier
}

export function readAuthorityKeyIdentifier(reader: DerReader): AuthorityKeyIdentifier {
  const fields = reader.sequence()
  const keyIdentifier = fields.peek() === contextPrimitive(0) ? fields.octetString(contextPrimitive(0)) : undefined
  const authorityCertIssuer =
    fields.peek() === contextConstructed(1) ? readGeneralNames(fields.constructed(contextConstructed(1))) : undefined
  const authorityCertSerialNumber =
    fields.peek() === contextPrimitive(2) ? fields.integer(contextPrimitive(2)) : undefined
  fields.finish()
  if ((authorityCertIssuer === undefined) !== (authorityCertSerialNumber === undefined)) {
    throw reader.error('ERR_EXTENSION_MALFORMED', 'issuer and serial number stand together or not at all')
  }
  return { keyIdentifier, authorityCertIssuer, authorityCertSerialNumber }
}

export function readSubjectAltName(reader: DerReader): readonly GeneralName[] {
  const names = readGeneralNames(reader.sequence())
  for (const name of names) {
    if (name.kind === 'ip' && name.octets.length !== 4 && name.octets.length !== 16) {
      throw reader.error('ERR_NAME_MALFORMED', 'an IP address has 4 or 16 octets')
    }
    if ((name.kind === 'dns' || name.kind === 'uri' || name.kind === 'email') && name.value === '') {
      throw reader.error('ERR_NAME_MALFORMED', `a ${name.kind} name is empty`)
    }
  }
  return names
}

const MAX_SUBTREES = 5000

export function readNameConstraints(reader: DerReader): NameConstraints {
  const fields = reader.sequence()
  const permitted = readSubtrees(fields, contextConstructed(0))
  const excluded = readSubtrees(fields, contextConstructed(1))
  fields.finish()
  if (permitted === undefined && excluded === undefined) {
    throw reader.error('ERR_EXTENSION_MALFORMED', 'nameConstraints constrains nothing')
  }
  return { permitted: permitted ?? [], excluded: excluded ?? [] }
}

function readSubtrees(fields: DerReader, tag: number): readonly GeneralName[] | undefined {
  if (fields.peek() !== tag) return undefined
  const sequence = fields.constructed(tag)
  const bases: GeneralName[] = []
  while (!sequence.atEnd) {
    if (bases.length === MAX_SUBTREES) throw new LimitError('ERR_LIMIT_EXCEEDED', `more than ${MAX_SUBTREES} subtrees`)
    const subtree = sequence.sequence()
    const base = readGeneralName(subtree)
    // RFC 5280 §4.2.1.10: minimum is zero, which DER leaves out, and maximum is absent.
    subtree.finish()
    if (base.kind === 'ip') checkAddressRange(base.octets, subtree)
    bases.push(base)
  }
  if (bases.length === 0) throw fields.error('ERR_EXTENSION_MALFORMED', 'a list of subtrees is empty')
  return bases
}

/** RFC 4632 style: address and mask of 4 or 16 octets each, the ones of the mask first. */
function checkAddressRange(octets: Uint8Array, reader: DerReader): void {
  const mask = octets.subarray(octets.length / 2)
  const bits = [...mask].map((octet) => octet.toString(2).padStart(8, '0')).join('')
  if ((octets.length !== 8 && octets.length !== 32) || !/^1*0*$/.test(bits)) {
    throw reader.error('ERR_EXTENSION_MALFORMED', 'an address range is an address and a mask')
  }
}

// Writing

function extension(oid: string, critical: boolean, value: Uint8Array): Uint8Array {
  return encodeSequence(
    encodeObjectIdentifier(oid),
    ...(critical ? [encodeBoolean(true)] : []),
    encodeOctetString(value),
  )
}

export function encodeBasicConstraints({ ca, pathLenConstraint }: BasicConstraints): Uint8Array {
  const fields = [
    ...(ca ? [encodeBoolean(true)] : []),
    ...(pathLenConstraint === undefined ? [] : [encodeInteger(pathLenConstraint)]),
  ]
  return extension(OID.basicConstraints, true, encodeSequence(...fields))
}

export function encodeKeyUsage(usages: readonly KeyUsage[]): Uint8Array {
  return extension(OID.keyUsage, true, encodeNamedBits(usages.map((usage) => KEY_USAGES.indexOf(usage))))
}

export function encodeExtKeyUsage(purposes: readonly string[]): Uint8Array {
  return extension(OID.extKeyUsage, false, encodeSequence(...purposes.map(encodeObjectIdentifier)))
}

export function encodeSubjectKeyIdentifier(identifier: Uint8Array): Uint8Array {
  return extension(OID.subjectKeyIdentifier, false, encodeOctetString(identifier))
}

export function encodeAuthorityKeyIdentifier(identifier: Uint8Array): Uint8Array {
  return extension(OID.authorityKeyIdentifier, false, encodeSequence(encodeContextPrimitive(0, identifier)))
}

/** @param critical - RFC 5280 §4.2.1.6: critical exactly when the subject is empty. */
export function encodeSubjectAltName(names: readonly GeneralName[], critical: boolean): Uint8Array {
  return extension(OID.subjectAltName, critical, encodeSequence(...names.map(encodeGeneralName)))
}

export function encodeNameConstraints({ permitted, excluded }: NameConstraints): Uint8Array {
  const subtrees = (names: readonly GeneralName[]): Uint8Array[] =>
    names.map((name) => encodeSequence(encodeGeneralName(name)))
  return extension(
    OID.nameConstraints,
    true,
    encodeSequence(
      ...(permitted.length === 0 ? [] : [encodeContext(0, ...subtrees(permitted))]),
      ...(excluded.length === 0 ? [] : [encodeContext(1, ...subtrees(excluded))]),
    ),
  )
}

/** Where the CRLs of the issuer are (RFC 5280 §4.2.1.13): one distribution point with these URIs. */
export function encodeCrlDistributionPoints(uris: readonly string[]): Uint8Array {
  const fullName = encodeContext(0, ...uris.map((value) => encodeGeneralName({ kind: 'uri', value })))
  return extension(OID.crlDistributionPoints, false, encodeSequence(encodeSequence(encodeContext(0, fullName))))
}

export function encodeCrlNumber(number: number): Uint8Array {
  return extension(OID.crlNumber, false, encodeInteger(number))
}

/** RFC 5280 §5.2.4: critical, so that nobody takes what only changes for the whole. */
export function encodeDeltaCrlIndicator(baseCrlNumber: number): Uint8Array {
  return extension(OID.deltaCrlIndicator, true, encodeInteger(baseCrlNumber))
}

/** RFC 6960 §4.2.2.2.1: nobody need ask whether this responder is revoked. */
export function encodeOcspNoCheck(): Uint8Array {
  return extension(OID.ocspNoCheck, false, encodeNull())
}
