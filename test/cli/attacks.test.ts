/** Attacks as whoever types commands meets them: the exit code, and what is left on the disk. */
import { readFileSync, rmSync } from 'node:fs'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { OID } from '../../src/asn1/index.js'
import { buildSignedData } from '../support/cms-builder.js'
import { prepareDeployment } from '../support/testscript.js'
import { copyWorld } from './world.js'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const world = copyWorld(await prepareDeployment())
afterAll(() => {
  rmSync(world.folder, { recursive: true, force: true })
})
const content = readFileSync(world.path('note.json'))
const signature = readFileSync(world.path('note.json.p7s'))
const RECEIVER = '--for notifications --trust trust.p7 --replay-store seen.db'

// It is accepted, once: then there is a memory, and what is refused below is refused for something else.
const { code: accepted, stderr: why } = await world.run(`verify note.json.p7s --content note.json ${RECEIVER}`)
if (accepted !== 0) throw new Error(why)

/** Refused by this command, with nothing on standard output, and nothing written. */
async function expectRefused(line: string, code: string, exitCode = 4): Promise<void> {
  const before = world.listing()
  const { code: found, errorCode, stdout } = await world.run(line)
  expect([line, found, errorCode, stdout]).toEqual([line, exitCode, code, ''])
  expect(world.listing()).toEqual(before)
}

describe('signet verify', () => {
  it('CMS-01: hands out nothing of a document that nobody signed', async () => {
    const none = { signers: [], eContent: Buffer.from('{"rm": "-rf"}') }
    world.write('none.p7m', buildSignedData({ ...none, eContentType: OID.signetMessage }))
    await expectRefused(`verify none.p7m ${RECEIVER} --out got.json`, 'ERR_CMS_NO_SIGNERS')
    world.write('none-data.p7m', buildSignedData({ ...none, eContentType: OID.data, version: 1 }))
    await expectRefused('cms verify none-data.p7m --out got.json', 'ERR_CMS_NO_SIGNERS')
  })

  it('CMS-04: hands out nothing of content that is not what was signed', async () => {
    world.write('other.json', Buffer.concat([content, Buffer.from(' ')]))
    const line = `verify note.json.p7s --content other.json ${RECEIVER} --out got.json`
    await expectRefused(line, 'ERR_CMS_DIGEST_MISMATCH')
  })

  it('CMS-32: asks for whom, and does not guess', async () => {
    await expectRefused('verify note.json.p7s --content note.json --trust trust.p7', 'ERR_USAGE', 2)
    await expectRefused(`verify note.json.p7s --content note.json ${RECEIVER} --senders nobody`, 'ERR_USAGE', 2)
    await expectRefused(
      `verify note.json.p7s --content note.json ${RECEIVER} --from nobody`,
      'ERR_IDENTITY_MISMATCH',
      5,
    )
  })

  it('MSG-09: takes no payload for a message, nor a signature that is empty or in another coding', async () => {
    world.write('empty.p7s', '')
    world.write('base64.p7s', signature.toString('base64'))
    await expectRefused(`verify empty.p7s --content note.json ${RECEIVER}`, 'ERR_INPUT_EMPTY', 3)
    await expectRefused(`verify base64.p7s --content note.json ${RECEIVER}`, 'ERR_CMS_MALFORMED', 3)
    await expectRefused(`verify note.json ${RECEIVER}`, 'ERR_CMS_MALFORMED', 3)
  })
})
