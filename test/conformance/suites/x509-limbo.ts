/**
 * C2SP x509-limbo: paths as RFC 5280 and the Web PKI have them.
 *
 * @module test/conformance/suites/x509-limbo
 */
import { STRICTNESS, type Strictness } from '../../../src/path/index.js'
import { loadLimbo } from './limbo.js'
import type { PathSuite } from './paths.js'

/** RFC 5280 §4.2.1.12: without extended key usage, a certificate is for any. */
const RFC5280: Strictness = { ...STRICTNESS.pedantic, extKeyUsage: 'allow-absent' }

export const x509Limbo: PathSuite = {
  name: 'x509-limbo',
  title: 'C2SP x509-limbo: RFC 5280 and Web PKI',
  peers: 'wrong of 152: OpenSSL 35 · Go 32 · rustls-webpki 38 · Botan 28',
  load: (corpora) =>
    loadLimbo([corpora, 'x509-limbo', 'testcases.json'], (id) =>
      // `webpki` and `online` are about public servers.
      /^(webpki|online)::/.test(id) ? STRICTNESS.webpki : RFC5280,
    ),
}
