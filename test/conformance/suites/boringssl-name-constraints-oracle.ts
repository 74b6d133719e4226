/**
 * A second, simple reading of name constraints, by which the first is judged: RFC 5280 §4.2.1.10, and where it is silent,
 * what BoringSSL's tests demand. A form that cannot be compared lets nothing pass.
 *
 * @module test/conformance/suites/boringssl-name-constraints-oracle
 */
import { OID, TAG } from '../../../src/asn1/index.js'
import type { GeneralName, Name, NameConstraints } from '../../../src/x509/index.js'

/** Where a name stands: e-mail addresses are compared otherwise in a subject (§4.1.2.6). */
type Place = 'alternative name' | 'subject'
type List = 'permitted' | 'excluded'

export function allowsAlternativeNames(constraints: NameConstraints, names: readonly GeneralName[]): boolean {
  return names.every((name) => allows(constraints, name, 'alternative name'))
}

export function allowsSubject(constraints: NameConstraints, subject: Name): boolean {
  if (!subject.isEmpty && !allows(constraints, { kind: 'directory', name: subject }, 'subject')) return false
  return subject.rdns
    .flat()
    .filter(({ type }) => type === OID.emailAddress)
    .every(({ text = '', valueDer: [tag = 0] }) =>
      // A string that is of none of the usual types is not compared.
      allows(constraints, { kind: 'email', value: EMAIL_TAGS.has(tag) ? text : '' }, 'subject'),
    )
}

/** RFC 5280 appendix A.1 has IA5String; others write the types of DirectoryString. */
const EMAIL_TAGS: ReadonlySet<number> = new Set([
  TAG.ia5String,
  TAG.utf8String,
  TAG.printableString,
  TAG.bmpString,
  TAG.universalString,
])

export function allows({ permitted, excluded }: NameConstraints, name: GeneralName, place: Place): boolean {
  const [inside, outside] = [permitted, excluded].map((list) => list.filter((base) => sameForm(base, name)))
  if (inside === undefined || outside === undefined || inside.length + outside.length === 0) return true
  // Where a constraint of its form cannot be understood, no name of that form is allowed.
  if (![name, ...inside, ...outside].every((each) => understood(each, each === name))) return false
  if (outside.some((base) => contains(base, name, 'excluded', place))) return false
  return inside.length === 0 || inside.some((base) => contains(base, name, 'permitted', place))
}

function sameForm(base: GeneralName, name: GeneralName): boolean {
  if (base.kind === 'other') return name.kind === 'other' && base.tag === name.tag
  return base.kind === name.kind
}

function understood(name: GeneralName, isName: boolean): boolean {
  switch (name.kind) {
    case 'directory':
    case 'ip':
    case 'dns':
      return true
    case 'email':
      // Neither quoted local parts nor address literals are compared, nor an at sign without what goes before it.
      return isName ? /^[^@"[\]]+@[^@"[\]]+$/.test(name.value) : /^([^@"[\]]+@)?\.?[^@"[\].][^@"[\]]*$/.test(name.value)
    case 'uri':
      // A constraint is on a host, not on an address.
      return isName || /^[A-Za-z0-9.-]+$/.test(name.value)
    default:
      return false
  }
}

function contains(base: GeneralName, name: GeneralName, list: List, place: Place): boolean {
  if (base.kind === 'directory' && name.kind === 'directory') return containsName(base.name, name.name)
  if (base.kind === 'ip' && name.kind === 'ip') return containsAddress(base.octets, name.octets)
  if (base.kind === 'dns' && name.kind === 'dns') return containsDns(base.value, name.value, list)
  if (base.kind === 'email' && name.kind === 'email') return containsEmail(base.value, name.value, list, place)
  if (base.kind === 'uri' && name.kind === 'uri') return containsHost(base.value, URL.parse(name.value)?.host ?? '')
  return false
}

/** Whether the RDNs of `base` are the first of `name`; text is compared without regard to case. */
function containsName(base: Name, name: Name): boolean {
  const plain = (one: Name): string[] =>
    one.rdns.map((rdn) => rdn.map(({ type, text = '' }) => `${type}=${text.toLowerCase()}`).join('+'))
  const whole = plain(name)
  return plain(base).every((rdn, index) => rdn === whole[index])
}

function containsAddress(range: Uint8Array, address: Uint8Array): boolean {
  const [first, mask] = [range.subarray(0, range.length / 2), range.subarray(range.length / 2)]
  if (first.length !== address.length) return false
  return address.every((octet, index) => ((octet ^ (first[index] ?? 0)) & (mask[index] ?? 0)) === 0)
}

const hostOf = (name: string): string => name.toLowerCase().replace(/\.$/, '')

function containsDns(base: string, name: string, list: List): boolean {
  if (base === '') return true
  const [tree, host] = [hostOf(base), hostOf(name)]
  // What is left of dots alone holds no name.
  if (tree === '' || tree === '.') return false
  const isBelow = (one: string): boolean => one.endsWith(tree.startsWith('.') ? tree : `.${tree}`)
  if (host === tree || isBelow(host)) return true
  // *.example.com stands for excluded.example.com, too, but for nothing further down.
  const [wildcard, ...labels] = host.split('.')
  if (wildcard !== '*' || list === 'permitted') return false
  return tree.replace(/^\.?[^.]+/, '') === `.${labels.join('.')}` && !tree.startsWith('.')
}

/** A host, or with a leading dot what is below it. */
function containsHost(base: string, host: string): boolean {
  const [tree, one] = [base.toLowerCase(), host.toLowerCase()]
  return tree.startsWith('.') ? one.endsWith(tree) : one === tree
}

function containsEmail(base: string, address: string, list: List, place: Place): boolean {
  const [local = '', host = ''] = address.split('@')
  const [baseLocal, baseHost] = base.split('@')
  if (baseHost === undefined) return containsHost(base, host)
  // §4.1.2.6: addresses in a subject are not case-sensitive; to be safe, only where that excludes more.
  const fold = (text: string): string => (list === 'excluded' && place === 'subject' ? text.toLowerCase() : text)
  return fold(local) === fold(baseLocal ?? '') && containsHost(baseHost, host)
}

/** Names around every DNS name and address range of constraints: inside, just outside, and with an asterisk. */
export function probesOf({ permitted, excluded }: NameConstraints): readonly GeneralName[] {
  const probes = [...permitted, ...excluded].flatMap((base) => {
    if (base.kind === 'dns') return dnsProbes(hostOf(base.value).replace(/^\./, ''))
    return base.kind === 'ip' ? addressProbes(base.octets) : []
  })
  const byText = new Map(probes.map((probe) => [JSON.stringify(probe), probe]))
  return [...byText.values()]
}

function dnsProbes(tree: string): readonly GeneralName[] {
  if (!/^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(tree)) return [{ kind: 'dns', value: 'probe.example' }]
  const parent = tree.replace(/^[^.]+\.?/, '')
  const above = parent === '' ? [] : [parent, `sister.${parent}`, `*.${parent}`]
  return [tree, `a.${tree}`, `a.b.${tree}`, `a${tree}`, `*.${tree}`, `*.a.${tree}`, ...above].map((value) => ({
    kind: 'dns',
    value,
  }))
}

function addressProbes(range: Uint8Array): readonly GeneralName[] {
  const [start, mask] = [range.subarray(0, range.length / 2), range.subarray(range.length / 2)]
  const first = start.map((octet, index) => octet & (mask[index] ?? 0))
  const last = first.map((octet, index) => octet | (~(mask[index] ?? 0) & 0xff))
  return [first, last, step(first, -1), step(last, 1)].map((octets) => ({ kind: 'ip', octets }))
}

/** The address before or after; beyond the last comes the first. */
function step(address: Uint8Array, by: 1 | -1): Uint8Array {
  const next = Uint8Array.from(address)
  for (let index = next.length - 1; index >= 0; index--) {
    const octet = (next[index] ?? 0) + by
    next[index] = octet & 0xff
    if (octet >= 0 && octet <= 0xff) break
  }
  return next
}
