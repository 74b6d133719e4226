import type { TLSSocket } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { TlsEndpoint } from '../../src/tls/endpoint.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { TestClock } from '../support/test-authority.js'
import { makeTlsPki } from '../support/tls-pki.js'
import { hear, later } from './meeting.js'

const pki = await makeTlsPki()
const node = pki.leaf('compute-07')
const credential = pki.deliver(pki.leaf('api-01'))
const wanted = { purpose: 'client', allow: 'allow-any-identified' } as const

function endpoint(sessions: 'none' | 'tickets'): TlsEndpoint {
  const { listener } = hear()
  const clock = new TestClock()
  const options = { credential, identify: pki.identify, clock, listener, reload: 'explicit' } as const
  const made = new TlsEndpoint(options, sessions, () => undefined)
  later(() => made.close())
  return made
}

/** A socket of which Node says what no Node should. */
function socket(says: { authorized: boolean; certificate: boolean; reused: boolean }): TLSSocket {
  const fake = {
    authorized: says.authorized,
    destroyed: false,
    getPeerX509Certificate: () => (says.certificate ? { raw: Buffer.from(node.certificate.der) } : undefined),
    isSessionReused: () => says.reused,
    once: () => undefined,
  }
  return fake as unknown as TLSSocket
}

describe('TlsEndpoint.admit: whatever Node says', () => {
  const matrix = [true, false].flatMap((authorized) =>
    [true, false].flatMap((certificate) => [true, false].map((reused) => ({ authorized, certificate, reused }))),
  )

  it.each(matrix)('SVC-01: authorized $authorized, certificate $certificate, resumed $reused', async (says) => {
    for (const sessions of ['none', 'tickets'] as const) {
      const admitted = async (): Promise<unknown> => endpoint(sessions).admit(socket(says), wanted)
      if (!says.authorized || !says.certificate) await expectCodeAsync('ERR_TLS_HANDSHAKE', admitted)
      else if (says.reused && sessions === 'none') await expectCodeAsync('ERR_TLS_RESUMED', admitted)
      else expect(await admitted()).toMatchObject({ entity: 'compute-07' })
    }
  })
})
