/**
 * From an approved certificate to one that was signed, and validated as a stranger would.
 *
 * @module authority/sign (floor 7)
 */
import { CERTIFICATE_LIMITS, DerReader, equalBytes } from '../asn1/index.js'
import { InternalError } from '../errors/index.js'
import { encodeSigned } from '../x509/index.js'
import { breathe, type IssuingAuthority, type Planned } from './plan.js'
import type { CommonKnowledge, Reading, Stranger } from './stranger.js'

/** Certificates that are signed in one go, and read in one: about a millisecond of work. */
const TURN = 50

/** A certificate between its signature and its record. */
export interface SignedPlan {
  readonly item: Planned
  readonly der: Uint8Array
  /** What a stranger read in it. */
  readonly reading: Reading
}

/** What whoever relies on the certificates will know. */
export function knowledgeOf({ authority, crls, at }: IssuingAuthority): CommonKnowledge {
  return { anchors: authority.anchors, issuer: authority.issuing, crls, at }
}

/**
 * Sign what was planned, and have it validated meanwhile.
 *
 * @returns In the order given. If one fails, all do.
 * @throws {@link InternalError} `ERR_ISSUE_TBS_MISMATCH`
 * @throws {@link TrustError} what path validation refuses
 * @throws what the key throws
 */
export async function signPlanned(
  { key }: IssuingAuthority,
  stranger: Stranger,
  planned: readonly Planned[],
): Promise<readonly SignedPlan[]> {
  const parts: Promise<readonly SignedPlan[]>[] = []
  for (let start = 0; start < planned.length; start += TURN) {
    // Before the first, too: their intents were committed just now.
    await breathe()
    const some = planned.slice(start, start + TURN)
    const signed: { readonly item: Planned; readonly der: Uint8Array }[] = []
    for (const item of some) {
      const der = encodeSigned(item.tbsDer, key.signatureAlgorithm, await key.sign(item.tbsDer))
      requireApproved(item, der)
      signed.push({ item, der })
    }
    const part = readBy(stranger, signed)
    // A refusal is heard of when all are signed; until then it is nobody's.
    part.catch(() => undefined)
    parts.push(part)
  }
  return (await Promise.all(parts)).flat()
}

async function readBy(
  stranger: Stranger,
  signed: readonly Omit<SignedPlan, 'reading'>[],
): Promise<readonly SignedPlan[]> {
  const readings = await stranger.read(signed.map(({ item, der }) => ({ der, purposes: item.profile.purposes })))
  return signed.map((one, index) => ({ ...one, reading: readings[index] as Reading }))
}

/** What stands in the certificate is what was approved, octet by octet. */
function requireApproved({ tbsDer }: Planned, der: Uint8Array): void {
  if (equalBytes(DerReader.over(der, CERTIFICATE_LIMITS).sequence().element(), tbsDer)) return
  throw new InternalError('ERR_ISSUE_TBS_MISMATCH', 'the signed certificate is not the one that was approved')
}
