/**
 * Replay memory: a message is accepted once.
 *
 * What is remembered is signed: signer, destination and message id, never the encoding, which others can change.
 *
 * @module message/replay (floor 7)
 */
import { Buffer } from 'node:buffer'
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
   * @returns Whether it was new; at once where nothing has to be waited for.
   * @throws {@link StoreError} `ERR_REPLAY_STORE`, `ERR_CLOCK_SUSPECT`: then it counts as not verified
   * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED` when full of messages that may not be forgotten yet
   */
  remember(key: ReplayKey, until: Date, now: Date): boolean | Promise<boolean>
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
  const known = new KnownMessages()
  let sweepAt = 0
  let latest = -Infinity
  return {
    remember: (key, until, now) => {
      const time = now.getTime()
      if (!(time >= latest - CLOCK_STEP_SECONDS * 1000)) {
        throw new StoreError('ERR_CLOCK_SUSPECT', 'the clock is behind the last use of the replay memory', {
          hint: 'set the clock of this machine, then try again',
        })
      }
      latest = Math.max(latest, time)
      if (known.size >= maxRemembered && time >= sweepAt) sweepAt = known.sweep(time)
      const isFull = known.size >= maxRemembered
      const isNew = isFull ? !known.has(key) : known.add(key, until.getTime())
      if (isNew && isFull) {
        throw new LimitError(
          'ERR_LIMIT_EXCEEDED',
          `the replay memory holds ${maxRemembered} messages that may not be forgotten yet`,
          { hint: 'give it more room, or accept shorter lifetimes' },
        )
      }
      if (isNew) sweepAt = Math.min(sweepAt, endOf(until.getTime()))
      return isNew
    },
  }
}

/** When a message may be forgotten. */
function endOf(until: number): number {
  return until + CLOCK_STEP_SECONDS * 1000
}

/**
 * Until when each message is known, by signer, then destination, then id and step: what the messages of one signer to one
 * destination have in common is there once, and not compared again.
 */
class KnownMessages {
  size = 0
  readonly #bySigner = new Map<string, Map<string, Map<string, number>>>()

  has(key: ReplayKey): boolean {
    return this.#bySigner.get(key.signer)?.get(key.destination)?.has(idText(key)) === true
  }

  /** @returns Whether it was new. */
  add(key: ReplayKey, until: number): boolean {
    const ids = entryOf(entryOf(this.#bySigner, key.signer), key.destination)
    const id = idText(key)
    if (ids.has(id)) return false
    ids.set(id, until)
    this.size++
    return true
  }

  /** Drop what may be forgotten; say when the next entry may. */
  sweep(time: number): number {
    let next = Infinity
    for (const [signer, destinations] of this.#bySigner) {
      for (const [destination, ids] of destinations) {
        const before = ids.size
        for (const [id, until] of ids) {
          if (endOf(until) < time) ids.delete(id)
          else next = Math.min(next, endOf(until))
        }
        this.size -= before - ids.size
        if (ids.size === 0) destinations.delete(destination)
      }
      if (destinations.size === 0) this.#bySigner.delete(signer)
    }
    return next
  }
}

function entryOf<T>(map: Map<string, Map<string, T>>, key: string): Map<string, T> {
  const known = map.get(key)
  if (known !== undefined) return known
  const entry = new Map<string, T>()
  map.set(key, entry)
  return entry
}

/** Id and step: a step is written in characters that no octet is. */
function idText({ messageId, step }: ReplayKey): string {
  const { buffer, byteOffset, length } = messageId
  const id = Buffer.from(buffer, byteOffset, length).toString('latin1')
  return step === undefined ? id : `${id}\u2192${step}`
}
