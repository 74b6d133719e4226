import { describe, expect, it } from 'vitest'
import { type NatsMessage, publishNats, SIGNATURE_HEADER, subscribeNats } from '../../src/brokers/index.js'
import { isSignetError } from '../../src/errors/index.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { DOTTED, HeadersFake, makeLog, MESSAGE, natsFake, PAYLOAD, signer } from './clients.js'

const headers = (): HeadersFake => new HeadersFake()

async function published(): Promise<NatsMessage> {
  const connection = natsFake()
  await publishNats(connection, MESSAGE, { signer, headers })
  const [message] = connection.published
  if (message === undefined) throw new Error('nothing was published')
  return message
}

async function deliver(messages: readonly NatsMessage[]) {
  const [connection, log] = [natsFake(), makeLog()]
  const subscription = await subscribeNats(connection, 'compute.c7.>', log)
  for (const message of messages) connection.deliver(null, message)
  await subscription.stop()
  return { ...log, connection }
}

const signatureOf = ({ headers: given }: NatsMessage): string => given?.values(SIGNATURE_HEADER)[0] ?? ''

/** With these signatures. */
function signedBy(message: NatsMessage, ...values: readonly string[]): NatsMessage {
  const made = headers()
  for (const value of values) made.append(SIGNATURE_HEADER, value)
  return { ...message, headers: made }
}

describe('publishNats', () => {
  it('puts the signature in base64url beside the untouched payload, and the address into the subject', async () => {
    const message = await published()
    expect(message.subject).toBe(DOTTED)
    expect(message.data).toEqual(PAYLOAD)
    expect(signatureOf(message)).toMatch(/^[A-Za-z0-9_-]{300,700}$/)
  })

  it('tells that the connection is closed', async () => {
    const closed = {
      publish: () => {
        throw new Error('CONNECTION_CLOSED')
      },
    }
    await expectCodeAsync('ERR_BROKER_CLIENT', () => publishNats(closed, MESSAGE, { signer, headers }))
  })
})

describe('subscribeNats', () => {
  it('hands on what is verified, once', async () => {
    const message = await published()
    const { taken, refusals, connection } = await deliver([message, message])
    expect(taken).toHaveLength(1)
    expect(refusals).toEqual([`ERR_MESSAGE_REPLAYED stale ${DOTTED}`])
    expect(connection.said).toEqual(['subscribe compute.c7.> alone', 'flush', 'unsubscribe'])
  })

  const attempts: readonly (readonly [string, (message: NatsMessage) => NatsMessage, string])[] = [
    ['no headers', ({ subject, data }) => ({ subject, data }), 'ERR_MESSAGE_UNSIGNED denied'],
    ['other headers', (message) => ({ ...message, headers: headers() }), 'ERR_MESSAGE_UNSIGNED denied'],
    ['an empty signature', (message) => signedBy(message, ''), 'ERR_MESSAGE_UNSIGNED denied'],
    [
      'two signatures',
      (message) => signedBy(message, signatureOf(message), signatureOf(message)),
      'ERR_MESSAGE_HEADER malformed',
    ],
    ['base64url with padding', (message) => signedBy(message, 'MII='), 'ERR_MESSAGE_HEADER malformed'],
    ['other characters', (message) => signedBy(message, `${signatureOf(message)} `), 'ERR_MESSAGE_HEADER malformed'],
    [
      'a signature that is too long',
      (message) => signedBy(message, 'A'.repeat(90_000)),
      'ERR_LIMIT_EXCEEDED malformed',
    ],
    [
      'another subject',
      (message) => ({ ...message, subject: 'compute.c7.rpc.compute.pong' }),
      'ERR_MESSAGE_ADDRESS denied',
    ],
    [
      'a flipped bit',
      (message) => ({ ...message, data: Buffer.from('{"method": "pinh"}') }),
      'ERR_CMS_DIGEST_MISMATCH untrusted',
    ],
  ]
  it.each(attempts)('refuses %s', async (_what, change, refusal) => {
    const message = change(await published())
    const { taken, refusals, failures } = await deliver([message])
    expect(refusals).toEqual([`${refusal} ${message.subject}`])
    expect([taken, failures]).toEqual([[], []])
  })

  it('joins a queue group where it is told to, and tells of a permission that is missing', async () => {
    const [connection, log] = [natsFake(), makeLog()]
    await subscribeNats(connection, 'compute.>', log, 'workers')
    expect(connection.said[0]).toBe('subscribe compute.> workers')
    connection.deliver(new Error('Permissions Violation'), undefined as never)
    expect(log.failures.map((error) => isSignetError(error) && error.code)).toEqual(['ERR_BROKER_CLIENT'])
  })
})
