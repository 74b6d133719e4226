/**
 * Destinations: the names at which messages arrive, as a policy declares them. A last `{node}`, `{service}` or `{entity}`
 * stands for whoever receives there: `compute.{node}` is `compute.compute-07` for that node.
 *
 * @module policy/destination (floor 6)
 */
import { UsageError } from '../errors/index.js'
import { type Identity, isSegment } from '../identity/index.js'
import { type Fact, factOf } from './fact.js'

export interface Destination {
  /** As it was declared: what rules name. */
  readonly name: string
  /** Segments before the capture, or all of them. */
  readonly segments: readonly string[]
  /** Which fact of its receiver the rest is, if it is one. */
  readonly capture: Extract<Fact, 'entity' | 'service' | 'node'> | undefined
  /** Roles whose holders receive there. */
  readonly receivers: readonly string[]
  /** The scope that messages take effect in, where all do in one. */
  readonly scope: string | undefined
}

const CAPTURE = /^\{(entity|service|node)\}$/
/** Also what names a role or a scope: `role:compute_node@region-one`. */
const SEGMENT = /^[A-Za-z0-9_:@/-]+$/

/** @throws {@link UsageError} `ERR_POLICY_INVALID` */
export function parseDestination(name: string, receivers: readonly string[], scope: string | undefined): Destination {
  const segments = name.split('.')
  const capture = CAPTURE.exec(segments.at(-1) ?? '')?.[1] as Destination['capture']
  if (capture !== undefined) segments.pop()
  if (name.length > 255 || !segments.every((segment) => SEGMENT.test(segment))) {
    throw new UsageError('ERR_POLICY_INVALID', `not a destination: ${JSON.stringify(name)}`, {
      hint: 'write segments joined by dots, the last perhaps {node}, {service} or {entity}: compute.{node}',
    })
  }
  return { name, segments, capture, receivers, scope }
}

/** Whether a name is one of this destination. */
export function isDestination({ segments, capture, name }: Destination, text: string): boolean {
  if (capture === undefined) return text === name
  const prefix = segments.map((segment) => `${segment}.`).join('')
  return text.startsWith(prefix) && isSegment(text.slice(prefix.length))
}

/** The name of this destination for one receiver. */
export function destinationOf({ segments, capture }: Destination, receiver: Identity): string {
  return [...segments, ...(capture === undefined ? [] : [factOf(capture, receiver)])].join('.')
}

/** A name of a destination that is none of some others. */
export function exampleOf({ segments, capture, name }: Destination, others: ReadonlySet<string>): string {
  if (capture === undefined) return name
  for (let receiver = 0; ; receiver++) {
    const example = [...segments, String(receiver)].join('.')
    if (!others.has(example)) return example
  }
}

/** The destinations of a policy, to look names up in. */
export class Destinations {
  readonly all: readonly Destination[]
  readonly names: ReadonlySet<string>
  readonly #declared: ReadonlyMap<string, Destination>
  readonly #exact: ReadonlyMap<string, Destination>
  /** Those with a capture, the longest first: `compute.{node}` before `{entity}`. */
  readonly #open: readonly Destination[]

  /** @throws {@link UsageError} `ERR_POLICY_INVALID`: two destinations that are one, with two captures */
  constructor(all: readonly Destination[]) {
    this.all = all
    this.#declared = new Map(all.map((item) => [item.name, item]))
    this.names = new Set(this.#declared.keys())
    this.#exact = new Map(all.filter(({ capture }) => capture === undefined).map((item) => [item.name, item]))
    this.#open = all
      .filter(({ capture }) => capture !== undefined)
      .sort((a, b) => b.segments.length - a.segments.length)
    const seen = new Map<string, string>()
    for (const { segments, name } of this.#open) {
      const prefix = segments.join('.')
      const other = seen.get(prefix)
      // Which of them a name is one of, and whose rules hold, would be a matter of order.
      if (other !== undefined) {
        throw new UsageError('ERR_POLICY_INVALID', `the destinations ${other} and ${name} have the same names`, {
          hint: 'declare one of them',
        })
      }
      seen.set(prefix, name)
    }
  }

  /** The destination that was declared by this name. */
  named(name: string): Destination | undefined {
    return this.#declared.get(name)
  }

  /** The declared destination that a name is one of. */
  find(text: string): Destination | undefined {
    return this.#exact.get(text) ?? this.#open.find((item) => isDestination(item, text))
  }
}
