/** What a server keeps of those who have gone. */
import { once } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { makeTlsPki } from '../support/tls-pki.js'
import { ask, at, client, serve } from './meeting.js'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** So many connections, one after the other; the octets that are left on the heap and beside it. */
async function left(connections: number, connect: () => Promise<void>): Promise<number> {
  for (let index = 0; index < connections; index++) await connect()
  for (let round = 0; round < 3; round++) {
    collect()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const { heapUsed, external, arrayBuffers } = process.memoryUsage()
  return heapUsed + external + arrayBuffers
}

it('SVC-10: whoever has gone leaves nothing behind', async () => {
  const pki = await makeTlsPki('Leak')
  const served = await serve(pki, pki.deliver(pki.leaf('api-01')))
  const from = client(pki, pki.deliver(pki.leaf('compute-07')))
  const connect = async (): Promise<void> => {
    const socket = await from.connect(at(served.port))
    expect(await ask(socket)).toBe('compute-07 compute_node')
    const closed = once(socket, 'close')
    socket.destroy()
    await closed
    served.peers.length = 0
  }
  // What is made once, and what is compiled.
  await left(150, connect)
  const before = await left(50, connect)
  const after = await left(250, connect)
  // A peer that is kept is some 8 kB.
  expect((after - before) / 250).toBeLessThan(4_000)
}, 60_000)
