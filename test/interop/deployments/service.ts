/** Services that speak mutual TLS themselves, and say what they know of who asks. */
import { once } from 'node:events'
import { OID } from '../../../src/asn1/index.js'
import { createMutualHttpsServer } from '../../../src/tls/index.js'
import { DOMAIN, type TlsPki } from '../../support/tls-pki.js'
import { later } from './bed.js'

/**
 * Serve with a certificate of a PKI, to its clients. It ends after the tests of the file.
 *
 * Answers with the headers that came, and who the peer is by its certificate: `x-peer`. Requests are told to `heard`.
 */
export async function serveMutual(
  pki: TlsPki,
  place: { readonly port: number; readonly name: string },
  allow: readonly string[] | 'allow-any-identified' = 'allow-any-identified',
  heard: (url: string) => void = () => undefined,
): Promise<void> {
  const names = [
    { kind: 'dns', value: place.name },
    { kind: 'uri', value: `spiffe://${DOMAIN}/api/api-01` },
  ] as const
  const credential = pki.deliver(pki.leaf('api-01', { purposes: [OID.kpServerAuth], names }))
  const quiet = (): void => undefined
  const listener = { refused: quiet, stale: quiet, peerRefused: quiet, peerClosed: quiet }
  const { server, close } = createMutualHttpsServer(
    {
      credential,
      identify: pki.identify,
      allow: typeof allow === 'string' ? allow : { uris: allow },
      clock: { now: () => new Date() },
      listener,
      reload: 'explicit',
    },
    (request, response, peer) => {
      heard(request.url ?? '')
      const told = { ...request.headers, 'x-signet-entity': request.headers['x-signet-entity'] ?? peer.entity }
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ ...told, 'x-peer': peer.entity, 'x-served-by': place.name }))
    },
  )
  later(close)
  server.listen(place.port, '127.0.0.1')
  await once(server, 'listening')
}
