/**
 * BoringSSL: values of certificatePolicies (RFC 5280 §4.2.1.4). The name of a file says whether its value is one, and
 * which policies are in it.
 *
 * @module test/conformance/suites/boringssl-certificate-policies
 */
import { join } from 'node:path'
import { OID } from '../../../src/asn1/index.js'
import { readCertificatePolicies } from '../../../src/x509/policy-extensions.js'
import { readExtensionValue } from '../../../src/x509/index.js'
import { filesIn, pemBlock, readPemBlocks } from '../files.js'
import type { Suite, Verdict } from '../suite.js'

export const boringsslCertificatePolicies: Suite = {
  name: 'boringssl-certificate-policies',
  title: 'values of certificatePolicies',
  peers: '',
  load(corpora) {
    const folder = join(corpora, 'boringssl', 'certificate_policies_unittest')
    const files = filesIn(folder, '.pem')
    if (files === undefined) return undefined
    return {
      cases: files.map((file) => ({
        id: file,
        expected: file.startsWith('invalid') ? 'reject' : policiesNamed(file),
        run: () => read(pemBlock(readPemBlocks(folder, file), 'CERTIFICATE POLICIES')),
      })),
    }
  },
}

/** `policy_1_2_3_and_1_2_4_with_qualifiers.pem` → `1.2.3 1.2.4`. */
function policiesNamed(file: string): string {
  if (file.startsWith('anypolicy')) return OID.anyPolicy
  return [...file.matchAll(/\d+(?:_\d+)+/g)].map(([digits]) => digits.replaceAll('_', '.')).join(' ')
}

function read(value: Uint8Array): Verdict {
  const extension = { oid: OID.certificatePolicies, critical: false, value }
  return { got: [...readExtensionValue(extension, readCertificatePolicies).policies].join(' ') }
}
