/**
 * Signature vectors of Project Wycheproof: valid ones verify, invalid ones do not. Whatever our allow-list refuses is
 * counted as explained, and nothing is there that should not be.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isSignetError } from '../../src/errors/index.js'
import {
  parsePublicKey,
  type PublicKey,
  SIGNATURE_ALGORITHMS,
  type SignatureAlgorithmName,
  verifySignature,
} from '../../src/crypto/index.js'
import { CORPORA, corporaAvailable } from '../support/corpora.js'

interface Vector {
  readonly tcId: number
  readonly msg: string
  readonly sig: string
  readonly ctx?: string
  readonly result: 'valid' | 'invalid' | 'acceptable'
  readonly flags: readonly string[]
}

interface Group {
  readonly publicKeyDer?: string
  readonly publicKey?: unknown
  readonly tests: readonly Vector[]
}

/** File, algorithm, vectors in it, vectors whose key or whose use of a context our allow-list does not have. */
const SUITES: readonly (readonly [string, SignatureAlgorithmName, number, number])[] = [
  ['ecdsa_secp256r1_sha256', 'ecdsa-sha256', 286, 0],
  ['ecdsa_secp384r1_sha384', 'ecdsa-sha384', 295, 0],
  ['ecdsa_secp521r1_sha512', 'ecdsa-sha512', 331, 331],
  ['ed25519', 'ed25519', 89, 0],
  ['ed448', 'ed25519', 53, 53],
  ['mldsa_44_verify', 'ml-dsa-44', 103, 5],
  ['mldsa_65_verify', 'ml-dsa-65', 131, 7],
  ['mldsa_87_verify', 'ml-dsa-87', 154, 7],
  ['rsa_pss_2048_sha256_mgf1_32', 'rsa-pss-sha256', 59, 0],
  ['rsa_pss_3072_sha256_mgf1_32', 'rsa-pss-sha256', 70, 0],
  ['rsa_pss_4096_sha512_mgf1_64', 'rsa-pss-sha512', 111, 0],
  ['rsa_signature_2048_sha256', 'rsa-sha256', 147, 2],
  ['rsa_signature_3072_sha256', 'rsa-sha256', 149, 0],
  ['rsa_signature_4096_sha512', 'rsa-sha512', 153, 0],
]

const bytes = (text: string): Buffer => Buffer.from(text, 'hex')

function keyOf(group: Group): PublicKey | string {
  if (group.publicKeyDer === undefined) return 'no key'
  try {
    return parsePublicKey(bytes(group.publicKeyDer))
  } catch (error) {
    if (!isSignetError(error)) throw error
    return error.code
  }
}

describe.skipIf(!corporaAvailable())('verifySignature: Wycheproof', () => {
  it.each(SUITES)('%s', (name, algorithm, total, explainedTotal) => {
    const suite = JSON.parse(readFileSync(join(CORPORA, 'wycheproof', `${name}_test.json`), 'utf8')) as {
      testGroups: Group[]
    }
    let seen = 0
    let explained = 0
    const wrong: string[] = []
    for (const group of suite.testGroups) {
      const key = keyOf(group)
      for (const { tcId, msg, sig, ctx = '', result } of group.tests) {
        seen++
        if (typeof key === 'string' || ctx !== '') {
          // A refused key, or a context, which no document of ours has: nothing may verify by it.
          if (typeof key !== 'string')
            expect(verifySignature(SIGNATURE_ALGORITHMS[algorithm], key, bytes(msg), bytes(sig))).toBe(false)
          else if (result === 'valid') expect(['ERR_KEY_NOT_ALLOWED', 'ERR_ALGORITHM_NOT_ALLOWED']).toContain(key)
          explained++
          continue
        }
        const verified = verifySignature(SIGNATURE_ALGORITHMS[algorithm], key, bytes(msg), bytes(sig))
        if ((result === 'valid' && !verified) || (result === 'invalid' && verified)) wrong.push(`${tcId}: ${result}`)
      }
    }
    expect(wrong).toEqual([])
    expect([seen, explained]).toEqual([total, explainedTotal])
  })
})
