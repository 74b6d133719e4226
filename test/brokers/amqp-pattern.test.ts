import { describe, expect, it } from 'vitest'
import {
  bindingKey,
  bindingKeyExpression,
  nameExpression,
  NOTHING,
  routingKeyExpression,
} from '../../src/brokers/amqp-pattern.js'
import { covers, formatPattern } from '../../src/brokers/permissions.js'
import { ADDRESSES, lists, matches, pattern, PATTERNS } from './universe.js'

/** An expression of PCRE in JavaScript, which has other words for the ends of a text. */
function pcre(expression: string): RegExp {
  return new RegExp(expression.replace(/^\\A/, '^').replace(/\\z$/, '$'))
}

/** What a topic exchange does: `*` is one word, `#` any number of them. */
function routes([first, ...others]: readonly string[], words: readonly string[]): boolean {
  if (first === undefined) return words.length === 0
  if (first === '#') return routes(others, words) || (words.length > 0 && routes([first, ...others], words.slice(1)))
  return words.length > 0 && (first === '*' || first === words[0]) && routes(others, words.slice(1))
}

describe('bindingKey and routingKeyExpression', () => {
  it('take exactly the addresses of a pattern, for every pattern and address of a small universe', () => {
    for (const wanted of PATTERNS) {
      const [key, expression] = [bindingKey(wanted).split('.'), pcre(routingKeyExpression([wanted]))]
      for (const address of ADDRESSES) {
        const meant = matches(wanted, address)
        if (routes(key, address) !== meant || expression.test(address.join('.')) !== meant) {
          expect.fail(`${formatPattern(wanted)} at ${address.join('.')}`)
        }
      }
    }
  })

  it.each(['a.b\n', 'a.', '.b', 'a..b', 'a', '', 'a.b c', 'a.*', 'a.#', 'a.b.', 'aab', '#'])('refuse %j', (key) => {
    expect(pcre(routingKeyExpression([pattern('a.*'), pattern('a.b')])).test(key)).toBe(false)
  })

  it('anchor every alternative, and escape', () => {
    expect(routingKeyExpression([pattern('b.c'), pattern('a.*.d')])).toBe('\\A(?:a\\.[A-Za-z0-9_:-]+\\.d|b\\.c)\\z')
    expect(routingKeyExpression([])).toBe(NOTHING)
    expect(['', 'a', '\n'].some((text) => pcre(NOTHING).test(text))).toBe(false)
    expect(nameExpression([])).toBe(NOTHING)
  })
})

describe('bindingKeyExpression', () => {
  const keys = lists(['a', 'a:b', '*', '#'], 4)

  it('lets no binding take more than the pattern, for every key of a small universe', () => {
    for (const wanted of PATTERNS) {
      const expression = pcre(bindingKeyExpression([wanted]))
      const allowed = keys.filter((key) => expression.test(key.join('.')))
      for (const key of allowed) {
        const stranger = ADDRESSES.find((address) => routes(key, address) && !matches(wanted, address))
        if (stranger !== undefined)
          expect.fail(`${formatPattern(wanted)}: ${key.join('.')} takes ${stranger.join('.')}`)
      }
      expect(allowed.length).toBeGreaterThan(0)
    }
  })

  it('lets every narrower pattern be bound, and no wider one', () => {
    for (const wanted of PATTERNS) {
      const expression = pcre(bindingKeyExpression([wanted]))
      for (const bound of PATTERNS) {
        if (expression.test(bindingKey(bound)) !== covers(wanted, bound)) {
          expect.fail(`${formatPattern(wanted)} and ${formatPattern(bound)}`)
        }
      }
    }
  })
})
