import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type IssuedCertificate, issueCertificates, PROFILES } from '../../src/authority/index.js'
import { type Credential, deliverCredential, loadCredential, refuseOfAnother } from '../../src/credential/index.js'
import {
  encodePrivateKey,
  encryptPrivateKey,
  generatePrivateKey,
  Passphrase,
  samePublicKey,
} from '../../src/crypto/index.js'
import { addSeconds, DAY } from '../../src/time/index.js'
import { parseCertificates, parseCrls } from '../../src/x509/index.js'
import { makeCrl, NOW, privateKeyFor, revoked } from '../support/certificates.js'
import { startScript } from '../support/children.js'
import { expectCode } from '../support/expect-code.js'
import { temporaryFolder } from '../support/temporary.js'
import { makeTemplate } from '../support/test-authority.js'

const folder = temporaryFolder()
const template = await makeTemplate()
const test = await template.open()
await test.register('node-1', { roles: ['b', 'a'] })
const { crls, at } = await test.issuing()
const request = { entity: 'node-1', profile: PROFILES.peer, key: { kind: 'generate', algorithm: 'p256' } } as const
const issued = await issueCertificates(
  await test.issuing(),
  Array.from({ length: 6 }, () => request),
)

let count = 0
const newPath = (): string => join(folder, `credential-${count++}`)

function credential(index = 0, changes: Partial<Credential> = {}): Credential {
  const item = issued[index] as IssuedCertificate
  const { authority } = test
  return {
    ...item,
    chain: [authority.issuing],
    anchor: authority.root,
    crls,
    profile: 'peer',
    purpose: 'client',
    ...changes,
  }
}
const serial = (index: number): string => issued[index]?.certificate.serialNumber ?? ''
const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8)

describe('deliverCredential: the layout', () => {
  const directory = newPath()
  const version = deliverCredential(directory, credential(), at)
  const read = (name: string): string => readFileSync(join(directory, 'current', name), 'utf8')

  it('is a folder of versions, and a link to the current one', () => {
    expect(version).toBe(join(directory, 'versions', serial(0)))
    expect(readdirSync(directory).sort()).toEqual(['current', 'versions'])
    expect(readlinkSync(join(directory, 'current'))).toBe(join('versions', serial(0)))
    expect(readdirSync(version).sort()).toEqual([
      'ca-bundle.pem',
      'cert.pem',
      'chain.pem',
      'combined.pem',
      'crls',
      'crls.pem',
      'fullchain.pem',
      'identity.json',
      'key.pem',
    ])
  })

  it('has certificates, CRLs and identity as servers want them', () => {
    const { authority } = test
    const fingerprints = (name: string): string[] =>
      parseCertificates(Buffer.from(read(name))).map((item) => item.fingerprint)
    const own = issued[0]?.certificate.fingerprint
    expect(fingerprints('cert.pem')).toEqual([own])
    expect(fingerprints('chain.pem')).toEqual([authority.issuing.fingerprint])
    expect(fingerprints('fullchain.pem')).toEqual([own, authority.issuing.fingerprint])
    expect(fingerprints('ca-bundle.pem')).toEqual([authority.issuing.fingerprint, authority.root.fingerprint])
    expect(parseCrls(Buffer.from(read('crls.pem')))).toHaveLength(2)
    expect(JSON.parse(read('identity.json'))).toMatchObject({
      schema: 1,
      entity: 'node-1',
      uri: 'spiffe://cloud.example/compute/node-1',
      roles: ['a', 'b'],
      profile: 'peer',
      serialNumber: serial(0),
      fingerprint: own,
      anchorFingerprint: authority.root.fingerprint,
      notBefore: issued[0]?.certificate.notBefore.toISOString(),
      notAfter: issued[0]?.certificate.notAfter.toISOString(),
    })
  })

  it('KEY-01: keeps the key and its folders for the owner', () => {
    for (const name of ['key.pem', 'combined.pem']) expect(mode(join(version, name))).toBe('600')
    for (const path of [directory, join(directory, 'versions'), version]) expect(mode(path)).toBe('700')
    expect(mode(join(version, 'cert.pem'))).toBe('644')
  })

  it('loads', () => {
    const loaded = loadCredential(directory)
    expect(loaded.identity).toBe('spiffe://cloud.example/compute/node-1')
    expect(loaded.certificate.serialNumber).toBe(serial(0))
    expect(loaded.chain.map((item) => item.fingerprint)).toEqual([test.authority.issuing.fingerprint])
    expect(loaded.caBundle).toHaveLength(2)
    expect(samePublicKey(loaded.key.publicKey, loaded.certificate.publicKey)).toBe(true)
    // A version by itself, too.
    expect(loadCredential(version).certificate.serialNumber).toBe(serial(0))
  })

  it('KEY-10: shows no key when it is printed', () => {
    const loaded = loadCredential(directory)
    const [, line = ''] = read('key.pem').split('\n')
    for (const text of [JSON.stringify(loaded), JSON.stringify(loaded.key)])
      expect(text).not.toContain(line.slice(0, 30))
  })
})

describe('deliverCredential: one version after another', () => {
  it('points at the newest, keeps the one before, and removes older keys', () => {
    const directory = newPath()
    issued.forEach((_item, index) => {
      deliverCredential(directory, credential(index), at)
      // The age of a version is that of its folder.
      utimesSync(join(directory, 'versions', serial(index)), index + 1, index + 1)
      const kept = readdirSync(join(directory, 'versions')).sort()
      const newest = [serial(index), ...(index === 0 ? [] : [serial(index - 1)])].sort()
      expect(kept).toEqual(newest)
      expect(loadCredential(directory).certificate.serialNumber).toBe(serial(index))
    })
  })

  it('refuses a version that is there, and leaves all as it was', () => {
    const directory = newPath()
    deliverCredential(directory, credential(0), at)
    deliverCredential(directory, credential(1), at)
    expectCode('ERR_OUTPUT_EXISTS', () => deliverCredential(directory, credential(0), at))
    expect(loadCredential(directory).certificate.serialNumber).toBe(serial(1))
    expect(readdirSync(join(directory, 'versions')).sort()).toEqual([serial(0), serial(1)].sort())
  })

  it('removes what a killed process left', () => {
    const directory = newPath()
    for (const path of ['.signet-tmp-01-current', join('versions', '.signet-tmp-02', 'key.pem')]) {
      mkdirSync(join(directory, path), { recursive: true })
    }
    deliverCredential(directory, credential(), at)
    expect(readdirSync(directory).sort()).toEqual(['current', 'versions'])
    expect(readdirSync(join(directory, 'versions'))).toEqual([serial(0)])
  })

  it('leaves alone in the folder of versions what is no version', () => {
    const directory = newPath()
    mkdirSync(join(directory, 'versions', 'notes'), { recursive: true })
    for (const index of [0, 1, 2]) deliverCredential(directory, credential(index), at)
    expect(readdirSync(join(directory, 'versions'))).toContain('notes')
  })

  it('writes no key where the node kept it, and says so when loading', () => {
    const directory = newPath()
    const { privateKey, ...withoutKey } = credential()
    expect(privateKey).toBeDefined()
    const version = deliverCredential(directory, withoutKey, at)
    expect(existsSync(join(version, 'key.pem'))).toBe(false)
    const error = expectCode('ERR_FILE_READ', () => loadCredential(directory))
    expect(error.hint).toContain('request')
  })

  it('takes an empty folder, and one whose parents are missing', () => {
    const directory = newPath()
    mkdirSync(directory, { mode: 0o755 })
    deliverCredential(directory, credential(), at)
    expect(mode(directory)).toBe('700')
    deliverCredential(join(newPath(), 'a', 'b'), credential(), at)
  })
})

describe('deliverCredential: what passes as a whole, or not at all', () => {
  const refusals: readonly (readonly [
    claim: string,
    code: Parameters<typeof expectCode>[0],
    change: () => Promise<Partial<Credential>> | Partial<Credential>,
  ])[] = [
    ['the key of another', 'ERR_KEY_CERT_MISMATCH', () => ({ privateKey: privateKeyFor('another') })],
    ['a purpose that it is not for', 'ERR_PATH_PURPOSE', () => ({ purpose: 'message-signing' })],
    ['a chain without the issuing CA', 'ERR_PATH_NOT_FOUND', () => ({ chain: [] })],
    ['no CRLs', 'ERR_INPUT_EMPTY', () => ({ crls: [] })],
    ['the CRL of the root alone', 'ERR_REVOCATION_UNKNOWN', () => ({ crls: crls.slice(1) })],
    [
      'a CRL that lists it',
      'ERR_REVOKED',
      async () => {
        const issuer = { certificate: test.authority.issuing, key: template.keys.key }
        return { crls: [await makeCrl({ issuer, revoked: [revoked(serial(0))] }), ...crls.slice(1)] }
      },
    ],
  ]

  it.each(refusals)('KEY-09: refuses %s, and leaves the old version current', async (_claim, code, change) => {
    const directory = newPath()
    deliverCredential(directory, credential(1), at)
    const changed = credential(0, await change())
    expectCode(code, () => deliverCredential(directory, changed, at))
    expect(readdirSync(join(directory, 'versions'))).toEqual([serial(1)])
    expect(loadCredential(directory).certificate.serialNumber).toBe(serial(1))
    const fresh = newPath()
    expectCode(code, () => deliverCredential(fresh, changed, at))
    expect(existsSync(join(fresh, 'current'))).toBe(false)
  })

  it('refuses one that has expired meanwhile', () => {
    expectCode('ERR_PATH_EXPIRED', () => deliverCredential(newPath(), credential(), addSeconds(NOW, 40 * DAY)))
  })
})

describe('deliverCredential: other people’s folders', () => {
  it.each([
    ['a file', (path: string) => writeFileSync(join(path, 'README'), '')],
    ['a hidden file', (path: string) => writeFileSync(join(path, '.profile'), '')],
    ['a file called current', (path: string) => writeFileSync(join(path, 'current'), '')],
    ['a folder called current', (path: string) => mkdirSync(join(path, 'current'))],
    ['a file called versions', (path: string) => writeFileSync(join(path, 'versions'), '')],
    ['a dangling link called versions', (path: string) => symlinkSync('nowhere', join(path, 'versions'))],
  ])('KEY-02: refuses a folder with %s in it', (_claim, put) => {
    const directory = newPath()
    mkdirSync(directory)
    put(directory)
    const before = readdirSync(directory)
    expectCode('ERR_OUTPUT_EXISTS', () => deliverCredential(directory, credential(), at))
    expect(readdirSync(directory)).toEqual(before)
  })

  it('KEY-02: refuses a link for the folder of versions: nothing is changed or removed where it leads', () => {
    const [directory, elsewhere] = [newPath(), newPath()]
    mkdirSync(directory)
    for (const name of ['aa', 'bb', 'cc']) mkdirSync(join(elsewhere, name), { recursive: true })
    chmodSync(elsewhere, 0o755)
    symlinkSync(elsewhere, join(directory, 'versions'))
    expectCode('ERR_OUTPUT_EXISTS', () => deliverCredential(directory, credential(), at))
    expect(readdirSync(elsewhere)).toEqual(['aa', 'bb', 'cc'])
    expect(mode(elsewhere)).toBe('755')
  })

  it.each(['file', 'link to a folder', 'dangling link'])('KEY-02: refuses a %s in place of the folder', (kind) => {
    const [path, target] = [newPath(), newPath()]
    if (kind === 'file') writeFileSync(path, 'mine')
    else {
      if (kind === 'link to a folder') mkdirSync(target)
      symlinkSync(target, path)
    }
    expectCode('ERR_OUTPUT_EXISTS', () => deliverCredential(path, credential(), at))
    expect(lstatSync(path).isDirectory()).toBe(false)
    if (kind === 'link to a folder') expect(readdirSync(target)).toEqual([])
  })

  it('says that it cannot write where a parent is a file', () => {
    const file = newPath()
    writeFileSync(file, '')
    expectCode('ERR_FILE_WRITE', () => deliverCredential(join(file, 'below', 'deep'), credential(), at))
  })
})

describe('refuseOfAnother', () => {
  it('passes a new directory, and that of the same entity, and refuses one of another', () => {
    const directory = newPath()
    refuseOfAnother(directory, 'node-2')
    deliverCredential(directory, credential(), at)
    refuseOfAnother(directory, 'node-1')
    const error = expectCode('ERR_OUTPUT_EXISTS', () => refuseOfAnother(directory, 'node-2'))
    expect(error.message).toBe(`${directory} holds credentials of node-1, not of node-2`)
  })

  it('passes what does not say whose it is, and refuses what says nothing at all', () => {
    const directory = newPath()
    deliverCredential(directory, credential(), at)
    const path = join(directory, 'current', 'identity.json')
    writeFileSync(path, '{"uri":"spiffe://cloud.example/compute/node-1"}')
    refuseOfAnother(directory, 'node-2')
    writeFileSync(path, '{}')
    expectCode('ERR_CREDENTIAL_MALFORMED', () => refuseOfAnother(directory, 'node-1'))
  })
})

describe('loadCredential', () => {
  const whole = newPath()
  deliverCredential(whole, credential(), at)
  const changed = (change: (current: string) => void): string => {
    const copy = newPath()
    cpSync(join(whole, 'current', '.'), copy, { recursive: true, dereference: true })
    chmodSync(join(copy, 'key.pem'), 0o600)
    change(copy)
    return copy
  }

  it('accepts a copy that nobody changed', () => {
    expect(loadCredential(changed(() => undefined)).certificate.serialNumber).toBe(serial(0))
  })

  it.each([0o644, 0o640, 0o604, 0o660, 0o620, 0o601])('KEY-01: refuses a key of mode %o, for root, too', (bits) => {
    const error = expectCode('ERR_KEY_PERMISSIONS', () =>
      loadCredential(changed((path) => chmodSync(join(path, 'key.pem'), bits))),
    )
    expect(error.exitCode).toBe(8)
  })

  const mutations: readonly (readonly [
    claim: string,
    code: Parameters<typeof expectCode>[0],
    change: (path: string) => void,
  ])[] = [
    ['a missing key', 'ERR_FILE_READ', (path) => rmSync(join(path, 'key.pem'))],
    ['a missing certificate', 'ERR_FILE_READ', (path) => rmSync(join(path, 'fullchain.pem'))],
    ['a missing CA bundle', 'ERR_FILE_READ', (path) => rmSync(join(path, 'ca-bundle.pem'))],
    ['a missing identity', 'ERR_FILE_READ', (path) => rmSync(join(path, 'identity.json'))],
    ['an empty certificate', 'ERR_INPUT_EMPTY', (path) => writeFileSync(join(path, 'fullchain.pem'), '')],
    [
      'half a certificate',
      'ERR_PEM_MALFORMED',
      (path) => writeFileSync(join(path, 'fullchain.pem'), readFileSync(join(path, 'cert.pem')).subarray(0, 300)),
    ],
    [
      'another certificate',
      'ERR_KEY_CERT_MISMATCH',
      (path) => writeFileSync(join(path, 'fullchain.pem'), issued[1]?.certificate.toPem() ?? ''),
    ],
    [
      'another key',
      'ERR_KEY_CERT_MISMATCH',
      (path) => writeFileSync(join(path, 'key.pem'), encodePrivateKey(privateKeyFor('another'))),
    ],
    [
      'a certificate for a key',
      'ERR_PEM_LABEL',
      (path) => writeFileSync(join(path, 'key.pem'), readFileSync(join(path, 'cert.pem'))),
    ],
    ['a link for a key', 'ERR_KEY_PATH_UNSAFE', (path) => replaceByLink(join(path, 'key.pem'))],
    ['an identity that is no JSON', 'ERR_JSON_MALFORMED', (path) => writeFileSync(join(path, 'identity.json'), '{')],
    [
      'an identity with a key twice',
      'ERR_JSON_MALFORMED',
      (path) => writeFileSync(join(path, 'identity.json'), '{"uri":"a","uri":"b"}'),
    ],
    [
      'an identity without URI',
      'ERR_CREDENTIAL_MALFORMED',
      (path) => writeFileSync(join(path, 'identity.json'), '{"entity":"node-1"}'),
    ],
    [
      'an identity that is a number',
      'ERR_CREDENTIAL_MALFORMED',
      (path) => writeFileSync(join(path, 'identity.json'), '{"uri":7}'),
    ],
    [
      'an identity that is null',
      'ERR_CREDENTIAL_MALFORMED',
      (path) => writeFileSync(join(path, 'identity.json'), 'null'),
    ],
    [
      'an identity of a megabyte',
      'ERR_LIMIT_EXCEEDED',
      (path) => writeFileSync(join(path, 'identity.json'), ' '.repeat(1_000_000)),
    ],
  ]

  it.each(mutations)('refuses %s: %s', (_claim, code, change) => {
    expectCode(code, () => loadCredential(changed(change)))
  })

  it('opens an encrypted key with its passphrase, and without it says that one is needed', () => {
    const passphrase = new Passphrase(Buffer.from('secret'))
    const key = generatePrivateKey('p256')
    const path = changed((copy) => writeFileSync(join(copy, 'key.pem'), encryptPrivateKey(key, passphrase)))
    expectCode('ERR_KEY_PASSPHRASE', () => loadCredential(path))
    expectCode('ERR_KEY_PASSPHRASE', () => loadCredential(path, new Passphrase(Buffer.from('wrong'))))
    expectCode('ERR_KEY_CERT_MISMATCH', () => loadCredential(path, passphrase))
  })

  it('refuses a folder that is none', () => {
    expectCode('ERR_FILE_READ', () => loadCredential(newPath()))
    const dangling = newPath()
    mkdirSync(dangling)
    symlinkSync('versions/none', join(dangling, 'current'))
    expectCode('ERR_FILE_READ', () => loadCredential(dangling))
  })
})

function replaceByLink(path: string): void {
  const target = `${path}.real`
  cpSync(path, target)
  rmSync(path)
  symlinkSync(target, path)
}

describe('KEY-01: modes under any umask', () => {
  it.each(['000', '022', '077'])('umask %s', async (umask) => {
    const home = template.copyHome()
    const out = newPath()
    const keyFile = join(folder, `key-${umask}.pem`)
    writeFileSync(keyFile, template.keys.keyPem, { mode: 0o600 })
    const child = startScript('umask-child.mjs', [umask, home, keyFile, out])
    expect(await child.ended).toMatchObject({ code: 0, stderr: '' })
    const version = join(out, 'current')
    for (const path of [out, join(out, 'versions'), version]) expect(`${path} ${mode(path)}`).toBe(`${path} 700`)
    expect(mode(join(version, 'key.pem'))).toBe('600')
    expect(mode(join(version, 'fullchain.pem'))).toBe('644')
    expect(mode(join(home, 'store.head'))).toBe('600')
    // A whole home made under this umask.
    const made = `${out}-home`
    expect(mode(made)).toBe('700')
    for (const name of ['issuing-ca.key.pem', 'trust-publisher.key.pem', 'store.db', 'store.head']) {
      expect(`${name} ${mode(join(made, name))}`).toBe(`${name} 600`)
    }
    expect(mode(join(made, 'root-offline'))).toBe('700')
    expect(mode(join(made, 'root-offline', 'root.key.pem'))).toBe('600')
    expect(mode(join(made, 'root.pem'))).toBe('644')
  })
})
