/**
 * A deployment without a store or files: CAs, signers, a signed trust directory, and policies of receivers.
 *
 * ```ts
 * const world = await makeWorld()
 * const alice = makeSender(world, { node: 'compute-07' })
 * const trust = await makeDirectory(world, [alice])
 * const { der } = await signMessage(content, alice, { type: 'notify.test', destination: 'here', at: NOW })
 * await verifyMessage(der, content, receiver(trust))
 * ```
 */
import { OID } from '../../src/asn1/index.js'
import type { KeyAlgorithmName } from '../../src/crypto/index.js'
import type { Identity } from '../../src/identity/index.js'
import { createReplayMemory, type MessagePolicy } from '../../src/message/index.js'
import { addSeconds, DAY } from '../../src/time/index.js'
import {
  openTrustDirectory,
  type OpenTrustDirectoryRequest,
  signTrustDirectory,
  type TrustDirectory,
  type TrustDocument,
} from '../../src/trust/index.js'
import type { Crl } from '../../src/x509/index.js'
import { type CertificateOptions, type Holder, keyFor, makeCertificate, makeCrl, NOW } from './certificates.js'

export const TRUST_DOMAIN = 'cloud.example'
export const SIGNER_PURPOSES = [OID.kpEmailProtection, OID.signetKpMessageSigning] as const

export interface World {
  readonly root: Holder
  readonly issuing: Holder
  readonly publisher: Holder
  /** Of root and issuing CA; nothing is revoked. */
  readonly crls: readonly Crl[]
}

/** @param keys - Names the keys: two worlds with different ones have the same names and nothing else in common. */
export async function makeWorld(keys = 'first'): Promise<World> {
  const root = makeCertificate({ subject: 'Root', ca: true, pathLength: 1, key: keyFor(`${keys} root`) })
  const issuing = makeCertificate({
    subject: 'Issuing',
    issuer: root,
    ca: true,
    pathLength: 0,
    key: keyFor(`${keys} issuing`),
  })
  const publisher = makeCertificate({
    subject: 'Publisher',
    issuer: issuing,
    key: keyFor(`${keys} publisher`),
    purposes: [OID.signetKpTrustDirectory],
    names: [{ kind: 'uri', value: `spiffe://${TRUST_DOMAIN}/signet/trust-publisher` }],
  })
  return { root, issuing, publisher, crls: [await makeCrl({ issuer: root }), await makeCrl({ issuer: issuing })] }
}

/** A signer with its identity. */
export interface Sender extends Holder {
  readonly identity: Identity
}

export interface SenderOptions extends CertificateOptions {
  readonly node: string
  readonly service?: string
  readonly roles?: readonly string[]
  readonly algorithm?: KeyAlgorithmName
}

export function makeSender(world: World, options: SenderOptions): Sender {
  const { node, service = 'nova-compute', roles = [] } = options
  const uri = `spiffe://${TRUST_DOMAIN}/${service}/${node}`
  const holder = makeCertificate({
    subject: `${service}.${node}`,
    issuer: world.issuing,
    purposes: SIGNER_PURPOSES,
    names: [{ kind: 'uri', value: uri }],
    ...options,
  })
  const held = { roles: [...roles], grants: [...roles], groups: [] }
  return { ...holder, identity: { entity: `${service}.${node}`, uri, scope: '', service, node, ...held } }
}

export const RECIPIENT_PURPOSES = [OID.kpEmailProtection, OID.signetKpMessageEncryption] as const

/** A reader of encrypted messages: what the profile `recipient` gives it. */
export function makeReader(world: World, options: SenderOptions): Sender {
  return makeSender(world, {
    service: 'nova-conductor',
    key: keyFor(`reader ${options.node}`, options.algorithm),
    keyUsage: [options.algorithm?.startsWith('rsa') === true ? 'keyEncipherment' : 'keyAgreement'],
    purposes: RECIPIENT_PURPOSES,
    ...options,
  })
}

/** What a directory of this world says unless told otherwise. */
export function trustDocument(
  world: World,
  senders: readonly Sender[],
  overrides: Partial<TrustDocument> = {},
): TrustDocument {
  return {
    trustDomain: TRUST_DOMAIN,
    sequence: 1,
    issuedAt: NOW,
    nextUpdate: addSeconds(NOW, DAY),
    anchors: [world.root.certificate],
    authorities: [world.issuing.certificate],
    crls: world.crls,
    signers: senders.map(({ certificate, identity }) => ({ certificate, identity })),
    ...overrides,
  }
}

export function openRequest(
  world: World,
  overrides: Partial<OpenTrustDirectoryRequest> = {},
): OpenTrustDirectoryRequest {
  return { pin: world.root.certificate.fingerprint, at: NOW, memory: 'allow-forgetting', ...overrides }
}

export async function makeDirectory(
  world: World,
  senders: readonly Sender[],
  overrides: Partial<TrustDocument> = {},
  at: Date = NOW,
): Promise<TrustDirectory> {
  const der = await signTrustDirectory(trustDocument(world, senders, overrides), world.publisher)
  return openTrustDirectory(der, openRequest(world, { at }))
}

/** A receiver that takes everything from anybody, but nothing twice. */
export function receiver(trust: TrustDirectory, overrides: Partial<MessagePolicy> = {}): MessagePolicy {
  return {
    trust,
    destinations: 'allow-any',
    senders: 'allow-any-trusted',
    types: 'allow-any',
    maxAgeSeconds: 300,
    replay: createReplayMemory(),
    at: NOW,
    ...overrides,
  }
}
