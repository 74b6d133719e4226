/**
 * What a trusted sender or publisher signs may be hostile, too: mutated first, then signed.
 *
 * @module test/hostile/targets/signed
 */
import {
  encodeInteger,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  encodeTime,
  OID,
} from '../../../src/asn1/index.js'
import { attributeValue, parseSignedData, signData } from '../../../src/cms/index.js'
import { digestIdentifierDer } from '../../../src/crypto/index.js'
import { encodeMessageContext } from '../../../src/message/context.js'
import { type MessagePolicy, verifyMessage } from '../../../src/message/index.js'
import {
  applyTrustDelta,
  encodeTrustDocument,
  openTrustDelta,
  openTrustDirectory,
  parseTrustDocument,
  type TrustDirectory,
} from '../../../src/trust/index.js'
import { NOW } from '../../support/certificates.js'
import { attribute, buildSignedData, encodeSetOfAny, essCertificate, sid } from '../../support/cms-builder.js'
import { openRequest, receiver } from '../../support/messages.js'
import { hash } from 'node:crypto'
import { attempt, Violation } from '../attempt.js'
import { directoryView, Genuine, messageView, toHex } from './genuine.js'
import { requireSame, trustDocumentAgain } from './round-trip.js'
import { derObjects, type Target, type Verdict } from './target.js'
import { document, holders, nextTrust, senders, trust, trustDeltaDer, trustDirectoryDer, world } from '../world.js'

const [alice] = senders
const payload = Buffer.from('{"payload":{"host":"compute-07"}}')
const policy = receiver(trust, { replay: 'allow-unchecked' })
const routed: MessagePolicy = { ...policy, route: { require: 'allow-partial' } }

const HASHES_OF_ALICE = ['sha256', 'sha384', 'sha512'].map((digest) => hash(digest, alice.certificate.der, 'buffer'))

const contexts = [
  encodeMessageContext({
    type: 'notify.a',
    destination: 'here',
    messageId: new Uint8Array(12).fill(1),
    lifetimeSeconds: 300,
    source: alice.identity.uri,
    route: ['cell-1', 'cell-2'],
  }),
  encodeMessageContext({ type: 'a', destination: 'b', messageId: new Uint8Array(8), lifetimeSeconds: 1 }),
]

/** The attributes that alice signs, around any context. */
function attributesAround(contextDer: Uint8Array): Uint8Array {
  const attributes = [
    attribute(OID.contentType, encodeObjectIdentifier(OID.signetMessage)),
    attribute(OID.messageDigest, encodeOctetString(hash('sha512', payload, 'buffer'))),
    attribute(OID.signingTime, encodeTime(NOW)),
    attribute(OID.signingCertificateV2, essCertificate(alice.certificate.der)),
    attribute(OID.signetMessageContext, contextDer),
  ]
  return encodeSetOfAny(attributes, true)
}

/** A message with these signed attributes, whatever they are. */
function signedWith(attributes: Uint8Array): Uint8Array {
  const { key } = alice
  const signer = encodeSequence(
    encodeInteger(3),
    sid(alice, 'subjectKeyIdentifier'),
    digestIdentifierDer('sha512'),
    // Under the signature they are a SET, in the document [0].
    attributes[0] === 0x31 ? attributes.with(0, 0xa0) : attributes,
    key.signatureAlgorithm.identifierDer,
    encodeOctetString(key.sign(attributes)),
  )
  return buildSignedData({ digestAlgorithms: [digestIdentifierDer('sha512')], signers: [signer] })
}

/** Whatever it says, it is of alice, about these octets; and its context has no second encoding. */
async function checkOfAlice(der: Uint8Array): Promise<Verdict> {
  const plain = await attempt('verifyMessage', () => verifyMessage(der, payload, policy))
  const { value } =
    plain.code === 'ERR_ROUTE_UNCHECKED'
      ? await attempt('verifyMessage with a route', () => verifyMessage(der, payload, routed))
      : plain
  if (value === undefined) return 'refused'
  if (value.signer.uri !== alice.identity.uri || toHex(value.content) !== toHex(payload)) {
    throw new Violation(`a message of somebody else was believed: ${messageView(value)}`)
  }
  const [signer] = parseSignedData(der).signerInfos
  const bound = attributeValue(signer?.signedAttrs ?? new Map(), OID.signingCertificateV2, (item) => item.element())
  if (!HASHES_OF_ALICE.some((octets) => Buffer.from(bound ?? []).includes(octets))) {
    throw new Violation('a message that is bound to another certificate was believed')
  }
  const stated = attributeValue(signer?.signedAttrs ?? new Map(), OID.signetMessageContext, (item) => item.element())
  requireSame('the context of a message', stated ?? new Uint8Array(), encodeMessageContext(value.context))
  return 'verified'
}

const contextTarget: Target = {
  name: 'context, then signed',
  weight: 3,
  ...derObjects(contexts, []),
  check: (bytes) => checkOfAlice(signedWith(attributesAround(bytes))),
}

const attributes = contexts.map(attributesAround)
const attributesTarget: Target = {
  name: 'signed attributes, then signed',
  weight: 3,
  ...derObjects(attributes, [alice.certificate.der]),
  check: (bytes) => checkOfAlice(signedWith(bytes)),
}

/** Use a directory that was believed. */
async function useDirectory(directory: TrustDirectory): Promise<void> {
  for (const signer of directory.signers) {
    await attempt('the certificate of a trusted signer', () => signer.certificate)
    await attempt('the path of a trusted signer', () => signer.validate(NOW))
  }
  await attempt('findCertificate', () => directory.findCertificate(alice.certificate.serialNumber, () => false))
  directory.find(new Uint8Array(20))
}

const signedDirectories = new Genuine('a trust directory', [directoryView(trust)])

const directoryTarget: Target = {
  name: 'trust directory',
  weight: 4,
  ...derObjects([trustDirectoryDer], [holders.everything.certificate.der]),
  check: async (bytes) => {
    const { value } = await attempt('openTrustDirectory', () => openTrustDirectory(bytes, openRequest(world)))
    if (value === undefined) return 'refused'
    signedDirectories.require(directoryView(value))
    return 'verified'
  },
}

const documentDer = encodeTrustDocument(document)
const documentTarget: Target = {
  name: 'trust document, then signed',
  weight: 4,
  ...derObjects([documentDer], [holders.everything.certificate.der]),
  check: async (bytes) => {
    const { value } = await attempt('parseTrustDocument', () => parseTrustDocument(bytes))
    if (value !== undefined) trustDocumentAgain(bytes)
    const der = await signData(bytes, {
      signers: [world.publisher],
      contentType: OID.signetTrustDirectory,
      form: 'attached',
      signingTime: NOW,
      certificates: [world.publisher.certificate, world.issuing.certificate, world.root.certificate],
    })
    const { value: directory } = await attempt('openTrustDirectory', () => openTrustDirectory(der, openRequest(world)))
    if (directory === undefined) return value === undefined ? 'refused' : 'parsed'
    await useDirectory(directory)
    return 'verified'
  },
}

/** Apply a delta to the directory that it is for. Whatever it makes must be what was published. */
async function applyDelta(der: Uint8Array): Promise<Verdict> {
  const { value: delta } = await attempt('openTrustDelta', () => openTrustDelta(der, openRequest(world)))
  if (delta === undefined) return 'refused'
  const { value } = await attempt('applyTrustDelta', () => applyTrustDelta(trust, delta, openRequest(world)))
  if (value === undefined) return 'parsed'
  // The certificates around it are not signed, there as here.
  if (directoryView(value.directory) !== directoryView(nextTrust)) {
    throw new Violation('a delta made a directory that nobody published')
  }
  return 'verified'
}

const deltaTarget: Target = {
  name: 'trust delta',
  weight: 4,
  ...derObjects([trustDeltaDer], [trustDirectoryDer, holders.everything.certificate.der]),
  check: applyDelta,
}

const deltaContent = parseSignedData(trustDeltaDer).eContent ?? new Uint8Array()
const deltaDocumentTarget: Target = {
  name: 'trust delta document, then signed',
  weight: 4,
  ...derObjects([deltaContent], [holders.everything.certificate.der]),
  check: async (bytes) => {
    const der = await signData(bytes, {
      signers: [world.publisher],
      contentType: OID.signetTrustDelta,
      form: 'attached',
      signingTime: NOW,
      certificates: [world.publisher.certificate, world.issuing.certificate, world.root.certificate],
    })
    return applyDelta(der)
  },
}

export const SIGNED_TARGETS: readonly Target[] = [
  contextTarget,
  attributesTarget,
  directoryTarget,
  documentTarget,
  deltaTarget,
  deltaDocumentTarget,
]
export const SIGNED_DERS: readonly Uint8Array[] = [
  trustDirectoryDer,
  documentDer,
  trustDeltaDer,
  deltaContent,
  ...attributes,
]
