import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { prepareDeployment } from '../support/testscript.js'
import { copyWorld } from './world.js'

vi.setConfig({ testTimeout: 60_000 })

const world = copyWorld(await prepareDeployment())
const asked: string[] = []
/** Any web server will do: files of the folder, and nothing else. */
const server = createServer((request, response) => {
  asked.push(request.url ?? '')
  try {
    response.end(readFileSync(join(world.path('site'), request.url ?? '')))
  } catch {
    response.writeHead(404).end()
  }
}).listen(0, '127.0.0.1')
await once(server, 'listening')
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
afterAll(() => void server.close())

const publish = async (): Promise<string> => String((await world.run('trust publish --site site --json')).json['pin'])
/** A receiver has no authority at home. */
const atReceiver = (line: string) => world.run(line, { variables: { SIGNET_HOME: undefined, HOME: '/nonexistent' } })

describe('signet trust fetch over HTTP', () => {
  it('requirement 45: asks nobody without a fingerprint, and believes nobody by another one', async () => {
    await publish()
    expect((await atReceiver(`trust fetch ${url} --out cache.p7`)).errorCode).toBe('ERR_TRUST_NO_PIN')
    expect((await atReceiver(`trust fetch ${url} --out cache.p7 --pin first-use`)).errorCode).toBe(
      'ERR_SERIAL_MALFORMED',
    )
    expect(asked).toEqual([])
    const { errorCode } = await atReceiver(`trust fetch ${url} --out cache.p7 --pin ${'ab'.repeat(32)}`)
    expect(errorCode).toBe('ERR_TRUST_PIN_MISMATCH')
    expect(Object.keys(world.listing())).not.toContain('cache.p7')
  })

  it('requirement 26: brings a quarantine to a receiver, who refuses from then on', async () => {
    const pin = await publish()
    const fetch = `trust fetch ${url} --out cache.p7 --pin ${pin}`
    const verify = `verify note.json.p7s --content note.json --for notifications --trust cache.p7 --pin ${pin}`
    expect((await atReceiver(fetch)).stdout).toContain('came whole')
    expect((await atReceiver(verify)).code).toBe(0)
    await world.run('quarantine compute-07')
    await publish()
    asked.length = 0
    expect((await atReceiver(fetch)).stdout).toContain('made by a delta')
    expect(asked).toEqual(['/latest.json', expect.stringMatching(/^\/deltas\/\d+-\d+\.p7$/)])
    expect((await atReceiver(verify)).errorCode).toBe('ERR_CMS_SIGNER_UNKNOWN')
  })

  it('says what the server said', async () => {
    const { errorCode, stderr } = await atReceiver(`trust fetch ${url}nothing --out new.p7 --pin ${'ab'.repeat(32)}`)
    expect(errorCode).toBe('ERR_TRUST_FETCH')
    expect(stderr).toContain('the server answered 404')
  })
})
