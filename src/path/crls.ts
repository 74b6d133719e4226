/**
 * What CRLs say about a certificate (RFC 5280 §6.3): full and delta CRLs, those of some reasons or some kinds of
 * certificates, indirect ones, and CRLs signed with another key of their issuer.
 *
 * @module path/crls (floor 4)
 */
import { equalBytes, OID } from '../asn1/index.js'
import { isSignetError } from '../errors/index.js'
import { ALL_REASONS, type Certificate, type Crl, hex, type RevokedCertificate } from '../x509/index.js'
import { reasonsCovered } from './crl-scope.js'
import {
  type Answer,
  type CrlMemory,
  type RevocationContext,
  type RevocationSources,
  whyNotCurrent,
} from './revocation-sources.js'
import { isSignedBy } from './signature.js'

/** Extensions of CRLs that are understood. Others, if critical, make a CRL unusable (§5.2). */
const UNDERSTOOD: ReadonlySet<string> = new Set([
  OID.authorityKeyIdentifier,
  OID.crlNumber,
  OID.issuingDistributionPoint,
  OID.deltaCrlIndicator,
])

/** A CRL that counts for a certificate, and the reasons that it covers. */
interface Usable {
  readonly crl: Crl
  readonly mask: number
}

/**
 * Ask every CRL.
 *
 * A CRL counts if it is about the certificate (§6.3.3 (b)), is signed by a key that may sign CRLs under its issuer's
 * name, and has nothing critical that is unknown. It speaks for a certificate that it does not list only while it, or
 * a delta CRL that changes it, is current. That a certificate was revoked stays true when the CRL that says so has become
 * old, and in a delta CRL whose base is not at hand; only a hold can be lifted.
 */
export function askCrls(certificate: Certificate, sources: RevocationSources, context: RevocationContext): Answer {
  let why = 'there is no CRL of its issuer'
  const usable: Usable[] = []
  for (const crl of sources.crls) {
    const verdict = examine(crl, certificate, context)
    if (typeof verdict === 'string') why = verdict
    else if (verdict > 0) usable.push({ crl, mask: verdict })
  }
  const entries = usable.map(({ crl }) => crl.find(certificate.serialNumber, certificate.issuer))
  const forGood = entries.find((entry) => entry !== undefined && !isForNow(entry))
  if (forGood !== undefined) return { kind: 'revoked', ...forGood }

  let reasons = 0
  const staleness = (crl: Crl): string | undefined => whyNotCurrent(crl, context.at, sources)
  for (const series of seriesIn(usable)) {
    const hold = holdInForce(series, certificate, (crl) => staleness(crl) === undefined)
    if (hold !== undefined) return { kind: 'revoked', ...hold }
    if (isOlderThanSeen(series, sources.crlMemory)) {
      why = 'its CRL is older than one seen before'
      continue
    }
    for (const { crl, mask } of series.filter(({ crl: { baseCrlNumber } }) => baseCrlNumber === undefined)) {
      // That it goes on belongs into a delta CRL only; whoever writes it elsewhere says nothing.
      if (find(crl, certificate)?.reason === 'removeFromCRL') continue
      const stale = staleness(crl)
      const isCarriedOn =
        crl.thisUpdate <= context.at &&
        series.some(({ crl: delta }) => changes(delta, crl) && staleness(delta) === undefined)
      if (stale === undefined || isCarriedOn) reasons |= mask
      else why = `its CRL ${stale}`
    }
  }
  if (reasons === ALL_REASONS) return { kind: 'good' }
  return { kind: 'unknown', why: reasons === 0 ? why : 'its CRLs are not about every reason' }
}

/** A hold may be lifted, and has been where a delta CRL says so (§5.3.1). */
function isForNow({ reason }: RevokedCertificate): boolean {
  return reason === 'certificateHold' || reason === 'removeFromCRL'
}

/**
 * The hold that is in force in one series: of the CRLs that mention the certificate, and the full ones that do not, the
 * one with the highest number says. A delta CRL lifts a hold only while it is current; what it puts on hold stays so. As
 * each tells all that has changed since its base, one that is current takes the place of those before it.
 */
function holdInForce(
  series: readonly Usable[],
  certificate: Certificate,
  isCurrent: (crl: Crl) => boolean,
): RevokedCertificate | undefined {
  const newestFirst = series.map(({ crl }) => crl).sort((a, b) => (numberOf(a) < numberOf(b) ? 1 : -1))
  let replacedDownTo: bigint | undefined
  for (const crl of newestFirst) {
    const entry = find(crl, certificate)
    if (crl.baseCrlNumber === undefined) return entry?.reason === 'removeFromCRL' ? undefined : entry
    if (replacedDownTo !== undefined && numberOf(crl) >= replacedDownTo) continue
    if (entry !== undefined && entry.reason !== 'removeFromCRL') return entry
    if (!isCurrent(crl)) continue
    if (entry !== undefined) return undefined
    replacedDownTo = BigInt(`0x${crl.baseCrlNumber}`)
  }
  return undefined
}

function find(crl: Crl | undefined, certificate: Certificate): RevokedCertificate | undefined {
  return crl?.find(certificate.serialNumber, certificate.issuer)
}

function numberOf({ crlNumber }: Crl): bigint {
  return BigInt(`0x${crlNumber ?? '00'}`)
}

/** The reasons that a CRL covers for a certificate, or why it cannot be used. */
function examine(crl: Crl, certificate: Certificate, context: RevocationContext): number | string {
  try {
    // What cannot be read counts for nothing, and stops nothing: anybody can send a CRL.
    crl.readAllExtensions()
  } catch (error) {
    if (isSignetError(error)) return `its CRL is malformed: ${error.message}`
    throw error
  }
  const mask = reasonsCovered(crl, certificate)
  return mask === 0 ? 0 : (whyUnusable(crl, context) ?? mask)
}

/** Hardly ever is there more than one CRL about a certificate, which is a series whatever its name. */
function seriesIn(usable: readonly Usable[]): Iterable<readonly Usable[]> {
  return usable.length === 1 ? [usable] : Map.groupBy(usable, ({ crl }) => seriesOf(crl)).values()
}

/** Worked out once for each CRL: it is asked about one certificate after another. */
const seriesNames = new WeakMap<Crl, string>()

/** CRLs that are numbered together: of one issuer, key and scope, full and delta (§5.2.3). */
function seriesOf(crl: Crl): string {
  let name = seriesNames.get(crl)
  if (name === undefined) seriesNames.set(crl, (name = seriesName(crl)))
  return name
}

function seriesName(crl: Crl): string {
  const scope = hex(crl.extensions.get(OID.issuingDistributionPoint)?.value ?? new Uint8Array())
  const key = hex(crl.authorityKeyIdentifier?.keyIdentifier ?? new Uint8Array())
  return JSON.stringify([crl.issuer.key, key, scope])
}

/** Whether the highest number at hand is lower than one that was believed before: then something is being withheld. */
function isOlderThanSeen(series: readonly Usable[], memory: CrlMemory | undefined): boolean {
  const [first] = series
  if (memory === undefined || first === undefined) return false
  const highest = series.map(({ crl }) => numberOf(crl)).reduce((a, b) => (a > b ? a : b))
  return !memory.accept(seriesOf(first.crl), highest)
}

function whyUnusable(crl: Crl, context: RevocationContext): string | undefined {
  const unknownCritical = [...crl.extensions.values()].some(({ critical, oid }) => critical && !UNDERSTOOD.has(oid))
  if (unknownCritical || crl.unknownCriticalEntryExtension) return 'its CRL has an unknown critical extension'
  if (crl.hasForeignEntries && crl.issuingDistributionPoint?.indirectCrl !== true) {
    return 'its CRL names other issuers without being indirect'
  }
  let why = 'the issuer of its CRL is not known'
  for (const signer of context.crlSigners(crl)) {
    const refusal = whyNotSignedBy(crl, signer, context)
    if (refusal === undefined) return undefined
    why = refusal
  }
  return why
}

function whyNotSignedBy(crl: Crl, signer: Certificate, context: RevocationContext): string | undefined {
  try {
    return checkSigner(crl, signer, context)
  } catch (error) {
    // Of several that may have signed, one that cannot be read hinders nobody.
    if (isSignetError(error) && error.category !== 'limit') return `its CRL cannot be verified: ${error.message}`
    throw error
  }
}

function checkSigner(crl: Crl, signer: Certificate, context: RevocationContext): string | undefined {
  if (signer.keyUsage?.has('cRLSign') === false) return 'its issuer may not sign CRLs'
  const wanted = crl.authorityKeyIdentifier?.keyIdentifier
  const found = signer.subjectKeyIdentifier
  if (wanted !== undefined && found !== undefined && !equalBytes(wanted, found))
    return 'its CRL is by another key of its issuer'
  const isSigned = isSignedBy(crl, signer, context.algorithms, context.budget)
  return isSigned ? undefined : 'the signature of its CRL does not verify'
}

/** §6.3.3 (c), §5.2.4: same issuer, key and scope, made for a base no newer than this, and itself newer. */
function changes(delta: Crl, base: Crl): boolean {
  const { baseCrlNumber, crlNumber } = delta
  if (baseCrlNumber === undefined || crlNumber === undefined || base.crlNumber === undefined) return false
  return (
    seriesOf(delta) === seriesOf(base) &&
    BigInt(`0x${baseCrlNumber}`) <= numberOf(base) &&
    numberOf(delta) >= numberOf(base)
  )
}
