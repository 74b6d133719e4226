import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { lintPolicy, matrixOf, matrixText, parseCases, runCases } from '../../src/policy/index.js'
import { corporaAvailable } from '../support/corpora.js'
import { runCli } from '../support/deployment.js'
import {
  ADDRESSES,
  decide,
  NOVA,
  reached,
  readMethods,
  readSamples,
  requestOf,
  roleOf,
  ROLES,
  RPC_TYPES,
  SCOPE,
  senderOf,
  typeOf,
} from '../support/nova.js'

const CASES = parseCases(readFileSync('fixtures/nova/cases.yaml', 'utf8'))

/** Types whose callers are not seen by reading nova: who may send them instead, and why. */
const UNSEEN: Readonly<Record<string, { readonly role: string; readonly why: string }>> = {
  'rpc.conductor.object_action': { role: 'compute', why: 'called by every object of a service without a database' },
  'rpc.conductor.object_backport_versions': { role: 'compute', why: 'the same' },
  'rpc.conductor.object_class_action_versions': { role: 'compute', why: 'the same' },
  'rpc.conductor.compute_task.cache_images': { role: 'api', why: 'called through another name of the conductor’s API' },
  'rpc.baseapi.get_backdoor_port': { role: 'operator', why: 'nothing of nova calls it: people do' },
  'rpc.baseapi.ping': { role: 'operator', why: 'the same' },
}

/** What a compute node may send, and where. */
const OF_COMPUTE = {
  'compute.compute-02': [
    'rpc.compute.check_can_live_migrate_source',
    'rpc.compute.check_instance_shared_storage',
    'rpc.compute.drop_move_claim_at_destination',
    'rpc.compute.finish_resize',
    'rpc.compute.finish_revert_resize',
    'rpc.compute.post_live_migration_at_destination',
    'rpc.compute.pre_live_migration',
    'rpc.compute.remove_volume_connection',
    'rpc.compute.resize_instance',
    'rpc.compute.rollback_live_migration_at_destination',
  ],
  conductor: [
    'rpc.conductor.compute_task.build_instances',
    'rpc.conductor.compute_task.migrate_server',
    'rpc.conductor.object_action',
    'rpc.conductor.object_backport_versions',
    'rpc.conductor.object_class_action_versions',
  ],
  scheduler: [
    'rpc.scheduler.delete_instance_info',
    'rpc.scheduler.sync_instance_info',
    'rpc.scheduler.update_instance_info',
  ],
} as const

describe('the policy of fixtures/nova', () => {
  it('has nothing in it that was hardly meant', () => {
    expect(lintPolicy(NOVA)).toEqual([])
  })

  it('decides its cases, and every rule decides one', () => {
    const { results, uncovered } = runCases(NOVA, CASES)
    expect(results.filter(({ passed }) => !passed).map(({ name }) => name)).toEqual([])
    expect(uncovered).toEqual([])
    expect(results.length).toBeGreaterThanOrEqual(60)
    for (const outcome of ['allowed', 'denied'] as const) {
      expect(results.filter(({ decision }) => decision.outcome === outcome).length).toBeGreaterThan(30)
    }
  })

  it('passes on the command line, and its matrix fits a terminal', async () => {
    const [policy, cases] = ['fixtures/nova/policy.yaml', 'fixtures/nova/cases.yaml']
    expect((await runCli(`policy lint ${policy} --strict`)).code).toBe(0)
    expect((await runCli(`policy test ${policy} ${cases} --require-coverage`)).code).toBe(0)
    const { stdout } = await runCli(`policy matrix ${policy}`)
    expect(stdout.trimEnd()).toBe(matrixText(matrixOf(NOVA)))
    expect(stdout.split('\n').filter((line) => line.length > 100)).toEqual([])
  })
})

describe.skipIf(!corporaAvailable())('the policy beside nova', () => {
  const methods = corporaAvailable() ? readMethods() : []
  const samples = corporaAvailable() ? readSamples() : []

  it('knows the 94 types of nova, and no other, each with its arguments', () => {
    expect(methods).toHaveLength(94)
    expect(RPC_TYPES.toSorted()).toEqual(methods.map(typeOf).toSorted())
    for (const method of methods) {
      expect(NOVA.kindOf(typeOf(method))?.fields).toEqual(method.args.map((name) => `args.${name}`))
    }
  })

  it('says in a table of its own who sends what nobody is seen to send', () => {
    const unseen = methods.filter((method) => Object.keys(method.static_callers).length === 0)
    expect(unseen.map(typeOf).toSorted()).toEqual(Object.keys(UNSEEN).toSorted())
  })

  it('lets each type be sent by the services that call it, and by no other role', () => {
    for (const method of methods) {
      const type = typeOf(method)
      const callers = [...Object.keys(method.static_callers).map(roleOf), ...(UNSEEN[type]?.role ?? '').split(' ')]
      const senders = ROLES.filter((role) => reached(role, type).length > 0)
      expect(senders, type).toEqual(ROLES.filter((role) => callers.includes(role)))
    }
  })

  it('lets each type be sent to its own topic only', () => {
    for (const method of methods.filter(({ topic }) => topic !== 'topic')) {
      const [topic, type] = [method.topic, typeOf(method)]
      for (const role of ROLES.filter((item) => reached(item, type).length > 0)) {
        expect(reached(role, type), type).toEqual([topic === 'compute' ? 'compute.compute-02' : topic])
      }
    }
  })

  it('knows the 132 types of notifications', () => {
    const types = new Set(samples.map(({ type }) => type))
    expect(types.size).toBe(132)
    expect([...types].filter((type) => NOVA.kindOf(type) === undefined)).toEqual([])
  })

  it('requirement 37: lets each of the 140 notifications be sent by whom it names, and by no other compute node', () => {
    for (const { file, type, content, publisherId } of samples) {
      const [service = '', node = ''] = publisherId.split(':')
      const role = roleOf(service)
      const sent = (by: string): string =>
        NOVA.decide({ sender: senderOf(role, SCOPE, by), type, destination: 'notifications', content }).outcome
      expect(sent(node), file).toBe('allowed')
      const other = NOVA.decide({ sender: senderOf('compute'), type, destination: 'notifications', content })
      expect(other.outcome, file).toBe('denied')
      // Those that name somebody else in nova, too, and are for who keeps the database to send.
      const isOfOthers = /^notify\.(service\.|instance\.(update|evacuate|rebuild_scheduled)$)/.test(type)
      expect(sent('elsewhere'), file).toBe(isOfOthers && role !== 'compute' ? 'allowed' : 'denied')
    }
  })
})

describe('requirements', () => {
  it('requirement 13: who may talk to whom is decided for each message, by role, type and destination', () => {
    const base = ['conductor', 'rpc.compute.build_and_run_instance', 'compute.compute-02'] as const
    expect(decide(...base)).toMatchObject({ outcome: 'allowed', rule: 'conductor-builds' })
    expect(decide('api', base[1], base[2]).because).toBe('unmatched')
    expect(decide(base[0], 'rpc.compute.terminate_instance', base[2]).because).toBe('unmatched')
    expect(decide(base[0], base[1], 'compute').because).toBe('unmatched')
    expect(decide(base[0], 'rpc.compute.nonsense', base[2]).because).toBe('unknown-type')
    expect(decide(base[0], base[1], 'network.compute-02').because).toBe('unknown-destination')
  })

  it('requirement 27: a compute node gets 15 types of RPC and the 3 for objects, and nothing else', () => {
    for (const address of ADDRESSES) {
      const types = RPC_TYPES.filter((type) => decide('compute', type, address).outcome === 'allowed')
      expect(types.toSorted(), address).toEqual((OF_COMPUTE as Record<string, readonly string[]>)[address] ?? [])
    }
    expect(Object.values(OF_COMPUTE).flat()).toHaveLength(18)
  })

  it('requirement 28: a compute node boots no guest, and the conductor does', () => {
    const [type, to] = ['rpc.compute.build_and_run_instance', 'compute.compute-02']
    expect(decide('compute', type, to)).toMatchObject({ outcome: 'denied', rule: 'compute-never-builds-or-destroys' })
    expect(decide('conductor', type, to)).toMatchObject({ outcome: 'allowed', rule: 'conductor-builds' })
  })

  it('requirement 37: what names the sender in a request must be its node', () => {
    const bound = Object.entries(OF_COMPUTE).flatMap(([address, types]) =>
      types
        .filter(
          (type) => decide('compute', type, address, { content: requestOf(type, 'compute-09') }).outcome === 'denied',
        )
        .map((type) => type.replace(/^rpc\.\w+\./, '')),
    )
    expect(bound).toEqual([
      'drop_move_claim_at_destination',
      'finish_resize',
      'finish_revert_resize',
      'post_live_migration_at_destination',
      'pre_live_migration',
      'resize_instance',
      'rollback_live_migration_at_destination',
      'delete_instance_info',
      'sync_instance_info',
      'update_instance_info',
    ])
    // Nor may it be missing, or unread.
    for (const content of [{ args: {} }, null, []]) {
      expect(decide('compute', 'rpc.compute.resize_instance', 'compute.compute-02', { content }).outcome).toBe('denied')
    }
    const unread = { sender: senderOf('compute'), type: 'rpc.scheduler.sync_instance_info', destination: 'scheduler' }
    expect(NOVA.decide({ ...unread, scope: SCOPE }).outcome).toBe('denied')
  })

  it('requirement 39: nothing that a message says makes its sender more', () => {
    const claims = {
      role: 'conductor',
      roles: ROLES,
      grants: ['conductor@/**'],
      scope: SCOPE,
      service: 'nova-conductor',
      entity: 'one-conductor',
      signer: { roles: ROLES },
      publisher_id: 'nova-conductor:ctl-01',
      _context_roles: ['admin', ...ROLES],
      _context_is_admin: true,
    }
    for (const role of ROLES) {
      for (const type of RPC_TYPES) {
        const content = { ...claims, ...(requestOf(type, 'compute-01') as object), ...claims }
        for (const address of ADDRESSES) {
          const [plain, claiming] = [decide(role, type, address), decide(role, type, address, { content })]
          expect(claiming.outcome, `${role} ${type} ${address}`).toBe(plain.outcome)
        }
      }
    }
  })

  it('requirement 40: of all roles and pairs of roles, live_migration is for the conductor, and never with compute', () => {
    const held = ROLES.flatMap((role) => [
      [role],
      ...ROLES.filter((other) => other > role).map((other) => [role, other]),
    ])
    expect(held).toHaveLength(28)
    for (const roles of held) {
      const mays = roles.includes('conductor') && !roles.includes('compute') && !roles.includes('observer')
      expect(reached(roles, 'rpc.compute.live_migration'), roles.join(' ')).toEqual(mays ? ['compute.compute-02'] : [])
    }
  })

  it.each([
    ['conductor', SCOPE, { one: true, two: false }],
    ['conductor', 'region-two/nova', { one: false, two: true }],
    ['conductor', 'region-one', { one: false, two: false }],
    ['conductor', '', { one: false, two: false }],
    ['conductor@/**', 'elsewhere', { one: true, two: true }],
    ['conductor@region-one/*', '', { one: true, two: false }],
    ['conductor@region-two/**', SCOPE, { one: false, two: true }],
    ['conductor@region-two', SCOPE, { one: false, two: false }],
    ['conductor@region-two/nova', SCOPE, { one: false, two: true }],
  ])(
    'requirement 52: the grant %j of somebody in %j is good for region-one and region-two: %j',
    (grant, scope, good) => {
      const [type, to] = ['rpc.compute.live_migration', 'compute.compute-02']
      const at = (region: string): boolean =>
        decide(grant, type, to, { sender: senderOf(grant, scope), scope: `${region}/nova` }).outcome === 'allowed'
      expect({ one: at('region-one'), two: at('region-two') }).toEqual(good)
    },
  )

  it('requirement 52: where a receiver is not known, no role is held there', () => {
    const [type, destination] = ['rpc.compute.live_migration', 'compute.compute-02']
    const decision = NOVA.decide({
      sender: senderOf('conductor'),
      type,
      destination,
      content: requestOf(type, 'ctl-01'),
    })
    const rule = decision.considered.find((item) => item.rule === 'conductor-migrates')
    expect(rule?.checks).toEqual([{ check: 'role conductor at the destination', held: null }])
    expect(decision.outcome).toBe('denied')
  })

  it('requirement 54: a policy for the 94 types, which explains each decision by its rules and their checks', async () => {
    expect(RPC_TYPES).toHaveLength(94)
    const { considered } = decide('compute', 'rpc.compute.resize_instance', 'compute.compute-02', { content: {} })
    expect(considered).toEqual([
      {
        rule: 'compute-resizes-here',
        effect: 'allow',
        held: false,
        checks: [
          { check: 'role compute at the destination', held: true },
          { check: 'args.migration."nova_object.data".dest_compute == node', held: false },
        ],
      },
      {
        rule: 'observers-only-listen',
        effect: 'deny',
        held: false,
        checks: [{ check: 'role observer', held: false }],
      },
    ])
    const asked = '--role compute --sender-scope region-one/nova --scope region-one/nova'
    const { stdout } = await runCli(
      `policy explain fixtures/nova/policy.yaml ${asked} --type rpc.compute.live_migration --to compute.compute-02`,
    )
    expect(stdout).toMatch(/^decision +denied$/m)
    expect(stdout).toContain('of the rule compute-never-moves-guests')
    expect(stdout).toContain('rule conductor-migrates (allow): does not hold')
  })
})
