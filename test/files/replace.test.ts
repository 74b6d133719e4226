import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type ErrorCode, isSignetError } from '../../src/errors/index.js'
import { PUBLIC_MODE, readFileBytes, readFileInTurns, replaceFileInTurns, SECRET_MODE } from '../../src/files/index.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { temporaryFolder } from '../support/temporary.js'

const folder = temporaryFolder()
let places = 0
const newFolder = (): string => {
  const path = join(folder, String(places++))
  mkdirSync(path)
  return path
}

describe('replaceFileInTurns', () => {
  it('makes a file, or takes the place of one, with its mode, and leaves nothing else behind', async () => {
    const place = newFolder()
    const path = join(place, 'file')
    for (const [content, mode] of [
      ['first', SECRET_MODE],
      ['second, which is longer', PUBLIC_MODE],
      ['', SECRET_MODE],
    ] as const) {
      await replaceFileInTurns(path, Buffer.from(content), mode)
      expect([readFileSync(path, 'utf8'), statSync(path).mode & 0o777]).toEqual([content, mode])
      expect(readdirSync(place)).toEqual(['file'])
    }
  })

  it('writes millions of octets', async () => {
    const path = join(newFolder(), 'file')
    const content = Buffer.alloc(5_000_000, 'octets')
    await replaceFileInTurns(path, content, PUBLIC_MODE)
    expect(Buffer.compare(readFileSync(path), content)).toBe(0)
  })

  it('replaces a link, and not what it leads to', async () => {
    const place = newFolder()
    writeFileSync(join(place, 'kept'), 'kept')
    symlinkSync(join(place, 'kept'), join(place, 'link'))
    await replaceFileInTurns(join(place, 'link'), Buffer.from('new'), PUBLIC_MODE)
    expect([readFileSync(join(place, 'kept'), 'utf8'), readFileSync(join(place, 'link'), 'utf8')]).toEqual([
      'kept',
      'new',
    ])
  })

  it('refuses to take the place of a device, and leaves nothing behind', async () => {
    const place = newFolder()
    symlinkSync('/dev/null', join(place, 'link'))
    await expectCodeAsync('ERR_FILE_WRITE', () =>
      replaceFileInTurns(join(place, 'link'), Buffer.from('x'), PUBLIC_MODE),
    )
    expect(readdirSync(place)).toEqual(['link'])
  })

  it('refuses where no file can be, and leaves nothing behind', async () => {
    const place = newFolder()
    mkdirSync(join(place, 'folder'))
    writeFileSync(join(place, 'file'), 'file')
    for (const path of ['folder', 'nowhere/file', 'file/file']) {
      await expectCodeAsync('ERR_FILE_WRITE', () =>
        replaceFileInTurns(join(place, path), Buffer.from('x'), PUBLIC_MODE),
      )
    }
    expect(readdirSync(place).toSorted()).toEqual(['file', 'folder'])
    expect(existsSync(join(place, 'nowhere'))).toBe(false)
  })
})

describe('readFileInTurns', () => {
  it('reads what readFileBytes does', async () => {
    const path = join(newFolder(), 'file')
    for (const length of [1, 1024 * 1024, 3_000_001]) {
      writeFileSync(path, Buffer.alloc(length, 'octets'))
      expect(Buffer.compare(await readFileInTurns(path), readFileBytes(path))).toBe(0)
    }
    writeFileSync(path, '')
    expect((await readFileInTurns(path, { empty: 'allow' })).length).toBe(0)
  })

  it('refuses what readFileBytes refuses', async () => {
    const place = newFolder()
    const at = (name: string): string => join(place, name)
    writeFileSync(at('empty'), '')
    writeFileSync(at('long'), '123456')
    symlinkSync(at('nowhere'), at('dangling'))
    for (const path of [at('nowhere'), at('dangling'), at('long/file'), at('empty'), at('long'), place]) {
      const code = codeOf(() => readFileBytes(path, { maxBytes: 5 }))
      await expectCodeAsync(code, () => readFileInTurns(path, { maxBytes: 5 }))
    }
  })
})

function codeOf(work: () => unknown): ErrorCode {
  try {
    work()
  } catch (error) {
    if (isSignetError(error)) return error.code
    throw error
  }
  throw new Error('nothing was refused')
}
