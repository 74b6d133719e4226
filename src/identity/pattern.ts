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

type Part = { readonly literal: string } | { readonly capture: string; readonly rest: boolean }

/** What a capture may be called: the parts of an identity. */
const CAPTURE = /^\{(scope|service|node)(\.\.\.)?\}$/

/** A sequence of components of which some are captured. */
export class Pattern {
  readonly text: string
  readonly #parts: readonly Part[]
  readonly #separator: string

  /**
   * Compile a pattern. Components are split at `separator`; `{node}` captures one whole component, `{scope...}` any
   * number of them and stands once.
   *
   * @throws {@link UsageError} `ERR_MAPPING_INVALID`
   */
  constructor(text: string, separator: string) {
    this.text = text
    this.#separator = separator
    this.#parts = (separator === '' ? [text] : text.split(separator)).map((component) => {
      const capture = CAPTURE.exec(component)
      if (capture?.[1] !== undefined) return { capture: capture[1], rest: capture[2] !== undefined }
      if (/[{}*]/.test(component)) {
        throw new UsageError(
          'ERR_MAPPING_INVALID',
          `a capture is a whole component {scope}, {scope...}, {service} or {node}: ${JSON.stringify(component)}`,
        )
      }
      return { literal: component }
    })
    const names = this.captureNames
    if (new Set(names).size !== names.length || this.#parts.filter((part) => 'rest' in part && part.rest).length > 1) {
      throw new UsageError('ERR_MAPPING_INVALID', `a pattern captures a name once: ${JSON.stringify(text)}`)
    }
  }

  get captureNames(): readonly string[] {
    return this.#parts.flatMap((part) => ('capture' in part ? [part.capture] : []))
  }

  /** What the captures stand for if the whole value matches, else `undefined`. */
  match(value: string): Captures | undefined {
    const components = this.#separator === '' ? [value] : value.split(this.#separator)
    const rest = this.#parts.findIndex((part) => 'rest' in part && part.rest)
    const spare = components.length - this.#parts.length
    if (rest === -1 ? spare !== 0 : spare < -1) return undefined
    const captures = new Map<string, string>()
    let position = 0
    for (const part of this.#parts) {
      const count = 'rest' in part && part.rest ? spare + 1 : 1
      const taken = components.slice(position, position + count)
      position += count
      if ('literal' in part) {
        if (taken[0] !== part.literal) return undefined
      } else {
        // What is captured becomes part of an identity: its alphabet is checked here, whatever certificates may hold.
        if (!taken.every(isSegment)) return undefined
        captures.set(part.capture, taken.join('/'))
      }
    }
    return captures
  }
}
