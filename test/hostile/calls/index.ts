/**
 * Every public function that reads what strangers send, by `folder.name`.
 *
 * @module test/hostile/calls
 */
import { DER_CALLS } from './der.js'
import { FILE_CALLS } from './files.js'
import { TEXT_CALLS } from './text.js'
import { VERIFY_CALLS } from './verify.js'
import type { Call } from './input.js'

export const CALLS: ReadonlyMap<string, Call> = new Map(
  [DER_CALLS, TEXT_CALLS, FILE_CALLS, VERIFY_CALLS].flatMap((calls) => Object.entries(calls)),
)
