/** CMS documents between signet and GnuTLS: `certtool --p7-sign`, `--p7-verify`. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { KeyAlgorithmName } from '../../src/crypto/index.js'
import { makeDeployment } from '../support/deployment.js'
import { available, type Ran, run, succeed } from './programs.js'

const cloud = await makeDeployment({ entities: [{ id: 'compute-07' }] })
const KEYS = ['p256', 'p384', 'rsa2048', 'rsa3072', 'ed25519'] as const satisfies readonly KeyAlgorithmName[]
for (const keyAlgorithm of KEYS) {
  await cloud.issue('compute-07', `keys/${keyAlgorithm}`, { profile: 'signer', keyAlgorithm })
}
const signer = cloud.credential('compute-07/signer')

const CONTENT = Buffer.from('{"event_type":"instance.create.end"}\n\r\n lone\rreturn \xff', 'latin1')
const contentFile = cloud.write('content', CONTENT)
const changedFile = cloud.write('changed', CONTENT.toString('latin1').replace('create', 'delete'))

describe.skipIf(!available('certtool'))('signet cms verify: documents of certtool --p7-sign', () => {
  /** Sign with GnuTLS; the path of the document, which is PEM unless the words say otherwise. */
  function certtoolSign(words: readonly string[], credential = signer): string {
    const out = cloud.path('theirs')
    const detached = words.some((word) => word.startsWith('--p7-'))
    succeed('certtool', [
      ...(detached ? [] : ['--p7-sign']),
      ...['--load-privkey', credential.key, '--load-certificate', credential.certificate],
      ...['--infile', contentFile, '--outfile', out, ...words],
    ])
    return out
  }

  it.each(KEYS)('requirement 29: accepts attached documents signed with a key of the kind %s', async (name) => {
    const document = certtoolSign(['--p7-sign', '--p7-time'], cloud.credential(`keys/${name}`))
    const { json } = await cloud.signet(['cms', 'verify', document, '--json', '--out', 'verified', '--force'])
    expect(json).toMatchObject({ verified: true, form: 'attached', revocation: 'checked' })
    expect(cloud.read('verified')).toEqual(CONTENT)
  })

  it.each([
    { claim: 'in DER', words: ['--outder'] },
    { claim: 'with SHA-384', words: ['--hash', 'sha384'] },
    { claim: 'with SHA-512', words: ['--hash', 'sha512'] },
    { claim: 'without certificates', words: ['--no-p7-include-cert'] },
  ])('accepts detached documents $claim, and refuses them when the content changed', async ({ words }) => {
    const document = certtoolSign(['--p7-detached-sign', '--p7-time', ...words])
    const verify = ['cms', 'verify', document, '--cert', signer.certificate]
    await cloud.signet([...verify, '--content', contentFile, '--second-opinion'])
    expect(await cloud.run([...verify, '--content', changedFile])).toMatchObject({
      code: 4,
      errorCode: 'ERR_CMS_DIGEST_MISMATCH',
    })
  })

  it('refuses documents made without --p7-time, because they have no signed attributes', async () => {
    for (const form of ['--p7-sign', '--p7-detached-sign']) {
      const content = form === '--p7-sign' ? [] : ['--content', contentFile]
      expect(await cloud.run(['cms', 'verify', certtoolSign([form]), ...content])).toMatchObject({
        code: 4,
        errorCode: 'ERR_CMS_SIGNED_ATTRIBUTES',
      })
    }
  })
})

describe.skipIf(!available('certtool'))('certtool --p7-verify: documents of signet cms sign', () => {
  async function signed(words: readonly string[], credential = signer): Promise<string> {
    const out = cloud.path('ours.p7')
    const files = ['--cert', credential.fullchain, '--key', credential.key, '--out', out]
    await cloud.signet(['cms', 'sign', 'content', ...files, '--force', ...words])
    return out
  }

  const certtoolVerify = (document: string, ...words: readonly string[]): Ran =>
    run('certtool', ['--p7-verify', '--inder', '--infile', document, ...words])
  /** The signature, with the certificate of the signer given. */
  const byCertificate = ['--load-certificate', signer.certificate]
  /** Signature and path, with the certificate of the signer inside. */
  const byRoot = ['--load-ca-certificate', cloud.rootFile]
  const beside = ['--load-data', contentFile]
  const GOOD = { code: 0, stderr: expect.stringContaining('Signature status: ok') as string }

  it.each([
    { claim: 'by key identifier', words: [] },
    { claim: 'by issuer and serial number', words: ['--sid', 'issuer'] },
  ])('accepts a signer named $claim', async ({ words }) => {
    expect(certtoolVerify(await signed(words), ...byCertificate, ...beside)).toMatchObject(GOOD)
    expect(certtoolVerify(await signed(['--attached', ...words]), ...byCertificate)).toMatchObject(GOOD)
    expect(certtoolVerify(await signed(['--embed', ...words]), ...byRoot, ...beside)).toMatchObject(GOOD)
    expect(certtoolVerify(await signed(['--embed', '--attached', ...words]), ...byRoot)).toMatchObject(GOOD)
  })

  it.each(KEYS)('requirement 29: accepts signatures with a key of the kind %s', async (name) => {
    const credential = cloud.credential(`keys/${name}`)
    const document = await signed(['--attached', '--embed'], credential)
    expect(certtoolVerify(document, ...byRoot)).toMatchObject(GOOD)
  })

  it('refuses a document when the content changed, and one of another deployment', async () => {
    const document = await signed(['--embed'])
    expect(certtoolVerify(document, ...byRoot, '--load-data', changedFile).code).not.toBe(0)
    const other = await makeDeployment({ issue: 'none', entities: [] })
    expect(certtoolVerify(document, '--load-ca-certificate', other.rootFile, ...beside).code).not.toBe(0)
  })

  it('cannot read messages of signet sign: its ASN.1 library knows no identifiers above 64 bits', async () => {
    const words = ['--as', signer.directory, '--type', 'rpc.report', '--to', 'conductor', '--out', 'message.p7s']
    await cloud.signet(['sign', 'content', ...words])
    const { code, output } = certtoolVerify(cloud.path('message.p7s'), ...byCertificate, ...beside)
    expect({ code, output }).toMatchObject({
      code: 1,
      output: expect.stringContaining('Error in DER parsing') as string,
    })
    expect(readFileSync(cloud.path('message.p7s')).length).toBeGreaterThan(0)
  })
})
