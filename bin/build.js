#!/usr/bin/env node
// Compiles src into dist, and what the command line needs of it into a bundle. Runs on the Node that npm found, which
// may be an older one: plain JavaScript only.
'use strict'
const { execFileSync } = require('node:child_process')
const { existsSync, rmSync } = require('node:fs')
const { join } = require('node:path')
const { pinnedNode } = require('./signet.js')

const root = join(__dirname, '..')
const compiler = join(root, 'node_modules/typescript/bin/tsc')
if (!existsSync(compiler)) {
  // `npm install` of the published package: dist came with it, and there is nothing to compile.
  process.exit(0)
}
rmSync(join(root, 'dist'), { recursive: true, force: true })
execFileSync(process.execPath, [compiler, '-p', root], { stdio: 'inherit' })
// The compiled functions beside the bundle are those of the Node that makes them: the one that will run it.
const isNew = Number(process.versions.node.split('.')[0]) >= 24
const node = isNew ? process.execPath : (pinnedNode() ?? process.execPath)
for (const step of ['bundle.mjs', 'compile.js']) execFileSync(node, [join(__dirname, step)], { stdio: 'inherit' })
