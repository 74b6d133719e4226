import { describe, expect, it } from 'vitest'
import { configure, serverKind, type ServerPlan } from '../../src/servers/index.js'
import { parseYaml } from '../../src/yaml/index.js'
import { INNER, planOf, ROUTES } from './plans.js'

/** The files as they are read, by the ends of their names. */
function read(changes: Partial<ServerPlan> = {}): Readonly<Record<string, unknown>> {
  const { files } = configure(serverKind('envoy'), planOf(changes))
  return Object.fromEntries(files.map(({ path, content }) => [path.replace(/.*\//, ''), parseYaml(content, path)]))
}

describe('Envoy, as its documentation has it', () => {
  it('wants a certificate, resumes no session, and takes its secrets from files', () => {
    const text = JSON.stringify(read()['envoy.yaml'])
    for (const part of [
      '"require_client_certificate":true',
      '"disable_stateless_session_resumption":true',
      '"disable_stateful_session_resumption":true',
      '"tls_minimum_protocol_version":"TLSv1_3"',
      '"path":"/etc/signet/server/signet-certificate.yaml"',
      '"path":"/etc/signet/server/signet-validation.yaml"',
    ]) {
      expect(text).toContain(part)
    }
  })

  it('SVC-03: takes away what clients say about themselves, and refuses names with underscores', () => {
    const text = JSON.stringify(read()['envoy.yaml'])
    expect(text).toContain('"request_headers_to_remove":["X-Signet-Entity","X-Signet-Roles"]')
    expect(text).toContain('{"key":"X-Signet-Identity","value":"%DOWNSTREAM_PEER_URI_SAN%"},"append_action":"OVERWRITE')
    expect(text).toContain('"headers_with_underscores_action":"REJECT_REQUEST"')
    expect(text).toContain('"forward_client_cert_details":"SANITIZE"')
  })

  it('knows clients by their URIs, with CRLs, and watches the folder in which the version changes', () => {
    const watched_directory = { path: '/etc/signet/tls' }
    expect(read()['signet-validation.yaml']).toMatchObject({
      resources: [
        {
          name: 'signet-validation',
          validation_context: {
            trusted_ca: { filename: '/etc/signet/tls/current/ca-bundle.pem' },
            crl: { filename: '/etc/signet/tls/current/crls.pem' },
            match_typed_subject_alt_names: [
              { san_type: 'URI', matcher: { exact: 'spiffe://cloud.example/api/api.v2' } },
              { san_type: 'URI', matcher: { exact: 'spiffe://cloud.example/compute/compute-07' } },
            ],
            watched_directory,
          },
        },
      ],
    })
    expect(read()['signet-certificate.yaml']).toMatchObject({
      resources: [
        { tls_certificate: { private_key: { filename: '/etc/signet/tls/current/key.pem' }, watched_directory } },
      ],
    })
  })

  it('encrypts again to who has the name', () => {
    const files = read({ backend: INNER })
    expect(JSON.stringify(files['envoy.yaml'])).toContain('"sni":"db.inner.example","max_session_keys":0')
    expect(JSON.stringify(files['backend-validation.yaml'])).toContain(
      '{"san_type":"DNS","matcher":{"exact":"db.inner.example"}}',
    )
  })

  it('hands on unopened by the name in the ClientHello', () => {
    const text = JSON.stringify(read({ backend: ROUTES, admitted: [] })['envoy.yaml'])
    expect(text).toContain('tls_inspector')
    expect(text).toContain('"filter_chain_match":{"server_names":["api.cloud.example"],"transport_protocol":"tls"}')
    expect(text).not.toContain('TlsContext')
  })
})
