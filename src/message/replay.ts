/**
 * Replay memory: a message is accepted once.
 *
 * What is remembered is signed: signer, destination and message id, never the encoding, which others can change.
 *
 * @module message/replay (floor 7)
 */
import { LimitError, StoreError } from '../errors/index.js'
import { MINUTE } from '../time/index.js'

/** What makes a message the same message. */
export interface ReplayKey {
  readonly signer: string
  readonly destination: string
  readonly messageId: Uint8Array
  /** Of a message on its route: at which step, from 1. */
  readonly step?: number
}

export interface ReplayStore {
  /**
   * Remember a message, in one step with asking whether it is known.
   *
   * @param until - After this instant the message is refused as expired anyway, and may be forgotten.
   * @returns Whether it was new.
   * @throws {@link StoreError} `ERR_REPLAY_STORE`, `ERR_CLOCK_SUSPECT`: then it counts as not verified
   * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED` when full of messages that may not be forgotten yet
   */
  remember(key: ReplayKey, until: Date, now: Date): Promise<boolean>
}

/** A text that no two keys share: the parts have no spaces. */
export function replayText({ signer, destination, messageId, step }: ReplayKey): string {
  const text = `${signer} ${destination} ${Buffer.from(messageId).toString('hex')}`
  return step === undefined ? text : `${text} ${step}`
}

/** How far the clock may go back. For so much longer than needed a message is remembered, lest it become new again. */
export const CLOCK_STEP_SECONDS = MINUTE

/** Messages that one process remembers unless told otherwise: some 200 MB. */
export const DEFAULT_MAX_REMEMBERED = 1_000_000

/**
 * Replay memory of one process, lost when it ends: for receivers that do not restart within the lifetime of messages.
 *
 * A message that may still be replayed is never forgotten to make room: when full, new ones are refused.
 */
export function createReplayMemory(maxRemembered: number = DEFAULT_MAX_REMEMBERED): ReplayStore {
  const known = new Map<string, number>()
  let sweepAt = 0
  let latest = -Infinity
  return {
    remember: (key, until, now) => {
      const time = now.getTime()
      if (!(time >= latest - CLOCK_STEP_SECONDS * 1000)) {
        return Promise.reject(
          new StoreError('ERR_CLOCK_SUSPECT', 'the clock is behind the last use of the replay memory', {
            hint: 'set the clock of this machine, then try again',
          }),
        )
      }
      latest = Math.max(latest, time)
      if (known.size >= maxRemembered && time >= sweepAt) {
        sweepAt = sweep(known, time)
      }
      const text = replayText(key)
      if (known.has(text)) return Promise.resolve(false)
      if (known.size >= maxRemembered) {
        return Promise.reject(
          new LimitError(
            'ERR_LIMIT_EXCEEDED',
            `the replay memory holds ${maxRemembered} messages that may not be forgotten yet`,
            {
              hint: 'give it more room, or accept shorter lifetimes',
            },
          ),
        )
      }
      known.set(text, until.getTime())
      sweepAt = Math.min(sweepAt, endOf(until.getTime()))
      return Promise.resolve(true)
    },
  }
}

/** When a message may be forgotten. */
function endOf(until: number): number {
  return until + CLOCK_STEP_SECONDS * 1000
}

/** Drop what may be forgotten; say when the next entry may. */
function sweep(known: Map<string, number>, time: number): number {
  let next = Infinity
  for (const [text, until] of known) {
    if (endOf(until) < time) known.delete(text)
    else next = Math.min(next, endOf(until))
  }
  return next
}
