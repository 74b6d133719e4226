/** Certification requests: strangers read ours, and we issue from theirs. */
import { createPublicKey, X509Certificate } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { OID } from '../../src/asn1/index.js'
import { generatePrivateKey, type KeyAlgorithmName, MemoryKeyProvider } from '../../src/crypto/index.js'
import { buildName, createCertificationRequest, encodeSubjectAltName } from '../../src/x509/index.js'
import { makeDeployment } from '../support/deployment.js'
import { available, run, succeed } from './programs.js'

const hasOpenssl = available('openssl')
const hasCerttool = available('certtool')
const hasKeytool = available('keytool')
const cloud = await makeDeployment({ entities: [{ id: 'compute-07' }], issue: 'none' })

const HOST = 'compute-07.cloud.example'

async function request(algorithm: KeyAlgorithmName): Promise<string> {
  const pem = await createCertificationRequest(new MemoryKeyProvider(generatePrivateKey(algorithm)), {
    subject: buildName([
      [OID.organizationName, 'Ärger & Söhne, "GmbH"'],
      [OID.commonName, 'compute-07'],
    ]),
    extensionsDer: [encodeSubjectAltName([{ kind: 'dns', value: HOST }], false)],
  })
  return cloud.write(`${algorithm}.csr`, pem)
}

describe('requests of createCertificationRequest', () => {
  const keys = ['p256', 'p384', 'rsa2048', 'rsa3072', 'ed25519'] as const satisfies readonly KeyAlgorithmName[]

  it.skipIf(!hasOpenssl).each(keys)('are verified and read by openssl req: %s', async (algorithm) => {
    const file = await request(algorithm)
    const { code, output } = run('openssl', [
      'req',
      '-in',
      file,
      '-noout',
      '-verify',
      '-text',
      '-nameopt',
      'RFC2253,-esc_msb,utf8',
    ])
    expect(code).toBe(0)
    expect(output).toMatch(/verify OK/)
    expect(output).toContain(`DNS:${HOST}`)
    expect(output).toContain('Subject: CN=compute-07,O=Ärger & Söhne\\, \\"GmbH\\"')
  })

  it.skipIf(!hasOpenssl)('are refused by openssl req when the signature is of another request', async () => {
    const pem = readFileSync(await request('p256'), 'utf8')
    const der = Buffer.from(pem.replace(/-----.*-----/g, ''), 'base64')
    const index = der.indexOf('compute-07', 0, 'latin1')
    der[index] = (der[index] ?? 0) ^ 1
    const file = cloud.write('broken.csr', der)
    expect(run('openssl', ['req', '-inform', 'DER', '-in', file, '-noout', '-verify']).output).toMatch(
      /verify failure/i,
    )
    expect(await cloud.run(['issue', 'compute-07', '--csr', file, '--out', 'broken'])).toMatchObject({
      code: 4,
      errorCode: 'ERR_CSR_SIGNATURE',
    })
  })

  it.skipIf(!hasCerttool).each(keys)('are read by certtool --crq-info: %s', async (algorithm) => {
    const output = succeed('certtool', ['--crq-info', '--infile', await request(algorithm)])
    expect(output).toContain('Self signature: verified')
    expect(output).toContain(`DNSname: ${HOST}`)
  })

  it.skipIf(!hasKeytool)('are read by the keytool of Java', async () => {
    expect(succeed('keytool', ['-printcertreq', '-file', await request('p256')])).toContain(`DNSName: ${HOST}`)
  })
})

/** Issue from a request; the public key of the certificate in PEM. */
async function issuedFrom(csr: string, name: string, profile?: string): Promise<string> {
  const credential = await cloud.issue('compute-07', name, { csr, ...(profile === undefined ? {} : { profile }) })
  expect(existsSync(credential.key)).toBe(false)
  const certificate = new X509Certificate(readFileSync(credential.certificate))
  // Nothing comes from the request but the key.
  expect(certificate.subject).toBe('O=cloud.example\nOU=compute\nCN=compute-07')
  expect(certificate.subjectAltName).toBe(`URI:spiffe://cloud.example/compute/compute-07, DNS:${HOST}`)
  if (hasOpenssl) {
    const trust = ['-CAfile', cloud.rootFile, '-untrusted', credential.chain, '-CRLfile', credential.crls]
    const words = ['verify', '-x509_strict', '-crl_check_all', '-purpose', 'sslserver', '-verify_hostname', HOST]
    expect(run('openssl', [...words, ...trust, credential.certificate])).toMatchObject({ code: 0 })
  }
  return certificate.publicKey.export({ type: 'spki', format: 'pem' }) as string
}

describe.skipIf(!hasOpenssl)('signet issue --csr: requests of openssl req', () => {
  const keys = {
    'P-256': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
    'P-384': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
    'RSA-2048': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
    'RSA-3072': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:3072'],
    Ed25519: ['-algorithm', 'ED25519'],
  } as const

  function opensslRequest(key: keyof typeof keys, ...words: readonly string[]): string {
    const keyFile = cloud.path(`${key}.key`)
    const out = cloud.path(`${key}.req`)
    succeed('openssl', ['genpkey', ...keys[key], '-out', keyFile])
    const subject = ['-subj', '/C=DE/O=Somebody else/CN=admin']
    succeed('openssl', ['req', '-new', '-key', keyFile, ...subject, '-out', out, ...words])
    return out
  }

  it.each(Object.keys(keys) as (keyof typeof keys)[])(
    'issues for a key of the kind %s, and for that key',
    async (key) => {
      const csr = opensslRequest(key)
      const published = await issuedFrom(csr, key)
      expect(published).toBe(succeed('openssl', ['req', '-in', csr, '-noout', '-pubkey']))
      expect(published).toBe(succeed('openssl', ['pkey', '-in', cloud.path(`${key}.key`), '-pubout']))
    },
  )

  it('issues from a request in DER, with extensions that it would grant anyway, or with an RSA-PSS signature', async () => {
    const wishes = `subjectAltName=DNS:${HOST}`
    await issuedFrom(opensslRequest('P-256', '-outform', 'DER', '-addext', wishes), 'wishes', 'server')
    await issuedFrom(opensslRequest('P-256', '-addext', 'keyUsage=critical,digitalSignature'), 'usage', 'server')
    const pss = ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:digest']
    await issuedFrom(opensslRequest('RSA-2048', ...pss), 'pss')
  })

  it.each([
    { claim: 'another host name', wish: 'subjectAltName=DNS:www.cloud.example' },
    { claim: 'to be a CA', wish: 'basicConstraints=critical,CA:TRUE' },
    { claim: 'another purpose', wish: 'extendedKeyUsage=codeSigning' },
    { claim: 'another key usage', wish: 'keyUsage=keyCertSign' },
  ])('refuses a request that asks for $claim', async ({ wish }) => {
    const csr = opensslRequest('P-256', '-addext', wish)
    expect(await cloud.run(['issue', 'compute-07', '--csr', csr, '--out', 'refused'])).toMatchObject({
      code: 5,
      errorCode: 'ERR_CSR_EXTENSION',
    })
    expect(existsSync(cloud.path('refused'))).toBe(false)
  })

  it('refuses keys and digests that are too weak, and curves that it does not know', async () => {
    const weak = cloud.path('weak.req')
    for (const { key, digest = '-sha256', code } of [
      { key: ['-newkey', 'rsa:1024'], code: 'ERR_KEY_NOT_ALLOWED' },
      { key: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:secp256k1'], code: 'ERR_KEY_NOT_ALLOWED' },
      { key: ['-newkey', 'ed448'], code: 'ERR_KEY_NOT_ALLOWED' },
      { key: ['-newkey', 'rsa:2048'], digest: '-sha1', code: 'ERR_ALGORITHM_NOT_ALLOWED' },
    ]) {
      const words = ['-nodes', '-keyout', cloud.path('weak.key'), '-subj', '/CN=weak', '-out', weak]
      succeed('openssl', ['req', '-new', digest, ...key, ...words])
      expect(await cloud.run(['issue', 'compute-07', '--csr', weak])).toMatchObject({ code: 4, errorCode: code })
    }
  })
})

describe.skipIf(!hasCerttool)('signet issue --csr: requests of certtool', () => {
  it('issues for the key of a request, and for that key', async () => {
    const key = cloud.path('gnutls.key')
    const csr = cloud.path('gnutls.req')
    const template = cloud.write('gnutls.cfg', 'cn = somebody\n')
    succeed('certtool', ['--generate-privkey', '--key-type', 'ecdsa', '--curve', 'secp256r1', '--outfile', key])
    const files = ['--load-privkey', key, '--template', template, '--outfile', csr]
    succeed('certtool', ['--generate-request', ...files])
    const published = await issuedFrom(csr, 'gnutls')
    expect(published).toBe(createPublicKey(readFileSync(key)).export({ type: 'spki', format: 'pem' }))
  })
})

describe.skipIf(!hasKeytool)('signet issue --csr: requests of the keytool of Java', () => {
  it('issues for the key of a request', async () => {
    const store = ['-keystore', cloud.path('java.p12'), '-storepass', 'changeit', '-alias', 'node']
    succeed('keytool', ['-genkeypair', '-keyalg', 'EC', '-groupname', 'secp256r1', '-dname', 'CN=node', ...store])
    const csr = cloud.path('java.req')
    succeed('keytool', ['-certreq', '-file', csr, ...store])
    await issuedFrom(csr, 'java')
    // It takes the answer back: the path ends in a root that it is shown.
    const root = ['-file', cloud.rootFile, '-keystore', cloud.path('java.p12'), '-storepass', 'changeit']
    succeed('keytool', ['-importcert', '-noprompt', '-alias', 'root', ...root])
    const answer = run('keytool', ['-importcert', '-file', cloud.credential('java').fullchain, ...store])
    expect(answer.output).toMatch(/reply was installed/)
  })
})
