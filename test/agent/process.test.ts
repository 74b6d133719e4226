/** The agent as a process: signals, one object per event, and two of them. */
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { loadCredential } from '../../src/credential/index.js'
import { after, type Child, startScript } from '../support/children.js'
import { makeTemplate, passphraseFile } from '../support/test-authority.js'
import { temporaryFolder } from '../support/temporary.js'

// Several starts of the program in one test.
vi.setConfig({ testTimeout: 60_000 })

const template = await makeTemplate()
const folder = temporaryFolder()
const home = template.copyHome()
passphraseFile(folder)
const file = join(folder, 'agent.json')
const write = (changes: Record<string, unknown> = {}): void => {
  writeFileSync(
    file,
    JSON.stringify({
      version: 1,
      status: 'status.json',
      every: '1h',
      source: { authority: home, passphraseFile: 'passphrase' },
      credentials: [{ directory: 'kept', entity: 'node-1' }],
      ...changes,
    }),
  )
}
write()

const registered = await template.open()
await registered.register('node-1')
await registered.authority.close()

const events = ({ lines }: Child): readonly string[] =>
  lines.map((line) => (JSON.parse(line) as { event: string }).event)

/** Wait until the agent has told something so often, or has ended. */
async function told(child: Child, event: string, times: number): Promise<void> {
  while (events(child).filter((name) => name === event).length < times) {
    const before = child.lines.length
    await child.printed(before + 1)
    if (child.lines.length === before) throw new Error(`it ended: ${events(child).join()}`)
  }
}

const started: Child[] = []
function start(...words: readonly string[]): Child {
  const child = startScript('source-cli.mjs', ['agent', '--config', file, ...words, '--json'])
  started.push(child)
  return child
}

afterEach(() => {
  for (const child of started) child.process.kill('SIGKILL')
})

describe('signet agent', () => {
  it('reads its configuration again at SIGHUP, keeps the old one where that is broken, and ends well at SIGTERM', async () => {
    const child = start()
    await told(child, 'passed', 1)
    expect(events(child)[0]).toBe('configured')
    // The entity was never registered: that is told, and does not end it.
    expect(events(child)).toContain('failed')
    for (const line of child.lines) expect(JSON.parse(line)).toMatchObject({ schema: 1 })
    const second = await start('--once').ended
    expect(JSON.parse(second.stdout)).toMatchObject({ ok: false, error: { code: 'ERR_STORE_LOCKED' } })
    expect(second.code).toBe(8)
    write({ version: 2 })
    child.process.kill('SIGHUP')
    await told(child, 'configuration-refused', 1)
    await told(child, 'passed', 2)
    write({ every: '2h' })
    child.process.kill('SIGHUP')
    await told(child, 'configured', 2)
    child.process.kill('SIGTERM')
    const { code, stderr } = await child.ended
    expect([code, stderr]).toEqual([0, ''])
    expect(events(child).at(-1)).toBe('stopped')
  })

  it('KEY-08: what is killed leaves a directory that the next one goes on with', async () => {
    const child = start()
    await told(child, 'configured', 1)
    child.process.kill('SIGKILL')
    await child.ended
    const next = await start('--once').ended
    expect(JSON.parse(next.stdout)).toMatchObject({ ok: false, error: { code: 'ERR_ENTITY_UNKNOWN' } })
    expect(next.code).toBe(7)
  })

  it('KEY-08: whenever it is killed while it renews, what is current is a whole pair', async () => {
    write({ status: 'killed.json', source: { authority: registered.home, passphraseFile: 'passphrase' } })
    expect((await start('--once').ended).code).toBe(0)
    const [directory, versions] = [join(folder, 'kept'), join(folder, 'kept', 'versions')]
    const serials = new Set<string>()
    for (let round = 0; round < 4; round++) {
      const before = readdirSync(versions).length
      const child = start('--once', '--renew')
      // As soon as something new lies there, and a little later each time.
      while (child.process.exitCode === null && readdirSync(versions).length <= before) await after(1)
      if (round > 0) await after(round)
      child.process.kill('SIGKILL')
      await child.ended
      serials.add(loadCredential(directory).certificate.serialNumber)
    }
    expect(serials.size).toBeGreaterThan(0)
    const last = await start('--once', '--renew').ended
    expect([last.code, last.stderr]).toEqual([0, ''])
    expect(readdirSync(versions).filter((name) => name.startsWith('.'))).toEqual([])
    expect(serials.has(loadCredential(directory).certificate.serialNumber)).toBe(false)
  })
})
