import { describe, expect, it } from 'vitest'
import { TrustError } from '../../src/errors/index.js'
import { type BreakOff, breakOffOf } from '../../src/probe/refusal.js'

const error = (code: string, message = 'x'): Error => Object.assign(new Error(message), { code })
const EPROTO =
  'write EPROTO 00:error:0A000414:SSL routines:ssl3_read_bytes:sslv3 alert certificate revoked:x.c:1:SSL alert number 44'
const NO_TLS = 'write EPROTO 00:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:x.c:1:'

const cases: readonly (readonly [string, unknown, BreakOff])[] = [
  [
    'an alert of TLS 1.3',
    error('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'),
    { kind: 'alert', alert: 'certificate_required (116)' },
  ],
  ['an alert of TLS 1.0', error('ERR_SSL_TLSV1_ALERT_UNKNOWN_CA'), { kind: 'alert', alert: 'unknown_ca (48)' }],
  [
    'an alert of SSL 3.0',
    error('ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE'),
    { kind: 'alert', alert: 'bad_certificate (42)' },
  ],
  ['an alert that is not known', error('ERR_SSL_TLSV1_ALERT_OF_TOMORROW'), { kind: 'alert', alert: 'of_tomorrow' }],
  [
    'an alert of TLS 1.2 within another error',
    error('EPROTO', EPROTO),
    { kind: 'alert', alert: 'certificate_revoked (44)' },
  ],
  [
    'an alert of a number that is not known',
    error('EPROTO', 'SSL alert number 99'),
    { kind: 'alert', alert: 'alert (99)' },
  ],
  ['a reset', error('ECONNRESET'), { kind: 'closed' }],
  ['a pipe that nobody reads', error('EPIPE'), { kind: 'closed' }],
  ['no server', error('ECONNREFUSED'), { kind: 'unreachable', reason: 'ECONNREFUSED' }],
  ['no TLS', error('ERR_SSL_WRONG_VERSION_NUMBER'), { kind: 'own', reason: 'wrong version number' }],
  ['no TLS within another error', error('EPROTO', NO_TLS), { kind: 'own', reason: 'wrong version number' }],
  ['an error of ours', new TrustError('ERR_REVOKED', 'it is revoked'), { kind: 'own', reason: 'it is revoked' }],
  ['no error at all', 'x', { kind: 'own', reason: 'unknown' }],
]

describe('breakOffOf', () => {
  it.each(cases)('reads %s', (_, thrown, expected) => {
    expect(breakOffOf(thrown)).toEqual(expected)
  })
})
