/**
 * What is wrong with an HAProxy configuration: who gets in, and who is believed.
 *
 * @module servers/haproxy-lint (floor 7.2)
 */
import type { ConfigFinding } from './finding.js'
import { isLoopback, isWeakCiphers, isWeakProtocols } from './lint-words.js'
import type { ConfigTexts } from './server.js'

interface Line {
  readonly file: string
  readonly line: number
  readonly words: readonly string[]
}

interface Section {
  readonly kind: string
  readonly lines: readonly Line[]
  /** Its mode, or that of the defaults before it. */
  readonly mode: string
}

/** All files together are one configuration, as with several `-f`. */
export function lintHaproxy(texts: ConfigTexts): readonly ConfigFinding[] {
  const sections = sectionsOf([...texts].flatMap(([file, text]) => linesOf(text, file)))
  const global = sections.filter(({ kind }) => kind === 'global').flatMap(({ lines }) => lines)
  return sections.flatMap((section) => {
    if (!['frontend', 'listen', 'backend'].includes(section.kind)) return []
    const binds = section.lines.filter(({ words }) => words[0] === 'bind')
    const isOpened = binds.some(({ words }) => words.includes('ssl'))
    return [
      ...binds.flatMap((bind) => lintBind(bind, section, global)),
      ...(isOpened ? [...lintAdmission(section, binds), ...lintHeaders(section)] : []),
      ...section.lines
        .filter(({ words }) => words[0] === 'server' || words[0] === 'default-server')
        .flatMap((server) => lintBackend(server, section, defaultServer(section))),
    ]
  })
}

function linesOf(text: string, file: string): readonly Line[] {
  return text.split('\n').flatMap((content, index) => {
    const words = [...content.matchAll(/#.*|"((?:\\.|[^"\\])*)"|'([^']*)'|((?:\\.|[^\s\\"'#])+)/g)]
      .filter(([token]) => !token.startsWith('#'))
      .map(([token, double, single]) => double ?? single ?? token)
    return words.length === 0 ? [] : [{ file, line: index + 1, words }]
  })
}

const SECTIONS =
  /^(?:global|defaults|frontend|backend|listen|userlist|peers|resolvers|mailers|cache|program|ring|http-errors)$/

function sectionsOf(lines: readonly Line[]): readonly Section[] {
  const found: { kind: string; lines: Line[]; mode: string }[] = []
  let usual = 'tcp'
  for (const line of lines) {
    const [word = ''] = line.words
    if (SECTIONS.test(word)) found.push({ kind: word, lines: [], mode: usual })
    const section = found.at(-1)
    if (section === undefined) continue
    section.lines.push(line)
    if (word !== 'mode') continue
    section.mode = line.words[1] ?? ''
    if (section.kind === 'defaults') usual = section.mode
  }
  return found
}

function lintBind(bind: Line, section: Section, global: readonly Line[]): readonly ConfigFinding[] {
  const [, place = ''] = bind.words
  if (!bind.words.includes('ssl')) {
    const looks = section.lines.some(({ words }) => /req\.ssl_|req_ssl_/.test(words.join(' ')))
    return isLoopback(place) || (section.mode === 'tcp' && looks)
      ? []
      : [
          at(
            bind,
            'clear-text',
            'hole',
            'it listens without TLS where others can reach it',
            'bind … ssl, or on 127.0.0.1',
          ),
        ]
  }
  const findings: ConfigFinding[] = []
  const say = (...said: Said): void => void findings.push(at(bind, ...said))
  const usual = global.filter(({ words }) => words[0] === 'ssl-default-bind-options').flatMap(({ words }) => words)
  const options = [...usual, ...bind.words]
  const verify = after(bind.words, 'verify')
  if (verify === undefined || verify === 'none') {
    say('verification-absent', 'hole', 'clients are not asked for a certificate', 'verify required')
  } else if (verify !== 'required') {
    say('verification-optional', 'hole', 'clients without a certificate are let in', 'verify required')
  }
  for (const word of ['crt-ignore-err', 'ca-ignore-err']) {
    if (bind.words.includes(word)) {
      say('verification-optional', 'hole', `${word} lets certificates in that are wrong`, `leave ${word} out`)
    }
  }
  if (!bind.words.includes('crl-file')) {
    say('revocation-absent', 'hole', 'revoked certificates are let in', 'crl-file with the CRLs of every CA')
  }
  if (!options.includes('no-tls-tickets')) {
    say('resumption', 'hole', RESUMED, 'no-tls-tickets, here or in ssl-default-bind-options')
  }
  if (!global.some(({ words }) => words[0] === 'tune.ssl.cachesize' && words[1] === '0')) {
    say('resumption', 'hole', RESUMED, 'tune.ssl.cachesize 0 in global')
  }
  const least = after(bind.words, 'ssl-min-ver') ?? after(usual, 'ssl-min-ver')
  const forced = options.find((word) => /^force-(?:sslv3|tlsv1[01])$/.test(word))
  if (forced !== undefined || (least !== undefined && isWeakProtocols(least))) {
    say('weak-protocol', 'hole', 'TLS 1.0 or 1.1 is spoken', 'ssl-min-ver TLSv1.3, or TLSv1.2')
  }
  const ciphers =
    after(bind.words, 'ciphers') ?? global.find(({ words }) => words[0] === 'ssl-default-bind-ciphers')?.words[1]
  if (isWeakCiphers(ciphers ?? '')) {
    say('weak-protocol', 'hole', 'weak ciphers are allowed', 'ciphers ECDHE+AESGCM:ECDHE+CHACHA20')
  }
  return findings
}

/** SVC-02: seen on HAProxy 2.6 after a CRL was committed by the stats socket. */
const RESUMED = 'a session from before a revocation is resumed after it'

/** What HAProxy knows of the client's certificate, except whether it has one. */
const IDENTITY = /ssl_c_(?:s_dn|i_dn|der|sha1|serial|key_alg)|ssl_fc_has_crt_identity/
const COPIED = /req\.(?:f?hdr)|hdr\(/

function lintAdmission({ lines }: Section, binds: readonly Line[]): readonly ConfigFinding[] {
  if (lines.some(({ words }) => IDENTITY.test(words.join(' ')))) return []
  return binds
    .filter(({ words }) => words.includes('ssl'))
    .map((bind) =>
      at(
        bind,
        'anybody-certified',
        'hole',
        'whoever has any certificate of the authority is let in',
        'look ssl_c_s_dn up in a map of who may come in, and deny the rest',
      ),
    )
}

/** SVC-03. Rules are asked in their order. */
function lintHeaders({ lines }: Section): readonly ConfigFinding[] {
  const findings: ConfigFinding[] = []
  const variables = new Set<string>()
  const deleted: string[] = []
  for (const line of lines) {
    const [kind, action = '', header = '', ...rest] = line.words
    if (kind !== 'http-request') continue
    const value = rest.join(' ')
    const isIdentity = (text: string): boolean =>
      IDENTITY.test(text) || [...variables].some((name) => text.includes(`var(${name})`))
    const [, variable] = /^set-var\(([^,)]+)/.exec(action) ?? []
    if (variable !== undefined && isIdentity(`${header} ${value}`)) variables.add(variable)
    if (action === 'del-header') deleted.push(header.toLowerCase())
    if (!['set-header', 'add-header'].includes(action)) continue
    const isGone = deleted.some((name) => covers(name, header.toLowerCase()))
    if (isIdentity(value) && !isGone && (action === 'add-header' || / (?:if|unless) /.test(` ${value} `))) {
      findings.push(
        at(
          line,
          'header-spoofing',
          'hole',
          `${header} is passed on as the client sends it, ${action === 'add-header' ? 'beside the true one' : 'where the condition does not hold'}`,
          `http-request del-header ${header} before it, or set-header without a condition`,
        ),
      )
    }
    if (/identity|entity|client|ssl|user|role/i.test(header) && COPIED.test(value)) {
      findings.push(
        at(line, 'header-spoofing', 'hole', 'its value is what the client sends', 'set it from the certificate'),
      )
    }
  }
  return findings
}

function covers(deleted: string, header: string): boolean {
  const text = deleted.replace(/^\^/, '').replaceAll('[-_]', '-')
  return header.startsWith(text)
}

function lintBackend(server: Line, section: Section, usual: readonly string[]): readonly ConfigFinding[] {
  if (server.words[0] === 'default-server') return []
  const [, , place = ''] = server.words
  const words = [...usual, ...server.words.slice(3)]
  if (!words.includes('ssl')) {
    return section.mode === 'tcp' || isLoopback(place)
      ? []
      : [
          at(
            server,
            'clear-text',
            'hole',
            `what it decrypted goes on to ${place} in the clear`,
            'ssl verify required, or to this machine',
          ),
        ]
  }
  if (after(words, 'verify') !== 'required') {
    return [at(server, 'verification-absent', 'hole', 'any server may be the backend', 'verify required')]
  }
  return words.includes('verifyhost') || words.includes('sni')
    ? []
    : [
        at(
          server,
          'host-unchecked',
          'hole',
          'whoever has any certificate of the CA may be the backend',
          'verifyhost NAME',
        ),
      ]
}

function defaultServer({ lines }: Section): readonly string[] {
  return lines.filter(({ words }) => words[0] === 'default-server').flatMap(({ words }) => words.slice(1))
}

function after(words: readonly string[], word: string): string | undefined {
  const index = words.lastIndexOf(word)
  return index === -1 ? undefined : words[index + 1]
}

type Said = readonly [ConfigFinding['code'], ConfigFinding['severity'], string, string]

function at({ file, line }: Line, ...[code, severity, message, hint]: Said): ConfigFinding {
  return { code, severity, file, line, message, hint }
}
