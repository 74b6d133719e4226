import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import type { IssuedCertificate } from '../../src/authority/index.js'
import { issueCertificates, PROFILES, publishCrls, revokeCertificates } from '../../src/authority/index.js'
import { NOW } from '../support/certificates.js'
import { makeTemplate } from '../support/test-authority.js'

// The built program: only there is a thread started from a file of its own.
const { StrangerThread } = (await import(
  new URL('../../dist/authority/stranger-thread.js', import.meta.url).href
)) as typeof import('../../src/authority/stranger-thread.js')
const { parseCertificate, parseCrl } = (await import(
  new URL('../../dist/x509/index.js', import.meta.url).href
)) as typeof import('../../src/x509/index.js')

const template = await makeTemplate()
const { authority, register, issuing, key } = await template.open()
await register('node-1')
const { crls } = await issuing()
const issued: readonly IssuedCertificate[] = await issueCertificates(
  await issuing(),
  Array.from({ length: 40 }, () => ({
    entity: 'node-1',
    profile: PROFILES.peer,
    key: { kind: 'generate', algorithm: 'p256' } as const,
  })),
)
const knowledge = {
  anchors: authority.anchors.map(({ der }) => parseCertificate(der)),
  issuer: parseCertificate(authority.issuing.der),
  crls: crls.map(({ der }) => parseCrl(der)),
  at: NOW,
}
const good = issued.map(({ der, profile }) => ({ der, purposes: profile.purposes }))

describe('a stranger on another thread', () => {
  const thread = new StrangerThread(0)
  afterAll(() => thread.close())

  it('is a file of the program, beside the one that starts it', () => {
    expect(readFileSync(new URL('../../dist/authority/stranger-worker.js', import.meta.url), 'utf8')).toContain(
      'parentPort',
    )
  })

  it('reads what was issued, in the order of the questions', async () => {
    const stranger = thread.meet(knowledge)
    const parts = [good.slice(0, 13), good.slice(13, 14), [], good.slice(14)]
    const readings = await Promise.all(parts.map((part) => stranger.read(part)))
    expect(readings.flat()).toEqual(
      issued.map(({ certificate }) => ({
        serialNumber: certificate.serialNumber,
        keyIdentifier: certificate.keyIdentifier,
        fingerprint: certificate.fingerprint,
        subjectDigest: certificate.subject.digest,
        notBefore: certificate.notBefore.toISOString(),
        notAfter: certificate.notAfter.toISOString(),
      })),
    )
    stranger.part()
  })

  it('CA-10: refuses with the same words as on this thread, and goes on', async () => {
    const stranger = thread.meet(knowledge)
    const [first, second] = good
    if (first === undefined || second === undefined) throw new Error('forty were asked for')
    const der = Uint8Array.from(second.der)
    der[der.length - 1] = (der.at(-1) ?? 0) ^ 1
    await expect(stranger.read([first, { ...second, der }])).rejects.toMatchObject({ code: 'ERR_PATH_SIGNATURE' })
    await expect(stranger.read([{ ...first, purposes: ['message-signing'] }])).rejects.toMatchObject({
      code: 'ERR_PATH_PURPOSE',
    })
    await expect(stranger.read([{ ...first, purposes: [] }])).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' })
    await expect(stranger.read([{ ...first, der: first.der.subarray(1) }])).rejects.toMatchObject({
      category: 'encoding',
    })
    expect(await stranger.read([first])).toHaveLength(1)
    stranger.part()
  })

  it('CA-10: believes no issuing CA that is not valid', () => {
    expect(() => thread.meet({ ...knowledge, crls: [] })).toThrow(
      expect.objectContaining({ code: 'ERR_REVOCATION_UNKNOWN' }),
    )
  })

  it('each knows what it was told, whoever else there is', async () => {
    const { serialNumber } = issued[0]?.certificate ?? expect.fail('forty were asked for')
    await revokeCertificates(authority, { kind: 'serialNumber', serialNumber }, 'keyCompromise', NOW)
    const newer = (await publishCrls(authority, key, NOW)).map(({ der }) => parseCrl(der))
    const root = knowledge.crls.filter((crl) => crl.issuer.toString() !== authority.issuing.subject.toString())
    const [before, after] = [thread.meet(knowledge), thread.meet({ ...knowledge, crls: [...root, ...newer] })]
    const some = good.slice(0, 2)
    const [first, second] = await Promise.allSettled([after.read(some), before.read(some)])
    expect(first).toMatchObject({ reason: { code: 'ERR_REVOKED' } })
    expect(second).toMatchObject({ value: { length: 2 } })
    after.part()
    expect(await before.read(some)).toHaveLength(2)
    before.part()
  })

  it('CA-09: one that was parted with reads nothing more; what was asked before is answered', async () => {
    const stranger = thread.meet(knowledge)
    const asked = stranger.read(good)
    stranger.part()
    expect(await asked).toHaveLength(good.length)
    await expect(stranger.read(good)).rejects.toMatchObject({ code: 'ERR_INTERNAL' })
  })

  it('CA-09: a thread that is gone answers nothing, neither what was asked nor what is asked later', async () => {
    const other = new StrangerThread(0)
    const stranger = other.meet(knowledge)
    const asked = stranger.read(good)
    const refused = expect(asked).rejects.toMatchObject({ code: 'ERR_INTERNAL' })
    await other.close()
    await refused
    await expect(stranger.read(good)).rejects.toMatchObject({ code: 'ERR_INTERNAL' })
  })

  it('keeps no process alive when nothing is asked', async () => {
    const ports = (): number => process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length
    const before = ports()
    const other = new StrangerThread(0)
    const stranger = other.meet(knowledge)
    expect(ports()).toBe(before)
    const asked = stranger.read(good)
    expect(ports()).toBe(before + 1)
    await asked
    expect(ports()).toBe(before)
    await other.close()
  })

  it('starts none for a few, and reads them here', async () => {
    const ports = (): number => process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length
    const before = ports()
    const other = new StrangerThread(good.length)
    const stranger = other.meet(knowledge)
    const asked = stranger.read(good)
    expect(ports()).toBe(before)
    const readings = await asked
    const again = stranger.read(good)
    expect(ports()).toBe(before + 1)
    expect(await again).toEqual(readings)
    stranger.part()
    await other.close()
  })

  it('takes another thread where the first is gone', async () => {
    const other = new StrangerThread(0)
    other.meet(knowledge)
    await other.close()
    expect(await other.meet(knowledge).read(good)).toHaveLength(good.length)
    await other.close()
  })
})
