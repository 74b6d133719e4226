#!/usr/bin/env node
// Writes docs/errors.md from the one table of codes, and the table of docs/kite.md from the comparison. Run it after a
// build; test/readme.test.ts and test/cli/comparison-page.test.ts hold pages and program together.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { kitePage } from '../dist/cli/comparison-page.js'
import { errorsPage } from '../dist/cli/errors-page.js'
import { compareKite } from '../dist/compare/index.js'

const page = (name) => fileURLToPath(new URL(`../docs/${name}`, import.meta.url))
writeFileSync(page('errors.md'), errorsPage())
const comparison = await compareKite({ at: new Date('2027-01-01T00:00:00Z'), rounds: 0 })
writeFileSync(page('kite.md'), kitePage(readFileSync(page('kite.md'), 'utf8'), comparison))
