import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { sizesMarkdown, sizesPage } from '../../src/cli/sizes-page.js'
import { measureSizes, readSample, rpcSamples, type SizeComparison, sizesSvg } from '../../src/compare/index.js'
import { NOW } from '../support/certificates.js'
import { CORPORA, corporaAvailable } from '../support/corpora.js'
import { expectCode } from '../support/expect-code.js'

const PAGE = readFileSync('docs/sizes.md', 'utf8')
const PICTURE = readFileSync('docs/sizes.svg', 'utf8')

/** Rows of tables, their cells as they are without padding. */
function rowsOf(text: string): readonly string[] {
  return [...text.matchAll(/^\| [^-].*\|$/gm)].map(([line]) => line.replace(/ +/g, ' '))
}

async function measureAll(): Promise<SizeComparison> {
  const folder = join(CORPORA, 'openstack/nova-notification-samples')
  const notifications = readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => readSample(readFileSync(join(folder, file)), file, { type: 'notify', destination: 'x', at: NOW }))
  return measureSizes([...notifications, ...rpcSamples()], { at: NOW, algorithms: ['p256', 'ed25519', 'ml-dsa-44'] })
}

describe('docs/sizes.md', () => {
  it.runIf(corporaAvailable())(
    'requirement 19: has the numbers that come out: npm run docs',
    { timeout: 120_000 },
    async () => {
      const sizes = await measureAll()
      // RSA keys take long to make, and their sizes follow from the length of their signatures.
      expect(rowsOf(PAGE)).toEqual(expect.arrayContaining([...rowsOf(sizesMarkdown(sizes))]))
      const marks = sizesSvg(sizes).match(/<text[^>]*class="number"[^>]*>\d+<\/text>/g) ?? []
      expect(marks.length).toBeGreaterThan(20)
      for (const mark of marks.slice(0, 20)) expect(PICTURE).toContain(mark)
    },
  )

  it('requirement 19: says the median by P-256, and that it is within the 455 octets of Kite', () => {
    const [, median] = /at most \*\*(\d+) octets\*\* to half of the 234 messages/.exec(PAGE) ?? []
    expect(Number(median)).toBeLessThanOrEqual(455)
    expect(Number(median)).toBeGreaterThan(300)
  })

  it('has marks where the tables go', async () => {
    const sizes = await measureSizes(rpcSamples().slice(0, 2), { at: NOW, algorithms: ['p256'] })
    const kinds = { all: sizes, notifications: sizes, requests: sizes }
    expect(sizesPage(PAGE, kinds)).toContain('half of the 2 messages')
    expect(sizesPage(sizesPage(PAGE, kinds), kinds)).toBe(sizesPage(PAGE, kinds))
    expectCode('ERR_INTERNAL', () => sizesPage('no marks', kinds))
    expectCode('ERR_INTERNAL', () => sizesPage(PAGE, { ...kinds, all: { ...sizes, forms: [] } }))
  })
})
