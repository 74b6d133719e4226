/**
 * Issuing again, from the CA that took over, what the one before issued: in groups, and after a crash from where it was.
 *
 * @module authority/rotation-reissue (floor 7)
 */
import type { KeyAlgorithmName } from '../crypto/index.js'
import type { Holder, ReissueRecord } from '../store/index.js'
import type { IssuedCertificate } from './issue.js'
import { issueInGroups } from './issue-groups.js'
import type { IssueRequest, IssuingAuthority } from './plan.js'
import { type ProfileName, PROFILES } from './profiles.js'
import { holdersOf } from './rotation-gates.js'

/** Who has a certificate, and for what. */
export type HolderName = Pick<Holder, 'entityId' | 'profile'>

/** Where certificates go, and what is there. */
export interface ReissueDelivery {
  /** The serial number of the certificate that is there now; `undefined` where there is none. */
  readonly present: (holder: HolderName) => string | undefined
  /** Whether the holder keeps the key itself, by what is there; `undefined` where nothing is. */
  readonly keepsKey: (holder: HolderName) => boolean | undefined
  /** Hand out certificates that are recorded. */
  readonly deliver: (issued: readonly IssuedCertificate[]) => void | Promise<void>
}

export interface ReissueOptions {
  /** Keys to make. */
  readonly algorithm: KeyAlgorithmName
  readonly validitySeconds?: number
  /** Certificates of one group. */
  readonly groupSize: number
}

/**
 * Issue to every active entity what it has from one issuing CA and not from the one that issues. Nodes that keep their keys
 * are left out: they renew with a request.
 *
 * What may have been issued and not delivered when a process died is issued once more; everything else is left alone. The
 * certificate whose key was lost with that process stays recorded, and ends like any other.
 *
 * @param old - Number of the issuing CA whose certificates are replaced.
 * @returns The groups, delivered.
 * @throws as `issueInGroups`, and what delivering throws
 */
export async function* reissueCertificates(
  issuing: IssuingAuthority,
  old: number,
  delivery: ReissueDelivery,
  { algorithm, validitySeconds, groupSize }: ReissueOptions,
): AsyncGenerator<readonly IssuedCertificate[], void, void> {
  const { authority, at } = issuing
  const { store } = authority
  const issuer = authority.issuingCa.number
  const mark = async (holders: readonly HolderName[], state: ReissueRecord['state']): Promise<void> => {
    const records = holders.map(({ entityId, profile }) => ({ issuer, entityId, profile, state }))
    await store.transaction(async (transaction) => transaction.putReissues(records))
  }
  const requestFor = ({ entityId, profile }: HolderName): IssueRequest => ({
    entity: entityId,
    profile: PROFILES[profile as ProfileName],
    key: { kind: 'generate', algorithm },
    ...(validitySeconds === undefined ? {} : { validitySeconds }),
  })
  const requests = async function* (): AsyncGenerator<IssueRequest> {
    const interrupted = await undelivered(issuing, delivery)
    await mark(interrupted.done, 'done')
    yield* interrupted.lost.map(requestFor)
    for await (const page of holdersOf(store, old, issuer, at, groupSize)) {
      const mine = page.filter((holder) => !isKeptByHolder(holder, delivery))
      // Written down before anything is issued: whoever comes after a crash looks at these, and at no others.
      if (mine.length > 0) await mark(mine, 'begun')
      yield* mine.map(requestFor)
    }
  }
  for await (const issued of issueInGroups(issuing, requests(), groupSize)) {
    await delivery.deliver(issued)
    await mark(
      issued.map(({ identity, profile }) => ({ entityId: identity.entity, profile: profile.name })),
      'done',
    )
    yield issued
  }
}

/** Whether a node made its key itself: where that was not written down, its folder tells. */
function isKeptByHolder(holder: Holder, delivery: Pick<ReissueDelivery, 'keepsKey'>): boolean {
  if (holder.keySource !== null) return holder.keySource === 'request'
  return delivery.keepsKey(holder) === true
}

/** Of what was begun and not marked as done: what was issued and is not there, and everything else. */
async function undelivered(
  { authority, at }: IssuingAuthority,
  delivery: ReissueDelivery,
): Promise<{ readonly done: readonly HolderName[]; readonly lost: readonly HolderName[] }> {
  const { store } = authority
  const issuer = authority.issuingCa.number
  const done: HolderName[] = []
  const lost: HolderName[] = []
  for (const holder of await store.reissuesBegun(issuer)) {
    const present = delivery.present(holder)
    const status = present === undefined ? undefined : await store.certificate(present)
    const isNew = status?.certificate.issuer === issuer && status.revocation === undefined
    const entity = await store.entity(holder.entityId)
    // If nothing was recorded of it, it is among the holders still, and comes with them.
    const isDone = isNew || entity?.state !== 'active' || !(await hasGood(store, holder, issuer, at))
    if (isDone) done.push(holder)
    else lost.push(holder)
  }
  return { done, lost }
}

async function hasGood(
  store: IssuingAuthority['authority']['store'],
  { entityId, profile }: HolderName,
  issuer: number,
  at: Date,
): Promise<boolean> {
  return (await store.certificates(entityId)).some(
    ({ certificate, revocation }) =>
      certificate.issuer === issuer &&
      certificate.profile === profile &&
      revocation === undefined &&
      Date.parse(certificate.notAfter) >= at.getTime(),
  )
}
