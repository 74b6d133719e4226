/**
 * Proof that the issuance log is whole, and that the tables say what the log says.
 *
 * @module store/audit (floor 4)
 */
import { StoreError } from '../errors/index.js'
import { LOG_START, type LogHead, verifyLogEntry } from './log.js'
import type { Store } from './store.js'

export interface AuditReport {
  readonly entries: number
  readonly certificates: number
  readonly revocations: number
  readonly head: LogHead
}

const BATCH = 1000

/**
 * Verify the hash chain from its first entry, and that certificates and revocations are exactly those of the log.
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
  let head = LOG_START
  const issued = new Map<string, string>()
  const revoked = new Set<string>()
  for (;;) {
    const entries = await store.logEntries(head.sequence + 1, BATCH)
    if (entries.length === 0) break
    for (const entry of entries) {
      head = verifyLogEntry(head, entry)
      const payload = JSON.parse(entry.payload) as { serialNumber?: string; fingerprint?: string }
      if (entry.event === 'certificate.issued') issued.set(payload.serialNumber ?? '', payload.fingerprint ?? '')
      if (entry.event === 'certificate.revoked') revoked.add(payload.serialNumber ?? '')
    }
    progress(head.sequence)
  }
  const certificates = await store.certificates()
  const revocations = await store.revocations()
  for (const { certificate } of certificates) {
    if (issued.get(certificate.serialNumber) !== certificate.fingerprint) {
      throw tampered('a certificate is not in the log', certificate.serialNumber)
    }
    issued.delete(certificate.serialNumber)
  }
  for (const serialNumber of issued.keys()) throw tampered('a certificate of the log is gone', serialNumber)
  for (const { serialNumber } of revocations) {
    if (!revoked.delete(serialNumber)) throw tampered('a revocation is not in the log', serialNumber)
  }
  for (const serialNumber of revoked) throw tampered('a revocation of the log is gone', serialNumber)
  return { entries: head.sequence, certificates: certificates.length, revocations: revocations.length, head }
}

function tampered(fault: string, serialNumber: string): StoreError {
  return new StoreError('ERR_AUDIT_CHAIN', `store and issuance log disagree: ${fault}`, {
    details: { serialNumber },
    hint: 'compare with a backup',
  })
}
