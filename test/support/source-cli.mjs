// What bin/signet.js does, with src, and with the clock that TEST_CLOCK names.
import { main } from '../../src/cli/main.js'
import { processEnvironment } from '../../src/cli/environment.js'

const at = new Date(process.env['TEST_CLOCK'] ?? '')
process.exitCode = 1
process.exitCode = await main(process.argv.slice(2), { ...processEnvironment(), clock: { now: () => at } })
