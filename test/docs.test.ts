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
