/** Named attacks on what the command line is told to trust, and on what it does when something breaks. */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { encodePem, OID } from '../../../src/asn1/index.js'
import { signData } from '../../../src/cms/index.js'
import { encodePrivateKey } from '../../../src/crypto/index.js'
import { ERROR_CODES, type ErrorCode, EXIT_CODES } from '../../../src/errors/index.js'
import type { Clock } from '../../../src/time/index.js'
import { addSeconds } from '../../../src/time/index.js'
import { copyWorld, type World } from '../../cli/world.js'
import { makeCertificate, makeCrl, NOT_AFTER, NOT_BEFORE, NOW, privateKeyFor } from '../../support/certificates.js'
import { type CliOptions, type CliResult, runCli, type Words } from '../../support/deployment.js'
import { hierarchy } from '../../support/hierarchy.js'
import { temporaryFolder } from '../../support/temporary.js'
import { prepareDeployment } from '../../support/testscript.js'

vi.setConfig({ testTimeout: 60_000 })

const folder = temporaryFolder()
const isSuperuser = process.geteuid?.() === 0
const { root, issuing, node } = hierarchy({ node: { purposes: [OID.kpServerAuth, OID.kpEmailProtection] } })
const [rootPem, issuingPem, nodePem] = [root, issuing, node].map(({ certificate }) => certificate.toPem())
const noClock: Clock = { now: () => NOW }

function write(name: string, content: string | Uint8Array = ''): string {
  writeFileSync(join(folder, name), content)
  return name
}

beforeAll(async () => {
  write('root.pem', rootPem)
  write('issuing.pem', issuingPem)
  write('node.pem', nodePem)
  const document = await signData(Buffer.from('content'), {
    signers: [node],
    signingTime: NOW,
    form: 'attached',
    certificates: [node.certificate, issuing.certificate, root.certificate],
  })
  write('document.p7m', document)
})

const run = (words: Words, options: CliOptions = {}): Promise<CliResult> =>
  runCli(words, { directory: folder, clock: noClock, variables: { HOME: folder }, ...options })

/** Commands that take anchors from files. */
const COMMANDS = {
  'cert verify': 'cert verify node.pem --untrusted issuing.pem --allow-unchecked-revocation',
  'cms verify': 'cms verify document.p7m --allow-unchecked-revocation',
} as const

async function refused(words: Words, code: ErrorCode, options: CliOptions = {}): Promise<void> {
  const result = await run(words, options)
  expect([result.errorCode, result.code]).toEqual([code, EXIT_CODES[ERROR_CODES[code].category]])
  expect(result.stdout).toBe('')
}

describe.each(Object.entries(COMMANDS))('PATH-07: the file of anchors that is given to %s', (_name, command) => {
  const anchors = (...files: readonly string[]): readonly string[] => [
    ...command.split(' '),
    ...files.flatMap((file) => ['--ca', file]),
  ]

  it('PATH-07: is believed where it is right', async () => {
    expect(await run(anchors('root.pem'))).toMatchObject({ code: 0, errorCode: undefined })
  })

  const lines = (rootPem ?? '').split('\n')
  const truncatedDer = encodePem('CERTIFICATE', root.certificate.der.subarray(0, 100))
  const key = encodePrivateKey(privateKeyFor('somebody'))
  const rows: readonly (readonly [claim: string, make: () => string, code: ErrorCode])[] = [
    ['is missing', () => 'nothing-here.pem', 'ERR_FILE_READ'],
    ['is named by nothing', () => '', 'ERR_FILE_READ'],
    ['is a folder', () => (mkdirSync(join(folder, 'folder'), { recursive: true }), 'folder'), 'ERR_FILE_READ'],
    ['is in a file', () => 'root.pem/root.pem', 'ERR_FILE_READ'],
    ['is a device', () => '/dev/null', 'ERR_FILE_READ'],
    ['is a link to nothing', () => link('dangling', 'nothing-here.pem'), 'ERR_FILE_READ'],
    ['is a link to itself', () => link('loop', 'loop'), 'ERR_FILE_READ'],
    ['is empty', () => write('empty.pem'), 'ERR_INPUT_EMPTY'],
    ['is a blank line', () => write('blank.pem', '\n'), 'ERR_PEM_MALFORMED'],
    ['is a comment', () => write('comment.pem', '# trusted roots of 2027\n'), 'ERR_PEM_MALFORMED'],
    ['ends before its END', () => write('cut.pem', lines.slice(0, -2).join('\n')), 'ERR_PEM_MALFORMED'],
    ['ends in a line', () => write('half.pem', (rootPem ?? '').slice(0, 200)), 'ERR_PEM_MALFORMED'],
    ['lost a line', () => write('gap.pem', lines.toSpliced(3, 1).join('\n')), 'ERR_DER_TRUNCATED'],
    ['is half a certificate', () => write('half.der', root.certificate.der.subarray(0, 100)), 'ERR_DER_TRUNCATED'],
    ['is a private key', () => write('key.pem', key), 'ERR_PEM_LABEL'],
    ['holds a key beside the certificate', () => write('both.pem', `${rootPem}${key}`), 'ERR_PEM_LABEL'],
    ['has one bad among good', () => write('mixed.pem', `${rootPem}${truncatedDer}`), 'ERR_DER_TRUNCATED'],
    ['has one bad before good', () => write('mixed2.pem', `${truncatedDer}${rootPem}`), 'ERR_DER_TRUNCATED'],
    ['is for OpenSSL alone', () => write('trusted.pem', relabelled('TRUSTED CERTIFICATE')), 'ERR_PEM_LABEL'],
  ]

  it.each(rows)('PATH-07: %s, alone or beside a good one', async (_claim, make, code) => {
    const file = make()
    await refused(anchors(file), code)
    await refused(anchors('root.pem', file), code)
    await refused(anchors(file, 'root.pem'), code)
  })

  it.skipIf(isSuperuser)('PATH-07: may not be read', async () => {
    write('locked.pem', rootPem)
    chmodSync(join(folder, 'locked.pem'), 0)
    await refused(anchors('locked.pem'), 'ERR_FILE_READ')
    await refused(anchors('root.pem', 'locked.pem'), 'ERR_FILE_READ')
  })

  it('PATH-07: is a CRL, holds only what has expired, or only strangers', async () => {
    write('crl.pem', (await makeCrl({ issuer: root })).toPem())
    await refused(anchors('crl.pem'), 'ERR_PEM_LABEL')
    const old = makeCertificate({ subject: 'Root', ca: true, notAfter: addSeconds(NOW, -1) })
    write('old.pem', old.certificate.toPem())
    await refused(anchors('old.pem'), 'ERR_PATH_EXPIRED')
    expect((await run(anchors('old.pem', 'root.pem'))).code).toBe(0)
    write('stranger.pem', makeCertificate({ subject: 'Stranger', ca: true }).certificate.toPem())
    await refused(anchors('stranger.pem'), 'ERR_PATH_NOT_FOUND')
  })

  it('PATH-07: is not named at all, and there is no authority here', async () => {
    await refused(command, 'ERR_HOME_MISSING')
  })

  it('PATH-07: no variable that others obey makes up for it, nor takes anything away', async () => {
    write('stranger.pem', makeCertificate({ subject: 'Stranger', ca: true }).certificate.toPem())
    const strangers = anchors('stranger.pem')
    const variables = {
      HOME: folder,
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
      NODE_EXTRA_CA_CERTS: join(folder, 'root.pem'),
      SSL_CERT_FILE: join(folder, 'root.pem'),
      SSL_CERT_DIR: folder,
    }
    await refused(strangers, 'ERR_PATH_NOT_FOUND', { variables })
    // In a process of its own, which reads them when it starts.
    const script = (name: string): string => fileURLToPath(new URL(`../../support/${name}`, import.meta.url))
    const child = (words: readonly string[]): readonly [number | null, string] => {
      const { status, stderr } = spawnSync(
        process.execPath,
        ['--import', script('source-hook.mjs'), script('source-cli.mjs'), ...words],
        { cwd: folder, env: { ...variables, TEST_CLOCK: NOW.toISOString() }, encoding: 'utf8', timeout: 30_000 },
      )
      return [status, /\[(ERR_[A-Z_]+)\]/.exec(stderr)?.[1] ?? '']
    }
    expect(child(strangers)).toEqual([EXIT_CODES.untrusted, 'ERR_PATH_NOT_FOUND'])
    expect(child(command.split(' '))).toEqual([EXIT_CODES.state, 'ERR_HOME_MISSING'])
    expect(child(anchors('root.pem'))).toEqual([0, ''])
  })
})

function link(name: string, target: string): string {
  rmSync(join(folder, name), { force: true })
  symlinkSync(target, join(folder, name))
  return name
}

function relabelled(label: string): string {
  return (rootPem ?? '').replaceAll('CERTIFICATE', label)
}

describe('PATH-22: the clock of the command line', () => {
  const at = (instant: Date, words = ''): Promise<CliResult> =>
    run(`${COMMANDS['cert verify']} --ca root.pem ${words}`, { clock: { now: () => instant } })

  it('PATH-22: decides at both ends, and --at instead of it', async () => {
    expect((await at(addSeconds(NOT_BEFORE, -1))).errorCode).toBe('ERR_PATH_NOT_YET_VALID')
    expect((await at(NOT_BEFORE)).code).toBe(0)
    expect((await at(NOT_AFTER)).code).toBe(0)
    expect((await at(addSeconds(NOT_AFTER, 1))).errorCode).toBe('ERR_PATH_EXPIRED')
    const late = addSeconds(NOT_AFTER, 1).toISOString().replace('.000', '')
    expect((await at(NOW, `--at ${late}`)).errorCode).toBe('ERR_PATH_EXPIRED')
    expect((await at(addSeconds(NOT_AFTER, 99), `--at ${NOT_AFTER.toISOString().replace('.000', '')}`)).code).toBe(0)
  })

  it.each(['tomorrow', '', '0', '2027-01-01', '2027-02-30T00:00:00Z', '2027-01-01T24:00:00Z', '2027-13-01T00:00:00Z'])(
    'PATH-22: is not replaced by an instant that there is not: %j',
    async (word) => {
      await refused([...COMMANDS['cert verify'].split(' '), '--ca', 'root.pem', '--at', word], 'ERR_CONFIG_INVALID')
    },
  )
})

describe('PATH-26: what breaks under the command line', () => {
  it.each([
    ['a clock that throws', () => fail('no clock')],
    ['a clock without a time', () => new Date(Number.NaN)],
    ['a clock that is no clock', () => undefined],
  ])('PATH-26: %s is no success', async (_claim, now) => {
    for (const command of Object.values(COMMANDS)) {
      const { code, stdout } = await run(`${command} --ca root.pem`, { clock: { now } as Clock })
      expect(code).not.toBe(0)
      expect(stdout).toBe('')
    }
  })

  function fail(message: string): never {
    throw new Error(message)
  }
})

describe('PATH-07: the anchor that an authority keeps, and the one that a receiver pins', () => {
  let prepared: string
  const worlds: World[] = []
  beforeAll(async () => {
    prepared = await prepareDeployment()
  })
  afterAll(() => {
    for (const world of worlds) rmSync(world.folder, { recursive: true, force: true })
  })
  const newWorld = (): World => {
    const world = copyWorld(prepared)
    worlds.push(world)
    return world
  }
  const CERTIFICATE = 'cert verify credentials/compute-07/tls/current/cert.pem'
  const MESSAGE = 'verify note.json.p7s --content note.json --for notifications --trust trust.p7'

  it('PATH-07: a root that is missing, a folder, empty, cut or another ends every question', async () => {
    const stranger = makeCertificate({ subject: 'Stranger', ca: true }).certificate.toPem()
    const changes: Readonly<Record<string, (path: string) => void>> = {
      missing: (path) => rmSync(path),
      folder: (path) => {
        rmSync(path)
        mkdirSync(path)
      },
      empty: (path) => writeFileSync(path, ''),
      cut: (path) => writeFileSync(path, readFileSync(path).subarray(0, 100)),
      stranger: (path) => writeFileSync(path, stranger),
    }
    for (const [name, change] of Object.entries(changes)) {
      const world = newWorld()
      expect((await world.run(CERTIFICATE)).code).toBe(0)
      expect((await world.run(MESSAGE)).code).toBe(0)
      change(world.path('home', 'root.pem'))
      for (const line of [CERTIFICATE, MESSAGE]) {
        const { code, stdout } = await world.run(line)
        expect([name, line, code === 0, stdout]).toEqual([name, line, false, ''])
      }
    }
  })

  it('PATH-07: a receiver without a home has no anchor but its pin', async () => {
    const world = newWorld()
    const variables = { HOME: undefined, SIGNET_HOME: undefined, SIGNET_PIN: undefined }
    expect(await world.run(MESSAGE, { variables })).toMatchObject({ errorCode: 'ERR_TRUST_NO_PIN', code: 2 })
    for (const pin of ['', ' ', '0', 'false', '00'.repeat(31)]) {
      const result = await world.run([...MESSAGE.split(' '), '--pin', pin], { variables })
      expect([pin, result.code === 0]).toEqual([pin, false])
    }
    const wrong = await world.run([...MESSAGE.split(' '), '--pin', '00'.repeat(32)], { variables })
    expect(wrong).toMatchObject({ errorCode: 'ERR_TRUST_PIN_MISMATCH' })
    for (const trust of ['nothing', '.', '/dev/null']) {
      const line = MESSAGE.replace('trust.p7', trust)
      expect(await world.run(line)).toMatchObject({ errorCode: 'ERR_FILE_READ' })
    }
    world.write('trust.p7', '')
    expect(await world.run(MESSAGE)).toMatchObject({ errorCode: 'ERR_INPUT_EMPTY' })
  })
})
