/**
 * A credential directory: what a node gets. Versions lie beside each other, `current` points at one of them, and only
 * ever at a whole one.
 *
 * ```
 * DIR/current -> versions/<serial number>, or <serial number>-2 … of the same certificate with newer CRLs or CAs
 * DIR/versions/<serial number>/key.pem         private key, PKCS #8, 0600 (not there when the node kept its key)
 *                              cert.pem        the certificate
 *                              chain.pem       the CAs between it and the root
 *                              fullchain.pem   cert.pem and chain.pem
 *                              combined.pem    key.pem and fullchain.pem, 0600 (not there without key.pem)
 *                              ca-bundle.pem   issuing CA and root: what to trust
 *                              crls.pem        the CRLs of both
 *                              crls/           the same, one by one, named as OpenSSL looks for them
 *                              identity.json   who this is, and which group may read the key
 * ```
 *
 * @module credential/directory (floor 5)
 */
import { existsSync, lstatSync, readdirSync, readlinkSync, realpathSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { StateError, StoreError } from '../errors/index.js'
import {
  discardDirectory,
  lookAt,
  makeDirectory,
  moveDirectory,
  placeDirectory,
  purgeTemporaries,
  SECRET_DIRECTORY_MODE,
  stageDirectory,
  swapLink,
  swapLinkUnsynced,
  syncPaths,
  syncTree,
  syncTrees,
  writeFailure,
} from '../files/index.js'
import { openFolder, type Readers } from './readers.js'
import { checkVersion, type VersionContent, writeVersion } from './version.js'

const VERSIONS = 'versions'
const CURRENT = 'current'
/** Held by who keeps the directory fresh, so that two do not. */
export const LOCK_FILE = 'agent.lock'
/** A serial number, and which generation of that certificate it is from the second on. */
const VERSION_NAME = /^([0-9a-f]+)(?:-([1-9][0-9]*))?$/

/**
 * The folder of the version that a credential directory points at now.
 *
 * Resolved once: a swap while files are read leaves a reader with one version, not with halves of two.
 *
 * @param directory - A credential directory, or a folder that is itself a version.
 * @throws {@link StoreError} `ERR_FILE_READ`
 */
export function currentVersion(directory: string): string {
  const link = join(directory, CURRENT)
  try {
    return realpathSync(lstatSync(link, { throwIfNoEntry: false }) === undefined ? directory : link)
  } catch (cause) {
    throw new StoreError('ERR_FILE_READ', `there is no credential directory ${directory}`, {
      details: { path: directory },
      hint: 'signet issue --out DIRECTORY',
      cause,
    })
  }
}

/** A version that was written and checked. Nobody sees it yet, and the disk may not have it. */
export interface StagedVersion {
  readonly directory: string
  readonly stage: string
  /** Where it shall be. */
  readonly version: string
}

/**
 * Write a new version, check it as a node would, then point `current` at it.
 *
 * At every instant `current` is missing, the old version or the new one. A version that does not pass is removed. The
 * version before stays, for servers that still have it open, and to go back to; older ones go.
 *
 * @throws {@link StateError} `ERR_OUTPUT_EXISTS`
 * @throws {@link StoreError} `ERR_FILE_WRITE`, with what {@link checkVersion} throws
 */
export function placeVersion(directory: string, name: string, content: VersionContent, at: Date): string {
  const { stage, version } = stageVersion(directory, name, content, at)
  try {
    syncTree(stage)
    placeDirectory(stage, version)
  } catch (error) {
    discardDirectory(stage)
    throw writeFailure(directory, error)
  }
  const before = nameOfCurrent(directory)
  swapLink(join(directory, CURRENT), join(VERSIONS, name))
  if (before !== undefined) dropOtherVersions(directory, [name, before])
  return version
}

/**
 * Write a new version and check it as a node would. Follow with {@link placeVersions}.
 *
 * @throws as {@link placeVersion}
 */
export function stageVersion(directory: string, name: string, content: VersionContent, at: Date): StagedVersion {
  refuseForeign(directory)
  const versions = join(directory, VERSIONS)
  for (const folder of [directory, versions]) makeFolder(folder, content.readers)
  purgeTemporaries(directory)
  purgeTemporaries(versions)
  const stage = stageDirectory(versions, SECRET_DIRECTORY_MODE)
  try {
    writeVersion(stage, content)
    checkVersion(stage, content, at)
    openFolder(stage, content.readers)
  } catch (error) {
    discardDirectory(stage)
    throw writeFailure(directory, error)
  }
  return { directory, stage, version: join(versions, name) }
}

/**
 * Point `current` of many directories at versions that were staged, each as {@link placeVersion} does: step by step for all of
 * them, waiting for the disk once in each. When it fails, some of them are placed.
 *
 * @param staged - Of different directories.
 * @throws {@link StateError} `ERR_OUTPUT_EXISTS`
 * @throws {@link StoreError} `ERR_FILE_WRITE`
 */
export async function placeVersions(staged: readonly StagedVersion[]): Promise<void> {
  try {
    await syncTrees(staged.map(({ stage }) => stage))
    for (const { stage, version } of staged) moveDirectory(stage, version)
    await syncPaths(staged.map(({ version }) => dirname(version)))
    const before = staged.map(({ directory }) => nameOfCurrent(directory))
    for (const { directory, version } of staged) {
      swapLinkUnsynced(join(directory, CURRENT), join(VERSIONS, basename(version)))
    }
    const parents = new Set(staged.map(({ directory }) => dirname(directory)))
    await syncPaths([...staged.map(({ directory }) => directory), ...parents])
    for (const [index, { directory, version }] of staged.entries()) {
      const old = before[index]
      if (old !== undefined) dropOtherVersions(directory, [basename(version), old])
    }
  } catch (error) {
    for (const { stage } of staged) discardDirectory(stage)
    throw writeFailure(staged[0]?.directory ?? '', error)
  }
}

/**
 * Point `current` back at a version that is still there, and remove the one that it points at: what did not work has no
 * business to be the version before of the next.
 *
 * Checks nothing of the version: it was checked when it was delivered.
 *
 * @param version - The folder, as {@link currentVersion} gave it before the newer one was delivered.
 * @throws {@link StoreError} `ERR_FILE_READ` where it is no version of this directory, `ERR_FILE_WRITE`
 */
export function rollBackCredential(directory: string, version: string): void {
  refuseForeign(directory)
  const name = basename(version)
  if (!VERSION_NAME.test(name) || lookAt(join(directory, VERSIONS, name))?.isDirectory() !== true) {
    throw new StoreError('ERR_FILE_READ', `${directory} has no version ${name} to go back to`, {
      details: { path: directory, version: name },
      hint: 'signet issue --out DIRECTORY makes a new one',
    })
  }
  const failed = nameOfCurrent(directory)
  swapLink(join(directory, CURRENT), join(VERSIONS, name))
  if (failed !== undefined && failed !== name) dropOtherVersions(directory, [name])
}

/** A name for the next generation of a certificate: `<serial number>-2` and on. */
export function nextGenerationName(directory: string, serialNumber: string): string {
  const generations = readdirSync(join(directory, VERSIONS)).flatMap((name) => {
    const [, serial, generation = '1'] = VERSION_NAME.exec(name) ?? []
    return serial === serialNumber ? [Number(generation)] : []
  })
  return `${serialNumber}-${Math.max(1, ...generations) + 1}`
}

/**
 * A directory that holds something else is somebody else's. Asked for again before delivery, so that nothing need be
 * issued first.
 *
 * @throws {@link StateError} `ERR_OUTPUT_EXISTS`
 */
export function refuseForeign(directory: string): void {
  const stats = lookAt(directory)
  if (stats === undefined) return
  const foreign = stats.isDirectory()
    ? readdirSync(directory).find((name) => !isOurs(directory, name))
    : basename(directory)
  if (foreign !== undefined) {
    throw new StateError('ERR_OUTPUT_EXISTS', `${directory} is not a credential directory: it holds ${foreign}`, {
      details: { path: directory, found: foreign },
      hint: existsSync(join(directory, foreign, CURRENT))
        ? `the credential directories are inside of it: name ${join(directory, foreign)}, or a new folder`
        : 'name a folder that is new, empty, or a credential directory',
    })
  }
}

function isOurs(directory: string, name: string): boolean {
  if (name === CURRENT) return lstatSync(join(directory, name)).isSymbolicLink()
  // A link would let us set modes and delete elsewhere.
  if (name === VERSIONS) return lstatSync(join(directory, name)).isDirectory()
  return name === LOCK_FILE || name.startsWith('.signet-tmp-')
}

function makeFolder(path: string, readers: Readers | undefined): void {
  makeDirectory(path, SECRET_DIRECTORY_MODE)
  try {
    openFolder(path, readers)
  } catch (cause) {
    throw writeFailure(path, cause)
  }
}

function nameOfCurrent(directory: string): string | undefined {
  const link = join(directory, CURRENT)
  return lookAt(link)?.isSymbolicLink() === true ? basename(readlinkSync(link)) : undefined
}

/** Private keys that nobody uses any more should not lie about. */
function dropOtherVersions(directory: string, kept: readonly string[]): void {
  const versions = join(directory, VERSIONS)
  for (const name of readdirSync(versions)) {
    if (VERSION_NAME.test(name) && !kept.includes(name)) {
      rmSync(join(versions, name), { recursive: true, force: true })
    }
  }
}
