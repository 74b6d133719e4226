/**
 * Declared commands, given to commander.
 *
 * @module cli/declare (floor 8)
 */
import type { Command } from 'commander'
import type { DeclaredCommand, OptionDeclaration } from './declaration.js'
import { examples, repeatable } from './help.js'
import type { Invocation } from './invocation.js'

/** Give a command options. */
export function declareOptions(command: Command, options: readonly OptionDeclaration[]): Command {
  for (const { flags, description, presence, occurrence, standard } of options) {
    const option = command.createOption(flags, description).makeOptionMandatory(presence === 'required')
    if (occurrence === 'repeatable') option.argParser(repeatable)
    command.addOption(option.default(standard))
  }
  return command
}

/** Give a program, or a command that has others below it, a command. */
export function declareCommand(parent: Command, cli: Invocation, declared: DeclaredCommand): void {
  const name = declared.path.at(-1) ?? ''
  const command = parent.command(`${name} ${declared.operand}`)
  declareOptions(command.summary(declared.summary).description(declared.description), declared.options)
    .addHelpText('after', examples(...declared.examples))
    .action(cli.action((operand: string | undefined, options: object) => declared.run(cli, operand, options)))
}
