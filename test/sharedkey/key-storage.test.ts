import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { SecretKey } from '../../src/crypto/index.js'
import { createReplayMemory } from '../../src/message/index.js'
import { KeyServer, openKeyStorage, readMasterKey, signRequest } from '../../src/sharedkey/index.js'
import { NOW } from '../support/certificates.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'
import { temporaryFolder } from '../support/temporary.js'

describe('openKeyStorage', () => {
  it('keeps keys, groups and generations over a restart, for its owner only', async () => {
    const path = join(temporaryFolder(), 'keys.json')
    const masterKey = SecretKey.generate(16)
    const open = () => new KeyServer({ storage: openKeyStorage(path), masterKey, replay: createReplayMemory() })
    const [alice, bob] = [SecretKey.generate(16), SecretKey.generate(16)]
    const first = open()
    expect(existsSync(path)).toBe(false)
    first.setKey('g.alice', alice)
    first.setKey('g.bob', bob)
    first.createGroup('g')
    await first.issueGroupKey(signRequest({ name: 'g.alice', key: alice }, { destination: 'g', at: NOW }), NOW)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    const second = open()
    expect(second.setKey('g.alice', alice).generation).toBe(1)
    await second.issueGroupKey(signRequest({ name: 'g.bob', key: bob }, { destination: 'g:1', at: NOW }), NOW)
  })

  it('what could not be written did not happen', async () => {
    const path = join(temporaryFolder(), 'missing', 'keys.json')
    const replay = createReplayMemory()
    const server = new KeyServer({ storage: openKeyStorage(path), masterKey: SecretKey.generate(16), replay })
    const key = SecretKey.generate(16)
    expectCode('ERR_SHAREDKEY_STORE', () => server.setKey('a', key))
    const request = signRequest({ name: 'a', key }, { destination: 'a', at: NOW })
    await expectCodeAsync('ERR_SHAREDKEY_UNKNOWN', () => server.issueTicket(request, NOW))
  })

  it.each([
    ['no JSON', 'x'],
    ['nothing', ''],
    ['another object', '{}'],
    ['a key without a name', '{"keys":[{"generation":1}],"groups":[]}'],
    ['a name with a comma', '{"keys":[{"name":"a,b","generation":1}],"groups":[]}'],
    ['half of a key', '{"keys":[{"name":"a","generation":1,"sealed":{"key":""}}],"groups":[]}'],
    ['a time that is none', '{"keys":[{"name":"a","generation":1,"expiration":"soon"}],"groups":[]}'],
    ['a group that is a number', '{"keys":[],"groups":[1]}'],
  ])('refuses a file of %s', (_, text) => {
    const path = join(temporaryFolder(), 'keys.json')
    writeFileSync(path, text, { mode: 0o600 })
    expectCode('ERR_SHAREDKEY_STORE', () => openKeyStorage(path).load())
    expect(readFileSync(path, 'utf8')).toBe(text)
  })

  it('KEY-01: refuses a file that others can read', () => {
    const path = join(temporaryFolder(), 'keys.json')
    writeFileSync(path, '{"keys":[],"groups":[]}')
    chmodSync(path, 0o644)
    expectCode('ERR_SHAREDKEY_STORE', () => openKeyStorage(path).load())
  })
})

describe('readMasterKey', () => {
  it('reads 16 octets in base64, and nothing else', () => {
    const path = join(temporaryFolder(), 'master')
    writeFileSync(path, `${Buffer.alloc(16, 7).toString('base64')}\n`, { mode: 0o600 })
    expect(readMasterKey(path).use((bytes) => [...bytes])).toEqual(Array<number>(16).fill(7))
    writeFileSync(path, Buffer.alloc(15).toString('base64'))
    expectCode('ERR_SHAREDKEY_MALFORMED', () => readMasterKey(path))
    chmodSync(path, 0o640)
    expectCode('ERR_KEY_PERMISSIONS', () => readMasterKey(path))
  })
})
