import { describe, expect, it, vi } from 'vitest'
import {
  issueCertificates,
  IssueQueue,
  type IssueRequest,
  MAX_WAITING,
  PROFILES,
  renewCertificates,
} from '../../src/authority/index.js'
import { verifyAudit } from '../../src/store/index.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { makeTemplate, type TestAuthority } from '../support/test-authority.js'

const template = await makeTemplate()
const request = (entity: string): IssueRequest => ({
  entity,
  profile: PROFILES.peer,
  key: { kind: 'generate', algorithm: 'p256' },
})

async function setUp(): Promise<TestAuthority> {
  const test = await template.open()
  for (const id of ['a', 'b', 'c']) await test.register(id)
  return test
}

describe('IssueQueue', () => {
  it('makes requests that come together in one group, and each that asks gets its own', async () => {
    const test = await setUp()
    const transactions = vi.spyOn(test.authority.store, 'transaction')
    const queue = new IssueQueue(() => test.issuing())
    const ids = ['a', 'b', 'c', 'a', 'b', 'c']
    const issued = await Promise.all(ids.map((id) => queue.issue(request(id))))
    expect(issued.map(({ identity }) => identity.entity)).toEqual(ids)
    expect(new Set(issued.map(({ certificate }) => certificate.serialNumber)).size).toBe(6)
    expect(transactions.mock.calls.length).toBe(2)
    await verifyAudit(test.authority.store)
  })

  it('makes what comes meanwhile as the next group', async () => {
    const test = await setUp()
    const issue = vi.fn(issueCertificates)
    const queue = new IssueQueue(() => test.issuing(), issue)
    const first = queue.issue(request('a'))
    await vi.waitFor(() => {
      expect(issue).toHaveBeenCalled()
    })
    await Promise.all([first, queue.issue(request('b')), queue.issue(request('c'))])
    expect(issue.mock.calls.map(([, group]) => group.map(({ entity }) => entity))).toEqual([['a'], ['b', 'c']])
    await queue.drained()
  })

  it('CA-09: answers nobody before the record of the group is durable', async () => {
    const test = await setUp()
    const queue = new IssueQueue(() => test.issuing())
    await Promise.all(
      ['a', 'b', 'c'].map(async (id) => {
        const { certificate } = await queue.issue(request(id))
        expect(await test.authority.store.certificate(certificate.serialNumber)).toBeDefined()
      }),
    )
  })

  it('tells what is wrong with one request to whoever made it alone', async () => {
    const test = await setUp()
    const queue = new IssueQueue(() => test.issuing())
    const ids = ['a', 'nobody', 'b', 'c', 'nobody']
    const results = await Promise.allSettled(ids.map((id) => queue.issue(request(id))))
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'rejected'])
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'ERR_ENTITY_UNKNOWN' })
    }
    expect(await test.authority.store.pendingIntents()).toEqual([])
    await verifyAudit(test.authority.store)
  })

  it('CA-09: a store that fails fails for all of the group, once; the next group is made', async () => {
    const test = await setUp()
    const queue = new IssueQueue(() => test.issuing())
    const transaction = vi.spyOn(test.authority.store, 'transaction').mockRejectedValueOnce(new RangeError('disk'))
    const results = await Promise.allSettled(['a', 'b'].map((id) => queue.issue(request(id))))
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    transaction.mockRestore()
    expect((await queue.issue(request('c'))).identity.entity).toBe('c')
  })

  it('renews as well, and refuses as renewing does', async () => {
    const test = await setUp()
    const queue = new IssueQueue(() => test.issuing(), renewCertificates)
    await new IssueQueue(() => test.issuing()).issue(request('a'))
    const results = await Promise.allSettled(['a', 'b'].map((id) => queue.issue(request(id))))
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
  })

  it('refuses at once what would wait too long', async () => {
    const test = await setUp()
    let begin: () => void = () => undefined
    const started = new Promise<void>((resolve) => (begin = resolve))
    const queue = new IssueQueue(
      () => test.issuing(),
      async (_issuing, group) => {
        await started
        return group.map(() => {
          throw new RangeError('never mind')
        })
      },
    )
    // The first is taken into a group before the others wait.
    const results = [queue.issue(request('a'))]
    await Promise.resolve()
    await Promise.resolve()
    for (let index = 0; index < MAX_WAITING; index++) results.push(queue.issue(request('a')))
    const settled = Promise.allSettled(results)
    await expectCodeAsync('ERR_LIMIT_EXCEEDED', () => queue.issue(request('b')))
    begin()
    expect((await settled).every(({ status }) => status === 'rejected')).toBe(true)
  })
})
