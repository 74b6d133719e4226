/**
 * What a server said by breaking off: alerts, resets, and errors that are our own runtime's.
 *
 * @module probe/refusal (floor 7.3)
 */
import { isSignetError } from '../errors/index.js'

/** RFC 8446 §6, RFC 5246 §7.2. */
const ALERTS: Readonly<Record<number, string>> = {
  0: 'close_notify',
  10: 'unexpected_message',
  20: 'bad_record_mac',
  22: 'record_overflow',
  40: 'handshake_failure',
  42: 'bad_certificate',
  43: 'unsupported_certificate',
  44: 'certificate_revoked',
  45: 'certificate_expired',
  46: 'certificate_unknown',
  47: 'illegal_parameter',
  48: 'unknown_ca',
  49: 'access_denied',
  50: 'decode_error',
  51: 'decrypt_error',
  70: 'protocol_version',
  71: 'insufficient_security',
  80: 'internal_error',
  86: 'inappropriate_fallback',
  90: 'user_canceled',
  100: 'no_renegotiation',
  109: 'missing_extension',
  110: 'unsupported_extension',
  112: 'unrecognized_name',
  113: 'bad_certificate_status_response',
  115: 'unknown_psk_identity',
  116: 'certificate_required',
  120: 'no_application_protocol',
}

/** How a connection broke off. */
export type BreakOff =
  /** The server said why. */
  | { readonly kind: 'alert'; readonly alert: string }
  /** The server went away. */
  | { readonly kind: 'closed' }
  /** There never was a connection. */
  | { readonly kind: 'unreachable'; readonly reason: string }
  /** Nobody went away: this runtime would not go on. */
  | { readonly kind: 'own'; readonly reason: string }

/** The peer's reset may overtake its alert. */
const GONE: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ERR_STREAM_PREMATURE_CLOSE'])
const UNREACHABLE: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOENT',
  'EACCES',
  'EPERM',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'ENOTSOCK',
])

/** What an error of a socket says about the other end. */
export function breakOffOf(error: unknown): BreakOff {
  const alert = alertOf(error)
  if (alert !== undefined) return { kind: 'alert', alert }
  const { code = '', message = '' } = error instanceof Error ? (error as NodeJS.ErrnoException) : {}
  if (GONE.has(code)) return { kind: 'closed' }
  if (UNREACHABLE.has(code)) return { kind: 'unreachable', reason: code }
  if (isSignetError(error)) return { kind: 'own', reason: error.message }
  return { kind: 'own', reason: reasonOf(code, message) }
}

/** Where OpenSSL heard an alert it says its number, or only its name. */
function alertOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const { code = '', message } = error as NodeJS.ErrnoException
  const number = /(?:SSL )?alert number (\d{1,3})/.exec(message)?.[1]
  if (number !== undefined) return `${ALERTS[Number(number)] ?? 'alert'} (${number})`
  const name = /^ERR_SSL_(?:TLSV?1[0-3]?|TLSV1|SSLV3)_ALERT_(.+)$/.exec(code)?.[1]?.toLowerCase()
  if (name === undefined) return undefined
  const known = Object.entries(ALERTS).find(([, alert]) => alert === name)
  return known === undefined ? name : `${name} (${known[0]})`
}

function reasonOf(code: string, message: string): string {
  const ours = /^ERR_SSL_(.+)$/.exec(code)?.[1]
  if (ours !== undefined) return ours.toLowerCase().replaceAll('_', ' ')
  // EPROTO: …:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:…
  const inside = /:SSL routines:[^:]*:([^:]+):/.exec(message)?.[1]
  return inside ?? (code === '' ? 'unknown' : code)
}
