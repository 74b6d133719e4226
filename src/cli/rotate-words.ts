/** Words that the steps of `signet rotate` have in common. @module cli/rotate-words (floor 8) */
import type { Exception } from '../authority/index.js'
import type { Invocation } from './invocation.js'

/** The reason with which nobody is waited for. */
export const KEY_COMPROMISE = 'keyCompromise'

export const BY_OPTION = ['--by <name>', 'who does it, for the log (default: the user of this shell)'] as const

/** Options of steps that somebody does, for a reason. */
export interface StepWords {
  readonly by?: string
  readonly reason?: string
}

/** Who does it: the option, or the user of the shell. */
export function doneBy(cli: Invocation, { by }: StepWords): string {
  const { variables } = cli.environment
  return [by, variables['SUDO_USER'], variables['USER'], variables['LOGNAME']].find(Boolean) ?? 'somebody'
}

/** The nodes that are not waited for, with the reason that was given for all of them. */
export function exceptionsOf(nodes: readonly string[] = [], reason = ''): readonly Exception[] {
  return nodes.map((entity) => ({ entity, reason }))
}
