/**
 * Mutated routing slips and envelopes.
 *
 * @module test/hostile/targets/slip
 */
import {
  addPart,
  checkOff,
  makeEnvelope,
  type MessagePolicy,
  signMessage,
  type VerifiedEnvelope,
  type VerifiedMessage,
  verifyEnvelope,
  verifyMessage,
} from '../../../src/message/index.js'
import { NOW } from '../../support/certificates.js'
import { receiver } from '../../support/messages.js'
import { attempt } from '../attempt.js'
import { senders, trust } from '../world.js'
import { Genuine, messageView, toHex } from './genuine.js'
import { derObjects, type Target } from './target.js'

const [alice, bob] = senders
const payload = Buffer.from('{"order":7}')
const policy: MessagePolicy = receiver(trust, { replay: 'allow-unchecked', route: { require: 'allow-partial' } })
const verify = (der: Uint8Array): Promise<VerifiedMessage> => verifyMessage(der, payload, policy)

/** Everything that a receiver learns from a message and its slip. */
function slipView(message: VerifiedMessage): string {
  const done = message.route?.steps.map((step) => [
    step.entry,
    step.signer,
    step.certificate.fingerprint,
    step.signingTime,
  ])
  return JSON.stringify([messageView(message), message.route?.planned, message.route?.next, done])
}

const route = [bob.identity.entity, alice.identity.uri, bob.identity.entity]
const { der: planned } = await signMessage(payload, alice, { type: 'order', destination: 'billing', at: NOW, route })
const slips = [planned]
for (const step of [bob, alice, bob]) {
  const der = slips.at(-1) ?? planned
  const verified = (await verify(der)).route
  if (verified === undefined) throw new Error('no route')
  slips.push(await checkOff(verified, step, { trust, at: NOW }))
}
// The end of a slip may be cut off, and then it is one of these.
const signedSlips = new Genuine('a slip', await Promise.all(slips.map(async (der) => slipView(await verify(der)))))

const slipTarget: Target = {
  name: 'message with a slip',
  weight: 4,
  ...derObjects(slips, [alice.certificate.der]),
  check: async (bytes) => {
    const { value } = await attempt('verifyMessage', () => verify(bytes))
    if (value === undefined) return 'refused'
    signedSlips.require(slipView(value))
    return 'verified'
  },
}

// Envelopes.

const parts = [
  { name: 'invoice', signer: bob.identity.entity },
  { name: 'receipt', signer: alice.identity.uri },
]
const begun = await addPart(await makeEnvelope(alice, { parts, at: NOW }), payload, bob, { name: 'invoice', at: NOW })
const envelopes = [begun, await addPart(begun, new Uint8Array(), alice, { name: 'receipt', at: NOW })]
const open = (der: Uint8Array): VerifiedEnvelope =>
  verifyEnvelope(der, { trust, originators: 'allow-any-trusted', require: 'allow-partial', at: NOW })

function envelopeViews(envelope: VerifiedEnvelope): readonly string[] {
  const { id, originator, planned: plan } = envelope
  const views = envelope.parts.map(({ name, content, signer, signingTime }) => [
    name,
    toHex(content),
    signer,
    signingTime,
  ])
  return [JSON.stringify([id, originator, plan]), ...views.map((view) => JSON.stringify([id, view]))]
}

const signedParts = new Genuine(
  'a part',
  envelopes.flatMap((der) => envelopeViews(open(der))),
)

const envelopeTarget: Target = {
  name: 'envelope',
  weight: 4,
  ...derObjects(envelopes, [...slips, bob.certificate.der]),
  check: async (bytes) => {
    const { value } = await attempt('verifyEnvelope', () => open(bytes))
    if (value === undefined) return 'refused'
    for (const view of envelopeViews(value)) signedParts.require(view)
    return 'verified'
  },
}

export const SLIP_TARGETS: readonly Target[] = [slipTarget, envelopeTarget]
export const SLIP_DERS: readonly Uint8Array[] = [...slips, ...envelopes]
