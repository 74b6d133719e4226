import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { applyRegistry, importRegistry, planRegistry, setEntityState } from '../../src/authority/index.js'
import {
  eachEntity,
  parseRegistryDocument,
  parseRegistryLine,
  registryLines,
  registryParts,
} from '../../src/identity/index.js'
import { verifyAudit } from '../../src/store/index.js'
import { startScript } from '../support/children.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { makeTemplate, openHome, type TestAuthority } from '../support/test-authority.js'

const template = await makeTemplate()

const DOCUMENT = `version: 1
scopes: { region-one/nova: service, region-one: region }
roles: { compute_node: , admin: [member], member: }
entities:
  compute-07: { kind: node, service: compute, scope: region-one/nova, roles: [compute_node], dns: [c7.cloud.example], aliases: ['kite:compute.c7'] }
  api-01: { kind: service, service: api, roles: [admin, 'member@region-one/**'] }
`
const leave = { unnamed: 'leave' } as const

async function apply(
  test: TestAuthority,
  text: string,
  unnamed: 'leave' | 'remove' = 'leave',
): Promise<readonly string[]> {
  const changes = await applyRegistry(test.authority, parseRegistryDocument(text), { unnamed }, test.clock.now())
  return changes.map(({ kind, name }) => `${kind} ${name}`)
}

async function snapshot({ authority: { store } }: TestAuthority): Promise<unknown> {
  const head = await store.logHead()
  return { head, scopes: await store.scopes(), roles: await store.roles(), entities: await store.entities() }
}

describe('applyRegistry', () => {
  it('makes what is missing, containers first, and nothing the second time', async () => {
    const test = await template.open()
    expect(await apply(test, DOCUMENT)).toEqual([
      'add scope region-one',
      'add scope region-one/nova',
      'add role compute_node',
      'add role admin',
      'add role member',
      'add entity compute-07',
      'add entity api-01',
    ])
    const before = await snapshot(test)
    expect(await apply(test, DOCUMENT)).toEqual([])
    expect(await snapshot(test)).toEqual(before)
    await verifyAudit(test.authority.store)
  })

  it('plans without changing anything', async () => {
    const test = await template.open()
    const before = await snapshot(test)
    const { authority, clock } = test
    const plan = await planRegistry(authority, authority.store, parseRegistryDocument(DOCUMENT), leave, clock.now())
    expect(plan).toHaveLength(7)
    expect(await snapshot(test)).toEqual(before)
  })

  it('changes what differs, says what, and leaves what is not named', async () => {
    const test = await template.open()
    await apply(test, DOCUMENT)
    const changed = `version: 1
roles: { compute_node: [member] }
entities:
  compute-07: { kind: node, service: compute, scope: region-one/nova, roles: [compute_node, member], state: quarantined }
`
    const changes = await applyRegistry(test.authority, parseRegistryDocument(changed), leave, test.clock.now())
    expect(changes).toMatchObject([
      { kind: 'change role', name: 'compute_node', implies: ['member'] },
      {
        kind: 'change entity',
        differences: [
          { what: 'roles', from: 'compute_node', to: 'compute_node member' },
          { what: 'dnsNames', from: 'c7.cloud.example', to: '' },
          { what: 'aliases', from: 'kite:compute.c7', to: '' },
        ],
      },
      { kind: 'set state', from: 'active', to: 'quarantined' },
    ])
    const { store } = test.authority
    expect(await store.entity('compute-07')).toMatchObject({ state: 'quarantined', dnsNames: [] })
    expect(await store.entitiesByName('dns', ['c7.cloud.example'])).toEqual([])
    expect(await store.entity('api-01')).toMatchObject({ state: 'active' })
    expect((await store.entityEvents('compute-07')).map(({ event }) => event)).toEqual([
      'entity.added',
      'entity.changed',
      'entity.quarantined',
    ])
    await verifyAudit(store)
  })

  it('retires and removes what is not named, where that is asked for, and keeps what the retired had', async () => {
    const test = await template.open()
    await apply(test, DOCUMENT)
    await apply(test, 'version: 1\nscopes: { region-two: region }\nroles: { idle: }')
    expect(await apply(test, DOCUMENT, 'remove')).toEqual(['remove role idle', 'remove scope region-two'])
    const without = DOCUMENT.replace(/ {2}api-01.*\n/, '')
    expect(await apply(test, without, 'remove')).toEqual(['set state api-01'])
    expect(await test.authority.store.entity('api-01')).toMatchObject({ state: 'retired' })
    expect(await apply(test, without, 'remove')).toEqual([])
    expect(await apply(test, 'version: 1', 'remove')).toEqual(['set state compute-07'])
    await verifyAudit(test.authority.store)
  })

  it.each([
    ['ERR_SCOPE_UNKNOWN', DOCUMENT.replace('region-one: region', 'region-two: region')],
    ['ERR_SCOPE_UNKNOWN', DOCUMENT.replace('member@region-one/**', 'member@elsewhere')],
    ['ERR_SCOPE_INVALID', DOCUMENT.replace('region-one: region', 'region-one: endpoint')],
    ['ERR_ROLE_UNKNOWN', DOCUMENT.replace('roles: [compute_node]', 'roles: [compute]')],
    ['ERR_ROLE_INVALID', DOCUMENT.replace('member: }', 'member: [admin] }')],
    ['ERR_ROLE_INVALID', DOCUMENT.replace('member: }', '"a b": }')],
    ['ERR_IDENTITY_INVALID', DOCUMENT.replace('api-01:', '"../x":')],
    ['ERR_ISSUE_NAME', DOCUMENT.replace('c7.cloud.example', 'c7.evil.example')],
    ['ERR_ENTITY_EXISTS', DOCUMENT.replace('service: api,', "service: api, aliases: ['kite:compute.c7'],")],
    [
      'ERR_ENTITY_EXISTS',
      DOCUMENT.replace('service: api,', 'service: compute, scope: region-one/nova, node: compute-07,'),
    ],
  ] as const)('is all or nothing: %s', async (code, text) => {
    const test = await template.open()
    const before = await snapshot(test)
    await expectCodeAsync(code, () => apply(test, text))
    expect(await snapshot(test)).toEqual(before)
  })

  it('ID-20: an identity stays whose it was, and a name in another system is one entity’s', async () => {
    const test = await template.open()
    await apply(test, DOCUMENT)
    await expectCodeAsync('ERR_ENTITY_IDENTITY', () =>
      apply(test, DOCUMENT.replace('service: api,', 'service: other,')),
    )
    await setEntityState(test.authority, 'api-01', 'retired', test.clock.now())
    await expectCodeAsync('ERR_ENTITY_STATE', () => apply(test, DOCUMENT))
    await expectCodeAsync('ERR_SCOPE_EXISTS', () => apply(test, 'version: 1\nscopes: { region-one: domain }'))
    const thief = `version: 1\nentities:\n  api-02: { kind: service, aliases: ['kite:compute.c7'] }`
    await expectCodeAsync('ERR_ENTITY_EXISTS', () => apply(test, thief))
  })
})

describe('importRegistry', () => {
  const lines = [
    '{"scope": "region-one", "kind": "region"}',
    '{"role": "worker", "implies": []}',
    ...Array.from({ length: 2500 }, (_, index) =>
      JSON.stringify({ entity: `n-${index}`, kind: 'node', scope: 'region-one', roles: ['worker'] }),
    ),
  ].map((line, index) => parseRegistryLine(line, index + 1))

  it('takes part after part, and finds each entity again', async () => {
    const test = await template.open()
    let parts = 0
    const counts = await importRegistry(test.authority, lines, test.clock.now(), (done) => (parts = done))
    expect(Object.fromEntries(counts)).toEqual({ 'add scope': 1, 'add role': 1, 'add entity': 2500 })
    expect(parts).toBe(lines.length)
    const { store } = test.authority
    expect(await store.entityByUri('spiffe://cloud.example/region-one/node/n-2499')).toMatchObject({ id: 'n-2499' })
    let count = 0
    for await (const { id } of eachEntity(store)) if (id.startsWith('n-')) count++
    expect(count).toBe(2500)
    await verifyAudit(store)
    expect((await importRegistry(test.authority, lines, test.clock.now())).size).toBe(0)
  })

  it('leaves nothing behind when a late part is wrong', async () => {
    const test = await template.open()
    const before = await snapshot(test)
    const wrong = parseRegistryLine('{"entity": "x", "kind": "node", "scope": "nowhere"}', 9)
    await expectCodeAsync('ERR_SCOPE_UNKNOWN', () =>
      importRegistry(test.authority, [...lines, wrong], test.clock.now()),
    )
    expect(await snapshot(test)).toEqual(before)
  })

  it('takes a text of lines, and what a registry says in lines is that text again', async () => {
    const test = await template.open()
    const text = manyLines(5000)
    const at = test.clock.now()
    const counts = await importRegistry(test.authority, registryParts([Buffer.from(text)], 'lines'), at)
    expect(Object.fromEntries(counts)).toEqual({ 'add scope': 2, 'add role': 2, 'add entity': 5000 })
    const { store } = test.authority
    expect(await store.entityCount()).toBe(5000)
    expect(await store.entitiesByName('alias', ['kite:compute.n-04999'])).toMatchObject([{ id: 'n-04999' }])
    await verifyAudit(store)
    let written = ''
    for await (const piece of registryLines(store)) written += piece
    expect(written).toBe(text)
    const head = await store.logHead()
    const pieces = Buffer.from(text)
    expect((await importRegistry(test.authority, registryParts([pieces], 'lines'), at)).size).toBe(0)
    expect(await store.logHead()).toEqual(head)
  })

  it('CA-09: killed in the middle of a large import, leaves what was there before', { timeout: 60_000 }, async () => {
    const home = template.copyHome()
    const before = await openHome(home, template.keys)
    await apply(before, DOCUMENT)
    const old = await snapshot(before)
    await before.authority.close()
    const file = join(home, '..', 'killed.ndjson')
    writeFileSync(file, manyLines(5000))
    for (const parts of [1, 7, 20]) {
      const child = startScript('import-child.mjs', [home, file])
      await child.printed(parts)
      child.process.kill('SIGKILL')
      expect((await child.ended).stdout).not.toContain('done')
      const after = await openHome(home, template.keys)
      expect(await snapshot(after)).toEqual(old)
      await verifyAudit(after.authority.store)
      await after.authority.close()
    }
    expect((await startScript('import-child.mjs', [home, file, 'to-the-end']).ended).stdout).toMatch(/done\n$/)
    const last = await openHome(home, template.keys)
    expect(await last.authority.store.entityCount()).toBe(5002)
    await verifyAudit(last.authority.store)
    await last.authority.close()
  })
})

/** A registry in lines, as one is written. */
function manyLines(entities: number): string {
  const lines = [
    '{"scope":"region-one","kind":"region"}',
    '{"scope":"region-one/nova","kind":"service"}',
    '{"role":"compute_node","implies":[]}',
    '{"role":"member","implies":[]}',
    ...Array.from({ length: entities }, (_, index) => {
      const entity = `n-${String(index).padStart(5, '0')}`
      const names = { dns: [`${entity}.cloud.example`], aliases: [`kite:compute.${entity}`] }
      const place = { scope: 'region-one/nova', roles: ['compute_node', 'member@region-one'] }
      return JSON.stringify({ entity, kind: 'node', service: 'compute', ...place, ...names })
    }),
  ]
  return `${lines.join('\n')}\n`
}
