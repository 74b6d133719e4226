/**
 * What protection costs: octets, which are the same everywhere, and time, which is only told as a ratio.
 *
 * @module compare/costs (floor 7.2)
 */
import type { Overhead, System, SystemName } from './system.js'

/** The most that was seen. */
export type Overheads = Readonly<Record<SystemName, Overhead>>

/** Protecting and verifying together, as a multiple of the first system's time. */
export type Ratios = Readonly<Record<SystemName, number>>

/** ECDSA signatures in DER and numbers in JSON differ by some octets; of so many messages, one is of the longest. */
const SAMPLES = 64

/** Measured on messages for one receiver, without encryption. */
export async function measureOverheads(systems: readonly System[], at: Date): Promise<Overheads> {
  const overheads: [SystemName, Overhead][] = []
  for (const system of systems) {
    const seen: Overhead[] = []
    for (let count = 0; count < SAMPLES; count++) seen.push(await system.overhead({ ...MESSAGE, at }))
    const most = (which: keyof Overhead): number => Math.max(...seen.map((overhead) => overhead[which]))
    overheads.push([system.name, { inText: most('inText'), beside: most('beside') }])
  }
  return Object.fromEntries(overheads) as Overheads
}

const MESSAGE = { from: 'conductor-01', to: 'compute-07' } as const

/** @param rounds - Messages per system, after a third of them to warm up. */
export async function measureRatios(systems: readonly System[], at: Date, rounds: number): Promise<Ratios> {
  const times: [SystemName, number][] = []
  for (const system of systems) {
    await run(system, at, Math.ceil(rounds / 3))
    const start = performance.now()
    await run(system, at, rounds)
    times.push([system.name, performance.now() - start])
  }
  const first = times[0]?.[1] ?? 1
  return Object.fromEntries(times.map(([name, time]) => [name, Math.round((10 * time) / first) / 10])) as Ratios
}

async function run(system: System, at: Date, rounds: number): Promise<void> {
  const receiver = system.receiver(MESSAGE.to)
  for (let count = 0; count < rounds; count++) {
    await receiver.receive(await system.send({ ...MESSAGE, at }), at)
  }
}
