/**
 * Proof that the issuance log is whole, and that the tables say what the log says.
 *
 * @module store/audit (floor 4)
 */
import { hash } from 'node:crypto'
import { StoreError } from '../errors/index.js'
import { LOG_START, type LogEntry, type LogHead, type LogPayload, verifyLogEntry } from './log.js'
import type { CertificateRecord, EntityRecord } from './records.js'
import type { Store, StoreReader } from './store.js'

export interface AuditReport {
  readonly entries: number
  readonly certificates: number
  readonly revocations: number
  readonly head: LogHead
}

const BATCH = 1000

/**
 * Verify the hash chain from its first entry, and that entities, certificates and revocations are exactly those of the log.
 *
 * It proves that nothing was changed behind the log's back. A log rewritten as a whole is noticed only by comparing
 * the head with one that was kept elsewhere.
 *
 * @param progress - Told the number of entries verified so far.
 * @throws {@link StoreError} `ERR_AUDIT_CHAIN`
 */
export async function verifyAudit(
  store: Store,
  progress: (entries: number) => void = () => undefined,
): Promise<AuditReport> {
  // In a transaction: log and tables are those of one instant, whoever else issues meanwhile.
  return store.transaction((reader) => verifyReader(reader, progress))
}

/** What the log says of a certificate, as the tables must say it. */
type Facts = Readonly<Record<'fingerprint' | 'entityId' | 'profile' | 'keyIdentifier' | 'notAfter', unknown>>

async function verifyReader(store: StoreReader, progress: (entries: number) => void): Promise<AuditReport> {
  let head = LOG_START
  const issued = new Map<string, Facts>()
  const revoked = new Map<string, unknown>()
  const entities = new Map<string, string>()
  for (;;) {
    const entries = await store.logEntries(head.sequence + 1, BATCH)
    if (entries.length === 0) break
    for (const entry of entries) {
      head = verifyLogEntry(head, entry)
      const payload = payloadOf(entry)
      const serialNumber = String(payload['serialNumber'])
      if (entry.event === 'certificate.issued') issued.set(serialNumber, payload)
      if (entry.event === 'certificate.revoked') revoked.set(serialNumber, payload['reason'])
      followEntity(entities, entry.event, payload)
    }
    progress(head.sequence)
  }
  checkEntities(await store.entities(), entities)
  const certificates = await store.certificates()
  const revocations = await store.revocations()
  for (const { certificate } of certificates) {
    const facts = issued.get(certificate.serialNumber)
    if (facts === undefined) throw tampered('a certificate is not in the log', certificate.serialNumber)
    if (!saysTheSame(certificate, facts)) {
      throw tampered('a certificate is not the one of the log', certificate.serialNumber)
    }
    issued.delete(certificate.serialNumber)
  }
  for (const serialNumber of issued.keys()) throw tampered('a certificate of the log is gone', serialNumber)
  for (const { serialNumber, reason } of revocations) {
    if (revoked.get(serialNumber) !== reason) throw tampered('a revocation is not in the log', serialNumber)
    revoked.delete(serialNumber)
  }
  for (const serialNumber of revoked.keys()) throw tampered('a revocation of the log is gone', serialNumber)
  return { entries: head.sequence, certificates: certificates.length, revocations: revocations.length, head }
}

/** Events that bring an entity into the state of their name. */
const STATE_EVENT = /^entity\.(active|quarantined|retired)$/

/** Keep what the log says of each entity: its facts as registered, and its latest state. */
function followEntity(entities: Map<string, string>, event: string, payload: Readonly<Record<string, unknown>>): void {
  const id = String(payload['id'])
  const state = STATE_EVENT.exec(event)?.[1]
  if (event === 'entity.added') entities.set(id, `active ${JSON.stringify(payload)}`)
  else if (state !== undefined) entities.set(id, (entities.get(id) ?? '').replace(/^\w+/, state))
}

/** Roles and names come from the registry, so it has to be the one of the log. */
function checkEntities(found: readonly EntityRecord[], logged: Map<string, string>): void {
  for (const entity of found) {
    if (logged.get(entity.id) !== `${entity.state} ${JSON.stringify(entityFacts(entity))}`) {
      throw tampered('an entity is not the one of the log', entity.id, 'entity')
    }
    logged.delete(entity.id)
  }
  for (const id of logged.keys()) throw tampered('an entity of the log is gone', id, 'entity')
}

/** What the log keeps of an entity when it is registered. */
export function entityFacts(entity: EntityRecord): LogPayload {
  const { id, uri, kind, scope, service, node, roles, dnsNames, ipAddresses } = entity
  return { id, uri, kind, scope, service, node, roles, dnsNames, ipAddresses }
}

function saysTheSame(certificate: CertificateRecord, facts: Facts): boolean {
  return (
    hash('sha256', certificate.der, 'hex') === facts.fingerprint &&
    certificate.fingerprint === facts.fingerprint &&
    certificate.entityId === (facts.entityId ?? null) &&
    certificate.profile === facts.profile &&
    certificate.keyIdentifier === facts.keyIdentifier &&
    certificate.notAfter === facts.notAfter
  )
}

/** The payload was hashed, but whoever rewrites the whole log can hash anything. */
function payloadOf(entry: LogEntry): Readonly<Record<string, unknown>> {
  let payload: unknown
  try {
    payload = JSON.parse(entry.payload)
  } catch {
    payload = undefined
  }
  if (typeof payload === 'object' && payload !== null) return payload as Readonly<Record<string, unknown>>
  throw new StoreError('ERR_AUDIT_CHAIN', 'an entry of the issuance log is not one of ours', {
    details: { sequence: String(entry.sequence) },
  })
}

function tampered(fault: string, which: string, kind: 'serialNumber' | 'entity' = 'serialNumber'): StoreError {
  return new StoreError('ERR_AUDIT_CHAIN', `store and issuance log disagree: ${fault}`, {
    details: { [kind]: which },
    hint: 'compare with a backup',
  })
}
