/**
 * Whether a pattern says what its author meant, and cannot be made to take long.
 *
 * @module keystone/safe-pattern (floor 5.1)
 */
import { compilePattern } from './python-regex.js'
import { PythonError, Unsupported } from './python-value.js'

/**
 * What speaks against a pattern; nothing where it is anchored at both ends, is one that JavaScript has, and has neither
 * a repetition within a repetition nor a back-reference: then trying it takes time in proportion to a small power of the
 * length, which is limited.
 */
export function isSafePattern(pattern: string): string | undefined {
  try {
    compilePattern(pattern)
  } catch (error) {
    if (error instanceof Unsupported) return `has ${error.message}, which only Python knows`
    if (error instanceof PythonError) return `is no pattern: ${error.message}`
    throw error
  }
  const bare = withoutEscapes(pattern)
  if (/\(\?[aiLmsux]*m/.test(bare)) return 'matches line by line'
  if (!isAnchored(pattern, bare)) return 'is not anchored at both ends'
  if (/\\[1-9]|\(\?P=/.test(pattern)) return 'refers back to what it matched'
  if (/[*+}?]\)(?:[*+{]|\?[^)])/.test(bare) || hasNestedRepetition(bare)) return 'repeats what repeats'
  return undefined
}

/** Escapes and classes as one neutral character each, so that what is left is structure. */
function withoutEscapes(pattern: string): string {
  return pattern.replace(/\\[\s\S]/g, '_').replace(/\[\^?\]?[^\]]*\]/g, '_')
}

/** `^…\Z` or `\A…\Z`; alternatives only within a group, or one of them would be loose. */
function isAnchored(pattern: string, bare: string): boolean {
  if (!/^(?:\^|\\A)/.test(pattern) || !/(?:\\Z|(?<!\\)\$)$/.test(pattern)) return false
  let depth = 0
  for (const character of bare) {
    if (character === '(') depth++
    else if (character === ')') depth--
    else if (character === '|' && depth === 0) return false
  }
  return true
}

function hasNestedRepetition(bare: string): boolean {
  const open: boolean[] = []
  for (let index = 0; index < bare.length; index++) {
    const character = bare.charAt(index)
    if (character === '(') open.push(false)
    else if (character === ')') {
      const holdsRepetition = open.pop() === true
      const repeats = /^(?:[*+]|\{[0-9]*,)/.test(bare.slice(index + 1))
      if (holdsRepetition && repeats) return true
      if ((holdsRepetition || repeats) && open.length > 0) open[open.length - 1] = true
    } else if (/[*+]/.test(character) || (character === '{' && /^\{[0-9]*,/.test(bare.slice(index)))) {
      if (open.length > 0) open[open.length - 1] = true
    }
  }
  return false
}
