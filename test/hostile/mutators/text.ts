/**
 * A valid text, changed: lines, and characters.
 *
 * @module test/hostile/mutators/text
 */
import type { Random } from '../random.js'

type TextMutator = (random: Random, lines: string[], donor: readonly string[]) => void

const at = (random: Random, lines: readonly string[]): number => random.below(lines.length)

function changed(change: (random: Random, line: string) => string): TextMutator {
  return (random, lines) => {
    const index = at(random, lines)
    lines[index] = change(random, lines[index] ?? '')
  }
}

/** Another text in the place of some characters. */
function spliced(random: Random, line: string, text: string): string {
  const start = random.below(line.length + 1)
  return line.slice(0, start) + text + line.slice(start + random.below(3))
}

const ODD: readonly string[] = [
  '\0',
  '\r',
  '\n',
  '\t',
  ' ',
  '\u00a0',
  '\ufeff',
  '\u200b',
  '\u2028',
  '\u202e',
  '\ud800',
  'é',
  'Ａ',
  '😀',
  '"',
  "'",
  '\\',
  '\\u0000',
  '{',
  '}',
  '[',
  ']',
  ':',
  ',',
  '#',
  '&a ',
  '*a',
  '!x ',
  '!!binary ',
  '<<: ',
  '? ',
  '- ',
  '%YAML 1.1',
  '---',
  '...',
  '|',
  '>',
  '=',
  '==',
  '-----',
  '-----BEGIN CERTIFICATE-----',
  '-----END CERTIFICATE-----',
  'Proc-Type: 4,ENCRYPTED',
  '__proto__',
  'constructor',
  '1e309',
  '-0',
  '0x10',
  'null',
  'true',
]

const TEXT_MUTATORS: Readonly<Record<string, TextMutator>> = {
  'remove a line': (random, lines) => void lines.splice(at(random, lines), 1),
  'a line twice': (random, lines) => void lines.splice(at(random, lines), 0, lines[at(random, lines)] ?? ''),
  'swap lines': (random, lines) => {
    const [a, b] = [at(random, lines), at(random, lines)]
    const [first = '', second = ''] = [lines[a], lines[b]]
    lines[a] = second
    lines[b] = first
  },
  'lines of another': (random, lines, donor) => {
    const start = random.below(donor.length)
    lines.splice(at(random, lines), random.below(3), ...donor.slice(start, start + 1 + random.below(8)))
  },
  'lines often': (random, lines) => {
    const start = at(random, lines)
    const block = lines.slice(start, start + 1 + random.below(10))
    lines.splice(start, 0, ...Array.from({ length: random.pick([2, 50, 1000]) }, () => block).flat())
  },
  'an odd character': changed((random, line) => spliced(random, line, random.pick(ODD))),
  'odd characters, often': changed((random, line) =>
    spliced(random, line, random.pick(ODD).repeat(random.pick([10, 70, 3000]))),
  ),
  'a random character': changed((random, line) => spliced(random, line, String.fromCharCode(random.below(256)))),
  indent: changed((random, line) => random.pick([' ', '\t', '    ']) + line),
  'spaces behind': changed((random, line) => line + random.pick([' ', '\t', '\r', '\v'])),
  'other case': changed((_, line) => line.toLowerCase()),
  'cut off': (random, lines) => void lines.splice(at(random, lines)),
  'join lines': (random, lines) => {
    const index = at(random, lines)
    lines.splice(index, 2, lines.slice(index, index + 2).join(''))
  },
  'a long line': changed((random, line) => line.repeat(random.pick([2, 20, 500]))),
}

/** A text that has grown beyond this is not changed further. */
const MAX_CHARACTERS = 60_000

const ENTRIES = Object.entries(TEXT_MUTATORS)

/** Change a text. */
export function mutateText(
  random: Random,
  original: string,
  pool: readonly string[],
): { readonly text: string; readonly steps: readonly string[] } {
  const lines = original.split('\n')
  const steps: string[] = []
  for (let count = random.chance(0.6) ? 1 : 2 + random.below(4); count > 0; count--) {
    if (lines.reduce((sum, line) => sum + line.length, lines.length) > MAX_CHARACTERS) break
    const [name, mutator] = random.pick(ENTRIES)
    mutator(random, lines, random.pick(pool).split('\n'))
    steps.push(name)
  }
  return {
    text: lines.join(random.chance(0.9) ? '\n' : random.pick(['\r\n', '\r', '\n\n'])).slice(0, MAX_CHARACTERS),
    steps,
  }
}
