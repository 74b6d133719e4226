/**
 * The part of `docs/conformance.md` that follows from `exceptions.json`: every divergence and its reason.
 *
 * @module test/conformance/page
 */
import { readFileSync } from 'node:fs'
import { type Exception, readExceptions } from './exceptions.js'
import { SUITES } from './suites/index.js'

export const PAGE = new URL('../../docs/conformance.md', import.meta.url)
const MARK = '<!-- divergences -->\n'

/** The page as it should be, made from the page as it is. */
export function pageNow(): string {
  const page = readFileSync(PAGE, 'utf8')
  const start = page.indexOf(MARK)
  if (start < 0) throw new Error('docs/conformance.md has no mark')
  return `${page.slice(0, start + MARK.length)}\n${divergences()}`
}

function divergences(): string {
  const all = readExceptions(SUITES.map(({ name }) => name))
  const parts = SUITES.flatMap(({ name }) => {
    const own = all.filter(({ suite }) => suite === name)
    return own.length === 0 ? [] : [`### ${name}\n\n${own.map(item).join('\n')}\n`]
  })
  return parts.join('\n')
}

function item(exception: Exception): string {
  const which =
    'pattern' in exception
      ? `refused with \`${exception.code}\` where the id matches \`${exception.pattern}\``
      : `\`${exception.case}\``
  return `- ${which}: ${exception.reason}.`
}
