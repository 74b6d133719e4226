import { describe, expect, it } from 'vitest'
import { isMessageType, TypePattern, typePattern } from '../../src/policy/index.js'
import { expectCode } from '../support/expect-code.js'

describe('isMessageType', () => {
  it.each(['notify', 'notify.instance.create.end', 'rpc:build_and-run', 'a', '0', 'a'.repeat(255), 'a.b:c.d'])(
    'takes %s for one',
    (text) => {
      expect(isMessageType(text)).toBe(true)
    },
  )

  it.each(['', '.', 'a.', '.a', 'a..b', 'a.:b', 'a b', 'a/b', 'a*', '*', 'ä', 'a\n', 'a'.repeat(256)])(
    'does not take %j for one',
    (text) => {
      expect(isMessageType(text)).toBe(false)
    },
  )
})

describe('typePattern', () => {
  it.each([
    ['notify.instance', 'notify.instance', true],
    ['notify.instance', 'notify.instance.create', false],
    ['notify.instance', 'notify', false],
    ['notify.instance', 'Notify.instance', false],
    ['notify.*', 'notify.instance', true],
    ['notify.*', 'notify.instance.create.end', true],
    ['notify.*', 'notify', false],
    ['notify.*', 'notifyx.instance', false],
    ['notify.*', 'notify:instance', false],
    ['notify:*', 'notify:instance', true],
    ['notify.*.end', 'notify.create.end', true],
    ['notify.*.end', 'notify.instance.create.end', false],
    ['notify.*.end', 'notify.create.end.more', false],
    ['notify.*.*', 'notify.a', false],
    ['notify.*.*', 'notify.a.b', true],
    ['notify.*.*', 'notify.a.b.c', true],
    ['*', 'notify', true],
    ['*', 'notify.instance:end', true],
    ['*.end', 'create.end', true],
    ['*.end', 'a.create.end', false],
    ['a-b', 'a_b', false],
  ])('of %s says of %s: %s', (pattern, type, matches) => {
    expect(typePattern(pattern).matches(type)).toBe(matches)
  })

  it.each(['', '**', 'a*', '*a', 'a.*b', 'a..b', '.a', 'a.', 'a b', '[a]', '.+', 'a|b', 'a\n', 'a'.repeat(256)])(
    'refuses the pattern %j',
    (pattern) => {
      expectCode('ERR_CONFIG_INVALID', () => typePattern(pattern))
    },
  )
})

describe('TypePattern: against every type and pattern of a small universe', () => {
  /** All texts of up to so many segments, joined by dots and colons. */
  function texts(segments: readonly string[], longest: number): readonly string[] {
    let last = segments
    const all = [...last]
    for (let length = 2; length <= longest; length++) {
      last = last.flatMap((text) => ['.', ':'].flatMap((between) => segments.map((one) => text + between + one)))
      all.push(...last)
    }
    return all
  }
  // No pattern names c, and no pattern has four segments: what holds here holds for any other segment and length.
  const types = texts(['a', 'b', 'c'], 4)
  const patterns = texts(['a', 'b', '*'], 3).map((text) => new TypePattern(text))
  const meaning = (text: string): RegExp =>
    new RegExp(
      `^${text
        .replace(/\*$/, '.+')
        .replace(/\*/g, '[^.:]+')
        .replace(/\.(?!\+)/g, '\\.')}$`,
    )
  const matched = patterns.map((pattern) => {
    const regex = meaning(pattern.text)
    return new Set(types.filter((type) => regex.test(type)))
  })
  const setOf = (pattern: TypePattern | undefined): ReadonlySet<string> =>
    new Set(pattern === undefined ? [] : types.filter((type) => pattern.matches(type)))

  it('matches', () => {
    for (const [index, pattern] of patterns.entries()) {
      expect([pattern.text, setOf(pattern)]).toEqual([pattern.text, matched[index]])
      expect(pattern.isExact).toBe(!pattern.text.includes('*'))
    }
  })

  it('includes, overlaps, and has in common', () => {
    const wrong: string[] = []
    for (const [i, a] of patterns.entries()) {
      for (const [j, b] of patterns.entries()) {
        const [mine, theirs] = [matched[i] ?? new Set<string>(), matched[j] ?? new Set<string>()]
        const shared = [...mine].filter((type) => theirs.has(type))
        if (a.includes(b) !== (shared.length === theirs.size)) wrong.push(`${a.text} includes ${b.text}`)
        if (a.overlaps(b) !== shared.length > 0) wrong.push(`${a.text} overlaps ${b.text}`)
        const common = a.common(b)
        if (common?.text !== b.common(a)?.text) wrong.push(`${a.text} and ${b.text} are not alike`)
        const found = matched[patterns.findIndex(({ text }) => text === common?.text)] ?? new Set<string>()
        if (found.size !== shared.length || !shared.every((type) => found.has(type))) {
          wrong.push(`${a.text} and ${b.text}: ${common?.text}`)
        }
      }
    }
    expect(wrong).toEqual([])
  })

  it('has nothing in common where a type would be too long', () => {
    const [a, b] = [new TypePattern(`${'a'.repeat(200)}.*.*`), new TypePattern(`*.${'b'.repeat(100)}.*`)]
    expect(a.overlaps(b)).toBe(true)
    expect(a.common(b)).toBeUndefined()
  })
})
