/**
 * A second way to write rules: oslo.policy's expressions, each under the name of a message type.
 *
 * ```yaml
 * oslo:
 *   rpc:scheduler:-:update_instance_info: "role:compute and node:%(args.host_name)s"
 *   rpc:compute:-:live_migration: "role:conductor and rule:same_region"
 *   notify:instance.*: "role:compute and publisher:%(publisher_id)s"
 *   same_region: "scope:region-one/nova"
 * ```
 *
 * What oslo.policy takes for *allow* or logs as a warning is refused when it is read: empty rules, unknown rules, roles,
 * credentials and target keys, circles, what a server would decide, lists. The most specific name decides alone. Credentials
 * are facts of the verified sender, target keys are fields of the message, and neither becomes the other.
 *
 * @module policy/oslo (floor 6)
 */
import { formatJsonPath, parseJsonPath } from '../json/index.js'
import { type OsloCheck, readOsloDocument, requireStrictOslo } from '../oslo/index.js'
import { bindingTo } from './binding.js'
import type { Condition } from './condition.js'
import { FACT_NAMES, type Fact } from './fact.js'
import { invalid, kindsOf, requireField, type Rule, type Vocabulary } from './vocabulary.js'
import { TypePattern } from './message-type.js'

/** Credentials: the facts of a sender, and `publisher` as notifications of nova write it. */
const CREDENTIALS: ReadonlyMap<string, readonly Fact[]> = new Map<string, readonly Fact[]>([
  ...FACT_NAMES.map((fact): [string, readonly Fact[]] => [fact, [fact]]),
  ['publisher', ['service', 'node']],
])

/** Checks of one rule, with those of the rules that it refers to. */
const MAX_PARTS = 10_000

const TARGET = /^%\(([^()]+)\)s$/
const QUOTED = /^'([^'\\]*)'$|^"([^"\\]*)"$/

/**
 * Compile rules of oslo.policy. Names that are types of messages (with `:` or `.` between segments, `-` for no namespace)
 * become rules; others are there for `rule:` to refer to.
 *
 * @throws {@link UsageError} `ERR_POLICY_OSLO`, `ERR_POLICY_INVALID`
 */
export function compileOslo(document: Readonly<Record<string, unknown>>, vocabulary: Vocabulary): readonly Rule[] {
  const oslo = readOsloDocument(document)
  const fields = new Set(vocabulary.messages.flatMap((kind) => kind.fields))
  requireStrictOslo(oslo, {
    roles: vocabulary.roles,
    hasCredential: (path) => CREDENTIALS.has(path),
    hasTargetKey: (key) => key === 'destination' || isWithin(key, fields),
  })
  const named = [...oslo.rules].flatMap(([name, check]) => {
    const pattern = patternOf(name)
    return pattern === undefined || !vocabulary.messages.some((kind) => kind.pattern.overlaps(pattern))
      ? []
      : [{ name, check, pattern }]
  })
  refuseForgotten(oslo.rules, new Set(named.map(({ name }) => name)))
  const destinations = new Set(vocabulary.destinations.all.map(({ name }) => name))
  return named.map(({ name, check, pattern }): Rule => {
    const kinds = kindsOf([pattern], vocabulary, name)
    let parts = 0
    const convert = (part: OsloCheck): Condition => {
      // Rules that refer to rules twice, and so on, grow without end.
      if (++parts > MAX_PARTS)
        throw invalid(`the rule ${name} has more than ${MAX_PARTS} checks, with those it refers to`)
      switch (part.kind) {
        case 'true':
        case 'false':
          return { kind: 'constant', holds: part.kind === 'true' }
        case 'and':
        case 'or':
          return { kind: part.kind, of: part.of.map(convert) }
        case 'not':
          return { kind: 'not', of: convert(part.of) }
        case 'role':
          return { kind: 'role', role: exactRole(part.match, vocabulary, name), at: { kind: 'home' } }
        case 'rule':
          return convert(oslo.rules.get(part.name) ?? { kind: 'false' })
        case 'http':
          return { kind: 'constant', holds: false }
        case 'generic': {
          const condition = compared(part.left, part.right, name)
          if (condition.kind === 'binding' || condition.kind === 'field') requireField(condition.field, kinds, name)
          return condition
        }
      }
    }
    return {
      name,
      effect: 'allow',
      types: [pattern],
      except: moreSpecific(pattern, named, name),
      destinations,
      condition: convert(check),
    }
  })
}

/** `rpc:compute:-:live_migration` as `rpc.compute.live_migration`; `undefined` for what is no type. */
function patternOf(name: string): TypePattern | undefined {
  if (!/[:.]/.test(name)) return undefined
  const text = name
    .split(':')
    .filter((segment) => segment !== '-')
    .join('.')
  try {
    return new TypePattern(text)
  } catch {
    return undefined
  }
}

/** A name that is no type and that nobody refers to was meant to be one of both. */
function refuseForgotten(rules: ReadonlyMap<string, OsloCheck>, types: ReadonlySet<string>): void {
  const used = new Set(['default'])
  const visit = (check: OsloCheck): void => {
    if (check.kind === 'rule') used.add(check.name)
    if (check.kind === 'and' || check.kind === 'or') check.of.forEach(visit)
    if (check.kind === 'not') visit(check.of)
  }
  for (const check of rules.values()) visit(check)
  const forgotten = [...rules.keys()].find((name) => !types.has(name) && !used.has(name))
  if (forgotten !== undefined) {
    throw invalid(`the rule ${forgotten} is about no message, and no rule refers to it`)
  }
}

/** Types that have a rule of their own below this one. */
function moreSpecific(
  pattern: TypePattern,
  named: readonly { readonly name: string; readonly pattern: TypePattern }[],
  rule: string,
): readonly TypePattern[] {
  const others = named.filter((other) => other.name !== rule && other.pattern.overlaps(pattern))
  return others.flatMap((other) => {
    const [wider, narrower] = [pattern.includes(other.pattern), other.pattern.includes(pattern)]
    if (wider === narrower) throw invalid(`neither of the rules ${rule} and ${other.name} is the more specific one`)
    return wider ? [other.pattern] : []
  })
}

/** oslo.policy compares roles without regard to case; here a role has one name. */
function exactRole(match: string, { roles }: Vocabulary, rule: string): string {
  if (roles.has(match)) return match
  throw invalid(`the rule ${rule} names an unknown role ${match}`)
}

function compared(left: string, right: string, rule: string): Condition {
  const key = TARGET.exec(right)?.[1]
  const [, single, double] = QUOTED.exec(left) ?? []
  const quoted = single ?? double
  const facts = CREDENTIALS.get(left)
  if (key === undefined && facts?.length === 1 && facts[0] !== undefined && !right.includes('%')) {
    return { kind: 'fact', fact: facts[0], text: right }
  }
  if (key === 'destination' && quoted !== undefined) return { kind: 'destination', text: quoted }
  if (key !== undefined && key !== 'destination') {
    const field = parseJsonPath(key)
    if (quoted !== undefined) return { kind: 'field', field, text: quoted }
    if (facts !== undefined) return { kind: 'binding', ...bindingTo(field, facts) }
  }
  throw invalid(`the rule ${rule}: a credential or a text is compared with a field or a text: ${left}:${right}`)
}

function isWithin(key: string, fields: ReadonlySet<string>): boolean {
  try {
    const path = formatJsonPath(parseJsonPath(key))
    return [...fields].some((field) => path === field || path.startsWith(`${field}.`))
  } catch {
    return false
  }
}
