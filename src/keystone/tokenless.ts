/**
 * Keystone's tokenless authorization: which identity provider an issuer is.
 *
 * @module keystone/tokenless (floor 5.1)
 */
import { hash } from 'node:crypto'
import type { Certificate } from '../x509/index.js'
import { rfc2253Text, slashText } from './dn-text.js'

/** The issuer of a certificate in one of the spellings of web servers. */
export interface IssuerSpelling {
  /** What `trusted_issuer` must be, character by character. */
  readonly text: string
  /** Under which the mapping is registered. */
  readonly identityProvider: string
}

/** The id of an issuer's identity provider: SHA-256 of its printed name in UTF-8, lower-case hexadecimal. */
export function identityProviderId(issuerText: string): string {
  return hash('sha256', issuerText, 'hex')
}

/**
 * The issuer of a certificate, as mod_ssl prints it since 2.3.11 and as `LegacyDNStringFormat` does.
 *
 * Keystone compares these texts and parses neither. In the legacy form two issuers can have one text.
 */
export function issuerSpellings({ issuer }: Certificate): Readonly<Record<'rfc2253' | 'legacy', IssuerSpelling>> {
  return { rfc2253: spelling(rfc2253Text(issuer)), legacy: spelling(slashText(issuer)) }
}

function spelling(text: string): IssuerSpelling {
  return { text, identityProvider: identityProviderId(text) }
}
