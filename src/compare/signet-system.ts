/**
 * signet, driven as {@link System}: an authority in a temporary folder, its certificates, its trust directory.
 *
 * @module compare/signet-system (floor 7.2)
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  Authority,
  bootstrap,
  currentCrls,
  DEFAULT_ADDRESS_RANGES,
  issueCertificates,
  PROFILES,
  publishTrustDirectory,
  registerEntity,
  revokeCertificates,
} from '../authority/index.js'
import { type KeyProvider, MemoryKeyProvider, Passphrase } from '../crypto/index.js'
import { InternalError, StoreError } from '../errors/index.js'
import {
  cmsProtection,
  createReplayMemory,
  type MessageProtection,
  type ReplayStore,
  type SigningParty,
  signMessage,
} from '../message/index.js'
import type { TrustDirectory } from '../trust/index.js'
import { wholeSeconds } from '../time/index.js'
import { CONTENT, GROUP, PARTIES, type Party, type Sending, type System, TYPE } from './system.js'

const MAX_AGE_SECONDS = 300

/** A system that is to be closed. */
export interface SignetSystem extends System {
  /** A folder that is gone after {@link close}. */
  readonly folder: string
  close(): Promise<void>
}

export async function makeSignet(now: Date): Promise<SignetSystem> {
  const folder = mkdtempSync(join(tmpdir(), 'signet-compare-'))
  try {
    return await fill(folder, wholeSeconds(now))
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
}

async function fill(folder: string, at: Date): Promise<SignetSystem> {
  const passphrase = new Passphrase(randomBytes(24))
  const home = join(folder, 'home')
  const request = {
    home,
    rootDirectory: join(folder, 'root'),
    trustDomain: 'cloud.example',
    domains: [],
    addressRanges: DEFAULT_ADDRESS_RANGES,
    algorithm: 'p256' as const,
    passphrase,
  }
  await bootstrap(request, { now: () => at })
  const authority = await Authority.open(home, { now: () => at })
  try {
    const [issuingKey, publisherKey] = [
      await authority.issuingKey(passphrase),
      await authority.publisherKey(passphrase),
    ]
    const signers = await issueSigners(authority, issuingKey, at)
    const publish = async (): Promise<TrustDirectory> =>
      (await publishTrustDirectory(authority, publisherKey, await currentCrls(authority, issuingKey, at), at)).directory
    const parts: Parts = { folder, authority, issuingKey, signers, publish, trust: await publish() }
    return systemOf(parts)
  } catch (error) {
    await authority.close()
    throw error
  }
}

interface Parts {
  readonly folder: string
  readonly authority: Authority
  readonly issuingKey: KeyProvider
  readonly signers: ReadonlyMap<Party, SigningParty>
  readonly publish: () => Promise<TrustDirectory>
  readonly trust: TrustDirectory
}

async function issueSigners(
  authority: Authority,
  key: KeyProvider,
  at: Date,
): Promise<ReadonlyMap<Party, SigningParty>> {
  for (const party of PARTIES) {
    await registerEntity(authority, { id: party, kind: 'node', service: party.split('-')[0] ?? party }, at)
  }
  const issued = await issueCertificates(
    { authority, key, at, crls: await currentCrls(authority, key, at) },
    PARTIES.map((entity) => ({ entity, profile: PROFILES.signer, key: { kind: 'generate', algorithm: 'p256' } })),
  )
  return new Map(
    issued.map(({ certificate, privateKey, identity }) => {
      if (privateKey === undefined) throw new InternalError('ERR_INTERNAL', 'no key was generated')
      return [identity.entity as Party, { certificate, key: new MemoryKeyProvider(privateKey) }]
    }),
  )
}

function systemOf(parts: Parts): SignetSystem {
  const { folder, authority, issuingKey, signers, publish } = parts
  let { trust } = parts
  const signerOf = (party: Party): SigningParty => {
    const signer = signers.get(party)
    if (signer === undefined) throw new InternalError('ERR_INTERNAL', `there is no signer ${party}`)
    return signer
  }
  const protection = (signer: SigningParty, party: Party, replay?: ReplayStore): MessageProtection =>
    cmsProtection(signer, {
      trust,
      destinations: party.startsWith(GROUP) || party === 'audit-01' ? [party, GROUP] : [party],
      // Nobody listens to who only listens.
      senders: { entities: PARTIES.filter((other) => other !== 'audit-01') },
      types: [TYPE],
      maxAgeSeconds: MAX_AGE_SECONDS,
      replay: replay ?? createReplayMemory(),
    })
  const sendWith = (signer: SigningParty, { from, to, at }: Sending): Promise<Uint8Array> =>
    protection(signer, from).protect({ content: Buffer.from(CONTENT), type: TYPE, destination: to, at })
  /** The victim's certificate, the forger's key: what somebody signs who leaves out the checks of this library. */
  const forged = (key: KeyProvider, { certificate }: SigningParty): SigningParty => ({
    certificate,
    key: {
      publicKey: certificate.publicKey,
      signatureAlgorithm: key.signatureAlgorithm,
      sign: (data) => key.sign(data),
    },
  })
  return {
    name: 'signet',
    folder,
    send: (sending) => sendWith(signerOf(sending.from), sending),
    receiver: (party, replay) => {
      const receiver = protection(signerOf(party), party, replay)
      return {
        receive: async (bytes, at) => {
          const { content, sender } = await receiver.verify(bytes, at)
          return { content: Buffer.from(content).toString('utf8'), sender: PARTIES.find((name) => name === sender) }
        },
      }
    },
    relabel: (bytes, as) => replaceOctets(bytes, [...signers.values()].map(keyIdentifier), keyIdentifier(signerOf(as))),
    forge: (by, sending) => sendWith(forged(signerOf(by).key, signerOf(sending.from)), sending),
    forgeAtServer: (sending) => sendWith(forged(issuingKey, signerOf(sending.from)), sending),
    readWithStolenKey: () => undefined,
    cutOff: async (party, at) => {
      await revokeCertificates(authority, { kind: 'entity', id: party }, 'keyCompromise', wholeSeconds(at))
      trust = await publish()
    },
    withoutServer: (work) => work(),
    sendForbidden: (sending) => sendWith(signerOf('audit-01'), { ...sending, from: 'audit-01' }),
    sendBroken: (sending) => sendWith(forged(brokenKey(signerOf(sending.from).key), signerOf(sending.from)), sending),
    unprotected: () => Buffer.from(CONTENT),
    overhead: async ({ from, to, at }) => {
      const { der } = await signMessage(Buffer.from(CONTENT), signerOf(from), { type: TYPE, destination: to, at })
      return { inText: Buffer.from(der).toString('base64').length, beside: der.length }
    },
    close: async () => {
      await authority.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function keyIdentifier({ certificate }: SigningParty): Buffer {
  return Buffer.from(certificate.keyIdentifier, 'hex')
}

function replaceOctets(bytes: Uint8Array, olds: readonly Buffer[], replacement: Buffer): Uint8Array {
  const changed = Buffer.from(bytes)
  for (const old of olds) {
    const index = changed.indexOf(old)
    if (index >= 0) replacement.copy(changed, index)
  }
  return changed
}

function brokenKey(key: KeyProvider): KeyProvider {
  return {
    publicKey: key.publicKey,
    signatureAlgorithm: key.signatureAlgorithm,
    sign: () => Promise.reject(new StoreError('ERR_KEY_PROVIDER', 'the key cannot be reached')),
  }
}
