/**
 * OpenSSL's test/recipes/80-test_ocsp.t: responses of every kind of responder, whole and broken. A response must be
 * believed, and be about a certificate of the CA that is given; which, its file says by its name.
 *
 * @module test/conformance/suites/openssl-ocsp
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { STRICTNESS, validatePath } from '../../../src/path/index.js'
import { type Certificate, type OcspResponse, parseCertificate, parseOcspResponse } from '../../../src/x509/index.js'
import { filesIn, pemBlock, readJson, readPemBlocks } from '../files.js'
import { skipped, type Suite, type Verdict } from '../suite.js'
import { statusOf } from './revocation.js'

interface Row {
  readonly id: string
  readonly group: string
  readonly title: string
  /** OCSPResponse in base64. */
  readonly ors: string
  readonly CAfile: string
  /** The issuer of the certificate that the response is about, and maybe who signed the response. */
  readonly untrusted: string
  readonly expected_exit: number
}

interface Expectations {
  readonly attime: number
  readonly cases: readonly Row[]
}

export const opensslOcsp: Suite = {
  name: 'openssl-ocsp',
  title: "OpenSSL's openssl ocsp",
  peers: 'OpenSSL 58/59',
  load(corpora) {
    const expectations = readJson(corpora, 'openssl', 'ocsp-expected.json') as Expectations | undefined
    const folder = join(corpora, 'openssl', 'ocsp-tests')
    return (
      expectations && {
        cases: expectations.cases.map((row) => ({
          id: `${row.id} ${row.ors} ${row.CAfile}: ${row.group}`,
          // Every response that is to be believed says that the certificate is good.
          expected: row.expected_exit === 0 ? 'GOOD' : 'UNKNOWN',
          run: () => ask(folder, row, new Date(expectations.attime * 1000)),
        })),
      }
    )
  },
}

function ask(folder: string, row: Row, attime: Date): Verdict {
  const [, kind = ''] = /(N?D\d+)\.ors$/.exec(row.ors) ?? []
  const file = filesIn(folder, '.pem')?.find((name) => name.startsWith(`${kind}_Cert_`))
  if (kind === '' || file === undefined) return skipped('which certificate the response is about is not said')
  const read = (name: string): Certificate => parseCertificate(pemBlock(readPemBlocks(folder, name), 'CERTIFICATE'))
  const [certificate, issuer, anchor] = [read(file), read(row.untrusted), read(row.CAfile)]
  return statusOf(() => {
    believe(issuer, anchor, attime)
    const response = readResponse(join(folder, row.ors))
    // `attime` is of the certificates. How old the response is, nobody asks here: it was new when it was made.
    const at = response.basic?.answers[0]?.thisUpdate ?? attime
    return { certificate, issuer, at, sources: { crls: [], ocspResponses: [response] } }
  })
}

function readResponse(file: string): OcspResponse {
  return parseOcspResponse(new Uint8Array(Buffer.from(readFileSync(file, 'utf8'), 'base64')))
}

/** `-partial_chain`: whatever is in the CAfile is believed. */
function believe(issuer: Certificate, anchor: Certificate, at: Date): void {
  const strictness = { ...STRICTNESS.rfc5280, algorithms: 'allow-weak' } as const
  validatePath(issuer, { anchors: [anchor], at, purpose: 'allow-any', revocation: 'allow-unchecked', strictness })
}
