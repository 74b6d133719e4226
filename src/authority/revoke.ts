/**
 * Revoking: by entity, certificate, serial number or key identifier. What cannot be found is an error, never a success.
 *
 * @module authority/revoke (floor 7)
 */
import { StateError } from '../errors/index.js'
import { requireEntity, changeEntityState } from '../identity/index.js'
import type {
  CertificateRecord,
  CertificateStatus,
  EntityRecord,
  EntityState,
  StoreReader,
  StoreTransaction,
} from '../store/index.js'
import type { RevocationReason } from '../x509/index.js'
import type { Authority } from './authority.js'

/** Which certificates. Serial numbers, key identifiers and fingerprints are in their canonical text. */
export type RevocationTarget =
  | { readonly kind: 'entity'; readonly id: string }
  | { readonly kind: 'serialNumber'; readonly serialNumber: string }
  | { readonly kind: 'keyIdentifier'; readonly keyIdentifier: string }
  | { readonly kind: 'fingerprint'; readonly fingerprint: string }

/** Reasons that a person may give. A hold is what `signet entity quarantine` makes. */
export const REVOCATION_REASON_CHOICES = [
  'unspecified',
  'keyCompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'privilegeWithdrawn',
] as const satisfies readonly RevocationReason[]

/** What was revoked; `profile` is that of the certificate, or of an intent that was abandoned. */
export interface Revoked {
  readonly serialNumber: string
  readonly entityId: string | null
  readonly profile: string
}

/**
 * Revoke certificates and record why. Takes effect for others with the next CRL and trust directory.
 *
 * Of an entity, every certificate that is neither expired nor revoked.
 *
 * @throws {@link StateError} `ERR_ENTITY_UNKNOWN`, `ERR_CERTIFICATE_UNKNOWN`, `ERR_ALREADY_REVOKED`
 */
export async function revokeCertificates(
  authority: Authority,
  target: RevocationTarget,
  reason: RevocationReason,
  at: Date,
): Promise<readonly Revoked[]> {
  return authority.store.transaction(async (transaction) => {
    const revoked: readonly Revoked[] = await select(transaction, target, at)
    await recordRevocations(transaction, revoked, reason, at)
    return revoked
  })
}

/** Into the store and the log. Whether any was revoked before is for the caller to know. */
export async function recordRevocations(
  transaction: StoreTransaction,
  certificates: readonly Revoked[],
  reason: RevocationReason,
  at: Date,
): Promise<void> {
  for (const { serialNumber, entityId, profile } of certificates) {
    await transaction.insertRevocation({ serialNumber, reason, revokedAt: at.toISOString() })
    await transaction.log(at, 'certificate.revoked', {
      serialNumber,
      reason,
      entityId: entityId ?? undefined,
      profile,
    })
  }
}

/** What a revocation would do. Nothing is changed by asking. */
export interface RevocationPreview {
  readonly certificates: readonly CertificateRecord[]
  readonly entities: readonly {
    readonly entity: EntityRecord
    /** Its certificates that would still be good. */
    readonly left: readonly CertificateRecord[]
  }[]
  /** Until when receivers may believe the certificates: those that get no newer CRL than the last. */
  readonly staleUntil: string | undefined
}

/**
 * Say what {@link revokeCertificates} would do, without doing it.
 *
 * @throws {@link StateError} as that does
 */
export async function previewRevocation(
  { store, allIssuingCas }: Authority,
  target: RevocationTarget,
  at: Date,
): Promise<RevocationPreview> {
  const serialNumbers = new Set((await select(store, target, at)).map(({ serialNumber }) => serialNumber))
  const statuses = await Promise.all([...serialNumbers].map((serialNumber) => store.certificate(serialNumber)))
  const certificates = statuses.flatMap((status) => (status === undefined ? [] : [status.certificate]))
  const ids = new Set(certificates.flatMap(({ entityId }) => (entityId === null ? [] : [entityId])))
  const entities = await Promise.all(
    [...ids].map(async (id) => {
      const all = await store.certificates(id)
      const left = all.filter(
        ({ certificate: { serialNumber, notAfter }, revocation }) =>
          revocation === undefined && !serialNumbers.has(serialNumber) && Date.parse(notAfter) >= at.getTime(),
      )
      return { entity: await requireEntity(store, id), left: left.map(({ certificate }) => certificate) }
    }),
  )
  const issuers = allIssuingCas.filter(({ number }) => certificates.some(({ issuer }) => issuer === number))
  const crls = await Promise.all(issuers.map(({ certificate }) => store.latestCrl(certificate.keyIdentifier)))
  const ends = crls.flatMap((crl) => (crl === undefined ? [] : [crl.nextUpdate])).sort()
  return { certificates, entities, staleUntil: ends.at(-1) }
}

async function select(reader: StoreReader, target: RevocationTarget, at: Date): Promise<readonly Revoked[]> {
  switch (target.kind) {
    case 'entity': {
      await requireEntity(reader, target.id)
      return stillGood(await reader.certificates(target.id), `certificate of ${target.id}`, at)
    }
    case 'serialNumber': {
      const found = await reader.certificate(target.serialNumber)
      const intent = found === undefined ? await reader.abandonedIntent(target.serialNumber) : undefined
      if (intent !== undefined) {
        if ((await reader.revocation(intent.serialNumber)) !== undefined)
          throw new StateError('ERR_ALREADY_REVOKED', `${intent.serialNumber} is revoked already`)
        return [intent]
      }
      return stillGood(found === undefined ? [] : [found], `certificate with the serial number ${target.serialNumber}`)
    }
    case 'keyIdentifier':
      return stillGood(
        await reader.certificatesByKeyIdentifier(target.keyIdentifier),
        `certificate with the key identifier ${target.keyIdentifier}`,
      )
    case 'fingerprint': {
      const found = await reader.certificateByFingerprint(target.fingerprint)
      return stillGood(found === undefined ? [] : [found], `certificate with the fingerprint ${target.fingerprint}`)
    }
  }
}

/** Those that can be revoked. With `at`, expired ones are left out. */
function stillGood(found: readonly CertificateStatus[], what: string, at?: Date): readonly CertificateRecord[] {
  if (found.length === 0) {
    throw new StateError('ERR_CERTIFICATE_UNKNOWN', `this authority issued no ${what}`, {
      hint: 'signet cert list shows those it did',
    })
  }
  const living = found.filter(({ certificate }) => at === undefined || Date.parse(certificate.notAfter) >= at.getTime())
  const good = living.filter(({ revocation }) => revocation === undefined)
  if (good.length === 0) {
    throw new StateError(
      'ERR_ALREADY_REVOKED',
      living.length === 0 ? `every ${what} has expired` : `every ${what} is revoked already`,
    )
  }
  return good.map(({ certificate }) => certificate)
}

/**
 * Quarantine, release or retire an entity. Quarantine puts its certificates on hold, which release lifts; retiring
 * revokes them for good.
 *
 * @throws {@link StateError} `ERR_ENTITY_UNKNOWN`, `ERR_ENTITY_STATE`
 */
export async function setEntityState(
  authority: Authority,
  id: string,
  state: EntityState,
  at: Date,
): Promise<EntityRecord> {
  return authority.store.transaction((transaction) => changeState(transaction, id, state, at))
}

/** As {@link setEntityState}, in a transaction. */
export async function changeState(
  transaction: StoreTransaction,
  id: string,
  state: EntityState,
  at: Date,
): Promise<EntityRecord> {
  const entity = await changeEntityState(transaction, id, state, at)
  if (state === 'retired') {
    for (const { certificate, revocation } of await transaction.certificates(id)) {
      if (revocation !== undefined || Date.parse(certificate.notAfter) < at.getTime()) continue
      const { serialNumber, profile } = certificate
      await transaction.insertRevocation({
        serialNumber,
        reason: 'cessationOfOperation',
        revokedAt: at.toISOString(),
      })
      await transaction.log(at, 'certificate.revoked', {
        serialNumber,
        reason: 'cessationOfOperation',
        entityId: id,
        profile,
      })
    }
  }
  return entity
}
