import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { OID } from '../../src/asn1/index.js'
import {
  Authority,
  bootstrap,
  type BootstrapRequest,
  openRootBundle,
  PROFILES,
  ROOT_FILES,
} from '../../src/authority/index.js'
import { Passphrase, samePublicKey } from '../../src/crypto/index.js'
import { validatePath } from '../../src/path/index.js'
import { verifyAudit } from '../../src/store/index.js'
import { addSeconds, DAY, MINUTE } from '../../src/time/index.js'
import { type Certificate, formatGeneralName, parseCertificates } from '../../src/x509/index.js'
import { NOW } from '../support/certificates.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'
import { temporaryFolder } from '../support/temporary.js'
import { bootstrapRequest, makeTemplate, openHome, PASSPHRASE, TestClock } from '../support/test-authority.js'

const folder = temporaryFolder()
let count = 0
const newPath = (): string => join(folder, `home-${count++}`)
const make = (home: string, changes: Partial<BootstrapRequest> = {}): ReturnType<typeof bootstrap> =>
  bootstrap(bootstrapRequest(home, changes), new TestClock())
const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8)

/** Path and content of every file. */
function contentOf(directory: string): Map<string, string> {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return new Map(
    files.map((entry) => [join(entry.parentPath, entry.name), readFileSync(join(entry.parentPath, entry.name), 'hex')]),
  )
}

const template = await makeTemplate({ domains: ['example.net'], addressRanges: ['10.0.0.0/8', 'fc00::/7'] })
const { home, made } = template
const { root, issuing } = made

describe('bootstrap: the certificates', () => {
  const critical = (certificate: Certificate): string[] =>
    [...certificate.extensions.values()].filter((extension) => extension.critical).map((extension) => extension.oid)

  it('makes a root of ten years that signed itself, for CAs and CRLs alone', () => {
    expect(root.isSelfIssued).toBe(true)
    expect(root.subject.toString()).toBe('CN=signet root CA,O=cloud.example')
    expect(root.basicConstraints).toEqual({ ca: true, pathLenConstraint: 1 })
    expect([...(root.keyUsage ?? [])]).toEqual(['keyCertSign', 'cRLSign'])
    expect(root.extKeyUsage).toBeUndefined()
    expect(root.nameConstraints).toBeUndefined()
    expect(critical(root)).toEqual([OID.basicConstraints, OID.keyUsage])
    expect(root.notBefore).toEqual(addSeconds(NOW, -5 * MINUTE))
    expect(root.notAfter).toEqual(addSeconds(NOW, 3650 * DAY))
    expect(root.serialNumberOctets).toHaveLength(20)
  })

  it('makes an issuing CA of three years below it that issues no CA, and only for the names of the deployment', () => {
    expect(issuing.issuer.equals(root.subject)).toBe(true)
    expect(issuing.subject.toString()).toBe('CN=signet issuing CA,O=cloud.example')
    expect(issuing.basicConstraints).toEqual({ ca: true, pathLenConstraint: 0 })
    expect([...(issuing.keyUsage ?? [])]).toEqual(['keyCertSign', 'cRLSign'])
    expect(critical(issuing)).toEqual([OID.basicConstraints, OID.keyUsage, OID.nameConstraints])
    expect(issuing.nameConstraints?.permitted.map(formatGeneralName)).toEqual([
      'DNS:cloud.example',
      'DNS:example.net',
      'URI:cloud.example',
      'IP:10.0.0.0/255.0.0.0',
      'IP:fc00::/fe00::',
    ])
    expect(issuing.nameConstraints?.excluded).toEqual([])
    expect(issuing.notAfter).toEqual(addSeconds(NOW, 1095 * DAY))
    expect(samePublicKey(issuing.publicKey, root.publicKey)).toBe(false)
    validatePath(issuing, { anchors: [root], at: NOW, purpose: 'allow-any', revocation: 'allow-unchecked' })
  })

  it('makes a publisher that may sign the trust directory and nothing else, recorded like any other certificate', async () => {
    const { authority } = await template.open()
    const { publisher } = authority
    expect([...(publisher.extKeyUsage ?? [])]).toEqual(PROFILES['trust-publisher'].extKeyUsage)
    expect(publisher.subjectAltName.map(formatGeneralName)).toEqual([
      'URI:spiffe://cloud.example/signet/trust-publisher',
    ])
    expect(publisher.notAfter).toEqual(issuing.notAfter)
    expect((await authority.store.certificate(publisher.serialNumber))?.certificate).toMatchObject({
      entityId: null,
      profile: 'trust-publisher',
    })
    const events = (await authority.store.logEntries(1, 100)).map((entry) => entry.event)
    expect(events).toEqual([
      'authority.created',
      'crl.published',
      'crl.published',
      'certificate.intended',
      'certificate.issued',
    ])
    await verifyAudit(authority.store)
  })

  it.each(['p384', 'ed25519', 'rsa3072', 'ml-dsa-65'] as const)('makes CAs with %s keys', async (algorithm) => {
    const path = newPath()
    const { issuing: ca } = await make(path, { algorithm })
    expect(ca.publicKey.algorithm.name).toBe(algorithm)
    const authority = await Authority.open(path, new TestClock())
    expect((await authority.issuingKey(PASSPHRASE)).publicKey.algorithm.name).toBe(algorithm)
    await authority.close()
  })

  it('ID-21: without address ranges permits no address at all', async () => {
    const path = newPath()
    await make(path, { addressRanges: [] })
    const { authority, register } = await openHome(path, template.keys)
    for (const address of ['10.0.0.1', '192.0.2.1', '::1']) {
      await expectCodeAsync('ERR_ISSUE_NAME', () => register('node-1', { ipAddresses: [address] }))
    }
    await register('node-1')
    await authority.close()
  })
})

describe('bootstrap: the files', () => {
  it('KEY-01, KEY-06: keys are encrypted, and for the owner alone', () => {
    for (const path of [
      join(home, 'issuing-ca.key.pem'),
      join(home, 'trust-publisher.key.pem'),
      join(home, 'root-offline', ROOT_FILES.key),
    ]) {
      expect(`${path} ${mode(path)}`).toBe(`${path} 600`)
      expect(readFileSync(path, 'utf8')).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----/)
    }
    expect(mode(home)).toBe('700')
    expect(mode(join(home, 'root-offline'))).toBe('700')
    for (const name of ['store.db', 'store.head']) expect(mode(join(home, name))).toBe('600')
  })

  it('are all there, and nothing else', () => {
    const names = readdirSync(home).sort()
    expect(names).toEqual([
      'deployment.json',
      'issuing-ca.key.pem',
      'issuing-ca.pem',
      'mapping.yaml',
      'root-offline',
      'root.pem',
      'store.db',
      'store.head',
      'trust-publisher.key.pem',
      'trust-publisher.pem',
    ])
    expect(readdirSync(join(home, 'root-offline')).sort()).toEqual(['README.txt', 'root.key.pem', 'root.pem'])
    expect(readFileSync(join(home, 'root-offline', 'README.txt'), 'utf8')).toContain(root.fingerprint)
    expect(parseCertificates(readFileSync(join(home, 'root.pem')))[0]?.equals(root)).toBe(true)
  })

  it('the root key stays in its bundle, with its own passphrase where one is given', async () => {
    const path = newPath()
    const rootDirectory = join(newPath(), 'usb', 'root')
    const rootPassphrase = new Passphrase(Buffer.from('of the root'))
    const { root: certificate } = await make(path, { rootDirectory, rootPassphrase })
    expect(existsSync(join(path, 'root-offline'))).toBe(false)
    expectCode('ERR_KEY_PASSPHRASE', () => openRootBundle(rootDirectory, PASSPHRASE))
    const bundle = openRootBundle(rootDirectory, rootPassphrase)
    expect(bundle.certificate.equals(certificate)).toBe(true)
    expect(samePublicKey(bundle.key.publicKey, certificate.publicKey)).toBe(true)
  })

  it('a root bundle may lie deeper in the home', async () => {
    const path = newPath()
    const { rootDirectory } = await make(path, { rootDirectory: join(path, 'offline', 'root') })
    expect(openRootBundle(rootDirectory, PASSPHRASE).certificate.isSelfIssued).toBe(true)
    const authority = await Authority.open(path, new TestClock())
    await authority.close()
  })

  it('a root bundle that is none is not opened', () => {
    expectCode('ERR_FILE_READ', () => openRootBundle(newPath(), PASSPHRASE))
    expectCode('ERR_FILE_READ', () => openRootBundle(home, PASSPHRASE))
  })
})

describe('bootstrap: what is there is never overwritten', () => {
  it('CA-23: a second time is refused, and not one byte changes, whatever the options', async () => {
    const path = template.copyHome()
    const before = contentOf(path)
    for (const changes of [
      {},
      { algorithm: 'p384' as const },
      { trustDomain: 'other.example' },
      { rootDirectory: newPath() },
    ]) {
      const error = await expectCodeAsync('ERR_HOME_EXISTS', () => make(path, changes))
      expect(error.exitCode).toBe(7)
    }
    expect(contentOf(path)).toEqual(before)
  })

  it('takes an empty folder, and makes it private', async () => {
    const path = newPath()
    mkdirSync(path, { mode: 0o755 })
    await make(path)
    expect(mode(path)).toBe('700')
  })

  it.each([
    ['a folder with a file', (path: string) => cpSync(join(home, 'root.pem'), join(path, 'x'), { recursive: true })],
    ['a file', (path: string) => writeFileSync(path, '')],
    ['a dangling link', (path: string) => symlinkSync('nowhere', path)],
    [
      'a link to an empty folder',
      (path: string) => symlinkSync(mkdirSync(`${path}-target`, { recursive: true }) ?? '', path),
    ],
  ])('KEY-02: refuses %s', async (_claim, put) => {
    const path = newPath()
    put(path)
    await expectCodeAsync('ERR_HOME_EXISTS', () => make(path))
    const rootDirectory = newPath()
    put(rootDirectory)
    const fresh = newPath()
    await expectCodeAsync('ERR_OUTPUT_EXISTS', () => make(fresh, { rootDirectory }))
    expect(existsSync(fresh)).toBe(false)
  })

  it('refuses a root bundle in place of the home, and a home below a file', async () => {
    const path = newPath()
    await expectCodeAsync('ERR_CONFIG_INVALID', () => make(path, { rootDirectory: path }))
    expect(existsSync(path)).toBe(false)
    const file = newPath()
    writeFileSync(file, '')
    await expectCodeAsync('ERR_FILE_WRITE', () => make(join(file, 'home')))
  })

  it('leaves nothing where something fails half way', async () => {
    const parent = newPath()
    mkdirSync(parent)
    await expectCodeAsync('ERR_KEY_PROVIDER', () => make(join(parent, 'home'), { issuingKeyCommand: ['/bin/false'] }))
    expect(readdirSync(parent)).toEqual([])
  })
})

describe('bootstrap: names that are none', () => {
  it.each([
    '',
    'Cloud.example',
    'cloud..example',
    'cloud.example.',
    '-a',
    'a b',
    'a/b',
    '*.example',
    'a'.repeat(65),
    'b\u00fccher.example',
    '__proto__',
  ])('CA-02: refuses the domain %j before anything is made', async (domain) => {
    const path = newPath()
    await expectCodeAsync('ERR_CONFIG_INVALID', () => make(path, { trustDomain: domain }))
    await expectCodeAsync('ERR_CONFIG_INVALID', () => make(path, { domains: ['good.example', domain] }))
    expect(existsSync(path)).toBe(false)
  })

  it.each([
    '',
    '10.0.0.0',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/08',
    '10.0.0.0/8/8x',
    '10.0.0/8',
    '::/129',
    'localhost/8',
    '10.0.0.0/ 8',
  ])('refuses the range %j', async (range) => {
    await expectCodeAsync('ERR_CONFIG_INVALID', () => make(newPath(), { addressRanges: ['10.0.0.0/8', range] }))
  })

  it('CA-13: refuses a clock that cannot be right', async () => {
    for (const text of ['1970-01-01T00:00:00Z', '2026-10-31T23:59:59Z', 'never', '+010000-01-01T00:00:00Z']) {
      const path = newPath()
      await expectCodeAsync('ERR_CLOCK_SUSPECT', () => bootstrap(bootstrapRequest(path), new TestClock(new Date(text))))
      expect(existsSync(path)).toBe(false)
    }
  })
})
