/**
 * What was a finding once, in `regressions.json`: tried first in every run. Either the octets, with the kind of object
 * or the call of the table that they go to; or, where those are many, the seed, which yields them only as long as the
 * mutators are what they were.
 *
 * @module test/hostile/regressions
 */
import { readFileSync } from 'node:fs'
import type { Session } from './session.js'

type Entry = { readonly why: string } & (
  { readonly seed: number } | { readonly target: string; readonly input: string }
)

/** Try all of them. */
export async function tryRegressions(session: Session, mark: (text: string) => void): Promise<void> {
  const path = new URL('regressions.json', import.meta.url)
  for (const entry of JSON.parse(readFileSync(path, 'utf8')) as readonly Entry[]) {
    mark(`regression: ${entry.why}`)
    if ('seed' in entry) await session.tryMutation(entry.seed)
    else await session.tryAgain(entry.target, new Uint8Array(Buffer.from(entry.input, 'hex')))
  }
}
