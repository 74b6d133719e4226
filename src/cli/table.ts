/**
 * Text for people: tables, lists of facts.
 *
 * @module cli/table (floor 8)
 */

/** Columns aligned under their headings. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const shown = rows.map((row) => row.map(printable))
  const widths = headings.map((heading, column) =>
    // Not Math.max(...): there may be more rows than a call may have arguments.
    shown.reduce((width, row) => Math.max(width, (row[column] ?? '').length), heading.length),
  )
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return [line(headings.map((heading) => heading.toUpperCase())), ...shown.map(line)].join('\n')
}

/** Names and values, the values aligned. Empty values are left out. */
export function facts(pairs: readonly (readonly [name: string, value: string])[]): string {
  const shown = pairs.filter(([, value]) => value !== '').map(([name, value]) => [name, printable(value)] as const)
  const width = Math.max(...shown.map(([name]) => name.length)) + 2
  return shown.map(([name, value]) => `${name.padEnd(width)}${value}`).join('\n')
}

/** As one line that moves no cursor: names of files, and what strangers write, may hold anything. */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  )
}

/** An instant to the second. */
export function instant(date: Date | string): string {
  return new Date(date).toISOString().replace('.000Z', 'Z')
}
