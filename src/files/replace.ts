/**
 * Replacing a file as `writeFileAtomic` does, but so that nobody else waits for the disk meanwhile.
 *
 * @module files/replace (floor 0)
 */
import { constants } from 'node:fs'
import { dirname } from 'node:path'
import { refuseDevice, temporaryBeside, writeFailure } from './write.js'

/**
 * Write a whole file atomically and durably, in place of what is there. At every instant the old or the new content is
 * there. Says nothing of who else writes: of two at once, one is last.
 *
 * @param content - Whoever changes it before it is written writes something else.
 * @throws {@link StoreError} `ERR_FILE_WRITE`; then nothing was changed, unless the disk failed after the last step
 */
export async function replaceFileInTurns(path: string, content: Uint8Array, mode: number): Promise<void> {
  // Loaded when first needed: it is of no use to most commands.
  const { open, rename, rm } = process.getBuiltinModule('node:fs/promises')
  const temporary = temporaryBeside(path)
  try {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
    const file = await open(temporary, flags, mode)
    try {
      // The umask may have taken bits away, never added any.
      await file.chmod(mode)
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    refuseDevice(path)
    await rename(temporary, path)
    const folder = await open(dirname(path), constants.O_RDONLY)
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  } catch (cause) {
    // What cannot be removed was never there: what went wrong first is what is reported.
    await rm(temporary, { force: true }).catch(() => undefined)
    throw writeFailure(path, cause)
  }
}
