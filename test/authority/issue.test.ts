import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import {
  encodeContext,
  encodeObjectIdentifier,
  encodeSequence,
  encodeSetOf,
  encodeInteger,
  OID,
} from '../../src/asn1/index.js'
import { type ApprovalRequest, approveCertificate, ApprovedCertificate, Approver } from '../../src/authority/approve.js'
import {
  ENTITY_PROFILES,
  issueCertificates,
  type IssuedCertificate,
  type IssueRequest,
  type Profile,
  profileNamed,
  PROFILES,
  renewCertificates,
  revokeCertificates,
  setEntityState,
} from '../../src/authority/index.js'
import { issueOwnCertificate } from '../../src/authority/issue.js'
import { keyIdentifierOf, type KeyProvider, MemoryKeyProvider } from '../../src/crypto/index.js'
import type { ErrorCode } from '../../src/errors/index.js'
import { parseIdentityUri } from '../../src/identity/index.js'
import { validatePath } from '../../src/path/index.js'
import { verifyAudit } from '../../src/store/index.js'
import { addSeconds, DAY, HOUR, MINUTE } from '../../src/time/index.js'
import {
  buildName,
  type CertificationRequest,
  createCertificationRequest,
  encodeBasicConstraints,
  encodeCrlDistributionPoints,
  encodeExtKeyUsage,
  encodeKeyUsage,
  encodeNameConstraints,
  encodeSigned,
  encodeSubjectAltName,
  encodeSubjectKeyIdentifier,
  encodeTbsCertificate,
  formatGeneralName,
  type GeneralName,
  generateSerial,
  KEY_USAGES,
  parseCertificationRequest,
  serialText,
} from '../../src/x509/index.js'
import { keyFor, NOW, privateKeyFor } from '../support/certificates.js'
import { fromHex } from '../support/der.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'
import { extensionDer, unknownExtension } from '../support/hierarchy.js'
import { makeTemplate, type TestAuthority } from '../support/test-authority.js'
import { turnsDuring } from '../support/turns.js'

const template = await makeTemplate()
const generate = { kind: 'generate', algorithm: 'p256' } as const
const IDENTITY = 'spiffe://cloud.example/compute/node-1'

async function csr(
  extensionsDer: readonly Uint8Array[] = [],
  owner = 'node',
  subject = 'whatever',
): Promise<CertificationRequest> {
  const pem = await createCertificationRequest(keyFor(owner), {
    subject: buildName([[OID.commonName, subject]]),
    extensionsDer,
  })
  return parseCertificationRequest(Buffer.from(pem))
}

/** An authority of its own with one entity, `node-1`. */
async function setUp(): Promise<TestAuthority> {
  const test = await template.open()
  await test.register('node-1', { ipAddresses: ['10.0.0.1'], roles: ['worker'] })
  return test
}

async function issueOne(test: TestAuthority, changes: Partial<IssueRequest> = {}): Promise<IssuedCertificate> {
  const [issued] = await issueCertificates(await test.issuing(), [
    { entity: 'node-1', profile: PROFILES.peer, key: generate, ...changes },
  ])
  if (issued === undefined) throw new Error('one was asked for')
  return issued
}

async function withRequest(
  test: TestAuthority,
  request: CertificationRequest,
  changes: Partial<IssueRequest> = {},
): Promise<IssuedCertificate> {
  return issueOne(test, { key: { kind: 'request', request }, ...changes })
}

describe('issueCertificates: what comes out', () => {
  it('is what the profile and the registry say, octet by octet', async () => {
    const test = await setUp()
    const { certificate, privateKey, identity, profile, shortened } = await issueOne(test)
    expect(certificate.subject.toString()).toBe('CN=node-1,OU=compute,O=cloud.example')
    expect(certificate.subjectAltName.map(formatGeneralName)).toEqual([
      `URI:${IDENTITY}`,
      'DNS:node-1.cloud.example',
      'IP:10.0.0.1',
    ])
    expect(certificate.basicConstraints).toEqual({ ca: false, pathLenConstraint: undefined })
    expect([...(certificate.keyUsage ?? [])]).toEqual(['digitalSignature'])
    expect([...(certificate.extKeyUsage ?? [])]).toEqual([OID.kpServerAuth, OID.kpClientAuth])
    expect(certificate.notBefore).toEqual(addSeconds(NOW, -5 * MINUTE))
    expect(certificate.notAfter).toEqual(addSeconds(NOW, PROFILES.peer.validitySeconds))
    expect(certificate.serialNumberOctets).toHaveLength(20)
    expect(
      [...certificate.extensions.values()].filter((extension) => extension.critical).map((extension) => extension.oid),
    ).toEqual([OID.basicConstraints, OID.keyUsage])
    expect(certificate.subjectKeyIdentifier).toEqual(keyIdentifierOf(certificate.publicKey))
    expect(privateKey).toBeDefined()
    expect(identity).toMatchObject({ entity: 'node-1', uri: IDENTITY, roles: ['worker'] })
    expect([profile.name, shortened]).toEqual(['peer', false])
  })

  it.each(ENTITY_PROFILES)(
    'the profile %s: a path validator accepts the result for its purposes, and for no other',
    async (name) => {
      const test = await setUp()
      const profile = profileNamed(name)
      const { certificate } = await issueOne(test, { profile })
      const { crls } = await test.issuing()
      const { authority } = test
      for (const purpose of [
        'server',
        'client',
        'message-signing',
        'message-encryption',
        'trust-directory',
        'email',
        'email-encryption',
        'ocsp-signing',
      ] as const) {
        const check = (): unknown =>
          validatePath(certificate, {
            anchors: authority.anchors,
            intermediates: [authority.issuing],
            at: NOW,
            purpose,
            revocation: { crls },
          })
        if (profile.purposes.includes(purpose)) check()
        // Signing and encryption have the purpose of e-mail in common, and not the use of the key.
        else
          expectCode(
            isForEmail(profile) && purpose.startsWith('email') ? 'ERR_PATH_KEY_USAGE' : 'ERR_PATH_PURPOSE',
            check,
          )
      }
      expect(certificate.subjectAltName.some((item) => item.kind === 'dns')).toBe(profile.names === 'hosts')
    },
  )

  it('several of one call come in the order of the requests, and share two commits', async () => {
    const test = await setUp()
    await test.register('node-2')
    const before = (await test.authority.store.logHead()).sequence
    const entities = ['node-2', 'node-1', 'node-2']
    const issued = await issueCertificates(
      await test.issuing(),
      entities.map((entity) => ({ entity, profile: PROFILES.client, key: generate })),
    )
    expect(issued.map((item) => item.identity.entity)).toEqual(entities)
    const events = (await test.authority.store.logEntries(before + 1, 100)).map((entry) => entry.event)
    expect(events).toEqual(['certificate.intended', ...Array<string>(3).fill('certificate.issued')])
    await verifyAudit(test.authority.store)
  })

  it('none is none', async () => {
    expect(await issueCertificates(await (await setUp()).issuing(), [])).toEqual([])
  })

  it('lets others have a turn after every few', async () => {
    const issuing = await (await setUp()).issuing()
    const requests = Array.from({ length: 50 }, (): IssueRequest => {
      return { entity: 'node-1', profile: PROFILES.peer, key: generate }
    })
    const { value, turns } = await turnsDuring(() => issueCertificates(issuing, requests))
    expect(value).toHaveLength(50)
    // Planned by 16, read by 10; and between.
    expect(turns).toBeGreaterThanOrEqual(3 + 5 + 3)
  })

  it('with a request the key stays where it is', async () => {
    const issued = await withRequest(await setUp(), await csr())
    expect(issued.privateKey).toBeUndefined()
    expect(issued.certificate.spkiDer).toEqual(keyFor('node').publicKey.spkiDer)
  })

  it('CA-01, ID-13: the subject of a request is not looked at', async () => {
    const pem = await createCertificationRequest(keyFor('node'), {
      subject: buildName([
        [OID.organizationName, 'system:masters'],
        [OID.commonName, 'admin'],
      ]),
    })
    const { certificate, identity } = await withRequest(await setUp(), parseCertificationRequest(Buffer.from(pem)))
    expect(certificate.subject.toString()).toBe('CN=node-1,OU=compute,O=cloud.example')
    expect(identity.roles).toEqual(['worker'])
  })
})

describe('issueCertificates: what a request may not ask for', () => {
  const asks = (names: readonly GeneralName[]): readonly Uint8Array[] => [encodeSubjectAltName(names, false)]
  const forbidden: readonly (readonly [claim: string, extensionsDer: readonly Uint8Array[]])[] = [
    ['to be a CA', [encodeBasicConstraints({ ca: true, pathLenConstraint: undefined })]],
    ['to be a CA of no depth', [encodeBasicConstraints({ ca: true, pathLenConstraint: 0 })]],
    ['to sign certificates', [encodeKeyUsage(['digitalSignature', 'keyCertSign'])]],
    ['to sign CRLs', [encodeKeyUsage(['cRLSign'])]],
    ...KEY_USAGES.filter((usage) => usage !== 'digitalSignature').map(
      (usage) => [`the key usage ${usage}`, [encodeKeyUsage([usage])]] as const,
    ),
    ['to sign code', [encodeExtKeyUsage([OID.kpClientAuth, OID.kpCodeSigning])]],
    ['any purpose', [encodeExtKeyUsage([OID.anyExtendedKeyUsage])]],
    ['to sign messages', [encodeExtKeyUsage([OID.signetKpMessageSigning])]],
    ['to sign the trust directory', [encodeExtKeyUsage([OID.signetKpTrustDirectory])]],
    ['to sign OCSP answers', [encodeExtKeyUsage([OID.kpOcspSigning])]],
    ['a foreign host name', asks([{ kind: 'dns', value: 'other.cloud.example' }])],
    [
      'a foreign host name beside its own',
      asks([
        { kind: 'dns', value: 'node-1.cloud.example' },
        { kind: 'dns', value: 'other.cloud.example' },
      ]),
    ],
    ['a wildcard', asks([{ kind: 'dns', value: '*.cloud.example' }])],
    ['its own host name in upper case', asks([{ kind: 'dns', value: 'NODE-1.cloud.example' }])],
    ['a foreign identity', asks([{ kind: 'uri', value: 'spiffe://cloud.example/compute/node-2' }])],
    ['its identity as a host name', asks([{ kind: 'dns', value: IDENTITY }])],
    ['its host name as an identity', asks([{ kind: 'uri', value: 'node-1.cloud.example' }])],
    ['a foreign address', asks([{ kind: 'ip', octets: Uint8Array.of(10, 0, 0, 2) }])],
    ['an e-mail address', asks([{ kind: 'email', value: 'root@cloud.example' }])],
    ['a directory name', asks([{ kind: 'directory', name: buildName([[OID.commonName, 'admin']]) }])],
    [
      'a name of another kind',
      [extensionDer(OID.subjectAltName, false, encodeSequence(encodeContext(0, encodeSequence())))],
    ],
    ['name constraints', [encodeNameConstraints({ permitted: [{ kind: 'dns', value: 'a' }], excluded: [] })]],
    ['policies', [extensionDer(OID.certificatePolicies, false, fromHex('30053003060129'))]],
    ['policies of another maker', [extensionDer('1.3.6.1.4.1.311.21.10', false, fromHex('3000'))]],
    ['distribution points', [encodeCrlDistributionPoints(['http://evil.example/'])]],
    ['authority information', [extensionDer(OID.authorityInfoAccess, false, fromHex('3000'))]],
    ['an authority key identifier', [extensionDer(OID.authorityKeyIdentifier, false, fromHex('3000'))]],
    ['an unknown critical extension', [unknownExtension(true)]],
    ['an unknown extension', [unknownExtension(false)]],
  ]

  it.each(forbidden)('CA-01: %s', async (_claim, extensionsDer) => {
    const test = await setUp()
    const before = await test.authority.store.logHead()
    const request = await csr(extensionsDer)
    await expectCodeAsync('ERR_CSR_EXTENSION', () => withRequest(test, request))
    expect((await test.authority.store.certificates('node-1')).length).toBe(0)
    // Refused before anything was planned, but for the CRL that issuing needs.
    const events = (await test.authority.store.logEntries(before.sequence + 1, 10)).map((entry) => entry.event)
    expect(events.filter((event) => event !== 'crl.published')).toEqual([])
  })

  it('CA-01: a wish that is malformed is refused as such', async () => {
    const request = await csr([extensionDer(OID.subjectAltName, false, fromHex('3000'))])
    await expectCodeAsync('ERR_EXTENSION_MALFORMED', async () => withRequest(await setUp(), request))
  })

  it('CA-01: what the profile grants anyway may be asked for, and changes nothing', async () => {
    const test = await setUp()
    const request = await csr([
      encodeBasicConstraints({ ca: false, pathLenConstraint: undefined }),
      encodeKeyUsage(['digitalSignature']),
      encodeExtKeyUsage([OID.kpServerAuth]),
      encodeSubjectKeyIdentifier(Uint8Array.of(1, 2, 3)),
      ...asks([
        { kind: 'ip', octets: Uint8Array.of(10, 0, 0, 1) },
        { kind: 'uri', value: IDENTITY },
      ]),
    ])
    const { certificate } = await withRequest(test, request)
    expect(certificate.subjectKeyIdentifier).toEqual(keyIdentifierOf(certificate.publicKey))
    expect(certificate.subjectAltName).toHaveLength(3)
    expect(certificate.extKeyUsage?.size).toBe(2)
  })

  it('CA-14: no profile makes a CA of anybody, whatever is asked for', async () => {
    const test = await setUp()
    const wishes: readonly (readonly Uint8Array[])[] = [
      [],
      [encodeBasicConstraints({ ca: true, pathLenConstraint: undefined })],
      [encodeKeyUsage(['keyCertSign', 'cRLSign'])],
      [encodeBasicConstraints({ ca: true, pathLenConstraint: 5 }), encodeKeyUsage(['keyCertSign'])],
      [encodeBasicConstraints({ ca: false, pathLenConstraint: 5 })],
    ]
    let issuedCount = 0
    for (const profile of Object.values(PROFILES)) {
      for (const [index, extensionsDer] of wishes.entries()) {
        const request = await csr(extensionsDer, `${profile.name} ${index}`)
        const outcome = await withRequest(test, request, { profile }).catch(
          (error: unknown) => error as Error & { code: string },
        )
        if (outcome instanceof Error) {
          expect(['ERR_CSR_EXTENSION', 'ERR_ISSUE_PROFILE']).toContain(outcome.code)
          continue
        }
        issuedCount++
        expect(outcome.certificate.basicConstraints).toEqual({ ca: false, pathLenConstraint: undefined })
        expect(outcome.certificate.keyUsage?.has('keyCertSign')).toBe(false)
        expect(outcome.certificate.keyUsage?.has('cRLSign')).toBe(false)
      }
    }
    // Five profiles; a request without wishes, and one that only says that it is no CA.
    expect(issuedCount).toBe(10)
    for (const { name, keyUsage } of Object.values(PROFILES)) {
      expect(keyUsage).toEqual(name === 'recipient' ? ['keyAgreement', 'keyEncipherment'] : ['digitalSignature'])
    }
  })
})

function isForEmail({ extKeyUsage }: Profile): boolean {
  return extKeyUsage.includes(OID.kpEmailProtection)
}

describe('profiles', () => {
  it('are named, and nothing that an object inherits is one', () => {
    expect(ENTITY_PROFILES).toEqual(['server', 'client', 'peer', 'signer', 'recipient'])
    for (const name of ENTITY_PROFILES) expect(profileNamed(name)).toBe(PROFILES[name])
    for (const name of ['', 'Peer', 'ca', 'trust-publisher', '__proto__', 'toString', 'constructor']) {
      expectCode('ERR_CONFIG_INVALID', () => profileNamed(name))
    }
  })

  it('CA-04: the profile of the authority is not issued on request', async () => {
    const test = await setUp()
    await expectCodeAsync('ERR_ISSUE_PROFILE', () => issueOne(test, { profile: PROFILES['trust-publisher'] }))
    await expectCodeAsync('ERR_RENEW_DENIED', () => renewIt(test, { profile: PROFILES['trust-publisher'] }))
  })

  it('a server needs a host name or address; TLS keys and signing keys are different keys', async () => {
    const test = await setUp()
    await test.register('bare', { dnsNames: [], ipAddresses: [] })
    await expectCodeAsync('ERR_ISSUE_PROFILE', () => issueOne(test, { entity: 'bare', profile: PROFILES.server }))
    for (const profile of [PROFILES.client, PROFILES.peer, PROFILES.signer])
      await issueOne(test, { entity: 'bare', profile })
    await test.register('addressed', { dnsNames: [], ipAddresses: ['10.0.0.9'] })
    await issueOne(test, { entity: 'addressed', profile: PROFILES.server })
  })
})

describe('the profile recipient', () => {
  it('gives a key what its kind can do, and no other', async () => {
    const test = await setUp()
    for (const [algorithm, usage] of [
      ['p256', 'keyAgreement'],
      ['p384', 'keyAgreement'],
      ['rsa2048', 'keyEncipherment'],
    ] as const) {
      const { certificate } = await issueOne(test, {
        profile: PROFILES.recipient,
        key: { kind: 'generate', algorithm },
      })
      expect([...(certificate.keyUsage ?? [])]).toEqual([usage])
      expect([...(certificate.extKeyUsage ?? [])]).toEqual([OID.kpEmailProtection, OID.signetKpMessageEncryption])
    }
  })

  it('CA-04: refuses keys that only sign, and requests for what their key cannot do', async () => {
    const test = await setUp()
    for (const algorithm of ['ed25519', 'ml-dsa-65'] as const) {
      const key = { kind: 'generate', algorithm } as const
      await expectCodeAsync('ERR_ISSUE_PROFILE', () => issueOne(test, { profile: PROFILES.recipient, key }))
    }
    const request = await csr([encodeKeyUsage(['keyEncipherment'])], 'encryption')
    await expectCodeAsync('ERR_CSR_EXTENSION', () => withRequest(test, request, { profile: PROFILES.recipient }))
    const good = await csr([encodeKeyUsage(['keyAgreement'])], 'encryption')
    await withRequest(test, good, { profile: PROFILES.recipient })
  })

  it('CA-04: a key for encryption neither signs nor speaks TLS', async () => {
    const test = await setUp()
    await withRequest(test, await csr([], 'encryption'), { profile: PROFILES.recipient })
    for (const profile of [PROFILES.signer, PROFILES.client]) {
      const request = await csr([], 'encryption')
      await expectCodeAsync('ERR_ISSUE_KEY', () => withRequest(test, request, { profile }))
    }
  })
})

describe('issueCertificates: to whom', () => {
  it('CA-04: refuses who is not registered, quarantined or retired, in whatever way it is asked', async () => {
    const test = await setUp()
    for (const entity of ['nobody', '', '__proto__', 'toString', '../node-1', 'NODE-1', 'node-1 ']) {
      await expectCodeAsync('ERR_ENTITY_UNKNOWN', () => issueOne(test, { entity }))
      await expectCodeAsync('ERR_ENTITY_UNKNOWN', () => renewIt(test, { entity }))
    }
    await issueOne(test)
    for (const state of ['quarantined', 'retired'] as const) {
      await setEntityState(test.authority, 'node-1', state, NOW)
      const request = await csr()
      await expectCodeAsync('ERR_ENTITY_INACTIVE', () => issueOne(test))
      await expectCodeAsync('ERR_ENTITY_INACTIVE', () => withRequest(test, request))
      await expectCodeAsync('ERR_ENTITY_INACTIVE', () => issueOne(test, { profile: PROFILES.signer }))
      await expectCodeAsync(state === 'retired' ? 'ERR_RENEW_DENIED' : 'ERR_ENTITY_INACTIVE', () => renewIt(test))
    }
  })

  it('one that is refused refuses all of its call: nothing is planned', async () => {
    const test = await setUp()
    const issuing = await test.issuing()
    const before = await test.authority.store.logHead()
    await expectCodeAsync('ERR_ENTITY_UNKNOWN', () =>
      issueCertificates(
        issuing,
        ['node-1', 'nobody', 'node-1'].map((entity) => ({ entity, profile: PROFILES.peer, key: generate })),
      ),
    )
    expect(await test.authority.store.logHead()).toEqual(before)
  })
})

describe('issueCertificates: which keys', () => {
  const refuse = (
    test: TestAuthority,
    request: CertificationRequest,
    changes: Partial<IssueRequest> = {},
  ): Promise<unknown> => expectCodeAsync('ERR_ISSUE_KEY', () => withRequest(test, request, changes))

  it('CA-15: not a key of the authority', async () => {
    const test = await setUp()
    for (const key of [template.keys.key, template.keys.publisherKey]) {
      const pem = await createCertificationRequest(key, { subject: buildName([]) })
      await refuse(test, parseCertificationRequest(Buffer.from(pem)))
    }
  })

  it('CA-15: not the key of another entity, even when its certificate is revoked', async () => {
    const test = await setUp()
    await test.register('node-2')
    await withRequest(test, await csr())
    await refuse(test, await csr(), { entity: 'node-2' })
    await revokeCertificates(test.authority, { kind: 'entity', id: 'node-1' }, 'superseded', NOW)
    await refuse(test, await csr(), { entity: 'node-2' })
  })

  it('CA-15: not a key that was revoked as compromised; one that was only superseded', async () => {
    const test = await setUp()
    await withRequest(test, await csr([], 'superseded'))
    await revokeCertificates(test.authority, { kind: 'entity', id: 'node-1' }, 'superseded', NOW)
    await withRequest(test, await csr([], 'superseded'))
    await revokeCertificates(test.authority, { kind: 'entity', id: 'node-1' }, 'keyCompromise', NOW)
    await refuse(test, await csr([], 'superseded'))
  })

  it('CA-15: not a TLS key for signing, nor a signing key for TLS', async () => {
    const test = await setUp()
    await withRequest(test, await csr([], 'tls'))
    await refuse(test, await csr([], 'tls'), { profile: PROFILES.signer })
    await withRequest(test, await csr([], 'tls'), { profile: PROFILES.client })
    await withRequest(test, await csr([], 'signing'), { profile: PROFILES.signer })
    await refuse(test, await csr([], 'signing'))
  })

  it('CA-15, CA-20: not one key for two in the same call, nor in two calls at once', async () => {
    const test = await setUp()
    await test.register('node-2')
    const request = await csr([], 'shared')
    const order = (entity: string, profile = PROFILES.peer): IssueRequest => ({
      entity,
      profile,
      key: { kind: 'request', request },
    })
    const issuing = await test.issuing()
    await expectCodeAsync('ERR_ISSUE_KEY', () => issueCertificates(issuing, [order('node-1'), order('node-2')]))
    await expectCodeAsync('ERR_ISSUE_KEY', () =>
      issueCertificates(issuing, [order('node-1'), order('node-1', PROFILES.signer)]),
    )
    expect(await test.authority.store.certificatesByKeyIdentifier('')).toEqual([])
    expect(await test.authority.store.certificates('node-1')).toEqual([])
    const outcomes = await Promise.allSettled([
      issueCertificates(issuing, [order('node-1')]),
      issueCertificates(issuing, [order('node-2')]),
    ])
    expect(outcomes.map((outcome) => outcome.status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(await test.authority.store.pendingIntents()).toEqual([])
    await verifyAudit(test.authority.store)
  })

  it('CA-15: not a key whose possession is not proven', () => {
    const info = encodeSequence(encodeInteger(0), buildName([]).der, keyFor('node').publicKey.spkiDer, encodeContext(0))
    const { signatureAlgorithm } = keyFor('node')
    for (const signature of [
      keyFor('thief').sign(info),
      keyFor('node').sign(Buffer.from('else')),
      new Uint8Array(),
      new Uint8Array(70),
    ]) {
      expectCode('ERR_CSR_SIGNATURE', () =>
        parseCertificationRequest(encodeSigned(info, signatureAlgorithm, signature)),
      )
    }
  })

  it('CA-16: a challenge password is not kept, and two lists of wishes are refused', () => {
    const build = (...attributes: readonly Uint8Array[]): Uint8Array => {
      const key = keyFor('node')
      const info = encodeSequence(
        encodeInteger(0),
        buildName([]).der,
        key.publicKey.spkiDer,
        encodeContext(0, ...attributes),
      )
      return encodeSigned(info, key.signatureAlgorithm, key.sign(info))
    }
    const wish = encodeSequence(
      encodeObjectIdentifier(OID.extensionRequest),
      encodeSetOf(encodeSequence(unknownExtension(false))),
    )
    const challenge = encodeSequence(
      encodeObjectIdentifier(OID.challengePassword),
      encodeSetOf(Buffer.from('\x0c\x06canary', 'latin1')),
    )
    const parsed = parseCertificationRequest(build(challenge))
    expect(parsed.extensions.size).toBe(0)
    expect(JSON.stringify({ ...parsed, der: undefined })).not.toContain('canary')
    expectCode('ERR_CSR_MALFORMED', () => parseCertificationRequest(build(wish, wish)))
  })
})

describe('issueCertificates: how long', () => {
  it('CA-12: takes the life asked for to the second, and refuses one that is none', async () => {
    const test = await setUp()
    for (const validitySeconds of [1, HOUR, 90 * DAY]) {
      const { certificate } = await issueOne(test, { validitySeconds })
      expect(certificate.notAfter).toEqual(addSeconds(NOW, validitySeconds))
    }
    for (const validitySeconds of [0, -1, -10 * DAY, 0.5, Number.NaN, Infinity, 1e15, 2 ** 53]) {
      await expectCodeAsync('ERR_ISSUE_VALIDITY', () => issueOne(test, { validitySeconds }))
    }
  })

  it('CA-12: asked for, a life beyond the issuer is refused; not asked for, it is cut and said', async () => {
    const test = await setUp()
    const end = test.authority.issuing.notAfter
    test.clock.set(addSeconds(end, -DAY))
    const crls = await renewedCrls(test)
    const issue = async (validitySeconds?: number): Promise<IssuedCertificate | undefined> => {
      const issuing = await test.issuing({ crls })
      const change = validitySeconds === undefined ? {} : { validitySeconds }
      return (
        await issueCertificates(issuing, [{ entity: 'node-1', profile: PROFILES.peer, key: generate, ...change }])
      )[0]
    }
    expect(await issue()).toMatchObject({ shortened: true, certificate: { notAfter: end } })
    expect(await issue(DAY)).toMatchObject({ shortened: false, certificate: { notAfter: end } })
    await expectCodeAsync('ERR_ISSUE_VALIDITY', () => issue(DAY + 1))
  })

  it('CA-12, CA-13: an issuer that has expired, or is not valid yet, issues nothing', async () => {
    const test = await setUp()
    const { notBefore, notAfter } = test.authority.issuing
    for (const at of [
      addSeconds(notAfter, 1),
      addSeconds(notAfter, 100 * 365 * DAY),
      addSeconds(notBefore, -1),
      new Date(0),
    ]) {
      const issuing = await test.issuing({ at, crls: [] })
      await expectCodeAsync('ERR_ISSUE_VALIDITY', () =>
        issueCertificates(issuing, [{ entity: 'node-1', profile: PROFILES.peer, key: generate }]),
      )
    }
    expect(await test.authority.store.certificates('node-1')).toEqual([])
  })

  it('CA-13: begins five minutes early, but never before its issuer', async () => {
    const test = await setUp()
    test.clock.set(addSeconds(NOW, -2 * MINUTE))
    const crls = (await test.issuing({ at: NOW })).crls
    const issuing = await test.issuing({ crls, at: NOW })
    const approved = approveCertificate(
      { certificate: test.authority.issuing, signatureAlgorithm: test.key.signatureAlgorithm, organization: 'x' },
      approval({ at: addSeconds(NOW, -2 * MINUTE) }),
    )
    expect(approved.template.notBefore).toEqual(test.authority.issuing.notBefore)
    expect(issuing.at).toEqual(NOW)
  })
})

async function renewedCrls(test: TestAuthority): Promise<Awaited<ReturnType<TestAuthority['issuing']>>['crls']> {
  const { publishRootCrl, currentCrls, openRootBundle } = await import('../../src/authority/index.js')
  const { PASSPHRASE } = await import('../support/test-authority.js')
  const bundle = openRootBundle(template.made.rootDirectory, PASSPHRASE)
  await publishRootCrl(test.authority, bundle.key, test.clock.now())
  return currentCrls(test.authority, test.key, test.clock.now())
}

function approval(changes: Partial<ApprovalRequest> = {}): ApprovalRequest {
  const { text, scope, service, node } = parseIdentityUri(IDENTITY)
  return {
    profile: PROFILES.peer,
    identity: { entity: 'node-1', uri: text, scope, service, node, roles: [], grants: [], groups: [] },
    dnsNames: ['node-1.cloud.example'],
    ipAddresses: ['10.0.0.1'],
    publicKey: keyFor('node').publicKey,
    serialNumberOctets: generateSerial(),
    at: NOW,
    ...changes,
  }
}

describe('approveCertificate: names', async () => {
  const { authority, key } = await template.open()
  const issuer = {
    certificate: authority.issuing,
    signatureAlgorithm: key.signatureAlgorithm,
    organization: 'cloud.example',
  }
  const approve = (changes: Partial<ApprovalRequest>): ApprovedCertificate =>
    approveCertificate(issuer, approval(changes))

  it('CA-11: exactly one forbidden host name, at each place', () => {
    const good = Array.from({ length: 12 }, (_, index) => `n${index}.cloud.example`)
    approve({ dnsNames: good })
    good.forEach((_name, index) => {
      const error = expectCode('ERR_ISSUE_NAME', () => approve({ dnsNames: good.with(index, 'n.evil.example') }))
      expect(error.details).toMatchObject({ name: 'DNS:n.evil.example' })
    })
  })

  it('CA-11: exactly one forbidden address, at each place', () => {
    const good = Array.from({ length: 12 }, (_, index) => `10.0.0.${index}`)
    approve({ ipAddresses: good })
    good.forEach((_address, index) => {
      for (const address of ['192.0.2.1', '2001:db8::1']) {
        expectCode('ERR_ISSUE_NAME', () => approve({ ipAddresses: good.with(index, address) }))
      }
    })
  })

  it.each([
    'cloud.example.',
    '.cloud.example',
    'a..cloud.example',
    '*.evil.example',
    'cloud.example.evil.example',
    'a b.cloud.example',
    'evilcloud.example',
  ])('CA-02: refuses the host name %j', (name) => {
    expectCode('ERR_ISSUE_NAME', () => approve({ dnsNames: [name] }))
  })

  it.each(['', '10.0.0.1/8', '010.0.0.1', 'localhost', '10.0.0.1,DNS:evil.example'])(
    'CA-02: refuses the address %j',
    (address) => {
      expectCode('ERR_ISSUE_NAME', () => approve({ ipAddresses: [address] }))
    },
  )

  it.each([
    'spiffe://evil.example/compute/node-1',
    'spiffe://sub.cloud.example/compute/node-1',
    'urn:x',
    'https://10.0.0.1/x',
  ])('ID-12: refuses the identity %s of another trust domain', (uri) => {
    const { identity } = approval()
    expectCode('ERR_ISSUE_NAME', () => approve({ identity: { ...identity, uri } }))
  })

  it('CA-10: an approval is taken once, and nobody else makes one', () => {
    const approved = approve({})
    expect(approved.take().length).toBeGreaterThan(100)
    expectCode('ERR_ISSUE_PROFILE', () => approved.take())
    // @ts-expect-error the constructor is private
    const forge = (): unknown => new ApprovedCertificate(new Uint8Array(), approved.template, approved.profile, false)
    expect(forge).toBeDefined()
  })

  it('CA-10: what is approved is deterministic: the same request, the same octets', () => {
    const request = approval()
    expect(approveCertificate(issuer, request).take()).toEqual(approveCertificate(issuer, request).take())
    const approved = approveCertificate(issuer, request)
    expect(encodeTbsCertificate(approved.template)).toEqual(approved.take())
  })

  it('CA-10: whatever came before, the octets are those that the general encoder makes of the same fields', () => {
    const approver = new Approver(issuer, NOW)
    const label = fc.stringMatching(/^[a-z0-9]{1,12}$/)
    const subject = fc.record({
      profile: fc.constantFrom(...Object.values(PROFILES)),
      entity: label,
      service: label,
      dnsNames: fc.array(label, { minLength: 1, maxLength: 5 }),
      address: fc.nat(255),
      // Keys that every profile can use.
      key: fc.constantFrom('p256', 'p384', 'rsa2048'),
      validitySeconds: fc.option(fc.integer({ min: 1, max: 40 * 86_400 }), { nil: undefined }),
    })
    fc.assert(
      fc.property(subject, ({ profile, entity, service, dnsNames, address, key, validitySeconds }) => {
        const request = {
          ...approval(),
          profile,
          identity: { ...approval().identity, entity, service, uri: `spiffe://cloud.example/${service}/${entity}` },
          dnsNames: dnsNames.map((name) => `${name}.cloud.example`),
          ipAddresses: [`10.0.0.${address}`],
          publicKey: keyFor('node', key).publicKey,
          ...(validitySeconds === undefined || profile.holder === 'authority' ? {} : { validitySeconds }),
        }
        const approved = approver.approve(request)
        const octets = approved.take()
        expect(octets).toEqual(encodeTbsCertificate(approved.template))
        expect(octets).toEqual(approveCertificate(issuer, request).take())
      }),
      { numRuns: 150 },
    )
  })
})

describe('issueCertificates: a key that does not do what it should', () => {
  const proxy = (sign: KeyProvider['sign']): KeyProvider => ({
    publicKey: template.keys.key.publicKey,
    signatureAlgorithm: template.keys.key.signatureAlgorithm,
    sign,
  })
  const real = template.keys.key
  const keys: readonly (readonly [claim: string, code: ErrorCode | undefined, key: KeyProvider])[] = [
    ['signs something else', 'ERR_PATH_SIGNATURE', proxy(() => real.sign(Buffer.from('else')))],
    [
      'signs other names than were approved',
      'ERR_PATH_SIGNATURE',
      proxy((data) =>
        real.sign(Buffer.from(Buffer.from(data).toString('latin1').replace('node-1', 'node-2'), 'latin1')),
      ),
    ],
    ['flips a bit', 'ERR_PATH_SIGNATURE', proxy((data) => real.sign(data).with(-1, (real.sign(data).at(-1) ?? 0) ^ 1))],
    ['signs with another key', 'ERR_PATH_SIGNATURE', proxy((data) => keyFor('thief').sign(data))],
    ['yields nothing', 'ERR_PATH_SIGNATURE', proxy(() => new Uint8Array())],
    [
      'throws',
      undefined,
      proxy(() => {
        throw new RangeError('the token was pulled out')
      }),
    ],
    ['rejects', undefined, proxy(() => Promise.reject(new RangeError('the token was pulled out')))],
  ]

  it.each(keys)(
    'CA-10, CA-09: %s: nothing is handed out or recorded, the plan is given up',
    async (_claim, code, key) => {
      const test = await setUp()
      const issuing = await test.issuing()
      const work = (): Promise<unknown> =>
        issueCertificates({ ...issuing, key }, [{ entity: 'node-1', profile: PROFILES.peer, key: generate }])
      if (code === undefined) await expect(work()).rejects.toThrow(RangeError)
      else await expectCodeAsync(code, work)
      const { store } = test.authority
      expect(await store.certificates('node-1')).toEqual([])
      expect(await store.pendingIntents()).toEqual([])
      const events = (await store.logEntries(1, 100)).slice(-2)
      expect(events.map((entry) => entry.event)).toEqual(['certificate.intended', 'certificate.abandoned'])
      // It may have been signed all the same: its serial number can be revoked, once.
      const { certificates } = JSON.parse(events[0]?.payload ?? '{}') as { certificates: { serialNumber: string }[] }
      const { serialNumber } = certificates[0] ?? expect.fail('it was planned')
      const target = { kind: 'serialNumber', serialNumber } as const
      expect(await revokeCertificates(test.authority, target, 'unspecified', NOW)).toMatchObject([
        { serialNumber, profile: 'peer' },
      ])
      await expectCodeAsync('ERR_ALREADY_REVOKED', () => revokeCertificates(test.authority, target, 'unspecified', NOW))
      await verifyAudit(store)
    },
  )

  it('CA-09: of several, the last that fails takes all with it', async () => {
    const test = await setUp()
    const issuing = await test.issuing()
    let signed = 0
    const key = proxy((data) => {
      if (++signed === 3) throw new RangeError('enough')
      return real.sign(data)
    })
    await expect(
      issueCertificates(
        { ...issuing, key },
        Array.from({ length: 3 }, () => ({ entity: 'node-1', profile: PROFILES.peer, key: generate })),
      ),
    ).rejects.toThrow(RangeError)
    expect(await test.authority.store.certificates('node-1')).toEqual([])
    expect(
      (await test.authority.store.logEntries(1, 100)).filter((entry) => entry.event === 'certificate.abandoned'),
    ).toHaveLength(3)
  })

  it('CA-09: every plan is in the log before the first signature', async () => {
    const test = await setUp()
    const issuing = await test.issuing()
    const seen: number[] = []
    const key: KeyProvider = {
      ...proxy(async (data) => {
        seen.push((await test.authority.store.pendingIntents()).length)
        return real.sign(data)
      }),
    }
    await issueCertificates(
      { ...issuing, key },
      [1, 2].map(() => ({ entity: 'node-1', profile: PROFILES.peer, key: generate })),
    )
    expect(seen).toEqual([2, 2])
  })

  it('CA-09: a store that does not take the plan ends it before anything is signed', async () => {
    const test = await setUp()
    const issuing = await test.issuing()
    const sign = vi.fn(real.sign.bind(real))
    const transaction = vi.spyOn(test.authority.store, 'transaction').mockRejectedValueOnce(new RangeError('disk'))
    await expect(
      issueCertificates({ ...issuing, key: proxy(sign) }, [
        { entity: 'node-1', profile: PROFILES.peer, key: generate },
      ]),
    ).rejects.toThrow(RangeError)
    expect(sign).not.toHaveBeenCalled()
    transaction.mockRestore()
  })

  it('CA-09: a store that does not take the record: the certificate is not handed out', async () => {
    const test = await setUp()
    const issuing = await test.issuing()
    const { store } = test.authority
    const original = store.transaction.bind(store)
    let calls = 0
    const transaction = vi.spyOn(store, 'transaction').mockImplementation((work) => {
      if (++calls === 2) return Promise.reject(new RangeError('disk'))
      return original(work)
    })
    await expect(
      issueCertificates(issuing, [{ entity: 'node-1', profile: PROFILES.peer, key: generate }]),
    ).rejects.toThrow(RangeError)
    transaction.mockRestore()
    expect(await store.certificates('node-1')).toEqual([])
    expect(await store.pendingIntents()).toEqual([])
  })

  it('CA-10: an issuer that answers to another certificate than its own cannot pass', async () => {
    const test = await setUp()
    const issuing = await test.issuing()
    const stranger = new MemoryKeyProvider(privateKeyFor('stranger'))
    await expectCodeAsync('ERR_PATH_SIGNATURE', () =>
      issueOwnCertificate({ ...issuing, key: stranger }, 'trust-publisher', keyFor('x').publicKey),
    )
  })

  it('CA-10: octets that come back changed are noticed', async () => {
    vi.resetModules()
    vi.doMock('../../src/x509/index.js', async (importActual) => {
      const actual = await importActual<typeof import('../../src/x509/index.js')>()
      return {
        ...actual,
        // Some layer between approval and signature that changes a name.
        encodeSigned: (tbs: Uint8Array, ...rest: [Parameters<typeof actual.encodeSigned>[1], Uint8Array]) =>
          actual.encodeSigned(
            Buffer.from(Buffer.from(tbs).toString('latin1').replace('node-1', 'node-2'), 'latin1'),
            ...rest,
          ),
      }
    })
    try {
      const { issueCertificates: issueWithFault } = await import('../../src/authority/issue.js')
      const test = await setUp()
      const issuing = await test.issuing()
      await expect(
        issueWithFault(issuing, [{ entity: 'node-1', profile: PROFILES.peer, key: generate }]),
      ).rejects.toMatchObject({
        code: 'ERR_ISSUE_TBS_MISMATCH',
        exitCode: 1,
      })
      expect(await test.authority.store.certificates('node-1')).toEqual([])
      expect(await test.authority.store.pendingIntents()).toEqual([])
    } finally {
      vi.doUnmock('../../src/x509/index.js')
      vi.resetModules()
    }
  })
})

describe('generateSerial', () => {
  it('CA-07: a hundred thousand are all different, positive, of 20 octets, and no bit of them is fixed', () => {
    const seen = new Set<string>()
    const ones = new Uint32Array(160)
    for (let draw = 0; draw < 100_000; draw++) {
      const serial = generateSerial()
      if (serial.length !== 20 || (serial[0] ?? 0xff) >= 0x80 || serial[0] === 0) throw new Error('not a serial number')
      seen.add(serialText(serial))
      if (draw < 10_000) {
        serial.forEach((octet, index) => {
          for (let bit = 0; bit < 8; bit++)
            ones[index * 8 + bit] = (ones[index * 8 + bit] ?? 0) + ((octet >> (7 - bit)) & 1)
        })
      }
    }
    expect(seen.size).toBe(100_000)
    expect(ones[0]).toBe(0)
    // 10,000 fair coins: six standard deviations are 300. The first octet is never zero, which moves its bits a little.
    for (const count of ones.subarray(1)) expect(Math.abs(count - 5000)).toBeLessThan(400)
  })
})

async function renewIt(test: TestAuthority, changes: Partial<IssueRequest> = {}): Promise<IssuedCertificate> {
  const [issued] = await renewCertificates(await test.issuing(), [
    { entity: 'node-1', profile: PROFILES.peer, key: generate, ...changes },
  ])
  if (issued === undefined) throw new Error('one was asked for')
  return issued
}

describe('renewCertificates', () => {
  const refuse = (test: TestAuthority, changes: Partial<IssueRequest> = {}): Promise<unknown> =>
    expectCodeAsync('ERR_RENEW_DENIED', () => renewIt(test, changes))

  it('issues the same identity with a new key, and leaves the old one good', async () => {
    const test = await setUp()
    const first = await issueOne(test)
    test.clock.set(addSeconds(NOW, DAY))
    const second = await renewIt(test)
    expect(second.identity).toEqual(first.identity)
    expect(second.certificate.serialNumber).not.toBe(first.certificate.serialNumber)
    expect(second.certificate.spkiDer).not.toEqual(first.certificate.spkiDer)
    expect((await test.authority.store.certificate(first.certificate.serialNumber))?.revocation).toBeUndefined()
  })

  it('CA-06: nothing to renew, or another profile', async () => {
    const test = await setUp()
    await refuse(test)
    await issueOne(test, { profile: PROFILES.client })
    await refuse(test)
    await renewIt(test, { profile: PROFILES.client })
  })

  it('CA-06: a certificate that is revoked', async () => {
    const test = await setUp()
    const { certificate } = await issueOne(test)
    await revokeCertificates(
      test.authority,
      { kind: 'serialNumber', serialNumber: certificate.serialNumber },
      'superseded',
      NOW,
    )
    await refuse(test)
  })

  it('CA-06: a certificate that has expired, by a second', async () => {
    const test = await setUp()
    await issueOne(test, { validitySeconds: HOUR })
    test.clock.set(addSeconds(NOW, HOUR))
    await renewIt(test)
    const other = await setUp()
    await issueOne(other, { validitySeconds: HOUR })
    other.clock.set(addSeconds(NOW, HOUR + 1))
    await refuse(other)
  })

  it('CA-06: with a key that it has, or had', async () => {
    const test = await setUp()
    await withRequest(test, await csr([], 'old'))
    test.clock.set(addSeconds(NOW, DAY))
    const key = { kind: 'request', request: await csr([], 'old') } as const
    await refuse(test, { key })
    await renewIt(test, { key: { kind: 'request', request: await csr([], 'new') } })
    await refuse(test, { key })
  })

  it('CA-06: every check of a first issuance is made again', async () => {
    const test = await setUp()
    await issueOne(test)
    await expectCodeAsync('ERR_ISSUE_VALIDITY', () => renewIt(test, { validitySeconds: 20 * 365 * DAY }))
    const wishful = await csr([encodeBasicConstraints({ ca: true, pathLenConstraint: undefined })], 'wishful')
    await expectCodeAsync('ERR_CSR_EXTENSION', () => renewIt(test, { key: { kind: 'request', request: wishful } }))
    await setEntityState(test.authority, 'node-1', 'quarantined', NOW)
    await expectCodeAsync('ERR_ENTITY_INACTIVE', () => renewIt(test))
  })

  it('CA-06: names and roles are those of the registry now, not of the old certificate', async () => {
    const test = await setUp()
    await issueOne(test)
    const entity = await test.authority.store.entity('node-1')
    if (entity === undefined) throw new Error('it was registered')
    await test.authority.store.transaction((transaction) =>
      transaction.updateEntity({ ...entity, dnsNames: ['new.cloud.example'], ipAddresses: [], roles: [] }),
    )
    const { certificate, identity } = await renewIt(test)
    expect(certificate.subjectAltName.map(formatGeneralName)).toEqual([`URI:${IDENTITY}`, 'DNS:new.cloud.example'])
    expect(identity.roles).toEqual([])
  })

  it('CA-06: one of several that may not be renewed refuses all', async () => {
    const test = await setUp()
    await test.register('node-2')
    await issueOne(test)
    const issuing = await test.issuing()
    await expectCodeAsync('ERR_RENEW_DENIED', () =>
      renewCertificates(
        issuing,
        ['node-1', 'node-2'].map((entity) => ({ entity, profile: PROFILES.peer, key: generate })),
      ),
    )
    expect(await test.authority.store.certificates('node-1')).toHaveLength(1)
  })
})
