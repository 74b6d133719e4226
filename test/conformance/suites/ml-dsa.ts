/**
 * The examples of RFC 9881: certificates that signed themselves, their public keys, and their private keys in three
 * forms. What is called bad must be refused.
 *
 * @module test/conformance/suites/ml-dsa
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  decodePrivateKey,
  parsePublicKey,
  type PublicKey,
  publicKeyOf,
  samePublicKey,
  signatureAlgorithmOf,
  verifySignature,
} from '../../../src/crypto/index.js'
import { type Certificate, parseCertificates } from '../../../src/x509/index.js'
import { filesIn, pemBlock, readBytes, readPemBlocks } from '../files.js'
import { ACCEPT, type Suite, type Verdict } from '../suite.js'

export const mlDsa: Suite = {
  name: 'ml-dsa',
  title: 'the examples of RFC 9881',
  peers: '',
  load(corpora) {
    const folder = join(corpora, 'ml-dsa', 'examples')
    const files = filesIn(folder, '')?.filter((file) => /\.(crt|pub|priv)$/.test(file))
    return (
      files && {
        cases: files.map((file) => ({
          id: file,
          expected: file.startsWith('bad') ? 'reject' : 'accept',
          run: () => examine(folder, file),
        })),
      }
    )
  },
}

function examine(folder: string, file: string): Verdict {
  if (file.endsWith('.crt')) return verifySelf(certificateOf(folder, file))
  const key = file.endsWith('.pub')
    ? parsePublicKey(pemBlock(readPemBlocks(folder, file), 'PUBLIC KEY'))
    : publicKeyOf(decodePrivateKey(readFileSync(join(folder, file), 'utf8')))
  // A private key has the name of its certificate and the form that it is in.
  const owner = `${file.replace(/(-(both|expanded|seed))?\.[a-z]+$/, '')}.crt`
  if (file.startsWith('bad')) return ACCEPT
  return sameKey(key, certificateOf(folder, owner).publicKey)
}

function certificateOf(folder: string, file: string): Certificate {
  const [certificate] = parseCertificates(readBytes(folder, file))
  if (certificate === undefined) throw new Error(`there is no certificate in ${file}`)
  return certificate
}

function verifySelf({ signatureAlgorithm, publicKey, tbsDer, signatureValue }: Certificate): Verdict {
  const verified = verifySignature(signatureAlgorithmOf(signatureAlgorithm), publicKey, tbsDer, signatureValue)
  return verified ? ACCEPT : { got: 'reject', message: 'the certificate is not signed with its own key' }
}

function sameKey(a: PublicKey, b: PublicKey): Verdict {
  return samePublicKey(a, b) ? ACCEPT : { got: 'reject', message: 'this is not the key of the certificate' }
}
