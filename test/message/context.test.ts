import { describe, expect, it } from 'vitest'
import {
  CMS_LIMITS,
  contextPrimitive,
  DerReader,
  encodeContext,
  encodeContextPrimitive,
  encodeInteger,
  encodeNull,
  encodeOctetString,
  encodeSequence,
  encodeString,
  encodeValue,
  TAG,
} from '../../src/asn1/index.js'
import {
  checkMessageContext,
  encodeMessageContext,
  MAX_LIFETIME_SECONDS,
  type MessageContext,
  readMessageContext,
} from '../../src/message/context.js'
import { DAY } from '../../src/time/index.js'
import { nested } from '../support/der.js'
import { expectCode } from '../support/expect-code.js'

const good: MessageContext = {
  type: 'notify.instance.create.end',
  destination: 'notifications',
  messageId: Buffer.from('0123456789ab'),
  lifetimeSeconds: 300,
}
const source = 'spiffe://cloud.example/nova-compute/compute-07'

const read = (der: Uint8Array): MessageContext => {
  const reader = DerReader.over(der, CMS_LIMITS)
  const context = readMessageContext(reader)
  reader.finish()
  return context
}
const plain = (context: MessageContext): MessageContext => ({ ...context, messageId: Buffer.from(context.messageId) })
const visible = (text: string): Uint8Array => encodeString(text, TAG.visibleString)

describe('encodeMessageContext and readMessageContext', () => {
  it.each<[string, MessageContext]>([
    ['the least', good],
    ['a stated source', { ...good, source }],
    ['a route', { ...good, route: ['cell-1', 'cell-2'] }],
    ['everything', { ...good, source, route: ['a'] }],
    ['a type of 255 characters', { ...good, type: 'a'.repeat(255) }],
    ['a type of colons and dots', { ...good, type: 'rpc:compute.build-and_run' }],
    ['a destination of one character', { ...good, destination: '!' }],
    ['a destination of 255 characters', { ...good, destination: '~'.repeat(255) }],
    ['a message id of 8 octets', { ...good, messageId: Buffer.alloc(8) }],
    ['a message id of 32 octets', { ...good, messageId: Buffer.alloc(32, 0xff) }],
    ['a lifetime of a second', { ...good, lifetimeSeconds: 1 }],
    ['a lifetime of seven days', { ...good, lifetimeSeconds: MAX_LIFETIME_SECONDS }],
    ['a source of 255 characters', { ...good, source: 's'.repeat(255) }],
    ['a route of 32 steps', { ...good, route: Array.from({ length: 32 }, (_, index) => `step-${index}`) }],
  ])('agree on %s', (_, context) => {
    checkMessageContext(context)
    expect(plain(read(encodeMessageContext(context)))).toEqual(context)
  })

  it('allows seven days and no more', () => {
    expect(MAX_LIFETIME_SECONDS).toBe(7 * DAY)
  })

  it('hands out a message id that is nobody else’s', () => {
    const der = encodeMessageContext(good)
    const context = read(der)
    der.fill(0)
    expect(plain(context)).toEqual(good)
  })
})

const WRONG: readonly (readonly [string, MessageContext])[] = [
  ['an empty type', { ...good, type: '' }],
  ['a type of 256 characters', { ...good, type: 'a'.repeat(256) }],
  ['a type with a space', { ...good, type: 'notify x' }],
  ['a type with a wildcard', { ...good, type: 'notify.*' }],
  ['a type with an empty segment', { ...good, type: 'notify..end' }],
  ['a type that ends with a dot', { ...good, type: 'notify.' }],
  ['an empty destination', { ...good, destination: '' }],
  ['a destination of 256 characters', { ...good, destination: 'd'.repeat(256) }],
  ['a destination with a space', { ...good, destination: 'the topic' }],
  ['a message id of 7 octets', { ...good, messageId: Buffer.alloc(7) }],
  ['a message id of 33 octets', { ...good, messageId: Buffer.alloc(33) }],
  ['an empty message id', { ...good, messageId: Buffer.alloc(0) }],
  ['a lifetime of nothing', { ...good, lifetimeSeconds: 0 }],
  ['an empty source', { ...good, source: '' }],
  ['a source of 256 characters', { ...good, source: 's'.repeat(256) }],
  ['a source with a space', { ...good, source: 'spiffe://a/b c/d' }],
  ['a route without steps', { ...good, route: [] }],
  ['a route of 33 steps', { ...good, route: Array.from({ length: 33 }, () => 'x') }],
  ['a route with an empty step', { ...good, route: ['a', ''] }],
  ['a route with a step of 256 characters', { ...good, route: ['a'.repeat(256)] }],
]

describe('checkMessageContext', () => {
  it.each([
    ...WRONG,
    ['a lifetime over seven days', { ...good, lifetimeSeconds: MAX_LIFETIME_SECONDS + 1 }] as const,
    ['a negative lifetime', { ...good, lifetimeSeconds: -1 }] as const,
    ['half a second of life', { ...good, lifetimeSeconds: 0.5 }] as const,
    ['a lifetime that is no number', { ...good, lifetimeSeconds: NaN }] as const,
    ['an endless lifetime', { ...good, lifetimeSeconds: Infinity }] as const,
    ['a line break in the type', { ...good, type: 'notify\n' }] as const,
    ['a line break in the destination', { ...good, destination: 'here\n' }] as const,
    ['letters that are not ASCII', { ...good, destination: 'zürich' }] as const,
  ])('refuses to sign %s', (_, context) => {
    expectCode('ERR_CONFIG_INVALID', () => {
      checkMessageContext(context)
    })
  })
})

describe('readMessageContext: refusals', () => {
  it.each([
    ...WRONG,
    ['a lifetime over seven days', { ...good, lifetimeSeconds: MAX_LIFETIME_SECONDS + 1 }] as const,
    ['a lifetime of 2^40 seconds', { ...good, lifetimeSeconds: 2 ** 40 }] as const,
  ])('refuses %s', (_, context) => {
    expectCode('ERR_MESSAGE_CONTEXT_MALFORMED', () => read(encodeMessageContext(context)))
  })

  const fields = [
    visible(good.type),
    visible(good.destination),
    encodeOctetString(good.messageId),
    encodeInteger(good.lifetimeSeconds),
  ] as const
  const [type, destination, messageId, lifetime] = fields

  it.each<[string, Uint8Array]>([
    ['version 2', encodeSequence(encodeInteger(2), ...fields)],
    ['version 1 spelt out, which DER leaves out', encodeSequence(encodeInteger(1), ...fields)],
    ['version 0', encodeSequence(encodeInteger(0), ...fields)],
    ['version 300', encodeSequence(encodeInteger(300), ...fields)],
    ['nothing in it', encodeSequence()],
    ['no lifetime', encodeSequence(type, destination, messageId)],
    ['something after the last field', encodeSequence(...fields, encodeNull())],
    ['an unknown optional field', encodeSequence(...fields, encodeContextPrimitive(2, Uint8Array.of(1)))],
    [
      'source and route in the other order',
      encodeSequence(...fields, encodeContext(1, visible('a')), encodeContextPrimitive(0, Buffer.from(source))),
    ],
    [
      'the source twice',
      encodeSequence(
        ...fields,
        encodeContextPrimitive(0, Buffer.from('a')),
        encodeContextPrimitive(0, Buffer.from('b')),
      ),
    ],
    ['type and destination as UTF8String', encodeSequence(encodeString('a'), encodeString('b'), messageId, lifetime)],
    ['a message id that is an INTEGER', encodeSequence(type, destination, encodeInteger(2 ** 40), lifetime)],
    [
      'a negative lifetime',
      encodeSequence(type, destination, messageId, encodeValue(TAG.integer, Uint8Array.of(0xff))),
    ],
    [
      'a lifetime with a leading zero',
      encodeSequence(type, destination, messageId, encodeValue(TAG.integer, Uint8Array.of(0, 60))),
    ],
    ['a control character in the type', encodeSequence(visible('a\u0000b'), destination, messageId, lifetime)],
    ['a step of the route of another type', encodeSequence(...fields, encodeContext(1, encodeInteger(1)))],
    ['a source that is constructed', encodeSequence(...fields, encodeContext(0, visible('a')))],
    ['an OCTET STRING', encodeOctetString(Buffer.from('x'))],
  ])('refuses %s', (_, der) => {
    expectCode('ERR_MESSAGE_CONTEXT_MALFORMED', () => read(der))
  })

  it('refuses what follows it', () => {
    expectCode('ERR_DER_TRAILING_DATA', () => read(Buffer.concat([encodeMessageContext(good), Uint8Array.of(5, 0)])))
  })

  it('refuses a limit as a limit', () => {
    const deep = encodeSequence(...fields, encodeContext(1, nested(TAG.sequence, 40)))
    expectCode('ERR_MESSAGE_CONTEXT_MALFORMED', () => read(deep))
    expectCode('ERR_DER_DEPTH', () =>
      readMessageContext(DerReader.over(encodeMessageContext(good), { ...CMS_LIMITS, maxDepth: 0 })),
    )
  })

  it('takes the tag [0] for a source and nothing else', () => {
    expect(contextPrimitive(0)).toBe(0x80)
    expect(read(encodeSequence(...fields, encodeContextPrimitive(0, Buffer.from(source)))).source).toBe(source)
  })
})
