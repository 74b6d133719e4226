/**
 * The certification paths of strangers' suites: what signet says is what `openssl verify`, `certtool --verify` and Go's
 * crypto/x509 say, or `path-exceptions.json` has the reason.
 *
 * With `SIGNET_PATHS_REPORT=FILE` every comparison is written there.
 */
import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bettertls } from '../conformance/suites/bettertls.js'
import { boringsslChain } from '../conformance/suites/boringssl-chain.js'
import { opensslVerify } from '../conformance/suites/openssl-verify.js'
import type { PathSuite } from '../conformance/suites/paths.js'
import { pkits } from '../conformance/suites/pkits.js'
import { x509Limbo } from '../conformance/suites/x509-limbo.js'
import { CORPORA, corporaAvailable } from '../support/corpora.js'
import { temporaryFolder } from '../support/temporary.js'
import { compareAll, type Comparison, type Question, questionsOf } from './paths/compare.js'
import { loadExceptions } from './paths/exceptions.js'
import { gnutls } from './paths/gnutls.js'
import { go } from './paths/go.js'
import { openssl } from './paths/openssl.js'
import type { Peer } from './paths/peer.js'
import { available, run } from './programs.js'

/** With nothing in the cache, Go compiles its crypto library first. */
const TIMEOUT = 180_000

const SUITES: readonly PathSuite[] = [pkits, x509Limbo, bettertls, opensslVerify, boringsslChain]

/** The versions whose disagreements `path-exceptions.json` explains: others disagree elsewhere. */
const JUDGED_VERSIONS = { openssl: /^OpenSSL 3\.0\./, gnutls: /^certtool 3\.7\./, go: /go1\.26\b/ } as const

function isJudged({ name, program }: Peer): boolean {
  if (!available(program)) return false
  const version = run(program, program === 'certtool' ? ['--version'] : ['version']).stdout.split('\n')[0] ?? ''
  if (JUDGED_VERSIONS[name].test(version)) return true
  console.warn(`skipped: path-exceptions.json was not written for ${version}`)
  return false
}

const PEERS = [openssl, gnutls, go].map((peer) => ({ peer, isThere: isJudged(peer) }))

const exceptions = loadExceptions(SUITES.map(({ name }) => name))
const folder = temporaryFolder()

describe.skipIf(!corporaAvailable())('the paths of strangers', () => {
  const questions: Question[] = []
  const report: Comparison[] = []

  beforeAll(() => {
    for (const suite of SUITES) {
      const loaded = suite.load(CORPORA)
      if (loaded === undefined) console.warn(`skipped: ${suite.name} is not in ${CORPORA}`)
      else questions.push(...questionsOf(suite, loaded.cases))
    }
  })

  afterAll(() => {
    const file = process.env['SIGNET_PATHS_REPORT']
    if (file !== undefined) writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`)
  })

  for (const { peer, isThere } of PEERS) {
    describe.skipIf(!isThere)(peer.name, () => {
      let comparisons: readonly Comparison[] = []

      beforeAll(async () => {
        comparisons = await compareAll(peer, questions, folder, exceptions)
        report.push(...comparisons)
        const notAsked = Map.groupBy(
          comparisons.filter(({ outcome }) => outcome === 'not asked'),
          ({ theirs }) => theirs,
        )
        for (const [why, { length }] of notAsked) console.warn(`skipped: ${length} paths for ${peer.name}: ${why}`)
      }, TIMEOUT)

      it.each(SUITES)('judges $name as signet does', ({ name }) => {
        const ofSuite = comparisons.filter(({ suite }) => suite === name)
        expect(ofSuite).toHaveLength(questions.filter(({ suite }) => suite === name).length)
        expect(ofSuite.filter(({ outcome }) => outcome === 'unexplained')).toEqual([])
      })
    })
  }
})
