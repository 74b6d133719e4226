/** Whom a node trusts: as its trust directory, or its source, says. */
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openAgent, parseAgentConfiguration, type PassReport, type SourceTrust } from '../../src/agent/index.js'
import { loadCredential } from '../../src/credential/index.js'
import { addSeconds, DAY } from '../../src/time/index.js'
import { type Certificate, parseCrls } from '../../src/x509/index.js'
import { makeCertificate, makeCrl, NOW } from '../support/certificates.js'
import { makeDeployment } from '../support/deployment.js'
import { TestClock } from '../support/test-authority.js'
import { issuing, root, World } from './world.js'

const EVER = { notBefore: addSeconds(NOW, -DAY), notAfter: addSeconds(NOW, 900 * DAY) }
const next = makeCertificate({ subject: 'Next issuing', issuer: root, ca: true, ...EVER })
const CRL_DATES = { thisUpdate: addSeconds(NOW, -DAY), nextUpdate: addSeconds(NOW, 20 * DAY) }
const nextCrl = await makeCrl({ issuer: next, ...CRL_DATES })
const names = (directory: string): readonly string[] =>
  loadCredential(directory).caBundle.map(({ subject }) => subject.toString())

/** A world whose source says whom to trust. */
async function following(
  cas: readonly Certificate[],
  crls: SourceTrust['crls'] = [],
): Promise<{ world: World; said: { trust: SourceTrust } }> {
  const world = await World.make()
  const said = { trust: { cas, crls } }
  Object.assign(world.source, { trust: () => Promise.resolve(said.trust) })
  return { world, said }
}

describe('an agent follows the CAs of its source', () => {
  it('trusts a new one beside the old one, renews under it, and then trusts the old one no more', async () => {
    const { world, said } = await following([issuing.certificate, root.certificate])
    expect((await world.pass()).exitCode).toBe(0)
    expect(names(world.directory)).toEqual(['CN=Issuing', 'CN=Root'])
    said.trust = { cas: [issuing.certificate, next.certificate, root.certificate], crls: [nextCrl] }
    expect((await world.pass()).exitCode).toBe(0)
    expect(world.happened).toEqual(['trust-delivered', 'reloaded'])
    expect(names(world.directory)).toEqual(['CN=Issuing', 'CN=Root', 'CN=Next issuing'])
    expect(world.serial).toBe('01ab')
    world.answer = ({ certificates }) => ({ certificates: [...certificates.slice(0, 1), next.certificate] })
    world.changes = { issuer: next }
    await world.pass({}, { renew: 'now' })
    expect(loadCredential(world.directory).chain.map(({ subject }) => subject.toString())).toEqual(['CN=Next issuing'])
    expect([...names(world.directory)].sort()).toEqual(['CN=Issuing', 'CN=Next issuing', 'CN=Root'])
    said.trust = { cas: [next.certificate, root.certificate], crls: [nextCrl] }
    expect((await world.pass()).exitCode).toBe(0)
    expect([...names(world.directory)].sort()).toEqual(['CN=Next issuing', 'CN=Root'])
    expect(parseCrls(Buffer.from(world.read('crls.pem')))).toHaveLength(2)
  })

  it('REV-04: leaves out a new one without a CRL, and says so', async () => {
    const { world, said } = await following([issuing.certificate, root.certificate])
    await world.pass()
    said.trust = { cas: [issuing.certificate, next.certificate, root.certificate], crls: [] }
    const report = await world.pass()
    expect(report.status.credentials[0]?.lastError?.code).toBe('ERR_REVOCATION_UNKNOWN')
    expect(names(world.directory)).toEqual(['CN=Issuing', 'CN=Root'])
  })

  it('keeps the CAs of its own path, whatever is said', async () => {
    const { world, said } = await following([issuing.certificate, root.certificate])
    await world.pass()
    said.trust = { cas: [], crls: [] }
    expect((await world.pass()).exitCode).toBe(0)
    expect(names(world.directory)).toEqual(['CN=Issuing', 'CN=Root'])
  })

  it('trusts none that has ended', async () => {
    const old = makeCertificate({ subject: 'Old', issuer: root, ca: true, notAfter: addSeconds(NOW, -1) })
    const crl = await makeCrl({ issuer: old, ...CRL_DATES })
    const { world } = await following([issuing.certificate, old.certificate, root.certificate], [crl])
    expect((await world.pass()).exitCode).toBe(0)
    expect(names(world.directory)).toEqual(['CN=Issuing', 'CN=Root'])
  })
})

describe('an agent with a trust directory', async () => {
  const clock = new TestClock(new Date('2027-01-04T09:00:00Z'))
  const cloud = await makeDeployment({ clock, issue: 'none', entities: [{ id: 'web-01' }, { id: 'gone-01' }] })
  await cloud.publishTrust()
  const published = cloud.path('published.p7')
  copyFileSync(cloud.trustFile, published)
  const configuration = parseAgentConfiguration(
    JSON.stringify({
      version: 1,
      status: 'status.json',
      trust: { from: 'published.p7', cache: 'trust.p7.cache', pin: cloud.pin, domain: 'cloud.example' },
      source: { authority: 'home', passphraseFile: 'passphrase' },
      credentials: [{ directory: 'kept', entity: 'web-01' }],
    }),
    cloud.folder,
  )
  const pass = async (): Promise<PassReport> => {
    const agent = openAgent(configuration, { clock, random: () => 0, listener: () => undefined })
    try {
      return await agent.pass()
    } finally {
      agent.close()
    }
  }
  const size = (): number =>
    parseCrls(cloud.read('kept/current/crls.pem')).reduce((sum, { size: entries }) => sum + entries, 0)

  it('fetches it, and its CRLs, and goes on with the one before where a newer one does not come', async () => {
    const report = await pass()
    expect(report.exitCode).toBe(0)
    expect(report.status.trust).toMatchObject({ sequence: 1 })
    expect(size()).toBe(0)
    await cloud.signet('issue gone-01 --out gone')
    await cloud.signet('revoke gone-01 --reason keyCompromise')
    await cloud.publishTrust()
    copyFileSync(cloud.trustFile, published)
    expect((await pass()).status.trust).toMatchObject({ sequence: 2 })
    expect(size()).toBe(2)
    writeFileSync(published, 'nonsense')
    const without = await pass()
    expect(without.status.trust).toMatchObject({ sequence: 2 })
    expect(without.status.problems).toMatchObject([{ what: 'trust' }])
    expect(without.exitCode).not.toBe(0)
    expect(loadCredential(join(cloud.folder, 'kept')).caBundle).toHaveLength(2)
  })
})
