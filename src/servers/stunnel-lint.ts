/**
 * What is wrong with a stunnel configuration: who gets in, and who is believed.
 *
 * @module servers/stunnel-lint (floor 7.2)
 */
import type { ConfigFinding } from './finding.js'
import { isLoopback, isWeakCiphers, isWeakProtocols } from './lint-words.js'
import type { ConfigTexts } from './server.js'

interface Option {
  readonly file: string
  readonly line: number
  readonly name: string
  readonly value: string
}

interface Service {
  readonly heading: Option
  /** Those of the file first: a service has them, too, until it says otherwise. */
  readonly options: readonly Option[]
}

/** Each file by itself. */
export function lintStunnel(texts: ConfigTexts): readonly ConfigFinding[] {
  return [...texts].flatMap(([file, text]) => servicesOf(text, file).flatMap(lintService))
}

function servicesOf(text: string, file: string): readonly Service[] {
  const common: Option[] = []
  const services: { heading: Option; options: Option[] }[] = []
  for (const [index, content] of text.split('\n').entries()) {
    const line = index + 1
    const [, heading] = /^\s*\[([^\]]*)\]/.exec(content) ?? []
    if (heading !== undefined)
      services.push({ heading: { file, line, name: heading, value: '' }, options: [...common] })
    const [, name, value = ''] = /^\s*([A-Za-z]+)\s*=\s*(.*?)\s*$/.exec(content) ?? []
    if (name !== undefined) (services.at(-1)?.options ?? common).push({ file, line, name: name.toLowerCase(), value })
  }
  return services
}

function lintService({ heading, options }: Service): readonly ConfigFinding[] {
  const findings: ConfigFinding[] = []
  const last = (name: string): Option | undefined => options.findLast((option) => option.name === name)
  const isYes = (name: string): boolean => /^yes$/i.test(last(name)?.value ?? '')
  const say = (name: string, ...[code, severity, message, hint]: Said): void => {
    const { file, line } = last(name) ?? heading
    findings.push({ code, severity, file, line, message, hint })
  }
  const isClient = isYes('client')
  const level = Number(last('verify')?.value ?? 0)
  const verifies = isYes('verifychain') || isYes('verifypeer') || level >= 2
  const named = ['checkhost', 'checkemail', 'checkip'].some((name) => last(name) !== undefined) || isYes('verifypeer')
  if (!verifies) {
    const message = isClient ? 'any server may answer' : 'clients are not asked for a certificate that is believed'
    say(level > 0 ? 'verify' : 'verifychain', 'verification-absent', 'hole', message, 'verifyChain = yes')
  } else if (!isClient && !isYes('requirecert') && level < 2) {
    say('requirecert', 'verification-optional', 'hole', 'a client without a certificate is let in', 'requireCert = yes')
  }
  if (verifies && !named) {
    if (isClient) {
      say('checkhost', 'host-unchecked', 'hole', 'whoever has any certificate of the CA may answer', 'checkHost = NAME')
    } else {
      const message = 'whoever has any certificate of the authority is let in'
      say('checkhost', 'anybody-certified', 'hole', message, 'checkHost = NAME, for each that may come in')
    }
  }
  if (verifies && last('crlfile') === undefined && last('crlpath') === undefined) {
    say('crlfile', 'revocation-absent', 'hole', 'revoked certificates are let in', 'CRLfile with the CRLs of every CA')
  }
  if (!isClient && last('sessionresume')?.value !== 'no') {
    say('sessionresume', 'resumption', 'note', 'sessions are resumed until the next reload', 'sessionResume = no')
  }
  const versions = [last('sslversion'), last('sslversionmin')].find((option) => isWeakProtocols(option?.value ?? ''))
  if (versions !== undefined)
    say(versions.name, 'weak-protocol', 'hole', 'TLS 1.0 or 1.1 is spoken', 'sslVersionMin = TLSv1.3')
  if (isWeakCiphers(last('ciphers')?.value ?? '')) {
    say('ciphers', 'weak-protocol', 'hole', 'weak ciphers are allowed', 'ciphers = ECDHE+AESGCM:ECDHE+CHACHA20')
  }
  const clear = last(isClient ? 'accept' : 'connect')
  // A port without a host is one of every address where it listens, and of this machine where it connects.
  const isNear = clear === undefined || isLoopback(clear.value) || (!isClient && /^\d+$/.test(clear.value))
  if (!isNear) {
    const message = isClient
      ? 'it listens without TLS where others can reach it'
      : `what it decrypted goes on to ${clear.value} in the clear`
    say(clear.name, 'clear-text', 'hole', message, `${clear.name} = 127.0.0.1:PORT`)
  }
  return findings
}

type Said = readonly [ConfigFinding['code'], ConfigFinding['severity'], string, string]
