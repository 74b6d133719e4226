/**
 * What the log says of issuing CAs and of who trusts them, held against the tables.
 *
 * @module store/rotation-history (floor 4)
 */
import { hash } from 'node:crypto'
import type { LogPayload } from './log.js'
import type { AcknowledgementRecord, IssuingCaRecord } from './records.js'
import { tampered } from './registry-history.js'
import type { StoreReader } from './store.js'

type Payload = Readonly<Record<string, unknown>>

/** Issuing CAs and acknowledgements as a log leaves them. */
export class RotationHistory {
  readonly #authorities = new Map<string, string>()
  readonly #acknowledged = new Map<string, string>()

  /** Take the next entry of the log. */
  follow(event: string, payload: Payload): void {
    const issuer = String(payload['issuer'])
    if (event.startsWith('ca.')) this.#authorities.set(String(payload['number']), JSON.stringify(payload))
    else if (event === 'rotation.acknowledged') {
      this.#acknowledged.set(acknowledgementKey(issuer, String(payload['entityId'])), JSON.stringify(payload))
    }
  }

  /**
   * Hold the tables against it.
   *
   * @throws {@link StoreError} `ERR_AUDIT_CHAIN` naming the first issuing CA or acknowledgement that differs
   */
  async check(store: StoreReader): Promise<void> {
    const authorities = await store.issuingCas()
    for (const record of authorities) {
      const number = String(record.number)
      if (this.#authorities.get(number) !== JSON.stringify(issuingCaFacts(record))) {
        throw tampered('an issuing CA is not the one of the log', number, 'issuingCa')
      }
      this.#authorities.delete(number)
      for (const acknowledgement of await store.acknowledgements(record.number)) {
        const key = acknowledgementKey(number, acknowledgement.entityId)
        if (this.#acknowledged.get(key) !== JSON.stringify(acknowledgementFacts(acknowledgement))) {
          throw tampered('an acknowledgement is not in the log', acknowledgement.entityId, 'entity')
        }
        this.#acknowledged.delete(key)
      }
    }
    for (const number of this.#authorities.keys()) {
      throw tampered('an issuing CA of the log is gone', number, 'issuingCa')
    }
    for (const key of this.#acknowledged.keys()) {
      throw tampered('an acknowledgement of the log is gone', key.slice(key.indexOf(' ') + 1), 'entity')
    }
  }
}

function acknowledgementKey(issuer: string, entityId: string): string {
  return `${issuer} ${entityId}`
}

/** What the log keeps of an issuing CA, under `ca.` and its state. */
export function issuingCaFacts({ number, state, keyIdentifier, der, key, revokedAt }: IssuingCaRecord): LogPayload {
  return {
    number,
    state,
    keyIdentifier,
    ...(der === null ? {} : { fingerprint: hash('sha256', der, 'hex') }),
    key,
    ...(revokedAt === null ? {} : { revokedAt }),
  }
}

/** What the log keeps of an acknowledgement. */
export function acknowledgementFacts({ issuer, entityId, evidence, by, reason }: AcknowledgementRecord): LogPayload {
  return { issuer, entityId, evidence, by, ...(reason === '' ? {} : { reason }) }
}
