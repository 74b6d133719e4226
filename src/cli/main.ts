/**
 * The command line. What scripts call again and again starts at once; all else goes through commander, which decides
 * what is right: a line is taken here only where nothing in it is in doubt.
 *
 * @module cli/main (floor 8)
 */
import type { DeclaredCommand } from './declaration.js'
import type { CliEnvironment } from './environment.js'
import { Invocation } from './invocation.js'
import { type PlainWords, plainWords } from './plain-words.js'
import { report } from './report.js'
import { VERIFY } from './verify.js'
import { packageVersion } from './version.js'

/**
 * Run one command line.
 *
 * @param words - Without `node` and the script.
 * @returns The exit code. 0 only if the command did what it says.
 */
export async function main(words: readonly string[], environment: CliEnvironment): Promise<number> {
  if (words.length === 1 && words[0] === '--version') {
    environment.stdout.write(`${packageVersion()}\n`)
    return 0
  }
  const command = await declaredCommand(words)
  const plain = command === undefined ? undefined : plainWords(words, command)
  if (command !== undefined && plain !== undefined) return runPlain(command, plain, words, environment)
  const { runProgram } = await import('./program.js')
  return runProgram(words, environment)
}

/** The command that the words seem to name, if it is one of those that start at once. */
async function declaredCommand(words: readonly string[]): Promise<DeclaredCommand | undefined> {
  const [first, second] = words.filter((word) => !word.startsWith('-'))
  if (first === 'verify') return VERIFY
  if (first === 'sign') return (await import('./sign.js')).SIGN
  if (first === 'cms' && second === 'verify') return (await import('./cms-verify.js')).CMS_VERIFY
  return undefined
}

async function runPlain(
  command: DeclaredCommand,
  { globals, operand, options }: PlainWords,
  words: readonly string[],
  environment: CliEnvironment,
): Promise<number> {
  const cli = new Invocation(environment, () => globals)
  try {
    await cli.action(command.run.bind(command))(cli, operand, options)
    return 0
  } catch (error) {
    return report(error, words, environment)
  }
}
