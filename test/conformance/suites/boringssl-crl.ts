/**
 * BoringSSL: what a CRL says about a certificate (`crl_unittest`). The issuer is believed; a second certificate of it may
 * have signed the CRL.
 *
 * @module test/conformance/suites/boringssl-crl
 */
import { join } from 'node:path'
import { DerReader, encodeTime, KEY_LIMITS, TAG } from '../../../src/asn1/index.js'
import { type Certificate, parseCertificate, parseCrl } from '../../../src/x509/index.js'
import { allPaths, editDer, elementAt } from '../../support/der.js'
import { filesIn, type PemBlocks, pemBlock, readJson, readPemBlocks } from '../files.js'
import type { Suite, Verdict } from '../suite.js'
import { statusOf } from './revocation.js'

interface Expectations {
  readonly verify_time: number
  readonly max_age_s: number
  readonly cases: readonly { readonly file: string; readonly status: 'GOOD' | 'REVOKED' | 'UNKNOWN' }[]
}

export const boringsslCrl: Suite = {
  name: 'boringssl-crl',
  title: 'what CRLs say',
  peers: '',
  load(corpora) {
    const folder = join(corpora, 'boringssl', 'crl_unittest')
    const files = new Set(filesIn(folder, '.pem'))
    const expectations = readJson(folder, 'expected.json') as Expectations | undefined
    return (
      expectations && {
        cases: expectations.cases
          .filter(({ file }) => files.has(file))
          .map(({ file, status }) => ({
            id: file,
            expected: status,
            run: () => ask(readPemBlocks(folder, file), expectations),
          })),
      }
    )
  },
}

function ask(blocks: PemBlocks, { verify_time, max_age_s }: Expectations): Verdict {
  const certificate = certificateOf(pemBlock(blocks, 'CERTIFICATE'))
  const issuer = certificateOf(pemBlock(blocks, 'CA CERTIFICATE'))
  const others = (blocks.get('CA CERTIFICATE 2') ?? []).map(certificateOf)
  return statusOf(() => ({
    certificate,
    issuer,
    at: new Date(verify_time * 1000),
    sources: { crls: [parseCrl(pemBlock(blocks, 'CRL'))], maxAgeSeconds: max_age_s },
    crlSigners: [issuer, ...others],
  }))
}

/**
 * A certificate, its times before 2050 written as RFC 5280 §4.1.2.5 demands. Those of this suite are GeneralizedTime; the
 * suite is about CRLs, and nobody verifies its certificates.
 */
function certificateOf(der: Uint8Array): Certificate {
  const times = allPaths(der).filter((path) => elementAt(der, path)[0] === TAG.generalizedTime)
  const rewritten = times.reduce(
    (whole, path) =>
      editDer(whole, path, (element) => encodeTime(DerReader.over(element, KEY_LIMITS).generalizedTime())),
    der,
  )
  return parseCertificate(rewritten)
}
