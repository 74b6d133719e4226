/** The main job, on the notifications that nova publishes as samples: each signed by the service that it names. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  Authority,
  bootstrap,
  currentCrls,
  issueCertificates,
  profileNamed,
  publishTrustDirectory,
  registerEntity,
  revokeCertificates,
  setEntityState,
} from '../../src/authority/index.js'
import { type KeyProvider, MemoryKeyProvider, Passphrase } from '../../src/crypto/index.js'
import {
  createReplayMemory,
  type MessagePolicy,
  type SigningCredential,
  signMessage,
  verifyMessage,
} from '../../src/message/index.js'
import { parseBinding } from '../../src/policy/index.js'
import { addSeconds, type Clock } from '../../src/time/index.js'
import { openTrustDirectory, type TrustDirectory } from '../../src/trust/index.js'
import { NOW } from '../support/certificates.js'
import { CORPORA, corporaAvailable } from '../support/corpora.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { temporaryFolder } from '../support/temporary.js'
import { ensurePlaces } from '../support/places.js'

interface Sample {
  readonly file: string
  readonly content: Buffer
  readonly eventType: string
  readonly publisherId: string
}

const SAMPLES = join(CORPORA, 'openstack/nova-notification-samples')
const folder = temporaryFolder()
const clock: Clock = { now: () => NOW }
const bindings = [parseBinding('publisher_id == service:node')]

function readSamples(): readonly Sample[] {
  return readdirSync(SAMPLES)
    .filter((file) => file.endsWith('.json'))
    .map((file) => {
      const content = readFileSync(join(SAMPLES, file))
      const { event_type: eventType, publisher_id: publisherId } = JSON.parse(content.toString()) as Record<
        string,
        string
      >
      return { file, content, eventType: eventType ?? '', publisherId: publisherId ?? '' }
    })
}

const partsOf = (publisherId: string): { service: string; node: string; id: string } => {
  const [service = '', node = ''] = publisherId.split(':')
  return { service, node, id: `${service}-${node}` }
}

describe.skipIf(!corporaAvailable())('the notifications of nova', () => {
  const samples = corporaAvailable() ? readSamples() : []
  const publisherIds = [...new Set(samples.map((sample) => sample.publisherId))].sort()
  const signers = new Map<string, SigningCredential>()
  let authority: Authority
  let issuingKey: KeyProvider
  let publisherKey: KeyProvider
  let trust: TrustDirectory

  const publish = async (at: Date): Promise<TrustDirectory> => {
    const crls = await currentCrls(authority, issuingKey, at)
    const { der } = await publishTrustDirectory(authority, publisherKey, crls, at)
    return openTrustDirectory(der, { pin: authority.root.fingerprint, at, memory: 'allow-forgetting' })
  }

  beforeAll(async () => {
    const passphrase = new Passphrase(Buffer.from('a passphrase of this test'))
    const home = join(folder, 'home')
    await bootstrap(
      {
        home,
        rootDirectory: join(folder, 'root'),
        trustDomain: 'cloud.example',
        domains: [],
        addressRanges: [],
        algorithm: 'p256',
        passphrase,
      },
      clock,
    )
    authority = await Authority.open(home, clock)
    issuingKey = await authority.issuingKey(passphrase)
    publisherKey = await authority.publisherKey(passphrase)
    const crls = await currentCrls(authority, issuingKey, NOW)
    for (const publisherId of publisherIds) {
      const { service, node, id } = partsOf(publisherId)
      await ensurePlaces(authority, { roles: [service, 'notifier'] }, NOW)
      await registerEntity(authority, { id, kind: 'service', service, node, roles: [service, 'notifier'] }, NOW)
    }
    const issued = await issueCertificates(
      { authority, key: issuingKey, crls, at: NOW },
      publisherIds.map((publisherId) => ({
        entity: partsOf(publisherId).id,
        profile: profileNamed('signer'),
        key: { kind: 'generate', algorithm: 'p256' },
      })),
    )
    for (const [index, { certificate, privateKey }] of issued.entries()) {
      if (privateKey === undefined) throw new Error('the key was not handed out')
      signers.set(publisherIds[index] ?? '', { certificate, key: new MemoryKeyProvider(privateKey) })
    }
    trust = await publish(NOW)
  }, 30_000)

  afterAll(async () => {
    await authority.close()
  })

  const signerOf = (publisherId: string): SigningCredential => {
    const signer = signers.get(publisherId)
    if (signer === undefined) throw new Error(`nobody signs for ${publisherId}`)
    return signer
  }

  const sign = async (sample: Sample, signer = signerOf(sample.publisherId)): Promise<Uint8Array> => {
    const { der } = await signMessage(sample.content, signer, {
      type: `notify.${sample.eventType}`,
      destination: 'notifications',
      at: NOW,
    })
    return der
  }

  const policy = (changes: Partial<MessagePolicy> = {}): MessagePolicy => ({
    trust,
    destinations: ['notifications'],
    senders: { roles: ['notifier'] },
    types: ['notify.*'],
    maxAgeSeconds: 300,
    replay: createReplayMemory(),
    at: NOW,
    bindings,
    ...changes,
  })

  it('are 140, of services on several hosts', () => {
    expect(samples).toHaveLength(140)
    expect(publisherIds.length).toBeGreaterThanOrEqual(10)
    expect(trust.size).toBe(publisherIds.length)
  })

  it('are each verified, mapped to the node and roles of their publisher, and bound to it', async () => {
    const replay = createReplayMemory()
    for (const sample of samples) {
      const { service, node, id } = partsOf(sample.publisherId)
      const message = await verifyMessage(await sign(sample), sample.content, policy({ replay }))
      expect(message.signer).toEqual({
        entity: id,
        uri: `spiffe://cloud.example/${service}/${node}`,
        scope: '',
        service,
        node,
        roles: [service, 'notifier'].sort(),
        grants: [service, 'notifier'].sort(),
        groups: [],
      })
      expect(Buffer.from(message.content)).toEqual(sample.content)
      expect(message.context.type).toBe(`notify.${sample.eventType}`)
      expect(message.bindings).toEqual(['publisher_id == service:node'])
      expect(message.replay).toBe('checked')
    }
  })

  it('are each denied when another node signed them: ERR_MESSAGE_BINDING, exit code 5', async () => {
    for (const sample of samples) {
      const [other] = publisherIds.filter(
        (publisherId) => partsOf(publisherId).node !== partsOf(sample.publisherId).node,
      )
      const der = await sign(sample, signerOf(other ?? ''))
      const error = await expectCodeAsync('ERR_MESSAGE_BINDING', () => verifyMessage(der, sample.content, policy()))
      expect(error.exitCode).toBe(5)
      expect(error.details['field']).toBe('publisher_id')
    }
  })

  it('are each denied when another service of the same node signed them', async () => {
    const twins = samples.flatMap((sample) => {
      const { service, node } = partsOf(sample.publisherId)
      const twin = publisherIds.find((publisherId) => {
        const other = partsOf(publisherId)
        return other.node === node && other.service !== service
      })
      return twin === undefined ? [] : [{ sample, twin }]
    })
    expect(twins.length).toBeGreaterThan(100)
    for (const { sample, twin } of twins) {
      const der = await sign(sample, signerOf(twin))
      await expectCodeAsync('ERR_MESSAGE_BINDING', () => verifyMessage(der, sample.content, policy()))
    }
  })

  it('requirement 1: are each refused beside the content of another', async () => {
    for (const [index, sample] of samples.entries()) {
      const other = samples[(index + 1) % samples.length]
      if (other === undefined || other.content.equals(sample.content)) continue
      const der = await sign(sample)
      await expectCodeAsync('ERR_CMS_DIGEST_MISMATCH', () => verifyMessage(der, other.content, policy()))
    }
  })

  it('cost no more than 455 bytes of signature, in the median', async () => {
    const sizes: number[] = []
    for (const sample of samples) sizes.push((await sign(sample)).length)
    sizes.sort((a, b) => a - b)
    const median = ((sizes[69] ?? 0) + (sizes[70] ?? 0)) / 2
    expect(median).toBeLessThanOrEqual(455)
  })

  // The tests below change the deployment: they come last.
  describe('after a node was cut off', () => {
    const later = addSeconds(NOW, 60)
    const isRefused = async (directory: TrustDirectory, gone: readonly string[]): Promise<void> => {
      for (const sample of samples) {
        const der = await sign(sample)
        const work = () => verifyMessage(der, sample.content, policy({ trust: directory, at: later }))
        if (gone.includes(sample.publisherId)) await expectCodeAsync('ERR_CMS_SIGNER_UNKNOWN', work)
        else expect((await work()).signer.entity).toBe(partsOf(sample.publisherId).id)
      }
    }

    it('are refused when a signer is quarantined, while all others verify, and again accepted after release', async () => {
      await setEntityState(authority, 'nova-compute-host1', 'quarantined', later)
      await isRefused(await publish(later), ['nova-compute:host1'])
      await setEntityState(authority, 'nova-compute-host1', 'active', later)
      await isRefused(await publish(later), [])
    })

    it('are refused when a signer is revoked, while all others verify', async () => {
      await revokeCertificates(authority, { kind: 'entity', id: 'nova-compute-compute' }, 'keyCompromise', later)
      await isRefused(await publish(later), ['nova-compute:compute'])
    })

    it('are refused when a signer is retired, while all others verify', async () => {
      await setEntityState(authority, 'nova-compute-host2', 'retired', later)
      await isRefused(await publish(later), ['nova-compute:compute', 'nova-compute:host2'])
    })

    it('are still accepted by a receiver that holds the old directory: hence its short life', async () => {
      const sample = samples.find(({ publisherId }) => publisherId === 'nova-compute:compute')
      if (sample === undefined) throw new Error('there is no sample')
      const der = await sign(sample)
      expect((await verifyMessage(der, sample.content, policy({ at: later }))).signer.node).toBe('compute')
      const tomorrow = addSeconds(NOW, 86_400)
      await expectCodeAsync('ERR_TRUST_DIRECTORY_EXPIRED', () =>
        verifyMessage(der, sample.content, policy({ at: tomorrow })),
      )
    })
  })
})
