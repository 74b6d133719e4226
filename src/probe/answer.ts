/**
 * What came of a question.
 *
 * @module probe/answer (floor 7.3)
 */
import type { Talk } from './talk.js'
import type { Question } from './target.js'

/**
 * `asked-for-more`: the certificate got the client as far as a password prompt, or the like: whether that is far is
 * decided beside the good client.
 */
export type Standing = 'let-in' | 'asked-for-more' | 'refused'

export interface Answer {
  readonly standing: Standing
  /** In a few words, as the server put it. */
  readonly said: string
  /** Whom the server says that it takes the client for, where its protocol can say that. */
  readonly identity?: string
  /** The whole answer, where it may repeat what it was asked with. */
  readonly whole?: string
}

/** What TLS there is around a question. */
export type Channel = 'tls' | 'tls-after-prelude' | 'clear'

/** A question, and what it takes to ask it. */
export interface Asking {
  readonly question: Question
  readonly channel: Channel
  /** The server's name. */
  readonly host: string
  /** Whom the client says that it is, where its protocol has it say so. */
  readonly user: string
}

export type Ask = (talk: Talk, asking: Asking) => Promise<Answer>

export function letIn(said: string, identity?: string): Answer {
  return { standing: 'let-in', said, ...(identity === undefined ? {} : { identity }) }
}

export function refused(said: string): Answer {
  return { standing: 'refused', said }
}

export function askedForMore(said: string): Answer {
  return { standing: 'asked-for-more', said }
}
