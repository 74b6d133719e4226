/**
 * Waiting until the disk has what was written.
 *
 * @module files/sync (floor 0)
 */
import { closeSync, constants, fsync, fsyncSync, openSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** How many files are waited for at the same time: what the disk writes for one of them, others need not wait for again. */
const AT_ONCE = 32

/** Wait for a file, or for the names in a folder. */
export function syncPath(path: string): void {
  const descriptor = openSync(path, constants.O_RDONLY)
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** Wait for all files and folders in a folder, and for itself. Links are not followed. */
export function syncTree(path: string): void {
  for (const one of pathsIn(path)) syncPath(one)
}

/** As {@link syncTree}, of many folders. */
export async function syncTrees(paths: readonly string[]): Promise<void> {
  await syncPaths(paths.flatMap(pathsIn))
}

/** As {@link syncPath}, of many, several at the same time. When it fails, nothing of it goes on. */
export async function syncPaths(paths: readonly string[]): Promise<void> {
  const waiting = paths.values()
  const work = async (): Promise<void> => {
    for (const path of waiting) await syncLater(path)
  }
  const done = await Promise.allSettled(Array.from({ length: AT_ONCE }, work))
  const failed = done.find((result) => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

/** Folders after what is in them. */
function pathsIn(path: string): readonly string[] {
  const inside = readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
    const one = join(path, entry.name)
    return entry.isDirectory() ? pathsIn(one) : entry.isFile() ? [one] : []
  })
  return [...inside, path]
}

function syncLater(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const descriptor = openSync(path, constants.O_RDONLY)
    fsync(descriptor, (error) => {
      closeSync(descriptor)
      if (error === null) resolve()
      else reject(error)
    })
  })
}
