/**
 * The routing slip: those whom the signed route names check the message off, one after the other. Each countersigns the
 * signature of the one before (RFC 5652 §11.4), and the first that of the message, so that the slip is a chain inside the
 * message, of which nothing can be taken out, put in or moved but its end.
 *
 * That the end may be missing is why a receiver says how much must be there. An entry of the route is an entity, or an
 * identity URI where it has `://`.
 *
 * @module message/routing-slip (floor 7)
 */
import { OID, oidName } from '../asn1/index.js'
import { attributeValue, countersignaturesOf, type SignerInfo, verifyCountersignature } from '../cms/index.js'
import { DeniedError, InternalError, StaleError, TrustError, UsageError } from '../errors/index.js'
import type { Identity } from '../identity/index.js'
import { addSeconds } from '../time/index.js'
import type { TrustDirectory } from '../trust/index.js'
import type { Certificate } from '../x509/index.js'
import { readMessageContext } from './context.js'
import { isOfMessage, readRouteStep, type RouteStep } from './route-step.js'
import { trustedSigner } from './trusted-signer.js'

/** How much of the route a receiver wants done. */
export type RoutePolicy = (
  | { readonly require: 'complete' }
  /** For who is a step, and named so in the route: all before are done, this one is next. */
  | { readonly require: 'up-to-me'; readonly me: string }
  /** Whatever is checked off must hold; everything, or nothing, may be missing. */
  | { readonly require: 'allow-partial' }
) & {
  /** The very route that must be planned. Default: whichever the signer planned. */
  readonly planned?: readonly string[]
}

/** A step that was checked off. */
export interface DoneStep {
  /** The entry of the route. */
  readonly entry: string
  /** From the trust directory. */
  readonly signer: Identity
  readonly certificate: Certificate
  /** The step's own claim; no earlier than that of the step before, and no later than now, but for the skew. */
  readonly signingTime: Date
}

let prove: (planned: readonly string[], steps: readonly DoneStep[], der: Uint8Array) => VerifiedRoute
let open: (route: VerifiedRoute) => Uint8Array

/** The proof of who checked off which steps. Part of a verified message; nothing else makes one. */
export class VerifiedRoute {
  static {
    prove = (planned, steps, der) => new VerifiedRoute(planned, steps, der)
    open = (route) => route.#der
  }
  readonly planned: readonly string[]
  /** The first so many of the route. */
  readonly steps: readonly DoneStep[]
  /** Who is to check it off now; `undefined` where all have. */
  readonly next: string | undefined
  readonly #der: Uint8Array

  private constructor(planned: readonly string[], steps: readonly DoneStep[], der: Uint8Array) {
    this.planned = Object.freeze([...planned])
    this.steps = Object.freeze(steps.map((step) => Object.freeze(step)))
    this.next = planned[steps.length]
    this.#der = Uint8Array.from(der)
    Object.freeze(this)
  }
}

/** The message that a route was verified in. */
export function documentOf(route: VerifiedRoute): Uint8Array {
  return Uint8Array.from(open(route))
}

/** A message whose own signature verified. */
export interface RoutedMessage {
  readonly der: Uint8Array
  readonly signerInfo: SignerInfo
  readonly planned: readonly string[] | undefined
  readonly signingTime: Date
}

export interface VerifyRouteRequest {
  readonly route?: RoutePolicy
  readonly trust: TrustDirectory
  readonly at: Date
  /** Of the steps, as of the message. Default `'required'`. */
  readonly revocation?: 'required' | 'allow-directory-only'
}

/**
 * Verify the slip of a message, step by step: each signer is in the trust directory with a valid path, is the one whom
 * the route names there, and signed this step of this message after the step before.
 *
 * Does not verify the message itself.
 *
 * @param skewSeconds - How far clocks may differ.
 * @returns `undefined` where no route is planned and none is wanted.
 * @throws {@link DeniedError} `ERR_ROUTE_*` · {@link TrustError} `ERR_ROUTE_OTHER_MESSAGE`, those of CMS and paths
 * · {@link StaleError} `ERR_ROUTE_TIME`
 */
export function verifyRoute(
  message: RoutedMessage,
  request: VerifyRouteRequest,
  skewSeconds: number,
): VerifiedRoute | undefined {
  const { planned, signerInfo } = message
  const { route: wanted } = request
  if (wanted === undefined) {
    if (planned === undefined) return undefined
    throw new DeniedError('ERR_ROUTE_UNCHECKED', `the message is to pass ${planned.join(', ')} on its way`, {
      details: { route: planned.join(' ') },
      hint: 'say how much of the route must be done',
    })
  }
  if (planned === undefined) throw new DeniedError('ERR_ROUTE_ABSENT', 'the message plans no route')
  checkPlan(planned, wanted)
  const slip = statedSteps(signerInfo, planned)
  checkSequence(
    slip.map(({ said }) => said.step),
    planned,
  )
  const steps: DoneStep[] = []
  let latest = message.signingTime
  for (const [index, { said, signature }] of slip.entries()) {
    if (!isOfMessage(said, signerInfo)) {
      throw new TrustError('ERR_ROUTE_OTHER_MESSAGE', `step ${index + 1} was checked off for another message`)
    }
    const step = verifyStep(slip[index - 1]?.signature ?? signerInfo, signature, planned, index, request)
    latest = checkStepTime(step, latest, request.at, skewSeconds)
    steps.push(step)
  }
  checkDone(planned, steps.length, wanted)
  return prove(planned, steps, message.der)
}

/** Refuse a route policy that does not say what it wants. @throws {@link UsageError} `ERR_CONFIG_INVALID` */
export function checkRoutePolicy(policy: RoutePolicy): void {
  const { require, planned, ...rest } = policy as Partial<Record<'require' | 'planned' | 'me', unknown>>
  const isNamed = require === 'up-to-me' ? typeof rest.me === 'string' && rest.me !== '' : !('me' in rest)
  const isKnown = require === 'complete' || require === 'up-to-me' || require === 'allow-partial'
  const others = Object.keys(rest).filter((key) => key !== 'me')
  if (!isKnown || !isNamed || others.length > 0 || !(planned === undefined || Array.isArray(planned))) {
    throw new UsageError('ERR_CONFIG_INVALID', 'the policy of the receiver does not say how much of a route is wanted')
  }
}

/** Whether an entry of a route means somebody. */
export function isEntryOf(entry: string, { entity, uri }: Identity): boolean {
  return entry === (entry.includes('://') ? uri : entity)
}

/** A step as the message says it. */
export interface StatedStep {
  /** What the step says; not verified. */
  readonly said: RouteStep
  readonly signature: SignerInfo
}

/** The route that a message plans, as it says. Believes nothing. @throws {@link EncodingError} */
export function planOf(message: SignerInfo): readonly string[] | undefined {
  return attributeValue(message.signedAttrs, OID.signetMessageContext, readMessageContext)?.route
}

/**
 * The slip of a message, as it says. Believes nothing, and reads no more steps than are planned.
 *
 * @throws {@link DeniedError} `ERR_ROUTE_DUPLICATE`, `ERR_ROUTE_FOREIGN` · {@link TrustError} `ERR_CMS_UNSIGNED_ATTRIBUTE`,
 * `ERR_CMS_SIGNED_ATTRIBUTES` · {@link EncodingError}
 */
export function statedSteps(message: SignerInfo, planned: readonly string[]): readonly StatedStep[] {
  const slip: StatedStep[] = []
  for (let signer = message; ;) {
    const stray = [...signer.unsignedAttrs.keys()].find((type) => type !== OID.counterSignature)
    if (stray !== undefined) {
      throw new TrustError('ERR_CMS_UNSIGNED_ATTRIBUTE', `the unsigned attribute ${oidName(stray)} is not of a slip`)
    }
    const [signature, beside] = countersignaturesOf(signer)
    if (signature === undefined) return slip
    if (beside !== undefined) {
      throw new DeniedError('ERR_ROUTE_DUPLICATE', `step ${slip.length + 1} is checked off by two beside each other`)
    }
    if (slip.length === planned.length) {
      throw new DeniedError('ERR_ROUTE_FOREIGN', `more than the ${planned.length} planned steps are checked off`)
    }
    const said = attributeValue(signature.signedAttrs, OID.signetRouteStep, readRouteStep)
    if (said === undefined) {
      throw new TrustError('ERR_CMS_SIGNED_ATTRIBUTES', 'a countersignature does not say which step it is', {
        hint: 'steps are checked off with signet route check-off',
      })
    }
    slip.push({ said, signature })
    signer = signature
  }
}

function checkPlan(route: readonly string[], wanted: RoutePolicy): void {
  const details = { route: route.join(' ') }
  const { planned } = wanted
  if (planned !== undefined && (planned.length !== route.length || planned.some((entry, at) => entry !== route[at]))) {
    throw new DeniedError('ERR_ROUTE_PLAN', `the message is to pass ${route.join(', ')} on its way`, {
      details: { ...details, wanted: planned.join(' ') },
    })
  }
  if (wanted.require === 'up-to-me' && !route.includes(wanted.me)) {
    throw new DeniedError('ERR_ROUTE_PLAN', `the route does not lead over ${wanted.me}`, { details })
  }
}

/**
 * What the steps say they are, one after the other, is 1, 2, 3. The signatures decide; this tells what went wrong in words
 * that help.
 */
function checkSequence(said: readonly number[], planned: readonly string[]): void {
  for (const [index, step] of said.entries()) {
    const expected = index + 1
    if (step === expected) continue
    const details = { expected: String(expected), found: String(step), route: planned.join(' ') }
    if (said.slice(0, index).includes(step)) {
      throw new DeniedError('ERR_ROUTE_DUPLICATE', `step ${step} is checked off twice`, { details })
    }
    if (said.slice(index + 1).includes(expected)) {
      throw new DeniedError('ERR_ROUTE_ORDER', `step ${step} is checked off before step ${expected}`, { details })
    }
    if (step > planned.length) {
      throw new DeniedError('ERR_ROUTE_FOREIGN', `step ${step} is checked off, which is not planned`, { details })
    }
    throw new DeniedError('ERR_ROUTE_INCOMPLETE', `step ${expected} is missing before step ${step}`, { details })
  }
}

function verifyStep(
  before: SignerInfo,
  signature: SignerInfo,
  planned: readonly string[],
  index: number,
  { trust, at, revocation = 'required' }: VerifyRouteRequest,
): DoneStep {
  const signer = trustedSigner(signature.sid, trust)
  const { certificateBound, signingTime } = verifyCountersignature(before, signature, signer.certificate)
  if (!certificateBound || signingTime === undefined) {
    throw new TrustError('ERR_CMS_SIGNED_ATTRIBUTES', `step ${index + 1} does not say when, or with which certificate`)
  }
  const { target } = signer.validate(at, revocation)
  const entry = planned[index]
  if (entry === undefined) throw new InternalError('ERR_INTERNAL', 'a step is beyond its route')
  requireEntry(planned, index, signer.identity)
  return { entry, signer: signer.identity, certificate: target, signingTime }
}

/** Refuse who is not the one whom the route names at this place (from 0). */
export function requireEntry(planned: readonly string[], index: number, identity: Identity): void {
  const entry = planned[index] ?? ''
  if (isEntryOf(entry, identity)) return
  const details = { step: String(index + 1), planned: entry, signer: identity.uri }
  throw planned.some((other) => isEntryOf(other, identity))
    ? new DeniedError(
        'ERR_ROUTE_ORDER',
        `step ${index + 1} is for ${entry}, not yet or no more for ${identity.entity}`,
        {
          details,
        },
      )
    : new DeniedError('ERR_ROUTE_FOREIGN', `step ${index + 1} is for ${entry}, not for ${identity.entity}`, { details })
}

/** @returns The latest time so far: small steps back do not add up. */
function checkStepTime({ entry, signingTime }: DoneStep, latest: Date, at: Date, skewSeconds: number): Date {
  const details = { step: entry, signingTime: signingTime.toISOString(), before: latest.toISOString() }
  const hint = 'check the clocks of the machines on the route'
  if (signingTime < addSeconds(latest, -skewSeconds)) {
    throw new StaleError('ERR_ROUTE_TIME', `${entry} checked the message off before what it follows was signed`, {
      details,
      hint,
    })
  }
  if (signingTime > addSeconds(at, skewSeconds)) {
    throw new StaleError('ERR_ROUTE_TIME', `${entry} checked the message off later than now`, { details, hint })
  }
  return signingTime > latest ? signingTime : latest
}

function checkDone(planned: readonly string[], done: number, wanted: RoutePolicy): void {
  if (wanted.require === 'allow-partial') return
  const missing = wanted.require === 'complete' ? planned.slice(done) : missingBefore(wanted.me, planned, done)
  if (missing.length > 0) {
    throw new DeniedError('ERR_ROUTE_INCOMPLETE', `the message was not checked off by ${missing.join(', ')}`, {
      details: { route: planned.join(' '), done: String(done) },
      hint: 'somebody left a step out, or took check-offs away',
    })
  }
}

function missingBefore(me: string, planned: readonly string[], done: number): readonly string[] {
  const mine = planned.indexOf(me, done)
  if (mine >= 0) return planned.slice(done, mine)
  throw new DeniedError('ERR_ROUTE_DUPLICATE', `${me} checked the message off already`, {
    details: { route: planned.join(' '), done: String(done) },
  })
}
