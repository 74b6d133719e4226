import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { Authority, bootstrap, HOME_FILES, issueCertificates, PROFILES } from '../../src/authority/index.js'
import { parseDeployment } from '../../src/authority/deployment.js'
import { encodePrivateKey, encryptPrivateKey, Passphrase, samePublicKey } from '../../src/crypto/index.js'
import { verifyAudit } from '../../src/store/index.js'
import { addSeconds, HOUR, MINUTE } from '../../src/time/index.js'
import { NOW, privateKeyFor } from '../support/certificates.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'
import { temporaryFolder } from '../support/temporary.js'
import {
  bootstrapRequest,
  makeTemplate,
  openHome,
  PASSPHRASE,
  PASSPHRASE_TEXT,
  TestClock,
} from '../support/test-authority.js'

const template = await makeTemplate()

async function opened<T>(change: (home: string) => void, work: (authority: Authority) => Promise<T> | T): Promise<T> {
  const home = template.copyHome()
  change(home)
  const authority = await Authority.open(home, new TestClock())
  try {
    return await work(authority)
  } finally {
    await authority.close()
  }
}

describe('Authority.open', () => {
  it('says where there is no home', async () => {
    const error = await expectCodeAsync('ERR_HOME_MISSING', () => Authority.open('/nonexistent', new TestClock()))
    expect(error.exitCode).toBe(7)
  })

  const faults: readonly (readonly [
    claim: string,
    code: Parameters<typeof expectCode>[0],
    change: (home: string) => void,
  ])[] = [
    ['without its store', 'ERR_STORE_OPEN', (home) => rmSync(join(home, HOME_FILES.database))],
    ['without its root', 'ERR_FILE_READ', (home) => rmSync(join(home, HOME_FILES.root))],
    ['without its issuing CA', 'ERR_FILE_READ', (home) => rmSync(join(home, HOME_FILES.issuing))],
    ['with an empty root', 'ERR_INPUT_EMPTY', (home) => writeFileSync(join(home, HOME_FILES.root), '')],
    [
      'with two certificates for one',
      'ERR_CERTIFICATE_MALFORMED',
      (home) => writeFileSync(join(home, HOME_FILES.root), readFileSync(join(home, HOME_FILES.root), 'utf8').repeat(2)),
    ],
    [
      'with a deployment that is no JSON',
      'ERR_JSON_MALFORMED',
      (home) => writeFileSync(join(home, HOME_FILES.deployment), '{'),
    ],
    [
      'with a head of another store',
      'ERR_STORE_ROLLBACK',
      (home) => writeFileSync(join(home, HOME_FILES.head), `3 ${'0'.repeat(64)}\n`),
    ],
  ]

  it.each(faults)('refuses a home %s: %s', async (_claim, code, change) => {
    const home = template.copyHome()
    change(home)
    await expectCodeAsync(code, () => Authority.open(home, new TestClock()))
  })

  it('reads mapping and publisher when they are needed', async () => {
    await opened(
      () => undefined,
      (authority) => {
        expect(authority.mapping().rules).toHaveLength(1)
        expect(authority.publisher.issuer.equals(authority.issuing.subject)).toBe(true)
        expect(authority.anchors).toEqual([authority.root])
        expect(authority.needsPassphrase).toBe(true)
      },
    )
    await opened(
      (home) => {
        rmSync(join(home, HOME_FILES.publisher))
        writeFileSync(join(home, HOME_FILES.mapping), 'version: 2')
      },
      (authority) => {
        expectCode('ERR_MAPPING_INVALID', () => authority.mapping())
        expectCode('ERR_FILE_READ', () => authority.publisher)
      },
    )
  })
})

describe('Authority: its keys', () => {
  const keyFile = (home: string): string => join(home, HOME_FILES.issuingKey)

  it('open with the passphrase', async () => {
    await opened(
      () => undefined,
      async (authority) => {
        expect(samePublicKey((await authority.issuingKey(PASSPHRASE)).publicKey, authority.issuing.publicKey)).toBe(
          true,
        )
        expect(samePublicKey((await authority.publisherKey(PASSPHRASE)).publicKey, authority.publisher.publicKey)).toBe(
          true,
        )
      },
    )
  })

  const faults: readonly (readonly [
    claim: string,
    code: Parameters<typeof expectCode>[0],
    passphrase: Passphrase | undefined,
    change: (home: string) => void,
  ])[] = [
    ['without passphrase', 'ERR_PASSPHRASE_REQUIRED', undefined, () => undefined],
    ['with a wrong passphrase', 'ERR_KEY_PASSPHRASE', new Passphrase(Buffer.from('wrong')), () => undefined],
    ['that others can read', 'ERR_KEY_PERMISSIONS', PASSPHRASE, (home) => chmodSync(keyFile(home), 0o640)],
    ['that is missing', 'ERR_FILE_READ', PASSPHRASE, (home) => rmSync(keyFile(home))],
    [
      'of another CA',
      'ERR_KEY_CERT_MISMATCH',
      PASSPHRASE,
      (home) => writeFileSync(keyFile(home), encryptPrivateKey(privateKeyFor('another'), PASSPHRASE)),
    ],
    [
      'of another CA, not encrypted',
      'ERR_KEY_CERT_MISMATCH',
      PASSPHRASE,
      (home) => writeFileSync(keyFile(home), encodePrivateKey(privateKeyFor('another'))),
    ],
  ]

  it.each(faults)('KEY-09: refuses a key %s: %s', async (_claim, code, passphrase, change) => {
    await opened(change, async (authority) => {
      await expectCodeAsync(code, () => authority.issuingKey(passphrase))
    })
  })

  it('KEY-10: are shown nowhere, and neither is the passphrase', async () => {
    await opened(
      () => undefined,
      async (authority) => {
        const key = await authority.issuingKey(PASSPHRASE)
        const [, secret = ''] = template.keys.keyPem.split('\n')
        const error = await expectCodeAsync('ERR_KEY_PASSPHRASE', () =>
          authority.issuingKey(new Passphrase(Buffer.from('canary-of-a-passphrase'))),
        )
        const shown = [
          inspect(authority, { depth: 20, showHidden: true }),
          inspect(key, { depth: 20, showHidden: true }),
          JSON.stringify({ key, passphrase: PASSPHRASE, deployment: authority.deployment }),
          inspect(error, { depth: 20 }),
          JSON.stringify(error),
          String(PASSPHRASE),
        ].join('\n')
        for (const canary of [PASSPHRASE_TEXT, 'canary-of-a-passphrase', secret.slice(0, 40)])
          expect(shown).not.toContain(canary)
      },
    )
  })
})

describe('Authority: its clock', () => {
  it('is cut to whole seconds', async () => {
    const { authority, clock } = await template.open()
    clock.set(new Date(NOW.getTime() + 1999))
    expect(await authority.now()).toEqual(addSeconds(NOW, 1))
  })

  it('CA-13: may be a little behind the log, and no more', async () => {
    const { authority, clock } = await template.open()
    clock.set(addSeconds(NOW, -5 * MINUTE))
    expect(await authority.now()).toEqual(addSeconds(NOW, -5 * MINUTE))
    clock.set(addSeconds(NOW, -5 * MINUTE - 1))
    const error = await expectCodeAsync('ERR_CLOCK_SUSPECT', () => authority.now())
    expect(error.details).toEqual({ clock: '2026-12-31T23:54:59.000Z', log: NOW.toISOString() })
  })

  it('CA-13: that went back an hour after an issuance is refused', async () => {
    const { authority, clock, register, issuing } = await template.open()
    await register('node-1')
    clock.set(addSeconds(NOW, 2 * HOUR))
    await issueCertificates(await issuing(), [
      { entity: 'node-1', profile: PROFILES.peer, key: { kind: 'generate', algorithm: 'p256' } },
    ])
    clock.set(addSeconds(NOW, HOUR))
    await expectCodeAsync('ERR_CLOCK_SUSPECT', () => authority.now())
  })

  it.each(['1970-01-01T00:00:00Z', '2026-10-31T23:59:59Z', 'never', '+010000-01-01T00:00:00Z'])(
    'CA-13: refuses %s',
    async (text) => {
      const { authority, clock } = await template.open()
      clock.set(new Date(text))
      await expectCodeAsync('ERR_CLOCK_SUSPECT', () => authority.now())
    },
  )
})

describe('Authority: an issuing key that a program keeps', () => {
  const folder = temporaryFolder()

  /** A program that keeps the key, and does this with what it is to sign. */
  function program(name: string, body: string): readonly string[] {
    const path = join(folder, `${name}.cjs`)
    writeFileSync(
      path,
      `const crypto = require('node:crypto'), fs = require('node:fs')
       const key = crypto.createPrivateKey(${JSON.stringify(encodePrivateKey(privateKeyFor('hsm')))})
       const sign = (data) => crypto.sign('sha256', data, key).toString('base64')
       const input = fs.readFileSync(0)
       if (process.argv.at(-1) === 'public-key') fs.writeSync(1, crypto.createPublicKey(key).export({ format: 'pem', type: 'spki' }))
       else { ${body} }`,
    )
    return [process.execPath, path]
  }
  const HONEST = 'fs.writeSync(1, sign(input))'

  it('signs certificates and CRLs from the first day on, and no file holds it', async () => {
    const home = join(folder, 'home')
    const { issuing } = await bootstrap(
      bootstrapRequest(home, { issuingKeyCommand: program('honest', HONEST) }),
      new TestClock(),
    )
    const authority = await Authority.open(home, new TestClock())
    expect(authority.needsPassphrase).toBe(false)
    const key = await authority.issuingKey(undefined)
    expect(samePublicKey(key.publicKey, issuing.publicKey)).toBe(true)
    await authority.close()
    const test = await openHome(home, { key, publisherKey: template.keys.publisherKey })
    await test.register('node-1')
    const [issued] = await issueCertificates(await test.issuing(), [
      { entity: 'node-1', profile: PROFILES.peer, key: { kind: 'generate', algorithm: 'p256' } },
    ])
    expect(issued?.certificate.issuer.equals(issuing.subject)).toBe(true)
    expect((await verifyAudit(test.authority.store)).certificates).toBe(2)
    await test.authority.close()
    expect(existsSync(join(home, HOME_FILES.issuingKey))).toBe(false)
  })

  it.each([
    ['signs something else', `fs.writeSync(1, sign(Buffer.concat([input, Buffer.from('x')])))`],
    [
      'flips a bit of its signature',
      `const s = Buffer.from(sign(input), 'base64'); s[s.length - 1] ^= 1; fs.writeSync(1, s.toString('base64'))`,
    ],
    ['says nothing', ''],
    ['fails', 'process.exitCode = 3'],
  ])('CA-10: is refused when it %s: nothing is recorded as issued, and the plan is given up', async (claim, body) => {
    const home = join(folder, `home ${claim}`)
    const [node = '', path = ''] = program(`changing ${claim}`, HONEST)
    await bootstrap(bootstrapRequest(home, { issuingKeyCommand: [node, path] }), new TestClock())
    const authority = await Authority.open(home, new TestClock())
    const key = await authority.issuingKey(undefined)
    await authority.close()
    const test = await openHome(home, { key, publisherKey: template.keys.publisherKey })
    await test.register('node-1')
    const issuing = await test.issuing()
    const before = (await test.authority.store.certificates()).length
    program(`changing ${claim}`, body)
    const error = await expectCodeAsync('ERR_KEY_PROVIDER', () =>
      issueCertificates(issuing, [
        { entity: 'node-1', profile: PROFILES.peer, key: { kind: 'generate', algorithm: 'p256' } },
      ]),
    )
    expect(error.exitCode).toBe(8)
    expect(await test.authority.store.certificates()).toHaveLength(before)
    expect(await test.authority.store.pendingIntents()).toEqual([])
    const last = (await test.authority.store.logEntries(1, 100)).slice(-2).map((entry) => entry.event)
    expect(last).toEqual(['certificate.intended', 'certificate.abandoned'])
    await verifyAudit(test.authority.store)
    await test.authority.close()
  })
})

describe('parseDeployment', () => {
  const good = {
    schema: 1,
    trustDomain: 'cloud.example',
    domains: ['cloud.example'],
    addressRanges: ['10.0.0.0/8'],
    issuingKey: { kind: 'file', path: 'issuing-ca.key.pem' },
    publisherKey: { kind: 'command', command: ['hsm', '--slot', '3'] },
  }

  it('accepts what a home has', () => {
    const { schema, ...deployment } = good
    expect(schema).toBe(1)
    expect(parseDeployment(JSON.stringify(good))).toEqual(deployment)
  })

  it.each([
    ['another schema', { schema: 2 }],
    ['a schema that is text', { schema: '1' }],
    ['a trust domain that is a number', { trustDomain: 7 }],
    ['domains that are text', { domains: 'cloud.example' }],
    ['a domain that is a number', { domains: [7] }],
    ['ranges that are missing', { addressRanges: undefined }],
    ['an unknown key', { debug: true }],
    ['a key of an unknown kind', { issuingKey: { kind: 'url', path: 'x' } }],
    ['a key path outside', { issuingKey: { kind: 'file', path: '../issuing-ca.key.pem' } }],
    ['an absolute key path', { issuingKey: { kind: 'file', path: '/etc/key.pem' } }],
    ['a key path with a NUL', { issuingKey: { kind: 'file', path: 'a\0.key.pem' } }],
    ['a key without path', { issuingKey: { kind: 'file' } }],
    ['a key with another member', { issuingKey: { kind: 'file', path: 'a.key.pem', mode: 0 } }],
    ['an empty command', { publisherKey: { kind: 'command', command: [] } }],
    ['a command that is text', { publisherKey: { kind: 'command', command: 'hsm --slot 3' } }],
    ['a command with a number', { publisherKey: { kind: 'command', command: ['hsm', 3] } }],
    ['a key that is null', { publisherKey: null }],
  ])('KEY-07, KEY-12: refuses %s', (_claim, change) => {
    expectCode('ERR_JSON_MALFORMED', () => parseDeployment(JSON.stringify({ ...good, ...change })))
  })

  it('ID-19: refuses a key twice, and __proto__', () => {
    const text = JSON.stringify(good)
    expectCode('ERR_JSON_MALFORMED', () => parseDeployment(`{"trustDomain":"a",${text.slice(1)}`))
    expectCode('ERR_JSON_MALFORMED', () => parseDeployment(`{"__proto__":{},${text.slice(1)}`))
  })
})
