/** With what an operator's commands make, by the clock of the wall: issue, connect, renew, revoke. */
import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { HOME_FILES } from '../../src/authority/index.js'
import { entitiesOfDocument, parseMapping, parseRegistryDocument } from '../../src/identity/index.js'
import type { IdentitySource } from '../../src/tls/index.js'
import { makeDeployment } from '../support/deployment.js'
import { makeTlsPki } from '../support/tls-pki.js'
import { ask, client, later, meet, serve } from './meeting.js'

const cloud = await makeDeployment()
const pki = await makeTlsPki()

function identify(): IdentitySource {
  const mapping = parseMapping(readFileSync(join(cloud.home, HOME_FILES.mapping), 'utf8'))
  const document = parseRegistryDocument(cloud.read('registry.yaml').toString('utf8'))
  return { mapping, entities: entitiesOfDocument(document, cloud.trustDomain, cloud.clock.now()) }
}

it('REV-04: who is revoked by the command is disconnected with the next CRLs, who is renewed is not', async () => {
  cloud.write('registry.yaml', (await cloud.signet('export')).stdout)
  const common = { identify: identify(), clock: cloud.clock }
  const [broker, node, other] = ['broker-01', 'compute-07', 'conductor-01'].map((id) => cloud.credential(`${id}/tls`))
  if (broker === undefined || node === undefined || other === undefined) throw new Error('not issued')
  const allow = { roles: ['compute_node', 'conductor'] }
  const server = await serve(pki, broker.directory, { ...common, allow })
  const target = { host: '127.0.0.1', port: server.port }
  const connect = async (directory: string): ReturnType<ReturnType<typeof client>['connect']> => {
    const socket = await client(pki, directory, common).connect(target)
    later(() => socket.destroy())
    return socket
  }
  const [doomed, spared] = [await connect(node.directory), await connect(other.directory)]
  expect(await ask(doomed)).toBe('compute-07 compute_node')
  expect(await ask(spared)).toBe('conductor-01 conductor')

  await cloud.signet(['renew', 'broker-01', '--out', cloud.path('credentials', 'broker-01')])
  await server.reload()
  expect(server.heard.reloaded).toEqual([broker.load().certificate.serialNumber])
  expect(await ask(spared)).toBe('conductor-01 conductor')

  await cloud.signet('revoke compute-07 --reason keyCompromise')
  await cloud.publishCrls()
  copyFileSync(cloud.crlsFile, broker.crls)
  await server.reload()
  expect(server.heard.peerClosed.map(({ error, peer }) => `${peer.entity} ${error.code}`)).toEqual([
    'compute-07 ERR_REVOKED',
  ])
  expect(await ask(doomed)).toMatch(/^(closed|ECONNRESET|EPIPE)$/)
  expect(await ask(spared)).toBe('conductor-01 conductor')
  expect(await meet(client(pki, node.directory, common), target)).toMatch(/^(closed|ECONNRESET|EPIPE)$/)
})
