import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

describe('docs/threat-model.md', () => {
  it('names tests that there are', () => {
    const story = readFileSync('test/story/compromised-node.test.ts', 'utf8')
    const rows = readFileSync('docs/threat-model.md', 'utf8').matchAll(/^\|.*\| `([^`]+)` +\|$/gm)
    const names = [...rows].map(([, name]) => name ?? '')
    expect(names.length).toBeGreaterThan(10)
    expect(names.filter((name) => !story.includes(`it('${name}'`))).toEqual([])
  })

  it('requirement 59: names who listens where, and a test for each', () => {
    const [, section = ''] = readFileSync('docs/threat-model.md', 'utf8').split('## Who listens where')
    const rows = [...section.matchAll(/^\| (external|internal|break-out)\b.*\| `(test[^`]+)` *\| \S.*\|$/gm)]
    expect([...new Set(rows.map(([, who]) => who))]).toEqual(['external', 'internal', 'break-out'])
    for (const [, , path = ''] of rows) expect(existsSync(path), path).toBe(true)
  })
})

describe('docs/requirements.md', () => {
  const rows = [...readFileSync('docs/requirements.md', 'utf8').matchAll(/^\| (\d+) +\|.*?\| (`test.*`) +\|$/gm)]

  it('has a row for everything that was asked of messages', () => {
    const missing = Array.from({ length: 43 }, (_, index) => index + 1).filter(
      (number) => !rows.some(([, row]) => Number(row) === number),
    )
    expect(missing).toEqual([])
    const numbers = rows.map(([, row]) => Number(row))
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
  })

  it.each(rows.map(([, row, files]) => [row ?? '', files ?? '']))('row %s is shown where it says', (row, files) => {
    const paths = [...files.matchAll(/`([^`]+)`/g)].map(([, path]) => path ?? '')
    for (const path of paths) expect(readFileSync(path, 'utf8'), path).toContain(`requirement ${row}: `)
  })
})

describe('docs/attacks.md', () => {
  const page = readFileSync('docs/attacks.md', 'utf8')
  const rows = [...page.matchAll(/^\| ((?:CMS|ENC|MSG)-\d\d) +\|.*?\| (`test.*`) +\|$/gm)]
  const attacks = rows.map(([, attack = '', files = '']) => ({
    attack,
    paths: [...files.matchAll(/`([^`]+)`/g)].map(([, path]) => path ?? ''),
  }))
  /** Ids in the names of tests, and of groups of tests. */
  const idsIn = (text: string): readonly string[] =>
    [...text.matchAll(/\(\s*['"`]([^\n]*)/g)].flatMap(([, name = '']) =>
      [...name.matchAll(/\b(?:CMS|ENC|MSG)-\d\d\b/g)].map(([id]) => id),
    )

  it('has every attack of the three groups, once', () => {
    const wanted = Object.entries({ CMS: 32, ENC: 11, MSG: 26 }).flatMap(([group, count]) =>
      Array.from({ length: count }, (_, index) => `${group}-${String(index + 1).padStart(2, '0')}`),
    )
    expect(attacks.map(({ attack }) => attack)).toEqual(wanted)
  })

  it('has every id that a test names', () => {
    const files = readdirSync('test', { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'))
    const named = new Set(files.flatMap((path) => idsIn(readFileSync(join('test', path), 'utf8'))))
    expect([...named].toSorted()).toEqual(attacks.map(({ attack }) => attack).toSorted())
  })

  it.each(attacks)('$attack is tried where it says', ({ attack, paths }) => {
    for (const path of paths) expect(idsIn(readFileSync(path, 'utf8')), path).toContain(attack)
  })
})

describe('docs/attacks.md: servers and their clients', () => {
  const page = readFileSync('docs/attacks.md', 'utf8')
  const rows = [...page.matchAll(/^\| ((?:SVC|KEY|REV)-\d\d) +\|.*?\| (`test.*`) +\|$/gm)]

  it.each(rows.map(([, attack = '', files = '']) => [attack, files]))('%s is tried where it says', (attack, files) => {
    const paths = [...files.matchAll(/`([^`]+)`/g)].map(([, path]) => path ?? '')
    expect(paths).not.toEqual([])
    const named = new RegExp(`\\(\\s*(?:\\n\\s*)?['"\`][^\\n]*\\b${attack}\\b`)
    for (const path of paths) expect(readFileSync(path, 'utf8'), path).toMatch(named)
  })
})
