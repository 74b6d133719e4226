import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ReplayTable } from '../../src/message/replay-table.js'

const idOf = (number: number, octets = 12): Uint8Array => {
  const id = new Uint8Array(octets)
  new DataView(id.buffer).setUint32(0, number)
  return id
}
const nobody = (): void => undefined

/** What a table should know, in the plainest way. */
class Model {
  readonly #seconds = new Map<string, { readonly owner: number; readonly second: number }>()

  static text(owner: number, step: number, id: Uint8Array): string {
    return `${owner} ${step} ${Buffer.from(id).toString('hex')}`
  }

  has(owner: number, step: number, id: Uint8Array): boolean {
    return this.#seconds.has(Model.text(owner, step, id))
  }

  add(owner: number, step: number, id: Uint8Array, second: number): boolean {
    if (this.has(owner, step, id)) return false
    this.#seconds.set(Model.text(owner, step, id), { owner, second })
    return true
  }

  /** @returns Owners, in no particular order. */
  forget(over: number): readonly number[] {
    const ended = [...this.#seconds].filter(([, { second }]) => second <= over)
    for (const [text] of ended) this.#seconds.delete(text)
    return ended.map(([, { owner }]) => owner)
  }
}

describe('ReplayTable', () => {
  it('knows an entry by owner, step and every octet of its id', () => {
    const table = new ReplayTable(3)
    expect(table.add(1, 0, idOf(5), 10)).toBe(true)
    expect([table.has(1, 0, idOf(5)), table.add(1, 0, idOf(5), 20)]).toEqual([true, false])
    for (const [owner, step] of [
      [2, 0],
      [1, 1],
    ] as const) {
      expect(table.has(owner, step, idOf(5))).toBe(false)
    }
    for (let octet = 0; octet < 12; octet++) {
      const id = idOf(5)
      id[octet] = (id[octet] ?? 0) ^ 0x80
      expect(table.has(1, 0, id)).toBe(false)
    }
  })

  it('tells an id from one with a zero more', () => {
    const table = new ReplayTable(2)
    for (const octets of [5, 6, 7, 8]) expect(table.add(1, 0, new Uint8Array(octets), 10)).toBe(true)
    for (const octets of [5, 6, 7, 8]) expect(table.add(1, 0, new Uint8Array(octets), 10)).toBe(false)
  })

  it('keeps its own copy of an id', () => {
    const table = new ReplayTable(3)
    const id = idOf(1)
    table.add(1, 0, id, 10)
    id.fill(255)
    expect([table.has(1, 0, idOf(1)), table.has(1, 0, id)]).toEqual([true, false])
  })

  it('knows each of many, and nothing else', () => {
    const table = new ReplayTable(3)
    const count = 20_000
    for (let number = 0; number < count; number++) expect(table.add(number % 7, 0, idOf(number), number)).toBe(true)
    for (let number = 0; number < count; number++) {
      if (!table.has(number % 7, 0, idOf(number)) || table.has((number + 1) % 7, 0, idOf(number))) {
        expect.unreachable(String(number))
      }
    }
  })

  it('forgets no more at once than it is told to, the earliest first', () => {
    const table = new ReplayTable(3)
    for (let number = 0; number < 10; number++) table.add(number, 0, idOf(number), 100 - number)
    const owners: number[] = []
    const known: number[] = []
    for (const over of [90, 91, 100, 100, 100]) {
      table.forget(over, 3, (owner) => owners.push(owner))
      known.push(owners.length)
    }
    expect(known).toEqual([0, 1, 4, 7, 10])
    expect(owners).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0])
  })

  it('takes up the places of what it forgot', () => {
    const table = new ReplayTable(3)
    const round = (from: number): number => {
      for (let number = 0; number < 20_000; number++) table.add(1, 0, idOf(from + number), from)
      table.forget(from, Infinity, nobody)
      return process.memoryUsage().arrayBuffers
    }
    const first = round(0)
    let last = first
    for (let number = 1; number <= 20; number++) last = round(number * 20_000)
    expect(last - first).toBeLessThan(4_000_000)
  })

  it('holds ids that are longer than what it gets memory for at once', () => {
    const table = new ReplayTable(10_000)
    const [one, other] = [idOf(1, 40_000), idOf(1, 40_000)]
    other[39_999] = 1
    expect([table.add(1, 0, one, 1), table.add(1, 0, other, 1), table.add(1, 0, one, 1)]).toEqual([true, true, false])
  })

  it('answers as the plainest way does, whatever is done in whichever order', () => {
    const step = fc.record({
      do: fc.constantFrom('add', 'add', 'add', 'has', 'forget'),
      owner: fc.nat(2),
      step: fc.nat(1),
      number: fc.nat(40),
      second: fc.nat(20),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const [table, model] = [new ReplayTable(3), new Model()]
        for (const { do: what, owner, step: at, number, second } of steps) {
          const id = idOf(number)
          if (what === 'add') expect(table.add(owner, at, id, second)).toBe(model.add(owner, at, id, second))
          else if (what === 'has') expect(table.has(owner, at, id)).toBe(model.has(owner, at, id))
          else {
            const owners: number[] = []
            table.forget(second, Infinity, (one) => owners.push(one))
            expect(owners.toSorted()).toEqual(model.forget(second).toSorted())
          }
        }
      }),
    )
  })
})
