#!/usr/bin/env node
// Starts the command line. Runs on any Node: one that is too old hands over to the Node 24 that npm put beside us, or
// says in one sentence what is missing. Nothing here may need a newer Node.
import { existsSync, fstatSync } from 'node:fs'
import { createRequire } from 'node:module'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const REQUIRED = 24

if (Number(process.versions.node.split('.')[0]) >= REQUIRED) {
  await start()
} else {
  handOver()
}

async function start() {
  const entry = new URL('../dist/cli/main.js', import.meta.url)
  if (!existsSync(entry)) stop('signet is not built yet', 'npm run build')
  const [{ main }, { processEnvironment }] = await Promise.all([
    import(entry.href),
    import(new URL('../dist/cli/environment.js', import.meta.url).href),
  ])
  // A reader that goes away (`signet … | head`) is no failure of ours, but nothing was delivered either.
  process.stdout.on('error', () => process.exit(8))
  // Where nobody hears what went wrong, the exit code still says it.
  process.stderr.on('error', () => undefined)
  // Until main says otherwise, nothing has succeeded.
  process.exitCode = 1
  process.exitCode = await main(process.argv.slice(2), processEnvironment())
}

function handOver() {
  const node = pinnedNode()
  if (node === undefined) {
    stop(
      'signet needs Node.js ' + REQUIRED + ' or newer, and this is ' + process.version,
      'install a newer Node.js, or run: npx -p node@' + REQUIRED + ' signet',
      'ERR_RUNTIME_UNSUPPORTED',
      2,
    )
  }
  const script = fileURLToPath(import.meta.url)
  const { status } = spawnSync(node, [...process.execArgv, script, ...process.argv.slice(2)], { stdio: handedDown() })
  process.exit(status === null ? 1 : status)
}

/** The standard streams, and what --passphrase-fd names: Node lets a child have no other descriptor. */
function handedDown() {
  const stdio = ['inherit', 'inherit', 'inherit']
  const place = process.argv.findIndex((word) => /^--passphrase-fd(=|$)/.test(word))
  const number = place < 0 ? NaN : Number(process.argv[place].split('=')[1] || process.argv[place + 1])
  if (!Number.isInteger(number) || number < 3 || number > 255) return stdio
  try {
    fstatSync(number)
  } catch {
    return stdio
  }
  while (stdio.length < number) stdio.push('ignore')
  return [...stdio, number]
}

/** The binary of the npm package `node`, where it is installed. */
function pinnedNode() {
  try {
    const path = createRequire(import.meta.url).resolve('node/bin/node')
    return existsSync(path) ? path : undefined
  } catch {
    return undefined
  }
}

function stop(message, hint, code = 'ERR_INTERNAL', exitCode = 1) {
  process.stderr.write('signet: error: ' + message + ' [' + code + ']\nsignet: hint: ' + hint + '\n')
  process.exit(exitCode)
}
