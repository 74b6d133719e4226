import { describe, expect, it } from 'vitest'
import { type ConfigFindingCode, configure, lintConfiguration, lintModes, serverKind } from '../../src/servers/index.js'
import { found, table } from './findings.js'
import { INNER, planOf, ROUTES } from './plans.js'

describe('nginx', () => {
  table('nginx', [
    ['SVC-17: clients are not asked', 'ssl_verify_client on;', '', 'verification-absent'],
    [
      'SVC-17: clients are not asked, in a word',
      'ssl_verify_client on;',
      'ssl_verify_client off;',
      'verification-absent',
    ],
    [
      'SVC-17: a certificate is optional',
      'ssl_verify_client on;',
      'ssl_verify_client optional;',
      'verification-optional',
    ],
    [
      'SVC-17: any certificate will do',
      'ssl_verify_client on;',
      'ssl_verify_client optional_no_ca;',
      'verification-optional',
    ],
    ['REV-04: no CRL', /ssl_crl .*;/, '', 'revocation-absent'],
    ['SVC-02: a cache of sessions', 'ssl_session_cache off', 'ssl_session_cache shared:a:10m', 'resumption'],
    ['SVC-02: tickets', 'ssl_session_tickets off;', '', 'resumption'],
    ['old versions, by default', /ssl_protocols .*;/, '', 'weak-protocol'],
    ['old versions', 'ssl_protocols TLSv1.3', 'ssl_protocols TLSv1 TLSv1.2', 'weak-protocol'],
    ['weak ciphers', /ssl_ciphers .*;/, 'ssl_ciphers ALL:!aNULL;', 'weak-protocol'],
    ['requirement 62: clear text to another machine', 'http://127.0.0.1:8080', 'http://10.0.0.9:8080', 'clear-text'],
    [
      'requirement 63: clear text on every address',
      'location / {',
      'location /a {}\n}\nserver {\nlisten 80;\nlocation / {',
      'clear-text',
    ],
    [
      'SVC-03: a header that is copied',
      'proxy_set_header X-Forwarded-Proto https;',
      'proxy_set_header X-User $http_x_user;',
      'header-spoofing',
    ],
  ])

  it('finds nothing in what is verified by hand', () => {
    const after = 'ssl_verify_client optional;\nif ($ssl_client_verify != SUCCESS) { return 403; }'
    expect(found('nginx', planOf(), 'ssl_verify_client on;', after)).toEqual([])
  })

  it('SVC-03: a header that one location leaves alone is told for each', () => {
    const after = 'location /admin { proxy_pass http://127.0.0.1:8080; proxy_set_header A b; }\nlocation / {'
    expect(found('nginx', planOf(), 'location / {', after)).toEqual(Array(3).fill('hole header-spoofing'))
  })

  it('SVC-17: anybody who is certified', () => {
    const text = configure(serverKind('nginx'), planOf()).files[0]?.content ?? ''
    const bare = text
      .replaceAll(/ {2}map \$ssl[^}]*\}\n/g, '')
      .replaceAll(/ {4}if \([^}]*\}\n/g, '')
      .replaceAll(/proxy_set_header X-Signet.*;/g, '')
    expect(lintConfiguration(serverKind('nginx'), new Map([['nginx.conf', bare]])).map(({ code }) => code)).toEqual([
      'anybody-certified',
    ])
  })

  describe('to a TLS backend', () => {
    table(
      'nginx',
      [
        ['any server', 'proxy_ssl_verify on;', '', 'verification-absent'],
        ['any server, in a word', 'proxy_ssl_verify on', 'proxy_ssl_verify off', 'verification-absent'],
        ['a name of the client', 'proxy_ssl_name db.inner.example', 'proxy_ssl_name $host', 'host-unchecked'],
      ],
      planOf({ backend: INNER }),
    )
  })

  describe('unopened', () => {
    const plan = planOf({ backend: ROUTES, admitted: [] })
    table('nginx', [['without looking for TLS', 'ssl_preread on;', '', 'clear-text']], plan)
  })

  it('reads quotes, comments, braces and files that are included', () => {
    const main = `http {\n  ssl_protocols TLSv1.3; # ssl_verify_client off;\n  ssl_session_cache off; ssl_session_tickets off;\n  include sites/*;\n}`
    const site = `server {\n  listen [::1]:80;\n}\nserver {\n  listen "443" ssl;\n  ssl_crl '/x; y';\n  ssl_verify_client on;\n  if ($ssl_client_s_dn !~ "^CN=\\{a\\}") { return 403; }\n}`
    const kind = serverKind('nginx')
    expect(
      lintConfiguration(
        kind,
        new Map([
          ['main', main],
          ['site', site],
        ]),
      ),
    ).toEqual([])
    const findings = lintConfiguration(
      kind,
      new Map([
        ['main', main],
        ['site', site.replace('verify_client on', 'verify_client off')],
      ]),
    )
    expect(findings.map(({ file, line, code }) => [file, line, code])).toEqual([['site', 7, 'verification-absent']])
  })
})

describe('HAProxy', () => {
  table('haproxy', [
    ['SVC-17: clients are not asked', ' verify required', '', 'verification-absent'],
    ['SVC-17: a certificate is optional', 'verify required', 'verify optional', 'verification-optional'],
    [
      'SVC-17: wrong certificates pass',
      'verify required',
      'verify required crt-ignore-err all',
      'verification-optional',
    ],
    ['REV-04: no CRL', /crl-file \S+ /, '', 'revocation-absent'],
    ['SVC-02: tickets', ' no-tls-tickets', '', 'resumption'],
    ['SVC-02: a cache of sessions', 'tune.ssl.cachesize 0', 'tune.ssl.cachesize 20000', 'resumption'],
    ['old versions', 'ssl-min-ver TLSv1.3', 'ssl-min-ver TLSv1.0', 'weak-protocol'],
    ['an old version', 'verify required', 'verify required force-tlsv10', 'weak-protocol'],
    ['weak ciphers', /ssl-default-bind-ciphers .*/, 'ssl-default-bind-ciphers DEFAULT:RC4', 'weak-protocol'],
    [
      'requirement 62: clear text to another machine',
      'server backend 127.0.0.1:8080',
      'server backend 10.0.0.9:8080',
      'clear-text',
    ],
    ['requirement 63: clear text on every address', 'default_backend', 'bind :80\n  default_backend', 'clear-text'],
    [
      'SVC-03: a header beside that of the client',
      /http-request del-header .*\n\s*http-request set-header X-Signet-Entity/,
      'http-request add-header X-Signet-Entity',
      'header-spoofing',
    ],
    ['SVC-03: a header that is copied', 'X-Forwarded-Proto https', 'X-User %[req.hdr(x-user)]', 'header-spoofing'],
  ])

  it('SVC-03: a header under a condition, which the client sends where it does not hold', () => {
    const plan = planOf()
    const after =
      'http-request set-header X-Signet-Entity a%[ssl_c_s_dn] if { path /a }\n  http-request del-header ^x[-_]signet[-_] -m reg'
    expect(found('haproxy', plan, /http-request del-header .*/, after)).toEqual(['hole header-spoofing'])
  })

  it('SVC-17: anybody who is certified', () => {
    const text = configure(serverKind('haproxy'), planOf()).files[0]?.content ?? ''
    const bare = text.replaceAll(/ {2}http-request .*\n/g, '')
    const findings = lintConfiguration(serverKind('haproxy'), new Map([['haproxy.cfg', bare]]))
    expect(findings.map(({ code }) => code)).toEqual(['anybody-certified'])
  })

  describe('to a TLS backend', () => {
    table(
      'haproxy',
      [
        ['any server', 'ssl verify required verifyhost', 'ssl verify none verifyhost', 'verification-absent'],
        ['any name', /verifyhost \S+ sni \S+ /, '', 'host-unchecked'],
      ],
      planOf({ backend: INNER }),
    )
  })

  describe('unopened', () => {
    const plan = planOf({ backend: ROUTES, admitted: [] })
    table('haproxy', [['as HTTP', 'mode tcp', 'mode http', 'clear-text']], plan)
  })

  it('finds the TLS of default-server, and what stands in quotes', () => {
    const text = `backend a\n  mode http\n  default-server ssl verify required verifyhost "b.example" # none\n  server b 10.0.0.1:443\n`
    expect(lintConfiguration(serverKind('haproxy'), new Map([['a.cfg', text]]))).toEqual([])
  })
})

describe('stunnel', () => {
  table('stunnel', [
    ['SVC-17: clients are not asked', 'verifyChain = yes', 'verifyChain = no', 'verification-absent'],
    ['SVC-17: a certificate is optional', 'requireCert = yes', 'requireCert = no', 'verification-optional'],
    ['REV-04: no CRL', /CRLfile = .*/, '', 'revocation-absent'],
    ['SVC-02: sessions', 'sessionResume = no', '', 'resumption', 'note'],
    ['old versions', 'sslVersionMin = TLSv1.3', 'sslVersionMin = TLSv1', 'weak-protocol'],
    ['weak ciphers', 'requireCert', 'ciphers = ALL\nrequireCert', 'weak-protocol'],
    [
      'requirement 62: clear text to another machine',
      'connect = 127.0.0.1:8080',
      'connect = 10.0.0.9:8080',
      'clear-text',
    ],
  ])

  it('SVC-17: anybody who is certified', () => {
    const text = configure(serverKind('stunnel'), planOf()).files[0]?.content.replaceAll(/checkHost.*/g, '') ?? ''
    expect(lintConfiguration(serverKind('stunnel'), new Map([['a', text]])).map(({ code }) => code)).toEqual([
      'anybody-certified',
    ])
  })

  it('reads clients, and options that stand before all services', () => {
    const text = `verifyChain = yes\nCRLfile = /c\n[a]\nclient = yes\naccept = 127.0.0.1:1\nconnect = 10.0.0.1:2\ncheckHost = a.example\n`
    const kind = serverKind('stunnel')
    const codes = (changed: string): readonly string[] =>
      lintConfiguration(kind, new Map([['a', changed]])).map(({ code, line }) => `${line ?? 0} ${code}`)
    expect(codes(text)).toEqual([])
    expect(codes(text.replace('checkHost = a.example', ''))).toEqual(['3 host-unchecked'])
    expect(codes(text.replace('verifyChain = yes', ''))).toEqual(['3 verification-absent'])
    expect(codes(text.replace('127.0.0.1:1', '1'))).toEqual(['5 clear-text'])
  })
})

describe('Envoy', () => {
  table('envoy', [
    [
      'SVC-17: a certificate is optional',
      'require_client_certificate: true',
      'require_client_certificate: false',
      'verification-optional',
    ],
    [
      'requirement 74: a text',
      'require_client_certificate: true',
      'require_client_certificate: "false"',
      'string-boolean',
    ],
    ['SVC-17: any certificate will do', 'trusted_ca:', 'ignored:', 'verification-absent'],
    ['REV-04: no CRL', 'crl:', 'ignored:', 'revocation-absent'],
    [
      'REV-10: the CRL of the last CA only',
      'trusted_ca:',
      'only_verify_leaf_cert_crl: true\n      trusted_ca:',
      'revocation-absent',
      'note',
    ],
    [
      'SVC-17: who has expired',
      'trusted_ca:',
      'allow_expired_certificate: true\n      trusted_ca:',
      'verification-optional',
    ],
    [
      'SVC-17: who is not believed',
      'trusted_ca:',
      'trust_chain_verification: ACCEPT_UNTRUSTED\n      trusted_ca:',
      'verification-optional',
    ],
    ['SVC-17: anybody who is certified', 'match_typed_subject_alt_names', 'ignored', 'anybody-certified'],
    ['SVC-02: tickets', 'disable_stateless_session_resumption: true', 'a: b', 'resumption'],
    ['SVC-02: a cache of sessions', 'disable_stateful_session_resumption: true', 'a: b', 'resumption'],
    ['old versions', 'TLSv1_3', 'TLSv1_0', 'weak-protocol'],
    [
      'weak ciphers',
      'tls_minimum_protocol_version',
      'cipher_suites: [DES-CBC3-SHA]\n                  tls_minimum_protocol_version',
      'weak-protocol',
    ],
    [
      'SVC-03: a certificate that clients send in a header',
      'forward_client_cert_details: SANITIZE',
      'forward_client_cert_details: APPEND_FORWARD',
      'header-spoofing',
    ],
    ['requirement 63: clear text on every address', 'transport_socket:', 'ignored:', 'clear-text'],
  ])

  describe('to a TLS backend', () => {
    const plan = planOf({ backend: INNER })
    it('finds any name', () => {
      expect(found('envoy', plan, /match_typed_subject_alt_names:(?=\n\s*- san_type: DNS)/, 'ignored:')).toEqual([
        'hole host-unchecked',
      ])
    })

    it('finds any server', () => {
      expect(found('envoy', plan, 'trusted_ca:', 'ignored:')).toEqual(Array(2).fill('hole verification-absent'))
    })
  })
})

describe('Node', () => {
  const kind = serverKind('node')
  const codes = (text: string): readonly string[] =>
    lintConfiguration(kind, new Map([['a.mjs', text]])).map(({ code }) => code)

  it.each<[string, string, ConfigFindingCode]>([
    ['SVC-17: who is not believed', `rejectUnauthorized: false`, 'verification-optional'],
    ['SVC-17: clients are not asked', `tls.connect({ requestCert: false })`, 'verification-absent'],
    ['SVC-17: a server that does not ask', `https.createServer({ key, cert }, f)`, 'verification-absent'],
    [
      'REV-04: no CRL',
      `https.createServer({ key, requestCert: true }, f)\nsocket.getPeerX509Certificate()`,
      'revocation-absent',
    ],
    ['SVC-17: anybody who is certified', `https.createServer({ key, crl, requestCert: true }, f)`, 'anybody-certified'],
    [
      'SVC-17: anybody who is certified, in a word',
      `createMutualTlsServer({ allow: 'allow-any-identified' })`,
      'anybody-certified',
    ],
    [
      'nothing is verified in the whole process',
      `process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'`,
      'verification-absent',
    ],
    ['any name', `connect({ checkServerIdentity: () => undefined })`, 'host-unchecked'],
    ['requirement 74: a text that counts as yes', `request({ insecure: 'false' })`, 'string-boolean'],
    ['requirement 74: another', `request({ "rejectUnauthorized": "no" })`, 'string-boolean'],
    ['old versions', `connect({ minVersion: 'TLSv1.1' })`, 'weak-protocol'],
    ['an old version', `connect({ secureProtocol: 'TLSv1_method' })`, 'weak-protocol'],
    ['weak ciphers', `connect({ ciphers: 'ALL:@SECLEVEL=0' })`, 'weak-protocol'],
    [
      'SVC-03: a header for who somebody is',
      `createMutualHttpsServer(o, (q) => q.headers['x-client-identity'])`,
      'header-spoofing',
    ],
    [
      'requirement 63: clear text on every address',
      `import { createServer } from 'node:http'\ncreateServer(f).listen(80)`,
      'clear-text',
    ],
  ])('%s', (_, text, code) => {
    expect(codes(text)).toEqual([code])
  })

  it.each([
    `// rejectUnauthorized: false`,
    `/* requestCert: false */`,
    `createServer(f).listen(80, '127.0.0.1')`,
    `connect({ rejectUnauthorized: true, minVersion: 'TLSv1.3', insecure: false })`,
    `createMutualHttpsServer(o, (q) => { q.headers['x-client-identity'] = peer.entity })`,
  ])('finds nothing in %s', (text) => {
    expect(codes(text)).toEqual([])
  })
})

describe('lintModes', () => {
  const texts = new Map([['a.conf', 'cert = /etc/x/cert.pem\nkey = "/etc/x/key.pem";\nagain /etc/x/key.pem\n']])
  const look = (mode: number) => (path: string) =>
    path.endsWith('key.pem') ? { mode, hasKey: true } : { mode: 0o644, hasKey: false }

  it.each([0o100644, 0o100604, 0o100640 | 1])('KEY-01: finds a key that everybody may read: %o', (mode) => {
    expect(lintModes(texts, look(mode)).map(({ code, line, severity }) => [code, line, severity])).toEqual([
      ['mode', 2, 'hole'],
    ])
  })

  it.each([0o100600, 0o100640, 0o100400])('finds nothing wrong with %o', (mode) => {
    expect(lintModes(texts, look(mode))).toEqual([])
  })
})
