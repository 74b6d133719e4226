/** Rules as oslo.policy reads and prints them. Many more, with oslo.policy as the judge, are in test/interop. */
import { describe, expect, it } from 'vitest'
import {
  formatOsloRule,
  MAX_OSLO_DEPTH,
  MAX_OSLO_RULE_CHARACTERS,
  type OsloCheck,
  parseOsloListRule,
  parseOsloRule,
} from '../../src/oslo/index.js'
import { expectCode } from '../support/expect-code.js'

const printed = (text: string): string => formatOsloRule(parseOsloRule(text))

describe('parseOsloRule', () => {
  it.each<readonly [string, OsloCheck]>([
    ['', { kind: 'true', why: 'empty' }],
    ['@', { kind: 'true' }],
    ['!', { kind: 'false' }],
    ['role:admin', { kind: 'role', match: 'admin' }],
    ['rule:a:b', { kind: 'rule', name: 'a:b' }],
    ['http://h/%(x)s', { kind: 'http', scheme: 'http', match: '//h/%(x)s' }],
    ['https:h', { kind: 'http', scheme: 'https', match: 'h' }],
    ['user.id:%(target.user.id)s', { kind: 'generic', left: 'user.id', right: '%(target.user.id)s' }],
    [':', { kind: 'generic', left: '', right: '' }],
    // Kinds of checks are written in lower case, operators anyhow.
    ['Role:admin', { kind: 'generic', left: 'Role', right: 'admin' }],
    ['NOT @', { kind: 'not', of: { kind: 'true' } }],
    ['@ And !', { kind: 'and', of: [{ kind: 'true' }, { kind: 'false' }] }],
  ])('reads %j', (text, check) => {
    expect(parseOsloRule(text)).toEqual(check)
  })

  it.each([
    ['a:1 or b:2 and c:3', '(a:1 or (b:2 and c:3))'],
    ['a:1 and b:2 or c:3', '((a:1 and b:2) or c:3)'],
    ['a:1 or b:2 and c:3 and d:4 or e:5', '(a:1 or (b:2 and c:3 and d:4) or e:5)'],
    ['not a:1 and b:2', '(not a:1 and b:2)'],
    ['not (a:1 and b:2)', 'not (a:1 and b:2)'],
    ['not not @', 'not not @'],
    ['((a:1))', 'a:1'],
    ['(a:1 or b:2) and c:3', '((a:1 or b:2) and c:3)'],
    // A group that ends a row of `or` grows, though it was in parentheses.
    ['a:1 or (b:2 and c:3) and d:4', '(a:1 or (b:2 and c:3 and d:4))'],
    ['a:1 and (b:2 and c:3)', '(a:1 and (b:2 and c:3))'],
    ['a:(b)c', 'a:(b)c'],
    ['a:%(k)s', 'a:%(k)s'],
    // Python's spaces, which are not those of JavaScript.
    ['a:1\x1cand\x85b:2', '(a:1 and b:2)'],
    ['a:1\ufeffand', 'a:1\ufeffand'],
  ])('prints %j as %s', (text, canonical) => {
    expect(printed(text)).toBe(canonical)
    expect(printed(canonical)).toBe(canonical)
  })

  it.each([
    [' ', 'blank'],
    ['garbage', 'no-colon'],
    ['"quoted"', 'quoted'],
    [`a:1 or 'b:2'`, 'quoted'],
    ['(a:1', 'parenthesis'],
    ['a:1)', 'parenthesis'],
    ['()', 'parenthesis'],
    // It closes the parenthesis that belongs to the key.
    ['a:%(k)', 'parenthesis'],
    ['a:1 and', 'operator'],
    ['and', 'operator'],
    ['a:1 b:2', 'operator'],
    ['not not', 'operator'],
  ])('%j denies: %s', (text, why) => {
    expect(parseOsloRule(text)).toEqual({ kind: 'false', why, text })
    expect(printed(text)).toBe('!')
  })

  it('takes a text in quotation marks for a check where a parenthesis follows', () => {
    expect(parseOsloRule("('a:b')")).toEqual({ kind: 'generic', left: "'a", right: "b'" })
  })

  it('reads and prints a long rule', () => {
    const rule = Array.from({ length: 5000 }, (_, index) => `a:${index}`).join(' or ')
    expect(printed(rule)).toBe(`(${rule})`)
    expect(printed(`${'('.repeat(30_000)}@${')'.repeat(30_000)}`)).toBe('@')
  })

  it('has limits', () => {
    expect(printed(`${'not '.repeat(MAX_OSLO_DEPTH)}@`)).toMatch(/^not not .* @$/)
    for (const text of [
      `${'not '.repeat(MAX_OSLO_DEPTH + 1)}@`,
      `${'@ and (@ or '.repeat(MAX_OSLO_DEPTH)}@${')'.repeat(MAX_OSLO_DEPTH)}`,
      `a:${'b'.repeat(MAX_OSLO_RULE_CHARACTERS - 1)}`,
    ])
      expectCode('ERR_LIMIT_EXCEEDED', () => parseOsloRule(text))
  })
})

describe('parseOsloListRule', () => {
  it.each([
    [[], '@'],
    [null, '@'],
    [false, '@'],
    [{}, '@'],
    [[[]], '!'],
    [['role:a'], 'role:a'],
    [['role:a', 'role:b'], '(role:a or role:b)'],
    [[['role:a', 'role:b'], '@'], '((role:a and role:b) or @)'],
    [[[], ['!'], ''], '!'],
    // There are no operators in a list, and no parentheses.
    [['role:a and role:b'], 'role:a and role:b'],
    [['(@)'], '!'],
    [[['@', 7]], '(@ and !)'],
  ])('prints %j as %s', (rule, canonical) => {
    expect(formatOsloRule(parseOsloListRule(rule))).toBe(canonical)
  })

  it('refuses what is no list', () => {
    for (const rule of [7, true, { a: 1 }, [7], [true], [{ a: 1 }], new Date(0), [new Map()]])
      expectCode('ERR_POLICY_OSLO', () => parseOsloListRule(rule))
  })

  it('has limits', () => {
    const many = Array.from({ length: MAX_OSLO_RULE_CHARACTERS + 1 }, () => '@')
    expectCode('ERR_LIMIT_EXCEEDED', () => parseOsloListRule(many))
    expectCode('ERR_LIMIT_EXCEEDED', () => parseOsloListRule([many]))
    expectCode('ERR_LIMIT_EXCEEDED', () => parseOsloListRule([many.join('')]))
  })
})
