import { describe, expect, it } from 'vitest'
import { encodeOsloNotification, encodeOsloRequest, parseOsloMessage, redactOsloMessage } from '../../src/oslo/index.js'
import { NOW } from '../support/certificates.js'
import { expectCode } from '../support/expect-code.js'

const ID = '0123456789abcdef0123456789abcdef'
const UUID = '01234567-89ab-cdef-0123-456789abcdef'

type Fields = Record<string, unknown>

const REQUEST: Fields = { method: 'build', args: { host: 'c7' }, _unique_id: ID, _context_user: 'u' }
const NOTIFICATION: Fields = {
  message_id: UUID,
  publisher_id: 'nova-compute:c7',
  event_type: 'instance.create.end',
  priority: 'INFO',
  payload: {},
  timestamp: '2026-01-02 03:04:05.678901',
  _unique_id: ID,
}

const wire = (message: unknown, envelope: Fields = {}): Buffer =>
  Buffer.from(JSON.stringify({ 'oslo.version': '2.0', 'oslo.message': JSON.stringify(message), ...envelope }))

describe('parseOsloMessage', () => {
  it('reads a request', () => {
    expect(parseOsloMessage(wire({ ...REQUEST, namespace: 'task', version: '5.1' }))).toMatchObject({
      ...{ kind: 'request', method: 'build', namespace: 'task', version: '5.1' },
      ...{ args: { host: 'c7' }, context: { user: 'u' } },
    })
    const call = { ...REQUEST, namespace: null, _msg_id: ID, _reply_q: `reply_${ID}`, _timeout: null }
    expect(parseOsloMessage(wire(call))).toMatchObject({ namespace: undefined, version: '1.0', body: call })
  })

  it('reads a notification', () => {
    expect(parseOsloMessage(wire(NOTIFICATION))).toMatchObject({
      ...{ kind: 'notification', eventType: 'instance.create.end', publisherId: 'nova-compute:c7' },
      ...{ priority: 'INFO', messageId: UUID, payload: {}, context: {} },
    })
  })

  const envelopes: readonly (readonly [string, Buffer])[] = [
    ['no JSON', Buffer.from('{')],
    ['no UTF-8', Buffer.from([0xff])],
    ['nothing', Buffer.alloc(0)],
    ['a list', Buffer.from('[]')],
    ['an old message without an envelope', Buffer.from(JSON.stringify(REQUEST))],
    ['no version', wire(REQUEST, { 'oslo.version': undefined })],
    ['version 1.0', wire(REQUEST, { 'oslo.version': '1.0' })],
    ['version 2.1', wire(REQUEST, { 'oslo.version': '2.1' })],
    ['a number as version', wire(REQUEST, { 'oslo.version': 2 })],
    ['no message', wire(REQUEST, { 'oslo.message': undefined })],
    ['a message that was not encoded', wire(REQUEST, { 'oslo.message': REQUEST })],
    ['a message that was encoded twice', wire(JSON.stringify(REQUEST))],
    ['a list for a message', wire([REQUEST])],
    ['another key in the envelope', wire(REQUEST, { 'oslo.more': 1 })],
    ['the message twice', Buffer.from(wire(REQUEST).toString().replace('{', '{"oslo.message": "{}", '))],
    ['a method twice', wire(0, { 'oslo.message': JSON.stringify(REQUEST).replace('{', '{"method": "ping", ') })],
    [
      'a method twice, once escaped',
      wire(0, { 'oslo.message': `{"m\\u0065thod": "x", ${JSON.stringify(REQUEST).slice(1)}` }),
    ],
    ['a request that is a notification, too', wire({ ...REQUEST, ...NOTIFICATION })],
    ['neither', wire({ args: {} })],
    ['an answer', wire({ result: 1, failure: null, ending: true, _msg_id: ID, _unique_id: ID })],
  ]
  it.each(envelopes)('refuses %s', (_what, bytes) => {
    expectCode('ERR_OSLO_MESSAGE', () => parseOsloMessage(bytes))
  })

  const changes: readonly (readonly [Fields, Fields])[] = [
    ...[undefined, '', '_private', 'a.b', 'a b', 7, null].map((method) => [REQUEST, { method }] as const),
    ...[undefined, [], 'x', null].map((args) => [REQUEST, { args }] as const),
    ...['', 'a.b', 7].map((namespace) => [REQUEST, { namespace }] as const),
    ...['1', '1.0.0', 1, null].map((version) => [REQUEST, { version }] as const),
    ...[undefined, 'x', ID.toUpperCase()].map((id) => [REQUEST, { _unique_id: id }] as const),
    [REQUEST, { _msg_id: 'x' }],
    [REQUEST, { _reply_q: 'compute' }],
    [REQUEST, { _timeout: -1 }],
    [REQUEST, { more: 1 }],
    [REQUEST, { _more: 1 }],
    [REQUEST, { message_id: UUID }],
    ...['message_id', 'publisher_id', 'priority', 'payload', 'timestamp', '_unique_id'].map(
      (key) => [NOTIFICATION, { [key]: undefined }] as const,
    ),
    ...['info', 'LOUD', 1].map((priority) => [NOTIFICATION, { priority }] as const),
    ...['', 'a..b', 'a b', 7].map((type) => [NOTIFICATION, { event_type: type }] as const),
    [NOTIFICATION, { publisher_id: 'a b' }],
    [NOTIFICATION, { timestamp: 'now' }],
    [NOTIFICATION, { args: {} }],
  ]
  it.each(changes)('refuses %j with %j', (message, change) => {
    expectCode('ERR_OSLO_MESSAGE', () => parseOsloMessage(wire({ ...message, ...change })))
  })
})

describe('encodeOsloRequest, encodeOsloNotification', () => {
  it('write what Python writes', () => {
    const bytes = encodeOsloRequest({
      ...{ method: 'build', args: { name: 'Zoë\u007f 𝒳', list: [1, null, true] }, version: '5.0', uniqueId: ID },
      context: { auth_token: 't' },
      reply: { messageId: ID, queue: `reply_${ID}` },
    })
    const inner = `{"method": "build", "args": {"name": "Zo\\u00eb\\u007f \\ud835\\udcb3", "list": [1, null, true]}, "version": "5.0", "_msg_id": "${ID}", "_reply_q": "reply_${ID}", "_timeout": null, "_unique_id": "${ID}", "_context_auth_token": "t"}`
    expect(Buffer.from(bytes).toString()).toBe(`{"oslo.version": "2.0", "oslo.message": ${JSON.stringify(inner)}}`)
    expect(parseOsloMessage(bytes)).toMatchObject({ method: 'build', args: { name: 'Zoë\u007f 𝒳' } })
  })

  it('give each message ids of its own', () => {
    const fields = { eventType: 'a.b', publisherId: 'x:y', priority: 'WARN', payload: null, at: NOW } as const
    const [first, second] = [encodeOsloNotification(fields), encodeOsloNotification(fields)].map(
      (bytes) => parseOsloMessage(bytes).body,
    )
    expect(first).toMatchObject({ priority: 'WARN', event_type: 'a.b' })
    expect(first?.['_unique_id']).not.toBe(second?.['_unique_id'])
    expect(first?.['message_id']).not.toBe(second?.['message_id'])
    expect(encodeOsloRequest({ method: 'a', args: {} })).not.toEqual(encodeOsloRequest({ method: 'a', args: {} }))
  })

  it('write nothing that would be refused', () => {
    expectCode('ERR_OSLO_MESSAGE', () => encodeOsloRequest({ method: '__init__', args: {} }))
    expectCode('ERR_OSLO_MESSAGE', () => encodeOsloRequest({ method: 'a', args: {}, namespace: 'a.b' }))
  })
})

describe('redactOsloMessage', () => {
  it('leaves no token and no password for logs', () => {
    const body = {
      ...{ method: 'build', _context_auth_token: 'gAAA', _context_user: 'u' },
      args: { admin_password: 'p', new_pass: 'p', list: [{ secret: 1, name: 'n' }], nothing: null },
    }
    expect(redactOsloMessage(body)).toEqual({
      ...{ method: 'build', _context_auth_token: '***', _context_user: 'u' },
      args: { admin_password: '***', new_pass: '***', list: [{ secret: '***', name: 'n' }], nothing: null },
    })
  })
})
