import { existsSync } from 'node:fs'
import { resolve } from 'node:path'

/** Where strangers' test vectors lie; see CONTRIBUTING.md. */
export const CORPORA = resolve(process.env['SIGNET_CORPORA'] ?? '../shared/corpora')

/** Whether they are here. In CI they must be, unless the variable is set to nothing: left out on purpose. */
export function corporaAvailable(): boolean {
  const leftOut = process.env['SIGNET_CORPORA'] === ''
  if (!leftOut && existsSync(CORPORA)) return true
  if (!leftOut && process.env['CI'] === 'true') throw new Error(`SIGNET_CORPORA is missing: ${CORPORA}`)
  console.warn(`skipped: no test vectors at ${CORPORA} (SIGNET_CORPORA)`)
  return false
}
