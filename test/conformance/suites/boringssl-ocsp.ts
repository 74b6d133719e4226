/**
 * BoringSSL: what an OCSP response says about a certificate (`ocsp_unittest`), and the request that asks for it.
 *
 * @module test/conformance/suites/boringssl-ocsp
 */
import { join } from 'node:path'
import { equalBytes } from '../../../src/asn1/index.js'
import { certIdOf, encodeOcspRequest, parseCertificate, parseOcspResponse } from '../../../src/x509/index.js'
import { filesIn, type PemBlocks, pemBlock, readJson, readPemBlocks } from '../files.js'
import { ACCEPT, type Case, type Suite, type Verdict } from '../suite.js'
import { statusOf } from './revocation.js'

interface Expectations {
  readonly cases: readonly { readonly file: string; readonly status: 'GOOD' | 'REVOKED' | 'UNKNOWN' }[]
}

/** 2017-03-05, and a week (`ocsp_unittest.cc`; corpora/README.md). */
const AT = new Date(1_488_672_000_000)
const MAX_AGE_SECONDS = 7 * 24 * 60 * 60

export const boringsslOcsp: Suite = {
  name: 'boringssl-ocsp',
  title: 'what OCSP responses say',
  peers: '',
  load(corpora) {
    const folder = join(corpora, 'boringssl', 'ocsp_unittest')
    const files = new Set(filesIn(folder, '.pem'))
    const expectations = readJson(folder, 'expected.json') as Expectations | undefined
    if (expectations === undefined) return undefined
    const there = expectations.cases.filter(({ file }) => files.has(file))
    const statuses = there.map(({ file, status }): Case => ({
      id: file,
      expected: status,
      run: () => ask(readPemBlocks(folder, file)),
    }))
    const requests = there.map(({ file }): Case => ({
      id: `${file}, its request`,
      expected: 'accept',
      run: () => request(readPemBlocks(folder, file)),
    }))
    return { cases: [...statuses, ...requests] }
  },
}

function ask(blocks: PemBlocks): Verdict {
  const certificate = parseCertificate(pemBlock(blocks, 'CERTIFICATE'))
  const issuer = parseCertificate(pemBlock(blocks, 'CA CERTIFICATE'))
  return statusOf(() => ({
    certificate,
    issuer,
    at: AT,
    sources: {
      crls: [],
      ocspResponses: [parseOcspResponse(pemBlock(blocks, 'OCSP RESPONSE'))],
      maxAgeSeconds: MAX_AGE_SECONDS,
    },
  }))
}

/** RFC 6960 §4.1: one question, the issuer named by SHA-1, nothing else. */
function request(blocks: PemBlocks): Verdict {
  const certificate = parseCertificate(pemBlock(blocks, 'CERTIFICATE'))
  const issuer = parseCertificate(pemBlock(blocks, 'CA CERTIFICATE'))
  const der = encodeOcspRequest([certIdOf(issuer, certificate.serialNumber, 'sha1')])
  if (equalBytes(der, pemBlock(blocks, 'OCSP REQUEST'))) return ACCEPT
  return { got: 'other octets', message: Buffer.from(der).toString('base64') }
}
