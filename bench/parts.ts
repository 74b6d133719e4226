/**
 * Where the time goes of a verification, of a signature, of issuing in bulk: each part of it alone, again and again, with everything at hand; and all of them
 * together, in the same way. Among other programs, whose data take its place in the processor's caches, it takes longer, and
 * the bare signature does less so: that is what the rows show.
 */
import { generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto'
import { OID } from '../dist/asn1/index.js'
import { PROFILES, registerEntity } from '../dist/authority/index.js'
import { planCertificates } from '../dist/authority/plan.js'
import { recordCertificates, recordIntents } from '../dist/authority/record.js'
import { knowledgeOf, signPlanned } from '../dist/authority/sign.js'
import { attributeValue, contentOf, digestBytes, parseSignedData, verifySigner } from '../dist/cms/index.js'
import { readMessageContext } from '../dist/message/context.js'
import { createReplayMemory, signMessage, verifyMessage } from '../dist/message/index.js'
import { checkPolicy } from '../dist/message/message-policy.js'
import { partsOfColdStart } from './cold-parts.ts'
import type { BenchContext } from './context.ts'
import { CONTENT, type Deployment, policyFor, publish, REQUEST, signedPartOf, signMany } from './deployment.ts'
import { quantile, rounded } from './harness.ts'

const WARM_UPS = 6
const BATCHES = 15
const BATCH_MILLISECONDS = 40

export interface Part {
  readonly name: string
  readonly microseconds: number
}

export interface Parts {
  readonly verification: readonly Part[]
  readonly signature: readonly Part[]
  /** Of one certificate of a group of a thousand. */
  readonly issuance: readonly Part[]
  readonly coldStart: readonly Part[]
}

export async function measureParts(context: BenchContext): Promise<Parts> {
  return {
    verification: await partsOfVerification(context),
    signature: await partsOfSignature(context),
    issuance: await partsOfIssuance(await context.deployment()),
    coldStart: partsOfColdStart(context.folder),
  }
}

async function partsOfSignature(context: BenchContext): Promise<readonly Part[]> {
  const { at } = await context.deployment()
  const signer = await context.signer('p256')
  const [message = Buffer.of()] = await signMany(signer, at, 1)
  const { signed } = signedPartOf(message)
  const { digest } = signer.key.signatureAlgorithm
  return measureEach({
    'bare crypto.sign': () => sign(digest, signed, signer.privateKey),
    'the digest of 1 KiB': () => digestBytes(CONTENT).of('sha256'),
    'all of it: signMessage': () => signMessage(CONTENT, signer, { ...REQUEST, at }),
  })
}

const GROUP = 1000
const GROUPS = 12

/** A group after the other, so that each step is seen alone; in use, the steps of one group hide behind those of others. */
async function partsOfIssuance(deployment: Deployment): Promise<readonly Part[]> {
  const { issuing } = deployment
  const ids = Array.from({ length: GROUP }, (_, index) => `part-${index}`)
  for (const id of ids) await registerEntity(issuing.authority, { id, kind: 'node', service: 'compute' }, issuing.at)
  const requests = ids.map(
    (entity) => ({ entity, profile: PROFILES.peer, key: { kind: 'generate', algorithm: 'p256' } }) as const,
  )
  const stranger = issuing.authority.threads.strangers.meet(knowledgeOf(issuing))
  const samples = new Map<string, number[]>()
  const timed = async <T>(name: string, work: () => T | Promise<T>): Promise<T> => {
    const start = performance.now()
    const result = await work()
    const list = samples.get(name) ?? []
    samples.set(name, [...list, (1000 * (performance.now() - start)) / GROUP])
    return result
  }
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const tbs = randomBytes(500)
  try {
    for (let group = 0; group < GROUPS; group++) {
      await timed('bare key generation and signature', () => {
        for (let index = 0; index < GROUP; index++) {
          generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
          sign('sha256', tbs, privateKey)
        }
      })
      const planned = await timed('key, approval, TBSCertificate', () => planCertificates(issuing, requests))
      await timed('intents into the log, one durable commit', () => recordIntents(issuing, planned))
      const signed = await timed('signature, and validation on another thread', () =>
        signPlanned(issuing, stranger, planned),
      )
      await timed('certificates into the log, one durable commit', () => recordCertificates(issuing, signed))
    }
  } finally {
    stranger.part()
  }
  return [...samples].map(([name, list]) => ({ name, microseconds: rounded(quantile(list, 0.5)) }))
}

async function partsOfVerification(context: BenchContext): Promise<readonly Part[]> {
  const deployment = await context.deployment()
  const { at } = deployment
  const signer = await context.signer('p256')
  const { directory } = await publish(deployment)
  const messages = await signMany(signer, at)
  const documents = messages.map((der) => parseSignedData(der))
  const infos = documents.map(({ signerInfos: [info] }) => info ?? missing())
  const identifiers = infos.map(({ sid }) => (sid.kind === 'subjectKeyIdentifier' ? sid.keyIdentifier : missing()))
  const bare = messages.map(signedPartOf)
  const { keyObject } = signer.certificate.publicKey
  const { digest: name } = signer.key.signatureAlgorithm
  const digest = digestBytes(CONTENT)
  digest.of('sha256')
  const replay = createReplayMemory()
  const key = { signer: 'spiffe://cloud.example/compute/node', destination: 'bench' }
  const until = new Date(at.getTime() + 3_600_000)
  let policy = policyFor(directory, at)
  const each = <T>(items: readonly T[], run: (item: T, index: number) => unknown) => {
    let next = 0
    return () => run(items[next] as T, (next = (next + 1) % items.length))
  }
  const parts: Readonly<Record<string, () => unknown>> = {
    'bare crypto.verify': each(bare, ({ signed, signature }) => verify(name, signed, keyObject, signature)),
    'the structure, strict DER; not of a form that is known': each(messages, (der) => parseSignedData(der)),
    'the content that is signed': each(documents, (document) => contentOf(document, CONTENT)),
    'the digest of 1 KiB': () => digestBytes(CONTENT).of('sha256'),
    'the context: type, destination, id, lifetime; the same': each(infos, ({ signedAttrs }) =>
      attributeValue(signedAttrs, OID.signetMessageContext, readMessageContext),
    ),
    'the policy': () => checkPolicy(policy),
    'the signer in the directory, path and revocation as validated before': each(identifiers, (identifier) => {
      const found = directory.find(identifier) ?? missing()
      directory.requireCurrent(at)
      return found.validate(at)
    }),
    'the signature, and the attributes that it covers': each(documents, (document, index) =>
      verifySigner(document, infos.at(index - 1) ?? missing(), digest, signer.certificate),
    ),
    'the memory against replays': () => replay.remember({ ...key, messageId: randomBytes(12) }, until, at),
    'random octets for the line above': () => randomBytes(12),
    'all of it: verifyMessage': each(messages, (der, index) => {
      if (index === 1) policy = policyFor(directory, at)
      return verifyMessage(der, CONTENT, policy)
    }),
  }
  return measureEach(parts)
}

async function measureEach(parts: Readonly<Record<string, () => unknown>>): Promise<readonly Part[]> {
  const measured: Part[] = []
  for (const [name, run] of Object.entries(parts)) measured.push({ name, microseconds: await measureOne(run) })
  return measured
}

async function measureOne(run: () => unknown): Promise<number> {
  const samples: number[] = []
  for (let batch = -WARM_UPS; batch < BATCHES; batch++) {
    let count = 0
    const start = performance.now()
    let now = start
    while (now - start < BATCH_MILLISECONDS) {
      for (let index = 0; index < 100; index++) {
        const answer = run()
        if (answer instanceof Promise) await answer
      }
      count += 100
      now = performance.now()
    }
    if (batch >= 0) samples.push((1000 * (now - start)) / count)
  }
  return rounded(quantile(samples, 0.5))
}

function missing(): never {
  throw new Error('every message has a signer by key identifier')
}

const TITLES = {
  verification: 'a verification: P-256, 1 KiB, everything at hand',
  signature: 'a signature: P-256, 1 KiB',
  issuance: 'a certificate, in groups of a thousand, a group after the other',
  coldStart: 'a cold signet verify, a process for each',
} as const

export function printParts(parts: Parts): void {
  for (const [name, title] of Object.entries(TITLES)) {
    console.log(`where the time goes of ${title}`)
    for (const { name: part, microseconds } of parts[name as keyof Parts])
      console.log(`  ${part.padEnd(72)} ${microseconds} µs`)
  }
}

export function partsText(parts: Parts): string {
  const tables = Object.entries(TITLES).map(([name, title]) => {
    const lines = parts[name as keyof Parts].map(({ name: part, microseconds }) => `| ${part} | ${microseconds} |`)
    return `${title.charAt(0).toUpperCase()}${title.slice(1)}:\n\n| | µs |\n|---|---|\n${lines.join('\n')}`
  })
  return `## Where the time goes

Each part alone, again and again. In the rows above others work in between, whose data take the place of signet's in the
processor's caches; a bare signature needs fewer of them.

${tables.join('\n\n')}`
}
