/**
 * What a receiver wants of a message: whose, for whom, of which types, how old, by which rules.
 *
 * @module message/message-policy (floor 7)
 */
import { UsageError } from '../errors/index.js'
import { type Identity, isScopePath } from '../identity/index.js'
import type { JsonValue } from '../json/index.js'
import { type Binding, Policy } from '../policy/index.js'
import { MINUTE } from '../time/index.js'
import { TrustDirectory } from '../trust/index.js'
import type { MessageContext } from './context.js'
import type { ReplayStore } from './replay.js'
import { checkRoutePolicy, type RoutePolicy } from './routing-slip.js'
import type { WantedSenders } from './trusted-signer.js'

/**
 * Reads the content of messages: what it yields is what bindings and rules see. It throws where the content is not what type
 * and destination say that it is.
 */
export type ContentReader = (content: Uint8Array, context: MessageContext) => JsonValue

/** Compares what a carrier says of one message with what was signed, and throws where they differ. */
export type CarrierCheck = (context: MessageContext, signer: Identity) => void

/** What a receiver wants. Everything must be said; what is laxer says `allow`. */
export interface MessagePolicy {
  readonly trust: TrustDirectory
  /** The receiver's own names; or any, for who only archives or inspects. */
  readonly destinations: readonly string[] | 'allow-any'
  readonly senders: WantedSenders | 'allow-any-trusted'
  /** Types or patterns of them, as `notify.*`. */
  readonly types: readonly string[] | 'allow-any'
  /** Oldest signing time, whatever lifetime the sender wrote. */
  readonly maxAgeSeconds: number
  readonly replay: ReplayStore | 'allow-unchecked'
  readonly at: Date
  /** Asked for every message, where there is one. Default: strict JSON, read where bindings or rules need it. */
  readonly reader?: ContentReader
  /** What the broker said of this very message: its address, its publisher. Default: nothing was said. */
  readonly carrier?: CarrierCheck
  /** Fields of the JSON content that must be the signer's own. Default none. */
  readonly bindings?: readonly Binding[]
  /** Which roles may send which types where. Without one, only what is above is asked. */
  readonly authorization?: Policy
  /** The receiver's own scope, where messages take effect: for rules that ask for a role there. */
  readonly scope?: string
  /** How much of the route must be done. Without it, messages that plan a route are refused. */
  readonly route?: RoutePolicy
  /** Whether CRLs must be current, or being in the current trust directory is enough. Default `'required'`. */
  readonly revocation?: 'required' | 'allow-directory-only'
  /** How far clocks may differ. Default {@link DEFAULT_SKEW_SECONDS}. */
  readonly skewSeconds?: number
}

export const DEFAULT_SKEW_SECONDS = MINUTE
/** The longest skew that is still a skew. */
const MAX_SKEW_SECONDS = 60 * MINUTE

const POLICY_KEYS: ReadonlySet<string> = new Set([
  'trust',
  'destinations',
  'senders',
  'types',
  'maxAgeSeconds',
  'replay',
  'at',
  'reader',
  'carrier',
  'bindings',
  'authorization',
  'scope',
  'route',
  'revocation',
  'skewSeconds',
] satisfies readonly (keyof MessagePolicy)[])

/**
 * Refuse a policy that does not say what it wants: it would get whatever comes. Callers in JavaScript have no compiler to
 * tell them.
 *
 * @throws {@link UsageError} `ERR_CONFIG_INVALID`
 */
export function checkPolicy(policy: MessagePolicy): void {
  const refuse = (what: string): UsageError =>
    new UsageError('ERR_CONFIG_INVALID', `the policy of the receiver ${what}`)
  if (!isObject(policy)) throw refuse('is missing')
  const stranger = Object.keys(policy).find((key) => !POLICY_KEYS.has(key))
  if (stranger !== undefined) throw refuse(`has an unknown option: ${stranger}`)
  const { trust, destinations, senders, types, maxAgeSeconds, replay, at, bindings } = policy
  if (!(trust instanceof TrustDirectory)) throw refuse('names no trust directory')
  const skew = policy.skewSeconds ?? DEFAULT_SKEW_SECONDS
  if (destinations !== 'allow-any' && !isFilled(destinations)) throw refuse('names no destination')
  if (types !== 'allow-any' && !isFilled(types)) throw refuse('names no type')
  if (senders !== 'allow-any-trusted') {
    if (!isObject(senders)) throw refuse('names no sender')
    const lists = Object.entries(senders as Record<string, unknown>)
    const unknown = lists.find(([name]) => !['entities', 'uris', 'roles'].includes(name))
    if (unknown !== undefined) throw refuse(`has an unknown way to name senders: ${unknown[0]}`)
    if (lists.length === 0 || !lists.every(([, list]) => isFilled(list))) throw refuse('names no sender')
  }
  if (replay !== 'allow-unchecked' && typeof (replay as Partial<ReplayStore> | undefined)?.remember !== 'function') {
    throw refuse('has no replay memory')
  }
  if (!(Number.isFinite(maxAgeSeconds) && maxAgeSeconds > 0)) throw refuse('says no maximum age')
  if (!(Number.isFinite(skew) && skew >= 0 && skew <= MAX_SKEW_SECONDS))
    throw refuse('allows a senseless difference of clocks')
  if (!(at instanceof Date) || Number.isNaN(at.getTime())) throw refuse('says no time')
  if (bindings !== undefined && !isBindings(bindings)) throw refuse('has bindings that were not parsed')
  for (const hook of ['reader', 'carrier'] as const) {
    if (Object.hasOwn(policy, hook) && typeof policy[hook] !== 'function')
      throw refuse(`has a ${hook} that is no function`)
  }
  // Whoever failed to load a policy, and hands over what came of it, does not mean to do without one.
  if (Object.hasOwn(policy, 'authorization') && !(policy.authorization instanceof Policy)) {
    throw refuse('has an authorization that is no policy')
  }
  if (policy.route !== undefined) checkRoutePolicy(policy.route)
  if (![undefined, 'required', 'allow-directory-only'].includes(policy.revocation))
    throw refuse('has an unknown revocation stance')
  const scope: unknown = policy.scope
  if (scope !== undefined && !(typeof scope === 'string' && isScopePath(scope))) {
    throw refuse('has a scope that is no path')
  }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isBindings(value: unknown): boolean {
  return Array.isArray(value) && value.every((item: Partial<Binding>) => typeof item.wanted === 'function')
}

function isFilled(list: unknown): boolean {
  return Array.isArray(list) && list.length > 0 && list.every((item) => typeof item === 'string' && item !== '')
}
