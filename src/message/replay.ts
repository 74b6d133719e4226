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
import { ReplayTable } from './replay-table.js'

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

/** Messages that one process remembers unless told otherwise: some 50 MB. */
export const DEFAULT_MAX_REMEMBERED = 1_000_000

/**
 * Replay memory of one process, lost when it ends: for receivers that do not restart within the lifetime of messages.
 *
 * A message that may still be replayed is never forgotten to make room: when full, new ones are refused.
 */
export function createReplayMemory(maxRemembered: number = DEFAULT_MAX_REMEMBERED): ReplayStore {
  const known = new KnownMessages()
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
      known.forgetSome(time)
      const isFull = known.size >= maxRemembered
      const isNew = isFull ? !known.has(key) : known.add(key, until.getTime())
      if (isNew && isFull) {
        throw new LimitError(
          'ERR_LIMIT_EXCEEDED',
          `the replay memory holds ${maxRemembered} messages that may not be forgotten yet`,
          { hint: 'give it more room, or accept shorter lifetimes' },
        )
      }
      return isNew
    },
  }
}

/** What is forgotten at once, at most: more than comes in at once, and too little to hold anybody up. */
const FORGOTTEN_AT_ONCE = 8

/** Of one signer to one destination. */
interface Owner {
  readonly number: number
  readonly signer: string
  readonly destination: string
  /** Messages that are remembered. */
  count: number
}

/**
 * Messages by signer and destination, which are compared once and then a number; each in a table of ids as long as its
 * own, and forgotten, a few whenever something comes in, by the second in which they may be.
 */
class KnownMessages {
  size = 0
  readonly #bySigner = new Map<string, Map<string, Owner>>()
  /** By number; an owner of nothing has given its number back. */
  readonly #owners: (Owner | undefined)[] = []
  readonly #freeNumbers: number[] = []
  /** By words of an id. */
  readonly #tables = new Map<number, ReplayTable>()

  has({ signer, destination, messageId, step = 0 }: ReplayKey): boolean {
    const owner = this.#bySigner.get(signer)?.get(destination)
    return owner !== undefined && this.#tableOf(messageId).has(owner.number, step, messageId)
  }

  /** @returns Whether it was new. */
  add({ signer, destination, messageId, step = 0 }: ReplayKey, until: number): boolean {
    const destinations = entryOf(this.#bySigner, signer, () => new Map<string, Owner>())
    const owner = entryOf(destinations, destination, () => this.#newOwner(signer, destination))
    const end = Math.floor(until / 1000) + CLOCK_STEP_SECONDS
    if (!this.#tableOf(messageId).add(owner.number, step, messageId, end)) return false
    owner.count++
    this.size++
    return true
  }

  /** Forget a few of those whose second is over. */
  forgetSome(time: number): void {
    const over = Math.floor(time / 1000) - 1
    for (const table of this.#tables.values()) table.forget(over, FORGOTTEN_AT_ONCE, this.#forgotten)
  }

  readonly #forgotten = (number: number): void => {
    this.size--
    const owner = this.#owners[number]
    if (owner === undefined || --owner.count > 0) return
    this.#owners[number] = undefined
    this.#freeNumbers.push(number)
    const destinations = this.#bySigner.get(owner.signer)
    destinations?.delete(owner.destination)
    if (destinations?.size === 0) this.#bySigner.delete(owner.signer)
  }

  #newOwner(signer: string, destination: string): Owner {
    const number = this.#freeNumbers.pop() ?? this.#owners.length
    return (this.#owners[number] = { number, signer, destination, count: 0 })
  }

  #tableOf({ length }: Uint8Array): ReplayTable {
    const words = Math.ceil(length / 4)
    return entryOf(this.#tables, words, () => new ReplayTable(words))
  }
}

function entryOf<K, T>(map: Map<K, T>, key: K, make: () => T): T {
  const known = map.get(key)
  if (known !== undefined) return known
  const entry = make()
  map.set(key, entry)
  return entry
}
