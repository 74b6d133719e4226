/** Another issuing CA takes over: each state, each gate, each way back, and what others see meanwhile. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import {
  acknowledge,
  answerOcsp,
  type Authority,
  beginReissue,
  currentCrls,
  cutOver,
  ensurePublisher,
  issueCertificates,
  type IssuedCertificate,
  lastCrl,
  latestCrl,
  openRootBundle,
  PROFILES,
  publishRootCrl,
  publishTrustDirectory,
  rotationOf,
  reissueCertificates,
  type ReissueDelivery,
  removeForgotten,
  requestIssuingCa,
  retire,
  revokeCertificates,
  rollBack,
  rotationStatus,
  signIssuingCaRequest,
  stageIssuingCa,
  supersedeAll,
} from '../../src/authority/index.js'
import { addIssuerKey, removeIssuerKey } from '../../src/authority/mapping-issuers.js'
import { generatePrivateKey, type KeyProvider, MemoryKeyProvider } from '../../src/crypto/index.js'
import { defaultMappingText, parseMapping, registryOf, resolveIdentity } from '../../src/identity/index.js'
import { validatePath } from '../../src/path/index.js'
import { openDatabase, openStore, verifyAudit } from '../../src/store/index.js'
import { addSeconds, DAY, HOUR } from '../../src/time/index.js'
import {
  buildName,
  certIdOf,
  createCertificationRequest,
  encodeOcspRequest,
  parseCertificationRequest,
  parseOcspRequest,
} from '../../src/x509/index.js'
import { OID } from '../../src/asn1/index.js'
import { NOW } from '../support/certificates.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'
import { makeTemplate, PASSPHRASE, type TestAuthority } from '../support/test-authority.js'

// Keys are opened often, which takes long on a busy machine.
vi.setConfig({ testTimeout: 60_000 })

const template = await makeTemplate()
const bundle = openRootBundle(join(template.home, 'root-offline'), PASSPHRASE)
const NEXT = { algorithm: 'p256', passphrase: PASSPHRASE } as const
const BY = { by: 'alice' }

/** Stage the next issuing CA, all in one go. */
async function stage({ authority, clock }: TestAuthority): Promise<void> {
  const at = clock.now()
  const request = await requestIssuingCa(authority, NEXT, at)
  const certificate = await signIssuingCaRequest(bundle, Buffer.from(request), authority.issuing, at)
  await stageIssuingCa(authority, certificate, PASSPHRASE, at)
}

/** Opening a key takes long: once for each set of CAs. */
const opened = new WeakMap<Authority, { readonly of: string; readonly key: KeyProvider }>()

/** What issuing takes, whichever CA issues now. */
async function issuing({ authority, clock }: Pick<TestAuthority, 'authority' | 'clock'>) {
  const of = authority.authorities.map(({ fingerprint }) => fingerprint).join(' ')
  const known = opened.get(authority)
  const key = known?.of === of ? known.key : await authority.issuingKey(PASSPHRASE)
  opened.set(authority, { of, key })
  const at = clock.now()
  return { authority, key, at, crls: await currentCrls(authority, key, at) }
}

async function issue(
  test: TestAuthority,
  entity: string,
  profile: 'peer' | 'signer' = 'peer',
): Promise<IssuedCertificate> {
  const key = { kind: 'generate', algorithm: 'p256' } as const
  const [issued] = await issueCertificates(await issuing(test), [{ entity, profile: PROFILES[profile], key }])
  return issued ?? expect.fail()
}

/** Where certificates go that are issued again. */
function memory(): ReissueDelivery & { readonly there: Map<string, IssuedCertificate> } {
  const there = new Map<string, IssuedCertificate>()
  return {
    there,
    present: ({ entityId, profile }) => there.get(`${entityId} ${profile}`)?.certificate.serialNumber,
    keepsKey: () => undefined,
    deliver: (issued) => {
      for (const one of issued) there.set(`${one.identity.entity} ${one.profile.name}`, one)
    },
  }
}

async function reissue(test: TestAuthority, delivery = memory(), groupSize = 2): Promise<ReturnType<typeof memory>> {
  const { old } = await rotationOf(test.authority.store)
  const options = { algorithm: 'p256', groupSize } as const
  const groups = reissueCertificates(await issuing(test), old?.number ?? 0, delivery, options)
  for await (const group of groups) expect(group.length).toBeLessThanOrEqual(groupSize)
  return delivery
}

const acknowledgeAll = async ({ authority, clock }: TestAuthority, ...entities: string[]): Promise<void> => {
  const found = entities.map((entity) => ({ entity, evidence: 'stated', seen: '' }) as const)
  await acknowledge(authority, found, 'alice', clock.now())
}

/** Whether somebody who has what this authority publishes now believes a certificate. */
async function isBelieved(test: TestAuthority, { certificate }: IssuedCertificate): Promise<void> {
  const { authority, at, crls } = await issuing(test)
  const { anchors, authorities: intermediates } = authority
  validatePath(certificate, { anchors, intermediates, at, purpose: 'server', revocation: { crls } })
}

const stateOf = async ({ authority, clock }: TestAuthority): Promise<string> =>
  (await rotationStatus(authority, clock.now())).state

async function withNodes(...ids: readonly string[]): Promise<TestAuthority> {
  const test = await template.open()
  for (const id of ids) await test.register(id)
  return test
}

describe('staging', () => {
  it('makes both trusted: bundle, CRLs, mapping, trust directory; and the old one issues', async () => {
    const test = await withNodes('node-1')
    const before = await issue(test, 'node-1', 'signer')
    const { issuing: old } = test.authority
    await stage(test)
    const { authority } = test
    expect(authority.issuing).toBe(authority.authorities[0])
    expect(authority.issuing.equals(old)).toBe(true)
    expect(authority.authorities).toHaveLength(2)
    const { crls, at } = await issuing(test)
    expect(crls.map(({ issuer }) => issuer.toString())).toEqual([
      'CN=signet issuing CA,O=cloud.example',
      'CN=signet issuing CA 2,O=cloud.example',
      'CN=signet root CA,O=cloud.example',
    ])
    expect((await issue(test, 'node-1')).certificate.issuer.equals(old.subject)).toBe(true)
    const { directory } = await publishTrustDirectory(authority, test.publisherKey, crls, at)
    expect(directory.authorities).toHaveLength(2)
    expect(directory.crls).toHaveLength(3)
    expect(directory.signers.map(({ certificate }) => certificate.serialNumber)).toEqual([
      before.certificate.serialNumber,
    ])
    await verifyAudit(authority.store)
  })

  it('is opened again as it was, also by another process', async () => {
    const test = await withNodes('node-1')
    await stage(test)
    const { Authority } = await import('../../src/authority/index.js')
    const again = await Authority.open(test.home, test.clock)
    expect(again.authorities.map(({ fingerprint }) => fingerprint)).toEqual(
      test.authority.authorities.map(({ fingerprint }) => fingerprint),
    )
    await again.close()
  })

  it('in two steps: the request stays the same, whatever happens in between', async () => {
    const test = await withNodes()
    const { authority } = test
    const first = parseCertificationRequest(Buffer.from(await requestIssuingCa(authority, NEXT, NOW)))
    const second = parseCertificationRequest(Buffer.from(await requestIssuingCa(authority, NEXT, NOW)))
    expect(Buffer.compare(first.publicKey.spkiDer, second.publicKey.spkiDer)).toBe(0)
    expect(await stateOf(test)).toBe('requested')
    // Nothing is trusted that has no certificate.
    expect(authority.authorities).toHaveLength(1)
    await expectCodeAsync('ERR_ROTATION_STATE', () => beginReissue(authority, BY, NOW))
  })

  const wrong: readonly [claim: string, make: (authority: Authority) => Promise<string>][] = [
    ['a key that was not made for it', async () => requestFor(await other(), 'issuing CA 2')],
  ]
  it.each(wrong)('takes no certificate for %s', async (_claim, make) => {
    const test = await withNodes()
    await requestIssuingCa(test.authority, NEXT, NOW)
    const certificate = await signIssuingCaRequest(
      bundle,
      Buffer.from(await make(test.authority)),
      test.authority.issuing,
      NOW,
    )
    await expectCodeAsync('ERR_ISSUE_PROFILE', () => stageIssuingCa(test.authority, certificate, PASSPHRASE, NOW))
    expect(await stateOf(test)).toBe('requested')
  })

  it('takes no certificate of another root', async () => {
    const test = await withNodes()
    const stranger = await makeTemplate()
    const request = await requestIssuingCa(test.authority, NEXT, NOW)
    const foreign = openRootBundle(join(stranger.home, 'root-offline'), PASSPHRASE)
    const certificate = await signIssuingCaRequest(foreign, Buffer.from(request), stranger.made.issuing, NOW)
    await expectCodeAsync('ERR_PATH_NOT_FOUND', () => stageIssuingCa(test.authority, certificate, PASSPHRASE, NOW))
    await expectCodeAsync('ERR_PATH_NOT_FOUND', () =>
      signIssuingCaRequest(foreign, Buffer.from(request), test.authority.issuing, NOW),
    )
  })

  it.each([
    [
      'another organization',
      [
        [OID.organizationName, 'other.example'],
        [OID.commonName, 'signet issuing CA 2'],
      ],
    ],
    [
      'the name of the one before',
      [
        [OID.organizationName, 'cloud.example'],
        [OID.commonName, 'signet issuing CA'],
      ],
    ],
    [
      'no common name',
      [
        [OID.organizationName, 'cloud.example'],
        [OID.organizationalUnitName, 'x'],
      ],
    ],
  ] as const)('the root signs no request with %s', async (_claim, names) => {
    const key = await other()
    const request = await createCertificationRequest(key, { subject: buildName(names) })
    await expectCodeAsync('ERR_ISSUE_PROFILE', () =>
      signIssuingCaRequest(bundle, Buffer.from(request), template.made.issuing, NOW),
    )
  })

  it('is done once at a time', async () => {
    const test = await withNodes()
    await stage(test)
    await expectCodeAsync('ERR_ROTATION_STATE', () => requestIssuingCa(test.authority, NEXT, NOW))
  })

  const other = async (): Promise<MemoryKeyProvider> =>
    Promise.resolve(new MemoryKeyProvider(generatePrivateKey('p256')))
  const requestFor = async (key: MemoryKeyProvider, role: string): Promise<string> =>
    createCertificationRequest(key, {
      subject: buildName([
        [OID.organizationName, 'cloud.example'],
        [OID.commonName, `signet ${role}`],
      ]),
    })
})

describe('the mapping', () => {
  const [one, two] = ['a'.repeat(64), 'b'.repeat(64)]
  const base = defaultMappingText('cloud.example', one)

  it.each([
    ['as init writes it', base],
    ['quoted, with a comment', base.replace(one, `"${one}" # the first`)],
    ['in a list in brackets', base.replace(one, `[ ${'c'.repeat(64)}, ${one} ]`)],
    ['in a list of lines', base.replace(one, `\n        - ${one}\n        - ${'c'.repeat(64)}`)],
  ])('names both keys, and then one: %s', (_claim, text) => {
    const both = addIssuerKey(text, one, two)
    const digests = (mapping: string): readonly string[] =>
      parseMapping(mapping).rules.flatMap(({ predicates }) =>
        predicates.flatMap((item) => (item.kind === 'issuerKey' ? [...item.digests] : [])),
      )
    expect(digests(both)).toEqual(expect.arrayContaining([one, two]))
    expect(addIssuerKey(both, one, two)).toBe(both)
    expect(both).toContain('# Who is behind a certificate.')
    if (!text.includes('- a')) expect(digests(removeIssuerKey(both, one))).not.toContain(one)
    parseMapping(removeIssuerKey(both, one))
  })

  it('is left to people where it is written otherwise', () => {
    const quoted = base.replace(`issuerKey: ${one}`, `"issuerKey": ${one}`)
    expectCode('ERR_CONFIG_INVALID', () => addIssuerKey(quoted, one, two))
    expect(addIssuerKey(quoted.replace(one, `[${one}, ${two}]`), one, two)).toContain('"issuerKey"')
  })
})

describe('acknowledging', () => {
  it('holds back reissuing until every active entity did, or somebody said why not', async () => {
    const test = await withNodes('node-1', 'node-2', 'node-3')
    const { authority } = test
    await expectCodeAsync('ERR_ROTATION_STATE', () => acknowledgeAll(test, 'node-1'))
    await stage(test)
    const error = await expectCodeAsync('ERR_ROTATION_BLOCKED', () => beginReissue(authority, BY, NOW))
    expect(error.details).toEqual({ count: '3', entities: 'node-1 node-2 node-3' })
    await acknowledgeAll(test, 'node-1', 'node-2')
    await expectCodeAsync('ERR_ENTITY_UNKNOWN', () => acknowledgeAll(test, 'nobody'))
    const without = (reason: string) => ({ ...BY, exceptions: [{ entity: 'node-3', reason }] })
    await expectCodeAsync('ERR_CONFIG_INVALID', () => beginReissue(authority, without(' '), NOW))
    await beginReissue(authority, without('on fire'), NOW)
    expect(await stateOf(test)).toBe('reissuing')
    expect(await authority.store.acknowledgements(2)).toMatchObject([
      { entityId: 'node-1', evidence: 'stated', by: 'alice' },
      { entityId: 'node-2', evidence: 'stated', by: 'alice' },
      { entityId: 'node-3', evidence: 'waived', by: 'alice', reason: 'on fire' },
    ])
    expect((await authority.store.entityEvents('node-3')).map(({ event }) => event)).toEqual([
      'entity.added',
      'rotation.acknowledged',
    ])
    await verifyAudit(authority.store)
  })
})

/** Everything up to a state, with certificates of the old CA for each node. */
async function at(state: 'reissuing' | 'cut-over', ...ids: readonly string[]) {
  const test = await withNodes(...ids)
  const before = []
  for (const id of ids) before.push(await issue(test, id))
  await stage(test)
  await acknowledgeAll(test, ...ids)
  await beginReissue(test.authority, BY, NOW)
  if (state === 'reissuing') return { test, before, after: undefined }
  const after = await reissue(test)
  await cutOver(test.authority, BY, NOW)
  await ensurePublisher(await issuing(test))
  return { test, before, after }
}

describe('reissuing', () => {
  it('gives everybody what they had, from the new one, while the old ones are good', async () => {
    const ids = ['node-1', 'node-2', 'node-3', 'node-4', 'node-5']
    const { test, before } = await at('reissuing', ...ids)
    const next = test.authority.issuing
    const { there } = await reissue(test)
    expect([...there.keys()]).toEqual(ids.map((id) => `${id} peer`))
    for (const issued of [...there.values(), ...before]) await isBelieved(test, issued)
    for (const { certificate } of there.values()) expect(certificate.issuer.equals(next.subject)).toBe(true)
    const mapping = test.authority.mapping()
    const { anchors, authorities: intermediates } = test.authority
    for (const { certificate, identity } of there.values()) {
      const revocation = 'allow-unchecked'
      const path = validatePath(certificate, { anchors, intermediates, at: NOW, purpose: 'client', revocation })
      expect((await resolveIdentity(path, mapping, registryOf(test.authority.store))).uri).toBe(identity.uri)
    }
    // Again, there is nothing to do.
    expect((await reissue(test)).there.size).toBe(0)
    await verifyAudit(test.authority.store)
  })

  it('leaves nodes that keep their keys to themselves, and those who are cut off', async () => {
    const test = await withNodes('node-1', 'node-2')
    await issue(test, 'node-1')
    const own = new MemoryKeyProvider(generatePrivateKey('p256'))
    const subject = buildName([[OID.commonName, 'node-2']])
    const request = async () =>
      parseCertificationRequest(Buffer.from(await createCertificationRequest(own, { subject })))
    const order = {
      entity: 'node-2',
      profile: PROFILES.peer,
      key: { kind: 'request', request: await request() },
    } as const
    await issueCertificates(await issuing(test), [order])
    await stage(test)
    await acknowledgeAll(test, 'node-1', 'node-2')
    await beginReissue(test.authority, BY, NOW)
    expect([...(await reissue(test)).there.keys()]).toEqual(['node-1 peer'])
    const status = await rotationStatus(test.authority, NOW)
    expect(status.left).toMatchObject([{ entityId: 'node-2', profile: 'peer', keySource: 'request' }])
    await expectCodeAsync('ERR_ROTATION_BLOCKED', () => cutOver(test.authority, BY, NOW))
    const renewed = new MemoryKeyProvider(generatePrivateKey('p256'))
    const renewal = parseCertificationRequest(Buffer.from(await createCertificationRequest(renewed, { subject })))
    await issueCertificates(await issuing(test), [{ ...order, key: { kind: 'request', request: renewal } }])
    await cutOver(test.authority, BY, NOW)
    expect(await stateOf(test)).toBe('cut-over')
  })

  it('issues once more what was issued and did not arrive, and nothing else', async () => {
    const ids = ['node-1', 'node-2', 'node-3', 'node-4', 'node-5', 'node-6']
    const { test } = await at('reissuing', ...ids)
    const delivery = memory()
    let groups = 0
    const dying: ReissueDelivery = {
      ...delivery,
      deliver: async (issued) => {
        // The second group arrives in part, and then the power goes out.
        await delivery.deliver(groups === 0 ? issued : issued.slice(0, 1))
        if (groups++ > 0) throw new Error('the power went out')
      },
    }
    await expect(reissue(test, dying as typeof delivery)).rejects.toThrow('the power went out')
    const arrived = new Map([...delivery.there].map(([name, { certificate }]) => [name, certificate.serialNumber]))
    expect(arrived.size).toBe(3)
    const blocked = await expectCodeAsync('ERR_ROTATION_BLOCKED', () => cutOver(test.authority, BY, NOW))
    expect(blocked.details['entities']).toContain('node-4')
    await reissue(test, delivery)
    expect([...delivery.there.keys()].sort()).toEqual(ids.map((id) => `${id} peer`))
    for (const [name, serialNumber] of arrived) {
      expect(delivery.there.get(name)?.certificate.serialNumber).toBe(serialNumber)
    }
    await cutOver(test.authority, BY, NOW)
    await verifyAudit(test.authority.store)
  })

  it('a CA that issues no more cannot, even where a process has not heard of it', async () => {
    const { test } = await at('reissuing', 'node-1')
    await rollBack(test.authority, BY, NOW)
    const { Authority } = await import('../../src/authority/index.js')
    const late = await Authority.open(test.home, test.clock)
    const open = { ...(await issuing({ ...test, authority: late })), authority: late }
    await beginReissue(test.authority, BY, NOW)
    const order = { entity: 'node-1', profile: PROFILES.peer, key: { kind: 'generate', algorithm: 'p256' } } as const
    const error = await expectCodeAsync('ERR_ROTATION_STATE', () => issueCertificates(open, [order]))
    expect(error.hint).toBe('try again')
    await late.refreshIssuingCas()
    const [issued] = await issueCertificates(await issuing({ ...test, authority: late }), [order])
    expect(issued?.certificate.issuer.toString()).toContain('issuing CA 2')
    await late.close()
  })
})

describe('revoking while two are trusted', () => {
  it('REV-07, REV-09: each CRL lists what its own CA issued, and serial numbers of the other are unknown to a responder', async () => {
    const { test, before } = await at('reissuing', 'node-1')
    const after = await issue(test, 'node-1')
    const serials = [before[0]?.certificate.serialNumber ?? '', after.certificate.serialNumber]
    for (const serialNumber of serials) {
      await revokeCertificates(test.authority, { kind: 'serialNumber', serialNumber }, 'keyCompromise', NOW)
    }
    const { crls, key } = await issuing(test)
    const listed = (index: number): readonly string[] =>
      crls[index]?.revokedCertificates.map(({ serialNumber }) => serialNumber) ?? []
    expect([listed(0), listed(1), listed(2)]).toEqual([[serials[1]], [serials[0]], []])
    const [next, old] = test.authority.issuingCas
    if (next === undefined || old === undefined) expect.fail()
    const asked = [
      certIdOf(next.certificate, serials[1] ?? '', 'sha1'),
      certIdOf(next.certificate, serials[0] ?? '', 'sha1'),
      certIdOf(old.certificate, serials[0] ?? '', 'sha1'),
    ]
    const request = parseOcspRequest(encodeOcspRequest(asked))
    const answer = await answerOcsp(test.authority, request, { certificate: next.certificate, key }, NOW)
    expect(answer.basic?.answers.map(({ status }) => status.kind)).toEqual(['revoked', 'unknown', 'unknown'])
    const oldSigner = { certificate: old.certificate, key: test.authority.crlKey(old, key) }
    const ofOld = await answerOcsp(test.authority, request, oldSigner, NOW)
    expect(ofOld.basic?.answers.map(({ status }) => status.kind)).toEqual(['unknown', 'unknown', 'revoked'])
  })

  it('needs the keys of both, and says so', async () => {
    const { test } = await at('reissuing', 'node-1')
    const { Authority } = await import('../../src/authority/index.js')
    const other = await Authority.open(test.home, test.clock)
    const later = addSeconds(NOW, 6 * DAY)
    const { key } = await issuing(test)
    await expectCodeAsync('ERR_PASSPHRASE_REQUIRED', () => currentCrls(other, key, later))
    await other.close()
  })
})

describe('cutting over', () => {
  it('has the trust directory signed under the new one, with the key that there is', async () => {
    const { test } = await at('cut-over', 'node-1')
    const { authority } = test
    const { publisher } = authority
    expect(publisher.issuer.equals(authority.issuing.subject)).toBe(true)
    const serials = (await authority.store.certificates())
      .filter(({ certificate }) => certificate.profile === 'trust-publisher')
      .map(({ certificate, revocation }) => [certificate.issuer, revocation?.reason])
    expect(serials.toSorted()).toEqual([
      [1, 'superseded'],
      [2, undefined],
    ])
    const { crls, at: now } = await issuing(test)
    const { directory } = await publishTrustDirectory(authority, test.publisherKey, crls, now)
    expect(directory.authorities).toHaveLength(2)
    // Again, nothing happens.
    expect((await ensurePublisher(await issuing(test))).equals(publisher)).toBe(true)
  })

  it('is held back by who is left, unless somebody said why not', async () => {
    const { test } = await at('reissuing', 'node-1', 'node-2')
    const { authority } = test
    await issue(test, 'node-1')
    const error = await expectCodeAsync('ERR_ROTATION_BLOCKED', () => cutOver(authority, BY, NOW))
    expect(error.details['entities']).toBe('node-2')
    const exceptions = [{ entity: 'node-2', reason: 'switched off' }]
    expect(await cutOver(authority, { ...BY, exceptions }, NOW)).toEqual({ left: ['node-2'] })
    expect((await authority.store.entityEvents('node-2')).at(-1)?.event).toBe('rotation.left')
  })

  it('may end at once what the old one issued', async () => {
    const { test, before } = await at('cut-over', 'node-1')
    await isBelieved(test, before[0] ?? expect.fail())
    expect(await supersedeAll(test.authority, 1, NOW)).toBe(1)
    await expectCodeAsync('ERR_REVOKED', () => isBelieved(test, before[0] ?? expect.fail()))
    expect(await supersedeAll(test.authority, 1, NOW)).toBe(0)
  })
})

describe('retiring', () => {
  it('waits for the last certificate; then the old one is trusted by nobody who looks again, and its key is gone', async () => {
    const { test, before, after } = await at('cut-over', 'node-1')
    const { authority, clock, home } = test
    const error = await expectCodeAsync('ERR_ROTATION_BLOCKED', () => retire(authority, NOW))
    expect(error.details['count']).toBe('1')
    const end = before[0]?.certificate.notAfter ?? NOW
    expect(error.hint).toContain(end.toISOString())
    clock.set(addSeconds(end, HOUR))
    const ca = authority.issuingCas.find(({ state }) => state === 'retiring') ?? expect.fail()
    const { key } = await issuing(test)
    const crl = await lastCrl(authority, ca, authority.crlKey(ca, key), clock.now())
    expect(crl.nextUpdate).toEqual(ca.certificate.notAfter)
    expect((await lastCrl(authority, ca, authority.crlKey(ca, key), clock.now())).crlNumber).toBe(crl.crlNumber)
    await retire(authority, clock.now())
    expect(await removeForgotten(authority)).toEqual([join(home, 'issuing-ca.key.pem')])
    expect(existsSync(join(home, 'issuing-ca.key.pem'))).toBe(false)
    expect(await removeForgotten(authority)).toEqual([])
    expect(authority.authorities).toHaveLength(1)
    expect(readFileSync(join(home, 'mapping.yaml'), 'utf8')).toMatch(/issuerKey: [0-9a-f]{64}\n/)
    const renewed = await issue(test, 'node-1')
    await isBelieved(test, renewed)
    await expectCodeAsync('ERR_PATH_NOT_FOUND', () => isBelieved(test, before[0] ?? expect.fail()))
    expect(after?.there.size).toBe(1)
    await expectCodeAsync('ERR_ROTATION_STATE', () => retire(authority, clock.now()))
    await verifyAudit(authority.store)
  })

  it('makes way for the next rotation', async () => {
    const { test } = await at('cut-over', 'node-1')
    await supersedeAll(test.authority, 1, NOW)
    await retire(test.authority, NOW)
    await removeForgotten(test.authority)
    await stage(test)
    const numbers = test.authority.issuingCas.map(({ number, state }) => [number, state])
    expect(numbers).toEqual([
      [2, 'issuing'],
      [3, 'staged'],
    ])
    expect(test.authority.mapping().rules).toHaveLength(1)
    await verifyAudit(test.authority.store)
  })
})

describe('rolling back', () => {
  it('goes back step by step, and what was issued meanwhile stays good', async () => {
    const { test, before, after } = await at('cut-over', 'node-1')
    const { authority, home } = test
    const issued = [...(after?.there.values() ?? []), ...before]
    expect(await rollBack(authority, BY, NOW)).toMatchObject({ from: 'cut-over', to: 'reissuing' })
    expect(await rollBack(authority, BY, NOW)).toMatchObject({ from: 'reissuing', to: 'staged' })
    await ensurePublisher(await issuing(test))
    expect(authority.issuing.subject.toString()).toBe('CN=signet issuing CA,O=cloud.example')
    for (const one of issued) await isBelieved(test, one)
    const { crls, at: now } = await issuing(test)
    await publishTrustDirectory(authority, test.publisherKey, crls, now)
    const error = await expectCodeAsync('ERR_ROTATION_BLOCKED', () => rollBack(authority, BY, NOW))
    expect(error.details['entities']).toBe('node-1')
    await supersedeAll(authority, 2, NOW)
    expect(await rollBack(authority, BY, NOW)).toMatchObject({ from: 'staged', to: 'none' })
    const removed = await removeForgotten(authority)
    expect(removed).toEqual([join(home, 'issuing-ca-2.key.pem'), join(home, 'issuing-ca-2.pem')])
    expect(authority.authorities).toHaveLength(1)
    await isBelieved(test, before[0] ?? expect.fail())
    await expectCodeAsync('ERR_ROTATION_STATE', () => rollBack(authority, BY, NOW))
    // The next one is another one.
    await stage(test)
    expect(authority.issuingCas.map(({ number }) => number)).toEqual([1, 3])
    await verifyAudit(authority.store)
  })

  it('gives up a request that the root never signed', async () => {
    const test = await withNodes()
    await requestIssuingCa(test.authority, NEXT, NOW)
    expect(await rollBack(test.authority, BY, NOW)).toMatchObject({ from: 'requested', to: 'none' })
    expect(await removeForgotten(test.authority)).toEqual([join(test.home, 'issuing-ca-2.key.pem')])
    await verifyAudit(test.authority.store)
  })
})

describe('the key of the old one in other hands', () => {
  const urgent = { ...BY, urgency: 'key-compromise' } as const

  it('waits for nobody: cut over from staging at once, revoked by the root, retired the same day', async () => {
    const test = await withNodes('node-1', 'node-2')
    const { authority } = test
    const before = await issue(test, 'node-1')
    await stage(test)
    const { left } = await cutOver(authority, urgent, NOW)
    expect(left).toEqual(['node-1'])
    await expectCodeAsync('ERR_ROTATION_BLOCKED', () => retire(authority, NOW))
    await isBelieved(test, before)
    const rootCrl = await publishRootCrl(authority, bundle.key, NOW)
    expect(rootCrl.revokedCertificates).toMatchObject([
      { serialNumber: template.made.issuing.serialNumber, reason: 'keyCompromise' },
    ])
    await expectCodeAsync('ERR_REVOKED', () => isBelieved(test, before))
    await ensurePublisher(await issuing(test))
    const { there } = await reissue(test)
    expect([...there.keys()]).toEqual(['node-1 peer'])
    await isBelieved(test, there.get('node-1 peer') ?? expect.fail())
    await expectCodeAsync('ERR_ROTATION_BLOCKED', () => rollBack(authority, BY, NOW))
    await retire(authority, NOW)
    expect((await latestCrl(authority, authority.root))?.size).toBe(1)
    // Later CRLs of the root still say it.
    expect((await publishRootCrl(authority, bundle.key, addSeconds(NOW, DAY))).size).toBe(1)
    await verifyAudit(authority.store)
  })

  it('goes on to reissue without acknowledgements, and the log says how many did not wait', async () => {
    const test = await withNodes('node-1', 'node-2')
    await stage(test)
    await beginReissue(test.authority, urgent, NOW)
    const { sequence } = await test.authority.store.logHead()
    const entries = await test.authority.store.logEntries(sequence - 2, 3)
    expect(entries.map(({ event }) => event)).toEqual(['rotation.forced', 'ca.replaced', 'ca.issuing'])
    expect(JSON.parse(entries[0]?.payload ?? '')).toMatchObject({ reason: 'keyCompromise', count: 2, by: 'alice' })
  })
})

describe('the log holds what is recorded of a rotation', () => {
  it.each([
    ['a state', `update issuingCa set state = 'issuing' where number = 2`],
    ['another certificate', `update issuingCa set der = (select der from issuingCa where number = 1) where number = 2`],
    ['a revocation lifted', `update issuingCa set revokedAt = '2020-01-01T00:00:00.000Z' where number = 1`],
    ['one that is gone', `delete from issuingCa where number = 2`],
    ['an acknowledgement added', `insert into acknowledgement values (2, 'node-2', 'stated', 'mallory', '', '')`],
    ['an acknowledgement gone', `delete from acknowledgement`],
    ['a certificate moved to another CA', `update certificate set issuer = 2 where entityId = 'node-1'`],
  ])('%s', async (_claim, statement) => {
    const test = await withNodes('node-1', 'node-2')
    await issue(test, 'node-1')
    await stage(test)
    await acknowledgeAll(test, 'node-1')
    await verifyAudit(test.authority.store)
    const database = openDatabase(join(test.home, 'store.db'))
    database.exec(statement)
    database.close()
    await expectCodeAsync('ERR_AUDIT_CHAIN', () => verifyAudit(test.authority.store))
  })
})

describe('homes of before', () => {
  it('open, and rotate', async () => {
    const test = await withNodes('node-1')
    const before = await issue(test, 'node-1')
    await test.authority.close()
    const path = join(test.home, 'store.db')
    const database = openDatabase(path)
    for (const statement of [
      'alter table intent drop column issuer',
      'alter table certificate drop column issuer',
      'alter table certificate drop column keySource',
      'drop table issuingCa',
      'drop table acknowledgement',
      'drop table reissue',
      "delete from kysely_migration where name >= '0005'",
      "update setting set value = '0004-log-without-index' where name = 'schema'",
    ]) {
      database.exec(statement)
    }
    database.close()
    for (let opened = 0; opened < 2; opened++) {
      const store = await openStore({ database: path, head: join(test.home, 'store.head') })
      await verifyAudit(store)
      await store.close()
    }
    const { Authority } = await import('../../src/authority/index.js')
    const again = { ...test, authority: await Authority.open(test.home, test.clock) }
    await stage(again)
    await acknowledgeAll(again, 'node-1')
    await beginReissue(again.authority, BY, NOW)
    expect([...(await reissue(again)).there.keys()]).toEqual(['node-1 peer'])
    await isBelieved(again, before)
    await verifyAudit(again.authority.store)
    await again.authority.close()
  })
})
