/**
 * The trust directory of a machine: one file that always holds the newest, whole and as it was signed, with the memory
 * of how new that was beside it. Whoever brings a directory or a delta, from wherever, hands over its octets.
 *
 * @module trust/cache (floor 6)
 */
import { basename, dirname } from 'node:path'
import { OID, TRUST_DIRECTORY_LIMITS } from '../asn1/index.js'
import { isSignetError, type SignetError, StateError } from '../errors/index.js'
import { PUBLIC_MODE, purgeTemporaries, readFileBytes, readFileInTurns, replaceFileInTurns } from '../files/index.js'
import { atOnce, type Clock, inTurns, readClock, type Steps } from '../time/index.js'
import { withLock } from './cache-lock.js'
import { applyTrustDeltaInTurns, openTrustDeltaInTurns, requireSameDomain } from './delta.js'
import {
  openCopyInSteps,
  type OpenedDirectory,
  openInSteps,
  openPastInSteps,
  type OpenTrustDirectoryRequest,
  prepareSerials,
  type TrustDirectory,
} from './directory.js'
import { MISSING, stampOf } from './file-stamp.js'
import { checkNotOlder, openTrustMemory, rememberInTurns, type TrustMemory } from './memory.js'
import { type PublishedType, publishedType, requirePin } from './publisher.js'

export interface TrustCacheOptions {
  /** SHA-256 of the root certificate in hexadecimal, learnt some other way. Nothing is believed without it. */
  readonly pin: string
  readonly clock: Clock
  /** The trust domain that is wanted. Default: that of the first directory, for ever after. */
  readonly trustDomain?: string
  /**
   * `'allow-in-turns'` for who serves others: while a file that another process brought is being verified, which is in
   * turns with them, {@link TrustCache.directory} and all that look at the file go on with what was verified before, until
   * its end at most. Default `'at-once'`: the next look takes as long as verifying takes.
   */
  readonly newer?: 'at-once' | 'allow-in-turns'
}

/** What came of handing octets to a cache. */
export interface TrustUpdate {
  /** `'nothing'` where this very directory was there already. */
  readonly changed: 'directory' | 'delta' | 'nothing'
  readonly directory: TrustDirectory
}

/**
 * Use a trust cache. Nothing need be there yet, and nothing is read before it is asked for.
 *
 * @param path - The file; `PATH.seen` and `PATH.lock` stand beside it. Its folder must exist.
 * @throws {@link UsageError} `ERR_TRUST_NO_PIN`
 * @throws {@link EncodingError} `ERR_SERIAL_MALFORMED` for a pin that is no fingerprint
 */
export function openTrustCache(path: string, options: TrustCacheOptions): TrustCache {
  return new TrustCache(path, options)
}

/** Made by {@link openTrustCache}. Several in several processes may share a file. */
export class TrustCache {
  readonly path: string
  readonly #pin: string
  readonly #clock: Clock
  readonly #trustDomain: string | undefined
  readonly #newer: 'at-once' | 'allow-in-turns'
  readonly #memory: TrustMemory
  /** The newest that was verified. It may be past its end: then it is only what a delta applies to. */
  #held: TrustDirectory | undefined
  /** Which file was looked at last, whatever came of it. */
  #looked = ''
  #refusal: SignetError | undefined
  /** The last update that was asked for: one goes after the other. */
  #updates: Promise<void> = Promise.resolve()
  /** While an update of ours puts its file in place: what is in it is taken over when that is done, and not read. */
  #placing: Promise<void> | undefined
  #refreshing: Promise<void> | undefined

  constructor(path: string, { pin, clock, trustDomain, newer = 'at-once' }: TrustCacheOptions) {
    this.path = path
    this.#pin = requirePin(pin)
    this.#clock = clock
    this.#trustDomain = trustDomain
    this.#newer = newer
    this.#memory = openTrustMemory(`${path}.seen`, PUBLIC_MODE)
  }

  /**
   * The newest trust directory, also where another process brought it. Ask for every message: a look at the file is all
   * that it costs.
   *
   * A file that is refused changes nothing: what was verified before stays until its end. {@link reload} says why.
   *
   * @throws {@link StateError} `ERR_TRUST_CACHE_EMPTY`
   * @throws {@link StaleError} `ERR_TRUST_DIRECTORY_EXPIRED`, `ERR_TRUST_DIRECTORY_FROM_FUTURE`
   * @throws what the file is refused for, where nothing was verified before
   */
  directory(): TrustDirectory {
    this.#look()
    if (this.#held === undefined) throw this.#refusal ?? this.#empty()
    this.#held.requireCurrent(readClock(this.#clock))
    return this.#held
  }

  /** The number of the directory in the file, current or not; `undefined` where there is none, or none that is believed. */
  get sequence(): number | undefined {
    this.#look()
    return this.#refusal === undefined ? this.#held?.sequence : undefined
  }

  /**
   * As {@link directory}, but throw where what is in the file now is refused.
   *
   * @throws also {@link EncodingError}, {@link TrustError}, {@link StaleError} `ERR_TRUST_DIRECTORY_ROLLBACK`
   */
  reload(): TrustDirectory {
    const directory = this.directory()
    if (this.#refusal !== undefined) throw this.#refusal
    return directory
  }

  /**
   * Look at the file while others have their turns, so that neither {@link directory} nor {@link reload} has anything to
   * do afterwards. They say what came of it.
   */
  async refresh(): Promise<void> {
    this.#refreshing ??= this.#lookInTurns().finally(() => (this.#refreshing = undefined))
    return this.#refreshing
  }

  /**
   * Take over a directory or a delta, from anywhere: what it is worth, its signature and its number say. Others have their
   * turns meanwhile; of several updates one goes after the other.
   *
   * Nothing changes unless all of it holds. A delta needs the directory that it applies to; where that is missing,
   * only a whole directory helps.
   *
   * @param bytes - DER; copied before they are read, and to be left alone until then: at the latest, until this is over.
   * @throws {@link StaleError} `ERR_TRUST_DIRECTORY_ROLLBACK`, `ERR_TRUST_DIRECTORY_EXPIRED`, `ERR_TRUST_DELTA_BASE` …
   * @throws {@link TrustError} `ERR_TRUST_PIN_MISMATCH`, `ERR_TRUST_DIRECTORY_FORK`, `ERR_TRUST_DOMAIN`, CMS and path codes
   * @throws {@link StateError} `ERR_TRUST_CACHE_EMPTY` for a delta where nothing is
   * @throws {@link StoreError} `ERR_FILE_WRITE`, `ERR_STORE_LOCKED`
   */
  async update(bytes: Uint8Array): Promise<TrustUpdate> {
    const type = publishedType(bytes)
    const update = this.#updates.then(() => withLock(`${this.path}.lock`, () => this.#update(bytes, type)))
    // Whoever asked hears what came of it; the next goes on in any case.
    const isOver = (): void => undefined
    this.#updates = update.then(isOver, isOver)
    return update
  }

  async #update(bytes: Uint8Array, type: PublishedType): Promise<TrustUpdate> {
    await this.refresh()
    const isDelta = type === OID.signetTrustDelta
    const request = this.#request()
    const made = isDelta ? await this.#applied(bytes, request) : await inTurns(openCopyInSteps(bytes, request))
    this.#requireNext(made.directory)
    const isNew = made.directory.digest !== this.#held?.digest || this.#refusal !== undefined
    for (const target of [this.path, `${this.path}.seen`]) purgeTemporaries(dirname(target), basename(target))
    if (isNew) await this.#place(made)
    else await this.#remember(made.directory)
    return { changed: isNew ? (isDelta ? 'delta' : 'directory') : 'nothing', directory: made.directory }
  }

  async #applied(bytes: Uint8Array, request: OpenTrustDirectoryRequest): Promise<OpenedDirectory> {
    const delta = await openTrustDeltaInTurns(bytes, request)
    const base = this.#held
    if (base === undefined) throw this.#refusal ?? this.#empty()
    if (delta.result.digest !== base.digest) return applyTrustDeltaInTurns(base, delta, request)
    base.requireCurrent(request.at)
    return { der: new Uint8Array(), directory: base }
  }

  async #place({ der, directory }: OpenedDirectory): Promise<void> {
    const place = async (): Promise<void> => {
      // The file first: whoever is stopped between the two has a file that is newer than the memory, which is no harm.
      await replaceFileInTurns(this.path, der, PUBLIC_MODE)
      const stamp = stampOf(this.path)
      await this.#remember(directory)
      this.#looked = stamp
      this.#held = directory
      this.#refusal = undefined
    }
    const placing = place().finally(() => (this.#placing = undefined))
    this.#placing = placing
    await placing
  }

  #remember(directory: TrustDirectory): Promise<void> {
    return rememberInTurns(`${this.path}.seen`, PUBLIC_MODE, this.#pin, directory)
  }

  #request(): OpenTrustDirectoryRequest {
    return { pin: this.#pin, at: readClock(this.#clock), memory: 'allow-forgetting' }
  }

  /** Neither older than what was seen, by this process or before it, nor of another domain. */
  #requireNext(directory: TrustDirectory): void {
    const wanted = this.#trustDomain ?? this.#held?.trustDomain
    if (wanted !== undefined) requireSameDomain(directory.trustDomain, wanted)
    checkNotOlder(directory, this.#memory.recall(this.#pin))
    checkNotOlder(directory, this.#held)
  }

  /** Read the file if it is another than the one read last. */
  #look(): void {
    const stamp = stampOf(this.path)
    if (stamp === this.#looked || this.#placing !== undefined) return
    if (this.#mayWait()) void this.refresh()
    else {
      this.#settle(stamp, () => {
        if (stamp === MISSING) throw this.#empty()
        return atOnce(this.#open(readFileBytes(this.path, LIMITS)))
      })
    }
  }

  /** Whether there is a directory to go on with while another is verified. */
  #mayWait(): boolean {
    return this.#newer === 'allow-in-turns' && this.#held !== undefined && this.#clock.now() < this.#held.nextUpdate
  }

  async #lookInTurns(): Promise<void> {
    for (;;) {
      // What goes wrong there, whoever updates is told.
      await this.#placing?.catch(() => undefined)
      const stamp = stampOf(this.path)
      if (stamp === this.#looked) return
      const found = await this.#readInTurns(stamp).catch(expected)
      // By now it may be another file, or somebody could not wait and has read this one.
      if (this.#placing !== undefined || stamp !== stampOf(this.path) || stamp === this.#looked) continue
      this.#settle(stamp, () => {
        if (isSignetError(found)) throw found
        return found
      })
      return
    }
  }

  async #readInTurns(stamp: string): Promise<TrustDirectory> {
    if (stamp === MISSING) throw this.#empty()
    const directory = await inTurns(this.#open(await readFileInTurns(this.path, LIMITS)))
    await inTurns(prepareSerials(directory))
    return directory
  }

  *#open(bytes: Uint8Array): Steps<TrustDirectory> {
    try {
      return yield* openInSteps(bytes, this.#request())
    } catch (error) {
      // One that is past its end is still what a delta applies to; nobody is handed it.
      if (!isSignetError(error) || error.category !== 'stale') throw error
      return yield* openPastInSteps(bytes, this.#pin)
    }
  }

  /** Take over what came of looking at a file, in one step. */
  #settle(stamp: string, read: () => TrustDirectory): void {
    this.#looked = stamp
    try {
      const directory = read()
      this.#requireNext(directory)
      this.#held = directory
      this.#refusal = undefined
    } catch (error) {
      this.#refusal = expected(error)
    }
  }

  #empty(): StateError {
    return new StateError('ERR_TRUST_CACHE_EMPTY', `there is no trust directory in ${this.path}`, {
      details: { path: this.path },
      hint: 'get one: signet trust fetch',
    })
  }
}

const LIMITS = { maxBytes: TRUST_DIRECTORY_LIMITS.maxBytes }

/** What is thrown on purpose; anything else is a bug, and goes on its way. */
function expected(error: unknown): SignetError {
  if (isSignetError(error)) return error
  throw error
}
