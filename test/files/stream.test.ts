import { execFileSync } from 'node:child_process'
import { appendFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { keeping, openFileStream, stageFile } from '../../src/files/index.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'
import { temporaryFolder } from '../support/temporary.js'

const folder = temporaryFolder()
const file = (name: string, content = 'content'): string => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

async function gather(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  let text = ''
  for await (const piece of pieces) text += Buffer.from(piece).toString('latin1')
  return text
}

describe('openFileStream', () => {
  it('yields a file in pieces, and says how far it is', async () => {
    const long = 'x'.repeat(2_500_000)
    const stream = await openFileStream(file('long', long))
    const seen: number[] = []
    expect(stream.size).toBe(long.length)
    expect(await gather(stream.pieces((done) => seen.push(done)))).toBe(long)
    expect(seen).toEqual([1_048_576, 2_097_152, 2_500_000])
    await stream.close()
    const empty = await openFileStream(file('empty', ''))
    expect(await gather(empty.pieces())).toBe('')
    await empty.close()
  })

  it('refuses what is no file, and does not wait for a writer', async () => {
    await expectCodeAsync('ERR_FILE_READ', () => openFileStream(folder))
    await expectCodeAsync('ERR_FILE_READ', () => openFileStream(join(folder, 'missing')))
    execFileSync('mkfifo', [join(folder, 'fifo')])
    await expectCodeAsync('ERR_FILE_READ', () => openFileStream(join(folder, 'fifo')))
  })

  it('MSG-23: refuses a file that changes while it is read', async () => {
    for (const change of ['a longer one', '']) {
      const path = file('changing', 'x'.repeat(1_500_000))
      const stream = await openFileStream(path)
      const reading = gather(
        stream.pieces(() => {
          if (change === '') writeFileSync(path, '')
          else appendFileSync(path, change)
        }),
      )
      await expectCodeAsync('ERR_FILE_READ', () => reading)
      await stream.close()
    }
  })
})

describe('stageFile', () => {
  it('is nowhere to be seen, and closed to others, until it is placed', async () => {
    const path = join(folder, 'placed')
    const stage = stageFile(path)
    const stream = await openFileStream(file('source'))
    expect(await gather(keeping(stream.pieces(), stage))).toBe('content')
    await stream.close()
    expect(existsSync(path)).toBe(false)
    const hidden = readdirSync(folder).filter((name) => name.startsWith('.signet-tmp-'))
    expect(hidden.map((name) => statSync(join(folder, name)).mode & 0o777)).toEqual([0o600])
    stage.place(0o644, 'refuse')
    stage.discard()
    expect(readFileSync(path, 'utf8')).toBe('content')
    expect(statSync(path).mode & 0o777).toBe(0o644)
    expect(readdirSync(folder).filter((name) => name.startsWith('.signet-tmp-'))).toEqual([])
  })

  it('leaves what is there, and itself nothing behind', () => {
    const path = file('kept', 'kept')
    const discarded = stageFile(path)
    discarded.write(Buffer.from('other'))
    discarded.discard()
    const late = stageFile(path)
    late.write(Buffer.from('other'))
    expectCode('ERR_OUTPUT_EXISTS', () => {
      late.place(0o644, 'refuse')
    })
    late.discard()
    late.discard()
    expect(readFileSync(path, 'utf8')).toBe('kept')
    expect(readdirSync(folder).filter((name) => name.startsWith('.signet-tmp-'))).toEqual([])
    const stage = stageFile(path)
    stage.write(Buffer.from('new'))
    stage.place(0o644, 'replace')
    expect(readFileSync(path, 'utf8')).toBe('new')
    expectCode('ERR_FILE_WRITE', () => stageFile(join(folder, 'nowhere', 'file')))
  })
})
