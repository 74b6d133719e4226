import { describe, expect, it, vi } from 'vitest'
import {
  type IssuedCertificate,
  issueCertificates,
  issueInGroups,
  type IssueRequest,
  type IssuingAuthority,
  PROFILES,
  setEntityState,
} from '../../src/authority/index.js'
import { MemoryKeyProvider, publicKeyOf, samePublicKey } from '../../src/crypto/index.js'
import { validatePath } from '../../src/path/index.js'
import { verifyAudit } from '../../src/store/index.js'
import { NOW, privateKeyFor } from '../support/certificates.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { makeTemplate, type TestAuthority } from '../support/test-authority.js'

const template = await makeTemplate()
const generate = { kind: 'generate', algorithm: 'p256' } as const

async function setUp(): Promise<TestAuthority> {
  const test = await template.open()
  for (const id of ['a', 'b', 'c']) await test.register(id)
  return test
}

/** So many requests, for one entity after another. */
const requests = (count: number): IssueRequest[] =>
  Array.from({ length: count }, (_, index) => ({
    entity: ['a', 'b', 'c'][index % 3] ?? '',
    profile: index % 2 === 0 ? PROFILES.peer : PROFILES.signer,
    key: generate,
  }))

async function all(groups: AsyncIterable<readonly IssuedCertificate[]>): Promise<IssuedCertificate[]> {
  const issued: IssuedCertificate[] = []
  for await (const group of groups) issued.push(...group)
  return issued
}

const events = async ({ authority }: TestAuthority, event: string): Promise<number> =>
  (await authority.store.logEntries(1, 1000)).filter((entry) => entry.event === event).length

describe('issueInGroups', () => {
  it('hands out what issueCertificates does, in the order of the requests, and records all of it', async () => {
    const test = await setUp()
    const issuing = await test.issuing()
    const wanted = requests(11)
    const issued = await all(issueInGroups(issuing, wanted, 4))
    expect(issued.map(({ identity, profile }) => [identity.entity, profile.name])).toEqual(
      wanted.map(({ entity, profile }) => [entity, profile.name]),
    )
    for (const { certificate, privateKey, key, profile, der } of issued) {
      expect(certificate.der).toEqual(der)
      if (privateKey === undefined || key === undefined) throw new Error('the key was generated')
      expect(samePublicKey(publicKeyOf(privateKey), certificate.publicKey)).toBe(true)
      for (const purpose of profile.purposes) {
        validatePath(certificate, {
          anchors: test.authority.anchors,
          intermediates: [test.authority.issuing],
          at: issuing.at,
          purpose,
          revocation: { crls: issuing.crls },
        })
      }
      const record = (await test.authority.store.certificate(certificate.serialNumber))?.certificate
      expect(record).toMatchObject({
        fingerprint: certificate.fingerprint,
        keyIdentifier: certificate.keyIdentifier,
        subjectDigest: certificate.subject.digest,
        notBefore: certificate.notBefore.toISOString(),
        notAfter: certificate.notAfter.toISOString(),
      })
    }
    expect(new Set(issued.map(({ certificate }) => certificate.serialNumber)).size).toBe(11)
    expect(await test.authority.store.pendingIntents()).toEqual([])
    await verifyAudit(test.authority.store)
  })

  it('takes requests as they are needed: at most two groups are ahead of who takes them', async () => {
    const test = await setUp()
    let taken = 0
    const endless = function* (): Generator<IssueRequest> {
      for (;;) {
        taken++
        yield requests(1)[0] as IssueRequest
      }
    }
    const groups = issueInGroups(await test.issuing(), endless(), 3)
    for (const most of [6, 9]) {
      expect((await groups.next()).value).toHaveLength(3)
      expect(taken).toBe(most)
    }
    await groups.return()
  })

  it('begins with small groups, so that every thread has something to do soon', async () => {
    const test = await setUp()
    const sizes: number[] = []
    for await (const group of issueInGroups(await test.issuing(), requests(900), 400)) sizes.push(group.length)
    expect(sizes).toEqual([125, 250, 400, 125])
  })

  it('two at once do not disturb each other', async () => {
    const test = await setUp()
    const issuing = await test.issuing()
    const [first, second] = await Promise.all([
      all(issueInGroups(issuing, requests(9), 4)),
      all(issueInGroups(issuing, requests(7), 2)),
    ])
    const serialNumbers = [...first, ...second].map(({ certificate }) => certificate.serialNumber)
    expect(new Set(serialNumbers).size).toBe(16)
    await verifyAudit(test.authority.store)
  })

  it('CA-09: who stops early leaves nothing pending, and what was handed out stays issued', async () => {
    const test = await setUp()
    for await (const group of issueInGroups(await test.issuing(), requests(9), 3)) {
      expect(group).toHaveLength(3)
      break
    }
    const { store } = test.authority
    expect(await store.pendingIntents()).toEqual([])
    expect([await events(test, 'certificate.issued'), await events(test, 'certificate.abandoned')]).toEqual([4, 3])
    await verifyAudit(store)
  })

  it('makes nothing of no requests', async () => {
    const test = await setUp()
    const before = await test.authority.store.logHead()
    expect(await all(issueInGroups(await test.issuing(), []))).toEqual([])
    expect(await test.authority.store.logHead()).toEqual(before)
  })

  it('CA-09: every plan of a group is durable before its first signature', async () => {
    const test = await setUp()
    const issuing = await test.issuing()
    const seen: boolean[] = []
    const key: IssuingAuthority['key'] = {
      publicKey: issuing.key.publicKey,
      signatureAlgorithm: issuing.key.signatureAlgorithm,
      sign: async (tbsDer) => {
        const pending = await test.authority.store.pendingIntents()
        seen.push(pending.length >= 3)
        return issuing.key.sign(tbsDer)
      },
    }
    await all(issueInGroups({ ...issuing, key }, requests(9), 3))
    expect(seen).toEqual(Array.from({ length: 9 }, () => true))
  })

  it.each([0, 1, 2, 3, 5, 7, 8])(
    'CA-09: a key that fails at signature %i takes its group and what is planned further with it, and no other',
    async (failing) => {
      const test = await setUp()
      const issuing = await test.issuing()
      let signed = 0
      const key: IssuingAuthority['key'] = {
        publicKey: issuing.key.publicKey,
        signatureAlgorithm: issuing.key.signatureAlgorithm,
        sign: (tbsDer) => {
          if (signed++ === failing) throw new RangeError('the token was pulled out')
          return issuing.key.sign(tbsDer)
        },
      }
      const handedOut: string[] = []
      const work = async (): Promise<void> => {
        for await (const group of issueInGroups({ ...issuing, key }, requests(9), 3)) {
          handedOut.push(...group.map(({ certificate }) => certificate.serialNumber))
        }
      }
      await expect(work()).rejects.toThrow(RangeError)
      expect(handedOut).toHaveLength(3 * Math.floor(failing / 3))
      const { store } = test.authority
      const stored = (await store.certificates()).filter(({ certificate }) => certificate.entityId !== null)
      expect(new Set(stored.map(({ certificate }) => certificate.serialNumber))).toEqual(new Set(handedOut))
      expect(await store.pendingIntents()).toEqual([])
      await verifyAudit(store)
    },
  )

  it('CA-10: a key that signs something else is found out, whichever certificate it is', async () => {
    for (const wrong of [0, 2, 4]) {
      const test = await setUp()
      const issuing = await test.issuing()
      const thief = new MemoryKeyProvider(privateKeyFor('thief'))
      let signed = 0
      const key: IssuingAuthority['key'] = {
        publicKey: issuing.key.publicKey,
        signatureAlgorithm: issuing.key.signatureAlgorithm,
        sign: (tbsDer) => (signed++ === wrong ? thief : issuing.key).sign(tbsDer),
      }
      await expectCodeAsync('ERR_PATH_SIGNATURE', () => all(issueInGroups({ ...issuing, key }, requests(5), 5)))
      expect(await events(test, 'certificate.issued')).toBe(1)
      expect(await test.authority.store.pendingIntents()).toEqual([])
    }
  })

  it('CA-09: of an entity that is cut off while its group is signed, nothing is recorded', async () => {
    const test = await setUp()
    const issuing = await test.issuing()
    let signed = 0
    const key: IssuingAuthority['key'] = {
      publicKey: issuing.key.publicKey,
      signatureAlgorithm: issuing.key.signatureAlgorithm,
      sign: async (tbsDer) => {
        if (++signed === 2) await setEntityState(test.authority, 'c', 'quarantined', NOW)
        return issuing.key.sign(tbsDer)
      },
    }
    await expectCodeAsync('ERR_ENTITY_INACTIVE', () => all(issueInGroups({ ...issuing, key }, requests(3), 3)))
    expect(await events(test, 'certificate.issued')).toBe(1)
    expect(await test.authority.store.pendingIntents()).toEqual([])
  })

  it.each([1, 2, 3, 4])(
    'CA-09: a store that fails at transaction %i: nothing is lost, nothing is half',
    async (turn) => {
      const test = await setUp()
      const issuing = await test.issuing()
      const { store } = test.authority
      const original = store.transaction.bind(store)
      let calls = 0
      const transaction = vi.spyOn(store, 'transaction').mockImplementation((work) => {
        if (++calls === turn) return Promise.reject(new RangeError('disk'))
        return original(work)
      })
      const handedOut: string[] = []
      const work = async (): Promise<void> => {
        for await (const group of issueInGroups(issuing, requests(6), 3)) {
          handedOut.push(...group.map(({ certificate }) => certificate.serialNumber))
        }
      }
      await expect(work()).rejects.toThrow(RangeError)
      transaction.mockRestore()
      const stored = (await store.certificates()).filter(({ certificate }) => certificate.entityId !== null)
      expect(new Set(stored.map(({ certificate }) => certificate.serialNumber))).toEqual(new Set(handedOut))
      expect(await store.pendingIntents()).toEqual([])
      await verifyAudit(store)
    },
  )

  it('CA-09: an issuing CA that nobody would believe is noticed before anything is planned', async () => {
    const test = await setUp()
    const issuing = await test.issuing()
    const before = await test.authority.store.logHead()
    const blind = { ...issuing, crls: [] }
    await expectCodeAsync('ERR_REVOCATION_UNKNOWN', () => all(issueInGroups(blind, requests(3))))
    await expectCodeAsync('ERR_REVOCATION_UNKNOWN', () => issueCertificates(blind, requests(3)))
    expect(await test.authority.store.logHead()).toEqual(before)
  })
})
