import { spawnSync } from 'node:child_process'
import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { DirectOutput } from '../../src/cli/output.js'
import { temporaryFolder } from '../support/temporary.js'

const folder = temporaryFolder()
const never = (): never => {
  throw new Error('not asked for')
}

describe('DirectOutput', () => {
  it('writes text and octets at once, without a stream', () => {
    const path = join(folder, 'file')
    const descriptor = openSync(path, 'w')
    const output = new DirectOutput(descriptor, never, never)
    expect([output.write('grün '), output.write(Buffer.from('ja\n')), output.write('')]).toEqual([true, true, true])
    expect([readFileSync(path, 'utf8'), output.isWritten, output.isTTY]).toEqual(['grün ja\n', true, false])
    closeSync(descriptor)
  })

  it('says where nobody takes what is written', () => {
    const descriptor = openSync(join(folder, 'closed'), 'w')
    closeSync(descriptor)
    let failures = 0
    const output = new DirectOutput(descriptor, never, () => failures++)
    expect([output.write('lost'), failures]).toEqual([true, 1])
  })

  it('leaves the rest, in order, to the stream where it would have to wait', () => {
    const path = join(folder, 'fifo')
    spawnSync('mkfifo', [path])
    const descriptor = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
    const stream = new PassThrough({ highWaterMark: 16 })
    const output = new DirectOutput(descriptor, () => stream, never)
    const text = Array.from({ length: 100_000 }, (_, index) => String(index)).join(' ')
    expect([output.write(text), output.isWritten]).toEqual([false, false])
    output.write('!')
    let isDrained = false
    output.once('drain', () => (isDrained = true))
    const piped = Buffer.alloc(text.length)
    const count = readSync(descriptor, piped)
    const rest = (stream.read() as Buffer).toString()
    expect(piped.subarray(0, count).toString() + rest + String(stream.read() ?? '')).toBe(`${text}!`)
    stream.once('drain', () => {
      expect(isDrained).toBe(true)
    })
    closeSync(descriptor)
  })
})
