/**
 * What is wrong with an Envoy configuration: who gets in, and who is believed.
 *
 * @module servers/envoy-lint (floor 7.2)
 */
import type { JsonValue } from '../json/index.js'
import { parseYaml } from '../yaml/index.js'
import type { ConfigFinding } from './finding.js'
import { isLoopback, isWeakCiphers, isWeakProtocols } from './lint-words.js'
import type { ConfigTexts } from './server.js'

type Members = { readonly [name: string]: JsonValue }

/**
 * All files together: what a context does not say itself, a secret of one of the others may.
 *
 * @throws {@link EncodingError} `ERR_YAML_MALFORMED`
 */
export function lintEnvoy(texts: ConfigTexts): readonly ConfigFinding[] {
  const documents = [...texts].map(([file, text]) => ({ file, text, value: parseYaml(text, file) }))
  const secrets = new Map<JsonValue | undefined, Members>()
  for (const { value } of documents) {
    for (const members of everyObject(value)) if (isType(members, 'Secret')) secrets.set(members['name'], members)
  }
  return documents.flatMap(({ file, text, value }) => {
    const findings: ConfigFinding[] = []
    const say: Say = (word, code, severity, message, hint) => {
      const index = text.indexOf(word)
      const line = index === -1 ? {} : { line: text.slice(0, index).split('\n').length }
      findings.push({ code, severity, file, ...line, message, hint })
    }
    for (const members of everyObject(value)) {
      if (isType(members, 'DownstreamTlsContext')) lintDownstream(members, secrets, say)
      if (isType(members, 'UpstreamTlsContext')) lintUpstream(members, secrets, say)
      if (isType(members, 'HttpConnectionManager')) lintForwarding(members, say)
      if (Array.isArray(members['filter_chains'])) lintListener(members, say)
      lintParameters(members, say)
    }
    return findings
  })
}

type Say = (word: string, ...said: readonly [ConfigFinding['code'], ConfigFinding['severity'], string, string]) => void

function lintDownstream(context: Members, secrets: ReadonlyMap<JsonValue | undefined, Members>, say: Say): void {
  const wanted = context['require_client_certificate']
  if (typeof wanted === 'string') {
    say('require_client_certificate', 'string-boolean', 'hole', `${wanted} in quotes is a text`, 'true, without quotes')
  } else if (wanted !== true) {
    const message = 'clients need not show a certificate'
    say('require_client_certificate', 'verification-optional', 'hole', message, 'require_client_certificate: true')
  }
  const rules = validation(context, secrets)
  if (rules === undefined || rules['trusted_ca'] === undefined) {
    say(
      'DownstreamTlsContext',
      'verification-absent',
      'hole',
      'any certificate is good enough',
      'validation_context with trusted_ca',
    )
    return
  }
  lintRules(rules, say)
  if (!isMatched(rules)) {
    const message = 'whoever has any certificate of the authority is let in'
    say(
      'DownstreamTlsContext',
      'anybody-certified',
      'hole',
      message,
      'match_typed_subject_alt_names with who may come in',
    )
  }
  for (const word of ['disable_stateless_session_resumption', 'disable_stateful_session_resumption']) {
    if (context[word] !== true) {
      say(
        'DownstreamTlsContext',
        'resumption',
        'hole',
        'a session outlives the revocation of its owner',
        `${word}: true`,
      )
    }
  }
}

function lintUpstream(context: Members, secrets: ReadonlyMap<JsonValue | undefined, Members>, say: Say): void {
  const rules = validation(context, secrets)
  if (rules === undefined || rules['trusted_ca'] === undefined) {
    say(
      'UpstreamTlsContext',
      'verification-absent',
      'hole',
      'any server may be the backend',
      'validation_context with trusted_ca',
    )
    return
  }
  lintRules(rules, say)
  if (!isMatched(rules)) {
    const message = 'whoever has any certificate of the CA may be the backend'
    say('UpstreamTlsContext', 'host-unchecked', 'hole', message, 'match_typed_subject_alt_names with its name')
  }
}

function lintRules(rules: Members, say: Say): void {
  if (rules['crl'] === undefined) {
    say('trusted_ca', 'revocation-absent', 'hole', 'revoked certificates are let in', 'crl with the CRLs of every CA')
  }
  if (rules['only_verify_leaf_cert_crl'] === true) {
    say('only_verify_leaf_cert_crl', 'revocation-absent', 'note', 'a revoked CA is believed', 'leave it out')
  }
  if (rules['trust_chain_verification'] === 'ACCEPT_UNTRUSTED') {
    say('trust_chain_verification', 'verification-optional', 'hole', 'who is not believed is let in', 'leave it out')
  }
  if (rules['allow_expired_certificate'] === true) {
    say('allow_expired_certificate', 'verification-optional', 'hole', 'who has expired is let in', 'leave it out')
  }
}

function lintForwarding(manager: Members, say: Say): void {
  const how = manager['forward_client_cert_details']
  if (typeof how === 'string' && /^(?:FORWARD_ONLY|APPEND_FORWARD|ALWAYS_FORWARD_ONLY)$/.test(how)) {
    const message = 'x-forwarded-client-cert is passed on as the client sends it'
    say('forward_client_cert_details', 'header-spoofing', 'hole', message, 'SANITIZE_SET, or SANITIZE')
  }
}

function lintListener(listener: Members, say: Say): void {
  const address = socketAddress(listener)
  if (address === undefined || isLoopback(address)) return
  const isInspected = JSON.stringify(listener['listener_filters'] ?? []).includes('TlsInspector')
  for (const chain of items(listener['filter_chains'])) {
    if (!isMembers(chain) || chain['transport_socket'] !== undefined) continue
    const match = chain['filter_chain_match']
    if (
      isInspected &&
      isMembers(match) &&
      (match['server_names'] !== undefined || match['transport_protocol'] === 'tls')
    )
      continue
    say(address, 'clear-text', 'hole', `it listens without TLS at ${address}`, 'transport_socket, or address 127.0.0.1')
  }
}

function lintParameters(members: Members, say: Say): void {
  const version = members['tls_minimum_protocol_version']
  if (typeof version === 'string' && isWeakProtocols(version)) {
    say('tls_minimum_protocol_version', 'weak-protocol', 'hole', `${version} is spoken`, 'TLSv1_3, or TLSv1_2')
  }
  const suites = members['cipher_suites']
  if (Array.isArray(suites) && isWeakCiphers(suites.join(' '))) {
    say('cipher_suites', 'weak-protocol', 'hole', 'weak ciphers are allowed', 'leave cipher_suites out')
  }
}

function socketAddress({ address }: Members): string | undefined {
  const socket = isMembers(address) ? address['socket_address'] : undefined
  const text = isMembers(socket) ? socket['address'] : undefined
  return typeof text === 'string' ? text : undefined
}

/** The rules by which a context judges, its own or those of a secret. */
function validation(context: Members, secrets: ReadonlyMap<JsonValue | undefined, Members>): Members | undefined {
  const common = context['common_tls_context']
  if (!isMembers(common)) return undefined
  const combined = common['combined_validation_context']
  const named =
    common['validation_context_sds_secret_config'] ??
    (isMembers(combined) ? combined['validation_context_sds_secret_config'] : undefined)
  const secret = isMembers(named) ? secrets.get(named['name'])?.['validation_context'] : undefined
  const own = common['validation_context'] ?? (isMembers(combined) ? combined['default_validation_context'] : undefined)
  if (!isMembers(secret) && !isMembers(own)) return undefined
  return { ...(isMembers(own) ? own : {}), ...(isMembers(secret) ? secret : {}) }
}

function isMatched(rules: Members): boolean {
  const names = [
    'match_typed_subject_alt_names',
    'match_subject_alt_names',
    'verify_certificate_spki',
    'verify_certificate_hash',
  ]
  return names.some((name) => items(rules[name]).length > 0)
}

function* everyObject(value: JsonValue): Generator<Members> {
  for (const item of items(value)) yield* everyObject(item)
  if (isMembers(value)) {
    yield value
    for (const member of Object.values(value)) yield* everyObject(member)
  }
}

function isType(members: Members, name: string): boolean {
  const type = members['@type']
  return typeof type === 'string' && type.endsWith(`.${name}`)
}

function items(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]) : []
}

function isMembers(value: JsonValue | undefined): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
