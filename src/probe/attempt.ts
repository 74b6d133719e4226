/**
 * One try: how it differs from the others, and what came of it.
 *
 * @module probe/attempt (floor 7.3)
 */
import type { SecureVersion } from 'node:tls'
import type { Standing } from './answer.js'
import type { Header } from './ask-http.js'
import type { ProbeClient } from './client.js'
import { breakOffOf } from './refusal.js'
import { TalkEnded } from './talk.js'

/** How one try differs from the others. */
export interface Dial {
  /** Who shakes hands. Default: nobody, no certificate is shown. */
  readonly client?: ProbeClient
  /** Only this version. Default: 1.2 or 1.3. */
  readonly version?: SecureVersion
  /** TLS 1.2: no tickets, so that a session is one that the server remembers. */
  readonly tickets?: 'without'
  /** A session to resume. */
  readonly session?: Buffer
  /** Say goodbye at the end: without it, some servers forget the session. Default: not. */
  readonly end?: 'goodbye'
  readonly headers?: readonly Header[]
  /** Ask without TLS. */
  readonly channel?: 'clear'
}

/** What came of a try. */
export interface Attempt {
  /** `silent`: neither let in nor refused. `failed`: it did not come to that, for a reason of our own or of the network. */
  readonly outcome: Standing | 'silent' | 'failed'
  readonly stage: 'network' | 'prelude' | 'tls' | 'application'
  readonly said: string
  /** The version of TLS, once the client's handshake was done. */
  readonly protocol?: string
  readonly isResumed: boolean
  readonly identity?: string
  readonly whole?: string
  /** Sessions that the server gave. Secret. */
  readonly sessions: readonly Buffer[]
}

/** Neither accepted nor refused. */
export function isUnclear({ outcome }: Attempt): boolean {
  return outcome === 'silent' || outcome === 'failed'
}

/** What it means that a conversation ended there. @throws what is none of the server's doing */
export function endOf(stage: Attempt['stage'], error: unknown): Attempt {
  if (!(error instanceof TalkEnded)) throw error
  switch (error.kind) {
    case 'silent':
      return failure(stage, 'silent', 'nothing was said until the time was up')
    case 'too-long':
      return failure(stage, 'silent', 'the answer is too long')
    case 'closed':
      return failure(stage, 'refused', 'the connection was closed')
    case 'failed': {
      const end = breakOffOf(error.cause)
      if (end.kind === 'alert') return failure('tls', 'refused', `alert ${end.alert}`)
      if (end.kind === 'closed') return failure(stage, 'refused', 'the connection was closed')
      return failure(stage, 'failed', end.reason)
    }
  }
}

export function failure(stage: Attempt['stage'], outcome: Attempt['outcome'], said: string): Attempt {
  return { outcome, stage, said, isResumed: false, sessions: [] }
}
