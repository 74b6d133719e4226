import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { describe, expect, it } from 'vitest'
import {
  encodePrivateKey,
  encryptPrivateKey,
  generatePrivateKey,
  MemoryKeyProvider,
  Passphrase,
} from '../../src/crypto/index.js'
import { entitiesOfDocument, parseRegistryDocument } from '../../src/identity/index.js'
import { peerOf } from '../../src/tls/index.js'
import { addSeconds, DAY, HOUR } from '../../src/time/index.js'
import { NOW, privateKeyFor } from '../support/certificates.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'
import { TestClock } from '../support/test-authority.js'
import { DOMAIN, makeTlsPki, pems } from '../support/tls-pki.js'
import { ask, at, client, later, meet, type Served, serve } from './meeting.js'

const pki = await makeTlsPki()
const api = pki.leaf('api-01')
const node = pki.leaf('compute-07')
const other = pki.leaf('compute-08')
const nodeDirectory = pki.deliver(node)
const otherDirectory = pki.deliver(other)
const crlsWithout = pems(await pki.crls())
const crlsWith = pems(await pki.crls([node], { crlNumber: 2 }))
const foreign = await makeTlsPki('foreign')

async function connected(server: Served, directory = nodeDirectory): Promise<TLSSocket> {
  const socket = await client(pki, directory).connect(at(server.port))
  later(() => socket.destroy())
  // The first answer says that the server has let us in.
  expect(await ask(socket)).toContain('compute')
  return socket
}

const closed = (server: Served): readonly string[] => server.heard.peerClosed.map(({ error }) => error.code)

describe('reload: a new generation', () => {
  it('uses a new key and certificate for whoever comes, and keeps who is there', async () => {
    const directory = pki.deliver(api)
    const server = await serve(pki, directory)
    const before = await connected(server)
    expect(peerOf(before).certificate.fingerprint).toBe(api.certificate.fingerprint)
    const next = pki.leaf('api-01')
    pki.redeliver(directory, next)
    await server.reload()
    expect(server.heard.reloaded).toEqual([next.certificate.serialNumber])
    const after = await connected(server)
    expect(peerOf(after).certificate.fingerprint).toBe(next.certificate.fingerprint)
    expect(await ask(before)).toBe('compute-07 compute_node')
  })

  it('REV-04: ends the connection of who was revoked, lets nobody else notice, and does not let it in again', async () => {
    const directory = pki.deliver(api)
    const server = await serve(pki, directory)
    const [doomed, spared] = [await connected(server), await connected(server, otherDirectory)]
    pki.redeliver(directory, api, { crls: crlsWith })
    await server.reload()
    expect(closed(server)).toEqual(['ERR_REVOKED'])
    expect(server.heard.peerClosed[0]?.peer.entity).toBe('compute-07')
    await expect.poll(() => doomed.destroyed).toBe(true)
    expect(await ask(spared)).toBe('compute-08 compute_node')
    await meet(client(pki, nodeDirectory), at(server.port))
    await expect.poll(() => server.heard.peerRefused.map(({ code }) => code)).toEqual(['ERR_REVOKED'])
  })

  it('notices by itself that the link has moved, or a file in the version changed', async () => {
    const directory = pki.deliver(api)
    const server = await serve(pki, directory, { reload: 'watch' })
    const doomed = await connected(server)
    const next = pki.leaf('api-01')
    pki.redeliver(directory, next)
    await expect.poll(() => server.heard.reloaded, { timeout: 5000 }).toEqual([next.certificate.serialNumber])
    expect(await ask(doomed)).toContain('compute-07')
    writeFileSync(join(directory, 'current/crls.pem'), crlsWith)
    await expect.poll(() => closed(server), { timeout: 5000 }).toEqual(['ERR_REVOKED'])
  })

  it('KEY-06: reads a key that is encrypted, with its passphrase', async () => {
    const passphrase = new Passphrase(Buffer.from('a passphrase of this test'))
    const key = generatePrivateKey('p256')
    const leaf = pki.leaf('api-01', { key: new MemoryKeyProvider(key) })
    const directory = pki.deliver(leaf, { key: encryptPrivateKey(key, passphrase) })
    expectCode('ERR_KEY_PASSPHRASE', () => client(pki, directory))
    const server = await serve(pki, directory, { passphrase })
    await connected(server)
  })

  it('a client uses it, too: its new key, and no server that was revoked', async () => {
    const server = await serve(pki, pki.deliver(api), { allow: 'allow-any-identified' })
    const directory = pki.deliver(node)
    const from = client(pki, directory)
    const socket = await from.connect(at(server.port))
    expect(await ask(socket)).toContain('compute-07')
    pki.redeliver(directory, other, { crls: pems(await pki.crls([api], { crlNumber: 2 })) })
    await from.reload()
    await expect.poll(() => socket.destroyed).toBe(true)
    expect(from.heard.peerClosed.map(({ error }) => error.code)).toEqual(['ERR_REVOKED'])
    expect(await meet(from, at(server.port))).toBe('ERR_REVOKED')
  })
})

describe('reload: what is not whole', () => {
  const write = (name: string, text: string) => (directory: string) => {
    writeFileSync(join(directory, 'current', name), text)
  }
  const wrongs: readonly (readonly [string, string, (directory: string) => void])[] = [
    ['KEY-09: the key of another', 'ERR_KEY_CERT_MISMATCH', write('key.pem', encodePrivateKey(privateKeyFor('else')))],
    ['KEY-09: the certificate of another', 'ERR_KEY_CERT_MISMATCH', write('fullchain.pem', pems([node.certificate]))],
    ['SVC-15: an empty bundle', 'ERR_INPUT_EMPTY', write('ca-bundle.pem', '')],
    ['SVC-15: a bundle that is no PEM', 'ERR_PEM_MALFORMED', write('ca-bundle.pem', '-----BEGIN CERTIFICATE-----\nx')],
    ['SVC-15: a bundle without a root', 'ERR_TRUST_NO_ANCHOR', write('ca-bundle.pem', pki.issuing.certificate.toPem())],
    ["SVC-15: another CA's bundle", 'ERR_PATH_NOT_FOUND', write('ca-bundle.pem', foreign.root.certificate.toPem())],
    ['REV-04: no CRLs', 'ERR_FILE_READ', (directory) => rmSync(join(directory, 'current/crls.pem'))],
    ['REV-04: an empty file of CRLs', 'ERR_INPUT_EMPTY', write('crls.pem', '')],
    ['REV-05: CRLs older than those in use', 'ERR_CRL_ROLLBACK', write('crls.pem', crlsWithout)],
    ['KEY-08: half a certificate', 'ERR_PEM_MALFORMED', write('fullchain.pem', api.certificate.toPem().slice(0, 200))],
    [
      'KEY-01: a key that others can read',
      'ERR_KEY_PERMISSIONS',
      (directory) => {
        const path = join(directory, 'current/key.pem')
        const text = readFileSync(path)
        rmSync(path)
        writeFileSync(path, text, { mode: 0o644 })
      },
    ],
    ['SVC-15: no link to a version', 'ERR_FILE_READ', (directory) => rmSync(join(directory, 'current'))],
  ]

  it.each(wrongs)('%s: keeps what was used, and says %s', async (_, code, spoil) => {
    const directory = pki.deliver(api, { crls: crlsWith })
    const server = await serve(pki, directory)
    const socket = await connected(server, otherDirectory)
    spoil(directory)
    await expectCodeAsync(code as 'ERR_FILE_READ', () => server.reload())
    expect(server.heard.refused.map((error) => error.code)).toEqual([code])
    expect(server.heard.reloaded).toEqual([])
    // As before: who was let in stays, who was refused is refused, and nobody gets in without a certificate.
    expect(await ask(socket)).toBe('compute-08 compute_node')
    await connected(server, otherDirectory)
    await meet(client(pki, nodeDirectory), at(server.port))
    await expect.poll(() => server.heard.peerRefused.map((error) => error.code)).toEqual(['ERR_REVOKED'])
  })

  it.each(wrongs.filter(([, code]) => code !== 'ERR_CRL_ROLLBACK'))('%s: a server does not start', (_, code, spoil) => {
    const directory = pki.deliver(api, { crls: crlsWith })
    spoil(directory)
    expectCode(code as 'ERR_FILE_READ', () => {
      client(pki, directory)
    })
  })
})

describe('recheck: whoever is connected', () => {
  it('SVC-02: is ended once their certificate is over, and no sooner', async () => {
    const server = await serve(pki, pki.deliver(api))
    const clock = new TestClock()
    const short = pki.leaf('compute-07', { notAfter: addSeconds(NOW, HOUR) })
    await connected(server, pki.deliver(short))
    server.clock.set(addSeconds(clock.now(), HOUR))
    await server.recheck()
    expect(closed(server)).toEqual([])
    server.clock.set(addSeconds(clock.now(), HOUR + 1))
    await server.recheck()
    expect(closed(server)).toEqual(['ERR_PATH_EXPIRED'])
  })

  it('gets the roles that it has now, and is ended when none of them is allowed, or it is quarantined', async () => {
    const roles = { now: 'roles: [a, b]' }
    const entities = (): ReturnType<typeof entitiesOfDocument> => {
      const text = `{ version: 1, roles: { a: , b: }, entities: { compute-07: { kind: node, service: compute, ${roles.now} } } }`
      return entitiesOfDocument(parseRegistryDocument(text), DOMAIN, NOW)
    }
    const identify = { mapping: pki.mapping, entities }
    const server = await serve(pki, pki.deliver(api), { identify, allow: { roles: ['a'] } })
    const socket = await connected(server)
    roles.now = 'roles: [a]'
    await server.recheck()
    expect(await ask(socket)).toBe('compute-07 a')
    roles.now = 'roles: [b]'
    await server.recheck()
    expect(closed(server)).toEqual(['ERR_TLS_PEER_DENIED'])
    roles.now = 'roles: [a]'
    await connected(server)
    roles.now = 'roles: [a], state: quarantined'
    await server.recheck()
    expect(closed(server)).toEqual(['ERR_TLS_PEER_DENIED', 'ERR_ENTITY_INACTIVE'])
  })

  it('is ended, and nobody is let in, while the registry cannot be asked', async () => {
    let isAway = false
    const entities = {
      ...pki.entities,
      entityByUri: async (uri: string) => {
        if (isAway) throw new Error('the disk is on fire')
        return pki.entities.entityByUri(uri)
      },
    }
    const server = await serve(pki, pki.deliver(api), { identify: { mapping: pki.mapping, entities } })
    await connected(server)
    isAway = true
    await server.recheck()
    expect(closed(server)).toEqual(['ERR_IDENTITY_UNMAPPED'])
    expect(server.heard.peerClosed[0]?.error.message).toContain('on fire')
    await meet(client(pki, nodeDirectory), at(server.port))
    await expect.poll(() => server.heard.peerRefused.map(({ code }) => code)).toEqual(['ERR_IDENTITY_UNMAPPED'])
  })

  it('is ended when the clock cannot be right', async () => {
    const server = await serve(pki, pki.deliver(api))
    await connected(server)
    server.clock.set(new Date(0))
    await server.recheck()
    expect(closed(server)).toEqual(['ERR_CLOCK_SUSPECT'])
  })

  it('does not let in who is revoked while the registry is being asked', async () => {
    const directory = pki.deliver(api)
    const { entities } = pki
    let [asked, answer] = [0, (): void => undefined]
    const waiting = new Promise<void>((resolve) => (answer = resolve))
    const slow = {
      ...entities,
      entityByUri: async (uri: string) => {
        asked += 1
        await waiting
        return entities.entityByUri(uri)
      },
    }
    const server = await serve(pki, directory, { identify: { mapping: pki.mapping, entities: slow } })
    const met = meet(client(pki, nodeDirectory), at(server.port))
    await expect.poll(() => asked).toBe(1)
    pki.redeliver(directory, api, { crls: crlsWith })
    await server.reload()
    answer()
    await met
    expect(server.heard.peerRefused.map(({ code }) => code)).toEqual(['ERR_REVOKED'])
    expect(server.peers).toEqual([])
  })
})

describe('CRLs that are over', () => {
  const end = addSeconds(NOW, DAY)
  const ending = async (listed: readonly (typeof node)[] = []): Promise<string> =>
    pems(await pki.crls(listed, { nextUpdate: end }))

  it('REV-05: refuse everybody, end who is there, and are told, until there are new ones', async () => {
    const directory = pki.deliver(api, { crls: await ending() })
    const server = await serve(pki, directory)
    await connected(server)
    expect(server.heard.stale).toEqual([])
    server.clock.set(addSeconds(end, 1))
    await server.reload()
    expect(server.heard.stale.map(({ code }) => code)).toEqual(['ERR_CRL_STALE'])
    expect(closed(server)).toEqual(['ERR_REVOCATION_UNKNOWN'])
    await meet(client(pki, nodeDirectory), at(server.port))
    await expect.poll(() => server.heard.peerRefused.map(({ code }) => code)).toEqual(['ERR_REVOCATION_UNKNOWN'])
    pki.redeliver(directory, api, { crls: pems(await pki.crls([], { crlNumber: 2 })) })
    await server.reload()
    await connected(server)
  })

  it('count for the stated grace and not a second longer, and it is told each time', async () => {
    const directory = pki.deliver(api, { crls: await ending([other]) })
    const server = await serve(pki, directory, { staleCrlGraceSeconds: 2 * HOUR })
    await connected(server)
    server.clock.set(addSeconds(end, 2 * HOUR))
    await server.reload()
    await server.reload()
    expect(server.heard.stale.map(({ code }) => code)).toEqual(['ERR_CRL_STALE', 'ERR_CRL_STALE'])
    expect(server.heard.stale[0]?.details['countsUntil']).toBe(addSeconds(end, 2 * HOUR).toISOString())
    expect(closed(server)).toEqual([])
    await connected(server)
    // Whom they list is revoked, however old they are.
    await meet(client(pki, otherDirectory), at(server.port))
    await expect.poll(() => server.heard.peerRefused.map(({ code }) => code)).toEqual(['ERR_REVOKED'])
    server.clock.set(addSeconds(end, 2 * HOUR + 1))
    await server.reload()
    expect(closed(server)).toEqual(['ERR_REVOCATION_UNKNOWN', 'ERR_REVOCATION_UNKNOWN'])
  })

  it('by the clock of the wall, too: OpenSSL knows no grace, so it is not asked while one lasts', async () => {
    const over = pems(await pki.crls([], { nextUpdate: new Date('2026-11-02T00:00:00Z') }))
    const clock = new TestClock(new Date('2026-11-05T00:00:00Z'))
    const strict = await serve(pki, pki.deliver(api, { crls: over }), { clock })
    await meet(client(pki, nodeDirectory), at(strict.port))
    await expect.poll(() => strict.heard.peerRefused.map(({ code }) => code)).toEqual(['ERR_REVOCATION_UNKNOWN'])
    expect(strict.heard.stale).toHaveLength(1)
    const lenient = await serve(pki, pki.deliver(api, { crls: over }), { clock, staleCrlGraceSeconds: 4 * DAY })
    await connected(lenient)
    expect(lenient.heard.stale).toHaveLength(1)
  })

  it('REV-10: of the root alone missing is nobody let in', async () => {
    const [first] = await pki.crls()
    const server = await serve(pki, pki.deliver(api, { crls: first?.toPem() ?? '' }))
    await meet(client(pki, nodeDirectory), at(server.port))
    await expect.poll(() => server.heard.peerRefused.map(({ code }) => code)).toEqual(['ERR_REVOCATION_UNKNOWN'])
  })
})
