/**
 * A rotation from end to end over three servers that run all the while: nginx, HAProxy, and our own. Clients come and go
 * without end, one that always has the newest files and one that is late; nobody is refused before the old CA is retired,
 * and then the old one is.
 */
import { cpSync, readFileSync, realpathSync } from 'node:fs'
import { createServer } from 'node:http'
import { get } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createMutualHttpsServer } from '../../../src/tls/index.js'
import { openTrustDirectory } from '../../../src/trust/index.js'
import { makeDeployment } from '../../support/deployment.js'
import { eventually, freePorts, startServer } from '../brokers/server.js'
import { available } from '../programs.js'

const hasServers = available('nginx', 'haproxy')
const SERVERS = ['web-01', 'bus-01', 'api-01'] as const
const CLIENTS = ['eager-01', 'late-01'] as const
const cloud = await makeDeployment({
  entities: [...SERVERS, ...CLIENTS].map((id) => ({ id, ip: ['127.0.0.1'], roles: ['worker'], scope: 'region-one' })),
})
await cloud.publishTrust()
const [web = 0, bus = 0, plain = 0] = await freePorts(3)
const current = (id: string): string => cloud.path('credentials', id, 'tls', 'current')

/** What a client or server is given, read at one moment. */
interface Files {
  readonly key: string
  readonly cert: string
  readonly ca: string
  readonly crl: readonly string[]
}

function filesOf(folder: string): Files {
  // A swap meanwhile leaves us with one version, not with halves of two.
  const version = realpathSync(folder)
  const read = (name: string): string => readFileSync(join(version, name), 'utf8')
  return {
    key: read('key.pem'),
    cert: read('fullchain.pem'),
    ca: read('ca-bundle.pem'),
    crl: read('crls.pem').split(/(?<=-----END X509 CRL-----\n)/),
  }
}

const NGINX = `daemon off;
worker_processes 1;
pid ${cloud.path('nginx.pid')};
error_log stderr notice;
events { worker_connections 64; }
http {
  access_log off;
  client_header_timeout 300s;
  client_body_temp_path ${cloud.path('body')};
  proxy_temp_path ${cloud.path('proxy')};
  fastcgi_temp_path ${cloud.path('fastcgi')};
  uwsgi_temp_path ${cloud.path('uwsgi')};
  scgi_temp_path ${cloud.path('scgi')};
  server {
    listen 127.0.0.1:${web} ssl;
    ssl_protocols TLSv1.3;
    ssl_certificate ${current('web-01')}/fullchain.pem;
    ssl_certificate_key ${current('web-01')}/key.pem;
    ssl_client_certificate ${current('web-01')}/ca-bundle.pem;
    ssl_crl ${current('web-01')}/crls.pem;
    ssl_verify_client on;
    ssl_verify_depth 3;
    ssl_session_cache off;
    ssl_session_tickets off;
    location / { return 200 "$ssl_client_s_dn"; }
  }
}
`

// As TCP: a process that stops sends away who has come and asked nothing yet, where it speaks HTTP.
const HAPROXY = `global
  stats socket ${cloud.path('haproxy.sock')} mode 600 expose-fd listeners
  tune.ssl.cachesize 0
  ssl-default-bind-options ssl-min-ver TLSv1.3 no-tls-tickets
defaults
  mode tcp
  timeout connect 5m
  timeout client 5m
  timeout server 5m
frontend bus
  bind 127.0.0.1:${bus} ssl crt ${current('bus-01')}/combined.pem ca-file ${current('bus-01')}/ca-bundle.pem crl-file ${current('bus-01')}/crls.pem verify required
  default_backend plain
backend plain
  server plain 127.0.0.1:${plain}
`

/** Ask a web server once. @returns What it answered. */
function ask(port: number, { crl, ...files }: Files): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, agent: false, ...files, crl: [...crl] }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => (body += text))
      response.on('error', reject)
      response.on('end', () => {
        if (response.statusCode === 200) resolve(body)
        else reject(new Error(`${String(response.statusCode)} ${body}`))
      })
    })
    request.on('error', reject)
  })
}

/** Tell the first process of a server, and no other, to begin again. */
function signal(pidFile: string, name: NodeJS.Signals): void {
  process.kill(Number(cloud.read(pidFile).toString().trim()), name)
}

let stopped = false
afterAll(() => {
  stopped = true
})

/** Somebody who comes again and again until the end. */
class Loop {
  count = 0
  readonly failures: string[] = []
  readonly ended: Promise<void>

  constructor(name: string, once: () => Promise<unknown>) {
    this.ended = this.#run(name, once)
  }

  async #run(name: string, once: () => Promise<unknown>): Promise<void> {
    while (!stopped) {
      try {
        await once()
        this.count++
      } catch (error) {
        this.failures.push(`${name}, after ${this.count}: ${String(error)}`)
        return
      }
    }
  }
}

describe.skipIf(!hasServers)('a rotation over nginx, HAProxy and our own server', () => {
  it('nobody is refused before the old issuing CA is retired, and then it is', { timeout: 120_000 }, async () => {
    const behind = createServer((_request, response) => response.end('served'))
    await new Promise<void>((resolve) => behind.listen(plain, '127.0.0.1', resolve))
    afterAll(() => behind.close())
    const nginx = await startServer({
      program: 'nginx',
      words: ['-e', 'stderr', '-p', cloud.folder, '-c', cloud.write('nginx.conf', NGINX)],
      ready: /start worker process \d+/,
    })
    const haproxy = await startServer({
      program: 'haproxy',
      words: ['-W', '-p', cloud.path('haproxy.pid'), '-f', cloud.write('haproxy.cfg', HAPROXY)],
      ready: /Loading success/,
    })
    const trust = () =>
      openTrustDirectory(readFileSync(cloud.trustFile), {
        pin: cloud.pin,
        at: new Date(),
        memory: 'allow-forgetting',
      })
    let directory = trust()
    const said: string[] = []
    const own = createMutualHttpsServer(
      {
        credential: cloud.path('credentials', 'api-01', 'tls'),
        identify: { trust: () => directory },
        allow: { roles: ['worker'] },
        clock: { now: () => new Date() },
        reload: 'explicit',
        // Commands run in this process, and nobody here answers while they do: on a busy machine that takes seconds.
        handshakeSeconds: 300,
        listener: {
          refused: (error) => said.push(error.message),
          stale: (error) => said.push(error.message),
          peerRefused: (error) => said.push(error.message),
          peerClosed: (error) => said.push(error.message),
        },
      },
      (_request, response, { identity }) => response.end(identity.entity),
    )
    await new Promise<void>((resolve) => own.server.listen(0, '127.0.0.1', resolve))
    afterAll(async () => own.close())
    const { port: api } = own.server.address() as AddressInfo

    /** Whoever is late reads its files when it is told to. */
    let late = filesOf(current('late-01'))
    const files = (client: string): Files => (client === 'late-01' ? late : filesOf(current(client)))
    const loops = CLIENTS.flatMap((client) => [
      new Loop(`${client} at nginx`, async () => ask(web, files(client))),
      new Loop(`${client} at HAProxy`, async () => ask(bus, files(client))),
      new Loop(`${client} at our own`, async () => ask(api, files(client))),
    ])
    /** Everybody has been served several times since now, or somebody was refused. */
    const served = async (): Promise<void> => {
      const before = loops.map(({ count }) => count)
      await eventually(
        () =>
          loops.some(({ failures }) => failures.length > 0) ||
          loops.every(({ count }, index) => count > (before[index] ?? 0) + 2),
      ).toBe(true)
      expect(loops.flatMap(({ failures }) => failures)).toEqual([])
      expect(said).toEqual([])
    }
    let reloads = 0
    const reloaded = async (): Promise<void> => {
      reloads++
      await cloud.publishTrust()
      directory = trust()
      signal('nginx.pid', 'SIGHUP')
      signal('haproxy.pid', 'SIGUSR2')
      await own.reload()
      const times = (log: string, what: RegExp): number => [...log.matchAll(what)].length
      await eventually(() => times(nginx.log(), /exited with code 0/g)).toBe(reloads)
      await eventually(() => times(haproxy.log(), /Former worker \(\d+\) exited/g)).toBe(reloads)
      await served()
    }
    const rotate = async (words: string): Promise<Record<string, unknown>> =>
      (await cloud.signet(`rotate ${words} --json`)).json
    const deliver = async (): Promise<unknown> => rotate('deliver --credentials credentials')

    await served()
    cpSync(realpathSync(current('late-01')), cloud.path('kept'), { recursive: true })

    // Staged: both are trusted, servers first, then clients.
    expect(await rotate('stage --root root-offline')).toMatchObject({ state: 'staged' })
    await deliver()
    await reloaded()
    late = filesOf(current('late-01'))
    await served()
    expect(await rotate('acknowledge --all --credentials credentials')).toMatchObject({ unacknowledged: [] })

    // Certificates of both, at servers and clients.
    expect(await rotate('reissue --out credentials')).toMatchObject({ state: 'reissuing', issued: 10, left: [] })
    await served()
    await reloaded()
    late = filesOf(current('late-01'))
    await served()

    // The old ones are superseded.
    expect(await rotate('cut-over --revoke')).toMatchObject({ state: 'cut-over', blocks: [] })
    await deliver()
    await reloaded()
    const kept = filesOf(cloud.path('kept'))
    await expect(ask(web, { ...kept, ca: late.ca, crl: late.crl })).rejects.toThrow(/400/)
    await expect(ask(bus, { ...kept, ca: late.ca, crl: late.crl })).rejects.toThrow()
    await expect(ask(api, { ...kept, ca: late.ca, crl: late.crl })).rejects.toThrow()
    said.splice(0)

    // Retired: nobody trusts it.
    expect(await rotate('retire')).toMatchObject({ state: 'none' })
    await deliver()
    await reloaded()
    late = filesOf(current('late-01'))
    await served()
    stopped = true
    for (const { ended } of loops) await ended
    expect(loops.flatMap(({ failures }) => failures)).toEqual([])
    const old = { ...kept, ca: late.ca, crl: late.crl }
    await expect(ask(web, old)).rejects.toThrow()
    await expect(ask(api, old)).rejects.toThrow()
    await expect(ask(bus, old)).rejects.toThrow()
    await cloud.signet('audit verify')
  })
})
