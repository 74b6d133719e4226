/** CMS as Go reads it: messages, routing slips and encrypted documents, by programs of some two hundred lines. */
import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { encryptData, validateRecipients } from '../../src/cms/index.js'
import { checkOff, signMessage, verifyMessage } from '../../src/message/index.js'
import { openTrustDirectory } from '../../src/trust/index.js'
import { type CredentialFiles, makeDeployment } from '../support/deployment.js'
import { receiver } from '../support/messages.js'
import { available, succeed } from './programs.js'

const hasGo = available('go')
/** With nothing in the cache, Go compiles its crypto library first. */
const TIMEOUT = 180_000

const cloud = await makeDeployment()
const CONTENT = Buffer.from('{"amount":7}\r\n\x00\xff', 'latin1')
const OTHER = Buffer.from('{"amount":8}')
const signers: ReadonlyMap<string, CredentialFiles> = new Map([
  [
    'conductor-01',
    await cloud.issue('conductor-01', 'steps/conductor-01', { profile: 'signer', keyAlgorithm: 'p384' }),
  ],
  ['broker-01', await cloud.issue('broker-01', 'steps/broker-01', { profile: 'signer', keyAlgorithm: 'ed25519' })],
  ['compute-07', await cloud.issue('compute-07', 'steps/compute-07', { profile: 'signer', keyAlgorithm: 'rsa2048' })],
])
const credentials = [
  ...[...signers.values()].map((files) => files.load()),
  cloud.credential('compute-07/signer').load(),
]

const base64 = (der: Uint8Array): string => Buffer.from(der).toString('base64')

function go(program: 'verify-cms' | 'decrypt-cms', question: object): string {
  const file = fileURLToPath(new URL(`go/${program}.go`, import.meta.url))
  return succeed('go', ['run', file], { input: JSON.stringify(question) }).trim()
}

/** The common names of the signer and of the steps, or why not. */
function verify(message: Uint8Array, content: Uint8Array = CONTENT): string {
  return go('verify-cms', {
    message: base64(message),
    content: base64(content),
    root: base64(cloud.root.der),
    intermediates: [base64(cloud.issuing.der)],
    certificates: credentials.map(({ certificate }) => base64(certificate.der)),
  })
}

/** A copy with the last octet of something in it changed. */
function changed(der: Uint8Array, part: Uint8Array): Uint8Array {
  const copy = Buffer.from(der)
  const last = copy.indexOf(part) + part.length - 1
  copy[last] = (copy[last] ?? 0) ^ 1
  return copy
}

describe.skipIf(!hasGo)('Go: signed messages', () => {
  it('accepts a message of each kind of key, and no other content', { timeout: TIMEOUT }, async () => {
    const at = cloud.clock.now()
    for (const credential of credentials) {
      const request = { type: 'order', destination: 'billing', at }
      const { der } = await signMessage(CONTENT, credential, request)
      const name = credential.identity.replace(/.*\//, '')
      expect(verify(der)).toBe(name)
      expect(verify(der, OTHER)).toBe('refused: signature 1: messageDigest is another')
      const attached = await signMessage(CONTENT, credential, { ...request, form: 'attached' })
      expect(verify(attached.der, OTHER)).toBe(name)
    }
  })

  it(
    'requirement 33: accepts each step of a routing slip, and sees what was changed',
    { timeout: TIMEOUT },
    async () => {
      const at = cloud.clock.now()
      const trustDer = readFileSync(await cloud.publishTrust())
      const trust = openTrustDirectory(trustDer, { pin: cloud.pin, at, memory: 'allow-forgetting' })
      const route = [...signers.keys()]
      const signer = cloud.credential('compute-07/signer').load()
      let { der } = await signMessage(CONTENT, signer, { type: 'order', destination: 'billing', at, route })
      const policy = receiver(trust, { at, replay: 'allow-unchecked', route: { require: 'allow-partial' } })
      const lengths: number[] = []
      for (const files of signers.values()) {
        const verified = (await verifyMessage(der, CONTENT, policy)).route
        if (verified === undefined) throw new Error('no route')
        der = await checkOff(verified, files.load(), { trust, at })
        lengths.push(der.length)
      }
      expect(verify(der).split('\n')).toEqual(['compute-07', ...route])
      // The signature of the last step is the last thing in the message.
      expect(verify(changed(der, der))).toBe('refused: signature 4: the signature does not fit')
      expect(verify(der, OTHER)).toBe('refused: signature 1: messageDigest is another')
      expect(lengths).toEqual(lengths.toSorted((a, b) => a - b))
    },
  )
})

describe.skipIf(!hasGo)('Go: AuthEnvelopedData', () => {
  it.each(['p256', 'p384', 'rsa2048'] as const)(
    'decrypts ours for a key of the kind %s, and not what was changed',
    { timeout: TIMEOUT },
    async (keyAlgorithm) => {
      const files = await cloud.issue('conductor-01', `readers/${keyAlgorithm}`, { profile: 'recipient', keyAlgorithm })
      const other = await cloud.issue('broker-01', `others/${keyAlgorithm}`, { profile: 'recipient' })
      const [mine, theirs] = [files.load().certificate, other.load().certificate]
      const recipients = validateRecipients([theirs, mine], {
        anchors: [cloud.root],
        certificates: [cloud.issuing],
        purpose: 'message-encryption',
        revocation: { crls: cloud.crls },
        at: cloud.clock.now(),
      })
      const decrypt = (message: Uint8Array, who = files): string =>
        go('decrypt-cms', {
          message: base64(message),
          key: base64(createPrivateKey(readFileSync(who.key)).export({ format: 'der', type: 'pkcs8' })),
          identifier: base64(who.load().certificate.subjectKeyIdentifier ?? new Uint8Array()),
        })
      const der = encryptData(CONTENT, recipients)
      expect(decrypt(der)).toBe(base64(CONTENT))
      expect(decrypt(der, other)).toBe(base64(CONTENT))
      expect(decrypt(changed(der, der))).toBe('refused: cipher: message authentication failed')
      expect(decrypt(encryptData(CONTENT, recipients), cloud.credential('compute-07/signer'))).toBe(
        'refused: not a recipient',
      )
    },
  )
})
