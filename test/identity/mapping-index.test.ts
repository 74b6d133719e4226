import { hash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OID } from '../../src/asn1/index.js'
import {
  type LintFinding,
  lintMapping,
  type Mapping,
  parseMapping,
  resolveIdentity,
  RoleGraph,
} from '../../src/identity/index.js'
import { type ValidatedPath, validatePath } from '../../src/path/index.js'
import { buildName, type GeneralName, parseIpAddress } from '../../src/x509/index.js'
import { type Holder, makeCertificate, NOW } from '../support/certificates.js'

/** What a certificate of this small world says. */
interface Facts {
  readonly issuer: number
  readonly uri: readonly string[]
  readonly dns: readonly string[]
  readonly email: readonly string[]
  readonly ip: readonly string[]
  /** One RDN each. */
  readonly subject: readonly (readonly ['CN' | 'O', string])[]
}

interface RuleWhen {
  readonly issuerKey: readonly number[]
  readonly uri?: string
  readonly dns?: string
  readonly email?: string
  readonly ip?: string
  readonly subject?: Readonly<Record<string, string>>
  readonly subjectIs?: readonly Readonly<Record<string, string>>[]
}

const WORLD = {
  uri: ['spiffe://td/s/n', 'spiffe://td/r/s/n', 'spiffe://td/s/m', 'x:a'],
  dns: ['a.b', 'A.B', 'c.b', 'c.d.b', 'b'],
  email: ['u@a.b', 'u@A.B', 'U@a.b', 'v@c.b'],
  ip: ['192.0.2.1', '192.0.2.2', '198.51.100.1', '2001:db8::1'],
  CN: ['x', 'y', 'x y', 'X'],
  O: ['p', 'q'],
}
const PATTERNS = {
  uri: [
    ...WORLD.uri,
    'spiffe://td/{scope...}/s/n',
    'spiffe://td/s/{node}',
    '{scope...}',
    'spiffe://td/{scope}/{service}/{node}',
  ],
  dns: ['a.b', 'c.b', 'A.b', '{node}.b', '{node}.{service}.b', '{scope...}.b', '{scope...}'],
  email: ['u@a.b', 'U@a.b', '{node}@a.b', 'u@{node}.b', '{node}@{scope...}'],
  ip: ['192.0.2.1', '192.0.2.0/24', '192.0.2.2/31', '0.0.0.0/0', '::/0', '2001:db8::1'],
  CN: ['x', 'y', 'x y', '{node}', '{entity}'],
  O: ['p', 'q', '{service}'],
}

/** The reference: what the documentation says, rule by rule, with none of our code. */
function matches(when: RuleWhen, facts: Facts): boolean {
  const component = (part: string, text: string): boolean =>
    part.startsWith('{') ? /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(text) : part === text
  const sequence = (parts: readonly string[], texts: readonly string[]): boolean => {
    const [part, ...rest] = parts
    if (part === undefined) return texts.length === 0
    if (part === '{scope...}') {
      return Array.from({ length: texts.length + 1 }, (_, count) => count).some(
        (count) => texts.slice(0, count).every((text) => component('{', text)) && sequence(rest, texts.slice(count)),
      )
    }
    const [text, ...others] = texts
    return text !== undefined && component(part, text) && sequence(rest, others)
  }
  const split = (text: string, kind: 'uri' | 'dns' | 'email'): readonly string[] => {
    const dots = (name: string): readonly string[] => name.replace('{scope...}', '{scope___}').split('.')
    const back = (part: string): string => part.replace('___', '...')
    if (kind === 'uri') return text.split('/')
    if (kind === 'dns') return dots(text.toLowerCase()).map(back)
    const [local = '', domain = ''] = text.split('@')
    return [local, ...dots(domain.toLowerCase()).map(back)]
  }
  if (!when.issuerKey.includes(facts.issuer)) return false
  for (const kind of ['uri', 'dns', 'email'] as const) {
    const pattern = when[kind]
    if (pattern === undefined) continue
    const found = facts[kind].filter((name) => sequence(split(pattern, kind), split(name, kind)))
    if (found.length === 0 || (kind === 'uri' && facts.uri.length > 1)) return false
    if (pattern.includes('{') && found.length > 1) return false
  }
  const { ip, subject, subjectIs } = when
  if (ip !== undefined && !facts.ip.some((address) => inRange(address, ip))) return false
  for (const [type, pattern] of Object.entries(subject ?? {})) {
    const values = facts.subject.filter(([found]) => found === type)
    if (values.length !== 1 || !component(pattern, values[0]?.[1] ?? '')) return false
  }
  if (subjectIs === undefined) return true
  return (
    subjectIs.length === facts.subject.length &&
    subjectIs.every((rdn, index) => {
      const [type = '', text = ''] = facts.subject[index] ?? []
      return Object.keys(rdn).join() === type && component(rdn[type] ?? '', text)
    })
  )
}

function inRange(address: string, range: string): boolean {
  const bits = (text: string): string =>
    [...(parseIpAddress(text) ?? [])].map((octet) => octet.toString(2).padStart(8, '0')).join('')
  const [base = '', prefix] = range.split('/')
  const length = prefix === undefined ? bits(base).length : Number(prefix)
  return bits(address).length === bits(base).length && bits(address).startsWith(bits(base).slice(0, length))
}

const issuers: readonly Holder[] = ['One', 'Two'].map((subject) => makeCertificate({ subject, ca: true }))
const digests = issuers.map((issuer) => hash('sha256', issuer.certificate.spkiDer, 'hex'))

const some = (values: readonly string[], maxLength: number): fc.Arbitrary<string[]> =>
  fc.array(fc.constantFrom(...values), { maxLength })

const factsArbitrary: fc.Arbitrary<Facts> = fc.record({
  issuer: fc.nat(1),
  uri: some(WORLD.uri, 2),
  dns: some(WORLD.dns, 3),
  email: some(WORLD.email, 2),
  ip: some(WORLD.ip, 2),
  subject: fc.array(
    fc.oneof(
      fc.constantFrom(...WORLD.CN).map((text) => ['CN', text] as const),
      fc.constantFrom(...WORLD.O).map((text) => ['O', text] as const),
    ),
    { maxLength: 3 },
  ),
})

/** One certificate for each; the same in every run. */
const certificates: readonly (readonly [Facts, ValidatedPath])[] = fc
  .sample(factsArbitrary, { seed: 1, numRuns: 250 })
  .map((facts) => [facts, pathOf(facts)])

function pathOf({ issuer, uri, dns, email, ip, subject }: Facts): ValidatedPath {
  const named = (['uri', 'dns', 'email'] as const).flatMap((kind) =>
    ({ uri, dns, email })[kind].map((value): GeneralName => ({ kind, value })),
  )
  const addresses = ip.map((text): GeneralName => ({ kind: 'ip', octets: parseIpAddress(text) ?? new Uint8Array() }))
  const { certificate } = makeCertificate({
    subject: buildName(subject.map(([type, text]) => [type === 'CN' ? OID.commonName : OID.organizationName, text])),
    names: [...named, ...addresses],
    ...(issuers[issuer] === undefined ? {} : { issuer: issuers[issuer] }),
  })
  const anchors = issuers.map((holder) => holder.certificate)
  return validatePath(certificate, { anchors, at: NOW, purpose: 'allow-any', revocation: 'allow-unchecked' })
}

const CAPTURE = /\{(\w+)/g
const KINDS = ['uri', 'dns', 'email', 'ip', 'subject', 'subjectIs'] as const

/** One or two predicates besides the issuer, so that rules match now and then. */
const whenArbitrary: fc.Arbitrary<RuleWhen> = fc
  .tuple(
    fc.subarray([...KINDS], { minLength: 1, maxLength: 2 }),
    fc.constantFrom([0], [1], [0, 1]),
    fc.record({
      uri: fc.constantFrom(...PATTERNS.uri),
      dns: fc.constantFrom(...PATTERNS.dns),
      email: fc.constantFrom(...PATTERNS.email),
      ip: fc.constantFrom(...PATTERNS.ip),
      subject: fc
        .record({ CN: fc.constantFrom(...PATTERNS.CN), O: fc.constantFrom(...PATTERNS.O) }, { requiredKeys: [] })
        .filter((value) => Object.keys(value).length > 0),
      subjectIs: fc.array(
        fc.oneof(fc.record({ CN: fc.constantFrom(...PATTERNS.CN) }), fc.record({ O: fc.constantFrom(...PATTERNS.O) })),
        { minLength: 1, maxLength: 3 },
      ),
    }),
  )
  .map(([kinds, issuerKey, all]): RuleWhen => {
    const wanted = Object.entries(all).filter(([kind]) => kinds.some((other) => other === kind))
    return { issuerKey, ...Object.fromEntries(wanted) }
  })
  .filter((when) => {
    const captures = [...JSON.stringify(when).matchAll(CAPTURE)].map(([, name]) => name)
    const isBoth = when.subject !== undefined && when.subjectIs !== undefined
    return !isBoth && new Set(captures).size === captures.length
  })

const rulesArbitrary = fc.array(whenArbitrary, { minLength: 1, maxLength: 12 })

/** The identity says which rule decided. */
function mappingOf(rules: readonly RuleWhen[]): Mapping {
  return parseMapping(
    JSON.stringify({
      version: 1,
      trustDomain: 'td',
      rules: rules.map((when, index) => ({
        name: `r${index}`,
        when: { ...when, issuerKey: when.issuerKey.map((issuer) => digests[issuer]) },
        then: { service: 's', node: `r${index}`, roles: [] },
      })),
    }),
  )
}

const NOBODY = {
  entity: () => Promise.resolve(undefined),
  entityByUri: () => Promise.resolve(undefined),
  roleGraph: () => Promise.resolve(new RoleGraph([])),
}

async function decides(mapping: Mapping, path: ValidatedPath): Promise<string | undefined> {
  try {
    return (await resolveIdentity(path, mapping, NOBODY)).node
  } catch {
    return undefined
  }
}

const RUNS = { numRuns: 100, seed: 7 }

describe('Mapping: the index decides as the list does', () => {
  it('has a world in which rules match now and then', () => {
    const rules = fc.sample(whenArbitrary, { seed: 3, numRuns: 200 })
    const found = rules.map((when) => certificates.filter(([facts]) => matches(when, facts)).length)
    expect(found.filter((count) => count > 0).length).toBeGreaterThan(80)
  })

  it('for every mapping, each certificate is decided by the first rule that matches', async () => {
    await fc.assert(
      fc.asyncProperty(rulesArbitrary, async (rules) => {
        const mapping = mappingOf(rules)
        for (const [facts, path] of certificates) {
          const first = rules.findIndex((when) => matches(when, facts))
          expect(await decides(mapping, path)).toBe(first === -1 ? undefined : `r${first}`)
        }
      }),
      RUNS,
    )
  })

  it('the order of rules that share no certificate makes no difference', async () => {
    await fc.assert(
      fc.asyncProperty(rulesArbitrary, fc.nat(10), async (rules, at) => {
        const [one, two] = [rules[at], rules[at + 1]]
        if (one === undefined || two === undefined) return
        if (certificates.some(([facts]) => matches(one, facts) && matches(two, facts))) return
        const swapped = [...rules.slice(0, at), two, one, ...rules.slice(at + 2)]
        const renamed = (node: string | undefined): string | undefined =>
          node === `r${at}` ? `r${at + 1}` : node === `r${at + 1}` ? `r${at}` : node
        const [before, after] = [mappingOf(rules), mappingOf(swapped)]
        for (const [, path] of certificates) {
          expect(await decides(after, path)).toBe(renamed(await decides(before, path)))
        }
      }),
      RUNS,
    )
  })
})

describe('lintMapping: what it says of rules is so', () => {
  const isPlain = ({ uri, dns, email, ip }: Facts): boolean => [uri, dns, email, ip].every((names) => names.length < 2)
  const told = (findings: readonly LintFinding[], code: string): readonly string[] =>
    findings.flatMap((finding) => (finding.code === code ? [`${finding.other ?? ''} ${finding.rule ?? ''}`] : []))

  it('a rule that is shadowed decides nothing, and the rules that shadow it take all that it takes', () => {
    fc.assert(
      fc.property(rulesArbitrary, (rules) => {
        for (const finding of lintMapping(mappingOf(rules)).filter(({ code }) => code === 'shadowed')) {
          const index = Number(finding.rule?.slice(1))
          for (const [facts] of certificates) {
            if (rules[index] === undefined || !matches(rules[index], facts)) continue
            expect(rules.findIndex((when) => matches(when, facts))).toBeLessThan(index)
            const others = (finding.other ?? '').split(', ').map((name) => rules[Number(name.slice(1))])
            expect(others.some((when) => when !== undefined && matches(when, facts))).toBe(true)
          }
        }
      }),
      { ...RUNS, numRuns: 200 },
    )
  })

  it('two rules that match one certificate are told, unless one is shadowed or the earlier is a special case', () => {
    const plain = certificates.filter(([facts]) => isPlain(facts))
    fc.assert(
      fc.property(rulesArbitrary, (rules) => {
        const findings = lintMapping(mappingOf(rules))
        const overlaps = new Set(told(findings, 'overlap'))
        const shadowed = new Set(findings.flatMap(({ code, rule }) => (code === 'shadowed' ? [rule] : [])))
        for (const [later, when] of rules.entries()) {
          for (const [earlier, other] of rules.slice(0, later).entries()) {
            if (shadowed.has(`r${later}`) || overlaps.has(`r${earlier} r${later}`)) continue
            const both = plain.filter(([facts]) => matches(when, facts) && matches(other, facts))
            const alone = plain.filter(
              ([facts]) => when.issuerKey.includes(facts.issuer) && matches(other, facts) && !matches(when, facts),
            )
            // Told of neither: they share nothing, or the earlier has nothing that the later has not.
            expect(both.length === 0 || alone.length === 0).toBe(true)
          }
        }
      }),
      { ...RUNS, numRuns: 200 },
    )
  })
})
