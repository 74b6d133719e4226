/**
 * A deployment of one test, copied from one that was made once, and ways to see what a command did to it.
 *
 * ```ts
 * const world = copyWorld(prepared)
 * const before = world.listing()
 * const refused = await world.run('verify note.json.p7s …')
 * expect(world.listing()).toEqual(before)
 * ```
 */
import { createHash } from 'node:crypto'
import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../../src/time/index.js'
import { type CliOptions, type CliResult, runCli, type Words } from '../support/deployment.js'
import { copyFolder, STORY_START } from '../support/testscript.js'

export class World {
  readonly folder: string
  clock: Clock = { now: () => STORY_START }

  constructor(folder: string) {
    this.folder = folder
  }

  path(...names: readonly string[]): string {
    return join(this.folder, ...names)
  }

  write(name: string, content: string | Uint8Array, mode = 0o644): string {
    writeFileSync(this.path(name), content, { mode })
    return this.path(name)
  }

  /** Variables with which the authority of this world is at home, and its passphrase known. */
  get variables(): Readonly<Record<string, string>> {
    return {
      HOME: this.folder,
      SIGNET_HOME: this.path('home'),
      SIGNET_PASSPHRASE_FILE: this.path('passphrase'),
    }
  }

  /** Run a command in this process, however it ends. */
  async run(words: Words, options: CliOptions = {}): Promise<CliResult> {
    return runCli(words, {
      directory: this.folder,
      clock: this.clock,
      ...options,
      variables: { ...this.variables, ...options.variables },
    })
  }

  /** Everything that is there: paths with modes, and digests of files. The store of the authority has a digest of its own. */
  listing(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      readdirSync(this.folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => !name.startsWith(join('home', 'store.')))
        .sort()
        .map((name) => [name, describeFile(this.path(name))]),
    )
  }
}

/** Copy a prepared deployment next to it. */
export function copyWorld(prepared: string): World {
  const folder = mkdtempSync(`${prepared}-world-`)
  copyFolder(prepared, folder)
  return new World(folder)
}

function describeFile(path: string): string {
  const stats = lstatSync(path)
  const mode = (stats.mode & 0o777).toString(8).padStart(4, '0')
  if (stats.isSymbolicLink()) return `link to ${readlinkSync(path)}`
  if (stats.isDirectory()) return `${mode} folder`
  // A sparse file may be long: its length says enough.
  return `${mode} ${stats.size > 1_000_000 ? stats.size : createHash('sha256').update(readFileSync(path)).digest('hex')}`
}
