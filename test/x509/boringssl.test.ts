/** The certificate parsing cases of BoringSSL: what it refuses we refuse, and what it reads we read, save as stated. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { OID } from '../../src/asn1/index.js'
import { parseCertificate, readAuthorityKeyIdentifier, readExtensionValue } from '../../src/x509/index.js'
import { CORPORA, corporaAvailable } from '../support/corpora.js'
import { outcomeOf } from '../support/only-signet-errors.js'

const folder = join(CORPORA, 'boringssl', 'parse_certificate_unittest')

/** Why we differ. A case that is here and does not differ fails, too. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  'basic_constraints_ca_false.pem': 'cA FALSE is the default, which DER does not encode',
  'basic_constraints_pathlen_256.pem': 'RFC 5280 bounds no path length; BoringSSL keeps it in an octet',
  'cert_skeleton.pem': 'its fields are placeholders: BoringSSL reads the three outer ones only',
  'cert_version3.pem': 'cA FALSE is the default, which DER does not encode',
  'failed_signature_algorithm.pem': 'its fields are placeholders: BoringSSL reads the three outer ones only',
  'signature_algorithm_null.pem': 'its signature algorithm is NULL: BoringSSL reads that field later',
  'policy_constraints_empty.pem': 'this extension is not read when a certificate is parsed',
  'policy_qualifiers_empty_sequence.pem': 'this extension is not read when a certificate is parsed',
  'serial_negative.pem': 'RFC 5280 §4.1.2.2: positive; BoringSSL warns',
  'serial_zero.pem': 'RFC 5280 §4.1.2.2: positive; BoringSSL warns',
  'serial_zero_padded_21_bytes.pem': 'RFC 5280 §4.1.2.2: at most 20 octets; BoringSSL warns',
  'subject_printable_string_containing_utf8_client_cert.pem':
    'PrintableString has no such characters; BoringSSL can be told to look away',
}

function block(name: string, label: string): Buffer | undefined {
  const text = readFileSync(join(folder, name), 'utf8').replaceAll(/^#.*$/gm, '')
  const body = text.split(`-----BEGIN ${label}-----`)[1]?.split('-----END')[0]
  return body === undefined ? undefined : Buffer.from(body, 'base64')
}

describe.skipIf(!corporaAvailable())('parseCertificate: BoringSSL', () => {
  const names = corporaAvailable()
    ? readdirSync(folder).filter((name) => name.endsWith('.pem') && block(name, 'CERTIFICATE') !== undefined)
    : []

  it('has its cases', () => {
    expect(names.length).toBe(44)
    expect(Object.keys(EXCEPTIONS).filter((name) => !names.includes(name))).toEqual([])
  })

  it.each(names)('%s', (name) => {
    const refused = block(name, 'ERRORS')?.toString().startsWith('ERROR') ?? false
    const outcomes: unknown[] = []
    const ours = outcomeOf(() => {
      const certificate = parseCertificate(Uint8Array.from(block(name, 'CERTIFICATE') ?? []))
      for (const key of [
        'basicConstraints',
        'keyUsage',
        'extKeyUsage',
        'subjectKeyIdentifier',
        'authorityKeyIdentifier',
        'subjectAltName',
        'nameConstraints',
      ] as const)
        outcomes.push(certificate[key])
    })
    expect({ agrees: (ours.code !== 'accepted') === refused, code: ours.code }).toMatchObject({
      agrees: EXCEPTIONS[name] === undefined,
    })
  })

  it.each([
    ['key_identifier', true],
    ['issuer_and_serial', true],
    ['key_identifier_and_issuer_and_serial', true],
    ['url_issuer_and_serial', true],
    ['issuer_only', false],
    ['invalid_contents', false],
    ['invalid_issuer', false],
    ['invalid_key_identifier', false],
    ['invalid_serial', false],
    ['extra_contents_after_extension_sequence', false],
    ['extra_contents_after_issuer_and_serial', false],
  ] as const)('authorityKeyIdentifier: %s', (name, good) => {
    const value = Uint8Array.from(
      block(join('authority_key_identifier', `${name}.pem`), 'AUTHORITY_KEY_IDENTIFIER') ?? [],
    )
    const { code } = outcomeOf(() =>
      readExtensionValue({ oid: OID.authorityKeyIdentifier, critical: false, value }, readAuthorityKeyIdentifier),
    )
    expect(code).toBe(good ? 'accepted' : 'ERR_EXTENSION_MALFORMED')
  })
})
