import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PUBLIC_MODE, readPieces, SECRET_MODE, writePiecesAtomic } from '../../src/files/index.js'
import { PIECE_BYTES } from '../../src/files/pieces.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { temporaryFolder } from '../support/temporary.js'

const folder = temporaryFolder()
let count = 0
const newPath = (): string => join(folder, `file-${count++}`)
const newFolder = (): string => {
  const path = newPath()
  mkdirSync(path)
  return path
}

async function gather(source: AsyncIterable<Uint8Array>): Promise<readonly Uint8Array[]> {
  const pieces: Uint8Array[] = []
  for await (const piece of source) pieces.push(piece)
  return pieces
}

describe('readPieces', () => {
  it.each([0, 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES - 1])('reads all of %i octets', async (size) => {
    const path = newPath()
    const octets = Buffer.from(Uint8Array.from({ length: size }, (_, index) => (index * 31) & 0xff))
    writeFileSync(path, octets)
    const pieces = await gather(readPieces(path))
    expect(Buffer.compare(Buffer.concat(pieces), octets)).toBe(0)
    expect(pieces.every((piece) => piece.length > 0)).toBe(true)
  })

  it.each([
    ['a file that is not there', () => join(folder, 'missing')],
    ['a folder', () => folder],
    [
      'a dangling link',
      () => {
        const path = newPath()
        symlinkSync(join(folder, 'nowhere'), path)
        return path
      },
    ],
    [
      'a FIFO, without waiting for a writer',
      () => {
        const path = newPath()
        execFileSync('mkfifo', [path])
        return path
      },
    ],
  ])('refuses %s', async (_, make) => {
    await expectCodeAsync('ERR_FILE_READ', () => gather(readPieces(make())))
  })

  it('closes a file that is not read to its end', async () => {
    const path = newPath()
    writeFileSync(path, Buffer.alloc(3 * PIECE_BYTES))
    const open = (): number => readdirSync('/proc/self/fd').length
    const before = open()
    for await (const piece of readPieces(path)) {
      expect(piece.length).toBe(PIECE_BYTES)
      break
    }
    expect(open()).toBe(before)
  })
})

describe('writePiecesAtomic', () => {
  const failing = function* (): Generator<string> {
    yield 'half of it'
    throw new RangeError('no more')
  }

  it('writes texts and octets in order, with the mode that was asked for', async () => {
    const path = newPath()
    await writePiecesAtomic(path, ['größe ', Buffer.from('€'), ''], { mode: SECRET_MODE })
    expect(readFileSync(path, 'utf8')).toBe('größe €')
    expect(statSync(path).mode & 0o777).toBe(SECRET_MODE)
  })

  it('shows nothing under the name until all is there', async () => {
    const inside = newFolder()
    const path = join(inside, 'out')
    const watched = async function* (): AsyncGenerator<string> {
      yield 'a'
      await Promise.resolve()
      expect(readdirSync(inside)).toEqual([expect.stringMatching(/^\.signet-tmp-/)])
      yield 'b'
    }
    await writePiecesAtomic(path, watched(), { mode: PUBLIC_MODE })
    expect(readdirSync(inside)).toEqual(['out'])
    expect(readFileSync(path, 'utf8')).toBe('ab')
  })

  it('leaves nothing behind when the pieces fail', async () => {
    const inside = newFolder()
    await expect(writePiecesAtomic(join(inside, 'out'), failing(), { mode: PUBLIC_MODE })).rejects.toThrow(RangeError)
    expect(readdirSync(inside)).toEqual([])
  })

  it('leaves what was there when the pieces fail', async () => {
    const inside = newFolder()
    const path = join(inside, 'out')
    writeFileSync(path, 'old')
    const options = { mode: PUBLIC_MODE, existing: 'replace' } as const
    await expect(writePiecesAtomic(path, failing(), options)).rejects.toThrow(RangeError)
    expect(readFileSync(path, 'utf8')).toBe('old')
    await writePiecesAtomic(path, ['new'], options)
    expect(readFileSync(path, 'utf8')).toBe('new')
    expect(readdirSync(inside)).toEqual(['out'])
  })

  it('refuses a name that is taken before it asks for anything', async () => {
    const path = newPath()
    writeFileSync(path, 'old')
    let asked = false
    const pieces = function* (): Generator<string> {
      asked = true
      yield 'new'
    }
    await expectCodeAsync('ERR_OUTPUT_EXISTS', () => writePiecesAtomic(path, pieces(), { mode: PUBLIC_MODE }))
    expect(asked).toBe(false)
    expect(readFileSync(path, 'utf8')).toBe('old')
  })

  it('refuses a name that is taken meanwhile', async () => {
    const path = newPath()
    const pieces = function* (): Generator<string> {
      yield 'new'
      writeFileSync(path, 'of another')
    }
    await expectCodeAsync('ERR_OUTPUT_EXISTS', () => writePiecesAtomic(path, pieces(), { mode: PUBLIC_MODE }))
    expect(readFileSync(path, 'utf8')).toBe('of another')
  })

  it('refuses a folder that is not there', async () => {
    const path = join(folder, 'missing', 'out')
    await expectCodeAsync('ERR_FILE_WRITE', () => writePiecesAtomic(path, ['x'], { mode: PUBLIC_MODE }))
  })
})
