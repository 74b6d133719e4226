import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Examination, examine, type Finding } from '../../src/agent/index.js'
import { redeliverCredential } from '../../src/credential/index.js'
import { generatePrivateKey } from '../../src/crypto/index.js'
import { addSeconds, DAY } from '../../src/time/index.js'
import { keyFor, makeCertificate, makeCrl, NOW } from '../support/certificates.js'
import { makeTemplate, TestClock } from '../support/test-authority.js'
import { temporaryFolder } from '../support/temporary.js'
import { LIFE, World } from './world.js'

async function started(): Promise<World> {
  const world = await World.make()
  await world.pass()
  return world
}

async function look(world: World, changes: Partial<Examination> = {}): Promise<readonly Finding[]> {
  return examine({ directories: [world.directory], clock: world.clock, ...changes })
}
const bad = (findings: readonly Finding[]): readonly string[] =>
  findings.filter(({ severity }) => severity !== 'ok').map(({ severity, what }) => `${severity} ${what}`)

describe('examine: a credential directory', () => {
  it('finds nothing wrong with what is fresh, and says when it ends', async () => {
    const world = await started()
    const findings = await look(world)
    expect(bad(findings)).toEqual([])
    const calendar = findings.map(({ what, until }) => [what, until?.toISOString()])
    expect(calendar).toContainEqual(['certificate', addSeconds(NOW, LIFE).toISOString()])
    expect(calendar).toContainEqual(['crl', addSeconds(NOW, 7 * DAY).toISOString()])
    expect(calendar.filter(([what]) => what === 'ca')).toHaveLength(2)
    const times = findings.map(({ until }) => until?.getTime() ?? 0)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
  })

  it('says in time what will end', async () => {
    const world = await started()
    world.after(6 * DAY)
    expect(bad(await look(world))).toEqual(['soon crl'])
    await world.publish(2)
    await world.pass()
    world.after(18 * DAY)
    // A quarter of its life is left: the agent should have renewed it long since.
    expect(bad(await look(world)).filter((text) => text.endsWith('certificate'))).toEqual(['soon certificate'])
    expect(bad(await look(world, { withinSeconds: DAY })).filter((text) => text.endsWith('certificate'))).toEqual([])
    world.after(8 * DAY)
    expect(bad(await look(world))).toContain('broken certificate')
  })

  const faults: readonly (readonly [
    claim: string,
    expected: string,
    break_: (world: World, file: (name: string) => string) => void | Promise<void>,
  ])[] = [
    ['KEY-01: a key that others can read', 'broken credential', (_world, file) => chmodSync(file('key.pem'), 0o644)],
    ['KEY-01: a key that its group can read', 'broken key', (_world, file) => chmodSync(file('combined.pem'), 0o640)],
    ['a folder that others can look into', 'soon folder', (world) => chmodSync(world.directory, 0o755)],
    ['a folder that others can change', 'broken folder', (world) => chmodSync(world.directory, 0o770)],
    ['a folder of somebody else', 'broken folder', (world) => chownSync(world.directory, 4242, 4242)],
    [
      'KEY-09: a key that does not fit',
      'broken credential',
      (_world, file) =>
        writeFileSync(file('key.pem'), generatePrivateKey('p256').export({ type: 'pkcs8', format: 'pem' })),
    ],
    [
      'KEY-08: half a key',
      'broken credential',
      (_world, file) => writeFileSync(file('key.pem'), readFileSync(file('key.pem')).subarray(0, 50)),
    ],
    [
      'KEY-09: another key beside the certificate',
      'broken key',
      (_world, file) => writeFileSync(file('combined.pem'), readFileSync(file('fullchain.pem'))),
    ],
    ['no combined.pem', 'soon key', (_world, file) => rmSync(file('combined.pem'))],
    [
      'a chain that leads nowhere',
      'broken path',
      (_world, file) =>
        writeFileSync(file('ca-bundle.pem'), makeCertificate({ subject: 'Other', ca: true }).certificate.toPem()),
    ],
    [
      'REV-04: no CRL of a CA',
      'broken crl',
      (world, file) => writeFileSync(file('crls.pem'), world.crls[1]?.toPem() ?? ''),
    ],
    [
      'REV-07: a CRL by somebody else',
      'broken crl',
      async (world, file) => {
        const mallory = makeCertificate({ subject: 'Issuing', ca: true, key: keyFor('Mallory') })
        writeFileSync(file('crls.pem'), (await makeCrl({ issuer: mallory })).toPem() + (world.crls[1]?.toPem() ?? ''))
      },
    ],
    [
      'REV-04: a CRL that is over',
      'broken crl',
      (world) => {
        world.after(8 * DAY)
      },
    ],
    [
      'a clock that is behind',
      'broken clock',
      (world) => {
        world.after(-2 * DAY)
      },
    ],
    [
      'files from the future',
      'broken clock',
      (_world, file) => utimesSync(file(''), addSeconds(NOW, DAY), addSeconds(NOW, DAY)),
    ],
    [
      'a link that leads nowhere',
      'broken current',
      (world) => {
        rmSync(join(world.directory, 'current'))
        symlinkSync('versions/none', join(world.directory, 'current'))
      },
    ],
    ['no version', 'broken current', (world) => rmSync(join(world.directory, 'current'))],
    ['no folder', 'broken directory', (world) => rmSync(world.directory, { recursive: true })],
  ]

  it.each(faults)('finds %s: %s', async (_claim, expected, break_) => {
    const world = await started()
    await break_(world, (name) => join(world.directory, 'current', name))
    expect(bad(await look(world))).toContain(expected)
  })

  it('lets a group read that is stated, and looks at a version by itself', async () => {
    const world = await World.make()
    await world.pass({ group: '0' })
    expect(bad(await look(world))).toEqual([])
    const copy = join(temporaryFolder(), 'copy')
    mkdirSync(copy, { mode: 0o700 })
    cpSync(join(world.directory, 'current', '.'), copy, { recursive: true, dereference: true })
    expect(bad(await look(world, { directories: [copy] }))).toEqual([])
  })

  it('finds that its certificate is revoked', async () => {
    const world = await started()
    const listing = await makeCrl({ ...(await revocation(world)) })
    writeFileSync(
      join(world.directory, 'current', 'crls.pem'),
      [listing, world.crls[1]].map((crl) => crl?.toPem()).join(''),
    )
    const broken = (await look(world)).filter(({ severity }) => severity === 'broken')
    expect(broken.map(({ message }) => message).join()).toContain('ERR_REVOKED')
  })

  it('copes with a certificate that was delivered again', async () => {
    const world = await started()
    await world.publish(2)
    redeliverCredential(world.directory, { crls: world.crls }, NOW)
    expect(bad(await look(world))).toEqual([])
  })
})

async function revocation(world: World): Promise<Parameters<typeof makeCrl>[0]> {
  const { issuing } = await import('./world.js')
  const dates = { thisUpdate: addSeconds(NOW, -DAY), nextUpdate: addSeconds(NOW, 7 * DAY) }
  const entry = { serialNumber: world.serial, revocationDate: NOW, reason: 'keyCompromise' } as const
  return { issuer: issuing, crlNumber: 2, ...dates, revoked: [entry] }
}

describe('examine: an agent', () => {
  const about = async (world: World, changes = {}): Promise<readonly string[]> =>
    bad(await look(world, { directories: [], configuration: { ...world.configuration(), ...changes } }))

  it('finds one that does not run, or has trouble', async () => {
    const world = await World.make()
    expect(await about(world)).toContain('broken agent')
    await world.pass()
    expect(await about(world)).toEqual([])
    world.answer = () => ({ certificates: [] })
    await world.pass({}, { renew: 'now' })
    expect(await about(world)).toEqual(['soon agent'])
    world.after(3600)
    expect(await about(world)).toContain('broken agent')
    world.after(-2 * 3600)
    expect(await about(world)).toContain('broken agent')
    writeFileSync(join(world.folder, 'status.json'), '{')
    expect(await about(world)).toContain('broken agent')
  })

  it('finds that no trust directory is there', async () => {
    const world = await started()
    const trust = { from: 'x', cache: join(world.folder, 'trust.p7'), pin: 'ab'.repeat(32) }
    expect(await about(world, { trust })).toEqual(['broken trust'])
  })
})

describe('examine: an authority', async () => {
  const template = await makeTemplate()

  it('says when its CAs and CRLs end, and finds what is open to others', async () => {
    const home = template.copyHome()
    chmodSync(home, 0o700)
    const clock = new TestClock()
    const findings = await examine({ directories: [], home, clock })
    expect(findings.filter(({ what }) => what === 'ca')).toHaveLength(3)
    expect(bad(findings)).toEqual([])
    chmodSync(join(home, 'issuing-ca.key.pem'), 0o644)
    expect(bad(await examine({ directories: [], home, clock }))).toContain('broken mode')
    clock.set(addSeconds(NOW, 4000 * DAY))
    const broken = (await examine({ directories: [], home, clock })).filter(({ severity }) => severity === 'broken')
    expect(broken.filter(({ what }) => what === 'ca').length).toBeGreaterThan(0)
  })

  it('finds a clock behind the log, and a home that is none', async () => {
    const home = template.copyHome()
    expect(bad(await examine({ directories: [], home, clock: new TestClock(addSeconds(NOW, -DAY)) }))).toContain(
      'broken home',
    )
    expect(bad(await examine({ directories: [], home: '/nonexistent', clock: new TestClock() }))).toContain(
      'broken home',
    )
  })
})
