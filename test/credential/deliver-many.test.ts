import { mkdirSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { issueCertificates, PROFILES } from '../../src/authority/index.js'
import { deliverCredential, deliverCredentials, type Delivery, loadCredential } from '../../src/credential/index.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { temporaryFolder } from '../support/temporary.js'
import { makeTemplate } from '../support/test-authority.js'

const template = await makeTemplate()
const test = await template.open()
await test.register('node-1')
const issuing = await test.issuing()
const request = { entity: 'node-1', profile: PROFILES.peer, key: { kind: 'generate', algorithm: 'p256' } } as const
const issued = await issueCertificates(
  issuing,
  Array.from({ length: 4 }, () => request),
)
const { authority } = test
const common = { chain: [authority.issuing], anchor: authority.root, crls: issuing.crls, profile: 'peer' }

function deliveriesTo(...directories: readonly string[]): Delivery[] {
  return directories.map((directory, index) => {
    const one = issued[index]
    if (one === undefined) throw new RangeError('not so many were issued')
    return { directory, credential: { ...common, ...one, profile: 'peer', purpose: 'client' } }
  })
}

async function deliverAll(deliveries: readonly Delivery[], done: Delivery[] = []): Promise<readonly Delivery[]> {
  for await (const delivery of deliverCredentials(deliveries, issuing.at)) {
    // Each is there when it is said to be.
    expect(readlinkSync(join(delivery.directory, 'current'))).toMatch(/^versions\//)
    done.push(delivery)
  }
  return done
}

const serial = (index: number): string | undefined => issued[index]?.certificate.serialNumber
const current = (directory: string): string => basename(readlinkSync(join(directory, 'current')))

describe('deliverCredentials', () => {
  it('delivers as one by one, in order', async () => {
    const folder = temporaryFolder()
    const [many, single] = [['a', 'b', 'c'].map((name) => join(folder, name)), join(folder, 'single')]
    const deliveries = deliveriesTo(...many)
    expect(await deliverAll(deliveries)).toEqual(deliveries)
    const [first] = deliveries
    if (first !== undefined) deliverCredential(single, first.credential, issuing.at)
    for (const [index, directory] of many.entries()) {
      expect(current(directory)).toBe(serial(index))
      expect(loadCredential(directory).certificate.serialNumber).toBe(serial(index))
      const files = (of: string): string[] => readdirSync(of, { recursive: true, encoding: 'utf8' }).sort()
      expect(files(join(directory, 'current/'))).toEqual(files(join(single, 'current/')))
      expect(readdirSync(directory).sort()).toEqual(['current', 'versions'])
    }
    expect(await deliverAll([])).toEqual([])
  })

  it('keeps the version before, and drops older ones', async () => {
    const directory = join(temporaryFolder(), 'a')
    for (const delivery of deliveriesTo(directory, directory, directory)) await deliverAll([delivery])
    expect(current(directory)).toBe(serial(2))
    expect(readdirSync(join(directory, 'versions')).sort()).toEqual([serial(1), serial(2)].sort())
  })

  it('delivers one after the other what goes to the same directory', async () => {
    const directory = join(temporaryFolder(), 'a')
    expect(await deliverAll(deliveriesTo(directory, `${directory}-2`, directory))).toHaveLength(3)
    expect(current(directory)).toBe(serial(2))
    expect(readdirSync(join(directory, 'versions')).sort()).toEqual([serial(0), serial(2)].sort())
  })

  it('delivers what comes before one that cannot be, and nothing after it', async () => {
    const folder = temporaryFolder()
    const names = ['a', 'b', 'c', 'd'].map((name) => join(folder, name))
    mkdirSync(join(folder, 'c'))
    writeFileSync(join(folder, 'c', 'theirs'), '')
    const done: Delivery[] = []
    await expectCodeAsync('ERR_OUTPUT_EXISTS', () => deliverAll(deliveriesTo(...names), done))
    expect(done.map(({ directory }) => directory)).toEqual(names.slice(0, 2))
    expect(readdirSync(folder).sort()).toEqual(['a', 'b', 'c'])
    expect(readdirSync(join(folder, 'c'))).toEqual(['theirs'])
  })

  it('says of none that it is there when one cannot be moved to its name, and leaves nothing half', async () => {
    const folder = temporaryFolder()
    const names = ['a', 'b'].map((name) => join(folder, name))
    // Its name is taken by what is no version.
    mkdirSync(join(folder, 'b', 'versions', serial(1) ?? '', 'taken'), { recursive: true })
    const done: Delivery[] = []
    await expectCodeAsync('ERR_OUTPUT_EXISTS', () => deliverAll(deliveriesTo(...names), done))
    expect(done).toEqual([])
    for (const name of names) {
      expect(readdirSync(name)).toEqual(['versions'])
      expect(readdirSync(join(name, 'versions')).filter((entry) => entry.startsWith('.'))).toEqual([])
    }
    // What was moved is taken up by nobody; the next delivery begins anew.
    expect(await deliverAll(deliveriesTo(join(folder, 'e')))).toHaveLength(1)
  })
})
