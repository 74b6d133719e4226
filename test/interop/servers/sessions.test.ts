/**
 * Sessions that clients keep: worth nothing after a revocation with the files that signet writes, in TLS 1.2, too; and worth
 * everything without the lines that turn them off.
 */
import { mkdirSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { configure, lintConfiguration, serverKind } from '../../../src/servers/index.js'
import { freePorts, startServer } from '../brokers/server.js'
import { available } from '../programs.js'
import { ask, serveBackend, type Told } from './http.js'
import { reloadWith } from './trial.js'
import { makeTrialWorld } from './world.js'

const isThere = available('nginx', 'haproxy', 'openssl')
const READY = { nginx: /start worker process/, haproxy: /Loading success/, node: /^ready$/m } as const
const VERSIONS = ['TLSv1.3', 'TLSv1.2'] as const
const backend = { kind: 'loopback', port: await serveBackend() } as const

type Name = keyof typeof READY
type Version = (typeof VERSIONS)[number]

interface Resumed {
  /** What the checker says of the configuration. */
  readonly codes: readonly string[]
  readonly hasSession: boolean
  /** With the session and without, after the owner of both was revoked. */
  readonly withSession: Told
  readonly without: Told
}

/** Keep a session, be revoked, have the server reload, come again. */
async function resume(name: Name, maxVersion: Version, change = (text: string): string => text): Promise<Resumed> {
  const world = await makeTrialWorld()
  const [port = 0] = await freePorts(1)
  const kind = serverKind(name)
  const configuration = configure(kind, {
    credential: world.credential,
    directory: world.folder,
    state: world.state('root'),
    listen: { address: '127.0.0.1', port },
    backend,
    admitted: world.admitted,
    user: 'www-data',
    group: 'www-data',
    versions: 'allow-TLSv1.2',
  })
  const files = configuration.files.map((file) => ({ ...file, content: change(file.content) }))
  world.install(files)
  if (name === 'node') {
    mkdirSync(join(world.folder, 'node_modules'))
    symlinkSync(resolve('.'), join(world.folder, 'node_modules/signet-pki'))
  }
  const [program = '', ...words] = configuration.start
  await startServer({ program: program === 'node' ? process.execPath : program, words, ready: READY[name] })
  const { leaver } = world.visitors
  let session: Buffer | undefined
  const heard = (socket: { on(event: 'session', listener: (data: Buffer) => void): unknown }): void => {
    socket.on('session', (data) => (session = data))
  }
  expect(await ask(port, leaver, { maxVersion, heard })).toMatchObject({ identity: 'operator-01' })
  await world.deliver({ crls: 'leaver-revoked' })
  await reloadWith(configuration)
  await expect
    .poll(() => ask(port, leaver, { maxVersion }), { timeout: 20_000, interval: 20 })
    .toHaveProperty('refused')
  return {
    codes: lintConfiguration(kind, new Map(files.map(({ path, content }) => [path, content]))).map(({ code }) => code),
    hasSession: session !== undefined,
    withSession: await ask(port, leaver, { maxVersion, session }),
    without: await ask(port, leaver, { maxVersion }),
  }
}

describe.skipIf(!isThere)('a session from before a revocation', { timeout: 60_000 }, () => {
  const cases = (['nginx', 'haproxy', 'node'] as const).flatMap((name) =>
    VERSIONS.map((version) => [name, version] as const),
  )
  it.each(cases)('SVC-02: opens nothing at %s in %s', async (name, version) => {
    expect(await resume(name, version)).toMatchObject({
      codes: [],
      withSession: { refused: expect.any(String) as string },
    })
  })

  it.each(VERSIONS)(
    'SVC-02: lets the revoked into an nginx that keeps sessions, in %s, which the checker finds',
    async (version) => {
      const found = await resume('nginx', version, (text) =>
        text.replace('ssl_session_cache off', 'ssl_session_cache shared:signet:1m'),
      )
      expect(found).toMatchObject({
        codes: ['resumption'],
        hasSession: true,
        withSession: { identity: 'operator-01' },
        without: { refused: expect.any(String) as string },
      })
    },
  )
})
