import { describe, expect, it } from 'vitest'
import {
  DeniedError,
  EncodingError,
  InternalError,
  isSignetError,
  LimitError,
  SignetError,
  StaleError,
  StateError,
  StoreError,
  TrustError,
  UsageError,
} from '../../src/errors/index.js'

describe('SignetError', () => {
  it.each([
    [new InternalError('ERR_INTERNAL', 'x'), 'InternalError', 'internal', 1],
    [new UsageError('ERR_USAGE', 'x'), 'UsageError', 'usage', 2],
    [new EncodingError('ERR_DER_TAG', 'x'), 'EncodingError', 'encoding', 3],
    [new TrustError('ERR_REVOKED', 'x'), 'TrustError', 'untrusted', 4],
    [new DeniedError('ERR_RENEW_DENIED', 'x'), 'DeniedError', 'denied', 5],
    [new StaleError('ERR_MESSAGE_EXPIRED', 'x'), 'StaleError', 'stale', 6],
    [new StateError('ERR_HOME_MISSING', 'x'), 'StateError', 'state', 7],
    [new StoreError('ERR_STORE_OPEN', 'x'), 'StoreError', 'store', 8],
    [new LimitError('ERR_KDF_COST', 'x'), 'LimitError', 'limit', 9],
  ] as const)('knows its class, category and exit code: %s', (error, name, category, exitCode) => {
    expect(error).toBeInstanceOf(SignetError)
    expect(error).toBeInstanceOf(Error)
    expect(error.name).toBe(name)
    expect(error.category).toBe(category)
    expect(error.exitCode).toBe(exitCode)
    expect(isSignetError(error)).toBe(true)
  })

  it('prints as JSON with code, category, exit code, message, details and hint', () => {
    const error = new EncodingError('ERR_DER_TAG', 'expected a time', { details: { offset: '7' }, hint: 'look there' })
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      code: 'ERR_DER_TAG',
      category: 'encoding',
      exitCode: 3,
      message: 'expected a time',
      details: { offset: '7' },
      hint: 'look there',
    })
  })

  it('prints as JSON without a hint where it has none, and never with its cause', () => {
    const error = new StoreError('ERR_FILE_READ', 'cannot read', { cause: new Error('canary') })
    expect(Object.keys(error.toJSON())).toEqual(['code', 'category', 'exitCode', 'message', 'details'])
    expect(JSON.stringify(error)).not.toContain('canary')
  })

  it('keeps its cause for debugging', () => {
    const cause = new Error('below')
    expect(new StoreError('ERR_FILE_READ', 'cannot read', { cause }).cause).toBe(cause)
    expect('cause' in new StoreError('ERR_FILE_READ', 'cannot read')).toBe(false)
  })

  it('has details that nobody can change, not even through the object that was handed in', () => {
    const details = { offset: '1' }
    const error = new EncodingError('ERR_DER_TAG', 'x', { details })
    details.offset = '2'
    expect(error.details).toEqual({ offset: '1' })
    expect(Object.isFrozen(error.details)).toBe(true)
  })
})

describe('isSignetError', () => {
  it.each([new Error('x'), new RangeError('x'), { code: 'ERR_DER_TAG' }, 'ERR_DER_TAG', undefined, null])(
    'is false for %s',
    (thing) => {
      expect(isSignetError(thing)).toBe(false)
    },
  )
})
