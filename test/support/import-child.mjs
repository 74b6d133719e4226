// Imports lines into a home and prints a line for each part that is done. Before it would come to its end it waits, so that
// somebody can kill it, unless told to go on.
//   node --import source-hook.mjs import-child.mjs HOME FILE [to-the-end]
import { readFileSync, writeSync } from 'node:fs'
import { Authority, importRegistry } from '../../src/authority/index.js'
import { registryParts } from '../../src/identity/index.js'

const [, , home, file, end] = process.argv
const at = new Date(process.env.TEST_CLOCK)

async function* parts() {
  let count = 0
  for await (const part of registryParts([readFileSync(file)], file)) {
    yield part
    writeSync(1, `part ${++count}\n`)
  }
  // A timer: what merely waits would let the process end.
  if (end === undefined) await new Promise((resolve) => setTimeout(resolve, 600_000))
}

const authority = await Authority.open(home, { now: () => at })
await importRegistry(authority, parts(), at)
await authority.close()
writeSync(1, 'done\n')
