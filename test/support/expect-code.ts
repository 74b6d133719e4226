import { expect } from 'vitest'
import { type ErrorCode, isSignetError, type SignetError } from '../../src/errors/index.js'

/** Run something that must be refused with exactly this code; hand back the error for further claims. */
export function expectCode(code: ErrorCode, work: () => unknown): SignetError {
  let outcome: unknown
  try {
    outcome = work()
  } catch (error) {
    return checked(code, error)
  }
  if (outcome instanceof Promise) outcome.catch(() => undefined)
  throw new Error(`expected ${code}, but nothing was refused`)
}

/** As {@link expectCode}, for a promise. */
export async function expectCodeAsync(code: ErrorCode, work: () => unknown): Promise<SignetError> {
  try {
    await work()
  } catch (error) {
    return checked(code, error)
  }
  throw new Error(`expected ${code}, but nothing was refused`)
}

function checked(code: ErrorCode, error: unknown): SignetError {
  if (!isSignetError(error)) throw error
  expect(`${error.code}: ${error.message}`).toContain(`${code}:`)
  return error
}
