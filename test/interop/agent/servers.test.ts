/**
 * An agent before real servers: the library's own, and nginx. Certificates are renewed and CRLs delivered while clients ask
 * without a break; a reload that fails, or a server that answers with something else, leads back.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { type AgentEvent, openAgent, parseAgentConfiguration, type PassReport } from '../../../src/agent/index.js'
import { loadCredential } from '../../../src/credential/index.js'
import { createMutualHttpsServer } from '../../../src/tls/index.js'
import { Certificate, parseCertificate } from '../../../src/x509/index.js'
import { makeDeployment, WALL_CLOCK } from '../../support/deployment.js'
import { available } from '../programs.js'

vi.setConfig({ testTimeout: 30_000 })

const cloud = await makeDeployment({
  entities: [
    { id: 'web-01', kind: 'service' },
    { id: 'proxy-01', kind: 'service' },
    { id: 'client-01' },
    { id: 'client-02' },
  ],
})
const events: AgentEvent[] = []

/** One pass of an agent over one credential. */
async function pass(item: Record<string, unknown>, renew: 'due' | 'now' = 'due'): Promise<PassReport> {
  events.length = 0
  const configuration = parseAgentConfiguration(
    JSON.stringify({
      version: 1,
      status: `status-${String(item['entity'])}.json`,
      source: { authority: 'home', passphraseFile: 'passphrase' },
      credentials: [{ profile: 'server', ...item }],
    }),
    cloud.folder,
  )
  const agent = openAgent(configuration, {
    clock: WALL_CLOCK,
    random: () => 0.5,
    listener: (event) => events.push(event),
  })
  try {
    return await agent.pass({ renew })
  } finally {
    agent.close()
  }
}

const happened = (): readonly string[] => events.map(({ event }) => event).filter((event) => event !== 'passed')
const serialOf = (directory: string): string => loadCredential(directory).certificate.serialNumber

interface Answer {
  readonly status: number
  readonly served: Certificate
}

/** Ask once, over a connection of its own. */
function ask(port: number, client: string, name: string): Promise<Answer> {
  const { key, fullchain, caBundle } = cloud.credential(`${client}/tls`)
  const [pem, cert, ca] = [key, fullchain, caBundle].map((file) => readFileSync(file))
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, key: pem, cert, ca, servername: name, agent: false, path: '/' }
    const sent = request({ ...options, headers: { host: name } }, (response) => {
      const socket = response.socket as unknown as { getPeerCertificate(): { raw: Buffer } }
      const served = parseCertificate(socket.getPeerCertificate().raw)
      response.resume().on('end', () => {
        resolve({ status: response.statusCode ?? 0, served })
      })
    })
    sent.on('error', reject).end()
  })
}

/** Ask without a break while some work is done; every question must be answered. */
async function underLoad(port: number, name: string, work: () => Promise<void>): Promise<readonly Answer[]> {
  const answers: Answer[] = []
  let isOver = false
  const asking = [1, 2].map(async () => {
    while (!isOver) answers.push(await ask(port, 'client-01', name))
  })
  try {
    await work()
  } finally {
    isOver = true
  }
  await Promise.all(asking)
  return answers
}

/** Wait for something that will be. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (await condition()) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('it did not come')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

describe('an agent before a server of the library', async () => {
  const directory = cloud.path('web')
  const item = { directory, entity: 'web-01' }
  const name = 'web-01.cloud.example'
  await pass(item)
  const server = createMutualHttpsServer(
    {
      credential: directory,
      identify: 'allow-unregistered',
      allow: 'allow-any-identified',
      clock: WALL_CLOCK,
      listener: { refused: () => undefined, stale: () => undefined },
    },
    (_request, response, peer) => response.end(peer.identity.entity),
  )
  server.server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  const { port } = server.server.address() as AddressInfo
  afterAll(() => server.close())
  const probed = { ...item, probe: { port, serverName: name } }

  it('renews without a request that is lost, and the server answers with the new certificate', async () => {
    const before = serialOf(directory)
    const answers = await underLoad(port, name, async () => {
      const report = await pass(probed, 'now')
      expect(report.exitCode).toBe(0)
      expect(happened()).toEqual(['renewed', 'reloaded'])
    })
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    const after = serialOf(directory)
    expect(after).not.toBe(before)
    expect((await ask(port, 'client-01', name)).served.serialNumber).toBe(after)
  })

  it('REV-04: brings a revocation to the server, which lets the client in no more', async () => {
    expect((await ask(port, 'client-02', name)).status).toBe(200)
    await cloud.signet('revoke client-02 --reason keyCompromise')
    expect((await pass(probed)).exitCode).toBe(0)
    expect(happened()).toEqual(['trust-delivered', 'reloaded'])
    await until(() =>
      ask(port, 'client-02', name).then(
        () => false,
        () => true,
      ),
    )
    expect((await ask(port, 'client-01', name)).status).toBe(200)
  })
})

const hasNginx = available('nginx')

describe.skipIf(!hasNginx)('an agent before nginx', async () => {
  const directory = cloud.path('proxy')
  const name = 'proxy-01.cloud.example'
  const item = { directory, entity: 'proxy-01', group: '0' }
  if (!hasNginx) return
  await pass(item)
  const port = await freePort()
  const folder = cloud.path('nginx')
  const current = join(directory, 'current')
  cloud.write(
    'nginx/nginx.conf',
    `daemon off; pid ${folder}/pid; error_log ${folder}/error.log; worker_processes 1;
events {}
http {
  access_log off;
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${current}/fullchain.pem; ssl_certificate_key ${current}/key.pem;
    ssl_client_certificate ${current}/ca-bundle.pem; ssl_crl ${current}/crls.pem;
    ssl_verify_client on; ssl_verify_depth 2; ssl_protocols TLSv1.3;
    ssl_session_cache off; ssl_session_tickets off;
    location / { return 200 "\$ssl_client_s_dn\n"; }
  }
}
`,
  )
  const command = ['nginx', '-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')]
  const [program = '', ...words] = command
  const nginx: ChildProcess = spawn(program, words, { stdio: 'ignore' })
  afterAll(async () => {
    if (nginx.exitCode !== null) return
    nginx.kill('SIGTERM')
    await once(nginx, 'exit')
  })
  const probed = { ...item, probe: { port, serverName: name }, reload: [...command, '-s', 'reload'] }
  await until(() =>
    ask(port, 'client-01', name).then(
      () => true,
      () => false,
    ),
  )

  it('renews without a request that is lost, and nginx answers with the new certificate', async () => {
    const before = serialOf(directory)
    const answers = await underLoad(port, name, async () => {
      expect((await pass(probed, 'now')).exitCode).toBe(0)
    })
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    const after = serialOf(directory)
    expect(after).not.toBe(before)
    await until(async () => (await ask(port, 'client-01', name)).served.serialNumber === after)
  })

  it('goes back where the reload fails: nginx has the old certificate, and files that fit', async () => {
    const before = serialOf(directory)
    const report = await pass({ ...probed, reload: ['false'], probe: { ...probed.probe, timeout: '1s' } }, 'now')
    expect(report.exitCode).toBe(8)
    expect(happened()).toEqual(['renewed', 'rolled-back', 'failed'])
    expect(serialOf(directory)).toBe(before)
    expect((await ask(port, 'client-01', name)).served.serialNumber).toBe(before)
    expect(spawnSync(program, [...words, '-t']).status).toBe(0)
  })

  it('goes back where nginx was told, and does not answer with the new certificate', async () => {
    const before = serialOf(directory)
    const conf = join(folder, 'nginx.conf')
    const text = readFileSync(conf, 'utf8')
    // The signal is sent, and the master keeps its old workers, as its configuration is wrong.
    const reload = ['sh', '-c', 'echo nonsense >> "$1" && kill -HUP "$(cat "$2")"', 'sh', conf, join(folder, 'pid')]
    const report = await pass({ ...probed, reload, probe: { ...probed.probe, timeout: '2s' } }, 'now')
    expect(report.exitCode).toBe(7)
    expect(events.find(({ event }) => event === 'failed')).toMatchObject({ error: { code: 'ERR_AGENT_PROBE' } })
    expect(serialOf(directory)).toBe(before)
    expect((await ask(port, 'client-01', name)).served.serialNumber).toBe(before)
    // Once it is repaired, what comes next is taken up.
    writeFileSync(conf, text)
    await cloud.signet('revoke web-01 --reason superseded')
    expect((await pass(probed)).exitCode).toBe(0)
    expect(happened()).toEqual(['trust-delivered', 'reloaded'])
  })
})
