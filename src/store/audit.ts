/**
 * Proof that the issuance log is whole, and that the tables say what the log says.
 *
 * @module store/audit (floor 4)
 */
import { hash } from 'node:crypto'
import { StoreError } from '../errors/index.js'
import { LOG_START, type LogEntry, type LogHead, verifyLogEntry } from './log.js'
import type { CertificateRecord } from './records.js'
import { RegistryHistory, tampered } from './registry-history.js'
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
  const registry = new RegistryHistory()
  for (;;) {
    const entries = await store.logEntries(head.sequence + 1, BATCH)
    if (entries.length === 0) break
    for (const entry of entries) {
      head = verifyLogEntry(head, entry)
      const payload = payloadOf(entry)
      const serialNumber = String(payload['serialNumber'])
      if (entry.event === 'certificate.issued') issued.set(serialNumber, payload)
      if (entry.event === 'certificate.revoked') revoked.set(serialNumber, payload['reason'])
      registry.follow(entry.event, payload)
    }
    progress(head.sequence)
  }
  await registry.check(store)
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
