/**
 * The status file: what an agent knows of each credential, for people, for monitoring, and for itself after a restart.
 *
 * @module agent/status (floor 7.4)
 */
import { existsSync } from 'node:fs'
import { EncodingError, type SignetErrorJson } from '../errors/index.js'
import { PUBLIC_MODE, readFileText, writeFileAtomic } from '../files/index.js'
import { parseStrictJson } from '../json/index.js'

/** The last that went wrong, and has not gone right since. */
export interface LastError extends Pick<SignetErrorJson, 'code' | 'message' | 'exitCode'> {
  readonly at: string
}

/** What is known of one credential. */
export interface CredentialStatus {
  readonly directory: string
  readonly entity: string
  readonly profile: string
  readonly serialNumber: string | null
  readonly uri: string | null
  readonly notAfter: string | null
  /** When it will be renewed. */
  readonly renewAt: string | null
  /** When the first of its CRLs is over. */
  readonly crlNextUpdate: string | null
  readonly lastError: LastError | null
  /** How often in a row it went wrong. */
  readonly failures: number
  /** Before that nothing is tried again. */
  readonly nextAttempt: string | null
  /** Whether the server was not yet seen to have taken up what is in the directory. */
  readonly reloadOwed: boolean
}

export interface AgentStatus {
  readonly schema: 1
  /** Of the last pass. */
  readonly at: string
  readonly trust: { readonly sequence: number; readonly nextUpdate: string } | null
  /** What went wrong with CRLs and trust directory. */
  readonly problems: readonly (LastError & { readonly what: string })[]
  readonly credentials: readonly CredentialStatus[]
}

const MAX_STATUS_BYTES = 4 * 1024 * 1024

/** Write it. @throws {@link StoreError} `ERR_FILE_WRITE` */
export function writeStatus(path: string, status: AgentStatus): void {
  writeFileAtomic(path, `${JSON.stringify(status, null, 2)}\n`, { mode: PUBLIC_MODE, existing: 'replace' })
}

/**
 * Read it.
 *
 * @returns `undefined` where there is none yet.
 * @throws {@link EncodingError} `ERR_JSON_MALFORMED`
 */
export function readStatus(path: string): AgentStatus | undefined {
  if (!existsSync(path)) return undefined
  const document = parseStrictJson(readFileText(path, { maxBytes: MAX_STATUS_BYTES }))
  if (!isStatus(document)) {
    throw new EncodingError('ERR_JSON_MALFORMED', `${path} is no status of an agent`, {
      details: { path },
      hint: 'remove it: the next pass writes a new one',
    })
  }
  return document
}

function isStatus(value: unknown): value is AgentStatus {
  const status = value as Partial<AgentStatus> | null
  return (
    typeof status === 'object' &&
    status?.schema === 1 &&
    isInstant(status.at) &&
    Array.isArray(status.problems) &&
    Array.isArray(status.credentials) &&
    status.credentials.every(isCredentialStatus)
  )
}

function isCredentialStatus(value: unknown): boolean {
  const one = value as Partial<CredentialStatus> | null
  if (typeof one !== 'object' || one === null) return false
  const instants = [one.notAfter, one.renewAt, one.crlNextUpdate, one.nextAttempt]
  return (
    typeof one.directory === 'string' &&
    Number.isSafeInteger(one.failures) &&
    typeof one.reloadOwed === 'boolean' &&
    instants.every((instant) => instant === null || isInstant(instant)) &&
    (one.lastError === null || typeof one.lastError?.exitCode === 'number')
  )
}

function isInstant(value: unknown): boolean {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value))
}
