/**
 * What a service must not do: grow with what passes through it, and stand still for long in one step.
 *
 * A second of the receiver's clock has 100 messages; so its memory of messages against replays is full after 7,000.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { issueCertificates, PROFILES, registerEntity } from '../dist/authority/index.js'
import { createReplayMemory, signMessage, verifyMessage } from '../dist/message/index.js'
import { applyTrustDelta, openTrustDelta, openTrustDirectory, signTrustDelta } from '../dist/trust/index.js'
import type { BenchContext } from './context.ts'
import { CONTENT, type Deployment, publish, REQUEST } from './deployment.ts'
import { quantile, rounded } from './harness.ts'
import { directoryOf } from './trust.ts'

const MESSAGES = 100_000
const BLOCK = 1000
const LIFETIME_SECONDS = 10

export interface Step {
  readonly name: string
  readonly count: number
  readonly p50ms: number
  readonly p99ms: number
  readonly maxms: number
}

export interface Steady {
  readonly messages: number
  /** After each tenth of the messages, garbage collected. */
  readonly residentMegabytes: readonly number[]
  readonly heapMegabytes: readonly number[]
  /** Single steps, none of which yields to others. */
  readonly steps: readonly Step[]
}

export async function measureSteady(context: BenchContext): Promise<Steady> {
  const deployment = await context.deployment()
  const signer = await context.signer('p256')
  const { directory } = await publish(deployment)
  const start = deployment.at.getTime()
  const replay = createReplayMemory()
  const [signs, verifies]: [number[], number[]] = [[], []]
  const [residentMegabytes, heapMegabytes]: [number[], number[]] = [[], []]
  for (let done = 0; done < MESSAGES; done += BLOCK) {
    const at = new Date(start + done * 10)
    const policy = {
      trust: directory,
      destinations: [REQUEST.destination],
      senders: 'allow-any-trusted',
      types: ['bench.*'],
      maxAgeSeconds: LIFETIME_SECONDS,
      replay,
      at,
    } as const
    for (let index = 0; index < BLOCK; index++) {
      const request = { ...REQUEST, lifetimeSeconds: LIFETIME_SECONDS, at }
      const { der } = await timed(signs, () => signMessage(CONTENT, signer, request))
      await timed(verifies, () => verifyMessage(der, CONTENT, policy))
    }
    if ((done + BLOCK) % (MESSAGES / 10) !== 0) continue
    await settle()
    const { rss, heapUsed } = process.memoryUsage()
    residentMegabytes.push(rounded(rss / 1e6))
    heapMegabytes.push(rounded(heapUsed / 1e6))
  }
  const steps = [stepOf('signMessage', signs), stepOf('verifyMessage', verifies)]
  for (const size of [100, 1000, 10_000]) steps.push(...(await directorySteps(context, size)))
  steps.push(await loopDelay('issuing 20 × 50 certificates', () => issueMany(deployment)))
  return { messages: MESSAGES, residentMegabytes, heapMegabytes, steps }
}

async function timed<T>(samples: number[], run: () => Promise<T>): Promise<T> {
  const before = performance.now()
  const answer = run()
  // Where everything is there already, the first step is all.
  samples.push(performance.now() - before)
  return answer
}

function stepOf(name: string, milliseconds: readonly number[]): Step {
  const at = (share: number): number => rounded(quantile(milliseconds, share))
  return { name, count: milliseconds.length, p50ms: at(0.5), p99ms: at(0.99), maxms: at(1) }
}

/** What a receiver does when the next directory comes. */
async function directorySteps(context: BenchContext, size: number): Promise<readonly Step[]> {
  const { authority, at, crls, publisherKey } = await context.deployment()
  const publisher = { key: publisherKey, certificate: authority.publisher }
  const signer = await context.signer('p256')
  const deployment = { authority, at, crls, publisher, signer, pin: authority.root.fingerprint }
  const request = { pin: deployment.pin, at: deployment.at, memory: 'allow-forgetting' } as const
  const [first, second] = [await directoryOf(deployment, size, 1), await directoryOf(deployment, size, 2)]
  const directory = openTrustDirectory(first, request)
  const next = openTrustDirectory(second, request)
  const delta = await signTrustDelta(directory, next, second, deployment.publisher)
  const [opened, applied]: [number[], number[]] = [[], []]
  for (let round = 0; round < 100; round++) {
    opened.push(elapsed(() => openTrustDirectory(first, request)))
    applied.push(elapsed(() => applyTrustDelta(directory, openTrustDelta(delta, request), request)))
  }
  return [
    stepOf(`openTrustDirectory of ${size} signers`, opened),
    stepOf(`applyTrustDelta to ${size} signers`, applied),
  ]
}

function elapsed(run: () => unknown): number {
  const before = performance.now()
  run()
  return performance.now() - before
}

/** Of work that yields now and then: how late a timer of one millisecond is. */
async function loopDelay(name: string, work: () => Promise<void>): Promise<Step> {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  await work()
  delay.disable()
  const late = (nanoseconds: number): number => rounded(Math.max(0, nanoseconds / 1e6 - 1))
  return {
    name: `${name}: how late the event loop is`,
    count: delay.count,
    p50ms: late(delay.percentile(50)),
    p99ms: late(delay.percentile(99)),
    maxms: late(delay.max),
  }
}

async function issueMany({ authority, at, issuing }: Deployment): Promise<void> {
  for (let group = 0; group < 20; group++) {
    const ids = Array.from({ length: 50 }, (_, index) => `steady-${group}-${index}`)
    for (const id of ids) await registerEntity(authority, { id, kind: 'node', service: 'compute' }, at)
    const requests = ids.map(
      (entity) => ({ entity, profile: PROFILES.peer, key: { kind: 'generate', algorithm: 'p256' } }) as const,
    )
    await issueCertificates(issuing, requests)
  }
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** What is freed late, is freed by the third time. */
async function settle(): Promise<void> {
  for (let round = 0; round < 3; round++) {
    collect()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

export function printSteady({ messages, residentMegabytes, heapMegabytes, steps }: Steady): void {
  console.log(`${messages} messages signed and verified, after each tenth: RSS ${residentMegabytes.join(' ')} MB`)
  console.log(`  heap ${heapMegabytes.join(' ')} MB`)
  for (const { name, count, p50ms, p99ms, maxms } of steps) {
    console.log(`  ${name.padEnd(60)} ${count} ×  p50 ${p50ms} ms  p99 ${p99ms} ms  at most ${maxms} ms`)
  }
}
