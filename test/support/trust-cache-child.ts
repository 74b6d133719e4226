/** Update a trust cache: PATH PIN FILE. Prints what changed, or the code of the refusal. */
import { readFileSync } from 'node:fs'
import { isSignetError } from '../../src/errors/index.js'
import { openTrustCache } from '../../src/trust/index.js'

const [path = '', pin = '', file = ''] = process.argv.slice(2)
const clock = { now: () => new Date(process.env['TEST_CLOCK'] ?? '') }
try {
  console.log((await openTrustCache(path, { pin, clock }).update(new Uint8Array(readFileSync(file)))).changed)
} catch (error) {
  if (!isSignetError(error)) throw error
  console.log(error.code)
}
