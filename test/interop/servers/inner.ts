/** Servers behind proxies that speak TLS themselves, of a trust domain of their own. */
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterAll } from 'vitest'
import { OID } from '../../../src/asn1/index.js'
import { IDENTITY_HEADERS } from '../../../src/servers/index.js'
import { DOMAIN, makeTlsPki, type TlsPki } from '../../support/tls-pki.js'
import type { ClientTls } from './world.js'

export const INNER_NAME = 'db.inner.example'

export interface InnerWorld {
  readonly pki: TlsPki
  /** Of the proxy, as a client. */
  readonly credential: string
  /** The same, for a client that goes around the proxy. */
  readonly client: ClientTls
  /** A server that wants certificates of the inner domain, with one for this name. It ends after the tests of the file. */
  serve(name?: string, from?: TlsPki): Promise<number>
}

/** Its certificates are none outside, nor those of outside in here. */
export async function makeInnerWorld(): Promise<InnerWorld> {
  const pki = await makeTlsPki('inner')
  const credential = pki.deliver(pki.leaf('api-01', { purposes: [OID.kpClientAuth] }))
  const file = (directory: string, name: string): string => readFileSync(join(directory, 'current', name), 'utf8')
  // HAProxy wants key and certificate in one file.
  writeFileSync(
    join(credential, 'current/combined.pem'),
    file(credential, 'key.pem') + file(credential, 'fullchain.pem'),
    {
      mode: 0o600,
    },
  )
  return {
    pki,
    credential,
    client: {
      ca: pki.root.certificate.toPem(),
      cert: file(credential, 'fullchain.pem'),
      key: file(credential, 'key.pem'),
      servername: INNER_NAME,
    },
    serve: async (name = INNER_NAME, from = pki) => {
      const names = [
        { kind: 'dns', value: name },
        { kind: 'uri', value: `spiffe://${DOMAIN}/api/api-01` },
      ] as const
      const own = from.deliver(from.leaf('api-01', { purposes: [OID.kpServerAuth], names }))
      return serveTls(own, file(credential, 'ca-bundle.pem'))
    },
  }
}

/** Answers with the headers that it got, and the common name of who connected. */
export async function serveTls(credential: string, ca: string): Promise<number> {
  const file = (name: string): string => readFileSync(join(credential, 'current', name), 'utf8')
  const options = { key: file('key.pem'), cert: file('fullchain.pem'), ca, requestCert: true, rejectUnauthorized: true }
  const server = createServer(options, (request, response) => {
    const certificate = (request.socket as TLSSocket).getPeerX509Certificate()
    const peer = /CN=(.*)/.exec(certificate?.subject ?? '')?.[1] ?? 'nobody'
    const entity = request.headers[IDENTITY_HEADERS.entity.toLowerCase()] ?? peer
    const told = { ...request.headers, [IDENTITY_HEADERS.entity.toLowerCase()]: entity, 'tls-peer': peer }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(told))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}
