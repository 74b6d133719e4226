/**
 * Policy files of oslo.policy: rules by name, what is wrong with them, and what a strict reader refuses.
 *
 * @module oslo/document (floor 5)
 */
import { LimitError, UsageError } from '../errors/index.js'
import { checksWithin, formatOsloRule, type OsloCheck } from './check.js'
import { OSLO_DEFAULT_RULE, type OsloRules } from './enforce.js'
import { parseLeft } from './left.js'
import { parseOsloListRule, parseOsloRule } from './rule.js'
import { splitTemplate } from './template.js'
import { OsloRaise, OsloUnsupported } from './value.js'

export interface OsloDocument {
  readonly rules: OsloRules
  /** Names of rules that were written as lists. */
  readonly lists: ReadonlySet<string>
}

export const MAX_OSLO_RULES = 10_000

/** What is wrong with a rule. These words are stable. */
export type OsloReason =
  /** An empty rule: oslo.policy allows everybody. */
  | 'empty'
  /** oslo.policy cannot read it, and denies; within `not` it allows. */
  | 'unreadable'
  /** It refers to a rule that is not there: oslo.policy takes the default rule, or denies. */
  | 'undefined-rule'
  /** Rules lead to each other: oslo.policy fails when it is asked. */
  | 'cycle'
  /** A server would decide. */
  | 'http'
  /** A check of an extension. */
  | 'extension'
  /** The old form of lists. Strict. */
  | 'list-form'
  /** There is a default rule that does more than deny. Strict. */
  | 'default-rule'
  /** The left side is neither a path nor a quoted text, True, False or None. Strict. */
  | 'left'
  /** The right side is more than text and `%(key)s`. Strict. */
  | 'right'
  /** No such role is known, or the target would choose it. Strict. */
  | 'role'
  /** No such credential is known. Strict. */
  | 'credential'
  /** No target has such a key. Strict. */
  | 'target-key'

export interface OsloFinding {
  /** Name of the rule. */
  readonly rule: string
  readonly reason: OsloReason
  /** The check that it is about. */
  readonly check: OsloCheck
  readonly message: string
}

export interface OsloReportOptions {
  /** Kinds of checks that extensions add, such as `field`: to the text alone they look like credentials. */
  readonly extensions?: ReadonlySet<string>
}

/** What there is to refer to. What is left out is not checked. */
export interface OsloStrictOptions extends OsloReportOptions {
  /** Roles of the registry; compared without regard to case, as oslo.policy does. */
  readonly roles?: ReadonlySet<string>
  /** Whether a credential can be at a dotted path. */
  readonly hasCredential?: (path: string) => boolean
  /** Whether a target can have a key. */
  readonly hasTargetKey?: (key: string) => boolean
}

/**
 * Read a policy file that was parsed already (YAML or JSON): rules by name, each a text or in the form of lists.
 *
 * Nothing is refused that oslo.policy would read; ask {@link osloFindings} or {@link strictOsloFindings}.
 *
 * @throws {@link UsageError} `ERR_POLICY_OSLO` for a rule that is neither, {@link LimitError} `ERR_LIMIT_EXCEEDED`
 */
export function readOsloDocument(document: Readonly<Record<string, unknown>>): OsloDocument {
  const entries = Object.entries(document)
  if (entries.length > MAX_OSLO_RULES) {
    throw new LimitError('ERR_LIMIT_EXCEEDED', `a policy has more than ${MAX_OSLO_RULES} rules`)
  }
  const lists = entries.filter(([, rule]) => Array.isArray(rule)).map(([name]) => name)
  return { rules: new Map(entries.map(([name, rule]) => [name, readRule(name, rule)])), lists: new Set(lists) }
}

function readRule(name: string, rule: unknown): OsloCheck {
  try {
    return typeof rule === 'string' ? parseOsloRule(rule) : parseOsloListRule(rule)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    throw refusal(name, 'form', error.message)
  }
}

/**
 * What oslo.policy would warn of or hide: rules that allow everybody because they are empty, deny because they cannot be
 * read, refer to nothing or to each other, or ask somebody else.
 *
 * @returns In the order of the rules, cycles last: one for each rule from which a cycle was first entered.
 */
export function osloFindings(
  { rules }: OsloDocument,
  { extensions = new Set() }: OsloReportOptions = {},
): readonly OsloFinding[] {
  const found = findings(rules, (check) => {
    if (check.kind === 'true' && check.why === 'empty') return ['empty', 'an empty rule allows everybody']
    if (check.kind === 'false' && check.why !== undefined) {
      return ['unreadable', `oslo.policy cannot read it (${check.why}): ${JSON.stringify(check.text ?? '')}`]
    }
    if (check.kind === 'rule' && !rules.has(check.name)) return ['undefined-rule', `there is no rule ${check.name}`]
    if (check.kind === 'http') return ['http', 'a server would decide']
    if (check.kind === 'generic' && extensions.has(check.left)) {
      return ['extension', `${check.left} is a check of an extension`]
    }
    return undefined
  })
  return [...found, ...cyclesOf(rules)]
}

/**
 * Everything for which a strict reader refuses a policy: what {@link osloFindings} finds, and what leaves the part
 * of the language that says what it means (paths into credentials, `%(key)s`, quoted texts, True, False, None).
 *
 * Not checked: whether the policy protects what it should.
 */
export function strictOsloFindings(document: OsloDocument, options: OsloStrictOptions = {}): readonly OsloFinding[] {
  const { rules, lists } = document
  const roles = options.roles && new Set([...options.roles].map((role) => role.toLowerCase()))
  const byRule = [...rules].flatMap(([rule, check]): OsloFinding[] => {
    if (lists.has(rule)) return [{ rule, check, reason: 'list-form', message: 'a rule is written as lists' }]
    if (rule !== OSLO_DEFAULT_RULE || (check.kind === 'false' && check.why === undefined)) return []
    return [{ rule, check, reason: 'default-rule', message: 'what has no rule is not simply denied' }]
  })
  const byCheck = findings(rules, (check) => {
    if (check.kind === 'role') {
      if (check.match.includes('%')) return ['role', 'the target chooses which role is asked for']
      return roles?.has(check.match.toLowerCase()) === false ? ['role', `there is no role ${check.match}`] : undefined
    }
    if (check.kind !== 'generic' || options.extensions?.has(check.left) === true) return undefined
    return faultOfLeft(check.left, options) ?? faultOfRight(check.right, options)
  })
  return [...osloFindings(document, options), ...byRule, ...byCheck]
}

/**
 * Require that {@link strictOsloFindings} finds nothing.
 *
 * @throws {@link UsageError} `ERR_POLICY_OSLO` with the rule and the {@link OsloReason} of the first finding
 */
export function requireStrictOslo(document: OsloDocument, options: OsloStrictOptions = {}): void {
  const [first] = strictOsloFindings(document, options)
  if (first !== undefined) throw refusal(first.rule, first.reason, `${formatOsloRule(first.check)}: ${first.message}`)
}

type Fault = readonly [OsloReason, string]

function findings(rules: OsloRules, judge: (check: OsloCheck) => Fault | undefined): readonly OsloFinding[] {
  return [...rules].flatMap(([rule, whole]) =>
    [...checksWithin(whole)].flatMap((check): OsloFinding[] => {
      const fault = judge(check)
      return fault === undefined ? [] : [{ rule, reason: fault[0], check, message: fault[1] }]
    }),
  )
}

/** A path is a row of plain words: what Python takes for one besides, such as `a-b`, reads like something else. */
const PATH = /^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*$/
/** Quoted, with nothing to be unescaped. */
const QUOTED = /^(?:'[^'"\\]*'|"[^'"\\]*")$/

function faultOfLeft(left: string, { hasCredential }: OsloStrictOptions): Fault | undefined {
  if (left === 'True' || left === 'False' || left === 'None' || QUOTED.test(left)) return undefined
  if (!PATH.test(left) || !isReadable(left)) {
    return ['left', 'the left side is neither a path nor a quoted text, True, False or None']
  }
  return hasCredential?.(left) === false ? ['credential', `there is no credential ${left}`] : undefined
}

/** Whether Python has no other opinion: `user.class` looks like a path. */
function isReadable(left: string): boolean {
  try {
    return parseLeft(left).is === 'path'
  } catch (error) {
    if (error instanceof OsloRaise || error instanceof OsloUnsupported) return false
    throw error
  }
}

function faultOfRight(right: string, { hasTargetKey }: OsloStrictOptions): Fault | undefined {
  for (const part of splitTemplate(right)) {
    if (typeof part === 'string') continue
    const { key, flags, width, precision, conversion } = part
    if (key === undefined || conversion !== 's' || flags + width + precision !== '') {
      return ['right', 'the right side is more than text and %(key)s']
    }
    if (hasTargetKey?.(key) === false) return ['target-key', `no target has a key ${key}`]
  }
  return undefined
}

/** Rules on the way that is being followed are open; those from which every way was followed are done. */
function cyclesOf(rules: OsloRules): readonly OsloFinding[] {
  const found: OsloFinding[] = []
  const done = new Set<string>()
  for (const start of rules.keys()) {
    const way: { readonly name: string; readonly references: string[] }[] = []
    const open = new Map<string, number>()
    const enter = (name: string): void => {
      if (done.has(name)) return
      const place = open.get(name)
      if (place !== undefined) {
        const names = way.slice(place, place + 10).map((step) => step.name)
        const message = `rules lead to each other: ${[...names, way.length > place + 10 ? '…' : name].join(', ')}`
        found.push({ rule: name, reason: 'cycle', check: { kind: 'rule', name }, message })
        return
      }
      open.set(name, way.length)
      way.push({ name, references: referencesOf(rules, name) })
    }
    enter(start)
    for (let last = way.at(-1); last !== undefined; last = way.at(-1)) {
      const next = last.references.pop()
      if (next !== undefined) enter(next)
      else {
        way.pop()
        open.delete(last.name)
        done.add(last.name)
      }
    }
  }
  return found
}

/** Rules to which a rule leads, the default rule for those that are not there. */
function referencesOf(rules: OsloRules, name: string): string[] {
  const names = new Set<string>()
  for (const check of checksWithin(rules.get(name) ?? { kind: 'false' })) {
    if (check.kind !== 'rule') continue
    if (rules.has(check.name)) names.add(check.name)
    else if (rules.has(OSLO_DEFAULT_RULE)) names.add(OSLO_DEFAULT_RULE)
  }
  return [...names]
}

function refusal(rule: string, reason: string, message: string): UsageError {
  return new UsageError('ERR_POLICY_OSLO', `the rule ${JSON.stringify(rule)} of the policy is refused: ${message}`, {
    details: { rule, reason },
    hint: 'write it so that it says what it decides, or leave it out',
  })
}
