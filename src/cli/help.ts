/**
 * Help with examples.
 *
 * @module cli/help (floor 8)
 */
import { InvalidArgumentError } from 'commander'

/** Examples at the end of a command's help: what one would type. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`
}

/** Gather an option that may be given several times. */
export function repeatable(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), value]
}

/** One of a few words. */
export function choice<const T extends string>(words: readonly T[]): (value: string) => T {
  return (value) => {
    const found = words.find((word) => word === value)
    if (found === undefined) throw new InvalidArgumentError(`choose one of ${words.join(', ')}.`)
    return found
  }
}
