import { constants } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { createServer as createHttpsServer } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { beforeAll, describe, expect, it } from 'vitest'
import type { ProbeRow } from '../../src/probe/index.js'
import { parseCrls } from '../../src/x509/index.js'
import { makeDeployment, WALL_CLOCK } from '../support/deployment.js'
import { listening } from '../probe/fakes.js'
import { notOk } from '../probe/rows.js'

/** An hour ago, so that what lives for a second is over; OpenSSL knows no clock but that of the wall. */
const EARLIER = { now: () => new Date(WALL_CLOCK.now().getTime() - 3_600_000) }
const ENTITIES = [
  { id: 'billing', kind: 'service', ip: ['127.0.0.1'] },
  { id: 'api', kind: 'service', ip: ['127.0.0.1'] },
] as const
const cloud = await makeDeployment({ entities: ENTITIES, clock: EARLIER })
const now = { clock: WALL_CLOCK }

/** Lets billing in, and nobody else; in whatever way it is told to be careless. */
async function serve(overlooked: readonly string[] = [], header = 'x-client-identity'): Promise<number> {
  const current = cloud.path('credentials', 'api', 'tls', 'current')
  const made = createHttpsServer(
    {
      key: readFileSync(`${current}/key.pem`),
      cert: readFileSync(`${current}/fullchain.pem`),
      ca: readFileSync(`${current}/ca-bundle.pem`),
      crl: parseCrls(readFileSync(cloud.crlsFile)).map((crl) => crl.toPem()),
      requestCert: true,
      rejectUnauthorized: false,
      secureOptions: constants.SSL_OP_NO_TICKET,
    },
    (request, response) => {
      const socket = request.socket as TLSSocket
      const certificate = socket.getPeerX509Certificate()
      const isGood = socket.authorized || overlooked.includes(String(socket.authorizationError))
      const who = /^CN=(.*)$/m.exec(certificate?.subject ?? '')?.[1]
      if (certificate === undefined || !isGood) response.writeHead(400).end()
      else if (who !== 'billing') response.writeHead(403).end()
      else response.writeHead(200, { [header]: who }).end()
    },
  )
  return (await listening(made)).target.port
}

const words = (port: number, more = ''): string =>
  `probe 127.0.0.1:${port} --credential credentials/billing/tls --kit kit --ask http:/ --identity-header x-client-identity --timeout 30 ${more}`

beforeAll(async () => {
  await cloud.signet('probe kit --out kit --entity billing')
  await cloud.publishCrls()
})

describe('signet probe kit', () => {
  it('makes clients of an entity that may do nothing, and revokes the one that is to be', async () => {
    const { json } = await cloud.signet('probe kit --out other --json')
    expect(json['clients']).toMatchObject([
      { client: 'expired', entity: 'signet-probe' },
      { client: 'revoked', entity: 'signet-probe' },
      { client: 'wrong-purpose', entity: 'signet-probe' },
      { client: 'unmapped', entity: 'signet-probe' },
    ])
    const shown = (await cloud.signet('entity show signet-probe --json')).json
    expect(JSON.stringify(shown)).toContain('"roles":[]')
    const refused = await cloud.run(['cert', 'verify', 'other/revoked/current/cert.pem'])
    expect(refused.errorCode).toBe('ERR_REVOKED')
    expect(statSync(cloud.path('other/unmapped/current/key.pem')).mode & 0o777).toBe(0o600)
    const again = await cloud.run(['cert', 'verify', 'other/expired/current/cert.pem'], now)
    expect(again.errorCode).toBe('ERR_PATH_EXPIRED')
  })

  it('says what to do next', async () => {
    const { stdout } = await cloud.signet('probe kit --out third')
    expect(stdout).toContain('signet crl publish')
    expect(stdout).toContain('signet probe HOST:PORT --credential DIR --kit')
  })
})

describe('signet probe', () => {
  it('requirement 75: ends with 0 where nobody gets in but the good client', async () => {
    const { code, stdout, stderr } = await cloud.run(words(await serve(), '--require-all --identity billing'), now)
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^VERDICT +CASE +WHO COMES +EXPECTED +HAPPENED +TAKEN FOR$/m)
    expect(stdout).toMatch(/^ok +good +the good client +accepted +accepted: HTTP 200 +billing$/m)
    expect(stdout).toMatch(/^ok +unmapped .* refused: HTTP 403$/m)
    expect(stdout).toContain('0 holes, 0 faults, 0 not tested.')
  })

  it('the word server may stand there', async () => {
    const port = await serve()
    const { code, json } = await cloud.run(words(port, '--json').replace('probe ', 'probe server '), now)
    expect(code).toBe(0)
    expect(json).toMatchObject({ schema: 1, ok: true, server: `127.0.0.1:${port}` })
    expect(json['rows']).toHaveLength(23)
  })

  it('ends with ERR_PROBE_HOLE, and says which, where somebody gets in', async () => {
    const { code, json, errorCode } = await cloud.run(words(await serve(['CERT_HAS_EXPIRED']), '--json'), now)
    expect(code).toBe(4)
    expect(errorCode).toBe('ERR_PROBE_HOLE')
    expect(json).toMatchObject({ ok: false, error: { details: { cases: 'expired' } } })
    expect(notOk(json['rows'] as readonly ProbeRow[])).toEqual({ expired: 'hole' })
  })

  it('takes what is meant for meant', async () => {
    const port = await serve(['CERT_HAS_EXPIRED'])
    const { code, stdout } = await cloud.run(words(port, '--allow expired'), now)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^allowed +expired /m)
    const refused = await cloud.run(words(port, '--allow good'), now)
    expect(refused.errorCode).toBe('ERR_CONFIG_INVALID')
  })

  it('ends with ERR_PROBE_FAULT where the good client is not let in', async () => {
    const port = await serve()
    const { errorCode, stdout } = await cloud.run(words(port).replace('billing/tls', 'api/tls'), now)
    expect(errorCode).toBe('ERR_PROBE_FAULT')
    expect(stdout).toMatch(/^FAULT +good .* refused: HTTP 403$/m)
    expect((await cloud.run(words(port, '--name other.example'), now)).errorCode).toBe('ERR_PROBE_FAULT')
    expect((await cloud.run(words(port, '--identity orders'), now)).errorCode).toBe('ERR_PROBE_FAULT')
  })

  it('ends with ERR_PROBE_UNTESTED where everything must be tested, and says what was not otherwise', async () => {
    const port = await serve()
    const without = words(port).replace('--kit kit', '')
    const { code, stdout } = await cloud.run(without, now)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^not tested +expired /m)
    const refused = await cloud.run(`${without} --require-all`, now)
    expect(refused.errorCode).toBe('ERR_PROBE_UNTESTED')
    expect(refused.code).toBe(7)
    const named = `${without} --require-all --expired kit/expired --revoked kit/revoked --wrong-purpose kit/wrong-purpose --unmapped kit/unmapped`
    expect((await cloud.run(named, now)).code).toBe(0)
  })

  it('keeps sessions in a file for its owner alone, and comes back with them', async () => {
    const port = await serve()
    const { stdout } = await cloud.signet(words(port, '--save-session victim.session'), now)
    expect(stdout).toContain('tls1.3-ticket')
    expect(stdout).toContain('They are secret')
    expect(statSync(cloud.path('victim.session')).mode & 0o777).toBe(0o600)
    const { code } = await cloud.run(words(port, '--session victim.session'), now)
    expect(code).toBe(0)
    const again = await cloud.run(words(port, '--save-session victim.session'), now)
    expect(again.errorCode).toBe('ERR_OUTPUT_EXISTS')
  })

  it('believes other roots and CRLs about the server where it is told to', async () => {
    const port = await serve()
    const { code } = await cloud.run(words(port, `--ca ${cloud.rootFile} --crl ${cloud.crlsFile}`), now)
    expect(code).toBe(0)
    const foreign = await makeDeployment({ entities: [], issue: 'none' })
    const refused = await cloud.run(words(port, `--ca ${foreign.rootFile}`), now)
    expect(refused.stdout).toMatch(/^FAULT +server-chain /m)
  })

  it.each([
    ['probe', 'ERR_USAGE'],
    ['probe 127.0.0.1:1', 'ERR_USAGE'],
    ['probe nowhere --credential credentials/billing/tls', 'ERR_CONFIG_INVALID'],
    ['probe 127.0.0.1:1 --credential credentials/billing/tls --ask gopher', 'ERR_CONFIG_INVALID'],
    ['probe 127.0.0.1:1 --credential credentials/billing/tls --starttls gopher', 'ERR_USAGE'],
    ['probe 127.0.0.1:1 --credential credentials/billing/tls --timeout soon', 'ERR_CONFIG_INVALID'],
    ['probe 127.0.0.1:1 --credential credentials/billing/tls --ask redis --identity-header x', 'ERR_USAGE'],
    ['probe 127.0.0.1:1 --credential credentials/billing/tls --identity-json x --identity-header x', 'ERR_USAGE'],
    ['probe 127.0.0.1:1 --credential nowhere', 'ERR_FILE_READ'],
    ['probe 127.0.0.1:1 --credential credentials/billing/tls', 'ERR_TLS_CONNECTION'],
  ])('%s is refused with %s', async (line, code) => {
    expect((await cloud.run(line, now)).errorCode).toBe(code)
    expect(existsSync(cloud.path('nowhere'))).toBe(false)
  })
})
