/**
 * Being told when a trust cache gets a newer directory.
 *
 * @module trust/watch (floor 6)
 */
import { watch } from 'node:fs'
import { basename, dirname } from 'node:path'
import { isSignetError, type SignetError, StoreError } from '../errors/index.js'
import type { TrustCache } from './cache.js'
import type { TrustDirectory } from './directory.js'

export interface TrustCacheListener {
  /** A newer directory is there, and current. */
  readonly changed: (directory: TrustDirectory) => void
  /** What is in the file now is refused, or is not current; what was there before stays until its end. */
  readonly refused?: (error: SignetError) => void
}

/**
 * Tell when the file of a cache changes, whoever writes it. The file system says so: nothing asks again and again, and
 * the process may end meanwhile.
 *
 * Who only verifies messages needs none: {@link TrustCache.directory} is always the newest.
 *
 * @returns How to stop.
 * @throws {@link StoreError} `ERR_FILE_READ` where the folder cannot be watched
 */
export function watchTrustCache(cache: TrustCache, listener: TrustCacheListener): { close(): void } {
  let told = cache.sequence
  let isClosed = false
  const look = async (): Promise<void> => {
    await cache.refresh()
    if (isClosed) return
    try {
      const directory = cache.reload()
      if (directory.sequence === told) return
      told = directory.sequence
      listener.changed(directory)
    } catch (error) {
      if (!isSignetError(error)) throw error
      listener.refused?.(error)
    }
  }
  try {
    // The folder: the file itself is replaced by another each time.
    const watcher = watch(dirname(cache.path), { persistent: false }, (_, name) => {
      if (name === basename(cache.path)) void look()
    })
    watcher.on('error', (cause) => listener.refused?.(cannotWatch(cache.path, cause)))
    return {
      close: () => {
        isClosed = true
        watcher.close()
      },
    }
  } catch (cause) {
    throw cannotWatch(cache.path, cause)
  }
}

function cannotWatch(path: string, cause: unknown): StoreError {
  const reason = cause instanceof Error ? cause.message : 'unknown'
  return new StoreError('ERR_FILE_READ', `cannot watch ${path}: ${reason}`, { details: { path, reason }, cause })
}
