/**
 * From an approved certificate to one that was signed, and validated as a stranger would.
 *
 * @module authority/sign (floor 7)
 */
import { CERTIFICATE_LIMITS, DerReader, equalBytes } from '../asn1/index.js'
import type { KeyProvider } from '../crypto/index.js'
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
    const signed = signAll(key, planned.slice(start, start + TURN))
    // Where the key does one after the other, the next are not asked for before it has done these.
    if (key.signAside === undefined) await signed
    const part = signed.then((some) => readBy(stranger, some))
    // A refusal is heard of when all are signed; until then it is nobody's.
    part.catch(() => undefined)
    parts.push(part)
  }
  return (await Promise.all(parts)).flat()
}

type Unread = Omit<SignedPlan, 'reading'>

async function signAll(key: KeyProvider, planned: readonly Planned[]): Promise<readonly Unread[]> {
  // To hand one over and wait for it takes longer than to sign it.
  const signAside = planned.length > 1 ? key.signAside?.bind(key) : undefined
  if (signAside !== undefined) {
    return Promise.all(planned.map(async (item) => unread(key, item, await signAside(item.tbsDer))))
  }
  const signed: Unread[] = []
  for (const item of planned) signed.push(unread(key, item, await key.sign(item.tbsDer)))
  return signed
}

function unread({ signatureAlgorithm }: KeyProvider, item: Planned, signature: Uint8Array): Unread {
  const der = encodeSigned(item.tbsDer, signatureAlgorithm, signature)
  requireApproved(item, der)
  return { item, der }
}

async function readBy(stranger: Stranger, signed: readonly Unread[]): Promise<readonly SignedPlan[]> {
  const readings = await stranger.read(signed.map(({ item, der }) => ({ der, purposes: item.profile.purposes })))
  return signed.map((one, index) => ({ ...one, reading: readings[index] as Reading }))
}

/** What stands in the certificate is what was approved, octet by octet. */
function requireApproved({ tbsDer }: Planned, der: Uint8Array): void {
  if (equalBytes(DerReader.over(der, CERTIFICATE_LIMITS).sequence().element(), tbsDer)) return
  throw new InternalError('ERR_ISSUE_TBS_MISMATCH', 'the signed certificate is not the one that was approved')
}
