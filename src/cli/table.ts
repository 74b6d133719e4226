/**
 * Text for people: tables, lists of facts.
 *
 * @module cli/table (floor 8)
 */

type Rows = readonly (readonly string[])[]

/** Columns aligned under their headings. */
export function table(headings: readonly string[], rows: Rows): string {
  const shown = [headings.map((heading) => heading.toUpperCase()), ...rows]
  return lines(shown, widened([], shown))
}

/**
 * As {@link table}, for more rows than can be held, as lines with their ends.
 *
 * @param pages - Called twice, and yields the same each time: how wide columns are is known when all rows were seen.
 */
export async function* tablePieces(
  headings: readonly string[],
  pages: () => AsyncIterable<Rows>,
): AsyncGenerator<string> {
  const first = [headings.map((heading) => heading.toUpperCase())]
  let widths = widened([], first)
  for await (const rows of pages()) widths = widened(widths, rows)
  yield `${lines(first, widths)}\n`
  for await (const rows of pages()) if (rows.length > 0) yield `${lines(rows, widths)}\n`
}

/** The widths that columns need that had these, with these rows. */
function widened(widths: readonly number[], rows: Rows): readonly number[] {
  const wider = [...widths]
  for (const row of rows) {
    for (const [column, cell] of row.entries()) wider[column] = Math.max(wider[column] ?? 0, printable(cell).length)
  }
  return wider
}

function lines(rows: Rows, widths: readonly number[]): string {
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => printable(cell).padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return rows.map(line).join('\n')
}

/** Names and values, the values aligned. Empty values are left out. */
export function facts(pairs: readonly (readonly [name: string, value: string])[]): string {
  const shown = pairs.filter(([, value]) => value !== '').map(([name, value]) => [name, printable(value)] as const)
  const width = Math.max(...shown.map(([name]) => name.length)) + 2
  return shown.map(([name, value]) => `${name.padEnd(width)}${value}`).join('\n')
}

/** As one line that moves no cursor: names of files, and what strangers write, may hold anything. */
export function printable(text: string): string {
  if (/^[ -~]*$/.test(text)) return text
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  )
}

/** An instant to the second. */
export function instant(date: Date | string): string {
  return new Date(date).toISOString().replace('.000Z', 'Z')
}
