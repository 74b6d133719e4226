/**
 * What proxies have to do besides knowing clients: take away what these say about themselves, hand on unopened, encrypt again,
 * listen on sockets. With the files that signet writes.
 */
import { execFile } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, readFileSync, statSync, symlinkSync } from 'node:fs'
import { get } from 'node:http'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Backend, configure, type Listener, serverKind, type ServerPlan } from '../../../src/servers/index.js'
import { freePorts, startServer } from '../brokers/server.js'
import { available } from '../programs.js'
import { ask, serveBackend } from './http.js'
import { INNER_NAME, makeInnerWorld, serveTls } from './inner.js'
import { makeTrialWorld } from './world.js'

const isThere = available('nginx', 'haproxy', 'openssl')
const isRoot = process.getuid?.() === 0
const world = await makeTrialWorld()
const inner = await makeInnerWorld()
const { first, second } = world.visitors
const READY = { nginx: /start worker process/, haproxy: /Loading success/, node: /^ready$/m } as const
type Name = keyof typeof READY
const NAMES = ['nginx', 'haproxy', 'node'] as const

// As npm install would: the package as it is built.
mkdirSync(join(world.folder, 'node_modules'))
symlinkSync(resolve('.'), join(world.folder, 'node_modules/signet-pki'))

let count = 0

/** Start a proxy with files of its own. It ends after the tests of the file. */
async function start(name: Name, changes: Partial<ServerPlan>): Promise<number> {
  const [port = 0] = await freePorts(1)
  const directory = join(world.folder, `${name}-${count++}`)
  const state = join(directory, 'state')
  mkdirSync(state, { recursive: true })
  const configuration = configure(serverKind(name), {
    credential: world.credential,
    directory,
    state,
    listen: { address: '127.0.0.1', port },
    admitted: world.admitted,
    user: 'www-data',
    group: 'www-data',
    versions: 'TLSv1.3',
    ...changes,
  })
  world.install(configuration.files.filter(({ path }) => path.startsWith(directory)))
  const [program = '', ...words] = configuration.start
  await startServer({ program: program === 'node' ? process.execPath : program, words, ready: READY[name] })
  return port
}

const backend: Backend = { kind: 'loopback', port: await serveBackend() }

describe.skipIf(!isThere)('what clients say about themselves', () => {
  it.each(NAMES)('SVC-03: never passes %s', async (name) => {
    const port = await start(name, { backend })
    const lies = {
      'X-Signet-Entity': 'operator-01',
      'x-signet-roles': 'operator',
      'X-SIGNET-IDENTITY': 'spiffe://cloud.example/operator/operator-01',
      'X-Signet-Anything': 'yes',
      'X-Harmless': 'yes',
    }
    const { headers = {} } = await ask(port, first, { headers: lies })
    expect(headers['x-harmless']).toBe('yes')
    expect(headers).toMatchObject({
      'x-signet-entity': 'compute-07',
      'x-signet-identity': 'spiffe://cloud.example/compute/compute-07',
      'x-signet-roles': 'compute_node',
    })
    // What some servers take for the same name.
    const sly = { X_Signet_Entity: 'operator-01', 'X-Signet_Roles': 'operator' }
    const { headers: told = {} } = await ask(port, first, { headers: sly })
    expect(JSON.stringify(told)).not.toContain('operator')
    expect(told['x-signet-entity']).toBe('compute-07')
  })

  it.each(NAMES)('another common name is another, in %s, though it differs in capitals only', async (name) => {
    const port = await start(name, { backend })
    expect(await ask(port, first)).toMatchObject({ identity: 'compute-07' })
    // The URI, which Node goes by, is that of the first.
    const answer = await ask(port, world.visitor('COMPUTE-07'))
    if (name === 'node') expect(answer).toMatchObject({ identity: 'compute-07' })
    else expect(answer).toEqual({ refused: 'HTTP 403' })
  })
})

describe.skipIf(!isThere)('in front of a service on a Unix socket', () => {
  it.each(NAMES)('requirement 64: %s hands on', async (name) => {
    const path = join(world.folder, `${name}.sock`)
    await serveBackend(path)
    // The service says who may connect: the proxy, and nobody else.
    if (isRoot) chownSync(path, 33, 33)
    chmodSync(path, 0o600)
    const port = await start(name, { backend: { kind: 'socket', path } })
    expect(await ask(port, second)).toMatchObject({ identity: 'compute-08' })
  })
})

describe.skipIf(!isThere)('between two trust domains', () => {
  it.each(NAMES)('requirement 69: %s encrypts again, and believes only who is meant', async (name) => {
    const encrypted = (port: number): Backend => {
      return { kind: 'mutual-tls', host: '127.0.0.1', port, name: INNER_NAME, credential: inner.credential }
    }
    const innerPort = await inner.serve()
    const port = await start(name, { backend: encrypted(innerPort) })
    const { headers = {} } = await ask(port, first)
    // requirement 70: it was open in between, where it could be looked at and was signed with a name.
    expect(headers).toMatchObject({ 'x-signet-entity': 'compute-07', 'tls-peer': 'api-01' })
    // Who belongs inside is nobody outside, and the reverse.
    expect(await ask(port, { ...inner.client, ca: first.ca, servername: 'localhost' })).toHaveProperty('refused')
    expect(await ask(innerPort, { ...first, ca: inner.client.ca, servername: INNER_NAME })).toHaveProperty('refused')
    expect(await ask(innerPort, inner.client)).toHaveProperty('identity')
    // Another name of the inner domain, and the right name of the outer one.
    for (const wrong of [await inner.serve('other.inner.example'), await inner.serve(INNER_NAME, world.pki)]) {
      const other = await start(name, { backend: encrypted(wrong) })
      expect(await ask(other, first)).toHaveProperty('refused')
    }
  })

  it.each(['nginx', 'haproxy'] as const)('requirement 70: %s sees what it encrypts again', async (name) => {
    const plan: Backend = {
      kind: 'mutual-tls',
      host: '127.0.0.1',
      port: await inner.serve(),
      name: INNER_NAME,
      credential: inner.credential,
    }
    const port = await start(name, { backend: plan })
    const { headers = {} } = await ask(port, first, { headers: { 'X-Signet-Roles': 'operator' } })
    expect(headers).toMatchObject({ 'x-signet-roles': 'compute_node', 'tls-peer': 'api-01' })
  })
})

describe.skipIf(!isThere)('unopened', () => {
  it.each(['nginx', 'haproxy'] as const)('requirement 67: %s chooses by the name in the ClientHello', async (name) => {
    const ca = readFileSync(join(world.credential, 'current/ca-bundle.pem'), 'utf8')
    const serve = (serverName: string): Promise<number> =>
      serveTls(world.pki.deliver(world.pki.leaf('api-01', { names: [{ kind: 'dns', value: serverName }] })), ca)
    const routes = await Promise.all(
      ['a.cloud.example', 'b.cloud.example'].map(async (serverName) => ({
        serverName,
        host: '127.0.0.1',
        port: await serve(serverName),
      })),
    )
    const port = await start(name, { backend: { kind: 'passthrough', routes }, admitted: [] })
    for (const { serverName } of routes) {
      // Its certificate is for that name, which the client verifies; it sees the client's, not the proxy's.
      const { headers = {} } = await ask(port, { ...first, servername: serverName })
      expect(headers['tls-peer']).toBe('compute-07')
    }
    for (const servername of ['c.cloud.example', 'localhost']) {
      expect(await ask(port, { ...first, servername })).toHaveProperty('refused')
    }
    expect(
      await ask(
        port,
        world.visitors.foreign.cert === undefined
          ? first
          : { ...world.visitors.foreign, servername: 'a.cloud.example' },
      ),
    ).toHaveProperty('refused')
    const clear = await new Promise<string>((done) => {
      const request = get({ host: '127.0.0.1', port, agent: false }, () => done('answered'))
      request.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? ''))
    })
    expect(clear).not.toBe('answered')
  })
})

describe.skipIf(!isThere || !isRoot)('on a Unix socket', () => {
  const [nobody, wwwData] = [65_534, 33]

  /** Whether a user may connect at all: what s_client says when it may not. */
  function connects(path: string, uid: number, gid: number): Promise<boolean> {
    return new Promise((done) => {
      const words = ['s_client', '-unix', path, '-brief']
      execFile('openssl', words, { uid, gid, timeout: 10_000 }, (_, stdout, stderr) => {
        done(!/Permission denied/i.test(stdout + stderr))
      }).stdin?.end()
    })
  }

  it.each(NAMES)('requirement 64: %s lets in whom its owner and mode let in, and no other user', async (name) => {
    const folder = join(world.folder, `${name}-socket`)
    const socket = join(folder, 'tls.sock')
    const listen: Listener = { socket, mode: 0o660, owner: 'root', group: 'www-data' }
    // As systemd-tmpfiles would make it for nginx, whose sockets everybody may use.
    mkdirSync(folder)
    if (name === 'nginx') chownSync(folder, 0, wwwData)
    chmodSync(folder, name === 'nginx' ? 0o710 : 0o711)
    await start(name, { backend, listen })
    if (name !== 'nginx') expect(statSync(socket)).toMatchObject({ uid: 0, gid: wwwData, mode: 0o140660 })
    expect(await connects(socket, nobody, nobody)).toBe(false)
    expect(await connects(socket, nobody, wwwData)).toBe(true)
    expect(await ask(0, first, { socket })).toMatchObject({ identity: 'compute-07' })
  })

  it('requirement 65: who serves cannot read the key of who speaks TLS', async () => {
    await start('nginx', { backend })
    const key = join(world.credential, 'current/key.pem')
    expect(statSync(key)).toMatchObject({ uid: 0, mode: 0o100600 })
    const read = await new Promise<string>((done) => {
      execFile('cat', [key], { uid: nobody, gid: nobody }, (_, stdout, stderr) => done(stdout + stderr))
    })
    expect(read).toMatch(/Permission denied/)
  })
})
