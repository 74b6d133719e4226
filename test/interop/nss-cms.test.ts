/** CMS documents between signet and NSS: `cmsutil -S`, `cmsutil -D`. */
import { mkdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { KeyAlgorithmName } from '../../src/crypto/index.js'
import { makeDeployment, type TestDeployment } from '../support/deployment.js'
import { available, type Ran, run, succeed } from './programs.js'

const isAvailable = available('cmsutil', 'certutil', 'pk12util', 'openssl')
const KEYS = ['p256', 'p384', 'rsa2048', 'rsa3072'] as const satisfies readonly KeyAlgorithmName[]
// NSS keeps certificates of one subject under one nickname.
const cloud = await makeDeployment({ entities: KEYS.map((id) => ({ id, service: 'compute' })), issue: 'none' })
for (const keyAlgorithm of KEYS)
  await cloud.issue(keyAlgorithm, `keys/${keyAlgorithm}`, { profile: 'signer', keyAlgorithm })
const CONTENT = Buffer.from('{"event_type":"instance.create.end"}\n\r\n lone\rreturn \xff', 'latin1')
const contentFile = cloud.write('content', CONTENT)
const changedFile = cloud.write('changed', CONTENT.toString('latin1').replace('create', 'delete'))
const database = isAvailable ? nssDatabase(cloud) : ''

/** A database of NSS that trusts the root and holds the signers' keys under the names of their kinds. */
function nssDatabase(deployment: TestDeployment): string {
  const folder = deployment.path('nssdb')
  mkdirSync(folder)
  const name = `sql:${folder}`
  succeed('certutil', ['-N', '-d', name, '--empty-password'])
  succeed('certutil', ['-A', '-d', name, '-n', 'root', '-t', 'CT,C,', '-a', '-i', deployment.rootFile])
  succeed('certutil', ['-A', '-d', name, '-n', 'issuing', '-t', ',,', '-a', '-i', deployment.issuingFile])
  for (const nickname of KEYS) {
    const { key, certificate } = deployment.credential(`keys/${nickname}`)
    const bundle = deployment.path('bundle.p12')
    const from = ['-inkey', key, '-in', certificate, '-name', nickname]
    succeed('openssl', ['pkcs12', '-export', ...from, '-passout', 'pass:x', '-out', bundle])
    succeed('pk12util', ['-i', bundle, '-d', name, '-W', 'x'])
  }
  return name
}

describe.skipIf(!isAvailable)('signet cms verify: documents of cmsutil -S (NSS)', () => {
  function cmsutilSign(words: readonly string[], nickname: string = KEYS[0]): string {
    const out = cloud.path('theirs')
    succeed('cmsutil', ['-S', '-d', database, '-N', nickname, '-i', contentFile, '-o', out, ...words])
    return out
  }

  /** Unless told so, it also states a key to encrypt to, and takes no RSA key that may only sign. */
  const signingOnly = ['-G', '-Y', 'NONE']

  it.each(KEYS)(
    'requirement 29: accepts documents, attached and detached, signed with a key of the kind %s',
    async (nickname) => {
      const verify = ['--json', '--second-opinion', '--out', 'verified', '--force']
      const attached = await cloud.signet(['cms', 'verify', cmsutilSign(signingOnly, nickname), ...verify])
      expect(attached.json).toMatchObject({ verified: true, form: 'attached', revocation: 'checked' })
      expect(cloud.read('verified')).toEqual(CONTENT)
      const document = cmsutilSign(['-T', ...signingOnly], nickname)
      const detached = await cloud.signet(['cms', 'verify', document, '--content', contentFile, ...verify])
      expect(detached.json).toMatchObject({ verified: true, form: 'detached', revocation: 'checked' })
    },
  )

  it.each([
    { claim: 'with a signing time', words: ['-G'] },
    { claim: 'with S/MIME capabilities and a preferred key', words: ['-G', '-P', '-Y', KEYS[0]] },
    { claim: 'with SHA-384', words: ['-H', 'SHA384'] },
    { claim: 'with SHA-512', words: ['-H', 'SHA512'] },
  ])('accepts documents $claim', async ({ words }) => {
    await cloud.signet(['cms', 'verify', cmsutilSign(words)])
  })

  it('refuses documents that it makes without signed attributes', async () => {
    expect(await cloud.run(['cms', 'verify', cmsutilSign(['-Y', 'NONE'])])).toMatchObject({
      code: 4,
      errorCode: 'ERR_CMS_SIGNED_ATTRIBUTES',
    })
  })

  it('refuses documents when the content changed', async () => {
    expect(await cloud.run(['cms', 'verify', cmsutilSign(['-T']), '--content', changedFile])).toMatchObject({
      code: 4,
      errorCode: 'ERR_CMS_DIGEST_MISMATCH',
    })
  })
})

describe.skipIf(!isAvailable)('cmsutil -D (NSS): documents of signet cms sign', () => {
  async function signed(words: readonly string[], nickname: string = KEYS[0]): Promise<string> {
    const { fullchain, key } = cloud.credential(`keys/${nickname}`)
    const out = cloud.path('ours.p7')
    await cloud.signet(['cms', 'sign', 'content', '--cert', fullchain, '--key', key, '--out', out, '--force', ...words])
    return out
  }

  const decode = (document: string, ...words: readonly string[]): Ran =>
    run('cmsutil', ['-D', '-d', database, '-i', document, ...words])

  it.each(KEYS)(
    'requirement 29: accepts them with embedded certificates, signed with a key of the kind %s',
    async (nickname) => {
      const attached = decode(await signed(['--attached', '--embed'], nickname), '-o', cloud.path('decoded'))
      expect(attached).toMatchObject({ code: 0, output: '\n' })
      expect(cloud.read('decoded')).toEqual(CONTENT)
      const document = await signed(['--embed', '--sid', 'issuer'], nickname)
      expect(decode(document, '-n', '-c', contentFile)).toMatchObject({ code: 0 })
    },
  )

  it('accepts them without certificates, by issuer and serial number, when it has the certificate', async () => {
    expect(decode(await signed(['--sid', 'issuer']), '-n', '-c', contentFile)).toMatchObject({ code: 0 })
  })

  it('finds a signer by key identifier only among certificates in the document', async () => {
    expect(decode(await signed(['--embed']), '-n', '-c', contentFile)).toMatchObject({ code: 0 })
    const { code, stderr } = decode(await signed([]), '-n', '-c', contentFile)
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('SigningCertNotFound') as string,
    })
  })

  it('refuses them when the content changed', async () => {
    expect(decode(await signed(['--embed']), '-n', '-c', changedFile).code).not.toBe(0)
  })

  it('refuses them when the root is not trusted', async () => {
    const other = await makeDeployment({ issue: 'none', entities: [{ id: 'compute-07' }] })
    await other.issue('compute-07', 'stranger', { profile: 'signer' })
    const { fullchain, key } = other.credential('stranger')
    const words = ['--cert', fullchain, '--key', key, '--embed', '--attached', '--out', cloud.path('stranger.p7m')]
    await other.signet(['cms', 'sign', contentFile, ...words])
    expect(decode(cloud.path('stranger.p7m'), '-n').code).not.toBe(0)
  })

  it('cannot read messages of signet sign: it knows no content types but its own', async () => {
    const words = ['--as', cloud.credential('keys/p256').directory, '--type', 'rpc.report', '--to', 'conductor']
    await cloud.signet(['sign', 'content', ...words, '--out', 'message.p7s'])
    expect(decode(cloud.path('message.p7s'), '-n', '-c', contentFile).code).not.toBe(0)
  })
})
