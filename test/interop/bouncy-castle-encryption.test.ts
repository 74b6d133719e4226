/** Encrypted CMS documents: what signet encrypts, Bouncy Castle decrypts, and the other way round. */
import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { decryptData, encryptData, validateRecipients } from '../../src/cms/index.js'
import { makeDeployment } from '../support/deployment.js'
import { temporaryFolder } from '../support/temporary.js'
import { bouncyCastle, succeed } from './programs.js'

const jars = bouncyCastle()
const classes = temporaryFolder()
const classPath = `${jars ?? ''}:${classes}`
if (jars !== undefined) {
  succeed('javac', ['-cp', jars, '-d', classes, fileURLToPath(new URL('java/Envelope.java', import.meta.url))])
}
const KINDS = ['p256', 'p384', 'rsa2048'] as const

const cloud = await makeDeployment()
const CONTENT = Buffer.from('{"secret":"x"}\r\n\x00\xff', 'latin1')
const contentFile = cloud.write('content', CONTENT)

describe.skipIf(jars === undefined)('Bouncy Castle: AuthEnvelopedData', () => {
  it.each(KINDS)(
    'requirement 29: decrypts ours, and we decrypt its, for a key of the kind %s',
    { timeout: 60_000 },
    async (kind) => {
      const files = await cloud.issue('conductor-01', `readers/${kind}`, { profile: 'recipient', keyAlgorithm: kind })
      const { certificate, key } = files.load()
      const certificateFile = cloud.write('certificate.der', certificate.der)
      const privateKey = createPrivateKey(readFileSync(files.key)).export({ format: 'der', type: 'pkcs8' })
      const keyFile = cloud.write('key.der', privateKey, 0o600)
      const family = kind.startsWith('rsa') ? 'RSA' : 'EC'
      const java = (...words: readonly string[]): string =>
        succeed('java', [
          '-cp',
          classPath,
          'Envelope',
          ...words.slice(0, 2),
          certificateFile,
          family,
          ...words.slice(2),
        ])

      const recipients = validateRecipients([certificate], {
        anchors: [cloud.root],
        certificates: [cloud.issuing],
        purpose: 'message-encryption',
        revocation: { crls: cloud.crls },
        at: cloud.clock.now(),
      })
      for (const identifier of ['subjectKeyIdentifier', 'issuerAndSerialNumber'] as const) {
        const ours = cloud.write('ours.der', encryptData(CONTENT, recipients, { identifier }))
        java('decrypt', ours, cloud.path('decrypted'), keyFile)
        expect(cloud.read('decrypted')).toEqual(CONTENT)
      }
      java('encrypt', contentFile, cloud.path('theirs.der'))
      expect(Buffer.from((await decryptData(cloud.read('theirs.der'), { key, certificate })).content)).toEqual(CONTENT)
    },
  )
})
