import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { beginSessions, loadSessions, probeServer, saveSessions, SESSION_FORMS } from '../../src/probe/index.js'
import { expectCode } from '../support/expect-code.js'
import { temporaryFolder } from '../support/temporary.js'
import { clientOf, clients, type Fake, fakeHttps, options, pki, tlsOptions } from './fakes.js'
import { notOk } from './rows.js'

/** A second certificate of the good client's, to be revoked. */
const leaf = pki.leaf('compute-07')
const victim = clientOf(leaf)
const folder = temporaryFolder()

/** Publish a CRL that lists the victim, as a server does that keeps its ticket keys over a reload. */
async function revoke({ server }: Fake, keys: 'kept' | 'new'): Promise<void> {
  const crl = (await pki.crls([leaf], { crlNumber: 2 })).map((one) => one.toPem())
  const ticketKeys = server.getTicketKeys()
  server.setSecureContext(tlsOptions({ secureOptions: 0, crl }))
  if (keys === 'kept') server.setTicketKeys(ticketKeys)
}

const resuming = { rejectUnauthorized: true, secureOptions: 0 }

describe('revoked-session', () => {
  it('SVC-02: finds a session that outlives the revocation of who began it', async () => {
    const fake = await fakeHttps(undefined, resuming)
    const sessions = await beginSessions(fake.target, victim, options)
    expect(sessions.forms).toContain('tls1.3-ticket')
    await revoke(fake, 'kept')
    const rows = await probeServer(fake.target, { ...clients, sessions, revoked: victim }, options)
    expect(notOk(rows)).toEqual({ 'revoked-session': 'hole' })
    expect(rows.find((row) => row.case === 'revoked-session')?.happened).toContain('session resumed')
  })

  it('SVC-02: finds none where a reload makes new ticket keys', async () => {
    const fake = await fakeHttps(undefined, resuming)
    const sessions = await beginSessions(fake.target, victim, options)
    await revoke(fake, 'new')
    const rows = await probeServer(fake.target, { ...clients, sessions, revoked: victim }, options)
    expect(notOk(rows)).toEqual({})
  })

  it('SVC-02: is not tested where sessions are resumed and none was saved, and needs none where none is', async () => {
    const fake = await fakeHttps(undefined, resuming)
    expect(notOk(await probeServer(fake.target, clients, options))).toEqual({ 'revoked-session': 'not-tested' })
    const other = await fakeHttps()
    const sessions = await beginSessions(other.target, victim, options)
    const rows = await probeServer(other.target, { ...clients, sessions }, options)
    expect(notOk(rows)).toEqual({})
  })
})

describe('saveSessions', () => {
  const path = join(folder, 'victim.session')

  it('keeps them in a file for the owner alone, and prints nothing of them', async () => {
    const fake = await fakeHttps(undefined, resuming)
    const sessions = await beginSessions(fake.target, victim, options)
    saveSessions(path, sessions)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    const loaded = loadSessions(path)
    expect(loaded.forms).toEqual(sessions.forms)
    expect(loaded.fingerprint).toBe(victim.certificate.fingerprint)
    const secret = sessions.session('tls1.3-ticket')
    expect(loaded.session('tls1.3-ticket')).toEqual(secret)
    const printed = inspect(loaded, { depth: 9, showHidden: true }) + JSON.stringify(loaded)
    expect(printed).not.toContain(secret?.toString('base64').slice(0, 40))
    expectCode('ERR_OUTPUT_EXISTS', () => saveSessions(path, sessions))
    expect(inspect(victim, { depth: 9, showHidden: true })).not.toContain('PRIVATE')
  })

  it('takes no file that others can read, nor one that is none', () => {
    const copy = join(folder, 'copy.session')
    writeFileSync(copy, readFileSync(path))
    chmodSync(copy, 0o644)
    expectCode('ERR_KEY_PERMISSIONS', () => loadSessions(copy))
    chmodSync(copy, 0o600)
    const fingerprint = 'aa'
    for (const document of [
      '[]',
      JSON.stringify({ schema: 2, fingerprint, sessions: {} }),
      JSON.stringify({ schema: 1, fingerprint, sessions: { [SESSION_FORMS[0]]: 'not base64!' } }),
      JSON.stringify({ schema: 1, fingerprint, sessions: { other: 'AAAA' } }),
    ]) {
      writeFileSync(copy, document, { mode: 0o600 })
      expectCode('ERR_JSON_MALFORMED', () => loadSessions(copy))
    }
  })
})
