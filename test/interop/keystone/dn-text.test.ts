/** OpenSSL prints names as we say that web servers do. */
import { describe, expect, it } from 'vitest'
import { rfc2253Text, slashText } from '../../../src/keystone/index.js'
import { available, succeed } from '../programs.js'
import { oddCertificates } from './certificates.js'

describe.skipIf(!available('openssl'))('names as text', () => {
  const certificates = oddCertificates()
  const printed = (pem: string, ...options: readonly string[]): string =>
    succeed('openssl', ['x509', '-noout', ...options], { input: pem }).replace(/\n$/, '')

  it.each(certificates.map((certificate) => [certificate.subject.toString(), certificate] as const))(
    '%j is that of openssl -nameopt',
    (_name, certificate) => {
      const pem = certificate.toPem()
      const modern = printed(pem, '-subject', '-nameopt', 'RFC2253,-esc_msb')
      expect(`subject=${rfc2253Text(certificate.subject)}`).toBe(modern)
      expect(`subject=${slashText(certificate.subject)}`).toBe(printed(pem, '-subject', '-nameopt', 'compat'))
    },
  )

  it('so is that of an issuer', () => {
    const [certificate] = certificates
    const pem = certificate?.toPem() ?? ''
    const text = certificate === undefined ? '' : rfc2253Text(certificate.issuer)
    expect(`issuer=${text}`).toBe(printed(pem, '-issuer', '-nameopt', 'RFC2253,-esc_msb'))
    expect(text).toBe('CN=CA,emailAddress=ca@b,O=Größe')
  })
})
