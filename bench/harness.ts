/**
 * Measuring side by side: all contenders of a row run in turn, round by round, so that what else the machine does hits
 * each alike. Ratios of medians are what counts.
 */

export interface Contender {
  readonly name: string
  /** One operation, or a batch of them. */
  readonly run: () => unknown
  /** Operations in one run. Default 1. */
  readonly operations?: number
}

export interface Row {
  readonly name: string
  readonly opsPerSecond: number
  readonly p50us: number
  readonly p99us: number
  /** Operations a second of the others. */
  readonly peers: Readonly<Record<string, number>>
  /** Our speed over theirs. */
  readonly ratios: Readonly<Record<string, number>>
}

/** Measure ours against peers. @param rounds - Samples of each; a sample is one run. */
export async function measure(
  name: string,
  ours: Contender,
  peers: readonly Contender[],
  rounds: number,
): Promise<Row> {
  const contenders = [ours, ...peers]
  const samples = contenders.map(() => [] as number[])
  for (const contender of contenders) for (let index = 0; index < Math.min(rounds, 50); index++) await contender.run()
  for (let round = 0; round < rounds; round++) {
    for (const [index, contender] of contenders.entries()) {
      const start = process.hrtime.bigint()
      await contender.run()
      const nanoseconds = Number(process.hrtime.bigint() - start)
      samples[index]?.push(nanoseconds / 1000 / (contender.operations ?? 1))
    }
  }
  const medians = samples.map((list) => quantile(list, 0.5))
  const [p50us = 0] = medians
  return {
    name,
    opsPerSecond: Math.round(1e6 / p50us),
    p50us: rounded(p50us),
    p99us: rounded(quantile(samples[0] ?? [], 0.99)),
    peers: Object.fromEntries(peers.map((peer, index) => [peer.name, Math.round(1e6 / (medians[index + 1] ?? 1))])),
    ratios: Object.fromEntries(peers.map((peer, index) => [peer.name, rounded((medians[index + 1] ?? 0) / p50us)])),
  }
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
}

function rounded(value: number): number {
  return Number(value.toPrecision(3))
}

export function printRow(row: Row): void {
  const ratios = Object.entries(row.ratios).map(([peer, ratio]) => `${ratio} × ${peer}`)
  console.log(
    `${row.name.padEnd(32)} ${String(row.opsPerSecond).padStart(8)}/s  p50 ${row.p50us} µs  p99 ${row.p99us} µs  ${ratios.join(', ')}`,
  )
}
