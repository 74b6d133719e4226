import { afterEach, describe, expect, it, vi } from 'vitest'
import { MAX_MILLISECONDS, MAX_PATHS, MAX_SIGNATURES, MAX_STEPS } from '../../src/path/index.js'
import { Budget } from '../../src/path/budget.js'
import { keyFor, makeCrl } from '../support/certificates.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'
import { caExtensions, hierarchy, nodeExtensions, validate } from '../support/hierarchy.js'
import { answerDer, byName, makeOcsp } from '../support/ocsp.js'

afterEach(() => {
  vi.restoreAllMocks()
})

const LIMITS = [
  ['signature', MAX_SIGNATURES],
  ['step', MAX_STEPS],
  ['path', MAX_PATHS],
] as const

describe('Budget', () => {
  it.each(LIMITS)('%s: so many times, and not once more', (what, limit) => {
    const budget = new Budget()
    for (let count = 0; count < limit; count++) budget[what]()
    for (let turn = 0; turn < 3; turn++) {
      const error = expectCode('ERR_LIMIT_EXCEEDED', () => {
        budget[what]()
      })
      expect(error.message).toContain(String(limit))
      expect(error.exitCode).toBe(9)
    }
  })

  it('counts each for itself', () => {
    const budget = new Budget()
    for (let count = 0; count < MAX_PATHS; count++) budget.path()
    budget.signature()
    budget.step()
    expectCode('ERR_LIMIT_EXCEEDED', () => {
      budget.path()
    })
    budget.step()
  })

  it('ends with the time, too, by a clock that nobody sets', () => {
    let now = 5000
    vi.spyOn(process.hrtime, 'bigint').mockImplementation(() => BigInt(now) * 1_000_000n)
    const budget = new Budget()
    now += MAX_MILLISECONDS
    budget.signature()
    now += 1
    const error = expectCode('ERR_LIMIT_EXCEEDED', () => {
      budget.signature()
    })
    expect(error.message).toContain(`${MAX_MILLISECONDS} ms`)
  })

  it('is a new one for each question', () => {
    const path = hierarchy()
    for (let turn = 0; turn < MAX_PATHS + 10; turn++) validate(path)
  })
})

describe('one budget for paths, CRLs and OCSP responses together', () => {
  it('a machine that stands still for too long gives no answer instead of a late one', () => {
    let now = 0
    vi.spyOn(process.hrtime, 'bigint').mockImplementation(() => BigInt((now += MAX_MILLISECONDS / 2 + 1)) * 1_000_000n)
    expectCode('ERR_LIMIT_EXCEEDED', () => validate(hierarchy()))
  })

  it('CRLs and responses that somebody else signed are paid for by the same signatures', async () => {
    const path = hierarchy({
      root: { extensionsDer: caExtensions() },
      issuing: { extensionsDer: caExtensions() },
      node: { extensionsDer: nodeExtensions() },
    })
    const { root, issuing, node } = path
    const thief = { certificate: issuing.certificate, key: keyFor('thief') }
    const [rootCrl, good] = [await makeCrl({ issuer: root }), await makeCrl({ issuer: issuing })]
    // New ones each time: what was verified once is not verified again.
    const check = async (count: number): Promise<unknown> => {
      const crls = await Promise.all(Array.from({ length: count }, () => makeCrl({ issuer: thief })))
      const ocspResponses = crls.map(() =>
        makeOcsp({
          signer: thief,
          responder: byName(issuing.certificate),
          answers: [answerDer(issuing.certificate, node.certificate.serialNumber)],
          certificates: [],
        }),
      )
      return validate(path, { revocation: { crls: [rootCrl, ...crls, good], ocspResponses } })
    }
    await check(MAX_SIGNATURES / 4)
    await expectCodeAsync('ERR_LIMIT_EXCEEDED', () => check(MAX_SIGNATURES / 2 + 1))
    await check(MAX_SIGNATURES / 4)
  })
})
