/**
 * Netflix BetterTLS: name constraints, in every combination.
 *
 * @module test/conformance/suites/bettertls
 */
import { STRICTNESS } from '../../../src/path/index.js'
import { loadLimbo } from './limbo.js'
import type { PathSuite } from './paths.js'

export const bettertls: PathSuite = {
  name: 'bettertls',
  title: 'Netflix BetterTLS: name constraints',
  peers: 'OpenSSL 200/205 · Go all',
  load: (corpora) => loadLimbo([corpora, 'bettertls', 'testcases.json'], () => STRICTNESS.rfc5280),
}
