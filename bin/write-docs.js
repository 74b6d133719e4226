#!/usr/bin/env node
// Writes what of docs/ is generated: the page of error codes, the picture of nova's policy. Run it after a build;
// test/readme.test.ts holds them to their sources.
import { readFileSync, writeFileSync } from 'node:fs'
import { errorsPage } from '../dist/cli/errors-page.js'
import { matrixOf, matrixSvg, parsePolicy } from '../dist/policy/index.js'

const policy = parsePolicy(readFileSync(new URL('../fixtures/nova/policy.yaml', import.meta.url), 'utf8'))
writeFileSync(new URL('../docs/errors.md', import.meta.url), errorsPage())
writeFileSync(new URL('../docs/nova-matrix.svg', import.meta.url), matrixSvg(matrixOf(policy)))
