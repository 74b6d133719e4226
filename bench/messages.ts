/**
 * Messages of 1 KiB, signed and verified with everything on: strict DER, signature, path and revocation as cached,
 * identity, certificate binding, destination, type, age, replay in process. Beside that the bare signature of the very
 * octets, libraries of others over the very messages, JSON Web Signatures and Kite's shared keys.
 */
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { hash, sign, verify } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { SecretKey, SignaturePool } from '../dist/crypto/index.js'
import { issueCertificates, PROFILES, registerEntity } from '../dist/authority/index.js'
import { createReplayMemory, type MessagePolicy, signMessage, verifyAll, verifyMessage } from '../dist/message/index.js'
import { createKeyMemory, KEY_OCTETS, KeyServer, SharedKeyProtection, TicketClient } from '../dist/sharedkey/index.js'
import { openTrustDirectory, type TrustDirectory } from '../dist/trust/index.js'
import { MemoryKeyProvider } from '../dist/crypto/index.js'
import type { BareSignatures } from './bare-thread.ts'
import type { BenchContext, Rows } from './context.ts'
import {
  type Algorithm,
  ALGORITHMS,
  CONTENT,
  exportFor,
  policyFor,
  publish,
  REQUEST,
  type Signer,
  signedPartOf,
  signMany,
} from './deployment.ts'
import { type Contender, measure, type Operation, type Row } from './harness.ts'
import { startPeers, type Task } from './peers.ts'

const FIRST = 'first message of an unknown signer'
const NEXT = 'first message of one more signer'

export const MESSAGE_ROWS: Rows = {
  ...rowsOf('verifyMessage', verifyRow),
  ...rowsOf('signMessage', signRow),
  [FIRST]: firstRow,
  [NEXT]: nextRow,
  'verifyAll on all cores': allCoresRow,
}

function rowsOf(verb: string, row: (context: BenchContext, name: string, algorithm: Algorithm) => Promise<Row>): Rows {
  const each =
    (algorithm: Algorithm): Rows[string] =>
    (context, name) =>
      row(context, name, algorithm)
  return Object.fromEntries(ALGORITHMS.map((algorithm) => [`${verb} ${algorithm}`, each(algorithm)]))
}

async function verifyRow(context: BenchContext, name: string, algorithm: Algorithm): Promise<Row> {
  const { at } = await context.deployment()
  const signer = await context.signer(algorithm)
  const { directory } = await publish(await context.deployment())
  const messages = await signMany(signer, at)
  const kite = kiteParties(at)
  const envelopes = await Promise.all(messages.map(() => kite.protect()))
  const open = kite.opening(envelopes)
  return beside(context, name, signer, messages, ['verify', 'verify-chain', 'verify-crls'], {
    ours: { name: 'signet', run: verifying(messages, () => policyFor(directory, at)) },
    here: [
      { name: 'bare crypto.verify', run: bareVerifying(signer, messages) },
      { name: 'bare crypto.verify and digest', run: bareVerifying(signer, messages, 'and-digest') },
      { name: 'Kite (shared keys)', run: open },
    ],
  })
}

async function signRow(context: BenchContext, name: string, algorithm: Algorithm): Promise<Row> {
  const { at } = await context.deployment()
  const signer = await context.signer(algorithm)
  const messages = await signMany(signer, at, 64)
  const { signed } = signedPartOf(messages[0] ?? Buffer.of())
  const { digest } = signer.key.signatureAlgorithm
  const kite = kiteParties(at)
  return beside(context, name, signer, messages, ['sign'], {
    ours: { name: 'signet', run: () => signMessage(CONTENT, signer, { ...REQUEST, at }) },
    here: [
      { name: 'bare crypto.sign', run: () => sign(digest, signed, signer.privateKey) },
      { name: 'Kite (shared keys)', run: kite.protect },
    ],
  })
}

/** A directory just opened: certificate, issuing CA and CRLs are new to it. */
async function firstRow(context: BenchContext, name: string): Promise<Row> {
  const deployment = await context.deployment()
  const { at, authority } = deployment
  const signer = await context.signer('p256')
  const { der } = await publish(deployment)
  const messages = await signMany(signer, at)
  const request = { pin: authority.root.fingerprint, at, memory: 'allow-forgetting' } as const
  let policy: MessagePolicy | undefined
  let next = 0
  const ours: Operation = {
    name: 'signet',
    prepare: () => (policy = policyFor(openTrustDirectory(der, request), at)),
    run: () => verifyMessage(messages[next++ % messages.length] ?? Buffer.of(), CONTENT, policy as MessagePolicy),
  }
  const here = [{ name: 'bare crypto.verify', run: bareVerifying(signer, messages) }]
  return beside(context, name, signer, messages, ['verify-chain', 'verify-crls'], { ours, here }, ONLY_LIBCRYPTO)
}

/** One who was never heard of in a directory that knows others. */
async function nextRow(context: BenchContext, name: string): Promise<Row> {
  const deployment = await context.deployment()
  const { at, authority, issuing } = deployment
  const ids = Array.from({ length: 200 }, (_, index) => `one-of-many-${index}`)
  for (const id of ids) await registerEntity(authority, { id, kind: 'node', service: 'compute' }, at)
  const requests = ids.map(
    (entity) => ({ entity, profile: PROFILES.signer, key: { kind: 'generate', algorithm: 'p256' } }) as const,
  )
  const issued = await issueCertificates(issuing, requests)
  const messages = await Promise.all(
    issued.map(async ({ privateKey, certificate }) => {
      if (privateKey === undefined) throw new Error('no key')
      const credential = { key: new MemoryKeyProvider(privateKey), certificate }
      return Buffer.from((await signMessage(CONTENT, credential, { ...REQUEST, at })).der)
    }),
  )
  const signer = await context.signer('p256')
  const own = await signMany(signer, at)
  const { der } = await publish(deployment)
  const request = { pin: authority.root.fingerprint, at, memory: 'allow-forgetting' } as const
  let directory: TrustDirectory | undefined
  let policy: MessagePolicy | undefined
  let next = 0
  const ours: Operation = {
    name: 'signet',
    prepare: async () => {
      if (next % messages.length !== 0 && directory !== undefined) return
      directory = openTrustDirectory(der, request)
      policy = policyFor(directory, at)
      await verifyMessage(own[0] ?? Buffer.of(), CONTENT, policy)
    },
    run: () => verifyMessage(messages[next++ % messages.length] ?? Buffer.of(), CONTENT, policy as MessagePolicy),
  }
  const here = [{ name: 'bare crypto.verify', run: bareVerifying(signer, own) }]
  return beside(context, name, signer, own, ['verify-chain', 'verify-crls'], { ours, here }, ONLY_LIBCRYPTO)
}

/** Many at hand, verdicts in order: a thread for each core but ours, beside one message after the other. */
async function allCoresRow(context: BenchContext, name: string): Promise<Row> {
  const deployment = await context.deployment()
  const { at } = deployment
  const signer = await context.signer('p256')
  const { directory } = await publish(deployment)
  const messages = await signMany(signer, at)
  const list = messages.map((der) => ({ der, content: CONTENT }))
  const pool = new SignaturePool()
  const operations = messages.length
  const together = async (): Promise<void> => {
    const policy = policyFor(directory, at)
    for await (const { verdict } of verifyAll(list, () => policy, pool))
      if (verdict !== 'verified') throw new Error(verdict)
  }
  const singly = async (): Promise<void> => {
    const policy = policyFor(directory, at)
    for (const der of messages) await verifyMessage(der, CONTENT, policy)
  }
  const bare = bareOnAllCores(signer, messages)
  try {
    const others = [
      { name: 'verifyMessage, one after the other', operations, run: singly },
      { name: 'bare crypto.verify on all cores', operations, run: bare.run },
    ]
    return await measure(name, { name: 'signet', operations, run: together }, others, context.rounds)
  } finally {
    await Promise.all([pool.close(), bare.close()])
  }
}

/** What the machine gives at this moment: a thread on each core, each of which takes the next signature. */
function bareOnAllCores(signer: Signer, messages: readonly Uint8Array[]) {
  const taken = new Int32Array(new SharedArrayBuffer(4))
  const workerData: BareSignatures = {
    taken,
    parts: messages.map(signedPartOf),
    key: signer.certificate.publicKey.keyObject,
    digest: signer.key.signatureAlgorithm.digest,
  }
  const threads = Array.from({ length: availableParallelism() }, () => {
    return new Worker(new URL('bare-thread.ts', import.meta.url), { workerData, execArgv: [] })
  })
  return {
    run: async (): Promise<void> => {
      Atomics.store(taken, 0, 0)
      const ended = threads.map((thread) => once(thread, 'message'))
      for (const thread of threads) thread.postMessage('begin')
      await Promise.all(ended)
    },
    close: async (): Promise<void> => void (await Promise.all(threads.map((thread) => thread.terminate()))),
  }
}

const ONLY_LIBCRYPTO = /^libcrypto/

interface Side {
  readonly ours: Operation
  readonly here: readonly Contender[]
}

/** Ours and what runs in this process, beside strangers with processes of their own. */
async function beside(
  context: BenchContext,
  name: string,
  signer: Signer,
  messages: readonly Uint8Array[],
  tasks: readonly Task[],
  { ours, here }: Side,
  which = context.peers,
): Promise<Row> {
  const files = await exportFor(await context.deployment(), signer, messages)
  const builds = join(context.folder, 'builds')
  mkdirSync(builds, { recursive: true })
  const { residents, skipped } = await startPeers(tasks, files, builds, which)
  try {
    const row = await measure(name, ours, [...here, ...residents], context.rounds, { skipped })
    return { ...row, versions: Object.fromEntries(residents.map((resident) => [resident.name, resident.version])) }
  } finally {
    for (const resident of residents) resident.close()
  }
}

/** Message after message; when all were seen, a new memory has seen none of them. */
function verifying(messages: readonly Uint8Array[], policyOf: () => MessagePolicy): () => Promise<unknown> {
  let policy = policyOf()
  let next = 0
  return () => {
    if (next === messages.length) [next, policy] = [0, policyOf()]
    return verifyMessage(messages[next++] ?? Buffer.of(), CONTENT, policy)
  }
}

function bareVerifying(signer: Signer, messages: readonly Uint8Array[], digests?: 'and-digest'): () => boolean {
  const parts = messages.map(signedPartOf)
  const { keyObject } = signer.certificate.publicKey
  const { digest } = signer.key.signatureAlgorithm
  let next = 0
  return () => {
    const part = parts[next++ % parts.length]
    if (digests !== undefined) hash('sha256', CONTENT, 'buffer')
    return part !== undefined && verify(digest, part.signed, keyObject, part.signature)
  }
}

/** Two who share a key by tickets of a key server, of which each has what it needs for the whole run. */
function kiteParties(at: Date) {
  const server = new KeyServer({
    storage: createKeyMemory(),
    masterKey: SecretKey.generate(KEY_OCTETS),
    replay: createReplayMemory(),
    authorize: () => true,
  })
  const clientOf = (name: string): TicketClient => {
    const key = SecretKey.generate(KEY_OCTETS)
    return new TicketClient({ ...server.setKey(name, key), key }, server)
  }
  const partyOf = (client: TicketClient): SharedKeyProtection =>
    new SharedKeyProtection({
      client,
      receiver: { groups: [], senders: 'allow-any-known', maxAgeSeconds: 3600, replay: createReplayMemory() },
    })
  const [sender, receiver] = [clientOf('conductor.one'), clientOf('compute.seven')]
  const sending = partyOf(sender)
  return {
    protect: () => sending.protect({ content: CONTENT, type: REQUEST.type, destination: 'compute.seven', at }),
    opening: (envelopes: readonly Uint8Array[]) => {
      let receiving = partyOf(receiver)
      let next = 0
      return () => {
        if (next === envelopes.length) [next, receiving] = [0, partyOf(receiver)]
        return receiving.verify(envelopes[next++] ?? Buffer.of(), at)
      }
    },
  }
}
