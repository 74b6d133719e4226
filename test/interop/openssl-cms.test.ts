/** Signed messages and CMS documents: what signet signs, OpenSSL verifies, and the other way round. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { OID } from '../../src/asn1/index.js'
import { verifySignedData } from '../../src/cms/index.js'
import type { KeyAlgorithmName } from '../../src/crypto/index.js'
import { checkOff, signMessage, verifyMessage } from '../../src/message/index.js'
import { openTrustDirectory } from '../../src/trust/index.js'
import { receiver } from '../support/messages.js'
import { CORPORA, corporaAvailable } from '../support/corpora.js'
import { type CredentialFiles, makeDeployment } from '../support/deployment.js'
import { available, opensslIsAtLeast, type Ran, run, succeed } from './programs.js'

const hasOpenssl = available('openssl')
const verifiesEd25519 = hasOpenssl && opensslIsAtLeast(3, 2)
if (hasOpenssl && !verifiesEd25519) console.warn('skipped: CMS with Ed25519 needs OpenSSL 3.2')

const cloud = await makeDeployment()
const signer = cloud.credential('compute-07/signer')
const otherSigner = cloud.credential('conductor-01/signer')
const KEYS = ['p256', 'p384', 'rsa2048', 'rsa3072', 'ed25519'] as const satisfies readonly KeyAlgorithmName[]
const signers = new Map<KeyAlgorithmName, CredentialFiles>()
for (const keyAlgorithm of KEYS) {
  signers.set(
    keyAlgorithm,
    await cloud.issue('compute-07', `keys/${keyAlgorithm}`, { profile: 'signer', keyAlgorithm }),
  )
}

/** Line ends of both kinds, octets that are no text, no end of line: what a tool that means well would change. */
const CONTENT = Buffer.from('{"event_type":"instance.create.end"}\n\r\n\x00\x1a\xff lone\rreturn', 'latin1')
const contentFile = cloud.write('content', CONTENT)
const changedFile = cloud.write('changed', changed(CONTENT, 3))
/** Trust anchor, issuing CA and both CRLs: OpenSSL takes all from one file. */
const anchorsAndCrls = cloud.write(
  'anchors-and-crls.pem',
  Buffer.concat([readFileSync(signer.caBundle), readFileSync(cloud.crlsFile)]),
)

/** A copy with one octet changed. */
function changed(bytes: Uint8Array, index: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[index] = (copy[index] ?? 0) ^ 1
  return copy
}

function credentialOf(keyAlgorithm: KeyAlgorithmName): CredentialFiles {
  return signers.get(keyAlgorithm) ?? signer
}

async function signed(credential: CredentialFiles, form: 'attached' | 'detached'): Promise<Uint8Array> {
  const { der } = await signMessage(CONTENT, credential.load(), {
    type: 'notify.instance.create.end',
    destination: 'notifications',
    at: cloud.clock.now(),
    form,
  })
  return der
}

interface OpensslVerify {
  /** The content of a detached document. */
  readonly content?: string
  readonly certificate?: string
  readonly anchors?: string
  readonly words?: readonly string[]
}

/** The purpose is the default one of `cms -verify`, which is that of S/MIME: nothing is switched off. */
function opensslVerify(document: Uint8Array | string, options: OpensslVerify = {}): Ran & { readonly out: string } {
  const { content, certificate, anchors = signer.caBundle, words = [] } = options
  const input = typeof document === 'string' ? cloud.path(document) : cloud.write('openssl.in', document)
  const out = cloud.write('openssl.out', '')
  const ran = run('openssl', [
    ...['cms', '-verify', '-inform', 'DER', '-in', input, '-binary', '-out', out, '-CAfile', anchors],
    ...(content === undefined ? [] : ['-content', content]),
    ...(certificate === undefined ? [] : ['-certfile', certificate]),
    ...words,
  ])
  return { ...ran, out: readFileSync(out, 'latin1') }
}

const VERIFIED = { code: 0, out: CONTENT.toString('latin1') }

describe.skipIf(!hasOpenssl)('openssl cms -verify: messages of signMessage and signet sign', () => {
  describe.each(KEYS.filter((name) => name !== 'ed25519'))('signed with a key of the kind %s', (keyAlgorithm) => {
    const credential = credentialOf(keyAlgorithm)

    it('requirement 18: accepts a detached message and yields its content unchanged', async () => {
      const der = await signed(credential, 'detached')
      expect(opensslVerify(der, { content: contentFile, certificate: credential.certificate })).toMatchObject(VERIFIED)
    })

    it('requirement 18: accepts an attached message and yields its content unchanged', async () => {
      const der = await signed(credential, 'attached')
      expect(opensslVerify(der, { certificate: credential.certificate })).toMatchObject(VERIFIED)
    })

    it('accepts it with revocation checked along the whole path', async () => {
      const der = await signed(credential, 'detached')
      expect(
        opensslVerify(der, {
          content: contentFile,
          certificate: credential.certificate,
          anchors: anchorsAndCrls,
          words: ['-crl_check_all', '-x509_strict'],
        }),
      ).toMatchObject(VERIFIED)
    })

    it('requirement 18: refuses a detached message when one octet of the content changed', async () => {
      const der = await signed(credential, 'detached')
      const { code, stderr } = opensslVerify(der, { content: changedFile, certificate: credential.certificate })
      expect(code).not.toBe(0)
      expect(stderr).toContain('verification failure')
    })

    it('refuses an attached message when one octet of the content changed', async () => {
      const der = await signed(credential, 'attached')
      const index = Buffer.from(der).indexOf(CONTENT)
      expect(index).toBeGreaterThan(0)
      const { code, stderr } = opensslVerify(changed(der, index), { certificate: credential.certificate })
      expect(code).not.toBe(0)
      expect(stderr).toContain('verification failure')
    })
  })

  it.runIf(verifiesEd25519)('accepts messages signed with Ed25519 from OpenSSL 3.2', async () => {
    const credential = credentialOf('ed25519')
    const der = await signed(credential, 'detached')
    expect(opensslVerify(der, { content: contentFile, certificate: credential.certificate })).toMatchObject(VERIFIED)
  })

  it.skipIf(verifiesEd25519)('cannot verify Ed25519 before OpenSSL 3.2, which is a refusal and no pass', async () => {
    const credential = credentialOf('ed25519')
    const der = await signed(credential, 'detached')
    const { code, stderr } = opensslVerify(der, { content: contentFile, certificate: credential.certificate })
    expect(code).not.toBe(0)
    expect(stderr).toMatch(/verification failure|unknown|unsupported|digest/)
    // The signature is good, all the same.
    expect(verifiedHere(der, credential)).toBe(true)
  })

  it('requirement 29: accepts what the command signet sign writes, detached and attached', async () => {
    const words = ['sign', 'content', '--as', signer.directory, '--type', 'rpc.report', '--to', 'conductor']
    await cloud.signet([...words, '--out', 'cli.p7s'])
    await cloud.signet([...words, '--out', 'cli.p7m', '--attached', '--state-source', '--lifetime', '7d'])
    const { certificate } = signer
    expect(opensslVerify('cli.p7s', { content: contentFile, certificate })).toMatchObject(VERIFIED)
    expect(opensslVerify('cli.p7m', { certificate })).toMatchObject(VERIFIED)
  })

  it('refuses a message when the certificate of the signer is not at hand: none travels in it', async () => {
    const { code, stderr } = opensslVerify(await signed(signer, 'detached'), { content: contentFile })
    expect(code).not.toBe(0)
    expect(stderr).toContain('signer certificate not found')
  })

  it('refuses a message against the trust anchor of another deployment with the same names', async () => {
    const other = await makeDeployment({ issue: 'none', entities: [] })
    const { code, stderr } = opensslVerify(await signed(signer, 'detached'), {
      content: contentFile,
      certificate: signer.certificate,
      anchors: other.rootFile,
    })
    expect(code).not.toBe(0)
    expect(stderr).toMatch(/unable to get (local )?issuer certificate/)
  })

  it('refuses a message that was signed with a TLS certificate, by its purpose', async () => {
    const tls = cloud.credential('compute-07/tls')
    await cloud.signet(['cms', 'sign', 'content', '--cert', tls.certificate, '--key', tls.key, '--out', 'tls.p7s'])
    const { code, stderr } = opensslVerify('tls.p7s', { content: contentFile, certificate: tls.certificate })
    expect(code).not.toBe(0)
    expect(stderr).toMatch(/unsupported certificate purpose|unsuitable certificate purpose/)
  })

  it('refuses a message of a revoked signer with revocation checked, as signet does', async () => {
    const revoked = await cloud.issue('compute-07', 'revoked', { profile: 'signer' })
    const der = await signed(revoked, 'attached')
    await cloud.signet(['revoke', '--cert', revoked.certificate, '--reason', 'keyCompromise'])
    await cloud.signet('crl publish --out after.pem')
    const anchors = cloud.write(
      'after-anchors.pem',
      Buffer.concat([readFileSync(signer.caBundle), cloud.read('after.pem')]),
    )
    const check = { certificate: revoked.certificate, anchors, words: ['-crl_check_all'] }
    const { code, stderr } = opensslVerify(der, check)
    expect(code).not.toBe(0)
    expect(stderr).toContain('certificate revoked')
    cloud.write('revoked.p7m', der)
    expect(await cloud.run(['cms', 'verify', 'revoked.p7m', '--cert', revoked.certificate])).toMatchObject({
      code: 4,
      errorCode: 'ERR_REVOKED',
    })
    expect(
      opensslVerify(await signed(signer, 'attached'), { ...check, certificate: signer.certificate }),
    ).toMatchObject(VERIFIED)
  })
})

function verifiedHere(der: Uint8Array, credential: CredentialFiles): boolean {
  const { signers: verified } = verifySignedData(der, {
    content: CONTENT,
    anchors: [cloud.root],
    certificates: [cloud.issuing, credential.load().certificate],
    purpose: 'message-signing',
    revocation: { crls: cloud.crls },
    at: cloud.clock.now(),
  })
  return verified.length === 1
}

describe.skipIf(!hasOpenssl)('openssl cms -verify: documents of signet cms sign', () => {
  it.each([
    { claim: 'by key identifier', words: [], sid: 'd.subjectKeyIdentifier:' },
    { claim: 'by issuer and serial number', words: ['--sid', 'issuer'], sid: 'd.issuerAndSerialNumber:' },
  ])('accepts a signer named $claim, and prints it so', async ({ words, sid }) => {
    const sign = ['cms', 'sign', 'content', '--cert', signer.fullchain, '--key', signer.key, '--force', ...words]
    const { certificate } = signer
    await cloud.signet([...sign, '--out', 'detached.p7s'])
    await cloud.signet([...sign, '--out', 'attached.p7m', '--attached'])
    await cloud.signet([...sign, '--out', 'embedded.p7s', '--embed'])
    expect(opensslVerify('detached.p7s', { content: contentFile, certificate })).toMatchObject(VERIFIED)
    expect(opensslVerify('attached.p7m', { certificate })).toMatchObject(VERIFIED)
    const print = ['cms', '-cmsout', '-print', '-noout', '-inform', 'DER', '-in', cloud.path('detached.p7s')]
    expect(succeed('openssl', print)).toContain(sid)
    // With the certificates inside, the root is all that it takes.
    const anchors = cloud.rootFile
    expect(opensslVerify('embedded.p7s', { content: contentFile, anchors })).toMatchObject(VERIFIED)
    expect(opensslVerify('embedded.p7s', { content: changedFile, anchors }).code).not.toBe(0)
  })
})

describe.skipIf(!hasOpenssl)('signet cms verify: documents of openssl cms -sign', () => {
  /** Sign with OpenSSL; the path of the document. */
  function opensslSign(words: readonly string[], credential = signer): string {
    const out = cloud.path('theirs')
    succeed('openssl', [
      ...['cms', '-sign', '-binary', '-in', contentFile, '-out', out],
      ...(words.includes('-outform') ? [] : ['-outform', 'DER']),
      ...['-signer', credential.certificate, '-inkey', credential.key, ...words],
    ])
    return out
  }

  const second = ['-signer', otherSigner.certificate, '-inkey', otherSigner.key]
  interface Case {
    readonly claim: string
    readonly words: readonly string[]
    readonly form?: 'attached'
    readonly count?: number
  }
  const cases: readonly Case[] = [
    { claim: 'made with no further option', words: [] },
    { claim: 'that carry their content', words: ['-nodetach'], form: 'attached' },
    { claim: 'that name the signer by key identifier', words: ['-keyid'] },
    { claim: 'without certificates', words: ['-nocerts'] },
    { claim: 'with the certificate of the issuing CA, too', words: ['-certfile', signer.chain] },
    { claim: 'without S/MIME capabilities', words: ['-nosmimecap'] },
    { claim: 'with a CAdES signing certificate', words: ['-cades'] },
    { claim: 'with all that makes them small', words: ['-cades', '-keyid', '-nocerts', '-nosmimecap'] },
    { claim: 'with SHA-384', words: ['-md', 'sha384'] },
    { claim: 'with SHA-512', words: ['-md', 'sha512'] },
    { claim: 'with a content type of their own', words: ['-econtent_type', '1.2.840.113549.1.9.16.1.4'] },
    { claim: 'in PEM', words: ['-outform', 'PEM'] },
    // Streaming into DER, OpenSSL puts the content in, asked or not.
    { claim: 'written as a stream (BER)', words: ['-stream'], form: 'attached' },
    { claim: 'of indefinite length with their content (BER)', words: ['-nodetach', '-indef'], form: 'attached' },
    { claim: 'written as a stream in PEM (BER)', words: ['-nodetach', '-stream', '-outform', 'PEM'], form: 'attached' },
    { claim: 'of two signers', words: second, count: 2 },
    {
      claim: 'of two signers, written as a stream (BER)',
      words: ['-nodetach', '-stream', '-keyid', '-cades', ...second],
      form: 'attached',
      count: 2,
    },
  ]

  it.each(cases)('requirement 18: accepts documents $claim', async ({ words, form = 'detached', count = 1 }) => {
    const document = opensslSign(words)
    const certificates = ['--cert', signer.certificate, '--cert', otherSigner.certificate]
    const content = form === 'detached' ? ['--content', contentFile] : []
    const verify = ['cms', 'verify', document, '--json', ...certificates, ...content]
    const { code, stderr, json } = await cloud.run([...verify, '--out', 'verified', '--force', '--second-opinion'])
    expect(stderr).toBe('')
    expect({ code, ...json }).toMatchObject({ code: 0, verified: true, form, revocation: 'checked' })
    expect(json['signers']).toHaveLength(count)
    expect(cloud.read('verified')).toEqual(CONTENT)
  })

  it.each(KEYS.filter((name) => name !== 'ed25519'))(
    'accepts documents signed with a key of the kind %s',
    async (name) => {
      const credential = credentialOf(name)
      const document = opensslSign([], credential)
      await cloud.signet(['cms', 'verify', document, '--content', contentFile, '--second-opinion'])
      const wrong = await cloud.run(['cms', 'verify', document, '--content', changedFile])
      expect(wrong).toMatchObject({ code: 4, errorCode: 'ERR_CMS_DIGEST_MISMATCH' })
    },
  )

  it.each(['rsa2048', 'rsa3072'] as const)(
    'accepts documents signed with RSA-PSS and a key of the kind %s',
    async (name) => {
      const pss = ['-keyopt', 'rsa_padding_mode:pss', '-keyopt', 'rsa_pss_saltlen:digest']
      const document = opensslSign(pss, credentialOf(name))
      const { json } = await cloud.signet(['cms', 'verify', document, '--content', contentFile, '--json'])
      expect(json).toMatchObject({ signers: [{ signatureAlgorithm: 'rsa-pss-sha256' }] })
    },
  )

  it('refuses documents without signed attributes', async () => {
    for (const words of [['-noattr'], ['-noattr', '-nodetach'], ['-noattr', '-nodetach', '-stream']]) {
      const content = words.includes('-nodetach') ? [] : ['--content', contentFile]
      const document = opensslSign(words)
      expect(await cloud.run(['cms', 'verify', document, ...content])).toMatchObject({
        code: 4,
        errorCode: 'ERR_CMS_SIGNED_ATTRIBUTES',
      })
    }
  })

  it('refuses documents with SHA-1', async () => {
    expect(await cloud.run(['cms', 'verify', opensslSign(['-md', 'sha1']), '--content', contentFile])).toMatchObject({
      code: 4,
      errorCode: 'ERR_ALGORITHM_NOT_ALLOWED',
    })
  })

  it('refuses documents of two signers of whom one is a stranger', async () => {
    const key = cloud.path('stranger.key')
    const certificate = cloud.path('stranger.pem')
    succeed('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=stranger'],
      ...['-addext', 'extendedKeyUsage=emailProtection', '-keyout', key, '-out', certificate],
    ])
    const document = opensslSign(['-signer', certificate, '-inkey', key])
    expect(await cloud.run(['cms', 'verify', document, '--content', contentFile])).toMatchObject({ code: 4 })
  })

  it('requirement 18: refuses documents whose content changed, also in BER', async () => {
    for (const words of [['-nodetach'], ['-nodetach', '-stream']]) {
      const der = readFileSync(opensslSign(words))
      const index = der.indexOf(CONTENT)
      expect(index).toBeGreaterThan(0)
      cloud.write('broken', changed(der, index))
      expect(await cloud.run('cms verify broken')).toMatchObject({ code: 4, errorCode: 'ERR_CMS_DIGEST_MISMATCH' })
    }
  })

  it('refuses documents of other kinds of CMS', async () => {
    const out = cloud.path('other')
    succeed('openssl', ['cms', '-data_create', '-in', contentFile, '-outform', 'DER', '-out', out])
    expect(await cloud.run(['cms', 'verify', out])).toMatchObject({ code: 4, errorCode: 'ERR_CMS_TYPE_UNSUPPORTED' })
  })
})

describe.skipIf(!hasOpenssl)('openssl asn1parse: the signed message', () => {
  it('shows the content type of signet, no certificates, no content, and the signer by key identifier', async () => {
    const input = cloud.write('message.p7s', await signed(signer, 'detached'))
    const lines = succeed('openssl', ['asn1parse', '-inform', 'DER', '-in', input]).trim().split('\n')
    const shape = lines.map((line) =>
      line
        .replace(/^.*?d=(\d+).*?: /, '$1 ')
        .replace(/\s+/g, ' ')
        .trim(),
    )
    expect(shape.slice(0, 5)).toEqual([
      '0 SEQUENCE',
      '1 OBJECT :pkcs7-signedData',
      '1 cont [ 0 ]',
      '2 SEQUENCE',
      '3 INTEGER :03',
    ])
    // version, digestAlgorithms, encapContentInfo, signerInfos: neither certificates [0] nor CRLs [1].
    expect(shape.filter((line) => line.startsWith('3 '))).toEqual(['3 INTEGER :03', '3 SET', '3 SEQUENCE', '3 SET'])
    const contentType = shape.indexOf('3 SEQUENCE') + 1
    expect(shape[contentType]).toBe(`4 OBJECT :${OID.signetMessage}`)
    expect(shape[contentType + 1]).toBe('3 SET')
    expect(shape).toContain('5 cont [ 0 ]')
    const text = shape.join('\n')
    for (const name of ['signingTime', 'contentType', 'messageDigest', 'id-smime-aa-signingCertificateV2']) {
      expect(text).toContain(`7 OBJECT :${name}`)
    }
  })
})

describe.skipIf(!corporaAvailable())('signMessage: size', () => {
  const folder = join(CORPORA, 'openstack', 'nova-notification-samples')
  const names = corporaAvailable() ? readdirSync(folder).filter((name) => name.endsWith('.json')) : []

  /** What Kite's envelope adds to a message, for less. */
  const KITE_OCTETS = 455

  async function sizeOf(name: string): Promise<{ readonly size: number; readonly type: string }> {
    const content = readFileSync(join(folder, name))
    const { event_type: eventType } = JSON.parse(content.toString('utf8')) as { event_type: string }
    const type = `notify.${eventType}`
    const request = { type, destination: 'notifications', at: cloud.clock.now() }
    return { size: (await signMessage(content, signer.load(), request)).der.length, type }
  }

  it('takes at most 455 octets for a real nova notification, with its type and destination, every time', async () => {
    const sizes: number[] = []
    // The length of an ECDSA signature varies.
    for (let time = 0; time < 64; time++) sizes.push((await sizeOf('instance-create-end.json')).size)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(KITE_OCTETS)
  })

  it('takes no more than that for the other notifications, but for what their types are longer', async () => {
    expect(names.length).toBeGreaterThan(100)
    const { length } = 'notify.instance.create.end'
    for (const name of names) {
      const { size, type } = await sizeOf(name)
      expect(size - Math.max(0, type.length - length), type).toBeLessThanOrEqual(KITE_OCTETS)
    }
  })
})

describe.skipIf(!hasOpenssl)('openssl cms: messages with a routing slip', () => {
  it('requirement 33: accepts a message that was checked off, and shows each step inside the one before', async () => {
    const trustDer = readFileSync(await cloud.publishTrust())
    const at = cloud.clock.now()
    const trust = openTrustDirectory(trustDer, { pin: cloud.pin, at, memory: 'allow-forgetting' })
    const route = ['conductor-01', 'broker-01', 'compute-07']
    let { der } = await signMessage(CONTENT, signer.load(), { type: 'order', destination: 'billing', at, route })
    const policy = receiver(trust, { at, replay: 'allow-unchecked', route: { require: 'allow-partial' } })
    for (const entity of route) {
      const verified = (await verifyMessage(der, CONTENT, policy)).route
      if (verified === undefined) throw new Error('no route')
      der = await checkOff(verified, cloud.credential(`${entity}/signer`).load(), { trust, at })
    }
    expect(opensslVerify(der, { content: contentFile, certificate: signer.certificate })).toMatchObject(VERIFIED)
    expect(opensslVerify(der, { content: changedFile, certificate: signer.certificate }).code).not.toBe(0)
    const input = cloud.write('slip.p7s', der)
    const printed = succeed('openssl', ['cms', '-cmsout', '-print', '-inform', 'DER', '-in', input])
    expect(printed).toMatch(/unsignedAttrs:\s+object: countersignature \(1\.2\.840\.113549\.1\.9\.6\)/)
    const parsed = succeed('openssl', ['asn1parse', '-inform', 'DER', '-in', input])
    const depths = [...parsed.matchAll(/d=(\d+).*OBJECT +:countersignature/g)].map(([, depth]) => Number(depth))
    expect(depths).toHaveLength(3)
    expect(depths).toEqual(depths.toSorted((a, b) => a - b))
    expect(new Set(depths).size).toBe(3)
  })
})
