import { existsSync } from 'node:fs'
import { resolve } from 'node:path'

/** Where strangers' test vectors lie; see CONTRIBUTING.md. */
export const CORPORA = resolve(process.env['SIGNET_CORPORA'] ?? '../shared/corpora')

/** Whether they are here. In CI they must be. */
export function corporaAvailable(): boolean {
  if (existsSync(CORPORA)) return true
  if (process.env['CI'] === 'true') throw new Error(`SIGNET_CORPORA is missing: ${CORPORA}`)
  console.warn(`skipped: no test vectors at ${CORPORA} (SIGNET_CORPORA)`)
  return false
}
