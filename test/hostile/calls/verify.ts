/**
 * Every public function that verifies documents or validates paths, each called with hostile ones.
 *
 * @module test/hostile/calls/verify
 */
import { OID } from '../../../src/asn1/index.js'
import {
  attachContent,
  attributeValue,
  compareCmsSecondOpinion,
  contentOf,
  countersignaturesOf,
  decryptData,
  detachContent,
  embeddedCertificates,
  examineSignedData,
  examineSignedStream,
  examineSigner,
  formatSignerIdentifier,
  identifies,
  openAuthEnvelopedData,
  parseAuthEnvelopedData,
  parseForeignAuthEnvelopedData,
  parseForeignSignedData,
  parseSignedData,
  type SignedData,
  verifyCheck,
  verifyCountersignature,
  verifySignedData,
  verifySignedStream,
  validateRecipients,
  verifySigner,
  withCountersignature,
} from '../../../src/cms/index.js'
import { readSample } from '../../../src/compare/index.js'
import {
  defaultSignature,
  digestIdentifierDer,
  openContent,
  SIGNATURE_ALGORITHMS,
  verifySignature,
} from '../../../src/crypto/index.js'
import { identityUriOf } from '../../../src/identity/index.js'
import {
  decryptMessage,
  type MessagePolicy,
  planOf,
  statedSteps,
  verifyEnvelope,
  verifyMessage,
  verifyMessageStream,
} from '../../../src/message/index.js'
import { encodeMessageContext } from '../../../src/message/context.js'
import {
  checkEmail,
  checkHostName,
  checkUri,
  explainPath,
  validateIssuer,
  validatePath,
  verifyOcspResponse,
} from '../../../src/path/index.js'
import { parseBinding } from '../../../src/policy/index.js'
import {
  applyTrustDelta,
  openPastTrustDirectory,
  openTrustDelta,
  openTrustDeltaInTurns,
  openTrustDirectory,
  openTrustDirectoryInTurns,
  parseSiteIndex,
  parseTrustDocument,
  publishedType,
  readTrustDelta,
} from '../../../src/trust/index.js'
import {
  type Certificate,
  isIssuerOf,
  isResponder,
  parseCertificate,
  parseCertificates,
  parseCrl,
  parseCrls,
  parseOcspRequest,
  parseOcspResponse,
} from '../../../src/x509/index.js'
import { NOW } from '../../support/certificates.js'
import { attribute, buildSignedData, buildSigner } from '../../support/cms-builder.js'
import { buildEnvelope, keyAgreement } from '../../support/envelope-builder.js'
import { openRequest, receiver } from '../../support/messages.js'
import type { Call } from './input.js'
import { refusable } from './read-all.js'
import { holders, senders, trust, world } from '../world.js'

const [alice] = senders
const reader = holders.recipient
const anchors = [world.root.certificate]
const request = { anchors, certificates: [alice.certificate], purpose: 'allow-any', at: NOW } as const
const revocation = { crls: world.crls } as const
const bindings = [parseBinding('payload.host == node'), parseBinding('publisher_id == service:node')]
const policy: MessagePolicy = receiver(trust, { replay: 'allow-unchecked' })

/** Everything that can be asked of a document without believing it. */
function readSignedDataFully(signedData: SignedData): SignedData {
  for (const signer of signedData.signerInfos) {
    formatSignerIdentifier(signer.sid)
    identifies(signer.sid, alice.certificate)
    for (const type of [OID.contentType, OID.messageDigest, OID.signingTime, OID.signetMessageContext]) {
      refusable(() => attributeValue(signer.signedAttrs, type, (value) => value.element()))
    }
  }
  return signedData
}

const routed: MessagePolicy = { ...policy, route: { require: 'allow-partial' } }

/** A message that a trusted sender signed, and that has hostile parts all the same. */
function signed(content: Uint8Array, context?: Uint8Array): Uint8Array {
  const moreAttributes = context === undefined ? [] : [attribute(OID.signetMessageContext, context)]
  return buildSignedData({
    digestAlgorithms: [digestIdentifierDer('sha512')],
    signers: [buildSigner({ content, holder: alice, moreAttributes })],
  })
}

const goodContext = encodeMessageContext({
  type: 'notify.a',
  destination: 'here',
  messageId: new Uint8Array(12),
  lifetimeSeconds: 300,
})

/** A message on its way, of empty content. */
const routedMessage = signed(
  new Uint8Array(),
  encodeMessageContext({
    type: 'notify.a',
    destination: 'here',
    messageId: new Uint8Array(12),
    lifetimeSeconds: 300,
    route: [alice.identity.entity],
  }),
)

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes)
}

/** With a hostile certificate, and with a hostile name. */
function named(check: (certificate: Certificate, name: string) => void): Call {
  return ({ bytes, latin1 }) => {
    for (const { certificate } of Object.values(holders)) refusable(() => check(certificate, latin1))
    check(parseCertificate(bytes), 'a.example')
  }
}

export const VERIFY_CALLS: Readonly<Record<string, Call>> = {
  'compare.readSample': ({ bytes }) => readSample(bytes, 'a', { type: 'notify.a', destination: 'here', at: NOW }),
  'cms.parseSignedData': ({ bytes }) => readSignedDataFully(parseSignedData(bytes)),
  'cms.parseForeignSignedData': ({ bytes }) => readSignedDataFully(parseForeignSignedData(bytes)),
  'cms.examineSignedData': ({ bytes }) => examineSignedData(bytes, { ...request, revocation: 'allow-unchecked' }),
  'cms.verifySignedData': ({ bytes }) => verifySignedData(bytes, { ...request, revocation }),
  'cms.verifySignedData with content': ({ bytes }) =>
    verifySignedData(bytes, { ...request, content: bytes, revocation: 'allow-unchecked' }),
  'cms.parseAuthEnvelopedData': ({ bytes }) => parseAuthEnvelopedData(bytes),
  'cms.parseForeignAuthEnvelopedData': ({ bytes }) => parseForeignAuthEnvelopedData(bytes),
  'cms.openAuthEnvelopedData': ({ bytes }) => openAuthEnvelopedData(parseForeignAuthEnvelopedData(bytes), reader),
  'cms.decryptData': ({ bytes }) => decryptData(bytes, reader),
  'cms.decryptData of recipients': ({ bytes }) =>
    decryptData(buildEnvelope({ content: bytes, recipients: [bytes] }), reader),
  'cms.validateRecipients': ({ bytes }) =>
    validateRecipients([parseCertificate(bytes)], { ...request, purpose: 'allow-any', revocation: 'allow-unchecked' }),
  'cms.attachContent': ({ bytes }) => attachContent(detachContent(bytes), [bytes]),
  'cms.contentOf': ({ bytes }) => contentOf(parseForeignSignedData(bytes), undefined),
  'cms.embeddedCertificates': ({ bytes }) => embeddedCertificates(parseForeignSignedData(bytes)),
  'cms.verifySigner': ({ bytes }) => {
    const signedData = parseForeignSignedData(bytes)
    const content = signedData.eContent ?? bytes
    return signedData.signerInfos.map((signer) => verifySigner(signedData, signer, content, alice.certificate))
  },
  'cms.examineSigner': ({ bytes }) => {
    const signedData = parseForeignSignedData(bytes)
    return signedData.signerInfos.map((signer) => examineSigner(signedData, signer, bytes, alice.certificate))
  },
  'cms.verifyCheck': ({ bytes }) => {
    const { publicKey: key } = alice.certificate
    return verifyCheck({ algorithm: defaultSignature(key), key, data: bytes, signature: bytes })
  },
  'cms.countersignaturesOf': ({ bytes }) => parseSignedData(bytes).signerInfos.map(countersignaturesOf),
  'cms.verifyCountersignature': ({ bytes }) =>
    parseSignedData(bytes).signerInfos.map((signer) => verifyCountersignature(signer, signer, alice.certificate)),
  'cms.verifySignedStream': ({ bytes }) => verifySignedStream(bytes, once(bytes), { ...request, revocation }),
  'cms.withCountersignature': ({ bytes }) => withCountersignature(bytes, bytes),
  'cms.examineSignedStream': ({ bytes }) =>
    examineSignedStream(bytes, once(bytes), { ...request, revocation: 'allow-unchecked' }),
  'cms.compareCmsSecondOpinion': ({ bytes }) =>
    compareCmsSecondOpinion(bytes, bytes, 0, holders.everything.certificate),

  'crypto.openContent': ({ bytes }) =>
    openContent(new Uint8Array(32), new Uint8Array(12), { encrypted: bytes, tag: new Uint8Array(16) }, bytes),
  'crypto.verifySignature': ({ bytes }) =>
    verifySignature(SIGNATURE_ALGORITHMS.ed25519, alice.certificate.publicKey, bytes, bytes),

  'identity.identityUriOf': ({ bytes }) => identityUriOf(parseCertificate(bytes)),

  'message.decryptMessage': ({ bytes }) => decryptMessage(bytes, reader, { ...policy, destinations: ['here'] }),
  'message.decryptMessage of what was encrypted': ({ bytes }) =>
    decryptMessage(buildEnvelope({ content: bytes, recipients: [keyAgreement(reader.certificate)] }), reader, {
      ...policy,
      destinations: ['here'],
    }),
  'message.verifyMessage': ({ bytes }) => verifyMessage(bytes, undefined, policy),
  'message.verifyMessage with content': ({ bytes }) => verifyMessage(bytes, bytes, policy),
  'message.verifyMessage with a slip': ({ bytes }) => verifyMessage(bytes, undefined, routed),
  'message.verifyMessage with a hostile slip': ({ bytes }) =>
    verifyMessage(withCountersignature(routedMessage, bytes), bytes, routed),
  'message.verifyMessage with a hostile step': ({ bytes }) => {
    const moreAttributes = [attribute(OID.signetRouteStep, bytes)]
    const step = buildSigner({ content: bytes, holder: alice, contentType: undefined, moreAttributes })
    return verifyMessage(withCountersignature(routedMessage, step), new Uint8Array(), routed)
  },
  'message.statedSteps': ({ bytes }) =>
    parseSignedData(bytes).signerInfos.map((signer) => statedSteps(signer, planOf(signer) ?? ['a', 'b'])),
  'message.verifyMessageStream': ({ bytes }) => verifyMessageStream(bytes, once(bytes), policy),
  'message.verifyEnvelope': ({ bytes }) =>
    verifyEnvelope(bytes, { trust, originators: 'allow-any-trusted', require: 'allow-partial', at: NOW }),
  'message.verifyMessage with a signed context': ({ bytes }) =>
    verifyMessage(signed(bytes, bytes), bytes, { ...policy, bindings }),
  'message.verifyMessage with signed content': ({ bytes }) =>
    verifyMessage(signed(bytes, goodContext), bytes, { ...policy, bindings }),

  'path.validatePath': ({ bytes }) =>
    validatePath(parseCertificate(bytes), { anchors, at: NOW, purpose: 'allow-any', revocation }),
  'path.validateIssuer': ({ bytes }) => {
    const issuer = validateIssuer(parseCertificate(bytes), { anchors, at: NOW, revocation })
    issuer.validate(alice.certificate, ['message-signing'])
  },
  'path.explainPath': ({ bytes }) =>
    explainPath(parseCertificate(bytes), { anchors, at: NOW, purpose: 'allow-any', revocation, hostName: 'a.example' }),
  'path.validatePath to itself': ({ bytes }) => {
    const certificates = parseCertificates(bytes)
    return certificates.map((certificate) =>
      validatePath(certificate, {
        anchors: certificates,
        intermediates: certificates,
        at: certificate.notBefore,
        purpose: 'allow-any',
        revocation: 'allow-unchecked',
      }),
    )
  },
  'path.validatePath with CRLs': ({ bytes }) =>
    validatePath(alice.certificate, {
      anchors,
      intermediates: [world.issuing.certificate],
      at: NOW,
      purpose: 'message-signing',
      revocation: { crls: [...parseCrls(bytes), parseCrl(bytes)] },
    }),
  'path.validatePath with OCSP': ({ bytes }) =>
    validatePath(alice.certificate, {
      anchors,
      intermediates: [world.issuing.certificate],
      at: NOW,
      purpose: 'message-signing',
      revocation: { crls: [], ocspResponses: [parseOcspResponse(bytes)] },
    }),
  'path.verifyOcspResponse': ({ bytes }) =>
    verifyOcspResponse(parseOcspResponse(bytes), { issuer: world.issuing.certificate, at: NOW }),
  'path.checkHostName': named(checkHostName),
  'path.checkUri': named(checkUri),
  'path.checkEmail': named(checkEmail),

  'x509.isIssuerOf': ({ bytes }) =>
    parseOcspRequest(bytes).questions.map((id) => isIssuerOf(world.issuing.certificate, id)),
  'x509.isResponder': ({ bytes }) => {
    const { basic } = parseOcspResponse(bytes)
    return basic !== undefined && isResponder(world.issuing.certificate, basic.responder)
  },

  'trust.openTrustDirectory': ({ bytes }) => openTrustDirectory(bytes, openRequest(world)),
  'trust.openTrustDirectoryInTurns': ({ bytes }) => openTrustDirectoryInTurns(bytes, openRequest(world)),
  'trust.openPastTrustDirectory': ({ bytes }) => openPastTrustDirectory(bytes, openRequest(world).pin),
  'trust.openTrustDelta': ({ bytes }) => openTrustDelta(bytes, openRequest(world)),
  'trust.openTrustDeltaInTurns': ({ bytes }) => openTrustDeltaInTurns(bytes, openRequest(world)),
  'trust.parseTrustDocument': ({ bytes }) => parseTrustDocument(bytes),
  'trust.publishedType': ({ bytes }) => publishedType(bytes),
  'trust.parseSiteIndex': ({ bytes }) => parseSiteIndex(bytes),
  'trust.readTrustDelta': ({ bytes }) => readTrustDelta(bytes),
  'trust.applyTrustDelta': ({ bytes }) =>
    applyTrustDelta(trust, openTrustDelta(bytes, openRequest(world)), openRequest(world)),
}
