/**
 * Patterns of the mapping file: literals and captures of **whole** components. No regular expressions, so there is
 * nothing to anchor and nothing that takes long.
 *
 * @module identity/pattern (floor 5)
 */
import { UsageError } from '../errors/index.js'
import { isSegment } from './identity-uri.js'

/** Captured names and what they stand for. */
export type Captures = ReadonlyMap<string, string>

/** A name in its parts: the segments of a URI, the labels of a DNS name. One that is malformed has none. */
export type Components = readonly string[]

/** How names of one kind fall into components. */
export interface NameSyntax {
  readonly split: (text: string) => Components
  /** Brings what makes no difference in a component into one form. Default: everything makes a difference. */
  readonly fold?: (component: string, index: number) => string
}

export type Part = { readonly literal: string } | { readonly capture: CaptureName; readonly rest: boolean }

/** What a capture may be called: the parts of an identity, or the id of an entity. */
export const CAPTURE_NAMES = ['scope', 'service', 'node', 'entity'] as const
export type CaptureName = (typeof CAPTURE_NAMES)[number]

const CAPTURE = /^\{(scope|service|node|entity)\}$/
const REST = '{scope...}'
/** Stands for it while a text is split at dots. */
const REST_MARK = '{*}'

/** A sequence of components of which some are captured. */
export class Pattern {
  readonly text: string
  readonly parts: readonly Part[]
  /** Where the part is that takes any number of components; -1 if none does. */
  readonly rest: number

  /**
   * Compile a pattern. `{node}` captures one whole component, `{scope...}` any number of them.
   *
   * @throws {@link UsageError} `ERR_MAPPING_INVALID`
   */
  constructor(text: string, syntax: NameSyntax) {
    const fold = syntax.fold ?? ((component: string) => component)
    this.text = text
    if (text.includes(REST_MARK)) throw invalid(`there are no wildcards: ${JSON.stringify(text)}`)
    this.parts = syntax.split(text.replaceAll(REST, REST_MARK)).map((component, index): Part => {
      if (component === REST_MARK) return { capture: 'scope', rest: true }
      const capture = CAPTURE.exec(component)?.[1]
      if (capture !== undefined) return { capture: capture as CaptureName, rest: false }
      if (/[{}*]/.test(component)) {
        throw invalid(
          `a capture is a whole component {scope}, {scope...}, {service}, {node} or {entity}: ${JSON.stringify(component)}`,
        )
      }
      return { literal: fold(component, index) }
    })
    if (this.parts.length === 0) throw invalid(`not a name: ${JSON.stringify(text)}`)
    this.rest = this.parts.findIndex((part) => 'rest' in part && part.rest)
    const names = this.captureNames
    if (new Set(names).size !== names.length) throw invalid(`a pattern captures a name once: ${JSON.stringify(text)}`)
  }

  get captureNames(): readonly CaptureName[] {
    return this.parts.flatMap((part) => ('capture' in part ? [part.capture] : []))
  }

  /** The one name that matches, if the pattern captures nothing. */
  get exact(): Components | undefined {
    const literals = this.parts.flatMap((part) => ('literal' in part ? [part.literal] : []))
    return literals.length === this.parts.length ? literals : undefined
  }

  /** What the captures stand for if the whole name matches, else `undefined`. */
  match(components: Components): Captures | undefined {
    // What is captured becomes part of an identity: its alphabet is checked here, whatever certificates may hold.
    return this.#align(components, isSegment)
  }

  /** What keeps a name from matching that would match if captures could stand for anything; `undefined` if more does. */
  unfit(components: Components): string | undefined {
    let unfit: string | undefined
    const aligned = this.#align(components, (component) => {
      if (!isSegment(component)) unfit ??= component
      return true
    })
    return aligned === undefined ? undefined : unfit
  }

  #align(components: Components, accepts: (component: string) => boolean): Captures | undefined {
    const spare = components.length - this.parts.length
    if (components.length === 0 || (this.rest === -1 ? spare !== 0 : spare < -1)) return undefined
    const captures = new Map<string, string>()
    let position = 0
    for (const part of this.parts) {
      if ('literal' in part) {
        if (components[position++] !== part.literal) return undefined
        continue
      }
      const start = position
      position += part.rest ? spare + 1 : 1
      const taken = components.slice(start, position)
      if (!taken.every(accepts)) return undefined
      captures.set(part.capture, taken.join('/'))
    }
    return captures
  }
}

function invalid(message: string): UsageError {
  return new UsageError('ERR_MAPPING_INVALID', message)
}
