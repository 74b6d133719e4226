/**
 * Deciding: may this verified sender send a message of this type there?
 *
 * Somebody may if a rule allows it and none denies it. Rules are a set: their order says nothing, and adding one that
 * denies never allows more.
 *
 * @module policy/policy (floor 6)
 */
import { DeniedError } from '../errors/index.js'
import type { Identity } from '../identity/index.js'
import type { JsonValue } from '../json/index.js'
import { type Check, checksOf, type Condition, holds, type Subject } from './condition.js'
import type { Destination } from './destination.js'
import { parsePolicyDocument, type PolicyDocument } from './document.js'
import { kindOf, type MessageKind } from './message-kind.js'
import { TypePattern } from './message-type.js'
import type { Rule } from './vocabulary.js'

/** What is asked. */
export interface PolicyQuestion {
  /** Who sends: from a verified certificate, never from the message. */
  readonly sender: Identity
  readonly type: string
  /** The name at which the message arrives. */
  readonly destination: string
  /** Scope in which it takes effect: the receiver's own. Default: that of the declared destination. */
  readonly scope?: string
  /** The parsed content. Without it, no binding holds. */
  readonly content?: JsonValue
}

export interface Decision {
  readonly outcome: 'allowed' | 'denied'
  /** `rule`: one decided. `unmatched`: no rule allows it. The others: the policy knows no such message or destination. */
  readonly because: 'rule' | 'unmatched' | 'unknown-type' | 'unknown-destination'
  /** The rule that decided: the first that allows, or the first that denies. */
  readonly rule: string | undefined
  /** Every rule that is about this type and destination, with its checks. */
  readonly considered: readonly ConsideredRule[]
}

export interface ConsideredRule {
  readonly rule: string
  readonly effect: 'allow' | 'deny'
  readonly held: boolean
  readonly checks: readonly Check[]
}

/**
 * How much of what was looked up is kept: rules, and as many more for each type and destination. Destinations are those
 * that are declared, but types may be made up by whoever may send some of a pattern.
 */
const MAX_KEPT = 500_000
const KEPT_EACH = 16

/** A policy that was read and found whole. */
export class Policy {
  readonly document: PolicyDocument
  /** Every pattern that is written in it, once. */
  readonly patterns: readonly TypePattern[]
  readonly #exact = new Map<string, Rule[]>()
  readonly #open: Rule[] = []
  readonly #order: ReadonlyMap<Rule, number>
  readonly #found = new Map<string, readonly Rule[]>()
  #kept = 0

  constructor(document: PolicyDocument) {
    this.document = document
    this.#order = new Map(document.rules.map((rule, index) => [rule, index]))
    const patterns = new Map(document.messages.map(({ pattern }) => [pattern.text, pattern]))
    for (const rule of document.rules) {
      for (const pattern of [...rule.types, ...rule.except]) patterns.set(pattern.text, pattern)
      if (rule.types.some((type) => !type.isExact)) this.#open.push(rule)
      else for (const { text } of rule.types) this.#addExact(text, rule)
    }
    this.patterns = [...patterns.values()]
  }

  #addExact(type: string, rule: Rule): void {
    const rules = this.#exact.get(type)
    if (rules === undefined) this.#exact.set(type, [rule])
    else rules.push(rule)
  }

  /** The kind of message that a type is of. */
  kindOf(type: string): MessageKind | undefined {
    return kindOf(this.document.messages, type)
  }

  /** The declared destination that a name is one of. */
  destinationOf(name: string): Destination | undefined {
    return this.document.destinations.find(name)
  }

  /**
   * The rules that are about a type, or about all types of a pattern, and a declared destination, in the order of the
   * file.
   */
  rulesFor(type: string, destination: Destination): readonly Rule[] {
    const key = `${type} ${destination.name}`
    const known = this.#found.get(key)
    if (known !== undefined) return known
    const pattern = new TypePattern(type)
    const isWithin = (outer: TypePattern): boolean => outer.includes(pattern)
    const found = [
      ...new Set([
        ...(this.#exact.get(type) ?? []),
        ...this.#open.filter(({ types, except }) => types.some(isWithin) && !except.some(isWithin)),
      ]),
    ]
      .filter(({ destinations }) => destinations.has(destination.name))
      .sort((a, b) => (this.#order.get(a) ?? 0) - (this.#order.get(b) ?? 0))
    this.#kept += found.length + KEPT_EACH
    if (this.#kept > MAX_KEPT) {
      this.#found.clear()
      this.#kept = found.length + KEPT_EACH
    }
    this.#found.set(key, found)
    return found
  }

  /** Whether some rule for this type and destination looks into the content. */
  readsContent(type: string, destination: string): boolean {
    const declared = this.kindOf(type) === undefined ? undefined : this.destinationOf(destination)
    return declared !== undefined && this.rulesFor(type, declared).some(({ condition }) => looksInside(condition))
  }

  /** Decide. Never throws: what the policy does not know is denied. */
  decide(question: PolicyQuestion): Decision {
    const denied = (because: Decision['because']): Decision => ({
      outcome: 'denied',
      because,
      rule: undefined,
      considered: [],
    })
    if (this.kindOf(question.type) === undefined) return denied('unknown-type')
    const destination = this.destinationOf(question.destination)
    if (destination === undefined) return denied('unknown-destination')
    const subject: Subject = {
      identity: question.sender,
      scope: question.scope ?? destination.scope,
      destination: question.destination,
      content: question.content,
    }
    const considered = this.rulesFor(question.type, destination).map((rule): ConsideredRule => {
      const held = holds(rule.condition, subject)
      return {
        rule: rule.name,
        effect: rule.effect,
        // What is not known does not allow, and does deny.
        held: rule.effect === 'allow' ? held === true : held !== false,
        checks: checksOf(rule.condition, subject),
      }
    })
    const decisive =
      considered.find(({ effect, held }) => held && effect === 'deny') ?? considered.find(({ held }) => held)
    return {
      outcome: decisive?.effect === 'allow' ? 'allowed' : 'denied',
      because: decisive === undefined ? 'unmatched' : 'rule',
      rule: decisive?.rule,
      considered,
    }
  }

  /**
   * Decide, and throw unless it is allowed.
   *
   * @returns The decision, which names the rule that allows it.
   * @throws {@link DeniedError} `ERR_POLICY_DENIED` naming the rule that denies, or the checks that failed
   */
  authorize(question: PolicyQuestion): Decision {
    const decision = this.decide(question)
    if (decision.outcome === 'allowed') return decision
    const { sender, type, destination } = question
    throw new DeniedError(
      'ERR_POLICY_DENIED',
      `${sender.entity} may not send ${type} to ${destination}: ${why(decision)}`,
      {
        details: {
          signer: sender.uri,
          roles: sender.roles.join(' '),
          type,
          destination,
          because: decision.because,
          ...(decision.rule === undefined ? {} : { rule: decision.rule }),
          ...failedChecks(decision),
        },
        hint: 'signet policy explain tells which rules were asked',
      },
    )
  }
}

/** Why a message is denied, in words. */
export function why({ because, rule, considered }: Decision): string {
  if (because === 'unknown-type') return 'the policy knows no such message'
  if (because === 'unknown-destination') return 'the policy knows no such destination'
  if (rule !== undefined) return `the rule ${rule} denies it`
  return considered.length === 0 ? 'no rule is about it' : 'no rule allows it'
}

const MAX_DETAILS = 8

function failedChecks({ considered }: Decision): Readonly<Record<string, string>> {
  const failed = considered
    .filter(({ effect, held }) => effect === 'allow' && !held)
    .slice(0, MAX_DETAILS)
    .map(({ rule, checks }) => [
      `rule ${rule}`,
      `does not hold: ${checks
        .filter(({ held }) => held !== true)
        .map(({ check }) => check)
        .join(', ')}`,
    ])
  return Object.fromEntries(failed) as Record<string, string>
}

function looksInside(condition: Condition): boolean {
  if (condition.kind === 'and' || condition.kind === 'or') return condition.of.some(looksInside)
  if (condition.kind === 'not') return looksInside(condition.of)
  return condition.kind === 'binding' || condition.kind === 'field'
}

/**
 * Parse a policy in YAML or JSON.
 *
 * @throws {@link UsageError} `ERR_POLICY_INVALID`
 */
export function parsePolicy(text: string): Policy {
  return new Policy(parsePolicyDocument(text))
}
