/** The harness of the bench, by clocks of our own: no time is measured here. */
import { describe, expect, it } from 'vitest'
import { judgeGoals } from '../bench/goals.ts'
import { measure, quantile, readyFor, type Stranger } from '../bench/harness.ts'
import { type BenchResults, mergeResults, performancePage } from '../bench/page.ts'
import { PEERS } from '../bench/peers.ts'
import { readPieces, writePieces } from '../bench/peers/pieces.ts'
import { performanceSvg } from '../bench/picture.ts'
import { startResident } from '../bench/resident.ts'
import { workOf } from '../bench/works.ts'

/** A clock that only goes on when somebody works. */
function makeClock() {
  let nanoseconds = 0n
  return { now: () => nanoseconds, work: (duration: number) => void (nanoseconds += BigInt(duration)) }
}

function stranger(name: string, nanosecondsEach: () => number, clock = makeClock()): Stranger {
  return {
    name,
    batch: (count) => {
      const all = nanosecondsEach() * count
      clock.work(all)
      return all
    },
  }
}

describe('the harness', () => {
  it('yields medians, and ratios as speed over speed', async () => {
    const clock = makeClock()
    const ours = { name: 'signet', run: () => clock.work(100_000) }
    const peers = [stranger('slow', () => 400_000, clock), stranger('fast', () => 50_000, clock)]
    const row = await measure('a row', ours, peers, 20, { now: clock.now })
    expect(row).toEqual({
      name: 'a row',
      opsPerSecond: 10_000,
      p50us: 100,
      p99us: 100,
      peers: { slow: 2500, fast: 20_000 },
      ratios: { slow: 4, fast: 0.5 },
    })
  })

  it('compares within a round: what slows everybody down for a while changes no ratio', async () => {
    const clock = makeClock()
    // Thrice as slow for two fifths of the time.
    const load = (): number => ((clock.now() / 20_000_000n) % 5n < 2n ? 3 : 1)
    const ours = stranger('signet', () => 100_000 * load(), clock)
    const row = await measure('a row', ours, [stranger('other', () => 300_000 * load(), clock)], 80, { now: clock.now })
    expect(row.ratios).toEqual({ other: 3 })
  })

  it('forgets what hits few batches', async () => {
    const clock = makeClock()
    let batches = 0
    const ours = stranger('signet', () => (batches++ % 10 === 9 ? 5_000_000 : 100_000), clock)
    const row = await measure('a row', ours, [stranger('other', () => 200_000, clock)], 50, { now: clock.now })
    expect(row).toMatchObject({ opsPerSecond: 10_000, ratios: { other: 2 } })
  })

  it('counts the operations of a group, and neither what is prepared nor what gets ready', async () => {
    const clock = makeClock()
    let prepared = 0
    const ours = {
      name: 'signet',
      operations: 50,
      prepare: () => {
        prepared++
        clock.work(7_000_000)
      },
      run: () => {
        clock.work(1_000_000)
        return Promise.resolve()
      },
    }
    const row = await measure('a row', ours, [], 9, { now: clock.now, skipped: { other: 'not installed' } })
    expect(row).toMatchObject({ opsPerSecond: 50_000, p50us: 20, skipped: { other: 'not installed' } })
    expect(prepared).toBeGreaterThan(9)
    expect([1, 8, 9, 400].map(readyFor)).toEqual([1, 4, 5, 200])
  })

  it('ends a row that takes long, but not before nine rounds', async () => {
    const clock = makeClock()
    let batches = 0
    const ours = stranger('signet', () => (batches++, 10_000_000_000), clock)
    await measure('a row', ours, [], 1000, { now: clock.now })
    expect(batches).toBe(1 + 9)
  })

  it('takes quantiles as samples that were measured', () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index)
    expect([0, 0.5, 0.99, 1].map((share) => quantile(values, share))).toEqual([1, 51, 100, 100])
    expect(quantile([], 0.5)).toBe(0)
  })
})

describe('a stranger in a process of its own', () => {
  const start = (script: string): ReturnType<typeof startResident> =>
    startResident({ name: 'other', program: process.execPath, words: ['-e', script] })

  it('answers for as many operations as it is asked for', async () => {
    const resident = await start(
      `console.log('ready 1.2'); require('readline').createInterface(process.stdin).on('line', (line) => console.log(line * 3))`,
    )
    if (typeof resident === 'string') throw new Error(resident)
    expect(resident.version).toBe('1.2')
    expect([await resident.batch(5), await resident.batch(70)]).toEqual([15, 210])
    resident.close()
  })

  it('is left out with its reason', async () => {
    expect(await start(`console.log('cannot: no such keys')`)).toBe('no such keys')
    expect(await start(`process.exit(3)`)).toBe('ended with 3')
    expect(await startResident({ name: 'other', program: '/nowhere/peer', words: [] })).toMatch('ENOENT')
  })

  it('ends the row when it ends within', async () => {
    const resident = await start(
      `console.log('ready'); require('readline').createInterface(process.stdin).on('line', () => process.exit(1))`,
    )
    if (typeof resident === 'string') throw new Error(resident)
    await expect(async () => resident.batch(1)).rejects.toThrow('other: cannot: ended with 1')
  })

  it('reads messages as they were written', () => {
    const pieces = [Buffer.from('one'), Buffer.alloc(0), Buffer.alloc(70_000, 7)]
    expect(readPieces(writePieces(pieces))).toEqual(pieces)
  })
})

const RESULTS: BenchResults = {
  schema: 2,
  machine: {
    at: '2027-01-01T00:00Z',
    processor: 'a processor',
    processors: 2,
    memoryGigabytes: 8,
    kernel: '6.1',
    node: '24.21.0',
    openssl: '3.5.8',
    loadBefore: 0.1,
  },
  rows: [
    {
      name: 'verifyMessage p256',
      opsPerSecond: 14_000,
      p50us: 70.1,
      p99us: 90,
      peers: { 'bare crypto.verify': 15_000, 'libcrypto, with chain': 4800 },
      ratios: { 'bare crypto.verify': 0.93, 'libcrypto, with chain': 2.7 },
      skipped: { 'node-forge': 'reads <no> EC | certificates' },
    },
    { name: 'hash 1 KiB', opsPerSecond: 1e6, p50us: 0.9, p99us: 1, peers: {}, ratios: {} },
  ],
}

describe('the page', () => {
  it('says what was measured, when and where, and what was missed', async () => {
    const page = await performancePage(RESULTS)
    expect(page).toContain('Measured 2027-01-01T00:00Z on a processor, 2 processors')
    expect(page).not.toContain('Other programs ran')
    expect(page).toMatch(/\| bare crypto\.verify +\| 15,000 +\| 0\.93 +\|/)
    expect(page).toMatch(/\| bare crypto\.verify +\| 0\.92 +\| 0\.93 +\| reached +\|/)
    expect(page).toMatch(/\| libcrypto, with chain +\| 2\.8 +\| 2\.7 +\| \*\*missed\*\* +\|/)
    expect(page).toContain('Not measured: node-forge (reads &#60;no&#62; EC &#124; certificates).')
    expect(page).toMatch(/- \*\*bare crypto\.verify\*\*: /)
  })

  it('says how files longer than memory and large directories fare', async () => {
    const page = await performancePage({
      ...RESULTS,
      longStream: { gigabytes: 10, signSeconds: 8, verifySeconds: 9, hashSeconds: 7, residentMegabytes: [200, 201] },
      trust: {
        sizes: [
          {
            ...{ signers: 100_000, bytes: 73_000_000, loadMilliseconds: 74, hashMilliseconds: 40 },
            ...{ bytesPerSigner: 9, lookupNanoseconds: 900, deltaBytes: 900, deltaMilliseconds: 113 },
          },
        ],
        latency: { signers: 1, publishMilliseconds: 1, watchMilliseconds: 1, deltaMilliseconds: 1 },
      },
    })
    expect(page).toContain('10 GB signed in 8 s and verified in 9 s')
    expect(page).toContain('each GB that is verified: 200, 201.')
    expect(page).toMatch(/\| 100,000 +\| 73,000,000 +\| 74 +\| 40 +\| 9 +\| 900 +\| 113 +\|/)
  })

  it('says when other programs ran', async () => {
    const machine = { ...RESULTS.machine, loadBefore: 6 }
    expect(await performancePage({ ...RESULTS, machine })).toContain('was 6. Other programs ran')
  })

  it('says why, where something is missed, and where the processors were', async () => {
    const name = 'batch of files'
    const batch = {
      name,
      opsPerSecond: 1,
      p50us: 1,
      p99us: 1,
      peers: { 'the library': 2 },
      ratios: { 'the library': 0.5 },
    }
    const issuanceMemory = {
      certificates: 100_000,
      perSecond: 8000,
      threads: [
        { name: 'one thread', microseconds: 70 },
        { name: 'another', microseconds: 80 },
      ],
      bareMicroseconds: 35,
      residentMegabytes: [1],
      heapMegabytes: [1],
    }
    const page = await performancePage({ ...RESULTS, rows: [batch], issuanceMemory })
    expect(page).toContain('- **batch of files**: two files')
    expect(page).toMatch(/\| all +\| 150 +\|/)
    expect(page).toContain('is 200 µs on two processors')
    expect(await performancePage({ ...RESULTS, rows: [{ ...batch, ratios: { 'the library': 0.9 } }] })).not.toContain(
      'why',
    )
  })

  it('takes runs together: the last that has a row has it', () => {
    const [first] = RESULTS.rows
    const again = {
      ...RESULTS,
      machine: { ...RESULTS.machine, loadBefore: 3 },
      rows: first === undefined ? [] : [{ ...first, p50us: 1 }],
    }
    const merged = mergeResults([{ ...RESULTS, creep: [] }, again])
    expect(merged.rows.map(({ p50us }) => p50us)).toEqual([1, 0.9])
    expect(merged).toMatchObject({ machine: { loadBefore: 3, at: '2027-01-01T00:00Z, 2027-01-01T00:00Z' }, creep: [] })
  })

  it('judges goals by the rows that are there', () => {
    const verdicts = judgeGoals(RESULTS.rows).map(({ verdict }) => verdict)
    expect(new Set(verdicts)).toEqual(new Set(['reached', 'missed', 'not measured']))
  })

  it('knows what each peer does', () => {
    const names = Object.entries(PEERS).flatMap(([peer, { tasks }]) =>
      tasks.includes('issue') ? [peer] : [peer, `${peer}, signature only`, `${peer}, with chain`],
    )
    const unknown = names.filter((name) => workOf(name) === undefined)
    // These do less.
    expect(unknown).toEqual([
      'node-forge, signature only',
      'node-forge, with chain',
      'jose, signature only',
      'jose, with chain',
    ])
  })

  it('draws a bar for each ratio, and no row without', () => {
    const picture = performanceSvg(RESULTS.rows)
    expect(picture.match(/<rect class="(faster|slower)"/g)).toEqual(['<rect class="slower"', '<rect class="faster"'])
    expect(picture).not.toContain('hash 1 KiB')
  })
})
