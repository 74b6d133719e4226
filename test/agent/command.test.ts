import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PROFILES } from '../../src/authority/index.js'
import { commandSource } from '../../src/agent/index.js'
import { runCommand } from '../../src/agent/command.js'
import { isSignetError } from '../../src/errors/index.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { temporaryFolder } from '../support/temporary.js'
import { issuing, root } from './world.js'

const folder = temporaryFolder()
const node = (script: string, ...words: readonly string[]): readonly string[] => [
  process.execPath,
  '-e',
  script,
  ...words,
]
const run = (command: readonly string[], input?: string): Promise<string> =>
  runCommand(command, { timeoutSeconds: 20, ...(input === undefined ? {} : { input }) })

describe('runCommand', () => {
  it('gives a program its input, and returns what it printed', async () => {
    expect(await run(node('process.stdin.pipe(process.stdout)'), 'a\nb')).toBe('a\nb')
    expect(await run(node(''))).toBe('')
  })

  it('KEY-12: hands every word over as it is, and to no shell', async () => {
    const words = ['; touch x', '$(touch x)', '`touch x`', '-rf', "it's", 'a b']
    const printed = await run(node('console.log(JSON.stringify(process.argv.slice(1)))', '--', ...words))
    expect(JSON.parse(printed)).toEqual(words)
    expect(existsSync('x')).toBe(false)
  })

  it('KEY-04: gives it nothing of the environment but PATH and HOME', async () => {
    process.env['SIGNET_CANARY'] = 'secret'
    try {
      const names = JSON.parse(await run(node('console.log(JSON.stringify(Object.keys(process.env)))'))) as string[]
      expect(names.filter((name) => name !== 'PATH' && name !== 'HOME')).toEqual([])
    } finally {
      delete process.env['SIGNET_CANARY']
    }
  })

  it.each([
    ['cannot be started', [join(folder, 'nothing')], /cannot be started/],
    ['is an impossible word', ['a\0b'], /cannot be started/],
    ['fails', node('console.log("out"); console.error("err"); process.exit(7)'), /exited with 7/],
    ['ends itself', node('process.kill(process.pid, "SIGKILL")'), /ended by SIGKILL/],
    ['prints without end', node('for (;;) require("node:fs").writeSync(1, "x".repeat(65536))'), /printed too much/],
  ])('refuses what a program prints that %s', async (_claim, command, message) => {
    await expectCodeAsync('ERR_AGENT_COMMAND', () => run(command))
    await expect(run(command)).rejects.toThrow(message)
  })

  it('keeps the end of what it printed, for whoever looks for the reason', async () => {
    const error: unknown = await run(node('console.error("first"); console.error("last"); process.exit(1)')).catch(
      (thrown: unknown) => thrown,
    )
    expect(isSignetError(error) && error.details['output']).toBe('first\nlast')
  })

  it('ends it after its time, and what it started, too', async () => {
    const log = join(folder, 'pid')
    const script = `const { spawn } = require('node:child_process')
      const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'inherit' })
      require('node:fs').writeFileSync(${JSON.stringify(log)}, String(child.pid))
      setInterval(() => undefined, 1000)`
    await expect(runCommand(node(script), { timeoutSeconds: 2 })).rejects.toThrow('did not end within 2 s')
    const pid = Number(readFileSync(log, 'utf8'))
    // A process that was killed may not be buried yet.
    const isAlive = (): boolean => {
      try {
        return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
      } catch {
        return false
      }
    }
    for (let attempt = 0; attempt < 100 && isAlive(); attempt++) await new Promise((resolve) => setTimeout(resolve, 50))
    expect(isAlive()).toBe(false)
  })
})

describe('commandSource', () => {
  const request = { entity: 'web-01', profile: PROFILES.server, requestPem: 'REQUEST', isFirst: true }

  it('hands over the request, with entity and profile, and reads certificates', async () => {
    const file = join(folder, 'chain.pem')
    writeFileSync(file, issuing.certificate.toPem() + root.certificate.toPem())
    const script = `const fs = require('node:fs')
      fs.writeFileSync(${JSON.stringify(join(folder, 'asked'))}, process.argv.slice(1).join() + fs.readFileSync(0))
      process.stdout.write(fs.readFileSync(${JSON.stringify(file)}))`
    const source = commandSource(node(script, '{entity}', 'as-{profile}'), 20)
    const { certificates } = await source.obtain(request)
    expect(certificates.map(({ fingerprint }) => fingerprint)).toEqual(
      [issuing, root].map(({ certificate }) => certificate.fingerprint),
    )
    expect(readFileSync(join(folder, 'asked'), 'utf8')).toBe('web-01,as-serverREQUEST')
  })

  it('refuses what is no certificate', async () => {
    await expectCodeAsync('ERR_INPUT_EMPTY', () => commandSource(node(''), 20).obtain(request))
    await expectCodeAsync('ERR_PEM_MALFORMED', () => commandSource(node('console.log("no")'), 20).obtain(request))
  })
})
