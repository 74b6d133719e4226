/**
 * Headers by which proxies tell servers behind them who a client is: what anybody can write into a request.
 *
 * @module probe/headers (floor 7.3)
 */
import { SHORT_NAMES } from '../x509/index.js'
import type { Header } from './ask-http.js'
import type { ProbeClient } from './client.js'

/**
 * Say of somebody, in every spelling that is known, that it was their certificate.
 *
 * nginx and Apache pass the subject, the verdict and the certificate; Envoy X-Forwarded-Client-Cert; Traefik
 * X-Forwarded-Tls-Client-Cert; RFC 9440 is Client-Cert. Underscores become dashes at whoever reads variables of CGI.
 *
 * @param name - What the server calls them. Default: their URI, or else their common name.
 * @returns What goes into one request each: all names, with one spelling of the certificate. Together they would be longer
 * than servers take, and be refused for that.
 */
export function identityHeaders(client: ProbeClient, name?: string): readonly (readonly Header[])[] {
  const names = nameHeaders(client, name ?? client.uris[0] ?? client.commonName)
  // A name may hold what would end a header, or be none of its characters (RFC 9110 §5.5).
  const isPlain = ([, value]: Header): boolean => /^[\x20-\x7e]*$/.test(value)
  return certificateHeaders(client).map((header) => [...names, header].filter(isPlain))
}

function nameHeaders({ certificate, commonName, uris }: ProbeClient, name: string): readonly Header[] {
  const subject = certificate.subject.toString()
  const oneLine = certificate.subject.rdns
    .map((rdn) => `/${rdn.map(({ type, text }) => `${SHORT_NAMES.get(type) ?? type}=${text ?? ''}`).join('+')}`)
    .join('')
  const [uri = commonName] = uris
  const who: readonly Header[] = [
    'X-Client-Identity',
    'X-Client-Id',
    'X-Remote-User',
    'Remote-User',
    'X-Forwarded-User',
    'X-SSL-Client-Identity',
    'X-Client-Identity-URI',
    'X_Client_Identity',
  ].map((header) => [header, name])
  return [
    ...who,
    ['X-Client-CN', commonName],
    ['X-SSL-Client-CN', commonName],
    ['X-SSL-Client-Verify', 'SUCCESS'],
    ['X-Client-Verify', 'SUCCESS'],
    ['Ssl-Client-Verify', 'SUCCESS'],
    ['X-SSL-Client-S-DN', subject],
    ['X-SSL-Client-DN', subject],
    ['X-SSL-Subject', oneLine],
    ['Ssl-Client-S-Dn', subject],
    ['Ssl_Client_S_Dn', subject],
    ['X-SSL-Client-Serial', certificate.serialNumber],
    ['X-SSL-Client-Fingerprint', certificate.fingerprint],
    ['X-Forwarded-Tls-Client-Cert-Info', encodeURIComponent(`Subject="${subject}";SAN="${uri}"`)],
  ]
}

function certificateHeaders({ certificate, commonName, uris }: ProbeClient): readonly Header[] {
  const subject = certificate.subject.toString()
  const [uri = commonName] = uris
  const pem = encodeURIComponent(certificate.toPem())
  const base64 = Buffer.from(certificate.der).toString('base64')
  return [
    ['X-SSL-Client-Cert', pem],
    ['X-Client-Cert', pem],
    ['Ssl-Client-Cert', pem],
    ['X-Forwarded-Client-Cert', `Hash=${certificate.fingerprint};Cert="${pem}";Subject="${subject}";URI=${uri}`],
    ['X-ARR-ClientCert', base64],
    ['X-Forwarded-Tls-Client-Cert', base64],
    ['Client-Cert', `:${base64}:`],
  ]
}
