/**
 * What the child that reads hostile files and the test that starts it agree on.
 *
 * @module test/hostile/malformed
 */
import { readdirSync } from 'node:fs'

export interface FileReport {
  /** Below the folder of all. */
  readonly file: string
  /** How each call ended, and the processor time that it took. */
  readonly calls: Readonly<Record<string, readonly [code: string, milliseconds: number]>>
  readonly violations: readonly string[]
  /** The most memory that the process had so far. */
  readonly maxRssKibibytes: number
}

/** Every file below a folder, always in one order. */
export function hostileFiles(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(folder.length).replace(/^\/+/, ''))
    .sort()
}

/** Every so manieth file. */
export function partOf(files: readonly string[], part: number, parts: number): readonly string[] {
  return files.filter((_, index) => index % parts === part)
}
