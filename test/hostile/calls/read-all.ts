/**
 * Asking a parsed value for everything that it says. Each answer may be a refusal.
 *
 * @module test/hostile/calls/read-all
 */
import { DerReader, type DerLimits, TAG } from '../../../src/asn1/index.js'
import { isSignetError } from '../../../src/errors/index.js'
import {
  ATTRIBUTE_FORMS,
  attributesAsKeystone,
  issuerSpellings,
  strictAttributes,
} from '../../../src/keystone/index.js'
import { type Certificate, type Crl, formatGeneralName, type Name } from '../../../src/x509/index.js'

/** Let a refusal pass; hand on whatever else is thrown. */
export function refusable<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (isSignetError(error) && error.category !== 'internal') return undefined
    throw error
  }
}

/** Every getter of an object's class, asked once. */
function askAll(object: object): void {
  for (const [name, { get }] of Object.entries(
    Object.getOwnPropertyDescriptors(Object.getPrototypeOf(object) as object),
  )) {
    if (get !== undefined && name !== '__proto__') refusable(() => Reflect.get(object, name) as unknown)
  }
}

export function readName(name: Name): void {
  JSON.stringify([name.key, name.toString(), name.isEmpty, name.equals(name), name.isWithin(name)])
  for (const { type } of name.rdns.flat()) name.texts(type)
}

export function readCertificateFully(certificate: Certificate): Certificate {
  askAll(certificate)
  readName(certificate.issuer)
  readName(certificate.subject)
  refusable(() => certificate.subjectAltName.map(formatGeneralName))
  refusable(() => certificate.nameConstraints?.permitted.map(formatGeneralName))
  for (const form of ATTRIBUTE_FORMS) {
    refusable(() => attributesAsKeystone(certificate, form))
    refusable(() => strictAttributes(certificate, form))
  }
  issuerSpellings(certificate)
  certificate.toPem()
  return certificate
}

export function readCrlFully(crl: Crl): Crl {
  askAll(crl)
  readName(crl.issuer)
  for (const { serialNumber } of crl.revokedCertificates) crl.find(serialNumber)
  crl.toPem()
  return crl
}

/** Walk through DER with every method of the reader that fits a tag. */
export function walk(bytes: Uint8Array, limits: DerLimits): number {
  const open = [DerReader.over(bytes, limits)]
  let count = 0
  for (let reader = open.pop(); reader !== undefined; reader = open.pop()) {
    while (!reader.atEnd) {
      count++
      const tag = reader.peek()
      const typed = TYPED[tag]
      if ((tag & 0x20) !== 0) open.push(reader.constructed(tag))
      else if (typed === undefined) reader.element()
      else typed(reader)
    }
    reader.finish()
  }
  return count
}

const TYPED: Readonly<Record<number, (reader: DerReader) => unknown>> = {
  [TAG.boolean]: (reader) => reader.boolean(),
  [TAG.integer]: (reader) => reader.integer(),
  [TAG.bitString]: (reader) => reader.bitString(),
  [TAG.octetString]: (reader) => reader.octetString(),
  [TAG.null]: (reader) => reader.null(),
  [TAG.oid]: (reader) => reader.oid(),
  [TAG.enumerated]: (reader) => reader.enumerated(255),
  [TAG.utcTime]: (reader) => reader.time(),
  [TAG.generalizedTime]: (reader) => reader.generalizedTime(),
  ...Object.fromEntries(
    [
      TAG.utf8String,
      TAG.numericString,
      TAG.printableString,
      TAG.teletexString,
      TAG.ia5String,
      TAG.visibleString,
      TAG.universalString,
      TAG.bmpString,
    ].map((tag) => [tag, (reader: DerReader) => reader.string(tag)]),
  ),
}
