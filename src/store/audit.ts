/**
 * Proof that the issuance log is whole, and that the tables say what the log says.
 *
 * @module store/audit (floor 4)
 */
import { hash } from 'node:crypto'
import { StoreError } from '../errors/index.js'
import { LOG_START, type LogEntry, type LogHead, verifyLogEntry } from './log.js'
import { RegistryHistory, tampered } from './registry-history.js'
import { RotationHistory } from './rotation-history.js'
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
  // Log and tables are those of one instant, whoever else issues meanwhile.
  return store.snapshot((reader) => verifyReader(reader, progress))
}

/** What the log says of a certificate, as the tables must say it. */
type Facts = Readonly<
  Partial<Record<'fingerprint' | 'entityId' | 'profile' | 'keyIdentifier' | 'notAfter' | 'issuer', unknown>>
>

async function verifyReader(store: StoreReader, progress: (entries: number) => void): Promise<AuditReport> {
  let head = LOG_START
  const issued = new Map<string, string>()
  const revoked = new Map<string, unknown>()
  const registry = new RegistryHistory()
  const rotation = new RotationHistory()
  for (;;) {
    const entries = await store.logEntries(head.sequence + 1, BATCH)
    if (entries.length === 0) break
    for (const entry of entries) {
      head = verifyLogEntry(head, entry)
      const payload = payloadOf(entry)
      const serialNumber = String(payload['serialNumber'])
      if (entry.event === 'certificate.issued') issued.set(serialNumber, digestOf(payload))
      if (entry.event === 'certificate.revoked') revoked.set(serialNumber, payload['reason'])
      registry.follow(entry.event, payload)
      rotation.follow(entry.event, payload)
    }
    progress(head.sequence)
  }
  await registry.check(store)
  await rotation.check(store)
  const certificates = await verifyCertificates(store, issued)
  const revocations = await store.revocations()
  for (const { serialNumber, reason } of revocations) {
    if (revoked.get(serialNumber) !== reason) throw tampered('a revocation is not in the log', serialNumber)
    revoked.delete(serialNumber)
  }
  for (const serialNumber of revoked.keys()) throw tampered('a revocation of the log is gone', serialNumber)
  return { entries: head.sequence, certificates, revocations: revocations.length, head }
}

/** @returns How many certificates there are. */
async function verifyCertificates(store: StoreReader, issued: Map<string, string>): Promise<number> {
  let count = 0
  for (let page = await store.certificatesAfter('', BATCH); page.length > 0;) {
    for (const certificate of page) {
      const { serialNumber } = certificate
      const logged = issued.get(serialNumber)
      if (logged === undefined) throw tampered('a certificate is not in the log', serialNumber)
      if (hash('sha256', certificate.der, 'hex') !== certificate.fingerprint || digestOf(certificate) !== logged) {
        throw tampered('a certificate is not the one of the log', serialNumber)
      }
      issued.delete(serialNumber)
      count++
    }
    page = await store.certificatesAfter(page.at(-1)?.serialNumber ?? '', BATCH)
  }
  for (const serialNumber of issued.keys()) throw tampered('a certificate of the log is gone', serialNumber)
  return count
}

/** Of each certificate only this is kept: there may be many. */
function digestOf({ fingerprint, entityId, profile, keyIdentifier, notAfter, issuer }: Facts): string {
  // Of the first issuing CA the log says nothing: for long there was no other.
  const facts = [fingerprint, entityId ?? null, profile, keyIdentifier, notAfter, issuer ?? 1]
  return hash('sha256', JSON.stringify(facts), 'base64url')
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
