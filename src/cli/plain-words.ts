/**
 * Command lines in the form that practically all scripts write, read without commander, which takes as long to load as
 * a message to verify. What is not plain (help, mistakes, rare forms) is left to commander, which then says what it
 * always says.
 *
 * @module cli/plain-words (floor 8)
 */
import { type CommandDeclaration, GLOBAL_OPTIONS, type OptionDeclaration } from './declaration.js'
import type { GlobalOptions } from './invocation.js'

/** What a plain command line says. */
export interface PlainWords {
  readonly globals: GlobalOptions
  readonly operand: string | undefined
  readonly options: object
}

/**
 * Read the words of a command.
 *
 * @param words - All words of the command line, without `node` and the script.
 * @returns `undefined` where the words are not plain, or not of this command.
 */
export function plainWords(words: readonly string[], command: CommandDeclaration): PlainWords | undefined {
  const globals = new Values(GLOBAL_OPTIONS)
  const options = new Values(command.options)
  const operands: string[] = []
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? ''
    if (isOperand(word)) {
      operands.push(word)
      continue
    }
    const end = word.indexOf('=')
    const name = end < 0 ? word : word.slice(0, end)
    const named = globals.has(name) ? globals : options
    // Before the command stands only what is for all of them.
    if (!named.has(name) || (named === options && operands.length < command.path.length)) return undefined
    const value = end < 0 ? undefined : word.slice(end + 1)
    if (!named.take(name, named.wantsValue(name) ? (value ?? words[++index]) : value)) return undefined
  }
  const rest = operands.slice(command.path.length)
  const isNamed = command.path.every((word, index) => operands[index] === word)
  const isEnough = rest.length === 1 || (rest.length === 0 && command.operand.startsWith('['))
  if (!isNamed || !isEnough || !options.isComplete) return undefined
  return { globals: globals.found, operand: rest[0], options: options.found }
}

/** `-` is standard input. A word without letters may have been a variable of a shell, and is no plain one. */
function isOperand(word: string): boolean {
  return word === '-' || (word !== '' && !word.startsWith('-'))
}

/** The options of one command: what may be said, and what was. */
class Values {
  readonly found: Record<string, unknown> = {}
  readonly #declared: ReadonlyMap<string, OptionDeclaration>

  constructor(options: readonly OptionDeclaration[]) {
    this.#declared = new Map(options.map((option) => [flagOf(option), option]))
    for (const option of options) if (option.standard !== undefined) this.found[keyOf(option)] = option.standard
  }

  has(flag: string): boolean {
    return this.#declared.has(flag)
  }

  wantsValue(flag: string): boolean {
    return this.#declared.get(flag)?.flags.endsWith('>') === true
  }

  /** @returns Whether that is plain: values look like values, and nothing that adds nothing is said twice. */
  take(flag: string, value: string | undefined): boolean {
    const option = this.#declared.get(flag)
    if (option === undefined || (value === undefined) === this.wantsValue(flag)) return false
    if (value !== undefined && !isOperand(value)) return false
    const key = keyOf(option)
    const before = this.found[key]
    if (option.occurrence === 'repeatable') {
      this.found[key] = [...((before as readonly string[] | undefined) ?? []), value]
      return true
    }
    this.found[key] = value ?? true
    return before === undefined || before === option.standard
  }

  /** Whether everything is there that must be. */
  get isComplete(): boolean {
    return [...this.#declared.values()].every(
      (option) => option.presence !== 'required' || Object.hasOwn(this.found, keyOf(option)),
    )
  }
}

/** The long one: short ones are left to commander. */
function flagOf({ flags }: OptionDeclaration): string {
  return /--[a-z-]+/.exec(flags)?.[0] ?? ''
}

/** `--any-destination` → `anyDestination`, as commander names it. */
function keyOf(option: OptionDeclaration): string {
  return flagOf(option)
    .slice(2)
    .replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
