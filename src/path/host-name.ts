/**
 * Is this the server that was meant? RFC 9525: the subject alternative name alone, never the common name.
 *
 * @module path/host-name (floor 4)
 */
import { equalBytes } from '../asn1/index.js'
import { type Certificate, parseIpAddress } from '../x509/index.js'
import { refusal } from './rules.js'

/**
 * Check that a certificate is for a host name or IP address. A wildcard stands for one whole left-most label.
 *
 * @throws {@link TrustError} `ERR_PATH_HOST_NAME`
 * @see RFC 9525 §6
 */
export function checkHostName(certificate: Certificate, host: string): void {
  const address = parseIpAddress(host)
  const wanted = host.toLowerCase().replace(/\.$/, '')
  // A pattern is what a certificate presents, never what somebody connects to.
  const found =
    !wanted.includes('*') &&
    certificate.subjectAltName.some((name) => {
      if (address !== undefined) return name.kind === 'ip' && equalBytes(name.octets, address)
      return name.kind === 'dns' && matchesPresented(wanted, name.value.toLowerCase())
    })
  if (!found) {
    throw refusal('ERR_PATH_HOST_NAME', 'host-name', certificate, `the certificate is not for ${host}`, {
      details: { host },
    })
  }
}

function matchesPresented(host: string, presented: string): boolean {
  if (!presented.startsWith('*.')) return host === presented
  const base = presented.slice(2)
  const dot = host.indexOf('.')
  return base.includes('.') && dot > 0 && host.slice(dot + 1) === base
}
