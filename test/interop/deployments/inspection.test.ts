/** A balancer that decrypts, looks, and encrypts again: docs/deployments/inspection.md. */
import { once } from 'node:events'
import { connect } from 'node:tls'
import { expect, it } from 'vitest'
import { ask } from '../servers/http.js'
import { tlsOptions } from '../servers/trial.js'
import { makeTrialWorld } from '../servers/world.js'
import { describeModel, makeBed } from './bed.js'
import { serveMutual } from './service.js'

const BALANCER = 'spiffe://cloud.example/api/api-01'

describeModel('inspection', ['haproxy'], async () => {
  const { pki, credential, visitors } = await makeTrialWorld()
  const bed = await makeBed('inspection', { credentials: { 'balancer.cloud': credential } })
  const heard: string[] = []
  const service = { port: bed.port('api'), name: 'api-01.cloud.example' }
  await serveMutual(pki, service, [BALANCER], (url) => heard.push(url))
  await bed.start('balancer')
  const through = bed.port('balancer')

  it('requirement 70: tells the service who asks, and who it is itself', async () => {
    for (const [visitor, entity] of [
      [visitors.first, 'compute-07'],
      [visitors.second, 'compute-08'],
    ] as const) {
      const { headers } = await ask(through, visitor)
      expect(headers).toMatchObject({ 'x-signet-entity': entity, 'x-signet-roles': 'compute_node', 'x-peer': 'api-01' })
    }
  })

  it('requirement 70: takes away what clients say in these headers', async () => {
    const lies = { 'X-Signet-Entity': 'operator-01', 'x-signet-roles': 'operator', X_Signet_Identity: 'operator' }
    const { headers } = await ask(through, visitors.first, { headers: lies })
    expect(headers).toMatchObject({ 'x-signet-entity': 'compute-07' })
    expect(JSON.stringify(headers)).not.toContain('operator')
  })

  it('requirement 70: the service believes the headers of the balancer, and of nobody else', async () => {
    const headers = { 'X-Signet-Entity': 'operator-01' }
    const around = { ...visitors.first, servername: service.name }
    expect(await ask(service.port, around, { headers })).toHaveProperty('refused')
  })

  it('requirement 70: sees what nobody could see who does not open it, and stops it', async () => {
    // Of two lengths, one reader would believe the first and another the second.
    const socket = connect(tlsOptions(through, visitors.first))
    socket.write('POST /smuggled HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcde')
    let answer = ''
    socket.on('data', (data: Buffer) => (answer += data.toString()))
    socket.on('error', () => undefined)
    await once(socket, 'close')
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(heard).not.toContain('/smuggled')
  })

  it.each(['nobody', 'foreign', 'revoked', 'unmapped'] as const)(
    'requirement 75: refuses %s where TLS ends',
    async (who) => {
      expect(await ask(through, visitors[who])).toHaveProperty('refused')
    },
  )
})
