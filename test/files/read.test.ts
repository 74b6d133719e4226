import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { decodeUtf8, readFileBytes, readFileText, readSecretFile } from '../../src/files/index.js'
import { expectCode } from '../support/expect-code.js'
import { temporaryFolder } from '../support/temporary.js'

const folder = temporaryFolder()
let count = 0

function file(content: string | Uint8Array, mode = 0o600): string {
  const path = join(folder, `file-${count++}`)
  writeFileSync(path, content)
  chmodSync(path, mode)
  return path
}

function link(target: string): string {
  const path = join(folder, `link-${count++}`)
  symlinkSync(target, path)
  return path
}

function fifo(): string {
  const path = join(folder, `fifo-${count++}`)
  execFileSync('mkfifo', ['-m', '600', path])
  return path
}

afterEach(() => {
  vi.restoreAllMocks()
})

describe('readFileBytes', () => {
  it('reads all octets of a file', () => {
    const octets = Uint8Array.from({ length: 100_000 }, (_, index) => index & 0xff)
    expect(Buffer.compare(readFileBytes(file(octets)), octets)).toBe(0)
  })

  it('follows a link to a file that is public', () => {
    expect(readFileBytes(link(file('abc'))).length).toBe(3)
  })

  it.each([
    ['a file that is not there', () => join(folder, 'missing')],
    ['a folder', () => folder],
    ['a file in a file', () => join(file('x'), 'below')],
    ['a dangling link', () => link(join(folder, 'nowhere'))],
    ['a link to itself', () => link(join(folder, `link-${count}`))],
    ['a FIFO, without waiting for a writer', fifo],
    ['/dev/null, which is no regular file', () => '/dev/null'],
  ])('refuses %s', (_, make) => {
    const path = make()
    const error = expectCode('ERR_FILE_READ', () => readFileBytes(path))
    expect(error.details['path']).toBe(path)
  })

  it('refuses a socket', async () => {
    const path = join(folder, 'socket')
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(path, resolve))
    try {
      expectCode('ERR_FILE_READ', () => readFileBytes(path))
    } finally {
      server.close()
    }
  })

  it('refuses a file of no bytes unless told to allow it', () => {
    const path = file('')
    expectCode('ERR_INPUT_EMPTY', () => readFileBytes(path))
    expect(readFileBytes(path, { empty: 'allow' }).length).toBe(0)
  })

  it('reads a file of exactly the limit and refuses one byte more', () => {
    expect(readFileBytes(file('12345'), { maxBytes: 5 }).length).toBe(5)
    const error = expectCode('ERR_LIMIT_EXCEEDED', () => readFileBytes(file('123456'), { maxBytes: 5 }))
    expect(error.details).toMatchObject({ bytes: '6', limit: '5' })
  })

  it('refuses a sparse file of a terabyte before it reads or allocates', () => {
    const path = file('')
    execFileSync('truncate', ['-s', '1T', path])
    const before = process.memoryUsage().arrayBuffers
    expectCode('ERR_LIMIT_EXCEEDED', () => readFileBytes(path))
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20)
  })
})

describe('readFileText', () => {
  it('decodes UTF-8', () => {
    expect(readFileText(file('größe €'))).toBe('größe €')
  })

  it.each([
    ['a byte order mark', Uint8Array.of(0xef, 0xbb, 0xbf, 0x61)],
    ['a lone continuation octet', Uint8Array.of(0x61, 0x80)],
    ['an overlong form', Uint8Array.of(0xc0, 0xaf)],
    ['a surrogate', Uint8Array.of(0xed, 0xa0, 0x80)],
    ['Latin-1', Uint8Array.of(0x67, 0x72, 0xf6, 0xdf)],
    ['a cut-off character', Uint8Array.of(0xe2, 0x82)],
  ])('refuses %s', (_, octets) => {
    expectCode('ERR_DER_STRING', () => readFileText(file(octets)))
  })
})

describe('decodeUtf8', () => {
  it('says what was not UTF-8', () => {
    expect(expectCode('ERR_DER_STRING', () => decodeUtf8(Uint8Array.of(0xff), 'the header')).message).toContain(
      'the header',
    )
  })
})

describe('readSecretFile', () => {
  it.each([0o600, 0o400, 0o700])('KEY-01: reads a file of mode %o', (mode) => {
    expect(Buffer.from(readSecretFile(file('secret', mode))).toString()).toBe('secret')
  })

  it.each([0o640, 0o604, 0o660, 0o644, 0o610, 0o601, 0o602, 0o620, 0o777])(
    'KEY-01: refuses a file of mode %o, and says how to mend it',
    (mode) => {
      const path = file('secret', mode)
      const error = expectCode('ERR_KEY_PERMISSIONS', () => readSecretFile(path))
      expect(error.details).toEqual({ path, mode: `0${mode.toString(8)}` })
      expect(error.hint).toBe(`chmod 600 ${path}`)
    },
  )

  it('KEY-01: refuses a file of another user, and allows one of root', () => {
    const path = file('secret')
    if (process.getuid?.() === 0) {
      chownSync(path, 4242, 4242)
      expectCode('ERR_KEY_PERMISSIONS', () => readSecretFile(path))
      chownSync(path, 0, 0)
      vi.spyOn(process as Required<NodeJS.Process>, 'geteuid').mockReturnValue(4242)
      expect(readSecretFile(path).length).toBe(6)
    } else {
      vi.spyOn(process as Required<NodeJS.Process>, 'geteuid').mockReturnValue(4242)
      expectCode('ERR_KEY_PERMISSIONS', () => readSecretFile(path))
    }
  })

  it.each([
    ['a link to a good secret', () => link(file('secret'))],
    ['a dangling link', () => link(join(folder, 'nowhere'))],
    ['a folder', () => folder],
    ['a FIFO, without waiting for a writer', fifo],
    ['a device', () => '/dev/zero'],
  ])('KEY-02: refuses %s', (_, make) => {
    const path = make()
    expectCode('ERR_KEY_PATH_UNSAFE', () => readSecretFile(path))
  })

  it('KEY-02: a hard link is the file itself, and its mode decides', () => {
    const path = file('secret', 0o644)
    const hard = join(folder, 'hard')
    linkSync(path, hard)
    expectCode('ERR_KEY_PERMISSIONS', () => readSecretFile(hard))
    chmodSync(path, 0o600)
    expect(readSecretFile(hard).length).toBe(6)
  })

  it('reads through a link among the folders above, which the owner of the machine decides', () => {
    const inner = join(folder, 'real')
    mkdirSync(inner)
    writeFileSync(join(inner, 'key'), 'secret', { mode: 0o600 })
    expect(readSecretFile(join(link(inner), 'key')).length).toBe(6)
  })

  it('refuses a secret that is not there, empty or too long', () => {
    expectCode('ERR_FILE_READ', () => readSecretFile(join(folder, 'missing')))
    expectCode('ERR_INPUT_EMPTY', () => readSecretFile(file('')))
    expectCode('ERR_LIMIT_EXCEEDED', () => readSecretFile(file('123'), { maxBytes: 2 }))
  })
})
