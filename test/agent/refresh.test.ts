import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { IssuedChain, PassReport } from '../../src/agent/index.js'
import { loadCredential, redeliverCredential } from '../../src/credential/index.js'
import { generatePrivateKey, publicKeyOf } from '../../src/crypto/index.js'
import { StoreError } from '../../src/errors/index.js'
import { addSeconds, DAY, HOUR } from '../../src/time/index.js'
import { parseCrls } from '../../src/x509/index.js'
import { keyFor, makeCertificate, makeCrl, NOW, revoked } from '../support/certificates.js'
import { issue, issuing, LIFE, root, URI, World } from './world.js'

const only = ({ status }: PassReport): PassReport['status']['credentials'][number] => {
  const [first] = status.credentials
  if (first === undefined) throw new Error('no credential')
  return first
}
const crlNumber = (world: World): string | undefined => parseCrls(Buffer.from(world.read('crls.pem')))[0]?.crlNumber

/** A world with a first certificate that its server answers with. */
async function started(): Promise<World> {
  const world = await World.make()
  await world.pass()
  expect(world.issued).toBe(1)
  return world
}

describe('an agent: the first certificate', () => {
  it('has it issued for a key made here, and delivers it with all CRLs', async () => {
    const world = await World.make()
    const report = await world.pass()
    expect(report.exitCode).toBe(0)
    expect(world.happened).toEqual(['renewed', 'reloaded'])
    expect(only(report)).toMatchObject({
      serialNumber: '01ab',
      uri: URI,
      failures: 0,
      lastError: null,
      reloadOwed: false,
    })
    expect(world.read('combined.pem')).toBe(world.read('key.pem') + world.read('fullchain.pem'))
    expect(readdirSync(join(world.directory, 'current', 'crls'))).toHaveLength(2)
    expect(JSON.parse(world.read('identity.json'))).toMatchObject({ entity: 'web-01', uri: URI, profile: 'server' })
  })

  it('does nothing more while everything is fresh', async () => {
    const world = await started()
    world.after(DAY)
    const report = await world.pass()
    expect(report.exitCode).toBe(0)
    expect(world.happened).toEqual([])
    expect(world.issued).toBe(1)
  })

  it('believes no root but those that are named', async () => {
    const world = await World.make()
    writeFileSync(
      join(world.folder, 'root.pem'),
      makeCertificate({ subject: 'Root', ca: true, key: keyFor('x') }).certificate.toPem(),
    )
    const report = await world.pass()
    expect(report.exitCode).toBe(4)
    expect(existsSync(join(world.directory, 'current'))).toBe(false)
  })

  it('takes no certificate for another identity than the entity, or than the one that is wanted', async () => {
    const world = await World.make()
    world.changes = { names: [{ kind: 'uri', value: 'spiffe://cloud.example/web/web-02' }] }
    expect(only(await world.pass()).lastError?.code).toBe('ERR_RENEW_OTHER')
    const other = await World.make()
    expect(only(await other.pass({ identity: 'spiffe://cloud.example/region/web/web-01' })).lastError?.code).toBe(
      'ERR_RENEW_OTHER',
    )
    expect(existsSync(join(other.directory, 'current'))).toBe(false)
  })
})

describe('an agent: renewal', () => {
  it('renews after two thirds of the life, with a new key, for the same identity', async () => {
    const world = await started()
    const key = world.read('key.pem')
    world.after(0.66 * LIFE)
    await world.publish(2)
    await world.pass()
    expect(world.issued).toBe(1)
    world.after(0.06 * LIFE)
    const report = await world.pass()
    expect(report.exitCode).toBe(0)
    expect(world.happened).toEqual(['renewed', 'reloaded'])
    expect(world.serial).toBe('02ab')
    expect(world.read('key.pem')).not.toBe(key)
    expect(only(report).renewAt).not.toBeNull()
  })

  it('renews at once where that is asked for', async () => {
    const world = await started()
    await world.pass({}, { renew: 'now' })
    expect(world.serial).toBe('02ab')
  })

  it('KEY-09: renews what is no pair any more, and keeps the group of readers', async () => {
    const world = await World.make()
    await world.pass({ group: '0' })
    const other = generatePrivateKey('p256').export({ type: 'pkcs8', format: 'pem' })
    writeFileSync(join(world.directory, 'current', 'key.pem'), other)
    const report = await world.pass()
    expect(report.exitCode).toBe(0)
    expect(world.serial).toBe('02ab')
    expect(loadCredential(world.directory).readers).toEqual({ gid: 0 })
  })

  const answers: readonly (readonly [claim: string, code: string, answer: World['answer']])[] = [
    [
      'KEY-09: a certificate for another key',
      'ERR_KEY_CERT_MISMATCH',
      () => ({ certificates: [issue(publicKeyOf(generatePrivateKey('p256')), NOW), issuing.certificate] }),
    ],
    ['no certificate', 'ERR_KEY_CERT_MISMATCH', () => ({ certificates: [] })],
    [
      'a certificate of another identity',
      'ERR_RENEW_OTHER',
      (_made, key) => changed(key, { names: [{ kind: 'uri', value: 'spiffe://cloud.example/web/web-02' }] }),
    ],
    [
      'a certificate of two identities',
      'ERR_IDENTITY_INVALID',
      (_made, key) =>
        changed(key, {
          names: [
            { kind: 'uri', value: URI },
            { kind: 'uri', value: `${URI}-2` },
          ],
        }),
    ],
    ['a certificate of the same number', 'ERR_RENEW_OTHER', (_made, key) => changed(key, { serialNumber: '01ab' })],
    ['an older certificate', 'ERR_RENEW_OTHER', (_made, key) => changed(key, { notBefore: addSeconds(NOW, -2 * DAY) })],
    [
      'a certificate for clients',
      'ERR_PATH_PURPOSE',
      (_made, key) => changed(key, { purposes: ['1.3.6.1.5.5.7.3.2'] }),
    ],
    [
      'a certificate that has ended',
      'ERR_PATH_EXPIRED',
      (_made, key) => changed(key, { notAfter: addSeconds(NOW, -1) }),
    ],
    [
      'a certificate of the future',
      'ERR_PATH_NOT_YET_VALID',
      (_made, key) => changed(key, { notBefore: addSeconds(NOW, DAY), notAfter: addSeconds(NOW, 9 * DAY) }),
    ],
    [
      'a certificate by somebody else',
      'ERR_PATH_NOT_FOUND',
      (_made, key) => changed(key, { issuer: makeCertificate({ subject: 'Mallory', ca: true }) }),
    ],
    [
      'a certificate by somebody of the same name',
      'ERR_PATH_NOT_FOUND',
      (_made, key) =>
        changed(key, { issuer: makeCertificate({ subject: 'Issuing', ca: true, key: keyFor('Mallory') }) }),
    ],
  ]

  function changed(key: Parameters<typeof issue>[0], changes: Parameters<typeof issue>[2]): IssuedChain {
    return { certificates: [issue(key, NOW, { serialNumber: '0909', ...changes }), issuing.certificate] }
  }

  it.each(answers)('never uses %s: %s', async (_claim, code, answer) => {
    const world = await started()
    const before = readdirSync(join(world.directory, 'versions'))
    world.answer = answer
    const report = await world.pass({}, { renew: 'now' })
    expect(only(report)).toMatchObject({ serialNumber: '01ab', failures: 1, lastError: { code } })
    expect(report.exitCode).toBe(only(report).lastError?.exitCode)
    expect(world.happened).toEqual(['failed'])
    expect(readdirSync(join(world.directory, 'versions'))).toEqual(before)
  })

  it('REV-10: uses no certificate under a new CA that has no CRL, and one that has', async () => {
    const world = await started()
    const next = makeCertificate({
      subject: 'Next issuing',
      issuer: root,
      ca: true,
      notAfter: addSeconds(NOW, 900 * DAY),
    })
    world.answer = (_made, key) => ({
      certificates: [issue(key, NOW, { serialNumber: '0b', issuer: next }), next.certificate],
    })
    expect(only(await world.pass({}, { renew: 'now' })).lastError?.code).toBe('ERR_REVOCATION_UNKNOWN')
    writeFileSync(world.crlFile, [...world.crls, await makeCrl({ issuer: next })].map((crl) => crl.toPem()).join(''))
    expect((await world.pass({}, { renew: 'now' })).exitCode).toBe(0)
    expect(world.serial).toBe('0b')
    // The CA before is still trusted: others have certificates of it.
    expect(world.read('ca-bundle.pem')).toContain(issuing.certificate.toPem())
    expect(readdirSync(join(world.directory, 'current', 'crls'))).toHaveLength(3)
  })

  it('goes on with what there is while the source refuses, waits longer each time, and says so', async () => {
    const world = await started()
    world.after(0.8 * LIFE)
    await world.publish(2)
    world.answer = () => {
      throw new StoreError('ERR_AGENT_COMMAND', 'no route to host')
    }
    const waits: number[] = []
    for (let failure = 1; failure <= 4; failure++) {
      const { failures, nextAttempt } = only(await world.pass())
      expect(failures).toBe(failure)
      waits.push((Date.parse(nextAttempt ?? '') - world.clock.now().getTime()) / 1000)
      // Before that time nothing is asked, and the failure stands.
      const asked = world.issued
      const report = await world.pass()
      expect([world.issued, report.exitCode]).toEqual([asked, 8])
      world.clock.set(new Date(nextAttempt ?? ''))
    }
    expect(waits).toEqual([45, 90, 180, 360])
    world.answer = (made) => made
    expect(only(await world.pass())).toMatchObject({ failures: 0, lastError: null, nextAttempt: null })
  })

  it('forgets a failure of what is not due any more', async () => {
    const world = await started()
    world.answer = () => ({ certificates: [] })
    expect((await world.pass({}, { renew: 'now' })).exitCode).toBe(8)
    expect((await world.pass()).exitCode).toBe(0)
  })
})

describe('an agent: servers', () => {
  it('goes back to the certificate before where the server does not answer with the new one', async () => {
    const world = await started()
    world.serverTakes = ['01ab']
    const report = await world.pass({}, { renew: 'now' })
    expect(world.happened).toEqual(['renewed', 'rolled-back', 'failed'])
    expect(only(report)).toMatchObject({
      serialNumber: '01ab',
      lastError: { code: 'ERR_AGENT_PROBE' },
      failures: 1,
      reloadOwed: false,
    })
    expect(report.exitCode).toBe(7)
    expect(world.served?.serialNumber).toBe('01ab')
    expect(readdirSync(join(world.directory, 'versions'))).toEqual(['01ab'])
  })

  it('goes back where the reload fails, keeps what it printed, and has the old one taken up again', async () => {
    const world = await started()
    const log = join(world.folder, 'log')
    const script = `require('node:fs').appendFileSync(${JSON.stringify(log)}, 'x'); console.error('syntax error'); process.exit(3)`
    const report = await world.pass({ reload: [[process.execPath, '-e', script]] }, { renew: 'now' })
    const failed = world.events.find(({ event }) => event === 'failed')
    expect(failed).toMatchObject({
      error: { code: 'ERR_AGENT_COMMAND', details: { output: 'syntax error', reason: 'it exited with 3' } },
    })
    expect(world.happened).toEqual(['renewed', 'rolled-back', 'failed'])
    expect(readFileSync(log, 'utf8')).toBe('xx')
    expect(only(report)).toMatchObject({ serialNumber: '01ab', reloadOwed: true })
    // Once it can be reloaded, what is owed is done.
    world.after(HOUR)
    expect(only(await world.pass())).toMatchObject({ reloadOwed: false, lastError: null })
  })

  it('keeps the first certificate where there is none to go back to', async () => {
    const world = await World.make()
    world.serverTakes = 'nothing'
    world.served = issuing.certificate
    const report = await world.pass()
    expect(world.happened).toEqual(['renewed', 'failed'])
    expect(only(report)).toMatchObject({
      serialNumber: '01ab',
      reloadOwed: true,
      lastError: { code: 'ERR_AGENT_PROBE' },
    })
    world.serverTakes = 'all'
    world.after(HOUR)
    expect((await world.pass()).exitCode).toBe(0)
  })

  it('reloads a server that answers with another certificate than it was given', async () => {
    const world = await started()
    const log = join(world.folder, 'log')
    const reload = [[process.execPath, '-e', `require('node:fs').writeFileSync(${JSON.stringify(log)}, '')`]]
    world.serverTakes = 'nothing'
    world.served = issuing.certificate
    const probe = world.probe.served.bind(world.probe)
    Object.assign(world.probe, {
      served: async (...words: Parameters<typeof probe>) => {
        if (existsSync(log)) world.serverTakes = 'all'
        return probe(...words)
      },
    })
    expect((await world.pass({ reload })).exitCode).toBe(0)
    expect(world.happened).toEqual(['reloaded'])
  })

  it('lets a server be that is stopped, and renews all the same', async () => {
    const world = await started()
    Object.assign(world.probe, {
      served: () => Promise.reject(new StoreError('ERR_TLS_CONNECTION', 'connection refused')),
    })
    expect((await world.pass()).exitCode).toBe(0)
    expect(world.happened).toEqual([])
    expect((await world.pass({}, { renew: 'now' })).exitCode).toBe(0)
    expect([world.serial, ...world.happened]).toEqual(['02ab', 'renewed', 'reloaded'])
    // Where it cannot even be told, that is said; the certificate before would help nobody.
    const report = await world.pass({ reload: [[process.execPath, '-e', 'process.exit(1)']] }, { renew: 'now' })
    expect(only(report)).toMatchObject({
      serialNumber: '03ab',
      reloadOwed: true,
      lastError: { code: 'ERR_AGENT_COMMAND' },
    })
  })
})

describe('an agent: CRLs', () => {
  it('delivers newer ones beside the same certificate, and has them taken up', async () => {
    const world = await started()
    await world.publish(2)
    const report = await world.pass()
    expect(report.exitCode).toBe(0)
    expect(world.happened).toEqual(['trust-delivered', 'reloaded'])
    expect([crlNumber(world), world.serial, world.issued]).toEqual(['02', '01ab', 1])
  })

  it('REV-05: takes no older one, and says so', async () => {
    const world = await started()
    await world.publish(5)
    await world.pass()
    await world.publish(4)
    const report = await world.pass()
    expect(only(report).lastError?.code).toBe('ERR_CRL_ROLLBACK')
    expect(crlNumber(world)).toBe('05')
  })

  it('REV-05: a certificate that is rolled back takes no CRL with it', async () => {
    const world = await started()
    await world.publish(2, { revoked: [revoked('77')] })
    world.serverTakes = ['01ab']
    await world.pass({}, { renew: 'now' })
    expect(world.happened).toEqual(['trust-delivered', 'renewed', 'rolled-back', 'failed'])
    expect([world.serial, crlNumber(world)]).toEqual(['01ab', '02'])
    expect(parseCrls(Buffer.from(world.read('crls.pem')))[0]?.find('77')).toBeDefined()
  })

  it('REV-05: new CRLs stay where the server cannot be reloaded, and it is tried again', async () => {
    const world = await started()
    await world.publish(2)
    const failing = { reload: [[process.execPath, '-e', 'process.exit(1)']] }
    const report = await world.pass(failing)
    expect(only(report)).toMatchObject({ reloadOwed: true, failures: 1, lastError: { code: 'ERR_AGENT_COMMAND' } })
    expect(crlNumber(world)).toBe('02')
    // Newer ones do not wait for the next attempt.
    await world.publish(3)
    expect(only(await world.pass(failing)).failures).toBe(2)
    expect(crlNumber(world)).toBe('03')
    world.after(HOUR)
    expect(only(await world.pass())).toMatchObject({ reloadOwed: false, failures: 0 })
  })

  it('REV-07: takes none that another key signed, whatever its name and number', async () => {
    const world = await started()
    const mallory = makeCertificate({ subject: 'Issuing', ca: true, key: keyFor('Mallory') })
    await world.publish(9, {}, mallory)
    await world.pass()
    expect(crlNumber(world)).toBe('01')
    // Nor one that says that it is of the key that it is not of.
    const [crl] = world.crls
    const pem = crl?.toPem() ?? ''
    writeFileSync(
      world.crlFile,
      pem.replace(
        /(.{20})(.)(=*\n-----END)/s,
        (_all, a: string, b: string, c: string) => `${a}${b === 'A' ? 'E' : 'A'}${c}`,
      ),
    )
    await world.pass()
    expect(crlNumber(world)).toBe('01')
  })

  it('REV-04: says that servers refuse everybody when a CRL is over', async () => {
    const world = await started()
    world.after(8 * DAY)
    const report = await world.pass()
    expect(only(report).lastError?.code).toBe('ERR_CRL_STALE')
    expect(report.exitCode).toBe(6)
  })

  it.each([
    ['REV-05: from the future', { thisUpdate: addSeconds(NOW, DAY) }],
    ['REV-05: that are over', { nextUpdate: addSeconds(NOW, -1) }],
  ])('takes none %s', async (_claim, changes) => {
    const world = await started()
    await world.publish(2, changes)
    expect(only(await world.pass()).lastError?.code).toBe('ERR_CRL_STALE')
    expect(crlNumber(world)).toBe('01')
  })

  it('REV-11: goes on without what cannot be read, and says so', async () => {
    const world = await started()
    writeFileSync(world.crlFile, 'nonsense')
    const report = await world.pass()
    expect(report.status.problems).toMatchObject([{ what: `crls ${world.crlFile}`, code: 'ERR_PEM_MALFORMED' }])
    expect([report.exitCode, crlNumber(world)]).toEqual([3, '01'])
  })

  it('asks for a new certificate when its own is revoked, and keeps the old files if none comes', async () => {
    const world = await started()
    world.answer = () => {
      throw new StoreError('ERR_AGENT_COMMAND', 'it is revoked')
    }
    await world.publish(2, { revoked: [revoked('01ab')] })
    expect(only(await world.pass()).lastError?.code).toBe('ERR_AGENT_COMMAND')
    expect(world.issued).toBe(2)
    world.answer = (made) => made
    world.after(HOUR)
    expect((await world.pass()).exitCode).toBe(0)
    expect([world.serial, crlNumber(world)]).toEqual(['03ab', '02'])
  })
})

describe('an agent: clocks that are wrong', () => {
  it('does nothing at a time that cannot be', async () => {
    const world = await started()
    world.clock.set(new Date('1970-01-01T00:00:00Z'))
    await expect(world.pass()).rejects.toMatchObject({ code: 'ERR_CLOCK_SUSPECT' })
    expect(world.serial).toBe('01ab')
  })

  it('says that the clock went back behind the certificate, and changes nothing', async () => {
    const world = await started()
    world.after(-2 * DAY)
    const report = await world.pass()
    expect(only(report).lastError?.code).toBe('ERR_CLOCK_SUSPECT')
    expect(world.issued).toBe(1)
  })

  it('uses nothing that was issued by a right clock while its own is a year ahead', async () => {
    const world = await started()
    world.answer = (_made, key) => ({ certificates: [issue(key, NOW, { serialNumber: '0c' }), issuing.certificate] })
    world.after(365 * DAY)
    const ahead = await world.pass()
    expect(only(ahead)).toMatchObject({ serialNumber: '01ab', lastError: { code: 'ERR_PATH_EXPIRED' } })
    // Set right, it waits for no time that only the wrong clock knew.
    world.clock.set(addSeconds(NOW, 0.8 * LIFE))
    world.answer = (made) => made
    await world.publish(2)
    expect((await world.pass()).exitCode).toBe(0)
  })
})

describe('an agent: files', () => {
  it('KEY-08: what a killed process left half written is never current, and goes', async () => {
    const world = await started()
    const half = join(world.directory, 'versions', '.signet-tmp-00-half')
    writeFileSync(half, world.read('key.pem').slice(0, 40))
    await world.pass({}, { renew: 'now' })
    expect(world.serial).toBe('02ab')
    expect(existsSync(half)).toBe(false)
  })

  it('KEY-08: a pair that is half written is made anew', async () => {
    const world = await started()
    const key = join(world.directory, 'current', 'key.pem')
    writeFileSync(key, world.read('key.pem').slice(0, 60))
    expect((await world.pass()).exitCode).toBe(0)
    expect(world.serial).toBe('02ab')
  })

  it('KEY-10: neither status nor events have a key in them', async () => {
    const world = await started()
    world.answer = () => ({ certificates: [] })
    await world.pass({}, { renew: 'now' })
    const told = JSON.stringify(world.events) + readFileSync(join(world.folder, 'status.json'), 'utf8')
    expect(told).not.toContain('PRIVATE')
    const [, line = '?'] = world.read('key.pem').split('\n')
    expect(told).not.toContain(line)
  })

  it('KEY-01: keeps the key secret, and gives it to the group that is named', async () => {
    const world = await World.make()
    await world.pass({ group: '0' })
    const mode = (name: string): string => (statSync(join(world.directory, 'current', name)).mode & 0o777).toString(8)
    expect([mode('key.pem'), mode('combined.pem'), mode('cert.pem')]).toEqual(['640', '640', '644'])
    await world.pass({}, { renew: 'now' })
    expect(mode('key.pem')).toBe('640')
  })

  it('goes on without its memory', async () => {
    const world = await started()
    writeFileSync(join(world.folder, 'status.json'), '{"schema":1')
    const report = await world.pass()
    expect(report.status.problems).toMatchObject([{ what: 'status', code: 'ERR_JSON_MALFORMED' }])
    expect((await world.pass()).exitCode).toBe(0)
    rmSync(join(world.folder, 'status.json'))
    expect((await world.pass()).exitCode).toBe(0)
  })

  it('copes with versions that somebody else delivered', async () => {
    const world = await started()
    await world.publish(2)
    redeliverCredential(world.directory, { crls: world.crls }, NOW)
    expect((await world.pass()).exitCode).toBe(0)
    expect(world.happened).toEqual([])
  })
})
