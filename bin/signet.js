#!/usr/bin/env node
// Starts the command line. Runs on any Node: one that is too old hands over to the Node 24 that npm put beside us, or
// says in one sentence what is missing. Nothing here may need a newer Node, and nothing may be loaded that is not
// needed: half of the time that a message takes to verify is spent before the first line of ours runs.
'use strict'
const { existsSync, fstatSync, readFileSync } = require('node:fs')

const REQUIRED = 24
const DIST = `${__dirname}/../dist/`

/**
 * Where the parts of the bundle come from. Beside each lies what V8 made of it when it was built (`.cache`): compiled
 * functions, which it takes only for its own version, its own flags and a source of the same length.
 */
const FILES = {
  source: (name) => readFileSync(DIST + name, 'utf8'),
  cache: (name) => {
    try {
      return readFileSync(`${DIST}${name}.cache`)
    } catch {
      return undefined
    }
  },
}

/** Load parts of the bundle, each once. @returns `load(name)`, and the scripts that were loaded. */
function loader(files = FILES) {
  const vm = require('node:vm')
  const loaded = new Map()
  const scripts = new Map()
  const load = (name) => {
    const known = loaded.get(name)
    if (known !== undefined) return known.exports
    const module = { exports: {}, folder: DIST }
    loaded.set(name, module)
    const script = new vm.Script(files.source(name), { filename: DIST + name, cachedData: files.cache(name) })
    scripts.set(name, script)
    const inner = (id) => {
      if (!id.startsWith('./')) return require(id)
      const part = load(id.slice(2))
      part.share?.()
      return part
    }
    script.runInThisContext()(module.exports, inner, module)
    return module.exports
  }
  return { load, scripts }
}

function start() {
  if (!existsSync(`${DIST}signet.cjs`)) stop('signet is not built yet', 'npm run build')
  loader().load('signet.cjs').start()
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
  const { spawnSync } = require('node:child_process')
  const { status } = spawnSync(node, [...process.execArgv, __filename, ...process.argv.slice(2)], {
    stdio: handedDown(),
  })
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
    const path = require.resolve('node/bin/node')
    return existsSync(path) ? path : undefined
  } catch {
    return undefined
  }
}

function stop(message, hint, code = 'ERR_INTERNAL', exitCode = 1) {
  process.stderr.write('signet: error: ' + message + ' [' + code + ']\nsignet: hint: ' + hint + '\n')
  process.exit(exitCode)
}

module.exports = { loader, pinnedNode }
if (require.main === module) {
  if (Number(process.versions.node.split('.')[0]) >= REQUIRED) start()
  else handOver()
}
