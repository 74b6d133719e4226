/** Signed CMS documents: Bouncy Castle verifies the messages of signet, and signet verifies what Bouncy Castle signs. */
import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { signMessage } from '../../src/message/index.js'
import { makeDeployment } from '../support/deployment.js'
import { temporaryFolder } from '../support/temporary.js'
import { bouncyCastle, run, succeed } from './programs.js'

const jars = bouncyCastle()
const classes = temporaryFolder()
const classPath = `${jars ?? ''}:${classes}`
if (jars !== undefined) {
  succeed('javac', ['-cp', jars, '-d', classes, fileURLToPath(new URL('java/Message.java', import.meta.url))])
}
const KINDS = [
  ['p256', 'SHA256withECDSA'],
  ['p384', 'SHA384withECDSA'],
  ['rsa2048', 'SHA256withRSA'],
] as const

const cloud = await makeDeployment()
const CONTENT = Buffer.from('{"a":"b"}\r\n\x00\xff', 'latin1')
const contentFile = cloud.write('content', CONTENT)
const changedFile = cloud.write('changed', Buffer.concat([CONTENT, Buffer.of(0)]))

describe.skipIf(jars === undefined)('Bouncy Castle: SignedData', () => {
  it.each(KINDS)(
    'requirement 29: verifies our messages, for a key of the kind %s',
    { timeout: 60_000 },
    async (kind) => {
      const files = await cloud.issue('conductor-01', `ours/${kind}`, { profile: 'signer', keyAlgorithm: kind })
      const credential = files.load()
      const certificate = cloud.write('certificate.der', credential.certificate.der)
      const request = { type: 'a.b', destination: 'here', at: cloud.clock.now() }
      const document = cloud.write('message.p7s', (await signMessage(CONTENT, credential, request)).der)
      const verify = (content: string, file = certificate): number | null =>
        run('java', ['-cp', classPath, 'Message', 'verify', content, file, document]).code
      expect([verify(contentFile), verify(changedFile)]).toEqual([0, 1])
      const other = cloud.write('other.der', cloud.credential('compute-07/signer').load().certificate.der)
      expect(verify(contentFile, other)).toBe(1)
    },
  )

  it.each(KINDS)(
    'requirement 29: signs what signet verifies, for a key of the kind %s',
    { timeout: 60_000 },
    async (kind, algorithm) => {
      const files = await cloud.issue('conductor-01', `theirs/${kind}`, { profile: 'signer', keyAlgorithm: kind })
      const certificate = cloud.write('certificate.der', files.load().certificate.der)
      const key = cloud.write(
        'key.der',
        createPrivateKey(readFileSync(files.key)).export({ format: 'der', type: 'pkcs8' }),
        0o600,
      )
      const document = cloud.path('theirs.p7s')
      succeed('java', ['-cp', classPath, 'Message', 'sign', contentFile, certificate, document, key, algorithm])
      const verify = ['cms', 'verify', document, '--cert', files.certificate]
      await cloud.signet([...verify, '--content', contentFile])
      expect((await cloud.run([...verify, '--content', changedFile])).errorCode).toBe('ERR_CMS_DIGEST_MISMATCH')
    },
  )
})
