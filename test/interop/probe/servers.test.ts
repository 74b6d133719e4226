/** The probe on real servers: a careful one shows nothing, and what one cannot do, or was told wrong, is found. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdirSync, readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import type { ProbeRow } from '../../../src/probe/index.js'
import { makeDeployment, WALL_CLOCK } from '../../support/deployment.js'
import { notOk } from '../../probe/rows.js'
import { eventually, freePorts, type Server, startServer } from '../brokers/server.js'
import { available } from '../programs.js'

const hasNginx = available('nginx')
const hasHaproxy = available('haproxy')
const hasRedis = available('redis-server')
const hasNats = available('nats-server')
const hasMosquitto = available('mosquitto')

/** An hour ago, so that what lives for a second is over. */
const EARLIER = { now: () => new Date(WALL_CLOCK.now().getTime() - 3_600_000) }
const now = { clock: WALL_CLOCK }
const cloud = await makeDeployment({
  clock: EARLIER,
  entities: [
    { id: 'billing', kind: 'service' },
    { id: 'web-01', kind: 'service', service: 'web', ip: ['127.0.0.1'] },
  ],
})
const files = {
  cert: cloud.path('credentials/web-01/tls/current/fullchain.pem'),
  key: cloud.path('credentials/web-01/tls/current/key.pem'),
  ca: cloud.path('credentials/web-01/tls/current/ca-bundle.pem'),
  crls: cloud.crlsFile,
}
const GOOD_DN = 'CN=billing,OU=billing,O=cloud.example'

await cloud.signet('probe kit --out kit --entity billing')
await cloud.publishCrls()

interface Probed {
  readonly code: number
  readonly rows: readonly ProbeRow[]
  readonly found: Readonly<Record<string, string>>
  readonly identity: string | undefined
}

async function probe(port: number, words: string): Promise<Probed> {
  const line = `probe 127.0.0.1:${port} --credential credentials/billing/tls --kit kit --timeout 30 --json ${words}`
  const { code, json } = await cloud.run(line, now)
  const rows = (json['rows'] ?? []) as readonly ProbeRow[]
  return { code, rows, found: notOk(rows), identity: rows.find((row) => row.case === 'good')?.identity }
}

const happened = ({ rows }: Probed, name: string): string | undefined => rows.find((row) => row.case === name)?.happened

// Servers are started while the tests are gathered: only then is somebody told to stop them.

/** One as it should be, one whose sessions live on, and one that asks for certificates and passes headers on. */
const config = ([careful, resuming, optional, behind]: readonly number[], folder: string): string => `
daemon off; pid ${folder}/pid; error_log stderr notice; worker_processes 1;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/1; proxy_temp_path ${folder}/2; fastcgi_temp_path ${folder}/3;
  uwsgi_temp_path ${folder}/4; scgi_temp_path ${folder}/5;
  ssl_certificate ${files.cert}; ssl_certificate_key ${files.key}; ssl_protocols TLSv1.2 TLSv1.3;
  ssl_client_certificate ${files.ca}; ssl_verify_depth 2; ssl_crl ${files.crls}; ssl_session_tickets off;
  map $ssl_client_s_dn $who { default ""; "${GOOD_DN}" "billing"; }
  server {
    listen 127.0.0.1:${careful} ssl; ssl_verify_client on; ssl_session_cache off;
    location / {
      if ($who = "") { return 403; }
      proxy_set_header X-Client-Identity $who;
      proxy_pass http://127.0.0.1:${behind};
    }
  }
  server {
    listen 127.0.0.1:${resuming} ssl; ssl_verify_client on; ssl_session_cache shared:a:1m;
    location / { if ($who = "") { return 403; } add_header X-Who $who; return 200 "hello"; }
  }
  server {
    listen 127.0.0.1:${optional} ssl; ssl_verify_client optional; ssl_session_cache off;
    location / { proxy_pass http://127.0.0.1:${behind}; }
  }
}
`

interface Nginx {
  readonly nginx: Server
  readonly ports: readonly number[]
}

async function startNginx(): Promise<Nginx> {
  // What is behind nginx believes what nginx says, and says for whom it takes a client.
  const service = createServer(({ headers }, response) => {
    response.writeHead(200, { 'x-who': String(headers['x-client-identity'] ?? 'billing') }).end()
  })
  service.listen(0, '127.0.0.1')
  await once(service, 'listening')
  afterAll(() => void service.close())
  const ports = [...(await freePorts(3)), (service.address() as AddressInfo).port]
  const folder = cloud.path('nginx')
  mkdirSync(folder)
  const file = cloud.write('nginx.conf', config(ports, folder))
  const words = ['-c', file, '-p', folder]
  return { nginx: await startServer({ program: 'nginx', words, ready: /start worker process/ }), ports }
}

async function startHaproxy(): Promise<number> {
  const [port = 0] = await freePorts(1)
  const both = cloud.write('web-01.pem', readFileSync(files.cert, 'utf8') + readFileSync(files.key, 'utf8'), 0o600)
  const config = `
global
ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets
tune.ssl.cachesize 0
defaults
mode http
timeout client 10s
frontend web
bind 127.0.0.1:${port} ssl crt ${both} ca-file ${files.ca} crl-file ${files.crls} verify required
http-request deny deny_status 403 if !{ ssl_c_s_dn(CN) -m str billing }
http-request return status 200 hdr x-who %[ssl_c_s_dn(CN)]
`
  const file = cloud.write('haproxy.cfg', config)
  await startServer({ program: 'haproxy', words: ['-W', '-f', file], ready: /Loading success/ })
  return port
}

async function startRedis(): Promise<number> {
  const [port = 0] = await freePorts(1)
  await startServer({
    program: 'redis-server',
    words: [
      ...['--port', '0', '--tls-port', String(port), '--bind', '127.0.0.1', '--save', ''],
      ...['--tls-cert-file', files.cert, '--tls-key-file', files.key, '--tls-ca-cert-file', files.ca],
      ...['--tls-auth-clients', 'yes', '--tls-session-caching', 'no'],
    ],
    directory: cloud.folder,
    ready: /Ready to accept connections/,
  })
  return port
}

async function startNats(): Promise<number> {
  const [port = 0] = await freePorts(1)
  const config = `
listen: "127.0.0.1:${port}"
tls { cert_file: "${files.cert}", key_file: "${files.key}", ca_file: "${files.ca}", verify_and_map: true, timeout: 5 }
authorization { users: [ { user: "${GOOD_DN}" } ] }
`
  const file = cloud.write('nats.conf', config)
  await startServer({ program: 'nats-server', words: ['-c', file], ready: /Server is ready/ })
  return port
}

async function startMosquitto(): Promise<number> {
  const [port = 0] = await freePorts(1)
  const config = `
per_listener_settings true
listener ${port} 127.0.0.1
certfile ${files.cert}
keyfile ${files.key}
cafile ${files.ca}
crlfile ${files.crls}
require_certificate true
use_identity_as_username true
allow_anonymous false
user root
`
  const file = cloud.write('mosquitto.conf', config)
  const ready = /mosquitto version \S+ running/
  await startServer({ program: 'mosquitto', words: ['-c', file], ready })
  return port
}

const nginx = hasNginx ? await startNginx() : undefined
const haproxy = hasHaproxy ? await startHaproxy() : undefined
const redis = hasRedis ? await startRedis() : undefined
const nats = hasNats ? await startNats() : undefined
const mosquitto = hasMosquitto ? await startMosquitto() : undefined

describe.skipIf(nginx === undefined)('nginx', () => {
  it('requirement 75: shows nothing where it is careful, and says for whom it takes the good client', async () => {
    const probed = await probe(
      nginx?.ports[0] ?? 0,
      '--ask http:/ --identity-header x-who --identity billing --require-all',
    )
    expect(probed.found).toEqual({})
    expect(probed.code).toBe(0)
    expect(happened(probed, 'expired')).toBe('refused: HTTP 400 The SSL certificate error')
    expect(happened(probed, 'clear-text')).toBe('refused: HTTP 400 The plain HTTP request was sent to HTTPS port')
  })

  it('SVC-03: is found to pass headers on where nobody said otherwise, and SVC-17 to let in who has no certificate', async () => {
    const { code, found } = await probe(nginx?.ports[2] ?? 0, '--ask http:/ --identity-header x-who')
    expect(code).toBe(4)
    expect(found).toEqual({
      none: 'hole',
      'none-resumed': 'hole',
      unmapped: 'hole',
      'spoofed-headers': 'hole',
      'spoofed-headers-none': 'hole',
    })
  })

  it('SVC-02: resumes the session of somebody who was revoked since, where it has a cache', async () => {
    const before = await probe(nginx?.ports[1] ?? 0, '--ask http:/')
    expect(before.found).toEqual({ 'revoked-session': 'not-tested', 'spoofed-headers': 'not-tested' })
    await cloud.signet('issue billing --profile client --out victim')
    const line = `probe 127.0.0.1:${nginx?.ports[1] ?? 0} --credential victim --ask http:/ --save-session victim.session`
    await cloud.signet(line, now)
    await cloud.signet('revoke --cert victim/current/cert.pem')
    await cloud.publishCrls()
    const workers = (): number => (nginx?.nginx.log() ?? '').split('start worker process ').length
    const started = workers()
    nginx?.nginx.signal('SIGHUP')
    await eventually(workers).toBeGreaterThan(started)
    // The old worker may still take a connection: only when the new one refuses the certificate itself has it the CRL.
    await eventually(
      async () => (await probe(nginx?.ports[1] ?? 0, '--ask http:/ --revoked victim')).found['revoked'],
    ).toBe(undefined)
    const after = await probe(nginx?.ports[1] ?? 0, '--ask http:/ --revoked victim --session victim.session')
    expect(after.found).toMatchObject({ 'revoked-session': 'hole' })
    expect(happened(after, 'revoked-session')).toContain('session resumed')
  })
})

describe.skipIf(haproxy === undefined)('HAProxy', () => {
  it('requirement 75: shows nothing where it is careful', async () => {
    const probed = await probe(haproxy ?? 0, '--ask http --identity-header x-who --identity billing --require-all')
    expect(probed.found).toEqual({})
    expect(happened(probed, 'revoked')).toBe('refused: alert certificate_revoked (44)')
  })
})

describe.skipIf(redis === undefined)('Redis', () => {
  it('has no CRL and no identity of certificates, which is found', async () => {
    const probed = await probe(redis ?? 0, '--ask redis')
    expect(probed.code).toBe(4)
    expect(probed.identity).toBe('default')
    expect(probed.found).toEqual({ revoked: 'hole', unmapped: 'hole' })
  })
})

describe.skipIf(nats === undefined)('NATS', () => {
  it('has no CRL, which is found, and knows whom it takes for whom', async () => {
    const probed = await probe(nats ?? 0, '--ask nats')
    // Whether a session outlives a revocation is nothing to ask of a server that knows no revocation.
    expect(probed.found).toEqual({ revoked: 'hole', 'revoked-session': 'not-tested' })
    expect(happened(probed, 'unmapped')).toBe('refused: Authorization Violation')
    expect(happened(probed, 'clear-text')).toContain('refused')
  })
})

describe.skipIf(mosquitto === undefined)('Mosquitto', () => {
  it('lets whoever has a certificate connect, which may be meant', async () => {
    const found = { 'revoked-session': 'not-tested' }
    expect((await probe(mosquitto ?? 0, '--ask mqtt')).found).toEqual({ ...found, unmapped: 'hole' })
    const probed = await probe(mosquitto ?? 0, '--ask mqtt --allow unmapped')
    expect(probed.found).toEqual({ ...found, unmapped: 'allowed' })
    expect(probed.code).toBe(0)
  })
})
