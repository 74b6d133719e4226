/**
 * compute-01 is taken over: whoever has it has its keys, and has the broker, too. TLS is on everywhere and helps no more.
 * Everything below is tried; nothing of it is believed, nothing passes that the node may not do, and then it is cut off.
 */
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { OID } from '../../src/asn1/index.js'
import { issueCertificates, PROFILES, setEntityState } from '../../src/authority/index.js'
import { MemoryKeyProvider } from '../../src/crypto/index.js'
import {
  createReplayMemory,
  MessageVerifier,
  openReplayFile,
  receiverNames,
  roleDestination,
  signMessage,
} from '../../src/message/index.js'
import { addSeconds } from '../../src/time/index.js'
import { createTrustMemory } from '../../src/trust/index.js'
import {
  buildName,
  createCertificationRequest,
  encodeSubjectAltName,
  parseCertificationRequest,
} from '../../src/x509/index.js'
import { keyFor, makeCertificate, NOW } from '../support/certificates.js'
import { type Cloud, makeCloud } from '../support/cloud.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'
import { requestOf } from '../support/nova.js'
import { temporaryFolder } from '../support/temporary.js'
import { makeTemplate } from '../support/test-authority.js'

const template = await makeTemplate()
const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

/** The node that is lost, one beside it, and those that they talk to. */
const [LOST, NEIGHBOUR, CONDUCTOR, SCHEDULER] = [
  'one-compute-01',
  'one-compute-02',
  'one-conductor',
  'one-scheduler',
] as const
const REPORT = 'rpc.scheduler.update_instance_info'
const report = (host: string): Buffer =>
  bytes({ method: 'update_instance_info', args: { host_name: host, instance_info: null } })
const MIGRATE = 'rpc.compute.live_migration'

describe('a compute node is compromised, with the broker', () => {
  let cloud: Cloud
  beforeAll(async () => {
    cloud = await makeCloud(template)
  }, 60_000)
  const scheduler = (changes = {}) => cloud.receiver(SCHEDULER, ['scheduler'], changes)
  const neighbour = (changes = {}) => cloud.receiver(NEIGHBOUR, ['compute', 'compute.compute-02'], changes)

  it('what it may do as itself, it still may: that is why it will have to be cut off', async () => {
    const content = report('compute-01')
    const message = await (await scheduler()).verify(await cloud.sign(LOST, REPORT, 'scheduler', content), content)
    expect(message).toMatchObject({ signer: { entity: LOST, node: 'compute-01' }, rule: 'compute-reports-itself' })
  })

  it('requirement 40: orders another node to migrate a guest', async () => {
    const content = bytes(requestOf(MIGRATE, 'compute-01'))
    const der = await cloud.sign(LOST, MIGRATE, 'compute.compute-02', content)
    await expectCodeAsync('ERR_POLICY_DENIED', async () => (await neighbour()).verify(der, content))
  })

  it('requirement 37: speaks for another node in the body', async () => {
    const content = report('compute-02')
    const der = await cloud.sign(LOST, REPORT, 'scheduler', content)
    await expectCodeAsync('ERR_POLICY_DENIED', async () => (await scheduler()).verify(der, content))
  })

  it('requirement 39: claims roles, a user and a context in the body', async () => {
    const content = bytes({
      ...(requestOf(MIGRATE, 'compute-01') as object),
      roles: ['conductor', 'admin'],
      _context_is_admin: true,
      signer: { node: 'ctl-01' },
      __proto__: { roles: ['conductor'] },
    })
    const der = await cloud.sign(LOST, MIGRATE, 'compute.compute-02', content)
    await expectCodeAsync('ERR_POLICY_DENIED', async () => (await neighbour()).verify(der, content))
  })

  it('requirement 5: signs with a certificate that it made for itself in the name of the conductor', async () => {
    const { uri } = await cloud.identityOf(CONDUCTOR)
    const genuine = cloud.signerOf(CONDUCTOR).certificate
    const fake = makeCertificate({
      subject: 'one-conductor',
      names: [{ kind: 'uri', value: uri }],
      purposes: [...(genuine.extKeyUsage ?? [])],
    })
    const content = bytes(requestOf(MIGRATE, 'compute-01'))
    const { der } = await signMessage(content, fake, { type: MIGRATE, destination: 'compute.compute-02', at: NOW })
    await expectCodeAsync('ERR_CMS_SIGNER_UNKNOWN', async () => (await neighbour()).verify(der, content))
  })

  it('requirement 46: asks the authority for a certificate in the name of the conductor', async () => {
    const { uri } = await cloud.identityOf(CONDUCTOR)
    const wish = encodeSubjectAltName([{ kind: 'uri', value: uri }], false)
    const subject = buildName([[OID.commonName, 'one-conductor']])
    const pem = await createCertificationRequest(keyFor('thief'), { subject, extensionsDer: [wish] })
    const request = parseCertificationRequest(Buffer.from(pem))
    const key = { kind: 'request', request } as const
    await expectCodeAsync('ERR_CSR_EXTENSION', async () =>
      issueCertificates(await cloud.test.issuing(), [{ entity: LOST, profile: PROFILES.signer, key }]),
    )
  })

  it('signs messages with its TLS key', async () => {
    const key = { kind: 'generate', algorithm: 'p256' } as const
    const [tls] = await issueCertificates(await cloud.test.issuing(), [{ entity: LOST, profile: PROFILES.peer, key }])
    const { certificate, privateKey } = tls ?? expect.fail('it was issued')
    if (privateKey === undefined) expect.fail('its key was handed out')
    const credential = { certificate, key: new MemoryKeyProvider(privateKey) }
    await expectCodeAsync('ERR_ISSUE_PROFILE', () =>
      signMessage(report('compute-01'), credential, { type: REPORT, destination: 'scheduler', at: NOW }),
    )
  })

  it('requirement 6: speaks to its group as another member, who really spoke before', async () => {
    const group = roleDestination('compute')
    const content = bytes({ method: 'ping', args: {} })
    const genuine = await cloud.sign('alice', 'rpc.baseapi.ping', group, content)
    const forged = await cloud.sign(LOST, 'rpc.baseapi.ping', group, content)
    // Even where nobody asks what they may, each message says who wrote it.
    const identity = await cloud.identityOf(NEIGHBOUR)
    const receiver = new MessageVerifier({
      trust: cloud.open(await cloud.publish()),
      destinations: receiverNames(identity),
      senders: 'allow-any-trusted',
      types: 'allow-any',
      maxAgeSeconds: 300,
      replay: createReplayMemory(),
      clock: cloud.test.clock,
    })
    expect((await receiver.verify(genuine, content)).signer.entity).toBe('alice')
    expect((await receiver.verify(forged, content)).signer.entity).toBe(LOST)
    // The policy lets neither group member nor operator speak to groups that it does not declare.
    await expectCodeAsync('ERR_POLICY_DENIED', async () => (await neighbour()).verify(forged, content))
  })

  describe('as the broker, with the messages of others', () => {
    const order = bytes(requestOf(MIGRATE, 'compute-01'))
    let genuine: Uint8Array
    beforeAll(async () => {
      genuine = await cloud.sign(CONDUCTOR, MIGRATE, 'compute.compute-02', order)
    })

    it('requirement 9: delivers one again', async () => {
      const receiver = await neighbour()
      expect(await receiver.verify(genuine, order)).toMatchObject({ rule: 'conductor-migrates' })
      await expectCodeAsync('ERR_MESSAGE_REPLAYED', () => receiver.verify(genuine, order))
    })

    it('requirement 9: delivers one again after the receiver was started again', async () => {
      const path = join(temporaryFolder(), 'seen.db')
      const before = openReplayFile(path)
      await (await neighbour({ replay: before })).verify(genuine, order)
      before.close()
      const after = openReplayFile(path)
      await expectCodeAsync('ERR_MESSAGE_REPLAYED', async () =>
        (await neighbour({ replay: after })).verify(genuine, order),
      )
      after.close()
    })

    it('requirement 10: keeps one back until it suits, or until the memory has forgotten it', async () => {
      const later = { clock: { now: () => addSeconds(NOW, 600) }, replay: createReplayMemory() }
      await expectCodeAsync('ERR_MESSAGE_EXPIRED', async () => (await neighbour(later)).verify(genuine, order))
    })

    it('requirement 7: delivers one to somebody else', async () => {
      const lost = await cloud.receiver(LOST, ['compute', 'compute.compute-01'])
      await expectCodeAsync('ERR_MESSAGE_DESTINATION', () => lost.verify(genuine, order))
      await expectCodeAsync('ERR_MESSAGE_DESTINATION', async () => (await scheduler()).verify(genuine, order))
    })

    it('requirement 8: sends one back to who wrote it', async () => {
      const conductor = await cloud.receiver(CONDUCTOR, ['conductor'])
      await expectCodeAsync('ERR_MESSAGE_DESTINATION', () => conductor.verify(genuine, order))
    })

    it('requirement 52: carries one to the node of the same name in the other region', async () => {
      const elsewhere = await cloud.receiver('two-compute-01', ['compute', 'compute.compute-02'])
      await expectCodeAsync('ERR_POLICY_DENIED', () => elsewhere.verify(genuine, order))
    })

    it('requirement 1: changes one, or puts one under another signature', async () => {
      const receiver = await neighbour()
      const other = bytes(requestOf(MIGRATE, 'compute-09'))
      await expectCodeAsync('ERR_CMS_DIGEST_MISMATCH', () => receiver.verify(genuine, other))
      const stop = await cloud.sign(CONDUCTOR, 'rpc.compute.start_instance', 'compute.compute-02', other)
      await expectCodeAsync('ERR_CMS_DIGEST_MISMATCH', () => receiver.verify(stop, order))
    })

    it('requirement 16: takes the signature away', async () => {
      await expectCodeAsync('ERR_MESSAGE_UNSIGNED', async () => (await neighbour()).verify(new Uint8Array(), order))
    })
  })

  it('requirement 12: is cut off by one command, everywhere, and nobody else is', async () => {
    const memory = createTrustMemory()
    const old = await cloud.publish()
    let trust = cloud.open(old, memory)
    const receivers = await Promise.all(
      [SCHEDULER, CONDUCTOR, NEIGHBOUR].map((entity) => cloud.receiver(entity, ['scheduler'], { trust: () => trust })),
    )
    const content = report('compute-01')
    // Signed before: it is in some queue while the node is cut off.
    const queued = await Promise.all(receivers.map(() => cloud.sign(LOST, REPORT, 'scheduler', content)))
    await setEntityState(cloud.test.authority, LOST, 'quarantined', NOW)
    trust = cloud.open(await cloud.publish(), memory)
    for (const [index, receiver] of receivers.entries()) {
      await expectCodeAsync('ERR_CMS_SIGNER_UNKNOWN', () => receiver.verify(queued[index] ?? new Uint8Array(), content))
    }
    const other = report('compute-02')
    const [first] = receivers
    expect(await first?.verify(await cloud.sign(NEIGHBOUR, REPORT, 'scheduler', other), other)).toMatchObject({
      signer: { entity: NEIGHBOUR },
    })
    // requirement 21: the broker hands out the directory from before.
    expectCode('ERR_TRUST_DIRECTORY_ROLLBACK', () => cloud.open(old, memory))
    // requirement 26: and it gets nothing new.
    const key = { kind: 'generate', algorithm: 'p256' } as const
    await expectCodeAsync('ERR_ENTITY_INACTIVE', async () =>
      issueCertificates(await cloud.test.issuing(), [{ entity: LOST, profile: PROFILES.signer, key }]),
    )
  })
})
