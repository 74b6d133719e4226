/**
 * What is wrong with the TLS options of clients, whatever program they are for: names and values, in INI, YAML, JSON or
 * environment files. Words are looked for, not understood.
 *
 * @module servers/client-lint (floor 7.2)
 */
import type { ConfigFinding } from './finding.js'
import { isLoopback, isTextForNo, isWeakProtocols } from './lint-words.js'
import type { ConfigTexts } from './server.js'

interface Setting {
  readonly file: string
  readonly line: number
  /** In lower case, without what separates words: `ca_file` is `cafile`. */
  readonly name: string
  readonly value: string
  /** Whether the value stands in quotes, and so is a text where texts differ from words. */
  readonly isQuoted: boolean
}

/** Names that say yes to a hole. */
const INSECURE = /^(?:.*insecure|.*skip(?:tls)?verify|.*trustall|.*acceptinvalidcerts|.*noverify)$/
/** Names that say no to verification. */
const VERIFY =
  /^(?:verify|sslverify|verifyssl|tlsverify|verifytls|verifycerts?|sslverifycert|rejectunauthorized|verifypeer)$/
const HOST =
  /^(?:checkhostname|verifyhostname|sslcheckhostname|sslverifyhost|asserthostname|sslasserthostname|hostnameverification)$/
const AUTHORITY =
  /^(?:.*(?:cafile|cacerts?|cabundle|capath|caroot|rootca|rootcert|truststore.*)|(?:ssl|tls)?ca|verify)$/
/** A client that shows a certificate speaks TLS with somebody of the deployment. */
const SHOWN = /^(?:.*(?:certfile|clientcert|certificate|keyfile|clientkey|keystore.*)|(?:ssl|tls)?(?:cert|key))$/
const CLEAR = /\b(?:http|amqp|redis|mysql|ldap|mqtt|ws|nats|etcd):\/\/(?:[^/\s@"']*@)?(\[[^\]]*\]|[^/\s:"',]+)/g

/**
 * Find holes in the options of clients: `insecure`, no CA, no comparison of names, texts for no, clear text.
 *
 * @see CVE-2014-7144: `insecure = "false"` counted as yes
 */
export function lintClient(texts: ConfigTexts): readonly ConfigFinding[] {
  return [...texts].flatMap(([file, text]) => {
    const sections = sectionsOf(text, file)
    return [...sections.flat().flatMap(lintSetting), ...sections.flatMap(lintAuthority), ...lintAddresses(text, file)]
  })
}

function sectionsOf(text: string, file: string): readonly (readonly Setting[])[] {
  const sections: Setting[][] = [[]]
  for (const [index, content] of text.split('\n').entries()) {
    if (/^\s*\[.*\]\s*$|^---\s*$/.test(content)) sections.push([])
    // JSON may have several on one line.
    for (const [, written = '', double, single, plain = ''] of content.matchAll(
      /(?<=^|[\s{,])(?:-\s+|export\s+)?["']?([A-Za-z][\w.-]*)["']?\s*[:=]\s*(?:"([^"]*)"|'([^']*)'|([^\s,;#}"'][^,;#}]*?)(?=\s*(?:[,;#}]|$)))/g,
    )) {
      if (/^\s*[#;]/.test(content)) continue
      const name = written.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
      const isQuoted = double !== undefined || single !== undefined
      sections.at(-1)?.push({ file, line: index + 1, name, value: double ?? single ?? plain, isQuoted })
    }
  }
  return sections
}

function lintSetting(setting: Setting): readonly ConfigFinding[] {
  const { name, value, isQuoted } = setting
  const isNo = isTextForNo(value)
  if (isQuoted && isNo && [INSECURE, VERIFY, HOST].some((names) => names.test(name))) {
    return [at(setting, 'string-boolean', `"${value}" is a text, and texts count as yes`, `${value}, without quotes`)]
  }
  if (INSECURE.test(name) && !isNo) {
    return [at(setting, 'verification-absent', 'any server is believed', `leave ${name} out, and name the CA`)]
  }
  if (VERIFY.test(name) && isNo) {
    return [at(setting, 'verification-absent', 'any server is believed', `leave ${name} out, and name the CA`)]
  }
  if (HOST.test(name) && isNo) {
    return [at(setting, 'host-unchecked', 'whoever has any certificate of the CA may answer', `leave ${name} out`)]
  }
  if (name === 'sslmode' && value !== 'verify-full') {
    return value === 'verify-ca'
      ? [at(setting, 'host-unchecked', 'whoever has any certificate of the CA may answer', 'sslmode=verify-full')]
      : [at(setting, 'verification-absent', `with sslmode ${value} any server is believed`, 'sslmode=verify-full')]
  }
  if (/minversion|minprotocol|sslversion|tlsversion/.test(name) && isWeakProtocols(value)) {
    return [at(setting, 'weak-protocol', `${value} is spoken`, 'TLSv1.3, or TLSv1.2')]
  }
  return []
}

function lintAuthority(settings: readonly Setting[]): readonly ConfigFinding[] {
  const shown = settings.find(({ name }) => SHOWN.test(name))
  if (shown === undefined || settings.some(({ name, value }) => AUTHORITY.test(name) && /[/.\\]/.test(value))) return []
  const message = 'no CA is named: whoever the operating system believes may answer'
  return [at(shown, 'verification-absent', message, "name ca-bundle.pem of the client's credential")]
}

function lintAddresses(text: string, file: string): readonly ConfigFinding[] {
  return text.split('\n').flatMap((content, index) => {
    if (/^\s*[#;]/.test(content)) return []
    return [...content.matchAll(CLEAR)]
      .filter(([, host = '']) => !isLoopback(host))
      .map(([url, host = '']) =>
        at(
          { file, line: index + 1 },
          'clear-text',
          `it talks to ${host} in the clear`,
          `${url.replace(/:.*/, 's')}://`,
        ),
      )
  })
}

function at(
  { file, line }: Pick<Setting, 'file' | 'line'>,
  code: ConfigFinding['code'],
  message: string,
  hint: string,
): ConfigFinding {
  return { code, severity: 'hole', file, line, message, hint }
}
