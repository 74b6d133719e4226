/** Policies, from files. @module cli/policy-file (floor 8) */
import { readFileText } from '../files/index.js'
import { parsePolicy, type Policy } from '../policy/index.js'
import type { Invocation } from './invocation.js'

/** A policy is text for people, but one for a thousand types may be long. */
const MAX_POLICY_BYTES = 64 * 1024 * 1024

/** Read a policy from a file. */
export function readPolicy(cli: Invocation, file: string): Policy {
  return parsePolicy(readFileText(cli.path(file), { maxBytes: MAX_POLICY_BYTES }))
}
