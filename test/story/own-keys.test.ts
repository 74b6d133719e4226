/** Where keys are made and where they stay; and the two sorts of places where a signing key can live. */
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, it, vi } from 'vitest'
import {
  CommandKeyProvider,
  decodePrivateKey,
  encodePrivateKey,
  encryptPrivateKey,
  generatePrivateKey,
  type KeyProvider,
  MemoryKeyProvider,
  openKeyFile,
  Passphrase,
} from '../../src/crypto/index.js'
import { OID } from '../../src/asn1/index.js'
import { createReplayMemory, signMessage, verifyMessage } from '../../src/message/index.js'
import { openTrustDirectory } from '../../src/trust/index.js'
import { buildName, createCertificationRequest } from '../../src/x509/index.js'
import { makeDeployment } from '../support/deployment.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'
import { temporaryFolder } from '../support/temporary.js'

vi.setConfig({ testTimeout: 60_000 })

const cloud = await makeDeployment()

/** Every file below a folder. */
const filesOf = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

describe('requirement 11: the long-term secret does not travel', () => {
  it('requirement 11: a node makes its key, asks with a request, and the authority never sees the key', async () => {
    // On the node, which shares nothing with the authority but what is copied below.
    const node = temporaryFolder()
    const key = new MemoryKeyProvider(generatePrivateKey('p256'))
    const privateKey = generatePrivateKey('p256')
    const provider = new MemoryKeyProvider(privateKey)
    const secret = Buffer.from(privateKey.export({ format: 'jwk' }).d ?? '', 'base64url')
    const pem = encodePrivateKey(privateKey)
    writeFileSync(join(node, 'key.pem'), pem, { mode: 0o600 })
    const subject = buildName([[OID.commonName, 'compute-07']])
    const request = await createCertificationRequest(provider, { subject })

    // To the authority goes the request alone; back come certificates alone.
    cloud.write('compute-07.csr', request)
    const { directory } = await cloud.issue('compute-07', 'by-request', { profile: 'signer', csr: 'compute-07.csr' })
    const version = join(directory, 'current')
    expect(readdirSync(version)).not.toContain('key.pem')
    const body = pem.split('\n').slice(1, 3)
    expect(body.join('').length).toBeGreaterThan(60)
    for (const path of filesOf(cloud.folder)) {
      const octets = readFileSync(path)
      for (const trace of [secret, Buffer.from(secret.toString('hex')), ...body.map((line) => Buffer.from(line))]) {
        expect([path, octets.includes(trace)]).toEqual([path, false])
      }
    }

    // The node puts both together, and what it signs is believed.
    cpSync(version, node, { recursive: true, dereference: true })
    writeFileSync(join(node, 'note.json'), '{}')
    await cloud.publishTrust()
    const words = ['--type', 'a.b', '--to', 'here']
    await cloud.signet(['sign', join(node, 'note.json'), '--as', node, ...words, '--out', join(node, 'note.p7s')])
    const verified = await cloud.signet([
      ...['verify', join(node, 'note.p7s'), '--content', join(node, 'note.json'), '--for', 'here'],
      ...['--trust', cloud.trustFile, '--pin', cloud.pin, '--replay-store', join(node, 'seen.db'), '--json'],
    ])
    expect(verified.json).toMatchObject({ signer: { entity: 'compute-07' } })

    // A request proves that who asks has the key: that of another is refused.
    const stolen = await createCertificationRequest(
      { ...provider, publicKey: key.publicKey, sign: (data) => provider.sign(data) },
      { subject },
    )
    cloud.write('stolen.csr', stolen)
    const { errorCode } = await cloud.run('issue compute-07 --profile signer --csr stolen.csr --out stolen')
    expect(errorCode).toBe('ERR_CSR_SIGNATURE')
  })

  it('requirement 11: keys that are made for entities are their owner’s alone, whatever the umask, or are not used', () => {
    const keys = filesOf(cloud.path('credentials')).filter((path) => path.endsWith('/key.pem'))
    expect(keys.length).toBeGreaterThanOrEqual(6)
    for (const path of keys) expect([path, statSync(path).mode & 0o777]).toEqual([path, 0o600])
    const home = filesOf(cloud.home).filter((path) => path.endsWith('.key.pem'))
    expect(home.length).toBeGreaterThan(0)
    for (const path of home) expect(readFileSync(path, 'utf8')).toContain('BEGIN ENCRYPTED PRIVATE KEY')
    const copy = join(temporaryFolder(), 'copy')
    cpSync(join(cloud.credential('compute-07/signer').directory, 'current'), copy, {
      recursive: true,
      dereference: true,
    })
    const path = join(copy, 'key.pem')
    for (const mode of [0o640, 0o604, 0o660, 0o644, 0o777]) {
      chmodSync(path, mode)
      expectCode('ERR_KEY_PERMISSIONS', () => openKeyFile(path))
    }
  })
})

describe('requirement 15: the key of a signer lives where its owner wants it', () => {
  const credential = cloud.credential('conductor-01/signer')
  const folder = temporaryFolder()
  const plain = readFileSync(credential.key, 'utf8')
  const passphrase = new Passphrase(Buffer.from('open sesame, please'))

  function encryptedFile(): string {
    const path = join(folder, 'encrypted.pem')
    writeFileSync(path, encryptPrivateKey(decodePrivateKey(plain), passphrase), { mode: 0o600 })
    expectCode('ERR_KEY_PASSPHRASE', () => openKeyFile(path, new Passphrase(Buffer.from('open sesame'))))
    return path
  }

  /** A program that keeps the key, and signs: a secret store, or a token, stands behind such a one. */
  function keeper(): readonly string[] {
    mkdirSync(join(folder, 'vault'), { mode: 0o700 })
    writeFileSync(join(folder, 'vault', 'key'), plain, { mode: 0o600 })
    const path = join(folder, 'keeper.cjs')
    writeFileSync(
      path,
      `const crypto = require('node:crypto'), fs = require('node:fs')
       const key = crypto.createPrivateKey(fs.readFileSync(${JSON.stringify(join(folder, 'vault', 'key'))}))
       if (process.argv[2] === 'public-key') fs.writeSync(1, crypto.createPublicKey(key).export({ format: 'pem', type: 'spki' }))
       else fs.writeSync(1, crypto.sign('sha256', fs.readFileSync(0), key).toString('base64'))`,
    )
    return [process.execPath, path]
  }

  const PROVIDERS: readonly (readonly [string, () => KeyProvider | Promise<KeyProvider>])[] = [
    ['a file', () => openKeyFile(credential.key)],
    ['an encrypted file', () => openKeyFile(encryptedFile(), passphrase)],
    ['a program', () => CommandKeyProvider.open([...keeper()])],
  ]

  it.each(PROVIDERS)('requirement 15: %s signs messages that are believed', async (_where, open) => {
    await cloud.publishTrust()
    const { certificate } = credential.load()
    const key = await open()
    const content = Buffer.from('{"method":"ping"}')
    const at = new Date()
    const { der } = await signMessage(content, { key, certificate }, { type: 'rpc.ping', destination: 'here', at })
    const trust = openTrustDirectory(readFileSync(cloud.trustFile), { pin: cloud.pin, at, memory: 'allow-forgetting' })
    const message = await verifyMessage(der, content, {
      ...({ trust, destinations: ['here'], senders: { entities: ['conductor-01'] }, types: ['rpc.*'] } as const),
      ...{ maxAgeSeconds: 300, replay: createReplayMemory(), at },
    })
    expect(message.certificate.fingerprint).toBe(certificate.fingerprint)
    // None of them shows its key, whatever prints it.
    for (const text of [JSON.stringify(key), inspect(key, { depth: 9 }), Object.keys(key).join()])
      expect(text).not.toMatch(/PRIVATE|"d"/)
    // The key of somebody else is not taken for it.
    const other = cloud.credential('compute-07/signer').load().certificate
    await expectCodeAsync('ERR_KEY_CERT_MISMATCH', () =>
      signMessage(content, { key, certificate: other }, { type: 'rpc.ping', destination: 'here', at }),
    )
  })

  it('requirement 15: the authority itself keeps its keys encrypted, or lets a program sign', async () => {
    const store = readFileSync(join(folder, 'keeper.cjs'), 'utf8').replace(
      /readFileSync\("[^"]+"\)/,
      'readFileSync(KEY)',
    )
    const path = join(folder, 'ca-keeper.cjs')
    writeFileSync(join(folder, 'vault', 'ca-key'), encodePrivateKey(generatePrivateKey('p256')), { mode: 0o600 })
    writeFileSync(path, `const KEY = ${JSON.stringify(join(folder, 'vault', 'ca-key'))}\n${store}`)
    const home = join(folder, 'home')
    const by = [`--issuing-key-command`, `${process.execPath} ${path}`]
    const made = await cloud.run([
      ...['--home', home, 'init', '--domain', 'vault.example', '--root-out', join(folder, 'root'), ...by],
    ])
    expect([made.code, made.stderr]).toEqual([0, expect.not.stringContaining('error')])
    expect(readdirSync(home)).not.toContain('issuing-ca.key.pem')
    await cloud.signet(['--home', home, 'entity', 'add', 'node-01', '--kind', 'node'])
    await cloud.signet(['--home', home, 'issue', 'node-01', '--out', join(folder, 'node-01')])
    await cloud.signet(['--home', home, 'cert', 'verify', join(folder, 'node-01', 'tls', 'current', 'cert.pem')])
  })
})
