import { readFileSync, rmSync } from 'node:fs'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { encodeEnvelope, parseEnvelope } from '../../src/message/envelope-format.js'
import { prepareDeployment } from '../support/testscript.js'
import { copyWorld } from './world.js'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const world = copyWorld(await prepareDeployment())
afterAll(() => {
  rmSync(world.folder, { recursive: true, force: true })
})

const CREATE = 'envelope create --as credentials/conductor-01/signer --part invoice=compute-07 --part receipt=broker-01'
const ADD = 'note.json --trust trust.p7 --name'
for (const name of ['mine.env', 'other.env']) {
  for (const line of [
    `${CREATE} --out ${name}`,
    `envelope add ${name} ${ADD} invoice --as credentials/compute-07/signer`,
    `envelope add ${name} ${ADD} receipt --as credentials/broker-01/signer`,
  ]) {
    const { code, stderr } = await world.run(line)
    if (code !== 0) throw new Error(`${line}: ${stderr}`)
  }
}
const [mine, other] = ['mine.env', 'other.env'].map((name) => parseEnvelope(readFileSync(world.path(name))))
if (mine === undefined || other === undefined) throw new Error('two envelopes')
const [invoice, receipt] = mine.partsDer as [Uint8Array, Uint8Array]

/** Verify these parts under the manifest of `mine.env`; nothing may come of it but a refusal. */
async function verify(partsDer: readonly Uint8Array[], manifestDer = mine?.manifestDer ?? new Uint8Array()) {
  world.write('changed.env', encodeEnvelope({ manifestDer, partsDer }))
  const before = world.listing()
  const ended = await world.run('envelope verify changed.env --trust trust.p7 --part receipt --out got.json')
  if (ended.code === 0) rmSync(world.path('got.json'))
  expect(world.listing()).toEqual(before)
  return [ended.code, ended.errorCode]
}

describe('signet envelope verify', () => {
  it('requirement 32: accepts an envelope whose parts are all there, each by its signer', async () => {
    expect(await verify(mine.partsDer)).toEqual([0, undefined])
  })

  it('requirement 32: refuses a part that was moved from another envelope of the same plan', async () => {
    const [, moved] = other.partsDer as [Uint8Array, Uint8Array]
    expect(await verify([invoice, moved])).toEqual([4, 'ERR_ENVELOPE_OTHER'])
    expect(await verify(mine.partsDer, other.manifestDer)).toEqual([4, 'ERR_ENVELOPE_OTHER'])
  })

  it.each([
    ['missing', [receipt]],
    ['there twice', [invoice, invoice, receipt]],
    ['at another place', [receipt, invoice]],
  ])('requirement 32: refuses an envelope in which a part is %s', async (_, parts) => {
    expect(await verify(parts)).toEqual([5, 'ERR_ENVELOPE_PART'])
  })

  it('requirement 32: refuses a part by another signer than the plan names, and add does not write one', async () => {
    await world.run(`${CREATE.replace('compute-07', 'broker-01')} --out swapped.env`)
    const before = world.listing()
    const line = `envelope add swapped.env ${ADD} invoice --as credentials/compute-07/signer`
    expect(await world.run(line)).toMatchObject({ code: 5, errorCode: 'ERR_ENVELOPE_PART' })
    expect(world.listing()).toEqual(before)
  })

  it('requirement 32: refuses a part that was changed, and a message in the place of one', async () => {
    const last = invoice.length - 1
    expect(await verify([invoice.with(last, (invoice[last] ?? 0) ^ 1), receipt])).toEqual([4, 'ERR_CMS_SIGNATURE'])
    await world.run('sign note.json --attached --as credentials/compute-07/signer --type a --to b --out note.p7m')
    expect(await verify([readFileSync(world.path('note.p7m')), receipt])).toEqual([4, 'ERR_CMS_CONTENT_TYPE'])
  })
})

describe('signet envelope add', () => {
  it('reads the part, or the envelope, from standard input', async () => {
    await world.run(`${CREATE} --out piped.env`)
    const words = '--trust trust.p7 --name invoice --as credentials/compute-07/signer'
    const stdin = readFileSync(world.path('note.json'))
    expect(await world.run(`envelope add piped.env - ${words}`, { stdin })).toMatchObject({ code: 0 })
    const whole = readFileSync(world.path('mine.env'))
    expect(await world.run('envelope verify - --trust trust.p7', { stdin: whole })).toMatchObject({ code: 0 })
    expect(await world.run(`envelope add - - ${words} --out x.env`, { stdin })).toMatchObject({
      errorCode: 'ERR_USAGE',
    })
    const twice = `envelope add - note.json ${words}`
    expect(await world.run(twice, { stdin: whole })).toMatchObject({ errorCode: 'ERR_ENVELOPE_PART' })
  })
})
