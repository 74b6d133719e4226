/**
 * Which CAs a node trusts, and their CRLs, brought into its credential directory.
 *
 * @module agent/trusted-cas (floor 7.4)
 */
import { redeliverCredential } from '../credential/index.js'
import { type SignetError, TrustError } from '../errors/index.js'
import type { Certificate } from '../x509/index.js'
import type { CredentialConfiguration } from './configuration.js'
import { chooseCrls, isOf } from './newer-crls.js'
import type { Present } from './present.js'
import type { Surroundings } from './surroundings.js'

export function isRoot({ issuer, subject }: Certificate): boolean {
  return issuer.equals(subject)
}

/**
 * The CAs that are to be trusted besides those of the own path: those that the trust directory or the source names, else
 * those that were there. None that has ended.
 */
export function casToTrust(
  item: CredentialConfiguration,
  present: Present | undefined,
  { casOf, at }: Pick<Surroundings, 'casOf' | 'at'>,
): readonly Certificate[] {
  return (casOf(item) ?? present?.caBundle ?? []).filter(({ notAfter }) => notAfter > at)
}

/** What came of bringing in newer CRLs and CAs. */
export interface DeliveredTrust {
  /** Whether there is a new version. */
  readonly isNew: boolean
  /** What was wrong with some of what was offered; the rest was brought in. */
  readonly refused: readonly SignetError[]
}

/**
 * Deliver the newest CRLs, and the CAs that are trusted now, beside the certificate that is there.
 *
 * The CAs of the own path stay whatever the trust directory says: without them nobody could follow it.
 *
 * @throws what `redeliverCredential` throws; then nothing has changed
 */
export function deliverTrust(item: CredentialConfiguration, present: Present, around: Surroundings): DeliveredTrust {
  const { at } = around
  const own = ownCas(present)
  const wanted = unique([...own, ...casToTrust(item, present, around)])
  const refused: SignetError[] = []
  const all = chooseCrls(wanted, present.crls, around.crls, at)
  // A new CA without a CRL is left out: servers would refuse whomever it issued, and some of them everybody.
  const caBundle = wanted.filter((ca) => {
    if (has(present.caBundle, ca) || all.crls.some((crl) => isOf(crl, ca))) return true
    refused.push(withoutCrl(ca))
    return false
  })
  const chosen = chooseCrls(caBundle, present.crls, around.crls, at)
  const isSameSet = caBundle.length === present.caBundle.length && caBundle.every((ca) => has(present.caBundle, ca))
  const readers = around.readersOf(item)
  const folder = redeliverCredential(
    item.directory,
    {
      caBundle: isSameSet ? present.caBundle : caBundle,
      crls: isSameCrls(present.crls, chosen.crls) ? present.crls : chosen.crls,
      ...(readers === undefined ? {} : { readers }),
    },
    at,
  )
  return { isNew: folder !== present.folder, refused: [...refused, ...chosen.refused] }
}

/** The CAs of the own path, root included, as the bundle has them. */
function ownCas({ certificate, chain, caBundle }: Present): readonly Certificate[] {
  const last = chain.at(-1) ?? certificate
  return [...chain, ...caBundle.filter((ca) => isRoot(ca) && ca.subject.equals(last.issuer))]
}

function isSameCrls(a: Present['crls'], b: Present['crls']): boolean {
  const texts = (crls: Present['crls']): string =>
    crls
      .map((crl) => crl.toPem())
      .sort()
      .join('')
  return texts(a) === texts(b)
}

function withoutCrl(ca: Certificate): TrustError {
  const issuer = ca.subject.toString()
  return new TrustError('ERR_REVOCATION_UNKNOWN', `the new CA ${issuer} is left out: there is no CRL of it`, {
    details: { issuer },
  })
}

function has(list: readonly Certificate[], one: Certificate): boolean {
  return list.some((item) => item.equals(one))
}

function unique(list: readonly Certificate[]): readonly Certificate[] {
  return list.filter((one, index) => list.findIndex((item) => item.equals(one)) === index)
}
