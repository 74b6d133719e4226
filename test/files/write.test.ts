import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  PUBLIC_MODE,
  purgeTemporaries,
  refuseExisting,
  SECRET_MODE,
  swapLink,
  writeFileAtomic,
  writeNew,
} from '../../src/files/index.js'
import { expectCode } from '../support/expect-code.js'
import { throwIt, under } from '../support/failing-files.js'
import { temporaryFolder } from '../support/temporary.js'

vi.mock('node:fs', async () => (await import('../support/failing-files.js')).failingFiles())

const root = temporaryFolder()
let folder = root
let count = 0

beforeEach(() => {
  folder = join(root, `case-${count++}`)
  mkdirSync(folder)
})

afterEach(() => {
  process.umask(0o022)
})

const modeOf = (path: string): string => (lstatSync(path).mode & 0o777).toString(8)
const text = (path: string): string => readFileSync(path, 'utf8')

describe('writeFileAtomic', () => {
  it.each([0o000, 0o022, 0o077, 0o777])(
    'KEY-01: makes secrets of mode 600 and public files of 644 under umask %o',
    (mask) => {
      process.umask(mask)
      writeFileAtomic(join(folder, 'secret'), 'x', { mode: SECRET_MODE })
      writeFileAtomic(join(folder, 'public'), 'x', { mode: PUBLIC_MODE })
      expect(modeOf(join(folder, 'secret'))).toBe('600')
      expect(modeOf(join(folder, 'public'))).toBe('644')
    },
  )

  it('KEY-01: gives a file that takes the place of a looser one its own mode', () => {
    const path = join(folder, 'secret')
    writeFileSync(path, 'old', { mode: 0o644 })
    chmodSync(path, 0o644)
    writeFileAtomic(path, 'new', { mode: SECRET_MODE, existing: 'replace' })
    expect(modeOf(path)).toBe('600')
    expect(text(path)).toBe('new')
  })

  it('KEY-02: creates with O_EXCL and O_NOFOLLOW and the final mode, in the folder of the target', () => {
    const { calls } = under({ failAt: -1 }, () => writeFileAtomic(join(folder, 'secret'), 'x', { mode: SECRET_MODE }))
    const [path, flags, mode] = calls.find(({ name }) => name === 'openSync')?.argumentList ?? []
    // Linux: O_WRONLY 1, O_CREAT 0o100, O_EXCL 0o200, O_NOFOLLOW 0o400000.
    expect(flags).toBe(0o400301)
    expect(mode).toBe(0o600)
    expect(path).toMatch(new RegExp(`^${folder}/\\.signet-tmp-[0-9a-f]{18}-secret$`))
    expect(calls.map(({ name }) => name)).toEqual([
      'openSync',
      'fchmodSync',
      'writeSync',
      'fsyncSync',
      'linkSync',
      'unlinkSync',
      'openSync',
      'fsyncSync',
    ])
  })

  describe('KEY-02: when something is at the target', () => {
    const victim = (): string => {
      const path = join(folder, 'victim')
      writeFileSync(path, 'victim')
      return path
    }
    it.each([
      ['a file', (path: string) => writeFileSync(path, 'old')],
      ['an empty file', (path: string) => writeFileSync(path, '')],
      ['a folder', (path: string) => mkdirSync(path)],
      ['a link to another file', (path: string) => symlinkSync(victim(), path)],
      ['a dangling link', (path: string) => symlinkSync(join(folder, 'nowhere'), path)],
      ['a link to a folder', (path: string) => symlinkSync(folder, path)],
      ['a hard link to another file', (path: string) => linkSync(victim(), path)],
    ])('refuses %s and changes nothing', (_, prepare) => {
      const path = join(folder, 'target')
      prepare(path)
      const before = readdirSync(folder)
      expectCode('ERR_OUTPUT_EXISTS', () => writeFileAtomic(path, 'new', { mode: SECRET_MODE }))
      expect(readdirSync(folder)).toEqual(before)
      if (existsSync(join(folder, 'victim'))) expect(text(join(folder, 'victim'))).toBe('victim')
      expect(existsSync(join(folder, 'nowhere'))).toBe(false)
    })

    it.each([
      ['a link to another file', (path: string) => symlinkSync(victim(), path)],
      ['a hard link to another file', (path: string) => linkSync(victim(), path)],
    ])('replaces %s and leaves the other file alone', (_, prepare) => {
      const path = join(folder, 'target')
      prepare(path)
      writeFileAtomic(path, 'new', { mode: SECRET_MODE, existing: 'replace' })
      expect(lstatSync(path).isFile()).toBe(true)
      expect(text(path)).toBe('new')
      expect(text(join(folder, 'victim'))).toBe('victim')
    })

    it('does not replace a device, nor a link to one', () => {
      const path = join(folder, 'target')
      symlinkSync('/dev/null', path)
      for (const taken of [path, '/dev/null']) {
        expectCode('ERR_FILE_WRITE', () => writeFileAtomic(taken, 'new', { mode: SECRET_MODE, existing: 'replace' }))
      }
      expect([lstatSync(path).isSymbolicLink(), lstatSync('/dev/null').isCharacterDevice()]).toEqual([true, true])
      expect(readdirSync(folder)).toEqual(['target'])
    })

    it('does not replace a folder', () => {
      const path = join(folder, 'target')
      mkdirSync(path)
      expectCode('ERR_FILE_WRITE', () => writeFileAtomic(path, 'new', { mode: SECRET_MODE, existing: 'replace' }))
      expect(readdirSync(folder)).toEqual(['target'])
    })
  })

  it('says that the folder is missing', () => {
    const error = expectCode('ERR_FILE_WRITE', () =>
      writeFileAtomic(join(folder, 'no', 'x'), 'x', { mode: PUBLIC_MODE }),
    )
    expect(error.message).toContain('its folder does not exist')
  })

  it.each([
    ['ENOSPC', 'no space left on the device'],
    ['EROFS', 'the file system is read-only'],
    ['EIO', 'EIO'],
  ])('KEY-08: names the reason when a write fails with %s', (code, words) => {
    const { thrown } = under({ failAt: 2, code }, () =>
      writeFileAtomic(join(folder, 'x'), 'content', { mode: PUBLIC_MODE }),
    )
    expect(expectCode('ERR_FILE_WRITE', () => throwIt(thrown)).message).toContain(words)
    expect(readdirSync(folder)).toEqual([])
  })

  describe('KEY-08: with a failure or a crash at each system call', () => {
    for (const existing of ['refuse', 'replace'] as const) {
      for (const crash of [false, true]) {
        it(`leaves the old or the new content, never half (${existing}, ${crash ? 'crash' : 'failure'})`, () => {
          const total = under({ failAt: -1 }, () =>
            writeFileAtomic(join(folder, 'probe'), 'new content', { mode: SECRET_MODE, existing }),
          ).calls.length
          for (let failAt = 0; failAt < total; failAt++) {
            const place = join(folder, `call-${failAt}`)
            mkdirSync(place)
            const path = join(place, 'key')
            if (existing === 'replace') writeFileSync(path, 'old content', { mode: 0o600 })
            const { thrown } = under({ failAt, crash }, () =>
              writeFileAtomic(path, 'new content', { mode: SECRET_MODE, existing }),
            )
            if (!crash) expectCode('ERR_FILE_WRITE', () => throwIt(thrown))
            const allowed = existing === 'replace' ? ['old content', 'new content'] : ['nothing', 'new content']
            expect(allowed).toContain(existsSync(path) ? text(path) : 'nothing')
            // What is left over is as secret as the file itself, and goes away at the next start.
            for (const name of readdirSync(place)) expect(modeOf(join(place, name))).toBe('600')
            purgeTemporaries(place)
            expect(readdirSync(place).filter((name) => name !== 'key')).toEqual([])
          }
        })
      }
    }
  })
})

/** Throw what was caught before. */
describe('writeNew', () => {
  it('writes text as UTF-8 and octets as they are', () => {
    writeNew(join(folder, 'a'), 'ü', PUBLIC_MODE)
    writeNew(join(folder, 'b'), Uint8Array.of(0, 255), PUBLIC_MODE)
    expect([...readFileSync(join(folder, 'a'))]).toEqual([0xc3, 0xbc])
    expect([...readFileSync(join(folder, 'b'))]).toEqual([0, 255])
  })

  it('does not follow a dangling link', () => {
    symlinkSync(join(folder, 'elsewhere'), join(folder, 'a'))
    expect(() => writeNew(join(folder, 'a'), 'x', PUBLIC_MODE)).toThrow('EEXIST')
    expect(existsSync(join(folder, 'elsewhere'))).toBe(false)
  })
})

describe('swapLink', () => {
  it('makes a link and points it elsewhere', () => {
    const path = join(folder, 'current')
    swapLink(path, 'one')
    expect(readlinkSync(path)).toBe('one')
    swapLink(path, 'two')
    expect(readlinkSync(path)).toBe('two')
    expect(readdirSync(folder)).toEqual(['current'])
  })

  it('KEY-08: points to the old or the new target, with a failure or a crash at each system call', () => {
    const path = join(folder, 'current')
    swapLink(path, 'old')
    const { calls } = under({ failAt: -1 }, () => swapLink(join(folder, 'probe'), 'x'))
    for (const crash of [false, true]) {
      for (let failAt = 0; failAt < calls.length; failAt++) {
        under({ failAt, crash }, () => swapLink(path, 'new'))
        expect(['old', 'new']).toContain(readlinkSync(path))
        purgeTemporaries(folder)
        expect(readdirSync(folder)).toEqual(['current', 'probe'])
        swapLink(path, 'old')
      }
    }
  })

  it('does not replace a folder', () => {
    mkdirSync(join(folder, 'current'))
    expectCode('ERR_FILE_WRITE', () => swapLink(join(folder, 'current'), 'x'))
  })
})

describe('purgeTemporaries', () => {
  it('removes left-over files and folders and nothing else', () => {
    mkdirSync(join(folder, '.signet-tmp-00', 'below'), { recursive: true })
    writeFileSync(join(folder, '.signet-tmp-01-key'), '')
    writeFileSync(join(folder, 'key.signet-tmp-'), '')
    purgeTemporaries(folder)
    expect(readdirSync(folder)).toEqual(['key.signet-tmp-'])
  })

  it('has nothing to do in a folder that is not there', () => {
    expect(() => purgeTemporaries(join(folder, 'none'))).not.toThrow()
  })
})

describe('refuseExisting', () => {
  it('passes a free name and refuses a dangling link', () => {
    expect(() => refuseExisting(join(folder, 'free'))).not.toThrow()
    symlinkSync('nowhere', join(folder, 'link'))
    expectCode('ERR_OUTPUT_EXISTS', () => refuseExisting(join(folder, 'link')))
  })
})
