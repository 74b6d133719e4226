/** The reference page of error codes, made from the table. @module cli/errors-page (floor 8) */
import { ERROR_CODES, type ErrorCategory, EXIT_CODES } from '../errors/index.js'

const MEANINGS: Readonly<Record<ErrorCategory, string>> = {
  internal: 'a bug in signet; please report it',
  usage: 'the command line, an option or a configuration file is wrong',
  encoding: 'input is not what its format allows',
  untrusted: 'well-formed, but not to be believed',
  denied: 'believed, but not allowed',
  stale: 'right at another time',
  state: 'something is missing, or there already',
  store: 'files, keys, the store, the clock',
  limit: 'more than the documented limit',
}

/** docs/errors.md. */
export function errorsPage(): string {
  const categories = Object.keys(EXIT_CODES) as ErrorCategory[]
  const sections = categories.map((category) => {
    const rows = Object.entries(ERROR_CODES)
      .filter(([, entry]) => entry.category === category)
      .map(([code, entry]) => `| \`${code}\` | ${entry.summary} |`)
    return `## ${EXIT_CODES[category]}: ${category}\n\n${MEANINGS[category]}\n\n| code | meaning |\n| --- | --- |\n${rows.join('\n')}\n`
  })
  return `# Error codes\n\nA code never changes its meaning, its category or its exit code. \`npm run docs\` writes this page.\n\n${sections.join('\n')}`
}
