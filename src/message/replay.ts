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

/** Of one signer to one destination: id and step of each message. */
interface Remembered {
  readonly signer: string
  readonly destination: string
  readonly ids: Set<string>
}

/** What is forgotten at once, at most: more than comes in at once, and too little to hold anybody up. */
const FORGOTTEN_AT_ONCE = 8
/** Seconds that are passed over at once, at most. */
const SECONDS_AT_ONCE = 4096

/**
 * Messages by signer, then destination: what those of one signer to one destination have in common is there once, and not
 * compared again. And by the second in which they may be forgotten, a few whenever something comes in.
 */
class KnownMessages {
  size = 0
  readonly #bySigner = new Map<string, Map<string, Remembered>>()
  /** By second: where it is, its id, where the next is, its id. */
  readonly #ends = new Map<number, (Remembered | string)[]>()
  /** Nothing ends in an earlier second. */
  #next = Infinity

  has(key: ReplayKey): boolean {
    return this.#bySigner.get(key.signer)?.get(key.destination)?.ids.has(idText(key)) === true
  }

  /** @returns Whether it was new. */
  add(key: ReplayKey, until: number): boolean {
    const { signer, destination } = key
    const destinations = entryOf(this.#bySigner, signer, () => new Map<string, Remembered>())
    const remembered = entryOf(destinations, destination, () => ({ signer, destination, ids: new Set<string>() }))
    const id = idText(key)
    if (remembered.ids.has(id)) return false
    remembered.ids.add(id)
    this.size++
    const end = Math.floor(until / 1000) + CLOCK_STEP_SECONDS
    entryOf(this.#ends, end, () => []).push(remembered, id)
    this.#next = Math.min(this.#next, end)
    return true
  }

  /** Forget a few of those whose second is over. */
  forgetSome(time: number): void {
    const over = Math.floor(time / 1000) - 1
    let forgotten = 0
    for (let passed = 0; this.#next <= over && passed < SECONDS_AT_ONCE; passed++) {
      const ended = this.#ends.get(this.#next)
      for (; ended !== undefined && ended.length > 0; forgotten++) {
        if (forgotten === FORGOTTEN_AT_ONCE) return
        this.#forget(ended.pop() as string, ended.pop() as Remembered)
      }
      this.#ends.delete(this.#next)
      this.#next = this.#ends.size === 0 ? Infinity : this.#next + 1
    }
  }

  #forget(id: string, { signer, destination, ids }: Remembered): void {
    ids.delete(id)
    this.size--
    if (ids.size > 0) return
    const destinations = this.#bySigner.get(signer)
    destinations?.delete(destination)
    if (destinations?.size === 0) this.#bySigner.delete(signer)
  }
}

function entryOf<K, T>(map: Map<K, T>, key: K, make: () => T): T {
  const known = map.get(key)
  if (known !== undefined) return known
  const entry = make()
  map.set(key, entry)
  return entry
}

/** Id and step: a step is written in characters that no octet is. */
function idText({ messageId, step }: ReplayKey): string {
  // A Buffer of so few octets takes longer to make than its text.
  const id = characters(messageId)
  return step === undefined ? id : `${id}\u2192${step}`
}

const characters: (octets: Uint8Array) => string = (octets) => String.fromCharCode.apply(null, octets as never)
