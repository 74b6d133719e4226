/**
 * Configuration files of one setting a line, as most servers have them, with the line that each stands in.
 *
 * @module servers/settings (floor 7.2)
 */
import type { ConfigFinding, ConfigFindingCode } from './finding.js'
import type { ConfigTexts } from './server.js'

/** A line that says something. */
export interface Setting {
  readonly file: string
  /** From 1. */
  readonly line: number
  /** In lower case, with `_` for `-`. */
  readonly key: string
  /** Without the quotes around it. */
  readonly value: string
  /** The line without its comment. */
  readonly text: string
}

export interface SettingSyntax {
  /** What a comment begins with. Default `#`. */
  readonly comment?: RegExp
  /** Between key and value. Default: an equals sign, or nothing but blanks. */
  readonly separator?: RegExp
}

/**
 * The settings of all files, in order. Lines without a value have an empty one; sections are lines like others.
 *
 * Values of several lines, includes and conditions are not understood.
 */
export function settingsOf(
  texts: ConfigTexts,
  { comment = /#/, separator = /\s*=\s*|\s+/ }: SettingSyntax = {},
): readonly Setting[] {
  return [...texts].flatMap(([file, content]) =>
    content.split(/\r?\n/).flatMap((raw, index) => {
      const text = withoutComment(raw, comment).trim()
      if (text === '') return []
      const found = separator.exec(text)
      const key = found === null ? text : text.slice(0, found.index)
      const value = found === null ? '' : text.slice(found.index + found[0].length)
      return [{ file, line: index + 1, key: key.toLowerCase().replaceAll('-', '_'), value: unquoted(value), text }]
    }),
  )
}

/** The last setting of a name counts, as it does for most servers. */
export function lastOf(settings: readonly Setting[], key: string): Setting | undefined {
  return settings.findLast((setting) => setting.key === key)
}

/** Something that is wrong: at the line where it stands or, where nothing is said of it, in the first of the files. */
export function finding(
  where: Pick<Setting, 'file' | 'line'> | ConfigTexts,
  severity: ConfigFinding['severity'],
  code: ConfigFindingCode,
  message: string,
  hint: string,
): ConfigFinding {
  const what = { code, severity, message, hint }
  return 'line' in where
    ? { ...what, file: where.file, line: where.line }
    : { ...what, file: [...where.keys()][0] ?? '' }
}

function withoutComment(line: string, comment: RegExp): string {
  let quote = ''
  for (let index = 0; index < line.length; index++) {
    const character = line.charAt(index)
    if (quote !== '') quote = character === quote ? '' : quote
    else if (character === '"' || character === "'") quote = character
    else if (line.slice(index).search(comment) === 0) return line.slice(0, index)
  }
  return line
}

function unquoted(value: string): string {
  return /^(["'])(.*)\1$/.exec(value)?.[2] ?? value
}
