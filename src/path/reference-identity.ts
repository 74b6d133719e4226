/**
 * Is this who was meant? A host, a URI identity, a mailbox; by subject alternative names alone, never the common name.
 *
 * @module path/reference-identity (floor 4)
 */
import { equalBytes } from '../asn1/index.js'
import { type Certificate, parseIpAddress } from '../x509/index.js'
import { type Judge, refusal } from './rules.js'

/** Who must be meant (RFC 9525 §1.8 calls these reference identifiers). Each that is given must be there. */
export interface ReferenceIdentity {
  /** Host name or IP address. */
  readonly hostName?: string
  /** URI, such as a SPIFFE ID: the whole of it. */
  readonly uri?: string
  /** Mailbox. */
  readonly email?: string
}

/**
 * Check that a certificate is for everything that is meant.
 *
 * @throws {@link TrustError} `ERR_PATH_HOST_NAME`, `ERR_PATH_IDENTITY`
 */
export function checkReferenceIdentity(target: Certificate, meant: ReferenceIdentity, judge: Judge): void {
  const { hostName, uri, email } = meant
  if (hostName !== undefined) judge('host-name', target, () => checkHostName(target, hostName))
  if (uri !== undefined) judge('uri', target, () => checkUri(target, uri))
  if (email !== undefined) judge('email', target, () => checkEmail(target, email))
}

/**
 * Check that a certificate holds a URI. Scheme and host are compared without regard to case, the rest exactly.
 *
 * @throws {@link TrustError} `ERR_PATH_IDENTITY`
 * @see RFC 5280 §7.4
 */
export function checkUri(certificate: Certificate, uri: string): void {
  const wanted = comparableUri(uri)
  if (certificate.subjectAltName.some((name) => name.kind === 'uri' && comparableUri(name.value) === wanted)) return
  throw refusal('ERR_PATH_IDENTITY', 'uri', certificate, `the certificate is not for ${uri}`, { details: { uri } })
}

function comparableUri(uri: string): string {
  return uri.replace(/^[A-Za-z][A-Za-z0-9+.-]*:(?:\/\/[^/?#]*)?/, (start) => {
    const at = start.lastIndexOf('@') + 1
    const scheme = start.indexOf(':') + 1
    // User information keeps its case; it stands between the scheme and the host.
    return (
      start.slice(0, scheme).toLowerCase() + start.slice(scheme, at) + start.slice(Math.max(scheme, at)).toLowerCase()
    )
  })
}

/**
 * Check that a certificate holds a mailbox. The part before the at sign is compared exactly, the host without regard to
 * case.
 *
 * @throws {@link TrustError} `ERR_PATH_IDENTITY`
 * @see RFC 5280 §7.5
 */
export function checkEmail(certificate: Certificate, email: string): void {
  const wanted = comparableMailbox(email)
  if (certificate.subjectAltName.some((name) => name.kind === 'email' && comparableMailbox(name.value) === wanted))
    return
  throw refusal('ERR_PATH_IDENTITY', 'email', certificate, `the certificate is not for ${email}`, {
    details: { email },
  })
}

function comparableMailbox(mailbox: string): string {
  const at = mailbox.lastIndexOf('@')
  return mailbox.slice(0, at) + mailbox.slice(at).toLowerCase()
}

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
