/**
 * Cases tried one after another, and what came of them.
 *
 * @module test/hostile/session
 */
import { attempt, Violation } from './attempt.js'
import { DER_CALLS } from './calls/der.js'
import { inputOf } from './calls/input.js'
import { TEXT_CALLS } from './calls/text.js'
import { VERIFY_CALLS } from './calls/verify.js'
import type { Finding } from './findings.js'
import { knownDefect } from './known.js'
import { Random } from './random.js'
import type { Target } from './targets/target.js'
import { targetFor } from './targets/index.js'

const CALLS = [DER_CALLS, TEXT_CALLS, VERIFY_CALLS].flatMap((calls) => Object.entries(calls))
/** Calls that get whatever comes out, made for them or not: those without files, and without YAML, which takes its time. */
const OTHER_CALLS = CALLS.filter(([name]) => !name.includes('Mapping'))

export class Session {
  /** How often each kind of object got how far. */
  readonly verdicts: Record<string, number> = {}
  /** How often each known defect was met. */
  readonly tolerated: Record<string, number> = {}
  readonly #seen = new Set<string>()
  readonly #targets: readonly Target[]
  readonly #report: (finding: Finding) => void

  constructor(targets: readonly Target[], report: (finding: Finding) => void) {
    this.#targets = targets
    this.#report = report
  }

  get findings(): number {
    return this.#seen.size
  }

  /** One case: everything in it follows from its seed. */
  async tryMutation(seed: number): Promise<void> {
    const random = new Random(seed)
    const target = targetFor(random, this.#targets)
    const { bytes, steps } = target.mutate(random)
    await this.#guard({ seed, target: target.name, steps, bytes }, async () => {
      count(this.verdicts, `${target.name}: ${await target.check(bytes, random)}`)
      const [name, call] = random.pick(OTHER_CALLS)
      await attempt(name, () => call(inputOf(bytes)))
    })
  }

  /** Octets that were a finding once: as an object of a target, or in one call of the table. */
  async tryAgain(name: string, bytes: Uint8Array): Promise<void> {
    await this.#guard({ seed: 0, target: name, steps: ['tried again'], bytes }, async () => {
      const target = this.#targets.find((item) => item.name === name)
      const call = CALLS.find(([item]) => item === name)?.[1]
      if (target === undefined && call === undefined) throw new Violation(`there is nothing called ${name}`)
      for (let seed = 0; target !== undefined && seed < 5; seed++) await target.check(bytes, new Random(seed))
      if (call !== undefined) await attempt(name, () => call(inputOf(bytes)))
    })
  }

  async #guard(
    { bytes, ...about }: Pick<Finding, 'seed' | 'target' | 'steps'> & { readonly bytes: Uint8Array },
    work: () => Promise<void>,
  ): Promise<void> {
    try {
      await work()
    } catch (error) {
      // A check uses what it was given; whatever is thrown then is as much a finding as what it says itself.
      const what = error instanceof Violation ? error.message : `the check ended with ${textOf(error)}`
      const known = knownDefect(what)
      if (known !== undefined) {
        count(this.tolerated, known.why)
        return
      }
      // The same thing again, with other octets, is one finding.
      const kind = `${about.target}: ${what.replace(/[0-9a-f]{16,}|[0-9]+/g, '').slice(0, 200)}`
      if (this.#seen.has(kind)) return
      this.#seen.add(kind)
      this.#report({ kind: 'finding', ...about, input: Buffer.from(bytes).toString('hex'), what })
    }
  }
}

function count(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
