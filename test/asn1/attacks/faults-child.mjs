// Hands public keys that are nearly right to everything here that imports keys. Prints what came of it as JSON.
import { generateKeyPairSync } from 'node:crypto'
import { encodeBitString, encodeObjectIdentifier, encodePem, encodeSequence } from '../../../src/asn1/index.js'
import { decodePrivateKey, parsePublicKey, parseVerifyingKey } from '../../../src/crypto/index.js'
import { isSignetError } from '../../../src/errors/index.js'
import { compareSecondOpinion, parseCertificate, parseCertificationRequest } from '../../../src/x509/index.js'

const [certificateHex = '', requestHex = '', keyHex = '', rounds = '0'] = process.argv.slice(2)
const [certificateDer, requestDer, privateDer] = [certificateHex, requestHex, keyHex].map((hex) =>
  Buffer.from(hex, 'hex'),
)
const certificate = parseCertificate(certificateDer)
const foreign = new Map()
const counts = { accepted: 0, refused: 0 }

/** mulberry32: the same numbers in every run. */
let state = 7
function random(limit) {
  state = (state + 0x6d2b79f5) | 0
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit)
}

async function attempt(what, work) {
  try {
    await work()
    counts.accepted++
  } catch (error) {
    if (isSignetError(error) && error.code !== 'ERR_INTERNAL') counts.refused++
    else foreign.set(`${what}: ${String(error)}`, (foreign.get(`${what}: ${String(error)}`) ?? 0) + 1)
  }
}

/** One to three octets another, or a piece cut out. */
function mutate(der, from, length) {
  const copy = Buffer.from(der)
  for (let change = random(3); change >= 0; change--) copy[from + random(length)] = random(256)
  return copy
}

const spkis = [
  ['p256', generateKeyPairSync('ec', { namedCurve: 'P-256' })],
  ['p384', generateKeyPairSync('ec', { namedCurve: 'P-384' })],
  ['rsa', generateKeyPairSync('rsa', { modulusLength: 2048 })],
  ['ed25519', generateKeyPairSync('ed25519')],
  ['ml-dsa-44', generateKeyPairSync('ml-dsa-44')],
  ['dsa', generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 })],
  ['explicit', generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' })],
].map(([, { publicKey }]) => publicKey.export({ format: 'der', type: 'spki' }))
// An algorithm with a key of no octets, and of a key of another.
for (const oid of ['1.2.840.10045.2.1', '1.2.840.113549.1.1.1', '1.3.101.112', '2.16.840.1.101.3.4.3.17']) {
  spkis.push(
    Buffer.from(encodeSequence(encodeSequence(encodeObjectIdentifier(oid)), encodeBitString(new Uint8Array()))),
  )
}

for (let round = 0; round < Number(rounds); round++) {
  const spki = spkis[random(spkis.length)]
  const hostile = mutate(spki, 0, Math.min(spki.length, 64))
  await attempt('parsePublicKey', () => parsePublicKey(hostile))
  await attempt('parseVerifyingKey', () => parseVerifyingKey(hostile, 'allow-weak'))
  const key = mutate(privateDer, 0, privateDer.length)
  await attempt('decodePrivateKey', () => decodePrivateKey(encodePem('PRIVATE KEY', key)))
  const request = mutate(requestDer, 0, requestDer.length)
  await attempt('parseCertificationRequest', () => parseCertificationRequest(request))
  if (round % 10 === 0) {
    // Certificates whose key is wrong, for the second reader and its importKey.
    const at = certificateDer.indexOf(certificate.spkiDer)
    const other = mutate(certificateDer, at, certificate.spkiDer.length)
    await attempt('compareSecondOpinion', async () => {
      const read = parseCertificate(other)
      await attempt('publicKey', () => read.publicKey)
      await compareSecondOpinion(read, certificate)
      await compareSecondOpinion(certificate, read)
    })
  }
}
process.stdout.write(`${JSON.stringify({ ...counts, foreign: Object.fromEntries(foreign) })}\n`)
