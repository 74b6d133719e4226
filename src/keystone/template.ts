/**
 * Texts of a mapping in the strict mode: characters and positions, and nothing else of Python's `str.format`.
 *
 * @module keystone/template (floor 5.1)
 */
import { type Field, splitFormat } from './python-format.js'
import { PythonError } from './python-value.js'

/** Characters, and positions by their number. */
export type TemplatePart = string | number

/** What speaks against a text where a rule has so many positions; nothing where it is a template. */
export function templateFault(text: string, positions: number): string | undefined {
  let parts: readonly (string | Field)[]
  try {
    parts = splitFormat(text)
  } catch (error) {
    if (error instanceof PythonError) return error.message
    throw error
  }
  const fields = parts.filter((part) => typeof part !== 'string')
  if (!fields.every(isPosition)) return 'it has more than {0}, {1} …'
  return fields.every(({ name }) => Number(name) < positions) ? undefined : `the rule has ${positions} positions`
}

/** The parts of a text that has no fault. */
export function parseTemplate(text: string): readonly TemplatePart[] {
  return splitFormat(text).map((part) => (typeof part === 'string' ? part : Number(part.name)))
}

function isPosition({ name, accessors, conversion, spec }: Field): boolean {
  return /^(0|[1-9][0-9]*)$/.test(name) && accessors.length === 0 && conversion === undefined && spec === ''
}

/** A name that no parser takes for something else. */
export function isPlainName(text: string): boolean {
  return text !== '' && !/[;[\]{}'"]/.test(text) && !text.startsWith('JSON:')
}
