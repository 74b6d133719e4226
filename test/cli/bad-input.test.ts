/** Whatever a command is given instead of what it wants: one typed error, its exit code, and nothing half written. */
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { ERROR_CODES, type ErrorCode, EXIT_CODES } from '../../src/errors/index.js'
import { addSeconds, DAY } from '../../src/time/index.js'
import type { CliOptions, Words } from '../support/deployment.js'
import { prepareDeployment, STORY_START } from '../support/testscript.js'
import { copyWorld, World } from './world.js'

vi.setConfig({ testTimeout: 60_000 })

const prepared = await prepareDeployment()
const origin = new World(prepared)
for (const line of [
  'envelope create --as credentials/conductor-01/signer --part note=compute-07 --out plan.env',
  'envelope add plan.env note.json --name note --as credentials/compute-07/signer --trust trust.p7 --out whole.env',
]) {
  const { code, stderr } = await origin.run(line)
  if (code !== 0) throw new Error(`${line}: ${stderr}`)
}
const worlds: World[] = []
afterAll(() => {
  for (const { folder } of worlds) rmSync(folder, { recursive: true, force: true })
})

function newWorld(): World {
  const world = copyWorld(prepared)
  worlds.push(world)
  return world
}

/** Run a command that must be refused with one of these codes, and leave everything as it was. */
async function refused(world: World, line: Words, codes: ErrorCode | readonly ErrorCode[], options: CliOptions = {}) {
  const before = world.listing()
  const result = await world.run(line, options)
  const code = result.errorCode as ErrorCode
  expect([codes].flat()).toContain(code)
  expect(result.code).toBe(EXIT_CODES[ERROR_CODES[code].category])
  expect(result.stdout).toBe('')
  expect(result.stderr.match(/^signet: error: /gm)).toHaveLength(1)
  expect(world.listing()).toEqual(before)
  return result
}

/** Certificates that the authority recorded: none may be, of which nobody got the key. */
async function issued(world: World): Promise<number> {
  const { json } = await world.run('cert list --json')
  return (json['certificates'] as readonly unknown[]).length
}

function openssl(world: World, words: readonly string[]): void {
  const { status, stderr } = spawnSync('openssl', words, { cwd: world.folder, encoding: 'utf8' })
  expect([status, status === 0 ? '' : stderr]).toEqual([0, ''])
}

const VERIFY = 'verify note.json.p7s --content note.json --for notifications --trust trust.p7'
const SIGN = 'sign note.json --type a.b --to c --out new.p7s'
const PART = '--name note --as credentials/compute-07/signer --trust trust.p7'
const TLS = 'credentials/compute-07/tls/current'
const SIGNER = 'credentials/compute-07/signer'

describe('the authority', () => {
  it('a wrong passphrase', async () => {
    const world = newWorld()
    world.write('wrong', 'not this one\n', 0o600)
    for (const line of ['issue compute-07 --out new', 'crl publish --out new.pem', 'trust publish --out new.p7']) {
      await refused(world, `${line} --passphrase-file wrong`, 'ERR_KEY_PASSPHRASE')
    }
  })

  it('a home that is missing', async () => {
    const world = newWorld()
    for (const line of ['issue compute-07 --out new', 'entity list', 'crl show', `cert verify ${TLS}/cert.pem`]) {
      const { stderr } = await refused(world, `--home nowhere ${line}`, 'ERR_HOME_MISSING')
      expect(stderr).toContain('signet init')
    }
  })

  it('a home that exists', async () => {
    const world = newWorld()
    await refused(world, 'init --domain cloud.example', 'ERR_HOME_EXISTS')
    await refused(world, '--home credentials init --domain cloud.example', 'ERR_HOME_EXISTS')
    await refused(world, '--home note.json init --domain cloud.example', 'ERR_HOME_EXISTS')
    await refused(world, '--home new init --domain cloud.example --root-out credentials', 'ERR_OUTPUT_EXISTS')
  })

  it('an unknown entity, and one that is there already', async () => {
    const world = newWorld()
    for (const line of [
      'issue nobody',
      'renew nobody',
      'revoke nobody',
      'entity show nobody',
      'entity retire nobody',
    ]) {
      await refused(world, line, 'ERR_ENTITY_UNKNOWN')
    }
    await refused(world, 'entity add compute-07 --kind node', 'ERR_ENTITY_EXISTS')
  })

  it.each([
    '../x',
    '..',
    '.',
    'a/b',
    '/etc/passwd',
    '__proto__',
    'constructor\n',
    'a b',
    '',
    '-x',
    'ä',
    'x\u0000',
    'a'.repeat(65),
  ])('an entity id that is none: %j', async (id) => {
    const world = newWorld()
    await refused(world, ['entity', 'add', '--kind', 'node', '--', id], 'ERR_IDENTITY_INVALID')
    await refused(world, ['issue', '--out', 'new', '--', id], 'ERR_ENTITY_UNKNOWN')
    await refused(world, ['entity', 'show', '--', id], 'ERR_ENTITY_UNKNOWN')
  })

  it('an id that JavaScript knows otherwise is an id like any', async () => {
    const world = newWorld()
    for (const id of ['constructor', 'toString', 'hasOwnProperty']) {
      expect(await world.run(['entity', 'show', id])).toMatchObject({ errorCode: 'ERR_ENTITY_UNKNOWN' })
      expect(await world.run(['entity', 'add', id, '--kind', 'node'])).toMatchObject({ code: 0 })
      expect(await world.run(['entity', 'show', id, '--json'])).toMatchObject({ json: { entity: { id } } })
    }
  })

  it('a folder that cannot be, before anything is issued', async () => {
    const world = newWorld()
    const count = await issued(world)
    for (const out of ['/proc/signet', '/dev/null/below']) {
      for (const line of [`issue --all --out ${out}`, `issue compute-07 --out ${out}`]) {
        const { stderr } = await refused(world, line, 'ERR_FILE_WRITE')
        expect(stderr).not.toContain('could not be delivered')
      }
    }
    expect(await issued(world)).toBe(count)
  })

  it('a folder of another entity, before anything is issued', async () => {
    const world = newWorld()
    const count = await issued(world)
    for (const command of ['issue', 'renew']) {
      const { stderr } = await refused(world, `${command} broker-01 --out credentials/compute-07`, 'ERR_OUTPUT_EXISTS')
      expect(stderr).toContain('holds credentials of compute-07, not of broker-01')
    }
    expect(await issued(world)).toBe(count)
  })

  it('an issuer that has expired', async () => {
    const world = newWorld()
    world.clock = { now: () => addSeconds(STORY_START, 4 * 365 * DAY) }
    // The CRLs have ended, too; that is what a verifier would say first.
    for (const line of ['issue compute-07 --out new', 'renew compute-07 --out new']) {
      const count = await issued(world)
      await refused(world, line, ['ERR_ISSUE_VALIDITY', 'ERR_REVOCATION_UNKNOWN', 'ERR_RENEW_DENIED'])
      expect(await issued(world)).toBe(count)
    }
    const { stderr } = await refused(world, 'issue compute-07 --out new', 'ERR_ISSUE_VALIDITY')
    expect(stderr).toContain('the issuing CA has expired')
  })

  it('a clock before notBefore, behind the log, and one that cannot be right', async () => {
    const world = newWorld()
    world.clock = { now: () => addSeconds(STORY_START, -DAY) }
    await refused(world, 'issue compute-07 --out new', 'ERR_CLOCK_SUSPECT')
    await refused(world, 'entity add new-01 --kind node', 'ERR_CLOCK_SUSPECT')
    await refused(world, `cert verify ${TLS}/cert.pem`, ['ERR_PATH_NOT_YET_VALID', 'ERR_REVOCATION_UNKNOWN'])
    await refused(world, VERIFY, [
      'ERR_PATH_NOT_YET_VALID',
      'ERR_REVOCATION_UNKNOWN',
      'ERR_TRUST_DIRECTORY_FROM_FUTURE',
    ])
    for (const time of ['1970-01-01T00:00:00Z', '2020-01-01T00:00:00Z', 'never']) {
      world.clock = { now: () => new Date(time) }
      await refused(world, 'trust publish --out new.p7', 'ERR_CLOCK_SUSPECT')
      await refused(world, '--home new init --domain a.example', 'ERR_CLOCK_SUSPECT')
      expect((await world.run(VERIFY)).code).not.toBe(0)
      expect((await world.run(`cert verify ${TLS}/cert.pem`)).code).not.toBe(0)
    }
  })

  it.each([
    ['00', 'ERR_CERTIFICATE_UNKNOWN'],
    ['dec:123', 'ERR_CERTIFICATE_UNKNOWN'],
    ['7f'.repeat(20), 'ERR_CERTIFICATE_UNKNOWN'],
    ["' or 1=1 --", 'ERR_SERIAL_MALFORMED'],
    ['', 'ERR_SERIAL_MALFORMED'],
    ['-1', 'ERR_SERIAL_MALFORMED'],
  ] as const)('a serial number that nobody has: %j', async (serial, code) => {
    const world = newWorld()
    await refused(world, ['revoke', `--serial=${serial}`], code)
    await refused(world, ['revoke', `--key-id=${serial}`], code)
    expect((await world.run('audit verify --json')).json).toMatchObject({ whole: true, revocations: 0 })
  })
})

describe('revocation', () => {
  it.each([
    ['cert verify', 'ERR_CONFIG_INVALID', '--strictness', ['', 'lax', 'constructor', '__proto__', 'Deployment']],
    ['cert verify', 'ERR_CONFIG_INVALID', '--policy', ['', '1', '3.1', '1.2.', '.1.2', '1.02', 'any', '1.2;3']],
    ['cert verify', 'ERR_CONFIG_INVALID', '--max-path-length', ['', '-1', '1.5', '1e3', '1000', 'NaN', ' 1']],
    ['cert verify', 'ERR_CONFIG_INVALID', '--at', ['', 'now', '2027-01-04', '2027-13-01T00:00:00Z', '1e3']],
    ['cert verify', 'ERR_CONFIG_INVALID', '--purpose', ['', 'any', 'allow-any', '__proto__']],
  ] as const)('signet %s: %s for a value of %s that is none', async (command, code, option, values) => {
    const world = newWorld()
    for (const value of values) {
      await refused(world, [...command.split(' '), `${TLS}/cert.pem`, `${option}=${value}`], code)
    }
  })

  it.each([
    ['crl publish --out new.pem', '--validity', ['', '0', '-1d', '1', 'soon', '1d1h ', '1w2']],
    ['crl publish --delta --out-dir new', '--validity', ['', '0', 'soon']],
    ['ocsp sign --out new', '--validity', ['', '0', 'soon']],
  ] as const)('signet %s: a value of %s that is no duration', async (line, option, values) => {
    const world = newWorld()
    for (const value of values) {
      await refused(world, [...line.split(' '), `${option}=${value}`], 'ERR_CONFIG_INVALID')
    }
  })

  it.each([
    'ocsp sign --out new --digest md5',
    'ocsp sign --out new --digest SHA1',
    `ocsp request ${TLS}/fullchain.pem --out new.der --digest sha224`,
    'ocsp sign',
    'ocsp request --out new.der',
    'crl publish',
    'crl publish --delta',
    'revoke --preview',
    'revoke compute-07 --preview --reason certificateHold',
  ])('signet %s: a usage error', async (line) => {
    await refused(newWorld(), line, 'ERR_USAGE')
  })

  it('REV-11: whatever is asked of an OCSP responder, an answer in its own protocol comes of it', async () => {
    const world = newWorld()
    expect((await world.run('ocsp delegate --out responder')).code).toBe(0)
    expect((await world.run(`ocsp request ${TLS}/fullchain.pem --out request.der`)).code).toBe(0)
    const good = readFileSync(world.path('request.der'))
    const asked: readonly (readonly [Uint8Array, string])[] = [
      [new Uint8Array(), 'malformedRequest'],
      [randomBytes(1000), 'malformedRequest'],
      [new Uint8Array(300_000), 'malformedRequest'],
      [Buffer.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff), 'malformedRequest'],
      [good.subarray(0, -1), 'malformedRequest'],
      [Buffer.concat([good, Buffer.of(0)]), 'malformedRequest'],
      [readFileSync(world.path(`${TLS}/cert.pem`)), 'malformedRequest'],
      [good, 'successful'],
    ]
    const before = world.listing()
    for (const [stdin, status] of asked) {
      const { code, json } = await world.run('ocsp respond --responder responder --json', { stdin })
      expect([code, json['status']]).toEqual([0, status])
    }
    expect(world.listing()).toEqual(before)
  })
})

describe('requests', () => {
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'new.key']
  const request = (world: World, ...more: readonly string[]): void =>
    openssl(world, ['req', '-new', ...newKey, '-subj', '/CN=x', '-out', 'new.csr', '-outform', 'DER', ...more])

  it('a bad signature', async () => {
    const world = newWorld()
    request(world)
    const csr = readFileSync(world.path('new.csr'))
    const last = csr.length - 1
    world.write('bad.csr', Buffer.concat([csr.subarray(0, last), Buffer.of((csr[last] ?? 0) ^ 1)]))
    await refused(world, 'issue compute-07 --csr bad.csr --out new', 'ERR_CSR_SIGNATURE')
  })

  it.each([
    ['subjectAltName=DNS:compute-08.cloud.example'],
    ['subjectAltName=email:root@cloud.example'],
    ['subjectAltName=URI:spiffe://cloud.example/region-one/broker/broker-01'],
    ['keyUsage=keyCertSign'],
    ['extendedKeyUsage=emailProtection'],
    ['basicConstraints=CA:TRUE'],
    ['nsComment=x'],
    ['1.2.3.4=DER:0500'],
  ])('an extension that the profile does not grant: %s', async (extension) => {
    const world = newWorld()
    request(world, '-addext', extension)
    const count = await issued(world)
    await refused(world, 'issue compute-07 --csr new.csr --out new', 'ERR_CSR_EXTENSION')
    expect(await issued(world)).toBe(count)
  })

  it('a request for two, or renewal with the same key', async () => {
    const world = newWorld()
    request(world)
    await refused(world, 'issue --all --csr new.csr --out new', 'ERR_USAGE')
    expect(await world.run('issue compute-07 --csr new.csr --out new')).toMatchObject({ code: 0 })
    await refused(world, 'renew compute-07 --csr new.csr --out new', 'ERR_RENEW_DENIED')
    await refused(world, 'issue broker-01 --csr new.csr --out other', 'ERR_ISSUE_KEY')
  })
})

/** Each way to hand in a file, with `FILE` where its name goes. */
const READERS = {
  'cert show': 'cert show FILE',
  'cert verify': 'cert verify FILE',
  'cert verify --ca': `cert verify ${TLS}/cert.pem --ca FILE`,
  'cert verify --crl': `cert verify ${TLS}/cert.pem --crl FILE`,
  'cert verify --untrusted': `cert verify ${TLS}/cert.pem --untrusted FILE`,
  'cert verify --ocsp': `cert verify ${TLS}/cert.pem --ocsp FILE`,
  'crl show': 'crl show FILE',
  'crl recover': 'crl recover FILE',
  'identity resolve': 'identity resolve FILE',
  'identity resolve --mapping': `identity resolve ${TLS}/cert.pem --mapping FILE`,
  'identity explain': 'identity explain FILE',
  'identity explain --mapping': `identity explain ${TLS}/cert.pem --mapping FILE`,
  'identity lint --mapping': 'identity lint --mapping FILE',
  'issue --csr': 'issue compute-07 --out new --csr FILE',
  'revoke --cert': 'revoke --cert FILE',
  'revoke --preview': 'revoke --preview --cert FILE',
  'ocsp show': 'ocsp show FILE',
  'ocsp request': 'ocsp request FILE --out new.der',
  'ocsp request --issuer': `ocsp request ${TLS}/cert.pem --out new.der --issuer FILE`,
  'ocsp sign --responder': 'ocsp sign --out new --responder FILE',
  'trust show': 'trust show FILE',
  'trust verify': 'trust verify FILE',
  'trust fetch': 'trust fetch FILE --out cache.p7',
  'trust update --delta': 'trust update trust.p7 --delta FILE',
  verify: 'verify FILE --content note.json --for notifications --trust trust.p7',
  'verify --trust': 'verify note.json.p7s --content note.json --for notifications --trust FILE',
  'verify --trust-memory': `${VERIFY} --trust-memory FILE`,
  'verify --replay-store': `${VERIFY} --replay-store FILE`,
  'verify --content': 'verify note.json.p7s --content FILE --for notifications --trust trust.p7',
  'envelope show': 'envelope show FILE',
  'envelope verify': 'envelope verify FILE --trust trust.p7',
  'envelope verify --trust': 'envelope verify whole.env --trust FILE',
  'envelope add': `envelope add FILE note.json ${PART}`,
  'envelope add --as': 'envelope add plan.env note.json --name note --trust trust.p7 --as FILE',
  'sign --as': `${SIGN} --as FILE`,
  'cms inspect': 'cms inspect FILE',
  'cms verify': 'cms verify FILE --content note.json',
  'cms verify --cert': 'cms verify note.json.p7s --content note.json --cert FILE',
  'cms sign --cert': `cms sign note.json --out new.p7s --key ${SIGNER}/current/key.pem --cert FILE`,
  'cms sign --key': `cms sign note.json --out new.p7s --cert ${SIGNER}/current/cert.pem --key FILE`,
  'init --passphrase-file': '--home new init --domain a.example --root-passphrase-file FILE',
  'crl publish --root': 'crl publish --out new.pem --root FILE',
} as const

type Reader = keyof typeof READERS
const readers = Object.keys(READERS) as readonly Reader[]

/** The command of a reader, with a file's name in it, whatever that is. */
const command = (reader: Reader, file: string): readonly string[] =>
  READERS[reader].split(' ').map((word) => (word === 'FILE' ? file : word))

/** Files that a reader may have any content of. */
const TAKES_ANYTHING: readonly Reader[] = ['init --passphrase-file']
/** An empty file is what these begin with. */
const MAY_BE_EMPTY: readonly Reader[] = ['verify --replay-store']

describe.each(readers)('instead of a file: %s', (reader) => {
  const world = newWorld()
  const file = (name: string, content: string | Uint8Array): string => {
    world.write(name, content, 0o600)
    return name
  }
  /** Any typed refusal will do, but for a bug or a wrong command line. */
  const anyRefusal = Object.keys(ERROR_CODES).filter(
    (code) => ERROR_CODES[code as ErrorCode].category !== 'internal' && code !== 'ERR_USAGE',
  ) as readonly ErrorCode[]
  const refusedFor = async (name: string, codes: readonly ErrorCode[] = anyRefusal): Promise<void> => {
    const { stderr } = await refused(world, command(reader, name), codes)
    expect(stderr).not.toMatch(/undefined|\[object|NaN|\bat .*\.ts:/)
  }

  it('nothing of that name', async () => {
    if (/memory|store/.test(reader)) return
    await refusedFor('missing', ['ERR_FILE_READ', 'ERR_TRUST_DIRECTORY_MALFORMED'])
  })

  it('a folder', async () => {
    await refusedFor('home', ['ERR_FILE_READ', 'ERR_KEY_PATH_UNSAFE', 'ERR_REPLAY_STORE'])
  })

  it('an empty file', async () => {
    if (MAY_BE_EMPTY.includes(reader)) return
    await refusedFor(file('empty', ''))
  })

  it('binary garbage, and text', async () => {
    if (TAKES_ANYTHING.includes(reader)) return
    await refusedFor(file('garbage', randomBytes(1000)))
    await refusedFor(file('zeros', new Uint8Array(1000)))
    await refusedFor(file('text', 'What is this?\n'))
    await refusedFor(file('pem', '-----BEGIN CERTIFICATE-----\nnonsense!\n-----END CERTIFICATE-----\n'))
    await refusedFor(file('sequence', Buffer.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff)))
  })

  it('the right thing, cut short', async () => {
    if (
      TAKES_ANYTHING.includes(reader) ||
      /--(mapping|content|trust-memory|replay-store)|--as|--root|--responder/.test(reader)
    )
      return
    const whole = /trust/.test(reader)
      ? 'trust.p7'
      : /verify$|inspect/.test(reader)
        ? 'note.json.p7s'
        : `${TLS}/cert.pem`
    const bytes = readFileSync(world.path(whole))
    for (const length of [1, 2, 10, bytes.length >> 1, bytes.length - 1]) {
      // The last line feed of PEM is nothing to miss.
      if (length === bytes.length - 1 && whole.endsWith('.pem')) continue
      await refusedFor(file('short', bytes.subarray(0, length)))
    }
  })

  it('PEM of another kind', async () => {
    if (TAKES_ANYTHING.includes(reader)) return
    const other = /crl|issue/.test(reader) ? `${TLS}/cert.pem` : 'crls.pem'
    await refusedFor(other)
  })

  it('a file that is longer than any may be', async () => {
    file('huge', '')
    truncateSync(world.path('huge'), 100_000_000)
    const codes: readonly ErrorCode[] = /init/.test(reader)
      ? ['ERR_PASSPHRASE_REQUIRED']
      : /store/.test(reader)
        ? ['ERR_REPLAY_STORE']
        : /--as|--root|--responder/.test(reader)
          ? ['ERR_FILE_READ']
          : // A trust directory may be long: it has every signer of a deployment.
            /trust$|^trust /.test(reader)
            ? ['ERR_LIMIT_EXCEEDED', 'ERR_CMS_MALFORMED']
            : // Content is digested, however long it is, and is another.
              /--content/.test(reader)
              ? ['ERR_CMS_DIGEST_MISMATCH']
              : ['ERR_LIMIT_EXCEEDED']
    await refusedFor('huge', codes)
    rmSync(world.path('huge'))
  })
})

describe('keys', () => {
  const key = (world: World): string => world.path(SIGNER, 'current', 'key.pem')

  it('one that is missing', async () => {
    const world = newWorld()
    rmSync(key(world))
    await refused(world, `${SIGN} --as ${SIGNER}`, 'ERR_FILE_READ')
    rmSync(world.path('home', 'issuing-ca.key.pem'))
    await refused(world, 'issue compute-07 --out new', 'ERR_FILE_READ')
  })

  it.each([0o644, 0o640, 0o604, 0o601, 0o666])('one that others can read: %o', async (mode) => {
    const world = newWorld()
    chmodSync(key(world), mode)
    const { stderr } = await refused(world, `${SIGN} --as ${SIGNER}`, 'ERR_KEY_PERMISSIONS')
    expect(stderr).toContain('signet: hint: chmod 600 ')
    chmodSync(world.path('home', 'issuing-ca.key.pem'), mode)
    await refused(world, 'issue compute-07 --out new', 'ERR_KEY_PERMISSIONS')
  })

  it('one that is a link, or a folder', async () => {
    const world = newWorld()
    const real = key(world)
    cpSync(real, world.path('elsewhere.pem'))
    chmodSync(world.path('elsewhere.pem'), 0o600)
    rmSync(real)
    symlinkSync(world.path('elsewhere.pem'), real)
    await refused(world, `${SIGN} --as ${SIGNER}`, 'ERR_KEY_PATH_UNSAFE')
    rmSync(real)
    mkdirSync(real)
    await refused(world, `${SIGN} --as ${SIGNER}`, 'ERR_KEY_PATH_UNSAFE')
  })

  it('one of another certificate', async () => {
    const world = newWorld()
    cpSync(world.path('credentials/broker-01/signer/current/key.pem'), key(world))
    await refused(world, `${SIGN} --as ${SIGNER}`, 'ERR_KEY_CERT_MISMATCH')
    cpSync(world.path('home/trust-publisher.key.pem'), world.path('home/issuing-ca.key.pem'))
    await refused(world, 'issue compute-07 --out new', 'ERR_KEY_CERT_MISMATCH')
  })

  it('a credential of no use for signing, and the folder of two', async () => {
    const world = newWorld()
    await refused(world, `${SIGN} --as credentials/compute-07/tls`, 'ERR_ISSUE_PROFILE')
    const { stderr } = await refused(world, `${SIGN} --as credentials/compute-07`, 'ERR_USAGE')
    expect(stderr).toContain('signet: hint: say --as credentials/compute-07/signer')
  })

  it('one that is encrypted in an old, weak way', async () => {
    const world = newWorld()
    openssl(world, ['genrsa', '-traditional', '-aes128', '-passout', 'pass:x', '-out', 'old.pem', '2048'])
    chmodSync(world.path('old.pem'), 0o600)
    const line = `cms sign note.json --out new.p7s --cert ${SIGNER}/current/cert.pem --key old.pem`
    await refused(world, line, 'ERR_KEY_FORMAT_WEAK')
  })

  const asNobody = spawnSync('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', 'true'])
  it.skipIf(process.getuid?.() !== 0 || asNobody.status !== 0)('one that may not be read', () => {
    const world = newWorld()
    chmodSync(world.folder, 0o755)
    chmodSync(world.path('home'), 0o755)
    const bin = new URL('../../bin/signet.js', import.meta.url).pathname
    const words = [bin, 'cms', 'sign', 'note.json', '--cert', 'home/root.pem', '--key', 'home/issuing-ca.key.pem']
    const { status, stderr } = spawnSync(
      'setpriv',
      ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, ...words, '--out', '/tmp/never'],
      { cwd: world.folder, encoding: 'utf8', env: { ...world.variables, PATH: process.env['PATH'] } },
    )
    expect([status, stderr]).toEqual([8, expect.stringContaining('permission denied [ERR_FILE_READ]')])
  })
})

describe('outputs', () => {
  const writers = [
    'envelope create --as credentials/conductor-01/signer --part note=compute-07 --out new.p7s',
    `envelope add plan.env note.json ${PART} --out new.p7s`,
    'envelope verify whole.env --trust trust.p7 --part note --out new.p7s',
    `${SIGN} --as ${SIGNER}`,
    `${VERIFY} --out new.p7s`,
    `cms sign note.json --cert ${SIGNER}/current/cert.pem --key ${SIGNER}/current/key.pem --out new.p7s`,
    'audit export --out new.p7s',
  ]
  it.each(writers)('one that exists: %s', async (line) => {
    const world = newWorld()
    world.write('new.p7s', 'kept')
    const { stderr } = await refused(world, line, 'ERR_OUTPUT_EXISTS')
    expect(stderr).toContain('--force')
    expect(await world.run(`${line} --force`)).toMatchObject({ code: 0 })
    expect(readFileSync(world.path('new.p7s'), 'latin1')).not.toBe('kept')
    // A dangling link is something that exists, too.
    rmSync(world.path('new.p7s'))
    symlinkSync('nowhere', world.path('new.p7s'))
    await refused(world, line, 'ERR_OUTPUT_EXISTS')
  })

  const replacing = [
    'crl publish --out new.p7s',
    'trust publish --out new.p7s',
    `ocsp request ${TLS}/fullchain.pem --out new.p7s`,
  ]
  it.each([...writers, ...replacing])(
    'in a folder that does not exist, or is a file; a folder itself; standard output: %s',
    async (line) => {
      const world = newWorld()
      const at = (path: string): string => line.replace('new.p7s', path)
      const { stderr } = await refused(world, at('missing/new.p7s'), 'ERR_FILE_WRITE')
      expect(stderr).toContain('its folder does not exist')
      await refused(world, at('note.json/new.p7s'), 'ERR_FILE_WRITE')
      await refused(world, at('home'), ['ERR_FILE_WRITE', 'ERR_OUTPUT_EXISTS'])
      await refused(world, at('-'), 'ERR_USAGE')
    },
  )

  it.each(['crl publish --out-dir', 'crl publish --delta --out-dir', 'ocsp sign --out'])(
    'a folder for many files that cannot be made: %s',
    async (line) => {
      const world = newWorld()
      world.write('file', '')
      for (const out of ['file', 'file/below']) {
        await refused(world, `${line} ${out}`, ['ERR_FILE_WRITE', 'ERR_OUTPUT_EXISTS'])
      }
      expect((await world.run(`${line} new`)).code).toBe(0)
      // What is there is replaced; where it cannot be, the rest of the folder stays.
      expect((await world.run(`${line} new`)).code).toBe(0)
    },
  )

  it('a folder that is no credential directory: nothing is issued', async () => {
    const world = newWorld()
    const count = await issued(world)
    for (const out of ['home', 'note.json', 'credentials/compute-07', 'note.json/x']) {
      const codes = ['ERR_OUTPUT_EXISTS', 'ERR_FILE_WRITE'] as const
      await refused(world, `ocsp delegate --out ${out}`, codes)
      await refused(world, `issue compute-07 --profile client --out ${out}`, codes)
      await refused(world, `renew compute-07 --profile peer --out ${out}`, codes)
    }
    mkdirSync(world.path('several'))
    world.write('several/compute-07', 'a file')
    await refused(world, 'issue --all --out several', 'ERR_FILE_WRITE')
    expect(await issued(world)).toBe(count)
  })

  const canMount = spawnSync('mount', ['--version']).error === undefined && process.getuid?.() === 0 && tryMount()
  it.skipIf(!canMount)('a full disk: nothing half written, and the old version stays', async () => {
    const world = newWorld()
    const disk = world.path('disk')
    mkdirSync(disk)
    expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=40k', 'tmpfs', disk]).status).toBe(0)
    try {
      cpSync(world.path('note.json.p7s'), join(disk, 'old.p7s'))
      spawnSync('dd', ['if=/dev/zero', `of=${join(disk, 'filler')}`, 'bs=1024', 'count=100'])
      const lines = [
        `sign note.json --type a.b --to c --as ${SIGNER} --out disk/new.p7s`,
        `sign note.json --type a.b --to c --as ${SIGNER} --out disk/old.p7s --force`,
        `${VERIFY} --out disk/new.json`,
        `${VERIFY} --trust-memory disk/memory.json`,
        'crl publish --out disk/crls.pem',
        'trust publish --out disk/trust.p7',
        `ocsp request ${TLS}/fullchain.pem --out disk/request.der`,
        'audit export --out disk/log.ndjson',
        '--home disk/home init --domain a.example --root-out root-of-full',
        '--home new init --domain a.example --root-out disk/root',
      ]
      for (const line of lines) {
        const { stderr } = await refused(world, line, 'ERR_FILE_WRITE')
        expect([line, stderr]).toEqual([line, expect.stringContaining('no space left on the device')])
      }
      // An empty memory may be left, as SQLite begins one.
      expect(await world.run(`${VERIFY} --replay-store disk/seen.db`)).toMatchObject({ errorCode: 'ERR_REPLAY_STORE' })
      rmSync(join(disk, 'seen.db'), { force: true })
      // Folders may stay, but nothing in them.
      const { errorCode } = await world.run('issue compute-07 --out disk/compute-07')
      expect(errorCode).toBe('ERR_FILE_WRITE')
      const left = Object.entries(world.listing()).filter(([name]) => name.startsWith('disk/compute-07'))
      for (const [, what] of left) expect(what).toBe('0700 folder')
    } finally {
      spawnSync('umount', [disk])
    }
  })
})

function tryMount(): boolean {
  const path = `${prepared}-mount-probe`
  mkdirSync(path)
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=40k', 'tmpfs', path]).status === 0
  if (mounted) spawnSync('umount', [path])
  rmSync(path, { recursive: true })
  return mounted
}

describe('names of files', () => {
  it.each([
    ['spaces', 'a b  c.json'],
    ['a line feed', 'a\nb.json'],
    ['an escape', 'a\u001b[31mb.json'],
    ['a leading dash', './-x.json'],
    ['letters of elsewhere', 'größe-日本.json'],
    ['quotes and dollars', `a'b"$(x)\`y\`.json`],
    ['a percent sign', '%s%n.json'],
    ['as long as may be', `${'x'.repeat(245)}.json`],
  ])('with %s', async (_, name) => {
    const world = newWorld()
    world.write(name, readFileSync(world.path('note.json')))
    const sign = ['sign', name, '--as', SIGNER, '--type', 'a.b', '--to', 'c']
    expect(await world.run(sign)).toMatchObject({ code: 0 })
    const verify = [
      'verify',
      `${name}.p7s`,
      '--content',
      name,
      '--for',
      'c',
      '--trust',
      'trust.p7',
      '--out',
      `out ${name.slice(-200).replace('./', '')}`,
    ]
    expect(await world.run(verify)).toMatchObject({ code: 0 })
    // An error that names it stays one line, and moves no cursor.
    const { stderr } = await refused(world, sign, 'ERR_OUTPUT_EXISTS')
    expect(stderr.trimEnd().split('\n')).toHaveLength(2)
    expect(stderr.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f]/)
    const { stderr: missing } = await refused(world, ['cert', 'show', `missing ${name.slice(-200)}`], 'ERR_FILE_READ')
    expect(missing.trimEnd().split('\n')).toHaveLength(1)
  })

  it('with a leading dash: after -- it is a name', async () => {
    const world = newWorld()
    world.write('-x.json', '{}')
    const sign = ['sign', '--as', SIGNER, '--type', 'a.b', '--to', 'c', '--', '-x.json']
    expect(await world.run(sign)).toMatchObject({ code: 0 })
    await refused(world, ['sign', '-x.json', '--as', SIGNER, '--type', 'a.b', '--to', 'c'], 'ERR_USAGE')
  })

  it('too long, or with a zero byte', async () => {
    const world = newWorld()
    await refused(world, ['cert', 'show', 'x'.repeat(300)], 'ERR_FILE_READ')
    await refused(world, ['cert', 'show', 'a\u0000b'], 'ERR_FILE_READ')
    await refused(world, ['audit', 'export', '--out', 'x'.repeat(300)], 'ERR_FILE_WRITE')
  })
})
