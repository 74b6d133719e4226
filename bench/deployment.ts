/** A small deployment to measure with: an authority, one signer of each algorithm, and the same as files for strangers. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  Authority,
  bootstrap,
  currentCrls,
  issueCertificates,
  PROFILES,
  publishTrustDirectory,
  registerEntity,
} from '../dist/authority/index.js'
import { parseSignedData, signData } from '../dist/cms/index.js'
import { MemoryKeyProvider, Passphrase } from '../dist/crypto/index.js'
import { setRole } from '../dist/identity/index.js'
import { type MessagePolicy, createReplayMemory, signMessage } from '../dist/message/index.js'
import type { TrustDirectory } from '../dist/trust/index.js'
import { writePieces } from './peers/pieces.ts'

export const ALGORITHMS = ['p256', 'ed25519', 'rsa2048', 'ml-dsa-65'] as const
export type Algorithm = (typeof ALGORITHMS)[number]

/** JSON of 1,024 octets. */
export const CONTENT = Buffer.from(
  JSON.stringify({ publisher_id: 'compute:compute-07', payload: 'x' }).replace('"x"', `"${'x'.repeat(974)}"`),
)
const MESSAGES = 512
const CLOCK = { now: () => new Date() }
export const REQUEST = { type: 'bench.run', destination: 'bench', lifetimeSeconds: 86_400 }

export type Deployment = Awaited<ReturnType<typeof makeDeployment>>
export type Signer = Awaited<ReturnType<typeof makeSigner>>

export async function makeDeployment(folder: string) {
  const passphrase = new Passphrase(randomBytes(16))
  const home = join(folder, 'home')
  await bootstrap(
    {
      home,
      rootDirectory: join(folder, 'root'),
      trustDomain: 'cloud.example',
      domains: [],
      addressRanges: ['127.0.0.0/8'],
      algorithm: 'p256',
      passphrase,
    },
    CLOCK,
  )
  const authority = await Authority.open(home, CLOCK)
  const at = await authority.now()
  await authority.store.transaction((transaction) => setRole(transaction, 'compute_node', [], at))
  const key = await authority.issuingKey(passphrase)
  const crls = await currentCrls(authority, key, at)
  const publisherKey = await authority.publisherKey(passphrase)
  return { folder, authority, at, crls, publisherKey, issuing: { authority, key, at, crls } }
}

/** A signer of a new entity; the certificates are P-256 above it. */
export async function makeSigner({ authority, at, issuing }: Deployment, id: string, algorithm: Algorithm) {
  await registerEntity(authority, { id, kind: 'node', service: 'compute' }, at)
  const [issued] = await issueCertificates(issuing, [
    { entity: id, profile: PROFILES.signer, key: { kind: 'generate', algorithm } },
  ])
  if (issued?.privateKey === undefined) throw new Error('no key')
  const { privateKey, certificate } = issued
  return { algorithm, key: new MemoryKeyProvider(privateKey), privateKey, certificate }
}

/** A directory with everybody who has a certificate by now. */
export function publish({ authority, publisherKey, crls, at }: Deployment) {
  return publishTrustDirectory(authority, publisherKey, crls, at)
}

/** So many messages of a signer; each has an id of its own. */
export function signMany(signer: Signer, at: Date, count = MESSAGES): Promise<readonly Uint8Array[]> {
  return Promise.all(
    Array.from({ length: count }, async () =>
      Buffer.from((await signMessage(CONTENT, signer, { ...REQUEST, at })).der),
    ),
  )
}

/** Everything on: replay in process, destination, type, age. */
export function policyFor(trust: TrustDirectory, at: Date): MessagePolicy {
  return {
    trust,
    destinations: [REQUEST.destination],
    senders: 'allow-any-trusted',
    types: ['bench.*'],
    maxAgeSeconds: REQUEST.lifetimeSeconds,
    replay: createReplayMemory(),
    at,
  }
}

/** What is signed in a message, and the signature. */
export function signedPartOf(der: Uint8Array): { readonly signed: Uint8Array; readonly signature: Uint8Array } {
  const [signer] = parseSignedData(der).signerInfos
  if (signer?.signedAttrsDer === undefined) throw new Error('no signed attributes')
  return { signed: signer.signedAttrsDer, signature: signer.signature }
}

/** The folder that strangers read: the very messages, and plainer ones by issuer and serial number for who reads no others. */
export async function exportFor(
  deployment: Deployment,
  signer: Signer,
  messages: readonly Uint8Array[],
): Promise<string> {
  const { authority, at, crls } = deployment
  const folder = join(deployment.folder, `peers-${signer.algorithm}`)
  mkdirSync(folder, { recursive: true })
  const write = (name: string, octets: Uint8Array | string): void => writeFileSync(join(folder, name), octets)
  write('algorithm', signer.algorithm)
  write('content.bin', CONTENT)
  write('signer.der', signer.certificate.der)
  // A key of this bench only, in a folder that is gone with it.
  write('signer-key.der', signer.privateKey.export({ format: 'der', type: 'pkcs8' }))
  write('issuing.der', authority.issuing.der)
  write('root.der', authority.root.der)
  const [issuingCrl, rootCrl] = crls
  write('issuing.crl', issuingCrl?.der ?? '')
  write('root.crl', rootCrl?.der ?? '')
  write('messages.bin', writePieces(messages))
  // Go's ASN.1 has no integers for the object identifiers of messages: these are without them.
  const bySerial = Array.from({ length: 64 }, () =>
    signData(CONTENT, { signers: [{ ...signer, identifier: 'issuerAndSerialNumber' }], signingTime: at }),
  )
  write('serial-messages.bin', writePieces(await Promise.all(bySerial)))
  return folder
}
