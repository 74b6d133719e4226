import type { TLSSocket } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { OID } from '../../src/asn1/index.js'
import { addSeconds, DAY } from '../../src/time/index.js'
import { openTrustDirectory, signTrustDirectory, type TrustDirectory } from '../../src/trust/index.js'
import type { Crl } from '../../src/x509/index.js'
import { makeCertificate, NOW } from '../support/certificates.js'
import { DOMAIN, EVER, makeTlsPki, pems } from '../support/tls-pki.js'
import { ask, at, client, later, meet, serve } from './meeting.js'

const pki = await makeTlsPki()
const api = pki.leaf('api-01')
const node = pki.leaf('compute-07')
const apiDirectory = pki.deliver(api)
const nodeDirectory = pki.deliver(node)
const listing = await pki.crls([node], { crlNumber: 2 })
const publisher = makeCertificate({
  ...EVER,
  subject: 'Publisher',
  issuer: pki.issuing,
  purposes: [OID.signetKpTrustDirectory],
  names: [{ kind: 'uri', value: `spiffe://${DOMAIN}/signet/trust-publisher` }],
})

interface Changes {
  readonly grants?: readonly string[]
  readonly sequence?: number
  readonly listed?: readonly string[]
  readonly crls?: readonly Crl[]
}

/** A directory in which the node signs messages, with another key than it speaks TLS with. */
async function directory(changes: Changes = {}): Promise<TrustDirectory> {
  const { grants = ['compute_node'], sequence = 1, listed = ['compute-07'], crls = await pki.crls() } = changes
  const signers = listed.map((entity) => {
    const uri = `spiffe://${DOMAIN}/compute/${entity}`
    const { certificate } = makeCertificate({
      ...EVER,
      subject: `${entity} signer`,
      issuer: pki.issuing,
      purposes: [OID.signetKpMessageSigning],
      names: [{ kind: 'uri', value: uri }],
    })
    const identity = { entity, uri, scope: '', service: 'compute', node: entity, roles: [], grants, groups: [] }
    return { certificate, identity }
  })
  const der = await signTrustDirectory(
    {
      trustDomain: DOMAIN,
      sequence,
      issuedAt: NOW,
      nextUpdate: addSeconds(NOW, DAY),
      anchors: [pki.root.certificate],
      authorities: [pki.issuing.certificate],
      crls,
      signers,
    },
    publisher,
  )
  return openTrustDirectory(der, { pin: pki.root.certificate.fingerprint, at: NOW, memory: 'allow-forgetting' })
}

async function serving(): Promise<{
  readonly use: (next: TrustDirectory) => void
  readonly server: Awaited<ReturnType<typeof serve>>
  readonly connect: () => Promise<TLSSocket>
}> {
  let now = await directory()
  const server = await serve(pki, apiDirectory, { identify: { trust: () => now } })
  return {
    server,
    use: (next) => (now = next),
    connect: async () => {
      const socket = await client(pki, nodeDirectory).connect(at(server.port))
      later(() => socket.destroy())
      expect(await ask(socket)).toBe('compute-07 compute_node')
      return socket
    },
  }
}

const closed = (server: Awaited<ReturnType<typeof serve>>): readonly string[] =>
  server.heard.peerClosed.map(({ error }) => error.code)

describe('identities from the trust directory', () => {
  it('are those under whose URI somebody signs messages there, with the roles that it says', async () => {
    const { connect, server } = await serving()
    await connect()
    expect(server.peers[0]?.identity.uri).toBe(`spiffe://${DOMAIN}/compute/compute-07`)
  })

  it('are nobody who is not in it', async () => {
    const { server } = await serving()
    await meet(client(pki, pki.deliver(pki.leaf('compute-08'))), at(server.port))
    await expect.poll(() => server.heard.peerRefused.map(({ code }) => code)).toEqual(['ERR_IDENTITY_UNMAPPED'])
  })

  it.each<[string, Changes, string]>([
    ['who left it', { listed: ['compute-08'] }, 'ERR_IDENTITY_UNMAPPED'],
    ['whose role is gone', { grants: ['reader'] }, 'ERR_TLS_PEER_DENIED'],
    ['who is granted what is no grant', { grants: ['no grant @'] }, 'ERR_IDENTITY_UNMAPPED'],
    ['whom its CRLs list, though those of the credential do not', { crls: listing }, 'ERR_REVOKED'],
  ])('REV-04: end the connection of %s in a newer one', async (_, changes, code) => {
    const { connect, server, use } = await serving()
    const socket = await connect()
    use(await directory({ sequence: 2, ...changes }))
    await server.reload()
    expect(closed(server)).toEqual([code])
    await expect.poll(() => socket.destroyed).toBe(true)
  })

  it('REV-05: of one that is over are nobody, and that is told', async () => {
    const { connect, server } = await serving()
    await connect()
    server.clock.set(addSeconds(NOW, DAY))
    await server.reload()
    expect(closed(server)).toEqual(['ERR_TRUST_DIRECTORY_EXPIRED'])
    expect(server.heard.refused.map(({ code }) => code)).toEqual(['ERR_TRUST_DIRECTORY_EXPIRED'])
    await meet(client(pki, nodeDirectory), at(server.port))
    await expect.poll(() => server.heard.peerRefused.map(({ code }) => code)).toEqual(['ERR_TRUST_DIRECTORY_EXPIRED'])
  })

  it('of anchors that are not in it are nobody, whatever the credential trusts', async () => {
    const foreign = await makeTlsPki('foreign')
    const credential = pki.deliver(api, {
      caBundle: pems([
        pki.issuing.certificate,
        foreign.issuing.certificate,
        foreign.root.certificate,
        pki.root.certificate,
      ]),
      crls: pems([...(await pki.crls()), ...(await foreign.crls())]),
    })
    const trust = await directory()
    const server = await serve(pki, credential, { identify: { trust } })
    const leaf = foreign.leaf('compute-07')
    const guest = foreign.deliver(leaf, {
      caBundle: pems([
        foreign.issuing.certificate,
        foreign.root.certificate,
        pki.issuing.certificate,
        pki.root.certificate,
      ]),
      crls: pems([...(await pki.crls()), ...(await foreign.crls())]),
    })
    await meet(client(pki, guest, { identify: 'allow-unregistered' }), at(server.port))
    await expect.poll(() => server.heard.peerRefused.length).toBe(1)
    expect(server.peers).toEqual([])
  })
})
