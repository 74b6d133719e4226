/**
 * What is wrong with an nginx configuration: who gets in, and who is believed.
 *
 * @module servers/nginx-lint (floor 7.2)
 */
import type { ConfigFinding } from './finding.js'
import { isLoopback, isWeakCiphers, isWeakProtocols } from './lint-words.js'
import { type Directive, everyDirective, inherited, inheritedAll, nginxDirectives, type Scopes } from './nginx-text.js'
import type { ConfigTexts } from './server.js'

/** Includes are not followed: name the files that are included, too. */
export function lintNginx(texts: ConfigTexts): readonly ConfigFinding[] {
  const all = [...texts].flatMap(([file, text]) => nginxDirectives(text, file))
  const bodies = (name: string): readonly Directive[] =>
    all.flatMap((directive) => (directive.name === name ? (directive.block ?? []) : []))
  // Files that are included into http begin with what stands there.
  const http = [...all.filter(({ name }) => !['http', 'stream', 'events', 'mail'].includes(name)), ...bodies('http')]
  const facts: Facts = { identityVariables: identityVariables(http), identityHeaders: new Set() }
  for (const { directive } of everyDirective(http)) {
    const [header = '', value = ''] = directive.words
    if (directive.name === 'proxy_set_header' && mentions(value, facts.identityVariables)) {
      facts.identityHeaders.add(header.toLowerCase())
    }
  }
  return [
    ...serversOf(http).flatMap((server) => lintServer(server, [http], facts)),
    ...serversOf(bodies('stream')).flatMap((server) => lintStream(server, [bodies('stream')])),
  ]
}

interface Facts {
  /** Variables that say who the client is. */
  readonly identityVariables: ReadonlySet<string>
  /** Headers, in lower case, that tell it to backends. */
  readonly identityHeaders: Set<string>
}

const serversOf = (directives: readonly Directive[]): readonly Directive[] =>
  directives.filter(({ name }) => name === 'server')

function identityVariables(http: readonly Directive[]): ReadonlySet<string> {
  const found = new Set<string>(
    ['s_dn', 's_dn_legacy', 'fingerprint', 'serial', 'cert', 'escaped_cert', 'raw_cert', 'i_dn', 'verify'].map(
      (name) => `$ssl_client_${name}`,
    ),
  )
  // Maps of maps, in whatever order they stand.
  for (let known = -1; known < found.size;) {
    known = found.size
    for (const { name, words } of http) {
      const [source = '', target = ''] = words
      if (name === 'map' && mentions(source, found)) found.add(target)
    }
  }
  return found
}

function mentions(text: string, variables: ReadonlySet<string>): boolean {
  return [...text.matchAll(/\$\{?(\w+)\}?/g)].some(([, name]) => variables.has(`$${name ?? ''}`))
}

function lintServer(server: Directive, outer: Scopes, facts: Facts): readonly ConfigFinding[] {
  const body = server.block ?? []
  const scopes = [...outer, body]
  const listens = body.filter(({ name }) => name === 'listen')
  const isTls = listens.some(({ words }) => words.includes('ssl')) || inherited(scopes, 'ssl')?.words[0] === 'on'
  const clear = listens.filter(
    ({ words: [place = '', ...words] }) => !isTls && !words.includes('ssl') && !isLoopback(place),
  )
  return [
    ...clear.map((listen) =>
      at(
        listen,
        'clear-text',
        'hole',
        'it listens without TLS where others can reach it',
        'listen … ssl, or on 127.0.0.1',
      ),
    ),
    ...(isTls ? [...lintHandshake(server, scopes), ...lintAdmission(server, facts)] : []),
    ...[...everyDirective(body, outer)].flatMap(({ directive, scopes: inner }) =>
      directive.name === 'proxy_pass' ? lintHandOn(directive, inner, isTls ? facts : undefined) : [],
    ),
  ]
}

function lintStream(server: Directive, outer: Scopes): readonly ConfigFinding[] {
  const body = server.block ?? []
  const scopes = [...outer, body]
  const listens = body.filter(({ name }) => name === 'listen')
  if (inherited(scopes, 'ssl_preread')?.words[0] === 'on') return []
  if (listens.some(({ words }) => words.includes('ssl'))) return lintHandshake(server, scopes)
  return listens
    .filter(({ words: [place = ''] }) => !isLoopback(place))
    .map((listen) =>
      at(
        listen,
        'clear-text',
        'hole',
        'it hands on without TLS, and without looking for it',
        'listen … ssl, or ssl_preread on',
      ),
    )
}

function lintHandshake(server: Directive, scopes: Scopes): readonly ConfigFinding[] {
  const findings: ConfigFinding[] = []
  const word = (name: string): string => inherited(scopes, name)?.words[0] ?? ''
  const say = (name: string, ...rest: Said): void => void findings.push(at(inherited(scopes, name) ?? server, ...rest))
  const verify = word('ssl_verify_client')
  if (verify === '' || verify === 'off') {
    say(
      'ssl_verify_client',
      'verification-absent',
      'hole',
      'clients are not asked for a certificate',
      'ssl_verify_client on',
    )
  } else if (verify !== 'on' && !refusesUnverified(server.block ?? [])) {
    say(
      'ssl_verify_client',
      'verification-optional',
      'hole',
      `ssl_verify_client ${verify} lets clients in whose certificate is missing or wrong`,
      'ssl_verify_client on, or if ($ssl_client_verify != SUCCESS) { return 403; } in the server',
    )
  }
  if (word('ssl_crl') === '') {
    say('ssl_crl', 'revocation-absent', 'hole', 'revoked certificates are let in', 'ssl_crl with the CRLs of every CA')
  }
  if (word('ssl_session_cache') !== 'off') {
    say('ssl_session_cache', 'resumption', 'hole', RESUMED, 'ssl_session_cache off')
  }
  if (word('ssl_session_tickets') !== 'off') {
    say('ssl_session_tickets', 'resumption', 'hole', RESUMED, 'ssl_session_tickets off')
  }
  const versions = inherited(scopes, 'ssl_protocols')
  if (versions === undefined || isWeakProtocols(versions.words.join(' '))) {
    say(
      'ssl_protocols',
      'weak-protocol',
      'hole',
      'TLS 1.0 and 1.1 are spoken',
      'ssl_protocols TLSv1.3, or TLSv1.2 TLSv1.3',
    )
  }
  if (isWeakCiphers(word('ssl_ciphers'))) {
    say('ssl_ciphers', 'weak-protocol', 'hole', 'weak ciphers are allowed', 'ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20')
  }
  return findings
}

/** SVC-02: seen on nginx 1.22 with a shared cache, in TLS 1.2 and 1.3. */
const RESUMED = 'a session from before a revocation is resumed after it'

/** Whether what is not verified goes no further: said for the whole server, not for some of its locations. */
function refusesUnverified(body: readonly Directive[]): boolean {
  return body.some(
    ({ name, words, block = [] }) =>
      name === 'if' &&
      /^\(\s*\$ssl_client_verify\s*!=\s*["']?SUCCESS["']?\s*\)$/.test(words.join(' ')) &&
      block.some((inner) => inner.name === 'return' && /^4\d\d$/.test(inner.words[0] ?? '')),
  )
}

/** Whether anything but the authority's signature decides, or is told to who decides. */
function lintAdmission(server: Directive, facts: Facts): readonly ConfigFinding[] {
  const others = new Set([...facts.identityVariables].filter((name) => name !== '$ssl_client_verify'))
  for (const { directive } of everyDirective(server.block ?? [])) {
    if (mentions([directive.name, ...directive.words].join(' '), others)) return []
  }
  return [
    at(
      server,
      'anybody-certified',
      'hole',
      'whoever has any certificate of the authority is let in',
      'map $ssl_client_s_dn to who may come in, and return 403 for the rest',
    ),
  ]
}

function lintHandOn(pass: Directive, scopes: Scopes, facts: Facts | undefined): readonly ConfigFinding[] {
  const findings: ConfigFinding[] = []
  const [url = ''] = pass.words
  const [, scheme, host = ''] = /^(https?):\/\/(unix:|\[[^\]]*\]|[^:/]*)/.exec(url) ?? []
  const upstream = scopes[0]?.find(({ name, words }) => name === 'upstream' && words[0] === host)
  const hosts = upstream?.block?.filter(({ name }) => name === 'server').map(({ words: [place = ''] }) => place) ?? [
    host,
  ]
  if (scheme === 'http' && !hosts.every((place) => isLoopback(place))) {
    findings.push(
      at(
        pass,
        'clear-text',
        'hole',
        `what it decrypted goes on to ${host} in the clear`,
        'proxy_pass https://…, or to this machine',
      ),
    )
  }
  if (scheme === 'https') {
    const verify = inherited(scopes, 'proxy_ssl_verify')
    const name = inherited(scopes, 'proxy_ssl_name')
    if (verify?.words[0] !== 'on') {
      findings.push(
        at(verify ?? pass, 'verification-absent', 'hole', 'any server may be the backend', 'proxy_ssl_verify on'),
      )
    } else if (/\$(?:host|http_)/.test(name?.words[0] ?? '')) {
      findings.push(
        at(
          name ?? pass,
          'host-unchecked',
          'hole',
          'the client chooses which name the backend must have',
          'proxy_ssl_name NAME',
        ),
      )
    }
  }
  if (facts !== undefined) findings.push(...lintHeaders(pass, scopes, facts))
  return findings
}

/** SVC-03. A location with any proxy_set_header inherits none of those around it. */
function lintHeaders(pass: Directive, scopes: Scopes, { identityHeaders }: Facts): readonly ConfigFinding[] {
  const set = inheritedAll(scopes, 'proxy_set_header')
  const names = new Set(set.map(({ words: [header = ''] }) => header.toLowerCase()))
  const missing = [...identityHeaders].filter((header) => !names.has(header))
  return [
    ...missing.map((header) =>
      at(
        pass,
        'header-spoofing',
        'hole',
        `${header} is passed on as the client sends it`,
        'set it in this location, too: one proxy_set_header there, and none is inherited',
      ),
    ),
    ...set
      .filter(({ words: [header = '', value = ''] }) => IDENTITY.test(header) && /\$http_/.test(value))
      .map((directive) =>
        at(directive, 'header-spoofing', 'hole', 'its value is what the client sends', 'set it from the certificate'),
      ),
  ]
}

const IDENTITY = /identity|entity|client-?(?:cert|dn|cn|verify)|ssl|user|roles?/i

type Said = readonly [ConfigFinding['code'], ConfigFinding['severity'], string, string]

function at({ file, line }: Directive, ...[code, severity, message, hint]: Said): ConfigFinding {
  return { code, severity, file, line, message, hint }
}
