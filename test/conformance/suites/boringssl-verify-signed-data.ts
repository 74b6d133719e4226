/**
 * BoringSSL: signatures over data with an algorithm and a key as they stand in certificates.
 *
 * @module test/conformance/suites/boringssl-verify-signed-data
 */
import { join } from 'node:path'
import { DerReader, KEY_LIMITS } from '../../../src/asn1/index.js'
import {
  parseVerifyingKey,
  readAlgorithmIdentifier,
  verifyingAlgorithmOf,
  verifySignature,
} from '../../../src/crypto/index.js'
import { filesIn, type PemBlocks, pemBlock, readJson, readPemBlocks } from '../files.js'
import { ACCEPT, type Suite, type Verdict } from '../suite.js'

interface Row {
  readonly file: string
  readonly expect: 'SUCCESS' | 'FAILURE'
}

export const boringsslVerifySignedData: Suite = {
  name: 'boringssl-verify-signed-data',
  title: 'signatures with algorithm and key in DER',
  peers: '',
  load(corpora) {
    const folder = join(corpora, 'boringssl', 'verify_signed_data_unittest')
    const files = new Set(filesIn(folder, '.pem'))
    const rows = readJson(folder, 'expected.json') as readonly Row[] | undefined
    // The list is that of the whole suite; its files may be in several places.
    return (
      rows && {
        cases: rows
          .filter(({ file }) => files.has(file))
          .map(({ file, expect }) => ({
            id: file,
            expected: expect === 'SUCCESS' ? 'accept' : 'reject',
            run: () => verify(readPemBlocks(folder, file)),
          })),
        leftOut: [...files]
          .filter((file) => !rows.some((row) => row.file === file))
          .map((file) => `${file}: no verdict`),
      }
    )
  },
}

function verify(blocks: PemBlocks): Verdict {
  const reader = (label: string): DerReader => DerReader.over(pemBlock(blocks, label), KEY_LIMITS)
  const algorithm = verifyingAlgorithmOf(readAlgorithmIdentifier(reader('ALGORITHM')), 'allow-weak')
  const key = parseVerifyingKey(pemBlock(blocks, 'PUBLIC KEY'), 'allow-weak')
  const signature = reader('SIGNATURE').octetBitString()
  const verified = verifySignature(algorithm, key, pemBlock(blocks, 'DATA'), signature)
  return verified ? ACCEPT : { got: 'reject', message: 'the signature does not verify' }
}
