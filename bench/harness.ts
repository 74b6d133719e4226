/**
 * Measuring side by side: all contenders of a row do a batch in turn, round by round, so that what else the machine does
 * hits each alike. A ratio is the median over rounds of their time over ours in the same round.
 */

/** Who runs in this process. */
export interface Operation {
  readonly name: string
  /** One operation, or a group of them. */
  readonly run: () => unknown
  /** Operations in one run. Default 1. */
  readonly operations?: number
  /** Before each run, and no part of it. */
  readonly prepare?: () => unknown
}

/** Who takes the time itself: another process, or one that prepares between operations. */
export interface Stranger {
  readonly name: string
  /** So many operations, after {@link readyFor} of them. Yields the nanoseconds of all together, but those. */
  readonly batch: (count: number) => number | Promise<number>
  /** How long to warm up. Default {@link WARM_UP_MILLISECONDS}. */
  readonly warmUpMilliseconds?: number
}

export type Contender = Operation | Stranger

export interface Row {
  readonly name: string
  /** From the median of batches: with what a run costs its neighbours, as the collection of garbage. */
  readonly opsPerSecond: number
  /** Of single runs, divided by the operations in one. */
  readonly p50us: number
  readonly p99us: number
  /** Operations a second of the others. */
  readonly peers: Readonly<Record<string, number>>
  /** Our speed over theirs. */
  readonly ratios: Readonly<Record<string, number>>
  /** Who is not measured, and why. */
  readonly skipped?: Readonly<Record<string, string>>
  /** What strangers say of themselves. */
  readonly versions?: Readonly<Record<string, string>>
}

export interface MeasureOptions {
  readonly skipped?: Readonly<Record<string, string>>
  /** Nanoseconds. Default: the clock of this process. */
  readonly now?: () => bigint
}

/** A batch takes about so long: on a busy machine, most of them are done before somebody else gets the processor. */
const BATCH_NANOSECONDS = 1.2e6
const WARM_UP_MILLISECONDS = 1500
/** No row goes on for longer, unless it has had fewer than {@link MIN_ROUNDS}. */
const BUDGET_MILLISECONDS = 30_000
const MIN_ROUNDS = 9

/** Measure ours against peers. @param rounds - Batches of each, at most: what takes long has fewer. */
export async function measure(
  name: string,
  ours: Contender,
  peers: readonly Contender[],
  rounds: number,
  { skipped, now = process.hrtime.bigint }: MeasureOptions = {},
): Promise<Row> {
  const singles: number[] = []
  const entrants = [ours, ...peers].map((contender) => entrantOf(contender, now))
  const counts: number[] = []
  for (const entrant of entrants) counts.push(await warmUp(entrant, now))
  // Batches: of each entrant, the nanoseconds of one operation.
  const samples = entrants.map(() => [] as number[])
  const end = now() + BigInt(BUDGET_MILLISECONDS) * 1_000_000n
  for (let round = 0; round < rounds && (round < MIN_ROUNDS || now() < end); round++) {
    for (let place = 0; place < entrants.length; place++) {
      // Everybody starts once, and has each of the others before it.
      const index = (place + round) % entrants.length
      const entrant = entrants[index]
      const count = counts[index] ?? 1
      if (entrant === undefined) continue
      const each = (await entrant.batch(count, index === 0 ? singles : undefined)) / count
      samples[index]?.push(each)
      if (index === 0 && !entrant.takesSingles) singles.push(each)
    }
  }
  const [mine = [], ...theirs] = samples
  const named = <T>(value: (list: readonly number[]) => T): Record<string, T> =>
    Object.fromEntries(peers.map((peer, index) => [peer.name, value(theirs[index] ?? [])]))
  return {
    name,
    opsPerSecond: perSecond(mine),
    p50us: rounded(quantile(singles, 0.5) / 1000),
    p99us: rounded(quantile(singles, 0.99) / 1000),
    peers: named(perSecond),
    ratios: named((list) =>
      rounded(
        quantile(
          list.map((time, round) => time / (mine[round] ?? 1)),
          0.5,
        ),
      ),
    ),
    ...(skipped === undefined || Object.keys(skipped).length === 0 ? {} : { skipped }),
  }
}

/** Operations before the clock of a batch starts: whoever waited finds nothing where it left it. */
export function readyFor(count: number): number {
  return Math.ceil(count / 2)
}

interface Entrant {
  readonly batch: (count: number, singles?: number[]) => Promise<number>
  readonly takesSingles: boolean
  readonly warmUpMilliseconds: number
}

function entrantOf(contender: Contender, now: () => bigint): Entrant {
  if ('batch' in contender) {
    const { batch, warmUpMilliseconds = WARM_UP_MILLISECONDS } = contender
    return { batch: async (count) => batch(count), takesSingles: false, warmUpMilliseconds }
  }
  const { run, operations = 1, prepare } = contender
  const batch = async (count: number, singles?: number[]): Promise<number> => {
    let total = 0
    for (let index = -readyFor(count); index < count; index++) {
      if (prepare !== undefined) await prepare()
      const start = now()
      const answer = run()
      // What is there already is not waited for.
      if (answer instanceof Promise) await answer
      const nanoseconds = Number(now() - start)
      if (index < 0) continue
      total += nanoseconds
      singles?.push(nanoseconds / operations)
    }
    return total / operations
  }
  return { batch, takesSingles: true, warmUpMilliseconds: WARM_UP_MILLISECONDS }
}

/** Yields how many operations make a batch: by the last that it took, when everything is compiled. */
async function warmUp({ batch, warmUpMilliseconds }: Entrant, now: () => bigint): Promise<number> {
  const end = now() + BigInt(warmUpMilliseconds) * 1_000_000n
  let count = 1
  do {
    const each = (await batch(count)) / count
    count = Math.max(1, Math.min(count * 8, Math.round(BATCH_NANOSECONDS / Math.max(each, 1))))
  } while (now() < end)
  return count
}

function perSecond(nanoseconds: readonly number[]): number {
  const median = quantile(nanoseconds, 0.5)
  return median === 0 ? 0 : Number((1e9 / median).toPrecision(4))
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
}

export function rounded(value: number): number {
  return Number(value.toPrecision(3))
}

/** For people: ours, then everybody else. */
export function printRow({ name, opsPerSecond, p50us, p99us, peers, ratios, skipped = {} }: Row): void {
  console.log(`${name.padEnd(44)} ${String(opsPerSecond).padStart(9)}/s  p50 ${p50us} µs  p99 ${p99us} µs`)
  for (const [peer, rate] of Object.entries(peers)) {
    console.log(`  ${peer.padEnd(42)} ${String(rate).padStart(9)}/s  signet: ${ratios[peer] ?? 0} ×`)
  }
  for (const [peer, reason] of Object.entries(skipped)) console.log(`  ${peer.padEnd(42)} skipped: ${reason}`)
}
