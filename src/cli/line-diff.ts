/**
 * What changed between two texts, line by line.
 *
 * @module cli/line-diff (floor 8)
 */

/** Beyond this many pairs of lines it would take seconds: everything is taken for changed. */
const MAX_PAIRS = 4_000_000

/** Lines that went (`-`) and came (`+`), those in between left out. Nothing for texts that are the same. */
export function lineDiff(before: string, after: string): readonly string[] {
  let [left, right] = [linesOf(before), linesOf(after)]
  const start = left.findIndex((line, index) => line !== right[index])
  const skip = start === -1 ? Math.min(left.length, right.length) : start
  ;[left, right] = [left.slice(skip), right.slice(skip)]
  while (left.length > 0 && right.length > 0 && left.at(-1) === right.at(-1)) {
    left = left.slice(0, -1)
    right = right.slice(0, -1)
  }
  if (left.length * right.length > MAX_PAIRS)
    return [...left.map((line) => `-${line}`), ...right.map((line) => `+${line}`)]
  const common = commonLengths(left, right)
  const lines: string[] = []
  let [i, j] = [0, 0]
  while (i < left.length || j < right.length) {
    if (i < left.length && j < right.length && left[i] === right[j]) {
      i++
      j++
    } else if (i < left.length && (common[i + 1]?.[j] ?? 0) >= (common[i]?.[j + 1] ?? 0))
      lines.push(`-${left[i++] ?? ''}`)
    else if (j < right.length) lines.push(`+${right[j++] ?? ''}`)
    else lines.push(`-${left[i++] ?? ''}`)
  }
  return lines
}

/** Longest common subsequences of what is left from each pair of places. */
function commonLengths(left: readonly string[], right: readonly string[]): readonly Uint32Array[] {
  const table = Array.from({ length: left.length + 1 }, () => new Uint32Array(right.length + 1))
  for (let i = left.length - 1; i >= 0; i--) {
    const [row, next] = [table[i], table[i + 1]]
    for (let j = right.length - 1; j >= 0; j--) {
      if (row !== undefined) {
        row[j] = left[i] === right[j] ? (next?.[j + 1] ?? 0) + 1 : Math.max(next?.[j] ?? 0, row[j + 1] ?? 0)
      }
    }
  }
  return table
}

function linesOf(text: string): readonly string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n')
}
