import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

describe('docs/threat-model.md', () => {
  it('names tests that there are', () => {
    const story = readFileSync('test/story/compromised-node.test.ts', 'utf8')
    const rows = readFileSync('docs/threat-model.md', 'utf8').matchAll(/^\|.*\| `([^`]+)` +\|$/gm)
    const names = [...rows].map(([, name]) => name ?? '')
    expect(names.length).toBeGreaterThan(10)
    expect(names.filter((name) => !story.includes(`it('${name}'`))).toEqual([])
  })
})

describe('docs/requirements.md', () => {
  const rows = [...readFileSync('docs/requirements.md', 'utf8').matchAll(/^\| (\d+) +\|.*?\| (`test.*`) +\|$/gm)]

  it('has a row for most of what was asked for', () => {
    expect(rows.length).toBeGreaterThan(30)
  })

  it.each(rows.map(([, row, files]) => [row ?? '', files ?? '']))('row %s is shown where it says', (row, files) => {
    const paths = [...files.matchAll(/`([^`]+)`/g)].map(([, path]) => path ?? '')
    for (const path of paths) expect(readFileSync(path, 'utf8'), path).toContain(`requirement ${row}: `)
  })
})
