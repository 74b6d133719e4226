/**
 * Making folders: whole and out of sight first, as far as others will read them.
 *
 * @module files/directory (floor 0)
 */
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, renameSync, rmdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { syncPath } from './sync.js'
import { refuseExisting, TEMPORARY_PREFIX, temporaryBeside, writeFailure } from './write.js'

/** What the umask makes of it. */
const DEFAULT_MODE = 0o777

/**
 * Make a folder, and those above it, where there is none. Those that are there keep their mode.
 *
 * Not Node's `recursive`: below /proc, where the kernel says of a folder that its parent is missing while it is there, that one
 * tries for ever.
 *
 * @throws {@link StoreError} `ERR_FILE_WRITE`
 */
export function makeDirectory(path: string, mode: number): void {
  try {
    if (isDirectory(path)) return
    const parent = dirname(resolve(path))
    if (!existsSync(parent)) makeDirectory(parent, mode)
    makeOne(path, mode)
  } catch (cause) {
    throw writeFailure(path, cause)
  }
}

/** Whoever else makes it in the same moment has made it for both. */
function makeOne(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode })
  } catch (cause) {
    if (!isDirectory(path)) throw cause
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

/**
 * Find out that files can be made in a folder, or in one that is not there yet, by making one in the nearest that is there.
 *
 * @throws {@link StoreError} `ERR_FILE_WRITE`
 */
export function refuseUnwritable(path: string): void {
  let nearest = resolve(path)
  while (!existsSync(nearest)) nearest = dirname(nearest)
  const probe = temporaryIn(nearest)
  try {
    mkdirSync(probe)
    rmdirSync(probe)
  } catch (cause) {
    throw writeFailure(path, cause)
  }
}

/**
 * Build a folder out of sight, then put it in place under its name in one step.
 *
 * @param path - Where the folder shall be; nothing may be there.
 * @param fill - Writes the content into the folder that it is given.
 * @throws {@link StateError} `ERR_OUTPUT_EXISTS`
 * @throws {@link StoreError} `ERR_FILE_WRITE`; then nothing was changed
 */
export function writeDirectoryAtomic(path: string, mode: number, fill: (stage: string) => void): void {
  refuseExisting(path)
  const stage = stageDirectory(dirname(path), mode)
  try {
    fill(stage)
    placeDirectory(stage, path)
  } catch (cause) {
    discardDirectory(stage)
    throw writeFailure(path, cause)
  }
}

/**
 * Make an empty folder with a temporary name. Follow with {@link placeDirectory} or {@link discardDirectory}.
 *
 * @param target - What the folder will be called, so that its left-overs can be told from those of others.
 */
export function stageDirectory(parent: string, mode: number, target?: string): string {
  const stage = target === undefined ? temporaryIn(parent) : temporaryBeside(join(parent, target))
  makeDirectory(parent, DEFAULT_MODE)
  try {
    mkdirSync(stage, { mode })
    chmodSync(stage, mode)
  } catch (cause) {
    throw writeFailure(parent, cause)
  }
  return stage
}

/** Move a staged folder to its name. An empty folder at that name gives way; anything else stays and is an error. */
export function placeDirectory(stage: string, path: string): void {
  try {
    syncPath(stage)
    moveDirectory(stage, path)
    syncPath(dirname(path))
  } catch (cause) {
    throw writeFailure(path, cause)
  }
}

/** As {@link placeDirectory}, for who waits for the disk before and after. */
export function moveDirectory(stage: string, path: string): void {
  try {
    renameSync(stage, path)
  } catch (cause) {
    throw writeFailure(path, cause)
  }
}

export function discardDirectory(stage: string): void {
  rmSync(stage, { recursive: true, force: true })
}

function temporaryIn(folder: string): string {
  return join(folder, TEMPORARY_PREFIX + randomBytes(9).toString('hex'))
}
