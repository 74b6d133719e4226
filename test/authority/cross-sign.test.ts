/** One root vouches for the next: whoever knows only one of them finds a path to what is below the other. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { crossSign, issueCertificates, makeNextRoot, openRootBundle, PROFILES } from '../../src/authority/index.js'
import { makeIssuingCa, makeRootCa } from '../../src/authority/make-ca.js'
import { generatePrivateKey, MemoryKeyProvider } from '../../src/crypto/index.js'
import { validatePath } from '../../src/path/index.js'
import { openTrustDirectory, signTrustDirectory } from '../../src/trust/index.js'
import { addSeconds, DAY } from '../../src/time/index.js'
import { type Certificate, createCrl } from '../../src/x509/index.js'
import { OID } from '../../src/asn1/index.js'
import { makeCertificate, NOW } from '../support/certificates.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'
import { makeTemplate, PASSPHRASE, TRUST_DOMAIN } from '../support/test-authority.js'
import { temporaryFolder } from '../support/temporary.js'
import { writeFileSync } from 'node:fs'

vi.setConfig({ testTimeout: 60_000 })

const template = await makeTemplate()
const folder = temporaryFolder()
const old = openRootBundle(join(template.home, 'root-offline'), PASSPHRASE)
const directory = join(folder, 'root-2')
await makeNextRoot(directory, old.certificate, { algorithm: 'p256', passphrase: PASSPHRASE }, NOW)
const next = openRootBundle(directory, PASSPHRASE)
const newWithOld = await crossSign(old, next.certificate, NOW)
const oldWithNew = await crossSign(next, old.certificate, NOW)

/** An issuing CA below the new root, and a node of it. */
const issuingKey = new MemoryKeyProvider(generatePrivateKey('p256'))
const issuing = await makeIssuingCa(next, {
  subject: template.made.issuing.subject,
  publicKey: issuingKey.publicKey,
  constraints: template.made.issuing.nameConstraints ?? expect.fail(),
  at: NOW,
})
const below = { certificate: issuing, key: issuingKey }
const leafOf = (name: string, purpose: string): ReturnType<typeof makeCertificate> =>
  makeCertificate({
    subject: name,
    issuer: below,
    purposes: [purpose],
    names: [{ kind: 'uri', value: `spiffe://${TRUST_DOMAIN}/signet/${name}` }],
  })
const leaf = leafOf('node-1', OID.kpClientAuth)
const validate = (target: Certificate, anchor: Certificate, ...intermediates: readonly Certificate[]) =>
  validatePath(target, { anchors: [anchor], intermediates, at: NOW, purpose: 'client', revocation: 'allow-unchecked' })

describe('root cross-signing', () => {
  it('requirement 45: whoever knows the old root believes what is below the new one, by the cross certificate alone', () => {
    const path = validate(leaf.certificate, old.certificate, issuing, newWithOld)
    expect(path.certificates).toEqual([leaf.certificate, issuing, newWithOld, old.certificate])
    expectCode('ERR_PATH_NOT_FOUND', () => validate(leaf.certificate, old.certificate, issuing))
    expectCode('ERR_PATH_NOT_FOUND', () => validate(leaf.certificate, old.certificate, issuing, next.certificate))
    // The new root beside it is no trust anchor, and in nobody's way.
    validate(leaf.certificate, old.certificate, next.certificate, issuing, newWithOld, oldWithNew)
    validate(leaf.certificate, next.certificate, issuing)
  })

  it('and the reverse', async () => {
    const test = await template.open()
    await test.register('node-1')
    const key = { kind: 'generate', algorithm: 'p256' } as const
    const order = { entity: 'node-1', profile: PROFILES.peer, key }
    const [issued] = await issueCertificates(await test.issuing(), [order])
    const { certificate } = issued ?? expect.fail()
    validate(certificate, next.certificate, template.made.issuing, oldWithNew)
    expectCode('ERR_PATH_NOT_FOUND', () => validate(certificate, next.certificate, template.made.issuing, newWithOld))
  })

  it('is valid as long as both, and is a CA like the root', () => {
    expect(newWithOld.notAfter).toEqual(old.certificate.notAfter)
    expect(newWithOld.basicConstraints).toEqual({ ca: true, pathLenConstraint: 1 })
    expect(newWithOld.keyIdentifier).toBe(next.certificate.keyIdentifier)
  })

  it.each([
    [
      'another name',
      async () => makeRootCa(template.made.issuing.subject, new MemoryKeyProvider(generatePrivateKey('p256')), NOW),
    ],
    ['no root', () => Promise.resolve(template.made.issuing)],
    ['itself', () => Promise.resolve(old.certificate)],
    ['a root whose signature is not its own', () => Promise.resolve(newWithOld)],
    [
      'a root that is not valid yet',
      async () =>
        makeRootCa(old.certificate.subject, new MemoryKeyProvider(generatePrivateKey('p256')), addSeconds(NOW, DAY)),
    ],
  ] as const)('CA-18: is refused for %s', async (_claim, other) => {
    const certificate = await other()
    await expectCodeAsync('ERR_ISSUE_PROFILE', () => crossSign(old, certificate, NOW))
  })

  it('CA-18: nobody but the old root can vouch: one of the same name, with another key, does not count', async () => {
    const impostor = new MemoryKeyProvider(generatePrivateKey('p256'))
    const certificate = await makeRootCa(old.certificate.subject, impostor, NOW)
    const forged = await crossSign({ certificate, key: impostor }, next.certificate, NOW)
    expectCode('ERR_PATH_NOT_FOUND', () => validate(leaf.certificate, old.certificate, issuing, forged))
    expectCode('ERR_PATH_NOT_FOUND', () => validate(leaf.certificate, old.certificate, issuing, forged, certificate))
    await expectCodeAsync('ERR_OUTPUT_EXISTS', () =>
      makeNextRoot(directory, old.certificate, { algorithm: 'p256', passphrase: PASSPHRASE }, NOW),
    )
  })

  it('is what OpenSSL takes it for, with the path length of the roots', () => {
    const write = (name: string, ...certificates: readonly Certificate[]): string => {
      const path = join(folder, name)
      writeFileSync(path, certificates.map((one) => one.toPem()).join(''))
      return path
    }
    const verify = (anchor: Certificate, ...others: readonly Certificate[]): number | null => {
      const words = ['-attime', String(NOW.getTime() / 1000), '-x509_strict', '-CAfile', write('anchor.pem', anchor)]
      const untrusted = ['-untrusted', write('others.pem', ...others), write('leaf.pem', leaf.certificate)]
      return spawnSync('openssl', ['verify', ...words, ...untrusted]).status
    }
    expect(verify(old.certificate, issuing, newWithOld)).toBe(0)
    expect(verify(next.certificate, issuing)).toBe(0)
    expect(verify(old.certificate, issuing)).not.toBe(0)
    expect(verify(old.certificate, issuing, next.certificate)).not.toBe(0)
  })

  it('requirement 45: leads from the pin of the old root to that of the new one, signed all the way', async () => {
    const publisher = leafOf('trust-publisher', OID.signetKpTrustDirectory)
    const crl = async (holder: { certificate: Certificate; key: MemoryKeyProvider }) =>
      createCrl(
        {
          issuer: holder.certificate.subject,
          authorityKeyIdentifier: holder.certificate.subjectKeyIdentifier ?? expect.fail(),
          crlNumber: 1,
          thisUpdate: NOW,
          nextUpdate: addSeconds(NOW, DAY),
          revokedCertificates: [],
        },
        holder.key,
      )
    const memory = (key: typeof old.key): MemoryKeyProvider => key as MemoryKeyProvider
    const document = {
      trustDomain: TRUST_DOMAIN,
      sequence: 1,
      issuedAt: NOW,
      nextUpdate: addSeconds(NOW, DAY),
      anchors: [old.certificate, next.certificate],
      authorities: [issuing, newWithOld],
      crls: [
        await crl({ certificate: issuing, key: issuingKey }),
        await crl({ certificate: next.certificate, key: memory(next.key) }),
        await crl({ certificate: old.certificate, key: memory(old.key) }),
      ],
      signers: [],
    }
    const der = await signTrustDirectory(document, publisher)
    const request = { at: NOW, memory: 'allow-forgetting' } as const
    // Whoever pins the old one finds in it, verified, which is the new one; and then pins that.
    const learnt = openTrustDirectory(der, { ...request, pin: old.certificate.fingerprint })
    expect(learnt.anchors[1]?.fingerprint).toBe(next.certificate.fingerprint)
    openTrustDirectory(der, { ...request, pin: next.certificate.fingerprint })
    // Without the cross certificate nobody vouched for the new one, however it is put beside the old one.
    const alone = await signTrustDirectory({ ...document, authorities: [issuing] }, publisher)
    expectCode('ERR_PATH_NOT_FOUND', () => openTrustDirectory(alone, { ...request, pin: old.certificate.fingerprint }))
  })
})
