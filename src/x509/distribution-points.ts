/**
 * Where CRLs come from and what they are about (RFC 5280 §4.2.1.13, §5.2.5).
 *
 * @module x509/distribution-points (floor 3)
 */
import { contextConstructed, contextPrimitive, type DerReader } from '../asn1/index.js'
import { LimitError } from '../errors/index.js'
import { type GeneralName, readGeneralNames } from './general-name.js'
import { Name, type RelativeDistinguishedName } from './name.js'

/** DistributionPointName: full names, or one RDN to be put behind the name of the CRL's issuer. */
export type DistributionPointName =
  | { readonly kind: 'fullName'; readonly names: readonly GeneralName[] }
  | { readonly kind: 'relative'; readonly rdn: RelativeDistinguishedName }

/** A set of revocation reasons: bit n stands for ReasonFlags bit n. */
export type ReasonMask = number

/** Every reason that there is: bits 1 to 8 (§4.2.1.13); bit 0 is unused. */
export const ALL_REASONS: ReasonMask = 0b1_1111_1110

export interface DistributionPoint {
  readonly name: DistributionPointName | undefined
  readonly reasons: ReasonMask
  /** Who issues the CRL, where that is not who issued the certificate. */
  readonly crlIssuer: readonly GeneralName[] | undefined
}

export interface IssuingDistributionPoint {
  readonly name: DistributionPointName | undefined
  readonly onlyContainsUserCerts: boolean
  readonly onlyContainsCaCerts: boolean
  readonly onlySomeReasons: ReasonMask
  readonly indirectCrl: boolean
  readonly onlyContainsAttributeCerts: boolean
}

const MAX_POINTS = 100

export function readCrlDistributionPoints(reader: DerReader): readonly DistributionPoint[] {
  const sequence = reader.sequence()
  const points: DistributionPoint[] = []
  while (!sequence.atEnd) {
    if (points.length === MAX_POINTS)
      throw new LimitError('ERR_LIMIT_EXCEEDED', `more than ${MAX_POINTS} distribution points`)
    const fields = sequence.sequence()
    const name = readName(fields, contextConstructed(0))
    const reasons = readReasons(fields, contextPrimitive(1))
    const crlIssuer =
      fields.peek() === contextConstructed(2) ? readGeneralNames(fields.constructed(contextConstructed(2))) : undefined
    fields.finish()
    // §4.2.1.13: reasons alone say nothing about where.
    if (name === undefined && crlIssuer === undefined) {
      throw fields.error('ERR_EXTENSION_MALFORMED', 'a distribution point has neither a name nor an issuer')
    }
    points.push({ name, reasons, crlIssuer })
  }
  if (points.length === 0) throw reader.error('ERR_EXTENSION_MALFORMED', 'a list of distribution points is empty')
  return points
}

export function readIssuingDistributionPoint(reader: DerReader): IssuingDistributionPoint {
  const fields = reader.sequence()
  if (fields.atEnd) throw fields.error('ERR_EXTENSION_MALFORMED', 'an issuing distribution point says nothing')
  const name = readName(fields, contextConstructed(0))
  const onlyContainsUserCerts = readFlag(fields, contextPrimitive(1))
  const onlyContainsCaCerts = readFlag(fields, contextPrimitive(2))
  const onlySomeReasons = readReasons(fields, contextPrimitive(3))
  const indirectCrl = readFlag(fields, contextPrimitive(4))
  const onlyContainsAttributeCerts = readFlag(fields, contextPrimitive(5))
  fields.finish()
  // §5.2.5: at most one of the three, and not an empty sequence.
  if ([onlyContainsUserCerts, onlyContainsCaCerts, onlyContainsAttributeCerts].filter(Boolean).length > 1) {
    throw reader.error('ERR_EXTENSION_MALFORMED', 'a CRL is only about several kinds of certificates')
  }
  return { name, onlyContainsUserCerts, onlyContainsCaCerts, onlySomeReasons, indirectCrl, onlyContainsAttributeCerts }
}

function readName(fields: DerReader, tag: number): DistributionPointName | undefined {
  if (fields.peek() !== tag) return undefined
  // A CHOICE is tagged explicitly (X.680 §31.2.7).
  const choice = fields.constructed(tag)
  const name: DistributionPointName =
    choice.peek() === contextConstructed(0)
      ? { kind: 'fullName', names: readGeneralNames(choice.constructed(contextConstructed(0))) }
      : { kind: 'relative', rdn: Name.readRdn(choice.constructed(contextConstructed(1))) }
  choice.finish()
  return name
}

function readFlag(fields: DerReader, tag: number): boolean {
  if (fields.peek() !== tag) return false
  if (!fields.boolean(tag)) throw fields.error('ERR_DER_NON_CANONICAL', 'a default value is not encoded')
  return true
}

function readReasons(fields: DerReader, tag: number): ReasonMask {
  if (fields.peek() !== tag) return ALL_REASONS
  const { bytes, unusedBits } = fields.bitString(tag)
  // X.690 §11.2.2: named bits end with a one.
  if ((((bytes.at(-1) ?? 0) >> unusedBits) & 1) === 0) {
    throw fields.error('ERR_DER_NON_CANONICAL', 'reasons have at least one bit, and no zero bits at their end')
  }
  let mask = 0
  for (let bit = 0; bit < Math.min(9, bytes.length * 8); bit++) {
    if (((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0) mask |= 1 << bit
  }
  return mask & ALL_REASONS
}
