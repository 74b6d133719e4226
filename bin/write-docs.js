#!/usr/bin/env node
// Writes docs/errors.md from the one table of codes. Run it after a build; test/docs.test.ts holds the two together.
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { errorsPage } from '../dist/cli/errors-page.js'

writeFileSync(fileURLToPath(new URL('../docs/errors.md', import.meta.url)), errorsPage())
