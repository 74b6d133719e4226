/**
 * The issuing CAs of an authority: mostly one, and two while the next takes over from the one before.
 *
 * Until the first rotation the store knows of none: then the only one is that of the files of the home.
 *
 * @module authority/issuing-cas (floor 7)
 */
import { StoreError } from '../errors/index.js'
import { parseStrictJson } from '../json/index.js'
import {
  issuingCaFacts,
  type IssuingCaRecord,
  type IssuingCaState,
  type StoreReader,
  type StoreTransaction,
} from '../store/index.js'
import { type Certificate, parseCertificate } from '../x509/index.js'
import { type KeyLocation, parseKeyLocation } from './deployment.js'

/** An issuing CA that has a certificate. */
export interface IssuingCa {
  /** 1, 2, 3 … */
  readonly number: number
  readonly state: IssuingCaState
  readonly certificate: Certificate
  /** Where its key is; `undefined` once that was destroyed. */
  readonly key: KeyLocation | undefined
  /** Since when its certificate is revoked by the root. */
  readonly revokedAt: Date | undefined
}

/** In these states others are to trust an issuing CA: bundles and trust directories have it, and its CRLs are made. */
const TRUSTED: readonly IssuingCaState[] = ['staged', 'issuing', 'replaced', 'retiring']

/** Whether others are to trust an issuing CA. */
export function isTrusted({ state }: Pick<IssuingCa, 'state'>): boolean {
  return TRUSTED.includes(state)
}

/** The issuing CAs as a store has them, by number; those without a certificate are left out. */
export function issuingCasOf(records: readonly IssuingCaRecord[]): readonly IssuingCa[] {
  return records.flatMap(({ number, state, der, key, revokedAt }) => {
    if (der === null) return []
    const certificate = parseCertificate(der)
    const revoked = revokedAt === null ? undefined : new Date(revokedAt)
    return [{ number, state, certificate, key: keyLocationOf(key), revokedAt: revoked }]
  })
}

/** Where a key is, from its text in the store. */
export function keyLocationOf(text: string): KeyLocation | undefined {
  return text === '' ? undefined : parseKeyLocation(parseStrictJson(text))
}

/** The one that issues. @throws {@link StoreError} `ERR_STORE_OPEN` where there is none */
export function issuingOne(authorities: readonly IssuingCa[]): IssuingCa {
  const [issuing, second] = authorities.filter(({ state }) => state === 'issuing')
  if (issuing !== undefined && second === undefined) return issuing
  throw new StoreError('ERR_STORE_OPEN', 'the store does not say which issuing CA issues', {
    hint: 'signet audit verify says whether the store was changed',
  })
}

/** Record an issuing CA as it is now, and log it. */
export async function recordIssuingCa(transaction: StoreTransaction, record: IssuingCaRecord, at: Date): Promise<void> {
  await transaction.putIssuingCa(record)
  await transaction.log(at, `ca.${record.state}`, issuingCaFacts(record))
}

/** The number of the issuing CA that issues, as the store has it now. */
export async function issuingNumber(reader: StoreReader): Promise<number> {
  return (await reader.issuingCas()).find(({ state }) => state === 'issuing')?.number ?? 1
}
