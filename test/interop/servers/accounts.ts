/** Servers that refuse to be root run as who Debian made for them; where the tests are not root, as who runs the tests. */
import { execFileSync } from 'node:child_process'
import { chownSync, mkdirSync } from 'node:fs'
import { userInfo } from 'node:os'

export interface Account {
  readonly user: string
  /** For `spawn`. Empty where nobody else can be chosen. */
  readonly ids: { readonly uid?: number; readonly gid?: number }
}

/** @param user - Where it is not there, its package is not, and the tests of its server are skipped. */
export function accountFor(user: string): Account {
  if (process.getuid?.() !== 0) return { user: userInfo().username, ids: {} }
  try {
    const id = (flag: string): number => Number(execFileSync('id', [flag, user], { encoding: 'utf8', stdio: 'pipe' }))
    return { user, ids: { uid: id('-u'), gid: id('-g') } }
  } catch {
    return { user, ids: {} }
  }
}

/** A folder of an account, for nobody else. */
export function folderOf({ ids: { uid, gid } }: Account, path: string, mode = 0o700): string {
  mkdirSync(path, { mode, recursive: true })
  if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid)
  return path
}

/** Run a program as an account; it must succeed. */
export function runAs({ ids }: Account, program: string, words: readonly string[], input?: string): string {
  return execFileSync(program, words, {
    ...ids,
    cwd: '/',
    encoding: 'utf8',
    stdio: 'pipe',
    timeout: 60_000,
    ...(input === undefined ? {} : { input }),
  })
}
