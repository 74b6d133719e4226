/**
 * Where the time of a verification goes: each part of it alone, again and again, with everything at hand; and all of them
 * together, in the same way. Among other programs, whose data take its place in the processor's caches, it takes longer, and
 * the bare signature does less so: that is what the rows show.
 */
import { randomBytes, verify } from 'node:crypto'
import { OID } from '../dist/asn1/index.js'
import { attributeValue, contentOf, digestBytes, parseSignedData, verifySigner } from '../dist/cms/index.js'
import { readMessageContext } from '../dist/message/context.js'
import { createReplayMemory, verifyMessage } from '../dist/message/index.js'
import { checkPolicy } from '../dist/message/message-policy.js'
import type { BenchContext } from './context.ts'
import { CONTENT, policyFor, publish, signedPartOf, signMany } from './deployment.ts'
import { quantile, rounded } from './harness.ts'

const WARM_UPS = 6
const BATCHES = 15
const BATCH_MILLISECONDS = 40

export interface Part {
  readonly name: string
  readonly microseconds: number
}

export async function measureParts(context: BenchContext): Promise<readonly Part[]> {
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
    'the structure, strict DER': each(messages, (der) => parseSignedData(der)),
    'the content that is signed': each(documents, (document) => contentOf(document, CONTENT)),
    'the digest of 1 KiB': () => digestBytes(CONTENT).of('sha256'),
    'the context: type, destination, id, lifetime': each(infos, ({ signedAttrs }) =>
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
  const measured: Part[] = []
  for (const [part, run] of Object.entries(parts)) measured.push({ name: part, microseconds: await measureOne(run) })
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

export function printParts(parts: readonly Part[]): void {
  console.log('where the time of a verification goes (P-256, 1 KiB, everything at hand):')
  for (const { name, microseconds } of parts) console.log(`  ${name.padEnd(72)} ${microseconds} µs`)
}
