#!/usr/bin/env node
// Writes what of docs/ is generated: the page of error codes, the picture of nova's policy, the table of docs/kite.md. Run
// it after a build; test/readme.test.ts and test/cli/comparison-page.test.ts hold them to their sources.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { kitePage } from '../dist/cli/comparison-page.js'
import { errorsPage } from '../dist/cli/errors-page.js'
import { compareKite } from '../dist/compare/index.js'
import { matrixOf, matrixSvg, parsePolicy } from '../dist/policy/index.js'

const page = (name) => fileURLToPath(new URL(`../docs/${name}`, import.meta.url))
const policy = parsePolicy(readFileSync(new URL('../fixtures/nova/policy.yaml', import.meta.url), 'utf8'))
writeFileSync(page('errors.md'), errorsPage())
writeFileSync(page('nova-matrix.svg'), matrixSvg(matrixOf(policy)))
const comparison = await compareKite({ at: new Date('2027-01-01T00:00:00Z'), rounds: 0 })
writeFileSync(page('kite.md'), kitePage(readFileSync(page('kite.md'), 'utf8'), comparison))
