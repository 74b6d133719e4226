/**
 * The cloud of fixtures/nova, with a signing credential for everybody in it, and receivers that ask its policy.
 *
 * ```ts
 * const cloud = await makeCloud(template)
 * const der = await cloud.sign('one-compute-01', 'rpc.scheduler.ping', 'scheduler', bytes)
 * await cloud.receiver('one-scheduler', ['scheduler']).verify(der, bytes)
 * ```
 */
import { readFileSync } from 'node:fs'
import { applyRegistry, issueCertificates, profileNamed, publishTrustDirectory } from '../../src/authority/index.js'
import { MemoryKeyProvider } from '../../src/crypto/index.js'
import { type Identity, identityOf, parseRegistryDocument, requireEntity, RoleGraph } from '../../src/identity/index.js'
import {
  createReplayMemory,
  MessageVerifier,
  receiverNames,
  type SigningCredential,
  signMessage,
  type VerifierOptions,
} from '../../src/message/index.js'
import { createTrustMemory, openTrustDirectory, type TrustDirectory, type TrustMemory } from '../../src/trust/index.js'
import { NOVA } from './nova.js'
import type { Template, TestAuthority } from './test-authority.js'

export interface Cloud {
  readonly test: TestAuthority
  readonly signerOf: (entity: string) => SigningCredential
  readonly identityOf: (entity: string) => Promise<Identity>
  /** Publish the next trust directory. @returns Its octets. */
  readonly publish: () => Promise<Uint8Array>
  /** What a receiver makes of a directory: with a memory of its own, it refuses older ones. */
  readonly open: (der: Uint8Array, memory?: TrustMemory) => TrustDirectory
  readonly sign: (entity: string, type: string, destination: string, content: Uint8Array) => Promise<Uint8Array>
  /** An entity that receives for itself, its roles and scopes, and at some topics. */
  readonly receiver: (
    entity: string,
    topics?: readonly string[],
    changes?: Partial<VerifierOptions>,
  ) => Promise<MessageVerifier>
}

export async function makeCloud(template: Template): Promise<Cloud> {
  const test = await template.open()
  const { authority, clock, publisherKey } = test
  const document = parseRegistryDocument(readFileSync('fixtures/nova/deployment.yaml', 'utf8'))
  await applyRegistry(authority, document, { unnamed: 'leave' }, clock.now())
  const ids = [...document.entities.keys()]
  const key = { kind: 'generate', algorithm: 'p256' } as const
  const profile = profileNamed('signer')
  const issued = await issueCertificates(
    await test.issuing(),
    ids.map((entity) => ({ entity, profile, key })),
  )
  const signers = new Map(
    issued.map(({ certificate, privateKey }, index) => {
      if (privateKey === undefined) throw new Error('the key was not handed out')
      return [ids[index] ?? '', { certificate, key: new MemoryKeyProvider(privateKey) }]
    }),
  )
  const found = async (entity: string): Promise<Identity> =>
    identityOf(await requireEntity(authority.store, entity), new RoleGraph(await authority.store.roles()))
  const publish = async (): Promise<Uint8Array> =>
    (await publishTrustDirectory(authority, publisherKey, (await test.issuing()).crls, clock.now())).der
  const open = (der: Uint8Array, memory: TrustMemory = createTrustMemory()): TrustDirectory =>
    openTrustDirectory(der, { pin: authority.root.fingerprint, at: clock.now(), memory })
  const signerOf = (entity: string): SigningCredential => {
    const signer = signers.get(entity)
    if (signer === undefined) throw new Error(`nobody signs for ${entity}`)
    return signer
  }
  const first = open(await publish())
  return {
    test,
    signerOf,
    identityOf: found,
    publish,
    open,
    sign: async (entity, type, destination, content) =>
      (await signMessage(content, signerOf(entity), { type, destination, at: clock.now() })).der,
    receiver: async (entity, topics = [], changes = {}) => {
      const identity = await found(entity)
      return new MessageVerifier({
        trust: first,
        destinations: receiverNames(identity, topics),
        senders: 'allow-any-trusted',
        types: 'allow-any',
        maxAgeSeconds: 300,
        replay: createReplayMemory(),
        authorization: NOVA,
        scope: identity.scope,
        clock,
        ...changes,
      })
    },
  }
}
