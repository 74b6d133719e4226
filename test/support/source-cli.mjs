// What bin/signet.js does, with src.
import { main } from '../../src/cli/main.js'
import { processEnvironment } from '../../src/cli/environment.js'

process.exitCode = 1
process.exitCode = await main(process.argv.slice(2), processEnvironment())
