/** A balancer that opens nothing: docs/deployments/passthrough.md. */
import { once } from 'node:events'
import { connect as connectPlain } from 'node:net'
import { expect, it } from 'vitest'
import { ask } from '../servers/http.js'
import { serialAt } from '../servers/trial.js'
import { makeTrialWorld } from '../servers/world.js'
import { describeModel, makeBed } from './bed.js'
import { serveMutual } from './service.js'

describeModel('passthrough', ['haproxy'], async () => {
  const { pki, visitors } = await makeTrialWorld()
  const bed = await makeBed('passthrough')
  await serveMutual(pki, { port: bed.port('api'), name: 'api.cloud.example' })
  await serveMutual(pki, { port: bed.port('queue'), name: 'queue.cloud.example' })
  await bed.start('balancer')
  const through = bed.port('balancer')
  const to = (servername: string): typeof visitors.first => ({ ...visitors.first, servername })

  it('requirement 67: leads to the service that the ClientHello names, which sees the certificate of the client', async () => {
    for (const name of ['api.cloud.example', 'queue.cloud.example']) {
      const { headers } = await ask(through, to(name))
      expect(headers).toMatchObject({ 'x-served-by': name, 'x-peer': 'compute-07' })
    }
    const { headers } = await ask(through, { ...visitors.second, servername: 'api.cloud.example' })
    expect(headers).toMatchObject({ 'x-peer': 'compute-08' })
  })

  it('requirement 67: shows the certificate of the service, not one of its own', async () => {
    const client = to('api.cloud.example')
    expect(await serialAt(through, client)).toBe(await serialAt(bed.port('api'), client))
    expect(
      bed
        .configured('balancer')
        .configuration.files.map(({ content }) => content)
        .join(),
    ).not.toContain('.pem')
  })

  it.each(['nobody', 'foreign', 'expired', 'wrongPurpose'] as const)(
    'requirement 75: the service refuses %s through the balancer',
    async (who) => {
      expect(await ask(through, { ...visitors[who], servername: 'api.cloud.example' })).toHaveProperty('refused')
    },
  )

  it('requirement 67: disconnects who names another server, or none, or does not speak TLS', async () => {
    expect(await ask(through, to('db.cloud.example'))).toHaveProperty('refused')
    expect(await ask(through, to(''))).toHaveProperty('refused')
    const socket = connectPlain(through, '127.0.0.1')
    socket.write('GET / HTTP/1.1\r\nhost: api.cloud.example\r\n\r\n')
    socket.resume()
    const heard: Buffer[] = []
    socket.on('data', (data: Buffer) => heard.push(data))
    socket.on('error', () => undefined)
    await once(socket, 'close')
    expect(Buffer.concat(heard).toString()).toBe('')
  })
})
