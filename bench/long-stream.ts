/** A file that is far longer than memory: signed and verified while it passes by. */
import { createHash } from 'node:crypto'
import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { digestStream } from '../dist/cms/index.js'
import { openFileStream } from '../dist/files/index.js'
import { signMessage, verifyMessageStream } from '../dist/message/index.js'
import type { BenchContext } from './context.ts'
import { policyFor, publish, REQUEST } from './deployment.ts'
import { rounded } from './harness.ts'

const GIGABYTE = 1_000_000_000
const GIGABYTES = 10

export interface LongStream {
  readonly gigabytes: number
  readonly signSeconds: number
  readonly verifySeconds: number
  /** SHA-256 alone of the same octets, read in the same way. */
  readonly hashSeconds: number
  /** Before anything, and after each gigabyte of what is verified. */
  readonly residentMegabytes: readonly number[]
}

export async function measureLongStream(context: BenchContext): Promise<LongStream> {
  const deployment = await context.deployment()
  const signer = await context.signer('p256')
  const { directory } = await publish(deployment)
  const path = join(context.folder, 'long')
  writeFileSync(path, '')
  // It takes no room on the disk, and is read like any other.
  truncateSync(path, GIGABYTES * GIGABYTE)
  const residentMegabytes: number[] = []
  // Once before it is measured: afterwards the kernel has all of it at hand, for each alike.
  await secondsOf(path, async (pieces) => {
    for await (const piece of pieces) void piece
  })
  const hashSeconds = await secondsOf(path, async (pieces) => {
    const hash = createHash('sha256')
    for await (const piece of pieces) hash.update(piece)
    hash.digest()
  })
  let der: Uint8Array = new Uint8Array()
  const signSeconds = await secondsOf(path, async (pieces) => {
    const digest = await digestStream(pieces, ['sha256'])
    der = (await signMessage(digest, signer, { ...REQUEST, at: deployment.at })).der
  })
  const verifySeconds = await secondsOf(path, async (pieces) => {
    await verifyMessageStream(der, watched(pieces, residentMegabytes), policyFor(directory, deployment.at))
  })
  return { gigabytes: GIGABYTES, signSeconds, verifySeconds, hashSeconds, residentMegabytes }
}

async function secondsOf(path: string, use: (pieces: AsyncIterable<Uint8Array>) => Promise<void>): Promise<number> {
  const before = performance.now()
  const stream = await openFileStream(path)
  try {
    await use(stream.pieces())
  } finally {
    await stream.close()
  }
  return rounded((performance.now() - before) / 1000)
}

/** Look at the memory before, and after each gigabyte. */
async function* watched(pieces: AsyncIterable<Uint8Array>, residentMegabytes: number[]): AsyncGenerator<Uint8Array> {
  let octets = 0
  for await (const piece of pieces) {
    if (octets >= residentMegabytes.length * GIGABYTE) residentMegabytes.push(resident())
    octets += piece.length
    yield piece
  }
  residentMegabytes.push(resident())
}

function resident(): number {
  return rounded(process.memoryUsage.rss() / 1e6)
}

export function printLongStream(long: LongStream): void {
  const { gigabytes, signSeconds, verifySeconds, hashSeconds, residentMegabytes } = long
  console.log(
    `${gigabytes} GB signed in ${signSeconds} s, verified in ${verifySeconds} s; SHA-256 alone ${hashSeconds} s`,
  )
  console.log(`  RSS after each GB: ${residentMegabytes.join(' ')} MB`)
}
