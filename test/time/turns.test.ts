import { describe, expect, it } from 'vitest'
import { atOnce, inTurns, type Steps } from '../../src/time/index.js'
import { turnsDuring } from '../support/turns.js'

function* countTo(end: number, seen: number[]): Steps<string> {
  for (let number = 1; number <= end; number++) {
    seen.push(number)
    yield
  }
  return 'done'
}

function* failing(): Steps<never> {
  yield
  throw new Error('broken')
}

describe('Steps', () => {
  it('are done in order, and what comes of them is handed on', async () => {
    for (const run of [atOnce, inTurns]) {
      const seen: number[] = []
      expect(await run(countTo(3, seen))).toBe('done')
      expect(seen).toEqual([1, 2, 3])
    }
  })

  it('hand on what they throw', async () => {
    expect(() => atOnce(failing())).toThrow('broken')
    await expect(inTurns(failing())).rejects.toThrow('broken')
  })

  it('let others have a turn after each, and the first is done at once', async () => {
    const seen: number[] = []
    const { turns } = await turnsDuring(() => {
      const work = inTurns(countTo(50, seen))
      expect(seen).toEqual([1])
      return work
    })
    expect(turns).toBeGreaterThanOrEqual(49)
  })
})
