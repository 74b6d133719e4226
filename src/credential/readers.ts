/**
 * The group that reads a credential directory beside its owner: servers that run as users of their own.
 *
 * Which group that is, `identity.json` states, in a folder that only the owner can write to: a key that is open to any
 * other group is a mistake, and refused.
 *
 * @module credential/readers (floor 5)
 */
import { chmodSync } from 'node:fs'
import {
  giveToGroup,
  GROUP_DIRECTORY_MODE,
  GROUP_SECRET_MODE,
  SECRET_DIRECTORY_MODE,
  writeFailure,
} from '../files/index.js'

/** Who reads a credential directory beside its owner. */
export interface Readers {
  readonly gid: number
}

/** Let the readers into a folder; where there are none, let nobody in but the owner. */
export function openFolder(path: string, readers: Readers | undefined): void {
  if (readers !== undefined) {
    giveToGroup(path, readers.gid, GROUP_DIRECTORY_MODE)
    return
  }
  try {
    chmodSync(path, SECRET_DIRECTORY_MODE)
  } catch (cause) {
    throw writeFailure(path, cause)
  }
}

/** Let the readers have a secret that was written for the owner alone. */
export function openSecret(path: string, readers: Readers | undefined): void {
  if (readers !== undefined) giveToGroup(path, readers.gid, GROUP_SECRET_MODE)
}
