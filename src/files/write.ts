/**
 * Writing files so that at every instant the old or the new content is there, never half of it.
 *
 * New files are made with O_EXCL|O_NOFOLLOW beside their target with their final mode, synced, and moved over it.
 *
 * @module files/write (floor 0)
 */
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  lchownSync,
  linkSync,
  lstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  type Stats,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { StateError, StoreError } from '../errors/index.js'
import { syncPath } from './sync.js'

/** Secrets: the owner alone. */
export const SECRET_MODE = 0o600
/** Everything that is public. */
export const PUBLIC_MODE = 0o644
/** Folders that hold what is public. */
export const PUBLIC_DIRECTORY_MODE = 0o755
/** Folders that hold secrets. */
export const SECRET_DIRECTORY_MODE = 0o700
/** Secrets that a group may read. */
export const GROUP_SECRET_MODE = 0o640
/** Folders that hold them. */
export const GROUP_DIRECTORY_MODE = 0o750

/** Every temporary name starts so; whatever carries it is a left-over of a killed process. */
export const TEMPORARY_PREFIX = '.signet-tmp-'

export interface WriteOptions {
  readonly mode: number
  /** `'replace'` lets the file take the place of one that is there. Default `'refuse'`. */
  readonly existing?: 'refuse' | 'replace'
  /**
   * `'allow-older'`: after a power failure the content before may be there again, whole. It saves a wait for the disk. Default
   * `'refuse'`.
   */
  readonly olderContent?: 'refuse' | 'allow-older'
}

/**
 * Write a whole file atomically and durably.
 *
 * @throws {@link StateError} `ERR_OUTPUT_EXISTS`
 * @throws {@link StoreError} `ERR_FILE_WRITE`; then nothing was changed
 */
export function writeFileAtomic(path: string, content: Uint8Array | string, options: WriteOptions): void {
  const temporary = temporaryBeside(path)
  try {
    writeNew(temporary, content, options.mode)
    placeFile(temporary, path, options)
  } catch (cause) {
    discardFile(temporary)
    throw writeFailure(path, cause)
  }
}

/** Move a file that is whole to its name. */
export function placeFile(temporary: string, path: string, { existing, olderContent }: WriteOptions): void {
  if (existing === 'replace') {
    refuseDevice(path)
    renameSync(temporary, path)
  } else {
    // link(2) fails when the target exists, in one step: no window between the check and the write.
    linkSync(temporary, path)
    unlinkSync(temporary)
  }
  if (olderContent !== 'allow-older') syncPath(dirname(path))
}

/** Write a new file into a folder that nobody else sees yet, durably. Fails if the name is taken. */
export function writeNew(path: string, content: Uint8Array | string, mode: number): void {
  const descriptor = openNew(path, mode)
  try {
    writeAll(descriptor, content)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** As {@link writeNew}, for who waits for the disk later: `syncTree`, `syncTrees`. */
export function writeUnsynced(path: string, content: Uint8Array | string, mode: number): void {
  const descriptor = openNew(path, mode)
  try {
    writeAll(descriptor, content)
  } finally {
    closeSync(descriptor)
  }
}

/**
 * Let a group have its part of a file or folder whose folder nobody else can write to.
 *
 * @throws {@link StoreError} `ERR_FILE_WRITE`, also where whoever runs this may not give files to the group
 */
export function giveToGroup(path: string, gid: number, mode: number): void {
  try {
    // The group first: the one before it shall see nothing of the new mode.
    lchownSync(path, -1, gid)
    chmodSync(path, mode)
  } catch (cause) {
    throw writeFailure(path, cause)
  }
}

/** Make a new file and open it for writing. Fails if the name is taken. */
export function openNew(path: string, mode: number): number {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  const descriptor = openSync(path, flags, mode)
  try {
    // The umask may have taken bits away, never added any.
    fchmodSync(descriptor, mode)
  } catch (cause) {
    closeSync(descriptor)
    throw cause
  }
  return descriptor
}

export function writeAll(descriptor: number, content: Uint8Array | string): void {
  const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content
  let written = 0
  while (written < bytes.length) written += writeSync(descriptor, bytes, written)
}

/** What cannot be removed was never there, or its folder is none: what went wrong first is what is reported. */
export function discardFile(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    return
  }
}

/** Point a symbolic link at another target in one step, whether or not the link was there. */
export function swapLink(path: string, target: string): void {
  swapLinkUnsynced(path, target)
  try {
    syncPath(dirname(path))
  } catch (cause) {
    throw writeFailure(path, cause)
  }
}

/** As {@link swapLink}, for who waits for the disk later. */
export function swapLinkUnsynced(path: string, target: string): void {
  const temporary = temporaryBeside(path)
  try {
    symlinkSync(target, temporary)
    renameSync(temporary, path)
  } catch (cause) {
    discardFile(temporary)
    throw writeFailure(path, cause)
  }
}

/** Remove what killed processes left in a folder: all of it, or what would have become `target`. */
export function purgeTemporaries(directory: string, target?: string): void {
  let names: string[]
  try {
    names = readdirSync(directory)
  } catch {
    return
  }
  for (const name of names) {
    if (!name.startsWith(TEMPORARY_PREFIX)) continue
    if (target === undefined || name.endsWith(`-${target.slice(0, 40)}`))
      rmSync(join(directory, name), { recursive: true, force: true })
  }
}

/**
 * What is there, links not followed; `undefined` where nothing is.
 *
 * @throws {@link StoreError} `ERR_FILE_WRITE` where nothing can be: below a file, in a folder that is closed
 */
export function lookAt(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })
  } catch (cause) {
    throw writeFailure(path, cause)
  }
}

/**
 * Refuse to put a file in the place of a device, pipe or socket, or of a link to one: whoever names /dev/stdout or /dev/null
 * wants to write into it, and root would replace it for the whole machine.
 *
 * @throws {@link StoreError} `ERR_FILE_WRITE`
 */
export function refuseDevice(path: string): void {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined || stats.isFile() || stats.isDirectory()) return
  throw new StoreError('ERR_FILE_WRITE', `cannot write ${path}: it is a device, a pipe or a socket`, {
    details: { path },
    hint: 'name a file, and read it when it is there',
  })
}

/** Refuse when anything, a dangling link included, has this name. */
export function refuseExisting(path: string): void {
  if (lookAt(path) !== undefined) throw outputExists(path)
}

/** A hidden name in the same folder. */
export function temporaryBeside(path: string): string {
  return join(dirname(path), `${TEMPORARY_PREFIX}${randomBytes(9).toString('hex')}-${basename(path).slice(0, 40)}`)
}

function outputExists(path: string, cause?: unknown): StateError {
  return new StateError('ERR_OUTPUT_EXISTS', `${path} exists already`, {
    details: { path },
    hint: 'choose another path, or say --force where the command has it',
    cause,
  })
}

/** What a failed system call means for whoever wanted to write there. What is no such failure comes back as it is. */
export function writeFailure(path: string, cause: unknown): unknown {
  const reason = (cause as NodeJS.ErrnoException).code
  if (typeof reason !== 'string' || !/^E[A-Z0-9]+$/.test(reason)) return cause
  if (reason === 'EEXIST' || reason === 'ENOTEMPTY') return outputExists(path, cause)
  const words: Record<string, string> = {
    ENOSPC: 'no space left on the device',
    EACCES: 'permission denied',
    EPERM: 'this user may not do that',
    EROFS: 'the file system is read-only',
    ENOENT: 'its folder does not exist',
    ENOTDIR: 'its folder is a file',
    EISDIR: 'it is a directory',
  }
  return new StoreError('ERR_FILE_WRITE', `cannot write ${path}: ${words[reason] ?? reason}`, {
    details: { path, reason },
    hint: reason === 'ENOSPC' ? 'free some space, then try again' : 'check the folder and its permissions',
    cause,
  })
}
