/** Counting how often others have a turn of the event loop while something is being done. */

export interface Turns<T> {
  readonly value: T
  readonly turns: number
}

/** @param onTurn - Called at each turn, from 1. */
export async function turnsDuring<T>(
  work: () => Promise<T>,
  onTurn: (turn: number) => void = () => undefined,
): Promise<Turns<T>> {
  let turns = 0
  let isOver = false
  const count = (): void => {
    if (isOver) return
    onTurn(++turns)
    setImmediate(count)
  }
  setImmediate(count)
  try {
    const value = await work()
    return { value, turns }
  } finally {
    isOver = true
  }
}
