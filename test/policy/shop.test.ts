import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { applyRegistry } from '../../src/authority/index.js'
import { identityOf, parseRegistryDocument, requireEntity, RoleGraph } from '../../src/identity/index.js'
import type { JsonValue } from '../../src/json/index.js'
import { signMessage, verifyMessage } from '../../src/message/index.js'
import { lintPolicy, parseCases, parsePolicy, runCases } from '../../src/policy/index.js'
import { NOW } from '../support/certificates.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'
import { makeDirectory, makeSender, makeWorld, receiver } from '../support/messages.js'
import { makeTemplate } from '../support/test-authority.js'

const read = (name: string): string => readFileSync(`fixtures/shop/${name}`, 'utf8')
const policy = parsePolicy(read('policy.yaml'))
const template = await makeTemplate()

describe('requirement 57: a shop, which has nothing of OpenStack', () => {
  it('has a policy without surprises that decides its cases', () => {
    expect(lintPolicy(policy)).toEqual([])
    const { results, uncovered } = runCases(policy, parseCases(read('cases.yaml')))
    expect(results.filter(({ passed }) => !passed)).toEqual([])
    expect(uncovered).toEqual([])
  })

  it('has a deployment, whose entities the policy knows', async () => {
    const { authority } = await template.open()
    await applyRegistry(authority, parseRegistryDocument(read('deployment.yaml')), { unnamed: 'leave' }, NOW)
    const roles = await authority.store.roles()
    expect(lintPolicy(policy, { registered: roles.map(({ name }) => name) })).toEqual([])
    const ask = async (id: string, type: string, destination: string, content: JsonValue): Promise<string> => {
      const sender = identityOf(await requireEntity(authority.store, id), new RoleGraph(roles))
      return policy.decide({ sender, type, destination, content }).outcome
    }
    expect(await ask('till-7', 'orders.placed', 'orders', { shop: 'till-7' })).toBe('allowed')
    expect(await ask('till-8', 'orders.placed', 'orders', { shop: 'till-7' })).toBe('denied')
    expect(await ask('ledger', 'billing.paid', 'payments', {})).toBe('allowed')
    expect(await ask('packer-3', 'parcels.sent', 'parcels', { station: 'north/hall-1:packer-3' })).toBe('allowed')
    expect(await ask('postman', 'mail.send', 'mail', {})).toBe('denied')
  })

  it('signs and verifies its messages by that policy', async () => {
    const world = await makeWorld()
    const till = makeSender(world, { service: 'till', node: 'till-7', roles: ['checkout'] })
    const trust = await makeDirectory(world, [till])
    const send = async (shop: string): Promise<string | undefined> => {
      const content = Buffer.from(JSON.stringify({ order: 'A-17', shop, total: '12.50' }))
      const { der } = await signMessage(content, till, { type: 'orders.placed', destination: 'orders', at: NOW })
      return (await verifyMessage(der, content, receiver(trust, { authorization: policy }))).rule
    }
    expect(await send('till-7')).toBe('checkout-takes-orders')
    await expectCodeAsync('ERR_POLICY_DENIED', () => send('till-8'))
  })

  it('refuses a policy that speaks of what the shop has not', () => {
    expectCode('ERR_POLICY_INVALID', () => parsePolicy(read('policy.yaml').replace('[mail.send]', '[mail.burn]')))
  })
})
