/**
 * The trust directory of a machine: one file that always holds the newest, whole and as it was signed, with the memory
 * of how new that was beside it. Whoever brings a directory or a delta, from wherever, hands over its octets.
 *
 * @module trust/cache (floor 6)
 */
import { statSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { OID, TRUST_DIRECTORY_LIMITS } from '../asn1/index.js'
import { isSignetError, type SignetError, StateError } from '../errors/index.js'
import { PUBLIC_MODE, purgeTemporaries, readFileBytes, writeFileAtomic } from '../files/index.js'
import { type Clock, readClock } from '../time/index.js'
import { withLock } from './cache-lock.js'
import { type AppliedDelta, applyTrustDelta, openTrustDelta, requireSameDomain } from './delta.js'
import {
  openPastTrustDirectory,
  openTrustDirectory,
  type OpenTrustDirectoryRequest,
  type TrustDirectory,
} from './directory.js'
import { checkNotOlder, openTrustMemory, remember, type TrustMemory } from './memory.js'
import { publishedType, requirePin } from './publisher.js'

export interface TrustCacheOptions {
  /** SHA-256 of the root certificate in hexadecimal, learnt some other way. Nothing is believed without it. */
  readonly pin: string
  readonly clock: Clock
  /** The trust domain that is wanted. Default: that of the first directory, for ever after. */
  readonly trustDomain?: string
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
  readonly #memory: TrustMemory
  /** The newest that was verified. It may be past its end: then it is only what a delta applies to. */
  #held: TrustDirectory | undefined
  /** Which file was looked at last, whatever came of it. */
  #looked = ''
  #refusal: SignetError | undefined

  constructor(path: string, { pin, clock, trustDomain }: TrustCacheOptions) {
    this.path = path
    this.#pin = requirePin(pin)
    this.#clock = clock
    this.#trustDomain = trustDomain
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
   * Take over a directory or a delta, from anywhere: what it is worth, its signature and its number say.
   *
   * Nothing changes unless all of it holds. A delta needs the directory that it applies to; where that is missing,
   * only a whole directory helps.
   *
   * @param bytes - DER; a directory is shared, do not change it afterwards.
   * @throws {@link StaleError} `ERR_TRUST_DIRECTORY_ROLLBACK`, `ERR_TRUST_DIRECTORY_EXPIRED`, `ERR_TRUST_DELTA_BASE` …
   * @throws {@link TrustError} `ERR_TRUST_PIN_MISMATCH`, `ERR_TRUST_DIRECTORY_FORK`, `ERR_TRUST_DOMAIN`, CMS and path codes
   * @throws {@link StateError} `ERR_TRUST_CACHE_EMPTY` for a delta where nothing is
   * @throws {@link StoreError} `ERR_FILE_WRITE`, `ERR_STORE_LOCKED`
   */
  update(bytes: Uint8Array): TrustUpdate {
    const type = publishedType(bytes)
    return withLock(`${this.path}.lock`, () => {
      this.#look()
      const made = type === OID.signetTrustDelta ? this.#applied(bytes) : this.#opened(bytes)
      this.#requireNext(made.directory)
      const isNew = made.directory.digest !== this.#held?.digest || this.#refusal !== undefined
      for (const target of [this.path, `${this.path}.seen`]) purgeTemporaries(dirname(target), basename(target))
      // The file first: whoever is stopped between the two has a file that is newer than the memory, which is no harm.
      if (isNew) writeFileAtomic(this.path, made.der, { mode: PUBLIC_MODE, existing: 'replace' })
      remember(this.#memory, this.#pin, made.directory)
      if (isNew) this.#hold(made.directory)
      const changed = type === OID.signetTrustDelta ? 'delta' : 'directory'
      return { changed: isNew ? changed : 'nothing', directory: made.directory }
    })
  }

  #opened(bytes: Uint8Array): AppliedDelta {
    return { der: bytes, directory: openTrustDirectory(bytes, this.#request()) }
  }

  #applied(bytes: Uint8Array): AppliedDelta {
    const request = this.#request()
    const delta = openTrustDelta(bytes, request)
    const base = this.#held
    if (base === undefined) throw this.#refusal ?? this.#empty()
    if (delta.result.digest !== base.digest) return applyTrustDelta(base, delta, request)
    base.requireCurrent(request.at)
    return { der: new Uint8Array(), directory: base }
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

  #hold(directory: TrustDirectory): void {
    this.#held = directory
    this.#refusal = undefined
    this.#looked = stampOf(this.path)
  }

  /** Read the file if it is another than the one read last. */
  #look(): void {
    const stamp = stampOf(this.path)
    if (stamp === this.#looked) return
    this.#looked = stamp
    try {
      if (stamp === MISSING) throw this.#empty()
      const directory = this.#read()
      this.#requireNext(directory)
      this.#held = directory
      this.#refusal = undefined
    } catch (error) {
      if (!isSignetError(error)) throw error
      this.#refusal = error
    }
  }

  #read(): TrustDirectory {
    const bytes = readFileBytes(this.path, { maxBytes: TRUST_DIRECTORY_LIMITS.maxBytes })
    try {
      return openTrustDirectory(bytes, this.#request())
    } catch (error) {
      // One that is past its end is still what a delta applies to; nobody is handed it.
      if (!isSignetError(error) || error.category !== 'stale') throw error
      return openPastTrustDirectory(bytes, this.#pin)
    }
  }

  #empty(): StateError {
    return new StateError('ERR_TRUST_CACHE_EMPTY', `there is no trust directory in ${this.path}`, {
      details: { path: this.path },
      hint: 'get one: signet trust fetch',
    })
  }
}

const MISSING = 'missing'

/** What changes when a file is replaced or written. */
function stampOf(path: string): string {
  try {
    const stats = statSync(path, { bigint: true, throwIfNoEntry: false })
    return stats === undefined ? MISSING : `${stats.ino} ${stats.size} ${stats.mtimeNs} ${stats.ctimeNs}`
  } catch {
    // Reading it will say why.
    return 'unreadable'
  }
}
