/**
 * What oslo.policy's enforcer decides about a rule, and by which of its checks.
 *
 * Where oslo.policy lets an exception pass, nothing is decided and the answer is no, also within a `not`: so do we.
 *
 * @module oslo/enforce (floor 5)
 */
import { LimitError } from '../errors/index.js'
import { formatOsloRule, MAX_OSLO_DEPTH, type OsloCheck } from './check.js'
import { parseLeft } from './left.js'
import { fillTemplate } from './template.js'
import {
  isList,
  isRecord,
  isTruthy,
  OsloRaise,
  type OsloRecord,
  OsloUnsupported,
  type OsloValue,
  strOf,
} from './value.js'

export type OsloRules = ReadonlyMap<string, OsloCheck>

export interface OsloQuestion {
  /** What `rule:` refers to. */
  readonly rules: OsloRules
  /** Who asks. Never anything that comes out of a message. */
  readonly credentials: OsloRecord
  /** What is asked for: flat keys. */
  readonly target: OsloRecord
  /** Stands for rules that do not exist, if it does: the name of another, or a check. {@link OSLO_DEFAULT_RULE}. */
  readonly defaultRule?: string | OsloCheck
}

/** What oslo.policy takes for the default rule where nobody says. */
export const OSLO_DEFAULT_RULE = 'default'

/** Most checks that are asked for one decision. */
export const MAX_OSLO_STEPS = 100_000

/** Why nothing was decided: denied. */
export interface OsloRefusal {
  /**
   * `cycle`: rules that lead to each other, where oslo.policy recurses until Python stops it. `http`: a server would
   * have to be asked. `raises`: Python raises `error`. `unsupported`: only Python can say.
   */
  readonly kind: 'cycle' | 'http' | 'raises' | 'unsupported'
  /** The class of Python's exception. */
  readonly error?: string
  readonly message: string
}

/** A check that was asked, and what it said. */
export interface OsloStep {
  readonly check: OsloCheck
  readonly said: 'true' | 'false' | 'refused'
  /** The checks that it asked, in order; those that were not needed are not there. */
  readonly of: readonly OsloStep[]
  /** Why, where the checks asked do not say it. */
  readonly why?: string
  readonly refusal?: OsloRefusal
}

export interface OsloDecision {
  readonly allowed: boolean
  /** Given where the answer is no because nothing was decided. */
  readonly refusal?: OsloRefusal
  readonly trace: OsloStep
}

/**
 * Decide as oslo.policy: short circuits, the default rule, text comparison by Python's `str`, and what Python raises.
 *
 * Not looked at: the `scope_types` of a rule. Never done: the requests of `http:` checks.
 *
 * @param rule - The name of a rule, or a check.
 * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED`: more than {@link MAX_OSLO_STEPS} checks, or deeper than
 * {@link MAX_OSLO_DEPTH}
 */
export function enforceOslo(rule: string | OsloCheck, question: OsloQuestion): OsloDecision {
  const trace = new Enforcement(question).start(rule)
  const refusal = refusalIn(trace)
  return { allowed: trace.said === 'true', ...(refusal === undefined ? {} : { refusal }), trace }
}

/** A trace as lines: each check that was asked and what it said, those that it asked below it. */
export function osloTraceLines(step: OsloStep): readonly string[] {
  const why = step.refusal?.message ?? step.why
  const line = `${formatOsloRule(step.check)} is ${step.said}${why === undefined ? '' : `: ${why}`}`
  return [line, ...step.of.flatMap(osloTraceLines).map((one) => `  ${one}`)]
}

function refusalIn(step: OsloStep): OsloRefusal | undefined {
  if (step.said !== 'refused') return undefined
  const last = step.of.at(-1)
  return step.refusal ?? (last === undefined ? undefined : refusalIn(last))
}

class Enforcement {
  readonly #rules: OsloRules
  readonly #credentials: OsloRecord
  readonly #target: OsloRecord
  readonly #defaultRule: string | OsloCheck
  /** Names of the rules that are being asked. */
  readonly #open: string[] = []
  #steps = 0
  #depth = 0

  constructor({ rules, credentials, target, defaultRule = OSLO_DEFAULT_RULE }: OsloQuestion) {
    this.#rules = rules
    // The one credential that has two names: checks are written for `system`.
    const system = Object.hasOwn(credentials, 'system_scope') ? credentials['system_scope'] : undefined
    this.#credentials = system !== undefined && isTruthy(system) ? { ...credentials, system } : credentials
    this.#target = target
    this.#defaultRule = defaultRule
  }

  start(rule: string | OsloCheck): OsloStep {
    if (typeof rule !== 'string') return this.#ask(rule)
    const check = { kind: 'rule', name: rule } as const
    // By name nothing is looked up in no rules, not even a default that is a check.
    return this.#rules.size === 0 ? { check, said: 'false', of: [], why: 'there are no rules' } : this.#ask(check)
  }

  #ask(check: OsloCheck): OsloStep {
    if (++this.#steps > MAX_OSLO_STEPS || this.#depth === MAX_OSLO_DEPTH) {
      throw new LimitError('ERR_LIMIT_EXCEEDED', 'a decision asks too many checks, or too deep', {
        details: { steps: String(MAX_OSLO_STEPS), depth: String(MAX_OSLO_DEPTH) },
      })
    }
    this.#depth++
    const step = this.#answer(check)
    this.#depth--
    return step
  }

  #answer(check: OsloCheck): OsloStep {
    switch (check.kind) {
      case 'true':
        return answered(check, true, check.why === undefined ? undefined : 'an empty rule allows')
      case 'false':
        return answered(check, false, check.why === undefined ? undefined : `not understood: ${check.why}`)
      case 'and':
      case 'or':
        return this.#group(check, check.of)
      case 'not': {
        const step = this.#ask(check.of)
        const said = step.said === 'refused' ? 'refused' : step.said === 'true' ? 'false' : 'true'
        return { check, said, of: [step] }
      }
      case 'rule':
        return this.#rule(check, check.name)
      case 'http': {
        const message = `${check.scheme} checks are not performed`
        return { check, said: 'refused', of: [], refusal: { kind: 'http', message } }
      }
      case 'role':
        return this.#compared(check, check.match, (match) => this.#hasRole(match))
      case 'generic':
        return this.#compared(check, check.right, (match) => this.#isEqual(check.left, match))
    }
  }

  /** The first that says `decisive` decides; oslo.policy asks no further. */
  #group(check: Extract<OsloCheck, { readonly kind: 'and' | 'or' }>, parts: readonly OsloCheck[]): OsloStep {
    const others = check.kind === 'and' ? 'true' : 'false'
    const of: OsloStep[] = []
    for (const part of parts) {
      const step = this.#ask(part)
      of.push(step)
      if (step.said !== others) return { check, said: step.said, of }
    }
    return { check, said: others, of }
  }

  #rule(check: OsloCheck, name: string): OsloStep {
    const found = this.#rules.get(name)
    const referred = found ?? this.#default()
    if (referred === undefined) return answered(check, false, 'there is no such rule')
    if (this.#open.includes(name)) {
      const message = `rules lead to each other: ${[...this.#open.slice(this.#open.indexOf(name)), name].join(', ')}`
      return { check, said: 'refused', of: [], refusal: { kind: 'cycle', message } }
    }
    this.#open.push(name)
    const step = this.#ask(referred)
    this.#open.pop()
    const why = found === undefined ? { why: 'there is no such rule: the default rule' } : {}
    return { check, said: step.said, of: [step], ...why }
  }

  #default(): OsloCheck | undefined {
    return typeof this.#defaultRule === 'string' ? this.#rules.get(this.#defaultRule) : this.#defaultRule
  }

  /** Fill the template and compare. What Python raises becomes a refusal. */
  #compared(check: OsloCheck, template: string, compare: (match: string) => boolean): OsloStep {
    try {
      const match = fillTemplate(template, this.#target)
      if (match === undefined) return answered(check, false, 'the target has not all of its keys')
      return answered(check, compare(match))
    } catch (error) {
      if (error instanceof OsloRaise) {
        const message = `oslo.policy raises ${error.kind}: ${error.message}`
        return { check, said: 'refused', of: [], refusal: { kind: 'raises', error: error.kind, message } }
      }
      if (!(error instanceof OsloUnsupported)) throw error
      return { check, said: 'refused', of: [], refusal: { kind: 'unsupported', message: error.message } }
    }
  }

  #hasRole(match: string): boolean {
    if (!Object.hasOwn(this.#credentials, 'roles')) return false
    const wanted = match.toLowerCase()
    // All are looked at before one is compared: something else than text among them is an error in any case.
    return iterated(this.#credentials['roles'] ?? null)
      .map(lowered)
      .includes(wanted)
  }

  #isEqual(left: string, match: string): boolean {
    const parsed = parseLeft(left)
    if (parsed.is === 'literal') return parsed.text === match
    return holds(this.#credentials, parsed.segments, match)
  }
}

/** Whether the value at a path is this text; of a list any element's. */
function holds(value: OsloValue, [key, ...rest]: readonly string[], match: string): boolean {
  if (key === undefined) return strOf(value) === match
  if (!isRecord(value)) throw new OsloRaise('TypeError', 'a path leads into what is no dictionary')
  const next = Object.hasOwn(value, key) ? value[key] : undefined
  if (next === undefined) return false
  return isList(next) ? next.some((item) => holds(item, rest, match)) : holds(next, rest, match)
}

/** What Python's `for` yields: a text its characters, a dictionary its keys. */
function iterated(value: OsloValue): readonly OsloValue[] {
  if (typeof value === 'string') return Array.from(value)
  if (isList(value)) return value
  if (isRecord(value)) return Object.keys(value)
  throw new OsloRaise('TypeError', 'roles are no list')
}

function lowered(role: OsloValue): string {
  if (typeof role === 'string') return role.toLowerCase()
  throw new OsloRaise('AttributeError', 'a role is no text')
}

function answered(check: OsloCheck, said: boolean, why?: string): OsloStep {
  return { check, said: said ? 'true' : 'false', of: [], ...(why === undefined ? {} : { why }) }
}
