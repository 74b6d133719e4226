import { readFileSync, rmSync, statSync } from 'node:fs'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { prepareDeployment } from '../support/testscript.js'
import { copyWorld } from './world.js'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const world = copyWorld(await prepareDeployment())
afterAll(() => {
  rmSync(world.folder, { recursive: true, force: true })
})

const ENCRYPT =
  'encrypt note.json --to reader/current/cert.pem --as credentials/compute-07/signer --type a.b --for c --trust trust.p7'
const DECRYPT = '--as reader --for c --trust trust.p7'
for (const line of ['issue conductor-01 --profile recipient --out reader', ENCRYPT]) {
  const { code, stderr } = await world.run(line)
  if (code !== 0) throw new Error(`${line}: ${stderr}`)
}
const message = readFileSync(world.path('note.json.p7m'))
const changed = (index: number): Uint8Array => Uint8Array.from(message).with(index, (message[index] ?? 0) ^ 1)

describe('signet decrypt', () => {
  it('ENC-08: writes nothing where the tag is wrong, and leaves alone what is there', async () => {
    world.write('changed.p7m', changed(message.length - 1))
    world.write('kept.json', 'kept')
    const before = world.listing()
    for (const line of [
      `decrypt changed.p7m ${DECRYPT} --out new.json`,
      `decrypt changed.p7m ${DECRYPT} --out kept.json --force`,
      'cms decrypt changed.p7m --cert reader/current/cert.pem --key reader/current/key.pem --out kept.json --force',
    ]) {
      const { code, errorCode, stdout } = await world.run(line)
      expect([code, errorCode, stdout]).toEqual([4, 'ERR_CMS_DECRYPT', ''])
    }
    expect(world.listing()).toEqual(before)
  })

  it('ENC-03: says the same to whoever is no reader as to one whose message was changed', async () => {
    const words = [`decrypt changed.p7m ${DECRYPT}`, `decrypt note.json.p7m ${DECRYPT.replace('reader', 'other')}`]
    await world.run('issue broker-01 --profile recipient --out other')
    const answers = await Promise.all(words.map(async (line) => (await world.run(`${line} --out new.json`)).stderr))
    expect(answers[0]).toContain('ERR_CMS_DECRYPT')
    expect(answers[1]).toBe(answers[0])
  })

  it('writes content for its owner only, from standard input too', async () => {
    const { code } = await world.run(`decrypt - ${DECRYPT} --out got.json`, { stdin: message })
    expect(code).toBe(0)
    expect(readFileSync(world.path('got.json'))).toEqual(readFileSync(world.path('note.json')))
    expect(statSync(world.path('got.json')).mode & 0o777).toBe(0o600)
  })

  it('wants the credential itself, not a folder of several', async () => {
    await world.run('issue compute-07 --profile recipient --out several/recipient')
    const { code, errorCode, stderr } = await world.run(
      'decrypt note.json.p7m --as several --for c --trust trust.p7 --out new.json',
    )
    expect([code, errorCode]).toEqual([2, 'ERR_USAGE'])
    expect(stderr).toContain('several/recipient')
  })
})
