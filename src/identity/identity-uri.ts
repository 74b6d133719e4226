/**
 * Identities are URIs in the form of SPIFFE: `spiffe://<trust-domain>/<scope…>/<service>/<node>`.
 *
 * @module identity/identity-uri (floor 5)
 */
import { DeniedError } from '../errors/index.js'
import type { Certificate } from '../x509/index.js'

/** Who somebody is, apart from any certificate. */
export interface IdentityUri {
  readonly text: string
  readonly trustDomain: string
  /** Segments joined by `/`, outermost first; `''` for the whole deployment. */
  readonly scope: string
  readonly service: string
  readonly node: string
}

/** SPIFFE-ID §2.3: at most 2048 octets. */
const MAX_URI_OCTETS = 2048
/** Shorter than SPIFFE's 255, so that a trust domain also fits into an organizationName (RFC 5280 appendix A). */
export const TRUST_DOMAIN =
  /^(?=.{1,64}$)(?!(?:.*\.)?[0-9]+$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/
/** SPIFFE-ID §2.2 allows letters, digits, dot, dash and underscore; here a segment begins and ends with a letter or digit. */
export const SEGMENT = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/

/** Whether a text may stand as one segment of an identity, and so as an entity's id. */
export function isSegment(text: string): boolean {
  return SEGMENT.test(text) && !text.includes('..')
}

/**
 * Parse an identity URI. Nothing is normalized: a text that is not in its one form is refused.
 *
 * @throws {@link DeniedError} `ERR_IDENTITY_INVALID`
 */
export function parseIdentityUri(text: string): IdentityUri {
  const match = text.length <= MAX_URI_OCTETS ? /^spiffe:\/\/([^/]+)\/(.+)$/.exec(text) : null
  const [trustDomain, path] = [match?.[1], match?.[2]]
  if (trustDomain === undefined || path === undefined)
    throw invalid(text, 'it has the form spiffe://trust-domain/scope/service/node')
  const segments = path.split('/')
  const node = segments.pop()
  const service = segments.pop()
  if (service === undefined || node === undefined) throw invalid(text, 'it names a service and a node')
  const uri = identityUri({ trustDomain, scope: segments.join('/'), service, node })
  // An empty scope is written as none: `spiffe://domain//service/node` is not `spiffe://domain/service/node`.
  if (uri.text !== text) throw invalid(text, 'it has an empty segment')
  return uri
}

/** Put an identity together from its parts, checking each. */
export function identityUri(parts: Omit<IdentityUri, 'text'>): IdentityUri {
  const { trustDomain, scope, service, node } = parts
  const path = [...(scope === '' ? [] : scope.split('/')), service, node]
  const text = `spiffe://${trustDomain}/${path.join('/')}`
  if (!TRUST_DOMAIN.test(trustDomain))
    throw invalid(text, 'its trust domain is a lower-case domain name of at most 64 characters')
  const wrong = path.find((segment) => !isSegment(segment))
  if (wrong !== undefined) {
    throw invalid(text, `${JSON.stringify(wrong)} is not made of letters, digits, dots, dashes and underscores`)
  }
  if (text.length > MAX_URI_OCTETS) throw invalid(text.slice(0, 80), `it has at most ${MAX_URI_OCTETS} octets`)
  return { text, trustDomain, scope, service, node }
}

/**
 * The identity that a certificate carries: its one and only URI subject alternative name.
 *
 * The certificate must come from a validated path; this only reads it.
 *
 * @throws {@link DeniedError} `ERR_IDENTITY_INVALID` if there is none, more than one, or it is malformed
 */
export function identityUriOf(certificate: Certificate): IdentityUri {
  const uris = certificate.subjectAltName.flatMap((name) => (name.kind === 'uri' ? [name.value] : []))
  const [uri] = uris
  if (uri === undefined || uris.length > 1) {
    throw new DeniedError('ERR_IDENTITY_INVALID', `the certificate carries ${uris.length} identity URIs, not one`, {
      details: { subject: certificate.subject.toString(), uris: String(uris.length) },
    })
  }
  return parseIdentityUri(uri)
}

function invalid(text: string, why: string): DeniedError {
  return new DeniedError('ERR_IDENTITY_INVALID', `not an identity: ${why}`, {
    details: { identity: text.slice(0, 200) },
  })
}
