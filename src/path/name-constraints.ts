/**
 * Name constraints (RFC 5280 §4.2.1.10, §6.1.4 (g)), every form; what cannot be compared is refused.
 *
 * @module path/name-constraints (floor 4)
 */
import {
  CERTIFICATE_LIMITS,
  contextConstructed,
  DerReader,
  encodeObjectIdentifier,
  equalBytes,
  OID,
} from '../asn1/index.js'
import { LimitError, type TrustError } from '../errors/index.js'
import {
  type Certificate,
  formatGeneralName,
  type GeneralName,
  type NameConstraints,
  parseIpAddress,
} from '../x509/index.js'
import { refusal } from './rules.js'

type MailboxCase = 'exact case' | 'any case'

/** Most comparisons of a name with a subtree for one path. */
const MAX_COMPARISONS = 2 ** 20

/**
 * The constraints gathered on the way down a path. A name must lie in one permitted subtree of its form in **each**
 * CA that permits any of that form, and in no excluded subtree of any.
 */
export class NameConstraintState {
  readonly #constraints: { readonly permitted: ByForm; readonly excluded: ByForm }[] = []
  #comparisons = 0

  add(constraints: NameConstraints | undefined): void {
    if (constraints === undefined) return
    const { permitted, excluded } = constraints
    this.#constraints.push({ permitted: Map.groupBy(permitted, formOf), excluded: Map.groupBy(excluded, formOf) })
  }

  /** The same constraints, for the names of another end entity: its comparisons are counted anew. */
  fork(): NameConstraintState {
    const fork = new NameConstraintState()
    fork.#constraints.push(...this.#constraints)
    return fork
  }

  /**
   * Check the subject and every subject alternative name of a certificate.
   *
   * @throws {@link TrustError} `ERR_PATH_NAME_CONSTRAINT`
   * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED`
   */
  check(certificate: Certificate): void {
    if (this.#constraints.length === 0) return
    for (const name of namesOf(certificate)) {
      if (!this.allows(name)) throw violation(certificate, name)
    }
    // §4.2.1.10: e-mail addresses in the subject are constrained, too; there, case makes no difference (§4.1.2.6).
    for (const { type, text } of certificate.subject.rdns.flat()) {
      if (type !== OID.emailAddress) continue
      // One that is no text is no mailbox: nothing permits it, and every exclusion may mean it.
      const name: GeneralName = { kind: 'email', value: text ?? '' }
      if (!this.allows(name, 'any case')) throw violation(certificate, name)
    }
  }

  /**
   * Whether every constraint lets a name pass.
   *
   * @param mailboxCase - Whether the case of the local part of an e-mail address counts.
   */
  allows(name: GeneralName, mailboxCase: MailboxCase = 'exact case'): boolean {
    const forms = formsBinding(name)
    return this.#constraints.every(({ permitted, excluded }) => {
      const basesIn = (list: ByForm): readonly GeneralName[] => {
        const bases = forms.flatMap((form) => list.get(form) ?? [])
        this.#count(bases.length)
        return bases
      }
      if (basesIn(excluded).some((base) => matches(name, base, 'excluded', mailboxCase))) return false
      const allowed = basesIn(permitted)
      return allowed.length === 0 || allowed.some((base) => matches(name, base, 'permitted', mailboxCase))
    })
  }

  #count(comparisons: number): void {
    this.#comparisons += comparisons
    if (this.#comparisons > MAX_COMPARISONS) {
      throw new LimitError('ERR_LIMIT_EXCEEDED', `name constraints need more than ${MAX_COMPARISONS} comparisons`)
    }
  }
}

/** The names that constraints apply to: the subject and all alternative names. */
function namesOf(certificate: Certificate): readonly GeneralName[] {
  const names: GeneralName[] = [...certificate.subjectAltName]
  if (!certificate.subject.isEmpty) names.push({ kind: 'directory', name: certificate.subject })
  return names
}

/** Subtrees by what {@link formOf} says of them. */
type ByForm = ReadonlyMap<string, readonly GeneralName[]>

/** otherName, x400Address and ediPartyName are kept whole, and are three forms. */
function formOf(name: GeneralName): string {
  return name.kind === 'other' ? `other ${name.tag}` : name.kind
}

/** The forms of subtrees that bind a name. A mailbox in UTF-8 is an otherName, and bound as mailboxes are (RFC 9598 §6). */
function formsBinding(name: GeneralName): readonly string[] {
  return name.kind === 'other' && isUtf8Mailbox(name.der) ? [formOf(name), 'email'] : [formOf(name)]
}

const UTF8_MAILBOX = encodeObjectIdentifier(OID.smtpUtf8Mailbox)

function isUtf8Mailbox(der: Uint8Array): boolean {
  const reader = DerReader.over(der, CERTIFICATE_LIMITS)
  return (
    reader.peek() === contextConstructed(0) &&
    equalBytes(reader.constructed(contextConstructed(0)).element(), UTF8_MAILBOX)
  )
}

/**
 * Whether a name lies in a subtree. A form that cannot be compared counts as inside an excluded and outside a
 * permitted subtree.
 */
function matches(
  name: GeneralName,
  base: GeneralName,
  list: 'permitted' | 'excluded',
  mailboxCase: MailboxCase,
): boolean {
  if (name.kind === 'dns' && base.kind === 'dns') return matchesDns(name.value, base.value, list)
  if (name.kind === 'uri' && base.kind === 'uri') return matchesUri(name.value, base.value, list)
  if (name.kind === 'email' && base.kind === 'email') return matchesEmail(name.value, base.value, list, mailboxCase)
  if (name.kind === 'ip' && base.kind === 'ip') return matchesIp(name.octets, base.octets, list)
  if (name.kind === 'directory' && base.kind === 'directory')
    return list === 'excluded' ? name.name.mayBeWithin(base.name) : name.name.isWithin(base.name)
  return list === 'excluded'
}

const HOST_LABEL = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?'
const HOST_NAME = new RegExp(`^${HOST_LABEL}(?:\\.${HOST_LABEL})*$`)

/**
 * RFC 5280: any name made by adding labels on the left. A leading dot, which RFC 5280 does not define here and private CAs
 * write, is read to the safe side: it permits what is below, and excludes the host itself, too.
 */
function matchesDns(name: string, base: string, list: 'permitted' | 'excluded'): boolean {
  const isBelowOnly = base.startsWith('.') && list === 'permitted'
  const tree = base.toLowerCase().replace(/^\.(?=.)/, '')
  if (tree === '') return true
  const host = name.toLowerCase()
  const plain = host.startsWith('*.') ? host.slice(2) : host
  if (!HOST_NAME.test(plain) || !HOST_NAME.test(tree)) return list === 'excluded'
  if (host === plain) return isSubdomain(host, tree) && !(isBelowOnly && host === tree)
  // A wildcard stands for names one label below; it is excluded when any of those is.
  const isOneBelow = tree.endsWith(`.${plain}`) && !tree.slice(0, -plain.length - 1).includes('.')
  return isSubdomain(plain, tree) || (list === 'excluded' && isOneBelow)
}

function isSubdomain(host: string, tree: string): boolean {
  return host === tree || host.endsWith(`.${tree}`)
}

/** RFC 5280: the host of a URI; a leading dot means its subdomains, none means that host alone. */
function matchesUri(uri: string, base: string, list: 'permitted' | 'excluded'): boolean {
  const host = uriHost(uri)
  if (host === undefined) return list === 'excluded'
  return matchesHost(host, base.toLowerCase(), list)
}

function matchesHost(host: string, tree: string, list: 'permitted' | 'excluded'): boolean {
  if (tree.startsWith('.')) return HOST_NAME.test(tree.slice(1)) ? host.endsWith(tree) : list === 'excluded'
  return HOST_NAME.test(tree) ? host === tree : list === 'excluded'
}

/** All that a URI is made of (RFC 3986 §2); with anything else in it, readers find different hosts. */
const URI_CHARACTERS = /^(?:[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*$/

/** The host of an absolute URI with an authority (RFC 3986 §3.2), lower case; only registered names. */
function uriHost(uri: string): string | undefined {
  if (!URI_CHARACTERS.test(uri)) return undefined
  const authority = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/(?:[^/?#@]*@)?([^/?#@:[\]]+)(?::[0-9]*)?(?:[/?#]|$)/.exec(uri)?.[1]
  const host = authority?.toLowerCase()
  return host === undefined || !HOST_NAME.test(host) || parseIpAddress(host) !== undefined ? undefined : host
}

/** RFC 5280: a mailbox, all mailboxes of a host, or with a leading dot of the hosts below a domain. */
function matchesEmail(
  address: string,
  base: string,
  list: 'permitted' | 'excluded',
  mailboxCase: MailboxCase,
): boolean {
  const mailbox = parseMailbox(address)
  if (mailbox === undefined) return list === 'excluded'
  if (!base.includes('@')) return matchesHost(mailbox.host, base.toLowerCase(), list)
  const wanted = parseMailbox(base)
  if (wanted === undefined) return list === 'excluded'
  const local = (text: string): string => (mailboxCase === 'any case' ? text.toLowerCase() : text)
  return local(mailbox.local) === local(wanted.local) && mailbox.host === wanted.host
}

/** A quoted local part may hold an at sign; only the unquoted form is compared (RFC 5321 §4.1.2 Dot-string). */
function parseMailbox(address: string): { readonly local: string; readonly host: string } | undefined {
  const parts = /^([A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+)@([A-Za-z0-9.-]+)$/.exec(address)
  const [local, host] = [parts?.[1], parts?.[2]?.toLowerCase()]
  return local === undefined || host === undefined || !HOST_NAME.test(host) ? undefined : { local, host }
}

function matchesIp(octets: Uint8Array, range: Uint8Array, list: 'permitted' | 'excluded'): boolean {
  // An address of version 4 has a form of version 6 (RFC 4291 §2.5.5.2): what is excluded, is so in both.
  const address = list === 'excluded' ? asVersionOf(octets, range) : octets
  if (range.length !== address.length * 2) return false
  return address.every((octet, index) => {
    const mask = range[address.length + index] ?? 0xff
    return (octet & mask) === ((range[index] ?? 0) & mask)
  })
}

const MAPPED_PREFIX = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff)

function asVersionOf(octets: Uint8Array, range: Uint8Array): Uint8Array {
  if (octets.length === 4 && range.length === 32) return Uint8Array.of(...MAPPED_PREFIX, ...octets)
  const isMapped = octets.length === 16 && equalBytes(octets.subarray(0, 12), MAPPED_PREFIX)
  return isMapped && range.length === 8 ? octets.subarray(12) : octets
}

function violation(certificate: Certificate, name: GeneralName): TrustError {
  const text = formatGeneralName(name)
  const message = `a name constraint of the path does not allow ${text}`
  return refusal('ERR_PATH_NAME_CONSTRAINT', 'name-constraints', certificate, message, { details: { name: text } })
}
