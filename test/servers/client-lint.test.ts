import { describe, expect, it } from 'vitest'
import { lintClient } from '../../src/servers/index.js'

const codes = (text: string): readonly string[] =>
  lintClient(new Map([['client.conf', text]])).map(({ line, code }) => `${line ?? 0} ${code}`)

/** The same client in three languages. */
const INI =
  '[api]\nendpoint = https://api.cloud.example\ncafile = /etc/signet/tls/current/ca-bundle.pem\ncertfile = /c\nkeyfile = /k\ninsecure = false\n'
const YAML = 'api:\n  endpoint: https://api.cloud.example\n  ca_file: /etc/ca.pem\n  cert_file: /c\n  verify: true\n'
const JSON_TEXT =
  '{ "endpoint": "https://api.cloud.example", "ca": "/etc/ca.pem", "cert": "/c", "rejectUnauthorized": true }'

describe('lintClient', () => {
  it.each([INI, YAML, JSON_TEXT, 'sslmode=verify-full\nsslrootcert=/r\nsslcert=/c\nsslkey=/k'])(
    'finds nothing in %s',
    (text) => {
      expect(codes(text)).toEqual([])
    },
  )

  it.each([
    ['requirement 74: insecure', INI.replace('insecure = false', 'insecure = true'), '6 verification-absent'],
    [
      'requirement 74: insecure, as a text (CVE-2014-7144)',
      INI.replace('insecure = false', 'insecure = "false"'),
      '6 string-boolean',
    ],
    ['requirement 74: insecure, as a text, in JSON', `{ "insecure_skip_verify": "no" }`, '1 string-boolean'],
    ['requirement 74: no verification', YAML.replace('verify: true', 'verify: false'), '5 verification-absent'],
    ['requirement 74: no verification, in JSON', JSON_TEXT.replace('true', 'false'), '1 verification-absent'],
    ['requirement 74: no CA', INI.replace(/cafile.*\n/, ''), '3 verification-absent'],
    ['requirement 74: no CA in its own section', `${INI}[db]\nssl_cert = /c\n`, '8 verification-absent'],
    ['requirement 74: no comparison of names', `${YAML}  check_hostname: no\n`, '6 host-unchecked'],
    ['requirement 74: no comparison of names, in libpq', 'sslmode=verify-ca', '1 host-unchecked'],
    ['no verification in libpq', 'sslmode=require', '1 verification-absent'],
    ['requirement 62: clear text', INI.replace('https', 'http'), '2 clear-text'],
    ['clear text with a password', 'url: amqp://user:word@10.0.0.4:5672/', '1 clear-text'],
    ['old versions', `${YAML}  tls_min_version: TLSv1.1\n`, '6 weak-protocol'],
  ])('finds %s', (_, text, found) => {
    expect(codes(text)).toEqual([found])
  })

  it.each([
    '# insecure = true',
    '; verify = false',
    'url = http://127.0.0.1:80',
    'url = http://[::1]/',
    'url = http://localhost/',
  ])('finds nothing in %s', (text) => {
    expect(codes(text)).toEqual([])
  })
})
