/** The version of this package. @module cli/version (floor 8) */
import { readFileSync } from 'node:fs'

/** Set where everything is one file, and no package lies around it. */
declare const SIGNET_VERSION: string | undefined

export function packageVersion(): string {
  if (typeof SIGNET_VERSION === 'string') return SIGNET_VERSION
  const path = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version
}
