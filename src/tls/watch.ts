/**
 * Noticing that a credential directory has changed.
 *
 * @module tls/watch (floor 7)
 */
import { type FSWatcher, watch } from 'node:fs'
import { currentVersion } from '../credential/index.js'
import { type SignetError, StoreError } from '../errors/index.js'

/** Several files change together; who looks at the first has to look again. */
const SETTLE_MILLISECONDS = 50

/**
 * Tell when something changes in a credential directory, or in the version that it points at. The process may end
 * meanwhile.
 *
 * @returns How to stop.
 * @throws {@link StoreError} `ERR_FILE_READ` where the folder cannot be watched
 */
export function watchFiles(directory: string, changed: () => void, refused: (error: SignetError) => void): () => void {
  let folder = ''
  let inner: FSWatcher | undefined
  let timer: NodeJS.Timeout | undefined
  const soon = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined
      follow()
      changed()
    }, SETTLE_MILLISECONDS)
    timer.unref()
  }
  const open = (path: string): FSWatcher => {
    try {
      const watcher = watch(path, { persistent: false }, soon)
      watcher.on('error', (cause) => refused(cannotWatch(path, cause)))
      return watcher
    } catch (cause) {
      throw cannotWatch(path, cause)
    }
  }
  const follow = (): void => {
    try {
      const next = currentVersion(directory)
      if (next === folder) return
      inner?.close()
      inner = open(next)
      folder = next
    } catch (error) {
      // The link is being swapped, or gone: the folder above says when it is back, and loading says what is wrong.
      if (!(error instanceof StoreError)) throw error
    }
  }
  const outer = open(directory)
  follow()
  return () => {
    clearTimeout(timer)
    outer.close()
    inner?.close()
  }
}

function cannotWatch(path: string, cause: unknown): StoreError {
  const reason = cause instanceof Error ? cause.message : 'unknown'
  return new StoreError('ERR_FILE_READ', `cannot watch ${path}: ${reason}`, { details: { path, reason }, cause })
}
