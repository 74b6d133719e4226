import { describe, expect, it } from 'vitest'
import { CERTIFICATE_LIMITS, CMS_LIMITS, CRL_LIMITS, KEY_LIMITS, TRUST_DIRECTORY_LIMITS } from '../../src/asn1/index.js'

describe('the limits', () => {
  it.each([
    ['CERTIFICATE_LIMITS', CERTIFICATE_LIMITS],
    ['KEY_LIMITS', KEY_LIMITS],
    ['CRL_LIMITS', CRL_LIMITS],
    ['CMS_LIMITS', CMS_LIMITS],
    ['TRUST_DIRECTORY_LIMITS', TRUST_DIRECTORY_LIMITS],
  ])('of %s keep the call stack flat', (_, limits) => {
    expect(limits.maxDepth).toBeLessThanOrEqual(32)
    expect(limits.maxBytes).toBeLessThan(2 ** 31)
    expect(limits.maxNodes).toBeGreaterThan(0)
  })
})
