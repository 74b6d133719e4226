import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  discardDirectory,
  makeDirectory,
  placeDirectory,
  PUBLIC_MODE,
  purgeTemporaries,
  refuseUnwritable,
  SECRET_DIRECTORY_MODE,
  SECRET_MODE,
  stageDirectory,
  writeDirectoryAtomic,
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

describe('makeDirectory', () => {
  it('makes the folders above with the same mode, and leaves those that are there as they are', () => {
    makeDirectory(join(folder, 'a', 'b'), SECRET_DIRECTORY_MODE)
    makeDirectory(join(folder, 'a', 'c', 'd'), 0o750)
    expect(['a', 'a/b', 'a/c', 'a/c/d'].map((name) => modeOf(join(folder, name)))).toEqual(['700', '700', '750', '750'])
    makeDirectory(join(folder, 'a'), 0o755)
    expect(modeOf(join(folder, 'a'))).toBe('700')
  })

  it('follows a link to a folder', () => {
    mkdirSync(join(folder, 'real'))
    symlinkSync('real', join(folder, 'link'))
    makeDirectory(join(folder, 'link', 'below'), SECRET_DIRECTORY_MODE)
    makeDirectory(join(folder, 'link'), SECRET_DIRECTORY_MODE)
    expect(readdirSync(join(folder, 'real'))).toEqual(['below'])
  })

  it.each([
    ['a file', 'ERR_OUTPUT_EXISTS', 'file'],
    ['a dangling link', 'ERR_OUTPUT_EXISTS', 'dangling'],
    ['below a file', 'ERR_FILE_WRITE', 'file/below'],
    ['far below a file', 'ERR_FILE_WRITE', 'file/below/that'],
  ] as const)('refuses where there is %s', (_, code, name) => {
    writeFileSync(join(folder, 'file'), '')
    symlinkSync('nowhere', join(folder, 'dangling'))
    expectCode(code, () => makeDirectory(join(folder, name), SECRET_DIRECTORY_MODE))
    expect(readdirSync(folder)).toEqual(['dangling', 'file'])
  })

  // Nothing can be made there, and the kernel says so as if /proc itself were missing.
  it.each(['/proc/signet', '/proc/signet/below'])('gives up on %s', (path) => {
    expectCode('ERR_FILE_WRITE', () => makeDirectory(path, SECRET_DIRECTORY_MODE))
  })

  it('is content with a folder that somebody else makes in the same moment', () => {
    const both = under({ failAt: 0, code: 'EEXIST', late: true }, () => {
      makeDirectory(join(folder, 'both'), SECRET_DIRECTORY_MODE)
    })
    expect(both.thrown).toBeUndefined()
    expect(modeOf(join(folder, 'both'))).toBe('700')
  })
})

describe('writeDirectoryAtomic', () => {
  const fill = (stage: string): void => {
    writeNew(join(stage, 'key'), 'secret', SECRET_MODE)
    writeNew(join(stage, 'certificate'), 'public', PUBLIC_MODE)
  }

  it.each([0o000, 0o077])('KEY-01: makes a folder of mode 700 under umask %o', (mask) => {
    process.umask(mask)
    writeDirectoryAtomic(join(folder, 'home'), SECRET_DIRECTORY_MODE, fill)
    expect(modeOf(join(folder, 'home'))).toBe('700')
    expect(readdirSync(join(folder, 'home'))).toEqual(['certificate', 'key'])
  })

  it('makes the folders above', () => {
    writeDirectoryAtomic(join(folder, 'a', 'b'), SECRET_DIRECTORY_MODE, fill)
    expect(text(join(folder, 'a', 'b', 'key'))).toBe('secret')
  })

  it.each([
    ['a folder, even an empty one', (path: string) => mkdirSync(path)],
    ['a file', (path: string) => writeFileSync(path, '')],
    ['a dangling link', (path: string) => symlinkSync('nowhere', path)],
  ])('KEY-02: refuses when %s is there', (_, prepare) => {
    prepare(join(folder, 'home'))
    expectCode('ERR_OUTPUT_EXISTS', () => writeDirectoryAtomic(join(folder, 'home'), SECRET_DIRECTORY_MODE, fill))
    expect(readdirSync(folder)).toEqual(['home'])
  })

  it('hands on an error of its caller and leaves nothing behind', () => {
    const fault = new Error('of the caller')
    expect(() => writeDirectoryAtomic(join(folder, 'home'), SECRET_DIRECTORY_MODE, () => throwIt(fault))).toThrow(fault)
    expect(readdirSync(folder)).toEqual([])
  })

  it('KEY-08: is there whole or not at all, with a failure or a crash at each system call', () => {
    const { calls } = under({ failAt: -1 }, () =>
      writeDirectoryAtomic(join(folder, 'probe'), SECRET_DIRECTORY_MODE, fill),
    )
    for (const crash of [false, true]) {
      for (let failAt = 0; failAt < calls.length; failAt++) {
        const place = join(folder, `${String(crash)}-${failAt}`)
        mkdirSync(place)
        const { thrown } = under({ failAt, crash }, () =>
          writeDirectoryAtomic(join(place, 'home'), SECRET_DIRECTORY_MODE, fill),
        )
        if (!crash) expectCode('ERR_FILE_WRITE', () => throwIt(thrown))
        if (existsSync(join(place, 'home'))) expect(readdirSync(join(place, 'home'))).toEqual(['certificate', 'key'])
        purgeTemporaries(place)
        expect(readdirSync(place).filter((name) => name !== 'home')).toEqual([])
      }
    }
  })
})

describe('placeDirectory', () => {
  it('lets an empty folder give way, and nothing else', () => {
    mkdirSync(join(folder, 'empty'))
    mkdirSync(join(folder, 'full'))
    writeFileSync(join(folder, 'full', 'x'), '')
    writeFileSync(join(folder, 'file'), '')
    const stage = stageDirectory(folder, SECRET_DIRECTORY_MODE)
    expectCode('ERR_OUTPUT_EXISTS', () => placeDirectory(stage, join(folder, 'full')))
    expectCode('ERR_FILE_WRITE', () => placeDirectory(stage, join(folder, 'file')))
    placeDirectory(stage, join(folder, 'empty'))
    expect(readdirSync(folder)).toEqual(['empty', 'file', 'full'])
  })
})

describe('stageDirectory', () => {
  it('says when the parent cannot be', () => {
    writeFileSync(join(folder, 'file'), '')
    expectCode('ERR_FILE_WRITE', () => stageDirectory(join(folder, 'file', 'below'), SECRET_DIRECTORY_MODE))
  })

  it('is undone by discardDirectory', () => {
    const stage = stageDirectory(folder, SECRET_DIRECTORY_MODE)
    expect(statSync(stage).isDirectory()).toBe(true)
    discardDirectory(stage)
    expect(readdirSync(folder)).toEqual([])
  })
})

describe('refuseUnwritable', () => {
  it('passes a folder, and one that could be made, and leaves nothing behind', () => {
    for (const path of [folder, join(folder, 'new'), join(folder, 'new', 'below')]) refuseUnwritable(path)
    expect(readdirSync(folder)).toEqual([])
  })

  it('refuses a file, what is below one, and where nothing can be made', () => {
    writeFileSync(join(folder, 'file'), '')
    for (const path of [join(folder, 'file'), join(folder, 'file', 'below', 'that'), '/proc/signet/below']) {
      expectCode('ERR_FILE_WRITE', () => refuseUnwritable(path))
    }
  })

  it('refuses a folder in which nothing may be made', () => {
    const { thrown } = under({ failAt: 0, code: 'EACCES' }, () => refuseUnwritable(folder))
    expect(expectCode('ERR_FILE_WRITE', () => throwIt(thrown)).message).toBe(
      `cannot write ${folder}: permission denied`,
    )
  })
})
