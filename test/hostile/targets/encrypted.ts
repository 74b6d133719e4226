/**
 * Mutated encrypted documents and messages.
 *
 * @module test/hostile/targets/encrypted
 */
import {
  decryptData,
  parseAuthEnvelopedData,
  parseForeignAuthEnvelopedData,
  type DecryptedData,
} from '../../../src/cms/index.js'
import { decryptMessage, type EncryptedMessagePolicy, signMessage } from '../../../src/message/index.js'
import { NOW } from '../../support/certificates.js'
import { buildEnvelope, keyAgreement } from '../../support/envelope-builder.js'
import { receiver } from '../../support/messages.js'
import { attempt } from '../attempt.js'
import { fixedPrivateKey } from '../keys.js'
import { holders, senders, trust } from '../world.js'
import { Genuine, messageView, toHex } from './genuine.js'
import { derObjects, type Target } from './target.js'

const [alice, bob] = senders
const reader = holders.recipient
const readerUri = 'spiffe://cloud.example/nova/recipient/node-1'
const policy: EncryptedMessagePolicy = {
  ...receiver(trust, { replay: 'allow-unchecked' }),
  destinations: ['conductor'],
}

const recipient = (): Uint8Array =>
  keyAgreement(reader.certificate, { ephemeralKey: fixedPrivateKey('ephemeral', 'p256') })
const enveloped = (content: Uint8Array): Uint8Array => buildEnvelope({ content, recipients: [recipient()] })

async function signed(signer: typeof alice, content: string): Promise<Uint8Array> {
  const { der } = await signMessage(Buffer.from(content), signer, {
    type: 'rpc.password',
    destination: 'conductor',
    at: NOW,
    messageId: new Uint8Array(12).fill(9),
    form: 'attached',
    recipients: [readerUri],
  })
  return der
}

const inner = [await signed(alice, '{"password":"a"}'), await signed(bob, '{}')]
const messages = inner.map(enveloped)
const plain = enveloped(Buffer.from('hello\n'))
const documents = [plain, ...messages]

const dataView = ({ content, contentType }: DecryptedData): string => JSON.stringify([toHex(content), contentType])
const contents = new Genuine(
  'an encrypted document',
  await Promise.all(documents.map(async (der) => dataView(await decryptData(der, reader)))),
)
const genuine = new Genuine(
  'an encrypted message',
  await Promise.all(messages.map(async (der) => messageView((await decryptMessage(der, reader, policy)).message))),
)

const documentTarget: Target = {
  name: 'encrypted document',
  weight: 3,
  ...derObjects([plain], documents),
  check: async (bytes) => {
    const { code } = await attempt('parseForeignAuthEnvelopedData', () => parseForeignAuthEnvelopedData(bytes))
    const { value } = await attempt('decryptData', () => decryptData(bytes, reader))
    if (value === undefined) return code === 'accepted' ? 'parsed' : 'refused'
    contents.require(dataView(value))
    return 'verified'
  },
}

function messageTarget(
  name: string,
  originals: readonly Uint8Array[],
  made: (bytes: Uint8Array) => Uint8Array,
): Target {
  return {
    name,
    weight: 3,
    ...derObjects(originals, [...documents, ...inner]),
    check: async (bytes) => {
      const der = made(bytes)
      const { code } = await attempt('parseAuthEnvelopedData', () => parseAuthEnvelopedData(der))
      const { value } = await attempt('decryptMessage', () => decryptMessage(der, reader, policy))
      if (value === undefined) return code === 'accepted' ? 'parsed' : 'refused'
      genuine.require(messageView(value.message))
      return 'verified'
    },
  }
}

export const ENCRYPTED_TARGETS: readonly Target[] = [
  documentTarget,
  messageTarget('encrypted message', messages, (bytes) => bytes),
  messageTarget('signed message, then encrypted', inner, enveloped),
]
export const ENCRYPTED_DERS: readonly Uint8Array[] = documents
