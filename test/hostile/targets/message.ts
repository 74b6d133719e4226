/**
 * Mutated messages and other CMS documents.
 *
 * @module test/hostile/targets/message
 */
import { encodeContextPrimitive, OID } from '../../../src/asn1/index.js'
import {
  parseForeignSignedData,
  parseSignedData,
  signData,
  verifySignedData,
  type VerifySignedDataRequest,
} from '../../../src/cms/index.js'
import { digestIdentifierDer } from '../../../src/crypto/index.js'
import {
  type MessagePolicy,
  signMessage,
  type SignMessageRequest,
  type VerifiedMessage,
  verifyMessage,
} from '../../../src/message/index.js'
import { encodeMessageContext } from '../../../src/message/context.js'
import { NOW } from '../../support/certificates.js'
import { attribute, buildSignedData, buildSigner } from '../../support/cms-builder.js'
import { receiver } from '../../support/messages.js'
import { attempt } from '../attempt.js'
import { Genuine, messageView, signerViews } from './genuine.js'
import type { Random } from '../random.js'
import { derObjects, type Target } from './target.js'
import { holders, senders, trust, world } from '../world.js'

const [alice, bob] = senders
const payload = Buffer.from('{"publisher_id":"nova-compute:compute-07","payload":{"host":"compute-07"}}')
const otherPayload = Buffer.from('{"payload":{"host":"compute-08"}}')
const policy = receiver(trust, { replay: 'allow-unchecked' })
/** For messages that plan a route. */
const routed: MessagePolicy = { ...policy, route: { require: 'allow-partial' } }

async function message(request: Partial<SignMessageRequest>, signer = alice, content = payload): Promise<Uint8Array> {
  const { der } = await signMessage(content, signer, {
    type: 'notify.instance.create.end',
    destination: 'notifications',
    at: NOW,
    messageId: new Uint8Array(12).fill(7),
    ...request,
  })
  return der
}

const detached = await message({})
const attached = await message({ form: 'attached', source: 'stated', route: ['cell-1', 'cell-2'] })
const byName = await signData(payload, {
  signers: [{ ...alice, identifier: 'issuerAndSerialNumber' }],
  contentType: OID.signetMessage,
  signingTime: NOW,
  attributes: [
    [
      OID.signetMessageContext,
      encodeMessageContext({ type: 'a.b', destination: 'c', messageId: new Uint8Array(8), lifetimeSeconds: 60 }),
    ],
  ],
})
const byBob = await message({ type: 'other' }, bob, otherPayload)
const messages = [detached, attached, byName, byBob]

async function verifyGenuine(der: Uint8Array): Promise<VerifiedMessage> {
  const content = der === attached ? undefined : der === byBob ? otherPayload : payload
  return verifyMessage(der, content, der === attached ? routed : policy)
}

const signedMessages = new Genuine('a message', (await Promise.all(messages.map(verifyGenuine))).map(messageView))

/** Mostly what was signed; else something changed, of somebody else, or nothing. */
function contentFor(random: Random): Uint8Array | undefined {
  if (random.chance(0.5)) return payload
  const changed = payload.with(random.below(payload.length), random.below(256))
  return random.pick([undefined, undefined, undefined, otherPayload, changed, new Uint8Array()])
}

function messageTarget(name: string, weight: number, originals: readonly Uint8Array[], wanted = policy): Target {
  return {
    name,
    weight,
    ...derObjects(originals, [...messages, alice.certificate.der]),
    check: async (bytes, random) => {
      const { code } = await attempt('parseSignedData', () => parseSignedData(bytes))
      const content = contentFor(random)
      const { value } = await attempt('verifyMessage', () => verifyMessage(bytes, content, wanted))
      if (value === undefined) return code === 'accepted' ? 'parsed' : 'refused'
      signedMessages.require(messageView(value))
      return 'verified'
    },
  }
}

// Signed documents of others, with certificates inside and two signers.

const plain = Buffer.from('hello\n')
const foreign = [
  await signData(plain, {
    signers: [alice, bob],
    signingTime: NOW,
    form: 'attached',
    certificates: [alice.certificate],
  }),
  await signData(plain, {
    signers: [{ ...bob, identifier: 'issuerAndSerialNumber' }],
    signingTime: NOW,
    form: 'attached',
    certificates: [bob.certificate, world.issuing.certificate, world.root.certificate],
  }),
  buildSignedData({
    eContent: plain,
    eContentType: OID.data,
    digestAlgorithms: [digestIdentifierDer('sha512')],
    certificates: [alice.certificate.der],
    crls: world.crls.map(({ der }) => der),
    signers: [
      buildSigner({
        content: plain,
        holder: alice,
        eContentType: OID.data,
        unsignedAttributes: [attribute('1.2.3.4', encodeContextPrimitive(0, new Uint8Array(3)))],
      }),
    ],
  }),
]
const foreignRequest: VerifySignedDataRequest = {
  anchors: [world.root.certificate],
  certificates: [world.issuing.certificate, alice.certificate, bob.certificate],
  purpose: 'email',
  revocation: { crls: world.crls },
  at: NOW,
}
const signedDocuments = new Genuine(
  'a signed document',
  foreign.flatMap((der) => signerViews(verifySignedData(der, foreignRequest))),
)

const documentTarget: Target = {
  name: 'CMS document',
  weight: 4,
  ...derObjects(foreign, [...messages, holders.everything.certificate.der]),
  check: async (bytes, random) => {
    const { code } = await attempt('parseForeignSignedData', () => parseForeignSignedData(bytes))
    const asked = random.chance(0.1) ? { ...foreignRequest, content: plain } : foreignRequest
    const { value } = await attempt('verifySignedData', () => verifySignedData(bytes, asked))
    if (value === undefined) return code === 'accepted' ? 'parsed' : 'refused'
    for (const view of signerViews(value)) signedDocuments.require(view)
    return 'verified'
  },
}

export const MESSAGE_TARGETS: readonly Target[] = [
  messageTarget('detached message', 4, [detached, byName]),
  messageTarget('attached message', 4, [attached], routed),
  documentTarget,
]
export const MESSAGE_DERS: readonly Uint8Array[] = [...messages, ...foreign]
