/**
 * TLS sessions that are kept over a revocation. A session is as good as the key that began it: secret.
 *
 * @module probe/session (floor 7.3)
 */
import { EncodingError } from '../errors/index.js'
import { decodeUtf8, readSecretFile, SECRET_MODE, writeFileAtomic } from '../files/index.js'
import { parseStrictJson, requireKeys } from '../json/index.js'
import { type Attempt, type Dial, isUnclear } from './attempt.js'
import type { ProbeClient } from './client.js'
import { dial, type Line } from './dial.js'

/** How sessions come about: tickets of TLS 1.3 and 1.2, and what a TLS 1.2 server remembers. */
export const SESSION_FORMS = ['tls1.3-ticket', 'tls1.2-ticket', 'tls1.2-id'] as const
export type SessionForm = (typeof SESSION_FORMS)[number]

const HOW: Readonly<Record<SessionForm, Pick<Dial, 'version' | 'tickets'>>> = {
  'tls1.3-ticket': { version: 'TLSv1.3' },
  'tls1.2-ticket': { version: 'TLSv1.2' },
  'tls1.2-id': { version: 'TLSv1.2', tickets: 'without' },
}

/** Sessions of one client with one server. Nothing of them is printed by inspection or JSON. */
export class SavedSessions {
  /** SHA-256 of the certificate that they were begun with. */
  readonly fingerprint: string
  readonly #sessions: ReadonlyMap<SessionForm, Buffer>

  constructor(fingerprint: string, sessions: ReadonlyMap<SessionForm, Buffer>) {
    this.fingerprint = fingerprint
    this.#sessions = sessions
  }

  get forms(): readonly SessionForm[] {
    return [...this.#sessions.keys()]
  }

  /** For a handshake, and for the file. */
  session(form: SessionForm): Buffer | undefined {
    return this.#sessions.get(form)
  }
}

/** What came of shaking hands in each form. */
export interface TakenSessions {
  readonly sessions: SavedSessions
  /** A try of which nobody knows whether it would have yielded a session. */
  readonly unclear: Attempt | undefined
}

/** Shake hands in each form, and keep the session that comes of it, if one does. */
export async function takeSessions(line: Line, client: ProbeClient): Promise<TakenSessions> {
  const sessions = new Map<SessionForm, Buffer>()
  let unclear: Attempt | undefined
  for (const form of SESSION_FORMS) {
    const attempt = await dial(line, { ...HOW[form], client, end: 'goodbye' })
    const session = attempt.sessions.at(-1)
    if (session !== undefined) sessions.set(form, session)
    else if (isUnclear(attempt)) unclear = attempt
  }
  return { sessions: new SavedSessions(client.certificate.fingerprint, sessions), unclear }
}

/** Come back with a session; who has no client shows no certificate, should the server not resume it. */
export async function resume(line: Line, form: SessionForm, session: Buffer): Promise<Attempt> {
  return dial(line, { ...HOW[form], session })
}

/** @throws {@link StateError} `ERR_OUTPUT_EXISTS` @throws {@link StoreError} `ERR_FILE_WRITE` */
export function saveSessions(path: string, sessions: SavedSessions, existing: 'refuse' | 'replace' = 'refuse'): void {
  const entries = sessions.forms.map((form) => [form, sessions.session(form)?.toString('base64') ?? ''])
  const document = { schema: 1, fingerprint: sessions.fingerprint, sessions: Object.fromEntries(entries) as unknown }
  writeFileAtomic(path, `${JSON.stringify(document, null, 2)}\n`, { mode: SECRET_MODE, existing })
}

/**
 * Load sessions from a file that only its owner can read.
 *
 * @throws {@link StoreError} `ERR_FILE_READ`, `ERR_KEY_PERMISSIONS`
 * @throws {@link EncodingError} `ERR_JSON_MALFORMED`
 */
export function loadSessions(path: string): SavedSessions {
  const text = decodeUtf8(readSecretFile(path, { maxBytes: 256 * 1024 }), path)
  const { schema, fingerprint, sessions } = requireKeys(
    parseStrictJson(text),
    ['schema', 'fingerprint', 'sessions'],
    path,
  )
  const forms = requireKeys(
    sessions,
    SESSION_FORMS.map((form) => `${form}?`),
    path,
  )
  if (schema !== 1 || typeof fingerprint !== 'string') throw malformed(path)
  const entries = SESSION_FORMS.flatMap((form) => {
    const session = forms[form]
    if (session === undefined) return []
    if (typeof session !== 'string' || !/^[A-Za-z0-9+/]+={0,2}$/.test(session)) throw malformed(path)
    return [[form, Buffer.from(session, 'base64')] as const]
  })
  return new SavedSessions(fingerprint, new Map(entries))
}

function malformed(path: string): EncodingError {
  return new EncodingError('ERR_JSON_MALFORMED', `${path} holds no sessions of a probe`, { details: { path } })
}
