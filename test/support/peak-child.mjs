// As source-cli.mjs, and says at its end how much memory it took at most, in KiB.
import { main } from '../../src/cli/main.js'
import { processEnvironment } from '../../src/cli/environment.js'

const at = new Date(process.env['TEST_CLOCK'] ?? '')
process.exitCode = 1
process.exitCode = await main(process.argv.slice(2), { ...processEnvironment(), clock: { now: () => at } })
process.stderr.write(`peak ${process.resourceUsage().maxRSS}\n`)
