/**
 * Which CRLs a node shall have: for every CA that it trusts the newest, from wherever they came.
 *
 * @module agent/newer-crls (floor 7.4)
 */
import { equalBytes } from '../asn1/index.js'
import { crlSeries, newestOfSeries, refuseOlderCrls } from '../credential/index.js'
import { signatureAlgorithmOf, verifySignature } from '../crypto/index.js'
import { isSignetError, type SignetError, StaleError, TrustError } from '../errors/index.js'
import type { Certificate, Crl } from '../x509/index.js'

/** The CRLs to deliver, and what was wrong with those that were passed over. */
export interface ChosenCrls {
  readonly crls: readonly Crl[]
  readonly refused: readonly SignetError[]
}

/**
 * Choose the newest full CRL of every CA among those in use and those that were offered.
 *
 * One that is offered counts if a CA of the bundle signed it, and it is current and not older than the one in use. Those
 * of other CAs are passed over without a word; delta CRLs, too, which OpenSSL would take for full ones.
 *
 * @param caBundle - Every CA that the node trusts.
 */
export function chooseCrls(
  caBundle: readonly Certificate[],
  inUse: readonly Crl[],
  offered: readonly Crl[],
  at: Date,
): ChosenCrls {
  const refused: SignetError[] = []
  const good: Crl[] = []
  for (const crl of offered) {
    if (crl.baseCrlNumber !== undefined || !caBundle.some(({ subject }) => subject.equals(crl.issuer))) continue
    try {
      requireGood(crl, caBundle, inUse, at)
      good.push(crl)
    } catch (error) {
      if (!isSignetError(error)) throw error
      refused.push(error)
    }
  }
  const kept = inUse.filter((crl) => caBundle.some(({ subject }) => subject.equals(crl.issuer)))
  // Of two with one number the one in use stays: nothing is delivered that says nothing new.
  const crls = [...newestOfSeries([...kept, ...good]).values()]
  return { crls: inOrder(caBundle, crls), refused }
}

/**
 * Every CA has a CRL: servers refuse whomever a CA without one issued, and some of them everybody.
 *
 * @throws {@link TrustError} `ERR_REVOCATION_UNKNOWN`
 */
export function requireCrlOfEach(caBundle: readonly Certificate[], crls: readonly Crl[]): void {
  const without = caBundle.find((ca) => !crls.some((crl) => isOf(crl, ca)))
  if (without === undefined) return
  throw new TrustError('ERR_REVOCATION_UNKNOWN', `there is no CRL of ${without.subject.toString()}`, {
    details: { issuer: without.subject.toString() },
    hint: 'name where the CRLs of all CAs are: crls of the configuration',
  })
}

function requireGood(crl: Crl, caBundle: readonly Certificate[], inUse: readonly Crl[], at: Date): void {
  const issuer = crl.issuer.toString()
  if (!caBundle.some((ca) => isOf(crl, ca) && isSignedBy(crl, ca))) {
    throw new TrustError('ERR_REVOCATION_UNKNOWN', `a CRL of ${issuer} is signed by nobody who is trusted`, {
      details: { issuer },
    })
  }
  if (crl.thisUpdate > at || crl.currentUntil <= at) {
    const span = `${crl.thisUpdate.toISOString()} to ${crl.currentUntil.toISOString()}`
    throw new StaleError('ERR_CRL_STALE', `a CRL of ${issuer} is for another time: ${span}`, {
      details: { issuer, thisUpdate: crl.thisUpdate.toISOString(), nextUpdate: crl.currentUntil.toISOString() },
      hint: 'see that the authority publishes in time, and the clock of this machine',
    })
  }
  refuseOlderCrls(inUse, [crl])
}

/** Whether a CRL is by the name and, where it says which, the key of a CA. */
export function isOf(crl: Crl, ca: Certificate): boolean {
  const keyIdentifier = crl.authorityKeyIdentifier?.keyIdentifier
  return (
    crl.issuer.equals(ca.subject) &&
    (keyIdentifier === undefined ||
      ca.subjectKeyIdentifier === undefined ||
      equalBytes(keyIdentifier, ca.subjectKeyIdentifier))
  )
}

export function isSignedBy(crl: Crl, ca: Certificate): boolean {
  try {
    return verifySignature(signatureAlgorithmOf(crl.signatureAlgorithm), ca.publicKey, crl.tbsDer, crl.signatureValue)
  } catch (error) {
    // An algorithm or a key that is not allowed signs nothing.
    if (isSignetError(error)) return false
    throw error
  }
}

/** As the bundle has its CAs: the issuing CA's first, of which etcd reads no other. */
function inOrder(caBundle: readonly Certificate[], crls: readonly Crl[]): readonly Crl[] {
  const place = (crl: Crl): number => caBundle.findIndex((ca) => isOf(crl, ca))
  return crls.toSorted((a, b) => place(a) - place(b) || crlSeries(a).localeCompare(crlSeries(b)))
}
