/**
 * What is wrong with a server in JavaScript. Words are looked for, not understood: what is put together at run time is not
 * seen.
 *
 * @module servers/node-lint (floor 7.2)
 */
import type { ConfigFinding } from './finding.js'
import { isTextForNo, isWeakCiphers, isWeakProtocols } from './lint-words.js'
import type { ConfigTexts } from './server.js'

interface Pattern {
  readonly pattern: RegExp
  readonly code: ConfigFinding['code']
  readonly message: string
  readonly hint: string
}

/** What is wrong wherever it stands. */
const PATTERNS: readonly Pattern[] = [
  {
    pattern: /\brejectUnauthorized\s*:\s*(?:false|0|null|undefined)\b/g,
    code: 'verification-optional',
    message: 'who is not believed is let in',
    hint: 'leave rejectUnauthorized out, or look at socket.authorized before anything else',
  },
  {
    pattern: /\brequestCert\s*:\s*(?:false|0|null|undefined)\b/g,
    code: 'verification-absent',
    message: 'clients are not asked for a certificate',
    hint: 'requestCert: true',
  },
  {
    pattern: /NODE_TLS_REJECT_UNAUTHORIZED/g,
    code: 'verification-absent',
    message: 'the whole process stops verifying',
    hint: 'name the CA with ca instead',
  },
  {
    pattern: /\bcheckServerIdentity\s*:\s*(?:\([^)]*\)|\w+)\s*=>\s*(?:undefined|null|true|void 0|\{\s*\})/g,
    code: 'host-unchecked',
    message: 'whoever has any certificate of the CA may answer',
    hint: 'leave checkServerIdentity out',
  },
  {
    pattern: /\ballow\s*:\s*['"`]allow-any-identified['"`]/g,
    code: 'anybody-certified',
    message: 'whoever has any certificate of the authority is let in',
    hint: 'allow: { roles: […] }, or entities or uris',
  },
]

const SWITCH =
  /\b(rejectUnauthorized|requestCert|insecure|honorCipherOrder|verify|strictSSL|tls)\b['"]?\s*:\s*['"`]([A-Za-z0-9]+)['"`]/g
const HEADER = /\bheaders\s*(?:\.\s*|\[\s*['"`])(x[-_](?:signet|client|ssl|forwarded[-_]client|user|identity)[\w-]*)/gi
const SECURE = /\b(?:createMutual(?:Https|Tls)Server)\b/
const PLAIN = /\b(?:https|tls)\s*\.\s*createServer|\bcreateSecureServer\b/g

/** Each file by itself. */
export function lintNode(texts: ConfigTexts): readonly ConfigFinding[] {
  return [...texts].flatMap(([file, content]) => lintText(withoutComments(content), file))
}

function lintText(text: string, file: string): readonly ConfigFinding[] {
  const findings: ConfigFinding[] = []
  const say = (index: number, code: ConfigFinding['code'], message: string, hint: string): void => {
    const line = text.slice(0, index).split('\n').length
    findings.push({ code, severity: 'hole', file, line, message, hint })
  }
  for (const { pattern, code, message, hint } of PATTERNS) {
    for (const { index } of text.matchAll(pattern)) say(index, code, message, hint)
  }
  for (const { index, 1: name = '', 2: word = '' } of text.matchAll(SWITCH)) {
    if (isTextForNo(word))
      say(index, 'string-boolean', `${name}: '${word}' counts as yes`, `${name}: false, without quotes`)
  }
  for (const { index, 1: version = '' } of text.matchAll(/\b(?:minVersion|secureProtocol)\s*:\s*['"`]([\w.]+)['"`]/g)) {
    if (isWeakProtocols(version.replace(/_(?:server_|client_)?method$/, ''))) {
      say(index, 'weak-protocol', `${version} is spoken`, "minVersion: 'TLSv1.3'")
    }
  }
  for (const { index, 1: list = '' } of text.matchAll(/\bciphers\s*:\s*['"`]([^'"`]+)['"`]/g)) {
    if (isWeakCiphers(list)) say(index, 'weak-protocol', 'weak ciphers are allowed', 'leave ciphers out')
  }
  for (const { index } of text.matchAll(PLAIN)) {
    lintPlainServer(text.slice(index), (...said) => {
      say(index, ...said)
    })
  }
  const isServer = SECURE.test(text) || text.search(PLAIN) !== -1
  if (isServer) {
    for (const { index, 1: header = '' } of text.matchAll(HEADER)) {
      if (/^\s*['"`]?\]?\s*=(?!=)/.test(text.slice(index).replace(HEADER, ''))) continue
      say(index, 'header-spoofing', `${header} says what the client likes`, 'ask peerOf(request.socket)')
    }
  }
  for (const { index, 0: call } of text.matchAll(/\bcreateServer\([^]*?\.listen\(([^)]*)\)/g)) {
    const isTls = /(?:https|tls)\s*\.\s*$/.test(text.slice(0, index)) || isServer
    if (!isTls && !/127\.0\.0\.1|::1|localhost|\/run\/|\.sock/.test(call)) {
      say(index, 'clear-text', 'it listens without TLS where others can reach it', "listen(port, '127.0.0.1')")
    }
  }
  return findings
}

/** What `https.createServer` must be told, and `signet-pki/tls` does by itself. */
function lintPlainServer(
  rest: string,
  say: (code: ConfigFinding['code'], message: string, hint: string) => void,
): void {
  const options = /\([^]*?\{([^]*?)\}/.exec(rest)?.[1] ?? ''
  if (!/\brequestCert\b/.test(options)) {
    say('verification-absent', 'clients are not asked for a certificate', 'requestCert: true, or signet-pki/tls')
    return
  }
  if (!/\bcrl\b/.test(options)) {
    say('revocation-absent', 'revoked certificates are let in', 'crl with one PEM for each CA, or signet-pki/tls')
  }
  if (!/getPeer(?:X509)?Certificate|peerOf/.test(rest)) {
    say('anybody-certified', 'whoever has any certificate of the authority is let in', 'ask who it is: signet-pki/tls')
  }
}

function withoutComments(text: string): string {
  const blank = (found: string): string => found.replaceAll(/[^\n]/g, ' ')
  return text.replaceAll(/\/\*[^]*?\*\/|(?<![:'"`])\/\/.*/g, blank)
}
