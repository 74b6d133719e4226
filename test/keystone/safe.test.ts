/** Everything that is not safe in a mapping, at once; each by itself is in strict.test.ts. */
import { describe, expect, it } from 'vitest'
import { checkSafe, parseKeystoneMapping, requireSafe, StrictMapping } from '../../src/keystone/index.js'
import { expectCode } from '../support/expect-code.js'

describe('checkSafe', () => {
  it('finds everything, each with its place and what to write instead', () => {
    const mapping = parseKeystoneMapping({
      schema_version: '2.0',
      rules: [
        {
          local: [{ user: { email: '{9}', domain: {} } }, { groups: '{0}x' }],
          remote: [
            { type: 'CN', whitelist: ['a'] },
            { type: 'HTTP_X', any_one_of: [] },
          ],
        },
        {
          local: [{ group_ids: '{1}', projects: [{ name: '{', roles: [{ name: '{0!r}' }] }] }],
          remote: [{ type: 'CN', any_one_of: ['a', '^(b+)+$'], regex: true }, { type: 'CN' }],
        },
      ],
    })
    const findings = checkSafe(mapping)
    expect(findings.map(({ code, pointer }) => [code, pointer])).toEqual([
      ['ERR_KEYSTONE_WHITELIST', '/rules/0/remote/0'],
      ['ERR_KEYSTONE_ATTRIBUTE', '/rules/0/remote/1'],
      ['ERR_KEYSTONE_CONDITION', '/rules/0/remote/1'],
      ['ERR_KEYSTONE_TEMPLATE', '/rules/0/local/0/user/email'],
      ['ERR_KEYSTONE_DOMAIN', '/rules/0/local/0'],
      ['ERR_KEYSTONE_GROUPS', '/rules/0/local/1/groups'],
      ['ERR_KEYSTONE_GROUPS', '/rules/0/local/1/groups'],
      ['ERR_KEYSTONE_PATTERN', '/rules/1/remote/0'],
      ['ERR_KEYSTONE_PATTERN', '/rules/1/remote/0'],
      ['ERR_KEYSTONE_TEMPLATE', '/rules/1/local/0/group_ids'],
      ['ERR_KEYSTONE_TEMPLATE', '/rules/1/local/0/projects/0/name'],
      ['ERR_KEYSTONE_TEMPLATE', '/rules/1/local/0/projects/0/roles/0/name'],
      ['ERR_KEYSTONE_USER', '/rules'],
    ])
    for (const { message, hint } of findings) expect([message, hint]).not.toContain('')
    const error = expectCode('ERR_KEYSTONE_WHITELIST', () => requireSafe(mapping))
    expect(error.details).toEqual({ pointer: '/rules/0/remote/0' })
  })

  it('finds nothing in what is safe', () => {
    const mapping = parseKeystoneMapping({ rules: [{ local: [{ user: { name: '{0}' } }], remote: [{ type: 'CN' }] }] })
    expect(checkSafe(mapping)).toEqual([])
    expect(requireSafe(mapping)).toBeInstanceOf(StrictMapping)
  })
})
