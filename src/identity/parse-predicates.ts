/**
 * From `when` of a rule to its predicates.
 *
 * @module identity/parse-predicates (floor 5)
 */
import { UsageError } from '../errors/index.js'
import { requireKeys } from '../json/index.js'
import { attributeType, formatIpAddress, parseFingerprint, parseIpAddress } from '../x509/index.js'
import { ATTRIBUTE_SYNTAX, FORMS, MAX_LIST, MAX_TEXT, NAME_SYNTAX, type NameKind, PURPOSE_OIDS } from './name-syntax.js'
import { Pattern } from './pattern.js'
import { type AddressRange, captureNamesOf, type Predicate, type RdnPattern } from './predicate.js'

/** The keys of `when`. */
export const PREDICATE_NAMES = [
  'issuerKey',
  'uri',
  'dns',
  'email',
  'ip',
  'upn',
  'kerberos',
  'subject',
  'subjectIs',
  'extKeyUsage',
  'policies',
] as const

/** Those of which a rule has at least one. */
export const NAME_PREDICATES = ['uri', 'dns', 'email', 'ip', 'upn', 'kerberos', 'subject', 'subjectIs'] as const

/**
 * Parse `when`.
 *
 * @throws {@link UsageError} `ERR_MAPPING_INVALID`, or another {@link SignetError} for what lower floors parse
 */
export function parsePredicates(value: unknown, rule: string): readonly Predicate[] {
  const [issuerKey, ...others] = PREDICATE_NAMES
  const when = requireKeys(value, [issuerKey, ...others.map((name) => `${name}?`)], `"when" of the rule ${rule}`)
  if (NAME_PREDICATES.every((name) => when[name] === undefined)) {
    throw invalidRule(rule, 'says nothing about a name')
  }
  // What is exact about the whole subject leaves nothing for a second predicate on it to say.
  if (when['subject'] !== undefined && when['subjectIs'] !== undefined) {
    throw invalidRule(rule, 'has both subject and subjectIs')
  }
  const predicates = PREDICATE_NAMES.flatMap((name) => {
    if (when[name] === undefined) return []
    return PARSERS[name](when[name], name, rule)
  })
  const captures = predicates.flatMap(captureNamesOf)
  if (new Set(captures).size !== captures.length) throw invalidRule(rule, 'captures a name twice')
  return predicates
}

type Parser = (value: unknown, on: string, rule: string) => readonly Predicate[]

const named =
  (name: NameKind): Parser =>
  (value, on, rule) => {
    const text = requireText(value, on, rule, FORMS[name])
    return [{ kind: 'name', name, pattern: new Pattern(text, NAME_SYNTAX[name]), on, wanted: text }]
  }

const PARSERS: Readonly<Record<(typeof PREDICATE_NAMES)[number], Parser>> = {
  issuerKey: (value, on, rule) => {
    const texts = Array.isArray(value) ? requireList(value, on, rule) : [value]
    const digests = texts.map((text) => parseFingerprint(requireText(text, on, rule, FORMS.digest)))
    return [{ kind: 'issuerKey', digests: new Set(distinct(digests, on, rule)), on, wanted: digests.join(' ') }]
  },
  uri: named('uri'),
  dns: named('dns'),
  email: named('email'),
  ip: (value, on, rule) => {
    const text = requireText(value, on, rule, FORMS.ip)
    const range = parseRange(text)
    if (range === undefined) throw invalidRule(rule, `${on} is no address or range of addresses: ${text}`)
    return [{ kind: 'address', range, on, wanted: text }]
  },
  upn: named('upn'),
  kerberos: named('kerberos'),
  subject: (value, on, rule) =>
    attributes(value, on, rule).map(([name, type, pattern]) => {
      return { kind: 'attribute', type, pattern, on: `${on}.${name}`, wanted: pattern.text }
    }),
  subjectIs: (value, on, rule) => {
    const rdns = requireList(value, on, rule).map((rdn) => attributes(rdn, on, rule))
    const patterns = rdns.map((rdn): RdnPattern => new Map(rdn.map(([, type, pattern]) => [type, pattern])))
    const wanted = rdns.map((rdn) => rdn.map(([name, , { text }]) => `${name}=${text}`).join(' + ')).join(', ')
    return [{ kind: 'subject', rdns: patterns, on, wanted }]
  },
  extKeyUsage: (value, on, rule) => {
    const names = requireList(value, on, rule).map((name) => requireText(name, on, rule))
    const oids = names.map((name) => PURPOSE_OIDS.get(name) ?? requireText(name, on, rule, FORMS.oid))
    return [{ kind: 'purposes', oids: distinct(oids, on, rule), on, wanted: names.join(' ') }]
  },
  policies: (value, on, rule) => {
    const oids = requireList(value, on, rule).map((oid) => requireText(oid, on, rule, FORMS.oid))
    return [{ kind: 'policies', oids: distinct(oids, on, rule), on, wanted: oids.join(' ') }]
  },
}

/** Attributes by short name; two spellings of one type are the same attribute twice. */
function attributes(
  value: unknown,
  on: string,
  rule: string,
): readonly (readonly [name: string, type: string, pattern: Pattern])[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalidRule(rule, `${on} is not made of attributes`)
  }
  const found = Object.entries(value).map(([name, text]) => {
    const type = formOf(FORMS.attributeName).test(name) ? attributeType(name) : undefined
    if (type === undefined) throw invalidRule(rule, `there is no subject attribute ${JSON.stringify(name)}`)
    const pattern = new Pattern(requireText(text, `${on}.${name}`, rule, FORMS.attribute), ATTRIBUTE_SYNTAX)
    return [name, type, pattern] as const
  })
  if (found.length === 0) throw invalidRule(rule, `${on} names no attribute`)
  distinct(
    found.map(([, type]) => type),
    on,
    rule,
  )
  return found
}

/** `192.0.2.7`, `192.0.2.0/24`, `2001:db8::/32`. What is after the prefix is zero, or the writer meant something else. */
function parseRange(text: string): AddressRange | undefined {
  const [address = '', prefix, more] = text.split('/')
  const octets = parseIpAddress(address)
  if (octets === undefined || more !== undefined) return undefined
  const bits = octets.length * 8
  const prefixLength = prefix === undefined ? bits : Number(prefix)
  if ((prefix !== undefined && !/^(?:0|[1-9][0-9]{0,2})$/.test(prefix)) || prefixLength > bits) return undefined
  const isZero = octets.every((octet, index) => {
    const kept = Math.min(8, Math.max(0, prefixLength - index * 8))
    return (octet & (0xff >> kept)) === 0
  })
  return isZero ? { octets, prefixLength } : undefined
}

/** An address or range for people. */
export function formatRange({ octets, prefixLength }: AddressRange): string {
  const address = formatIpAddress(octets)
  return prefixLength === octets.length * 8 ? address : `${address}/${prefixLength}`
}

const compiled = new Map<string, RegExp>()

/** One of {@link FORMS}, never what a file says. */
function formOf(form: string): RegExp {
  const expression = compiled.get(form) ?? new RegExp(form, 'u')
  compiled.set(form, expression)
  return expression
}

/** A text, of one form where one is named. */
export function requireText(value: unknown, what: string, rule: string, form?: string): string {
  if (typeof value !== 'string' || value === '') throw invalidRule(rule, `${what} is not a text`)
  if (isLonger(value, MAX_TEXT)) throw invalidRule(rule, `${what} has more than ${MAX_TEXT} characters`)
  if (form !== undefined) {
    if (!formOf(form).test(value)) {
      const hint = /[{}*]/.test(value) ? ': a capture is a whole component {scope}, {service}, {node} or {entity}' : ''
      throw invalidRule(rule, `${what} has a form that is not known: ${JSON.stringify(value.slice(0, 80))}${hint}`)
    }
  }
  return value
}

/** Counted as JSON Schema does: in code points. */
export function isLonger(text: string, limit: number): boolean {
  return text.length > limit && Array.from(text).length > limit
}

function requireList(value: unknown, what: string, rule: string): readonly unknown[] {
  if (!Array.isArray(value) || value.length === 0) throw invalidRule(rule, `${what} is not a list`)
  if (value.length > MAX_LIST) throw invalidRule(rule, `${what} has more than ${MAX_LIST} entries`)
  return value as readonly unknown[]
}

function distinct(values: readonly string[], what: string, rule: string): readonly string[] {
  if (new Set(values).size !== values.length) throw invalidRule(rule, `${what} says one thing twice`)
  return values
}

export function invalidRule(rule: string, message: string): UsageError {
  return new UsageError('ERR_MAPPING_INVALID', `the rule ${rule}: ${message}`)
}
