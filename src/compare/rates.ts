/**
 * How many messages a second can be signed and verified, by algorithm. Numbers of this machine, at this moment: ratios say
 * more, and nothing is held to either.
 *
 * @module compare/rates (floor 7.2)
 */
import { MemoryKeyProvider } from '../crypto/index.js'
import { verifyMessage } from '../message/index.js'
import { wholeSeconds } from '../time/index.js'
import { signed } from './cms-forms.js'
import type { SampleMessage } from './sample.js'
import { makeSigners, SIZE_ALGORITHMS, type SizeAlgorithm } from './signers.js'

export interface Rate {
  readonly algorithm: SizeAlgorithm
  readonly signsPerSecond: number
  readonly verifiesPerSecond: number
  /** Multiples of the first algorithm's. */
  readonly signRatio: number
  readonly verifyRatio: number
}

export interface RateOptions {
  readonly at: Date
  /** Default {@link SIZE_ALGORITHMS}. */
  readonly algorithms?: readonly SizeAlgorithm[]
  /** How long each is done. Default {@link RATE_MILLISECONDS}. */
  readonly milliseconds?: number
  /** Told after each algorithm how many are done. */
  readonly advance?: (done: number) => void
}

export const RATE_MILLISECONDS = 300

/**
 * Measure with the message whose length is the median: everything that the library does, one message after the other. The
 * path of the signer's certificate is validated once, as a receiver does it; replays are not looked for.
 *
 * @param messages - At least one.
 */
export async function measureRates(messages: readonly SampleMessage[], options: RateOptions): Promise<readonly Rate[]> {
  const { algorithms = SIZE_ALGORITHMS, milliseconds = RATE_MILLISECONDS, advance = () => undefined } = options
  const at = wholeSeconds(options.at)
  const sorted = messages.toSorted((a, b) => a.content.length - b.content.length)
  const message = sorted[Math.floor(sorted.length / 2)]
  if (message === undefined) return []
  const { signers, trust } = await makeSigners(algorithms, at)
  const rates: Rate[] = []
  for (const signer of signers) {
    const { certificate, key } = signer.sender
    // The keys of makeSigners sign until the signature is long.
    const sender = { certificate, key: new MemoryKeyProvider(signer.privateKey, key.signatureAlgorithm) }
    const { der } = await signed(message, { ...signer, sender }, at)
    const policy = {
      trust,
      destinations: [message.destination],
      senders: 'allow-any-trusted',
      types: [message.type],
      maxAgeSeconds: 300,
      replay: 'allow-unchecked',
      at,
    } as const
    const signsPerSecond = await perSecond(() => signed(message, { ...signer, sender }, at), milliseconds)
    const verifiesPerSecond = await perSecond(() => verifyMessage(der, message.content, policy), milliseconds)
    const first = rates[0] ?? { signsPerSecond, verifiesPerSecond }
    rates.push({
      algorithm: signer.algorithm,
      signsPerSecond: Math.round(signsPerSecond),
      verifiesPerSecond: Math.round(verifiesPerSecond),
      signRatio: twoDigits(signsPerSecond / first.signsPerSecond),
      verifyRatio: twoDigits(verifiesPerSecond / first.verifiesPerSecond),
    })
    advance(rates.length)
  }
  return rates
}

async function perSecond(work: () => Promise<unknown>, milliseconds: number): Promise<number> {
  await during(work, milliseconds / 3)
  return during(work, milliseconds)
}

async function during(work: () => Promise<unknown>, milliseconds: number): Promise<number> {
  const start = performance.now()
  for (let count = 1; ; count++) {
    await work()
    const elapsed = performance.now() - start
    if (elapsed >= milliseconds) return (1000 * count) / elapsed
  }
}

function twoDigits(value: number): number {
  return Number(value.toPrecision(2))
}
