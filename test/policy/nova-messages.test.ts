import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { applyRegistry, issueCertificates, profileNamed, publishTrustDirectory } from '../../src/authority/index.js'
import { MemoryKeyProvider } from '../../src/crypto/index.js'
import { identityOf, parseRegistryDocument, requireEntity, RoleGraph } from '../../src/identity/index.js'
import type { JsonValue } from '../../src/json/index.js'
import {
  createReplayMemory,
  type MessagePolicy,
  type SigningCredential,
  signMessage,
  type VerifiedMessage,
  verifyMessage,
} from '../../src/message/index.js'
import { lintPolicy } from '../../src/policy/index.js'
import { openTrustDirectory, type TrustDirectory } from '../../src/trust/index.js'
import { NOW } from '../support/certificates.js'
import { corporaAvailable } from '../support/corpora.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { decide, NOVA, readSamples, requestOf, RPC_TYPES, SCOPE } from '../support/nova.js'
import { makeTemplate, type TestAuthority } from '../support/test-authority.js'

const template = await makeTemplate()
const samples = corporaAvailable() ? readSamples() : []
const DEPLOYMENT = parseRegistryDocument(readFileSync('fixtures/nova/deployment.yaml', 'utf8'))

/** Every publisher of the samples, where nova's own documentation has it run. */
const PUBLISHERS = new Map(
  [...new Set(samples.map(({ publisherId }) => publisherId))].map((publisherId) => {
    const [service = '', node = ''] = publisherId.split(':')
    return [publisherId, { service, node, id: publisherId.replace(':', '-'), role: service.replace('nova-', '') }]
  }),
)

describe('messages of the deployment of fixtures/nova, really signed', () => {
  const signers = new Map<string, SigningCredential>()
  let test: TestAuthority
  let trust: TrustDirectory

  beforeAll(async () => {
    test = await template.open()
    const { authority, publisherKey } = test
    const publishers = [...PUBLISHERS.values()].map(
      ({ id, ...parts }) =>
        `  ${id}: { kind: service, service: ${parts.service}, node: ${parts.node}, roles: [${parts.role}] }\n`,
    )
    const others = parseRegistryDocument(`version: 1\nentities:\n${publishers.join('')}`)
    for (const document of [DEPLOYMENT, others]) {
      await applyRegistry(authority, document, { unnamed: 'leave' }, NOW)
    }
    const ids = [...DEPLOYMENT.entities.keys(), ...others.entities.keys()]
    const issuing = await test.issuing()
    const issued = await issueCertificates(
      issuing,
      ids.map((entity) => ({ entity, profile: profileNamed('signer'), key: { kind: 'generate', algorithm: 'p256' } })),
    )
    for (const [index, { certificate, privateKey }] of issued.entries()) {
      if (privateKey === undefined) throw new Error('the key was not handed out')
      signers.set(ids[index] ?? '', { certificate, key: new MemoryKeyProvider(privateKey) })
    }
    const { der } = await publishTrustDirectory(authority, publisherKey, issuing.crls, NOW)
    trust = openTrustDirectory(der, { pin: authority.root.fingerprint, at: NOW, memory: 'allow-forgetting' })
  }, 60_000)

  const signerOf = (entity: string): SigningCredential => {
    const signer = signers.get(entity)
    if (signer === undefined) throw new Error(`nobody signs for ${entity}`)
    return signer
  }

  /** Asks who it was, and not whether they may. */
  const believer = (): MessagePolicy => ({
    trust,
    destinations: 'allow-any',
    senders: 'allow-any-trusted',
    types: 'allow-any',
    maxAgeSeconds: 300,
    replay: createReplayMemory(),
    at: NOW,
  })

  const receiver = (changes: Partial<MessagePolicy> = {}): MessagePolicy => ({
    ...believer(),
    authorization: NOVA,
    scope: SCOPE,
    ...changes,
  })

  interface Message {
    readonly entity: string
    readonly type: string
    readonly destination: string
    readonly content: JsonValue | Uint8Array
  }

  const bytesOf = ({ content }: Message): Uint8Array =>
    content instanceof Uint8Array ? content : Buffer.from(JSON.stringify(content))

  const sign = async (message: Message, signer = signerOf(message.entity)): Promise<Uint8Array> => {
    const { type, destination } = message
    return (await signMessage(bytesOf(message), signer, { type, destination, at: NOW })).der
  }

  const send = async (message: Message, changes: Partial<MessagePolicy> = {}): Promise<VerifiedMessage> =>
    verifyMessage(await sign(message), bytesOf(message), receiver(changes))

  const request = (entity: string, type: string, destination: string, node = 'compute-01'): Message => ({
    entity,
    type,
    destination,
    content: requestOf(type, node),
  })

  it('is a deployment in which every role of the policy is registered', async () => {
    const registered = (await test.authority.store.roles()).map(({ name }) => name)
    expect(lintPolicy(NOVA, { registered })).toEqual([])
    expect(await applyRegistry(test.authority, DEPLOYMENT, { unnamed: 'leave' }, NOW)).toEqual([])
  })

  it('requirement 28: a guest is built by the conductor, and not by a compute node', async () => {
    const build = (entity: string): Message =>
      request(entity, 'rpc.compute.build_and_run_instance', 'compute.compute-02')
    const message = await send(build('one-conductor'))
    expect(message.rule).toBe('conductor-builds')
    expect(message.signer).toMatchObject({ entity: 'one-conductor', service: 'nova-conductor', scope: SCOPE })
    const error = await expectCodeAsync('ERR_POLICY_DENIED', () => send(build('one-compute-01')))
    expect(error.details['rule']).toBe('compute-never-builds-or-destroys')
    for (const entity of ['one-api', 'one-scheduler', 'one-novncproxy', 'one-telemetry', 'alice']) {
      await expectCodeAsync('ERR_POLICY_DENIED', () => send(build(entity)))
    }
  })

  it('requirement 36: what is verified and not authorised is told from what is not to be believed', async () => {
    const order = request('one-compute-01', 'rpc.compute.live_migration', 'compute.compute-02')
    const der = await sign(order)
    // The signature is good: who asks for no authorisation gets the message.
    const message = await verifyMessage(der, bytesOf(order), believer())
    expect([message.signer.entity, message.rule]).toEqual(['one-compute-01', undefined])

    const denied = await expectCodeAsync('ERR_POLICY_DENIED', () => verifyMessage(der, bytesOf(order), receiver()))
    expect([denied.category, denied.exitCode]).toEqual(['denied', 5])
    expect(denied.details).toMatchObject({
      signer: 'spiffe://cloud.example/region-one/nova/nova-compute/compute-01',
      type: order.type,
      destination: order.destination,
      because: 'rule',
    })

    const other = Buffer.from(JSON.stringify(requestOf(order.type, 'compute-09')))
    const altered = der.with(-1, (der.at(-1) ?? 0) ^ 1)
    const untrusted = [
      await expectCodeAsync('ERR_CMS_DIGEST_MISMATCH', () => verifyMessage(der, other, receiver())),
      await expectCodeAsync('ERR_CMS_SIGNATURE', () => verifyMessage(altered, bytesOf(order), receiver())),
    ]
    expect(untrusted.map(({ category }) => category)).toEqual(['untrusted', 'untrusted'])
  })

  it('requirement 36: nobody is authorised whom nobody verified, whatever the policy allows', async () => {
    const order = request('one-conductor', 'rpc.compute.live_migration', 'compute.compute-02')
    const der = await sign(order)
    const at = new Date(NOW.getTime() + 600_000)
    expect((await verifyMessage(der, bytesOf(order), receiver())).rule).toBe('conductor-migrates')
    expect(
      (await expectCodeAsync('ERR_MESSAGE_EXPIRED', () => verifyMessage(der, bytesOf(order), receiver({ at }))))
        .category,
    ).not.toBe('denied')
  })

  it('requirement 37: a request names the node that signed it', async () => {
    const report = (host: string): Message => ({
      entity: 'one-compute-01',
      type: 'rpc.scheduler.update_instance_info',
      destination: 'scheduler',
      content: { method: 'update_instance_info', args: { host_name: host, instance_info: null } },
    })
    expect((await send(report('compute-01'))).rule).toBe('compute-reports-itself')
    const error = await expectCodeAsync('ERR_POLICY_DENIED', () => send(report('compute-02')))
    expect(error.details['rule compute-reports-itself']).toBe('does not hold: args.host_name == node')
    // The twin of its name in the other region is another node.
    await expectCodeAsync('ERR_POLICY_DENIED', () => send({ ...report('compute-01'), entity: 'two-compute-01' }))
  })

  it.skipIf(samples.length === 0)(
    'requirement 37: 140 real notifications are accepted from whom they name, and from no other compute node',
    { timeout: 60_000 },
    async () => {
      for (const { file, type, bytes, publisherId } of samples) {
        const entity = PUBLISHERS.get(publisherId)?.id ?? ''
        const message = { entity, type, destination: 'notifications', content: bytes }
        expect((await send(message)).signer, file).toMatchObject({ entity })
        const error = await expectCodeAsync('ERR_POLICY_DENIED', () => send({ ...message, entity: 'one-compute-01' }))
        expect(error.category).toBe('denied')
      }
    },
  )

  it('requirement 39: a message that claims to be its sender’s betters is denied as it would be without', async () => {
    const order = request('one-compute-01', 'rpc.compute.live_migration', 'compute.compute-02')
    const claims = { roles: ['conductor'], service: 'nova-conductor', _context_is_admin: true, entity: 'one-conductor' }
    const content = { ...claims, ...(order.content as object) }
    await expectCodeAsync('ERR_POLICY_DENIED', () => send({ ...order, content }))
  })

  it('requirement 40: of all who are here, only the conductor of the region orders a live migration', async () => {
    const accepted: string[] = []
    for (const entity of DEPLOYMENT.entities.keys()) {
      const order = request(entity, 'rpc.compute.live_migration', 'compute.compute-02')
      try {
        await send(order)
        accepted.push(entity)
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_POLICY_DENIED' })
      }
    }
    expect(accepted).toEqual(['one-conductor'])
  })

  it('requirement 51: roles are those of the registry, with what they imply, and reach the receiver in the directory', async () => {
    const { store } = test.authority
    const graph = new RoleGraph(await store.roles())
    const roles = async (id: string): Promise<readonly string[]> =>
      identityOf(await requireEntity(store, id), graph).roles
    expect(await roles('one-compute-01')).toEqual(['compute', 'compute_node'])
    expect(await roles('two-controller')).toEqual(['api', 'conductor', 'controller'])
    expect(await roles('one-scheduler')).toEqual(['compute_scheduler', 'scheduler'])
    // In the scope that alice is in, she is nobody in particular; everywhere else she is an operator.
    const { signer } = await send(request('alice', 'rpc.baseapi.ping', 'conductor'))
    expect(signer.grants).toEqual(['operator@/**', 'site_operator@/**'])
    const order = request('two-controller', 'rpc.compute.live_migration', 'compute.compute-01')
    expect((await send(order, { scope: 'region-two/nova' })).signer.roles).toContain('conductor')
  })

  it('requirement 52: a role in one region is none in the other, and one that was granted everywhere is one in both', async () => {
    const accepted = async (entity: string, type: string, to: string): Promise<readonly string[]> => {
      const regions: string[] = []
      for (const region of ['region-one', 'region-two']) {
        try {
          await send(request(entity, type, to), { scope: `${region}/nova` })
          regions.push(region)
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_POLICY_DENIED' })
        }
      }
      return regions
    }
    const migration = ['rpc.compute.live_migration', 'compute.compute-01'] as const
    expect(await accepted('one-conductor', ...migration)).toEqual(['region-one'])
    expect(await accepted('two-controller', ...migration)).toEqual(['region-two'])
    expect(await accepted('one-compute-01', 'rpc.scheduler.sync_instance_info', 'scheduler')).toEqual(['region-one'])
    expect(await accepted('two-compute-01', 'rpc.scheduler.sync_instance_info', 'scheduler')).toEqual(['region-two'])
    expect(await accepted('alice', 'rpc.baseapi.ping', 'scheduler')).toEqual(['region-one', 'region-two'])
    expect(await accepted('one-telemetry', 'rpc.baseapi.ping', 'scheduler')).toEqual([])
  })

  it(
    'requirement 54: each of the 94 types, signed by a node and by the conductor, is decided as the policy says',
    { timeout: 60_000 },
    async () => {
      for (const type of RPC_TYPES) {
        const destination = type.startsWith('rpc.compute.') ? 'compute.compute-02' : (type.split('.')[1] ?? '')
        for (const [entity, role, node] of [
          ['one-compute-01', 'compute', 'compute-01'],
          ['one-conductor', 'conductor', 'ctl-01'],
        ] as const) {
          const wanted = decide(role, type, destination)
          const work = (): Promise<VerifiedMessage> => send(request(entity, type, destination, node))
          if (wanted.outcome === 'allowed') expect((await work()).rule).toBe(wanted.rule)
          else await expectCodeAsync('ERR_POLICY_DENIED', work)
        }
      }
    },
  )
})
