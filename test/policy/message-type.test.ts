import { describe, expect, it } from 'vitest'
import { isMessageType, messageTypeMatcher } from '../../src/policy/index.js'
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

describe('messageTypeMatcher', () => {
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
    expect(messageTypeMatcher(pattern)(type)).toBe(matches)
  })

  it.each(['', '**', 'a*', '*a', 'a.*b', 'a..b', '.a', 'a.', 'a b', '[a]', '.+', 'a|b', 'a\n', 'a'.repeat(256)])(
    'refuses the pattern %j',
    (pattern) => {
      expectCode('ERR_CONFIG_INVALID', () => messageTypeMatcher(pattern))
    },
  )
})
