/** Two trust domains, and a boundary that encrypts again: docs/deployments/re-encryption.md. */
import { expect, it } from 'vitest'
import type { TlsPki } from '../../support/tls-pki.js'
import { ask } from '../servers/http.js'
import { INNER_NAME, makeInnerWorld } from '../servers/inner.js'
import { makeTrialWorld } from '../servers/world.js'
import { type Bed, describeModel, makeBed } from './bed.js'
import { serveMutual } from './service.js'

const BOUNDARY = 'spiffe://cloud.example/api/api-01'

describeModel('re-encryption', ['nginx'], async () => {
  const { pki: outside, credential, visitors } = await makeTrialWorld()
  const inside = await makeInnerWorld()

  /** A boundary, and behind it a service with a certificate of some domain, for some name. */
  const start = async (from: TlsPki, name: string): Promise<Bed> => {
    const bed = await makeBed('re-encryption', {
      credentials: { 'boundary.outside': credential, 'boundary.inside': inside.credential },
    })
    await serveMutual(from, { port: bed.port('api'), name }, [BOUNDARY])
    await bed.start('boundary')
    return bed
  }
  const bed = await start(inside.pki, INNER_NAME)
  const [through, service] = [bed.port('boundary'), bed.port('api')]

  it('requirement 69: encrypts again, with a certificate of the inner domain', async () => {
    const { headers } = await ask(through, visitors.first)
    expect(headers).toMatchObject({ 'x-signet-entity': 'compute-07', 'x-peer': 'api-01' })
  })

  it('requirement 69: a certificate of inside is nothing outside', async () => {
    const { ca, servername } = visitors.first
    expect(await ask(through, { ...inside.client, ca, servername })).toHaveProperty('refused')
  })

  it('requirement 69: a certificate of outside is nothing inside', async () => {
    const { ca, servername } = inside.client
    expect(await ask(service, { ...visitors.first, ca, servername })).toHaveProperty('refused')
    // That of the boundary is, so that it was the certificate that was refused.
    expect(await ask(service, inside.client)).toHaveProperty('identity')
  })

  it('requirement 69: neither end believes the certificate that the other shows', async () => {
    expect(await ask(through, { ...visitors.first, ca: inside.client.ca })).toHaveProperty('refused')
    expect(await ask(service, { ...inside.client, ca: visitors.first.ca })).toHaveProperty('refused')
  })

  it('requirement 69: hands nothing to a service of the inner domain that has another name', async () => {
    const other = await start(inside.pki, 'other.inner.example')
    expect(await ask(other.port('boundary'), visitors.first)).toEqual({ refused: 'HTTP 502' })
  })

  it('requirement 69: hands nothing to a service with the right name in the outer domain', async () => {
    const other = await start(outside, INNER_NAME)
    expect(await ask(other.port('boundary'), visitors.first)).toEqual({ refused: 'HTTP 502' })
  })
})
