import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { groupId } from '../../src/credential/group.js'
import { expectCode } from '../support/expect-code.js'
import { temporaryFolder } from '../support/temporary.js'

const file = join(temporaryFolder(), 'group')
writeFileSync(file, 'root:x:0:\nweb:x:33:alice,bob\nbroken:x:many:\nshort\n')

describe('groupId', () => {
  it('knows groups by name, and numbers as they are', () => {
    expect(groupId('root', file)).toBe(0)
    expect(groupId('web', file)).toBe(33)
    expect(groupId('4242', file)).toBe(4242)
  })

  it.each(['nobody', 'broken', 'short', '', 'web:x', '-1', '4294967295', '99999999999'])('refuses %j', (group) => {
    expectCode('ERR_CONFIG_INVALID', () => groupId(group, file))
  })
})
