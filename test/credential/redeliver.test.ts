import { chmodSync, existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { OID } from '../../src/asn1/index.js'
import {
  type Credential,
  currentVersion,
  deliverCredential,
  loadCredential,
  readersOf,
  redeliverCredential,
  type Redelivery,
  rollBackCredential,
} from '../../src/credential/index.js'
import { addSeconds, DAY } from '../../src/time/index.js'
import { type Certificate, type Crl, parseCertificates, parseCrls } from '../../src/x509/index.js'
import { keyFor, makeCertificate, makeCrl, NOW, privateKeyFor, revoked } from '../support/certificates.js'
import { expectCode } from '../support/expect-code.js'
import { temporaryFolder } from '../support/temporary.js'

const folder = temporaryFolder()
const isRoot = process.geteuid?.() === 0
const GID = 4242

const root = makeCertificate({ subject: 'Root', ca: true })
const issuing = makeCertificate({ subject: 'Issuing', issuer: root, ca: true })
const node = makeCertificate({ subject: 'node', issuer: issuing })
const otherRoot = makeCertificate({ subject: 'Other root', ca: true })
const rootCrl = await makeCrl({ issuer: root })
const crlOf = (crlNumber: number, more: Partial<Parameters<typeof makeCrl>[0]> = {}): Promise<Crl> =>
  makeCrl({ issuer: issuing, crlNumber, ...more })
const five = await crlOf(5)

const credential: Credential = {
  privateKey: privateKeyFor('CN=node'),
  certificate: node.certificate,
  chain: [issuing.certificate],
  anchor: root.certificate,
  crls: [five, rootCrl],
  identity: {
    entity: 'node',
    uri: 'spiffe://cloud.example/compute/node',
    scope: '',
    service: 'compute',
    node: 'node',
    roles: ['a'],
    grants: [],
    groups: [],
  },
  profile: 'peer',
  purpose: 'allow-any',
}
const { serialNumber } = node.certificate

let count = 0
function delivered(changes: Partial<Credential> = {}, readers?: { gid: number }): string {
  const directory = join(folder, `credential-${count++}`)
  deliverCredential(directory, { ...credential, ...changes }, NOW, { readers })
  return directory
}
const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8)
const current = (directory: string): string => basename(readlinkSync(join(directory, 'current')))
const read = (directory: string, name: string): string => readFileSync(join(directory, 'current', name), 'utf8')
const numbers = (directory: string): readonly (string | undefined)[] =>
  parseCrls(Buffer.from(read(directory, 'crls.pem'))).map(({ crlNumber }) => crlNumber)

describe('deliverCredential: files for every server', () => {
  it('puts key, certificate and chain into one file, and each CRL into one of its own', async () => {
    const foreign = await makeCrl({ issuer: otherRoot })
    const directory = delivered({ crls: [five, rootCrl, foreign], furtherCas: [otherRoot.certificate] })
    expect(read(directory, 'combined.pem')).toBe(read(directory, 'key.pem') + read(directory, 'fullchain.pem'))
    const files = readdirSync(join(directory, 'current', 'crls'))
    expect(files).toHaveLength(3)
    for (const name of files) expect(name).toMatch(/^[0-9a-f]{8}\.r0$/)
    const each = files.map((name) => read(directory, join('crls', name)))
    expect(new Set(each)).toEqual(new Set([five, rootCrl, foreign].map((crl) => crl.toPem())))
    expect(parseCertificates(Buffer.from(read(directory, 'ca-bundle.pem'))).map((ca) => ca.fingerprint)).toEqual(
      [issuing, root, otherRoot].map(({ certificate }) => certificate.fingerprint),
    )
  })

  it('numbers CRLs whose issuers OpenSSL cannot tell apart by their hash', async () => {
    const again = makeCertificate({ subject: 'ISSUING  ', key: keyFor('another'), issuer: root, ca: true })
    const directory = delivered({ crls: [five, rootCrl, await makeCrl({ issuer: again })] })
    const files = readdirSync(join(directory, 'current', 'crls')).sort()
    const twice = files.filter((name) => name.endsWith('.r1')).map((name) => name.slice(0, 8))
    expect(twice).toHaveLength(1)
    expect(files.filter((name) => name.startsWith(twice[0] ?? '?'))).toEqual([`${twice[0]}.r0`, `${twice[0]}.r1`])
  })

  it('has no combined.pem where the node kept its key', () => {
    const { privateKey, ...withoutKey } = credential
    expect(privateKey).toBeDefined()
    const directory = join(folder, `credential-${count++}`)
    deliverCredential(directory, withoutKey, NOW)
    expect(existsSync(join(directory, 'current', 'combined.pem'))).toBe(false)
    const newer = redeliverCredential(directory, { crls: [five, rootCrl] }, NOW)
    expect(existsSync(join(newer, 'key.pem'))).toBe(false)
  })
})

describe.skipIf(!isRoot)('readers', () => {
  it('KEY-01: gives a group the folders and the secrets, and nobody more', () => {
    const directory = delivered({}, { gid: GID })
    for (const path of ['', 'versions', `versions/${serialNumber}`]) {
      expect(mode(join(directory, path))).toBe('750')
      expect(statSync(join(directory, path))).toMatchObject({ uid: 0, gid: GID })
    }
    for (const name of ['key.pem', 'combined.pem']) {
      expect(mode(join(directory, 'current', name))).toBe('640')
      expect(statSync(join(directory, 'current', name))).toMatchObject({ uid: 0, gid: GID })
    }
    expect(mode(join(directory, 'current', 'crls'))).toBe('755')
    expect(loadCredential(directory).readers).toEqual({ gid: GID })
    expect(readersOf(directory)).toEqual({ gid: GID })
  })

  it('KEY-01: refuses a key that is open to another group than the stated one, or to more than reading', () => {
    const directory = delivered({}, { gid: GID })
    const key = join(directory, 'current', 'key.pem')
    for (const bits of [0o644, 0o660, 0o650]) {
      chmodSync(key, bits)
      expectCode('ERR_KEY_PERMISSIONS', () => loadCredential(directory))
    }
    const plain = delivered()
    chmodSync(join(plain, 'current', 'key.pem'), 0o640)
    expectCode('ERR_KEY_PERMISSIONS', () => loadCredential(plain))
  })

  it('keeps them from one version to the next, and takes them back', async () => {
    const directory = delivered({}, { gid: GID })
    redeliverCredential(directory, { crls: [await crlOf(6), rootCrl] }, NOW)
    expect(readersOf(directory)).toEqual({ gid: GID })
    expect(mode(join(directory, 'current', 'key.pem'))).toBe('640')
    const again = makeCertificate({ subject: 'node', issuer: issuing, serialNumber: '77' })
    deliverCredential(directory, { ...credential, certificate: again.certificate }, NOW)
    expect(mode(directory)).toBe('700')
    expect(mode(join(directory, 'current', 'key.pem'))).toBe('600')
  })

  it('has none where there is no version', () => {
    expect(readersOf(join(folder, 'none'))).toBeUndefined()
  })
})

describe('redeliverCredential', () => {
  it('makes a generation of the same certificate, with newer CRLs, key and identity as they were', async () => {
    const directory = delivered()
    const before = { key: read(directory, 'key.pem'), identity: read(directory, 'identity.json') }
    const version = redeliverCredential(directory, { crls: [await crlOf(6), rootCrl] }, NOW)
    expect(version).toBe(join(directory, 'versions', `${serialNumber}-2`))
    expect(currentVersion(directory)).toBe(version)
    expect(numbers(directory)).toEqual(['06', '01'])
    expect({ key: read(directory, 'key.pem'), identity: read(directory, 'identity.json') }).toEqual(before)
    expect(loadCredential(directory).certificate.serialNumber).toBe(serialNumber)
  })

  it('keeps the generation before, and no older one', async () => {
    const directory = delivered()
    for (const number of [6, 7, 8]) redeliverCredential(directory, { crls: [await crlOf(number), rootCrl] }, NOW)
    expect(readdirSync(join(directory, 'versions')).sort()).toEqual([`${serialNumber}-3`, `${serialNumber}-4`])
    const next = makeCertificate({ subject: 'node', issuer: issuing, serialNumber: '78' })
    deliverCredential(directory, { ...credential, certificate: next.certificate }, NOW)
    expect(readdirSync(join(directory, 'versions')).sort()).toEqual([`${serialNumber}-4`, '78'].sort())
  })

  it('takes other CAs', async () => {
    const directory = delivered()
    const caBundle = [issuing.certificate, root.certificate, otherRoot.certificate]
    redeliverCredential(directory, { caBundle, crls: [five, rootCrl, await makeCrl({ issuer: otherRoot })] }, NOW)
    expect(loadCredential(directory).caBundle).toHaveLength(3)
  })

  it('writes nothing where nothing differs', () => {
    const directory = delivered()
    const version = currentVersion(directory)
    expect(redeliverCredential(directory, { crls: [five, rootCrl] }, NOW)).toBe(version)
    expect(redeliverCredential(directory, {}, NOW)).toBe(version)
    expect(readdirSync(join(directory, 'versions'))).toEqual([serialNumber])
  })

  it('lays key and certificates together for TLS only, and misses nothing then', async () => {
    const signer = makeCertificate({ subject: 'node', issuer: issuing, purposes: [OID.kpEmailProtection] })
    const directory = delivered({ certificate: signer.certificate })
    expect(existsSync(join(directory, 'current', 'combined.pem'))).toBe(false)
    expect(redeliverCredential(directory, {}, NOW)).toBe(currentVersion(directory))
    redeliverCredential(directory, { crls: [await crlOf(6), rootCrl] }, NOW)
    expect(existsSync(join(directory, 'current', 'combined.pem'))).toBe(false)
  })

  it('brings a version of before up to date that has no combined.pem', () => {
    const directory = delivered()
    rmSync(join(directory, 'current', 'combined.pem'))
    redeliverCredential(directory, {}, NOW)
    expect(current(directory)).toBe(`${serialNumber}-2`)
    expect(existsSync(join(directory, 'current', 'combined.pem'))).toBe(true)
  })

  const refusals: readonly (readonly [
    claim: string,
    code: Parameters<typeof expectCode>[0],
    changes: () => Promise<Redelivery>,
  ])[] = [
    ['REV-05: an older CRL', 'ERR_CRL_ROLLBACK', async () => ({ crls: [await crlOf(4), rootCrl] })],
    ['REV-05: no CRL of a CA that had one', 'ERR_CRL_ROLLBACK', () => Promise.resolve({ crls: [rootCrl] })],
    [
      'REV-04: a CRL that is over',
      'ERR_REVOCATION_UNKNOWN',
      async () => ({ crls: [await crlOf(6, { nextUpdate: addSeconds(NOW, -1) }), rootCrl] }),
    ],
    [
      'REV-05: a CRL from the future',
      'ERR_REVOCATION_UNKNOWN',
      async () => ({ crls: [await crlOf(6, { thisUpdate: addSeconds(NOW, DAY) }), rootCrl] }),
    ],
    [
      'REV-07: a CRL of the same name by another key',
      'ERR_CRL_ROLLBACK',
      async () => {
        const same = makeCertificate({ subject: 'Issuing', key: keyFor('another'), ca: true })
        return { crls: [await makeCrl({ issuer: same, crlNumber: 9 }), rootCrl] }
      },
    ],
    [
      'a CRL that lists the certificate',
      'ERR_REVOKED',
      async () => ({ crls: [await crlOf(6, { revoked: [revoked(serialNumber)] }), rootCrl] }),
    ],
    [
      'a bundle without the root of the certificate',
      'ERR_PATH_NOT_FOUND',
      () => Promise.resolve({ caBundle: [otherRoot.certificate] }),
    ],
    [
      'a bundle without any root',
      'ERR_TRUST_NO_ANCHOR',
      () => Promise.resolve({ caBundle: [issuing.certificate] as readonly Certificate[] }),
    ],
  ]

  it.each(refusals)('refuses %s, and leaves the old version current', async (_claim, code, changes) => {
    const directory = delivered()
    const given = await changes()
    expectCode(code, () => redeliverCredential(directory, given, NOW))
    expect(readdirSync(join(directory, 'versions'))).toEqual([serialNumber])
    expect(current(directory)).toBe(serialNumber)
  })
})

it('redeliverCredential: refuses a certificate that has ended meanwhile', async () => {
  const directory = delivered()
  const crls = [await crlOf(6), rootCrl]
  expectCode('ERR_PATH_EXPIRED', () => redeliverCredential(directory, { crls }, addSeconds(NOW, 400 * DAY)))
})

describe('rollBackCredential', () => {
  it('goes back to the version before, and removes the one that failed', async () => {
    const directory = delivered()
    const before = currentVersion(directory)
    redeliverCredential(directory, { crls: [await crlOf(6), rootCrl] }, NOW)
    rollBackCredential(directory, before)
    expect(currentVersion(directory)).toBe(before)
    expect(readdirSync(join(directory, 'versions'))).toEqual([serialNumber])
    expect(lstatSync(join(directory, 'current')).isSymbolicLink()).toBe(true)
    // And the next one takes the name that is free.
    redeliverCredential(directory, { crls: [await crlOf(7), rootCrl] }, NOW)
    expect(numbers(directory)).toEqual(['07', '01'])
    expect(existsSync(before)).toBe(true)
  })

  it.each(['none', '../../etc', 'ffff'])('KEY-07: refuses %s, which is no version of the directory', (name) => {
    const directory = delivered()
    const before = currentVersion(directory)
    expectCode('ERR_FILE_READ', () => rollBackCredential(directory, name))
    expect(currentVersion(directory)).toBe(before)
  })
})
