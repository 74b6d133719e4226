import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { type ProgressUnit, startProgress } from '../../src/cli/progress.js'

/** What is drawn while this much is done, one drawing after the other. */
function drawn(total: number | undefined, unit: ProgressUnit, isTTY: boolean, ...steps: readonly number[]): string[] {
  const stderr = Object.assign(new PassThrough(), { isTTY })
  const progress = startProgress(stderr, 'importing', total, unit)
  for (const done of steps) progress.advance(done)
  progress.finish()
  return ((stderr.read() as Buffer | null)?.toString() ?? '').split('\r').slice(1)
}

const bar = (filled: number): string => '█'.repeat(filled) + '░'.repeat(30 - filled)
const CLEARED = '\x1b[K'

describe('startProgress', () => {
  it('draws a bar, again only when a percent more is done, and clears it', () => {
    expect(drawn(1000, 'count', true, 0, 1, 9, 500, 1000)).toEqual([
      `importing ${bar(0)}   0 % 0/1000`,
      `importing ${bar(15)}  50 % 500/1000`,
      `importing ${bar(30)} 100 % 1000/1000`,
      CLEARED,
    ])
  })

  it('draws octets in megabytes', () => {
    expect(drawn(185_005_480, 'bytes', true, 92_600_000)).toEqual([`importing ${bar(15)}  50 % 92.6/185.0 MB`, CLEARED])
  })

  it('draws how much is done where nobody knows of how much', () => {
    expect(drawn(undefined, 'bytes', true, 100, 1_000_000)).toEqual(['importing 0.0 MB', 'importing 1.0 MB', CLEARED])
  })

  it('draws no more than all of what grew meanwhile', () => {
    expect(drawn(100, 'count', true, 150)).toEqual([`importing ${bar(30)} 100 % 150/100`, CLEARED])
  })

  it.each([
    ['no terminal is there', 1000, false],
    ['there is nothing to wait for', 1, true],
    ['there is nothing to do', 0, true],
  ])('draws nothing where %s', (_, total, isTTY) => {
    expect(drawn(total, 'count', isTTY, 0, 1)).toEqual([])
  })
})
