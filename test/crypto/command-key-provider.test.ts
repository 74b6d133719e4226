import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { CommandKeyProvider, encodePrivateKey, samePublicKey, verifySignature } from '../../src/crypto/index.js'
import { keyFor, privateKeyFor } from '../support/certificates.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { temporaryFolder } from '../support/temporary.js'

// A machine that others share may take long; what must be fast is measured in processor time.
vi.setConfig({ testTimeout: 60_000 })

const folder = temporaryFolder()
const DATA = Buffer.from('data')
let count = 0

/** A program that keeps a key. `answer` is the body of a function of the word, its argument, the input and the key. */
function program(answer: string, algorithm: 'p256' | 'ed25519' | 'rsa2048' = 'p256'): string[] {
  const path = join(folder, `program-${count++}.cjs`)
  const key = JSON.stringify(encodePrivateKey(privateKeyFor('command', algorithm)))
  writeFileSync(
    path,
    `const crypto = require('node:crypto'), fs = require('node:fs')
     const key = crypto.createPrivateKey(${key})
     const publicPem = crypto.createPublicKey(key).export({ format: 'pem', type: 'spki' })
     const [, , ...words] = process.argv
     const word = words.at(-1) === 'public-key' ? 'public-key' : words.at(-2)
     const input = fs.readFileSync(0)
     const sign = (data) => crypto.sign(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', data, key).toString('base64')
     const print = (text) => fs.writeSync(1, text)
     ${answer}`,
  )
  return [process.execPath, path]
}

const HONEST = `if (word === 'public-key') print(publicPem); else print(sign(input) + '\\n')`
/** Honest about its public key, and otherwise as told. */
const signing = (body: string): string => `if (word === 'public-key') print(publicPem); else { ${body} }`

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('CommandKeyProvider', () => {
  it.each(['p256', 'ed25519', 'rsa2048'] as const)('signs with a %s key that a program keeps', async (algorithm) => {
    const provider = await CommandKeyProvider.open(program(HONEST, algorithm))
    expect(samePublicKey(provider.publicKey, keyFor('command', algorithm).publicKey)).toBe(true)
    const signature = await provider.sign(DATA)
    expect(verifySignature(provider.signatureAlgorithm, provider.publicKey, DATA, signature)).toBe(true)
  })

  it('hands over the arguments given, the word, and the name of the algorithm', async () => {
    const path = join(folder, 'arguments')
    const body = `fs.appendFileSync(${JSON.stringify(path)}, JSON.stringify(words) + '\\n'); ${HONEST}`
    const provider = await CommandKeyProvider.open([...program(body), '--slot', '3'])
    await provider.sign(DATA)
    const lines = readFileSync(path, 'utf8').trim().split('\n')
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      ['--slot', '3', 'public-key'],
      ['--slot', '3', 'sign', 'ecdsa-sha256'],
    ])
  })

  it('takes an answer with line breaks and spaces in its base64', async () => {
    const provider = await CommandKeyProvider.open(
      program(signing(`print(sign(input).replace(/.{20}/g, '$&\\r\\n  '))`)),
    )
    expect((await provider.sign(DATA)).length).toBeGreaterThan(60)
  })

  it('signs much data, and none', async () => {
    const provider = await CommandKeyProvider.open(program(HONEST))
    for (const data of [Buffer.alloc(3_000_000, 1), Buffer.alloc(0)]) {
      const signature = await provider.sign(data)
      expect(verifySignature(provider.signatureAlgorithm, provider.publicKey, data, signature)).toBe(true)
    }
  })

  it.each([
    ['exits with 1', `print(publicPem); process.exitCode = 1`],
    ['is ended by a signal', `process.kill(process.pid, 'SIGKILL')`],
    ['prints nothing', ``],
    ['prints garbage', `print('hello')`],
    ['prints a private key', `print(key.export({ format: 'pem', type: 'pkcs8' }))`],
    ['prints two public keys', `print(publicPem + publicPem)`],
    [
      'prints a key that is not allowed',
      `print(crypto.generateKeyPairSync('x25519').publicKey.export({ format: 'pem', type: 'spki' }))`,
    ],
    ['prints a key that is malformed', `print('-----BEGIN PUBLIC KEY-----\\nMAA=\\n-----END PUBLIC KEY-----\\n')`],
    ['prints a megabyte', `print(publicPem + 'x'.repeat(1 << 20))`],
    ['never ceases to print', `for (;;) print('x'.repeat(65536))`],
  ])('refuses a program that %s', async (_, body) => {
    const command = program(body)
    const error = await expectCodeAsync('ERR_KEY_PROVIDER', () => CommandKeyProvider.open(command))
    expect(error.details['program']).toBe(process.execPath)
    expect(JSON.stringify(error)).not.toContain('PRIVATE KEY')
  })

  it.each([
    ['exits with 3', `process.exitCode = 3`],
    ['prints no base64', `print('***')`],
    ['prints nothing', ``],
    ['prints the signature of something else', `print(sign(Buffer.from('other')))`],
    [
      'prints a signature by another key',
      `print(crypto.sign('sha256', input, crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey).toString('base64'))`,
    ],
    ['prints a signature cut off', `print(sign(input).slice(0, 40))`],
    ['prints raw octets', `fs.writeSync(1, crypto.sign('sha256', input, key))`],
    ['prints too much', `print('A'.repeat(100000))`],
  ])('refuses to use what a program signs that %s', async (_, body) => {
    const provider = await CommandKeyProvider.open(program(signing(body)))
    await expectCodeAsync('ERR_KEY_PROVIDER', async () => provider.sign(DATA))
  })

  it('refuses a program that closes its input early and fails, without an error of the pipe', async () => {
    const command = program(signing(`process.exitCode = 1`))
    // Without reading: 10 MB do not fit into a pipe.
    const path = command[1] ?? ''
    writeFileSync(
      path,
      readFileSync(path, 'utf8').replace('const input = fs.readFileSync(0)', `const input = Buffer.alloc(0)`),
    )
    const provider = await CommandKeyProvider.open(command)
    await expectCodeAsync('ERR_KEY_PROVIDER', async () => provider.sign(Buffer.alloc(10_000_000)))
  })

  it.each([
    ['is not there', [join(folder, 'missing')]],
    ['is a folder', [folder]],
    ['may not be run', [join(folder, 'plain')]],
    ['has a NUL in its name', ['/bin/true\0']],
    ['has a NUL in an argument', ['/bin/true', 'a\0b']],
    ['has arguments longer than the system allows', ['/bin/true', 'x'.repeat(4_000_000)]],
  ])('refuses a program that %s', async (_, command) => {
    writeFileSync(join(folder, 'plain'), 'x')
    chmodSync(join(folder, 'plain'), 0o644)
    await expectCodeAsync('ERR_KEY_PROVIDER', () => CommandKeyProvider.open(command))
  })

  it.each([[[]], [['']]])('refuses an empty command: %j', async (command) => {
    await expectCodeAsync('ERR_CONFIG_INVALID', () => CommandKeyProvider.open(command))
  })

  it('KEY-12: has no shell: what a shell would run is an argument as it stands', async () => {
    const mark = join(folder, 'injected')
    const path = join(folder, 'seen')
    const hostile = [
      `; touch ${mark}`,
      `$(touch ${mark})`,
      `\`touch ${mark}\``,
      `| touch ${mark}`,
      `\n touch ${mark}`,
      '*',
      '~',
      '--help',
      '',
    ]
    const body = `fs.writeFileSync(${JSON.stringify(path)}, JSON.stringify(words)); ${HONEST}`
    await CommandKeyProvider.open([...program(body), ...hostile])
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual([...hostile, 'public-key'])
    expect(existsSync(mark)).toBe(false)
  })

  it('KEY-12: takes the first word whole as the program, with its spaces', async () => {
    const [node = '', script = ''] = program(HONEST)
    await expectCodeAsync('ERR_KEY_PROVIDER', () => CommandKeyProvider.open([`${node} ${script}`]))
  })

  it('KEY-04: hands the program nothing of the environment but PATH and HOME', async () => {
    vi.stubEnv('SIGNET_TEST_CANARY', 'canary')
    vi.stubEnv('NODE_OPTIONS', '--no-warnings')
    const path = join(folder, 'environment')
    const body = `fs.writeFileSync(${JSON.stringify(path)}, JSON.stringify(process.env)); ${HONEST}`
    await CommandKeyProvider.open(program(body))
    expect(Object.keys(JSON.parse(readFileSync(path, 'utf8')) as object).toSorted()).toEqual(['HOME', 'PATH'])
  })
})
