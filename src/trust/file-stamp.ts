/**
 * Whether a file is another than before, without reading it.
 *
 * @module trust/file-stamp (floor 6)
 */
import { statSync } from 'node:fs'

/** Where there is none. */
export const MISSING = 'missing'

/** What changes when a file is replaced or written. */
export function stampOf(path: string): string {
  try {
    const stats = statSync(path, { bigint: true, throwIfNoEntry: false })
    return stats === undefined ? MISSING : `${stats.ino} ${stats.size} ${stats.mtimeNs} ${stats.ctimeNs}`
  } catch {
    // Reading it will say why.
    return 'unreadable'
  }
}
