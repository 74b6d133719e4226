/**
 * Certification paths: OpenSSL, GnuTLS, Go and Node build and check what signet issues, as signet itself does, and
 * all of them refuse what is revoked or outside of the names of the deployment.
 */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { OID } from '../../src/asn1/index.js'
import { generatePrivateKey, type KeyAlgorithmName, keyIdentifierOf, publicKeyOf } from '../../src/crypto/index.js'
import { validatePath } from '../../src/path/index.js'
import { addSeconds, HOUR } from '../../src/time/index.js'
import {
  buildName,
  type Certificate,
  encodeAuthorityKeyIdentifier,
  encodeBasicConstraints,
  encodeExtKeyUsage,
  encodeKeyUsage,
  encodeSigned,
  encodeSubjectAltName,
  encodeSubjectKeyIdentifier,
  encodeTbsCertificate,
  type GeneralName,
  generateSerial,
  parseCertificate,
} from '../../src/x509/index.js'
import { type CredentialFiles, makeDeployment, type TestDeployment } from '../support/deployment.js'
import { expectCode } from '../support/expect-code.js'
import { available, type Ran, run } from './programs.js'

const hasOpenssl = available('openssl')
const hasCerttool = available('certtool')
const hasGo = available('go')

/** OpenSSL 3.0, GnuTLS 3.7 and Go know no ML-DSA: that is for signet itself and Node. */
const KEYS = ['p256', 'p384', 'rsa3072', 'ed25519'] as const satisfies readonly KeyAlgorithmName[]
const deployments = new Map<KeyAlgorithmName, TestDeployment>()
for (const algorithm of [...KEYS, 'ml-dsa-65'] as const) {
  deployments.set(algorithm, await makeDeployment({ algorithm, entities: [{ id: 'compute-07' }] }))
}
const HOST = 'compute-07.cloud.example'

function deploymentOf(algorithm: KeyAlgorithmName): TestDeployment {
  const deployment = deployments.get(algorithm)
  if (deployment === undefined) throw new Error(`no deployment with ${algorithm}`)
  return deployment
}

/** What a program is shown. */
interface Presented {
  readonly certificate: string
  readonly chain: string
  readonly fullchain: string
}

function opensslVerify(cloud: TestDeployment, shown: Presented, ...words: readonly string[]): Ran {
  const trust = ['-CAfile', cloud.rootFile, '-untrusted', shown.chain, '-CRLfile', cloud.crlsFile]
  return run('openssl', ['verify', '-x509_strict', '-crl_check_all', ...trust, ...words, shown.certificate])
}

function certtoolVerify(cloud: TestDeployment, shown: Presented, ...words: readonly string[]): Ran {
  const files = ['--load-ca-certificate', cloud.rootFile, '--infile', shown.fullchain]
  return run('certtool', ['--verify', ...files, ...words])
}

/** One line for each question; see go/verify-chain.go. */
function goVerify(questions: readonly (readonly [root: string, chain: string, host: string])[]): readonly string[] {
  const program = fileURLToPath(new URL('go/verify-chain.go', import.meta.url))
  const input = questions.map((words) => `${words.join(' ')}\n`).join('')
  const { code, stdout, stderr } = run('go', ['run', program], { input })
  if (code !== 0) throw new Error(`go run ended with ${String(code)}: ${stderr}`)
  return stdout.trim().split('\n')
}

/** With nothing in the cache, Go compiles its crypto library first. */
const GO_TIMEOUT = 180_000

function validHere(cloud: TestDeployment, certificate: Certificate, purpose: 'server' | 'client' | 'email'): void {
  validatePath(certificate, {
    anchors: [cloud.root],
    intermediates: [cloud.issuing],
    at: cloud.clock.now(),
    purpose,
    revocation: { crls: cloud.crls },
  })
}

describe.each(KEYS)('a path whose CAs have keys of the kind %s', (algorithm) => {
  const cloud = deploymentOf(algorithm)
  const tls = cloud.credential('compute-07/tls')
  const signer = cloud.credential('compute-07/signer')

  it.skipIf(!hasOpenssl)('is accepted by openssl verify, strictly and with all CRLs, for each purpose', () => {
    expect(opensslVerify(cloud, tls, '-purpose', 'sslserver', '-verify_hostname', HOST)).toMatchObject({ code: 0 })
    expect(opensslVerify(cloud, tls, '-purpose', 'sslclient')).toMatchObject({ code: 0 })
    expect(opensslVerify(cloud, signer, '-purpose', 'smimesign')).toMatchObject({ code: 0 })
  })

  it.skipIf(!hasOpenssl)('is accepted by openssl verify with nothing but the files of the credential', () => {
    for (const { caBundle, crls, certificate } of [tls, signer]) {
      const words = ['verify', '-x509_strict', '-crl_check_all', '-CAfile', caBundle, '-CRLfile', crls, certificate]
      expect(run('openssl', words)).toMatchObject({ code: 0 })
    }
  })

  it.skipIf(!hasOpenssl)('is refused by openssl verify for another purpose or host name', () => {
    expect(opensslVerify(cloud, tls, '-purpose', 'smimesign').output).toContain('certificate purpose')
    expect(opensslVerify(cloud, signer, '-purpose', 'sslclient').output).toContain('certificate purpose')
    expect(opensslVerify(cloud, tls, '-verify_hostname', 'other.cloud.example').output).toContain('hostname mismatch')
  })

  it.skipIf(!hasCerttool).each(['low', 'medium'])('is accepted by certtool --verify with the profile %s', (profile) => {
    const words = ['--verify-profile', profile, '--load-crl', cloud.crlsFile]
    expect(certtoolVerify(cloud, tls, ...words, '--verify-hostname', HOST)).toMatchObject({ code: 0 })
    expect(certtoolVerify(cloud, tls, ...words, '--verify-purpose', OID.kpServerAuth)).toMatchObject({ code: 0 })
    expect(certtoolVerify(cloud, tls, ...words, '--verify-purpose', OID.kpClientAuth)).toMatchObject({ code: 0 })
    expect(certtoolVerify(cloud, signer, ...words, '--verify-purpose', OID.kpEmailProtection)).toMatchObject({
      code: 0,
    })
    expect(certtoolVerify(cloud, signer, ...words)).toMatchObject({ code: 0 })
  })

  it.skipIf(!hasCerttool)('is refused by certtool --verify for another purpose or host name', () => {
    const low = ['--verify-profile', 'low']
    expect(certtoolVerify(cloud, tls, ...low, '--verify-hostname', 'other.cloud.example').code).not.toBe(0)
    expect(certtoolVerify(cloud, tls, ...low, '--verify-purpose', OID.kpCodeSigning).code).not.toBe(0)
  })

  it('is accepted by Node, link by link', () => {
    expectLinked(cloud, tls)
    expectLinked(cloud, signer)
  })
})

describe('a path whose CAs have keys of the kind ml-dsa-65', () => {
  const cloud = deploymentOf('ml-dsa-65')

  it('is accepted by signet and by Node, link by link', async () => {
    const tls = cloud.credential('compute-07/tls')
    expectLinked(cloud, tls)
    await cloud.signet(['cert', 'verify', tls.fullchain, '--purpose', 'server', '--host', HOST])
  })
})

function expectLinked(cloud: TestDeployment, { certificate }: CredentialFiles): void {
  const [leaf, issuing, root] = [certificate, cloud.issuingFile, cloud.rootFile].map(
    (file) => new X509Certificate(readFileSync(file)),
  )
  if (leaf === undefined || issuing === undefined || root === undefined) throw new Error('unreachable')
  expect([leaf.checkIssued(issuing), issuing.checkIssued(root), root.checkIssued(root)]).toEqual([true, true, true])
  expect(leaf.verify(issuing.publicKey)).toBe(true)
  expect(issuing.verify(root.publicKey)).toBe(true)
  expect(root.verify(root.publicKey)).toBe(true)
  expect(leaf.verify(root.publicKey)).toBe(false)
}

describe.skipIf(!hasGo)("Go's crypto/x509", () => {
  it(
    'accepts our paths for all of its algorithms, for servers by host name and for clients',
    () => {
      const questions = KEYS.flatMap((algorithm) => {
        const { rootFile: root, ...cloud } = pick(deploymentOf(algorithm))
        return [
          [root, cloud.fullchain, HOST],
          [root, cloud.fullchain, '-'],
        ] as const
      })
      expect(goVerify(questions)).toEqual(questions.map(() => 'ok'))
    },
    GO_TIMEOUT,
  )

  it(
    'refuses them for another host name, and against the root of another deployment with the same names',
    () => {
      const { rootFile, fullchain } = pick(deploymentOf('p256'))
      const [host, root] = goVerify([
        [rootFile, fullchain, 'other.cloud.example'],
        [deploymentOf('p384').rootFile, fullchain, HOST],
      ])
      expect(host).toContain('certificate is valid for compute-07.cloud.example')
      expect(root).toMatch(/^refused: .*certificate signed by unknown authority/)
    },
    GO_TIMEOUT,
  )

  it(
    'accepts certificates for signing messages as certificates for e-mail, and for nothing else',
    () => {
      const cloud = deploymentOf('p256')
      const { fullchain } = cloud.credential('compute-07/signer')
      const [signer, client] = goVerify([
        [cloud.rootFile, fullchain, '@'],
        [cloud.rootFile, fullchain, '-'],
      ])
      expect(signer).toBe('ok')
      expect(client).toContain('incompatible key usage')
    },
    GO_TIMEOUT,
  )
})

function pick(cloud: TestDeployment): { readonly rootFile: string; readonly fullchain: string } {
  return { rootFile: cloud.rootFile, fullchain: cloud.credential('compute-07/tls').fullchain }
}

describe('names outside of the deployment', () => {
  const cloud = deploymentOf('p256')
  const rows: readonly { readonly claim: string; readonly name: GeneralName; readonly inside: boolean }[] = [
    { claim: 'a host name below the domain', name: { kind: 'dns', value: 'x.cloud.example' }, inside: true },
    { claim: 'a host name elsewhere', name: { kind: 'dns', value: 'x.evil.example' }, inside: false },
    { claim: 'a host name that ends alike', name: { kind: 'dns', value: 'evilcloud.example' }, inside: false },
    { claim: 'a private address', name: { kind: 'ip', octets: Uint8Array.of(10, 1, 2, 3) }, inside: true },
    { claim: 'a public address', name: { kind: 'ip', octets: Uint8Array.of(8, 8, 8, 8) }, inside: false },
    { claim: 'an identity here', name: { kind: 'uri', value: 'spiffe://cloud.example/a/b' }, inside: true },
    { claim: 'an identity elsewhere', name: { kind: 'uri', value: 'spiffe://evil.example/a/b' }, inside: false },
  ]

  /** What somebody who stole the issuing key would sign. */
  async function forged(name: GeneralName): Promise<Presented & { readonly parsed: Certificate }> {
    const publicKey = publicKeyOf(generatePrivateKey('p256'))
    const at = cloud.clock.now()
    const parsed = await cloud.withAuthority(async ({ issuing }, key) => {
      const tbsDer = encodeTbsCertificate({
        serialNumberOctets: generateSerial(),
        signatureAlgorithm: key.signatureAlgorithm,
        issuer: issuing.subject,
        notBefore: addSeconds(at, -60),
        notAfter: addSeconds(at, HOUR),
        subject: buildName([[OID.commonName, 'forged']]),
        spkiDer: publicKey.spkiDer,
        extensionsDer: [
          encodeBasicConstraints({ ca: false, pathLenConstraint: undefined }),
          encodeKeyUsage(['digitalSignature']),
          encodeExtKeyUsage([OID.kpServerAuth, OID.kpClientAuth]),
          encodeSubjectKeyIdentifier(keyIdentifierOf(publicKey)),
          encodeAuthorityKeyIdentifier(keyIdentifierOf(issuing.publicKey)),
          // Without any host name, GnuTLS would judge the common name.
          encodeSubjectAltName([{ kind: 'dns', value: 'compute-07.cloud.example' }, name], false),
        ],
      })
      return parseCertificate(encodeSigned(tbsDer, key.signatureAlgorithm, await key.sign(tbsDer)))
    })
    const fullchain = cloud.write(`forged-${parsed.serialNumber}.pem`, parsed.toPem() + cloud.issuing.toPem())
    return { certificate: fullchain, chain: cloud.issuingFile, fullchain, parsed }
  }

  const refusals = new Map<string, { readonly inside: boolean; readonly presented: Presented }>()

  it.each(rows)('signet and OpenSSL judge alike: $claim', async ({ claim, name, inside }) => {
    const presented = await forged(name)
    refusals.set(claim, { inside, presented })
    const validate = (): void => {
      validHere(cloud, presented.parsed, 'server')
    }
    if (inside) validate()
    else expectCode('ERR_PATH_NAME_CONSTRAINT', validate)
    if (!hasOpenssl) return
    const { code, output } = opensslVerify(cloud, presented, '-purpose', 'sslserver')
    if (inside) expect(code).toBe(0)
    else expect(output).toContain('permitted subtree violation')
  })

  it.each(['host.other.example', 'node.v2', 'host.cloud.example'])(
    'are not what strangers see in the id %s of an entity, although it has the form of one',
    async (id) => {
      await cloud.add({ id, service: 'x', dns: [] })
      const signer = await cloud.issue(id, `dotted/${id}`, { profile: 'signer' })
      if (hasOpenssl) expect(opensslVerify(cloud, signer, '-purpose', 'smimesign')).toMatchObject({ code: 0 })
      if (hasCerttool) expect(certtoolVerify(cloud, signer, '--verify-profile', 'low')).toMatchObject({ code: 0 })
    },
  )

  it.skipIf(!hasCerttool)('GnuTLS holds the common name of a server without host names against them', async () => {
    await cloud.add({ id: 'nameless-01', dns: [] })
    const low = ['--verify-profile', 'low']
    const [peer, client] = [
      await cloud.issue('nameless-01', 'nameless/peer', { profile: 'peer' }),
      await cloud.issue('nameless-01', 'nameless/client', { profile: 'client' }),
    ]
    expect(certtoolVerify(cloud, peer, ...low).output).toContain("violates the signer's constraints")
    expect(certtoolVerify(cloud, client, ...low)).toMatchObject({ code: 0 })
    if (hasOpenssl) expect(opensslVerify(cloud, peer, '-purpose', 'sslclient')).toMatchObject({ code: 0 })
  })

  it.skipIf(!hasGo)(
    'Go judges them alike',
    () => {
      const asked = [...refusals.values()]
      const answers = goVerify(asked.map(({ presented }) => [cloud.rootFile, presented.fullchain, '-'] as const))
      expect(answers.map((answer) => answer === 'ok')).toEqual(asked.map(({ inside }) => inside))
      for (const answer of answers) expect(answer).toMatch(/^ok$|is not permitted by any constraint/)
    },
    GO_TIMEOUT,
  )

  it.skipIf(!hasCerttool)('GnuTLS judges host names and addresses alike', () => {
    for (const [claim, { inside, presented }] of refusals) {
      // GnuTLS does not look at URIs.
      if (claim === 'an identity elsewhere') continue
      const { code } = certtoolVerify(cloud, presented, '--verify-profile', 'low')
      expect({ claim, accepted: code === 0 }).toEqual({ claim, accepted: inside })
    }
  })
})

describe('a revoked certificate', () => {
  const cloud = deploymentOf('p384')
  const tls = cloud.credential('compute-07/tls')
  const signer = cloud.credential('compute-07/signer')
  const withCrl = ['--verify-profile', 'low', '--load-crl', cloud.crlsFile]

  it('is refused by OpenSSL, GnuTLS and signet once the CRL is published, and no other is', async () => {
    await cloud.signet(['revoke', '--cert', tls.certificate, '--reason', 'keyCompromise'])
    // Nobody hears of it before.
    validHere(cloud, tls.load().certificate, 'server')
    if (hasOpenssl) expect(opensslVerify(cloud, tls)).toMatchObject({ code: 0 })
    await cloud.publishCrls()
    expectCode('ERR_REVOKED', () => {
      validHere(cloud, tls.load().certificate, 'server')
    })
    validHere(cloud, signer.load().certificate, 'email')
    if (hasOpenssl) {
      expect(opensslVerify(cloud, tls).output).toContain('certificate revoked')
      expect(opensslVerify(cloud, signer)).toMatchObject({ code: 0 })
    }
    if (hasCerttool) {
      const { code, output } = certtoolVerify(cloud, tls, ...withCrl)
      expect(code).not.toBe(0)
      expect(output).toMatch(/revoked/i)
      expect(certtoolVerify(cloud, signer, ...withCrl)).toMatchObject({ code: 0 })
    }
  })
})
