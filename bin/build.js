#!/usr/bin/env node
// Compiles src into dist. Runs on the Node that npm found, which may be an older one: plain JavaScript only.
import { execFileSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const compiler = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url))
if (!existsSync(compiler)) {
  // `npm install` of the published package: dist came with it, and there is nothing to compile.
  process.exit(0)
}
rmSync(new URL('../dist', import.meta.url), { recursive: true, force: true })
execFileSync(process.execPath, [compiler, '-p', root], { stdio: 'inherit' })
