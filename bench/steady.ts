/**
 * What a service must not do: grow with what passes through it, and stand still for long in one step.
 *
 * A second of the receiver's clock has 100 messages; so of its memory against replays, which has room for 20,000, as many
 * are still needed as come in 130 seconds: lifetime, difference of clocks, and that by which a clock may go back.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { issueCertificates, PROFILES, registerEntity } from '../dist/authority/index.js'
import { createReplayMemory, DEFAULT_MAX_REMEMBERED, signMessage, verifyMessage } from '../dist/message/index.js'
import {
  applyTrustDelta,
  applyTrustDeltaInTurns,
  openTrustCache,
  openTrustDelta,
  openTrustDeltaInTurns,
  openTrustDirectory,
  openTrustDirectoryInTurns,
  signTrustDelta,
} from '../dist/trust/index.js'
import type { BenchContext } from './context.ts'
import { CONTENT, type Deployment, publish, REQUEST } from './deployment.ts'
import { quantile, rounded } from './harness.ts'
import { directoryOf } from './trust.ts'

const MESSAGES = 100_000
const BLOCK = 1000
const LIFETIME_SECONDS = 10
const REMEMBERED = 20_000

export interface Step {
  readonly name: string
  readonly count: number
  /** Of the longest steps of pieces of work, of which each takes several; `null` where each is a step. */
  readonly longestms: number | null
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
  const replay = createReplayMemory(REMEMBERED)
  // Of a fixed size, so that they are no part of what grows.
  const [signs, verifies] = [new Float64Array(MESSAGES), new Float64Array(MESSAGES)]
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
      const { der } = await timed(signs, done + index, () => signMessage(CONTENT, signer, request))
      await timed(verifies, done + index, () => verifyMessage(der, CONTENT, policy))
    }
    if ((done + BLOCK) % (MESSAGES / 10) !== 0) continue
    await settle()
    const { rss, heapUsed } = process.memoryUsage()
    residentMegabytes.push(rounded(rss / 1e6))
    heapMegabytes.push(rounded(heapUsed / 1e6))
  }
  const steps = [stepOf('signMessage', [...signs]), stepOf('verifyMessage', [...verifies])]
  for (const size of [1000, 10_000, 100_000]) steps.push(...(await directorySteps(context, size)))
  steps.push(...(await issuingSteps(deployment)), ...forgettingSteps(deployment.at))
  return { messages: MESSAGES, residentMegabytes, heapMegabytes, steps }
}

async function timed<T>(samples: Float64Array, index: number, run: () => Promise<T>): Promise<T> {
  const before = performance.now()
  const answer = run()
  // Where everything is there already, the first step is all.
  samples[index] = performance.now() - before
  return answer
}

function stepOf(name: string, milliseconds: readonly number[], longest?: readonly number[]): Step {
  const at = (share: number): number => rounded(quantile(milliseconds, share))
  const longestms = longest === undefined ? null : rounded(quantile(longest, 0.5))
  return { name, count: milliseconds.length, longestms, p50ms: at(0.5), p99ms: at(0.99), maxms: at(1) }
}

/** Turns of the event loop that take less only wait, for the disk or for another thread. */
const WAITING_MS = 0.02

/** Work that may yield now and then: all steps in which nobody else had a turn, and the longest of each time. */
class Turns {
  readonly #steps: number[] = []
  readonly #longest: number[] = []

  async take(work: () => Promise<unknown>): Promise<void> {
    const from = this.#steps.length
    let last = performance.now()
    let isOver = false
    const step = (): void => {
      const at = performance.now()
      if (at - last > WAITING_MS) this.#steps.push(at - last)
      last = at
    }
    const tick = (): void => {
      if (isOver) return
      step()
      setImmediate(tick)
    }
    setImmediate(tick)
    await work()
    isOver = true
    step()
    this.#longest.push(this.#steps.slice(from).reduce((longest, one) => Math.max(longest, one), 0))
  }

  stepOf(name: string): Step {
    return stepOf(name, this.#steps, this.#longest)
  }
}

/** What a receiver does when the next directory comes: at once, and in turns with whatever else it does. */
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
  const [openedInTurns, appliedInTurns, updated, refreshed] = [new Turns(), new Turns(), new Turns(), new Turns()]
  const path = join(context.folder, 'steady-trust.p7')
  const cacheRequest = { pin: deployment.pin, clock: { now: () => at } }
  const rounds = Math.max(20, Math.min(300, 1_000_000 / size))
  for (let round = 0; round < rounds; round++) {
    opened.push(elapsed(() => openTrustDirectory(first, request)))
    applied.push(elapsed(() => applyTrustDelta(directory, openTrustDelta(delta, request), request)))
    await openedInTurns.take(() => openTrustDirectoryInTurns(first, request))
    await appliedInTurns.take(async () =>
      applyTrustDeltaInTurns(directory, await openTrustDeltaInTurns(delta, request), request),
    )
    // As one who has nothing, one who is brought the next, and one who finds what that one was brought.
    for (const name of [path, `${path}.seen`]) rmSync(name, { force: true })
    const [cache, other] = [openTrustCache(path, cacheRequest), openTrustCache(path, cacheRequest)]
    await cache.update(first)
    await updated.take(() => cache.update(delta))
    await refreshed.take(() => other.refresh())
  }
  return [
    stepOf(`openTrustDirectory of ${size} signers`, opened),
    openedInTurns.stepOf(`openTrustDirectoryInTurns of ${size} signers`),
    stepOf(`applyTrustDelta to ${size} signers`, applied),
    appliedInTurns.stepOf(`applyTrustDeltaInTurns to ${size} signers`),
    updated.stepOf(`TrustCache.update, a delta to ${size} signers`),
    refreshed.stepOf(`TrustCache.refresh, ${size} signers`),
  ]
}

function elapsed(run: () => unknown): number {
  const before = performance.now()
  run()
  return performance.now() - before
}

async function issuingSteps({ authority, at, issuing }: Deployment): Promise<readonly Step[]> {
  const [registered, issued, issuedOne] = [new Turns(), new Turns(), new Turns()]
  for (let group = 0; group < 20; group++) {
    const ids = Array.from({ length: 50 }, (_, index) => `steady-${group}-${index}`)
    for (const id of ids) {
      const entity = { id, kind: 'node', service: 'compute' } as const
      await registered.take(() => registerEntity(authority, entity, at))
    }
    const requests = ids.map(
      (entity) => ({ entity, profile: PROFILES.peer, key: { kind: 'generate', algorithm: 'p256' } }) as const,
    )
    await issued.take(() => issueCertificates(issuing, requests))
    for (const request of requests.slice(0, 5)) {
      await issuedOne.take(() => issueCertificates(issuing, [request]))
    }
  }
  return [
    registered.stepOf('registerEntity'),
    issuedOne.stepOf('issueCertificates, one'),
    issued.stepOf('issueCertificates, a group of 50'),
  ]
}

/** A memory that fills up, as of one signer who sends everything in one second; and then may forget all of it. */
function forgettingSteps(start: Date): readonly Step[] {
  const memory = createReplayMemory()
  const remember = (index: number, now: Date): unknown => {
    const messageId = new Uint8Array(12)
    new DataView(messageId.buffer).setUint32(0, index)
    const key = { signer: 'spiffe://cloud.example/compute/node', destination: 'bench', messageId }
    return memory.remember(key, new Date(now.getTime() + LIFETIME_SECONDS * 1000), now)
  }
  const filled = new Float64Array(DEFAULT_MAX_REMEMBERED)
  for (let index = 0; index < filled.length; index++) filled[index] = elapsed(() => remember(index, start))
  const later = new Date(start.getTime() + 86_400_000)
  const forgot = new Float64Array(DEFAULT_MAX_REMEMBERED / 4)
  for (let index = 0; index < forgot.length; index++) {
    forgot[index] = elapsed(() => remember(DEFAULT_MAX_REMEMBERED + index, later))
  }
  return [
    stepOf(`a replay memory remembers ${DEFAULT_MAX_REMEMBERED} messages`, [...filled]),
    stepOf('a replay memory forgets them, a few with each message', [...forgot]),
  ]
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
  for (const { name, count, longestms, p50ms, p99ms, maxms } of steps) {
    const longest = longestms === null ? '' : `  longest of each ${longestms} ms`
    console.log(`  ${name.padEnd(60)} ${count} ×  p50 ${p50ms} ms  p99 ${p99ms} ms  at most ${maxms} ms${longest}`)
  }
}
