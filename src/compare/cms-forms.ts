/**
 * A signed message in all its forms, and what each adds to the payload.
 *
 * Those of `signet` are what the library sends. Those of `cms` are made with the general CMS functions (`signet cms`):
 * standard, but nothing that signet sends as a message.
 *
 * @module compare/cms-forms (floor 7.2)
 */
import { OID } from '../asn1/index.js'
import { SIGNATURE_HEADER } from '../brokers/index.js'
import { countersign, encryptData, parseSignedData, signData, withCountersignature } from '../cms/index.js'
import { InternalError } from '../errors/index.js'
import { identityUriOf } from '../identity/index.js'
import { checkOff, signMessage, type SignMessageRequest, verifyMessage } from '../message/index.js'
import type { Certificate } from '../x509/index.js'
import { messageIdOf, type SampleMessage } from './sample.js'
import { type ReaderCount, type ReaderKey, type Signers, type SizeSigner, STEP_ENTITY } from './signers.js'

/** One way to protect messages by signatures. */
export interface SignedForm {
  readonly system: 'signet' | 'cms' | 'jws' | 'cose'
  readonly name: string
  /** What it is, in a few words. */
  readonly title: string
  /** Sign a message, and count the octets beside its payload. */
  octets(message: SampleMessage, signer: SizeSigner, signers: Signers): Promise<number>
}

export const CMS_FORMS: readonly SignedForm[] = [
  signetForm('detached', 'detached, by key identifier: the default', once(lengthOf)),
  signetForm('source', 'the same, its source stated', once(lengthOf, { source: 'stated' })),
  signetForm('attached', 'attached: the payload inside', once(withoutPayload, { form: 'attached' })),
  signetForm('amqp-header', 'detached, in a header of AMQP 0-9-1, its name counted', once(inAmqpHeader)),
  signetForm('json-text', 'detached, as base64url in JSON, its name counted', once(inJson)),
  signetForm('route-1', 'with a route of 1 step, checked off', routed(1)),
  signetForm('route-3', 'with a route of 3 steps, checked off', routed(3)),
  signetForm('encrypted-p256-1', 'signed and encrypted for 1 reader with P-256', encrypted('p256', 1)),
  signetForm('encrypted-p256-3', 'signed and encrypted for 3 readers with P-256', encrypted('p256', 3)),
  signetForm('encrypted-rsa2048-1', 'signed and encrypted for 1 reader with RSA-2048', encrypted('rsa2048', 1)),
  signetForm('encrypted-rsa2048-3', 'signed and encrypted for 3 readers with RSA-2048', encrypted('rsa2048', 3)),
  cmsForm('issuer-serial', 'detached, by issuer and serial number', async (message, signer, { at }) => {
    return (await asCms(message, signer, at, { identifier: 'issuerAndSerialNumber' })).length
  }),
  cmsForm('certificate', 'detached, with the certificate', async (message, signer, { at }) => {
    return (await asCms(message, signer, at, { certificates: [signer.sender.certificate] })).length
  }),
  cmsForm('chain', 'detached, with certificate and issuing CA', async (message, signer, { at, issuing }) => {
    return (await asCms(message, signer, at, { certificates: [signer.sender.certificate, issuing] })).length
  }),
  cmsForm('countersigned', 'detached, countersigned once', async (message, signer, { at }) => {
    const der = await asCms(message, signer, at, {})
    const [{ signature } = none()] = parseSignedData(der).signerInfos
    return withCountersignature(der, await countersign(signature, signer.step, { signingTime: at })).length
  }),
]

type Octets = SignedForm['octets']

function signetForm(name: string, title: string, octets: Octets): SignedForm {
  return { system: 'signet', name, title, octets }
}

function cmsForm(name: string, title: string, octets: Octets): SignedForm {
  return { system: 'cms', name, title, octets }
}

/** The DER of a message as the library signs it. */
export async function signed(
  message: SampleMessage,
  { sender }: SizeSigner,
  at: Date,
  more: Partial<SignMessageRequest> = {},
): Promise<{ readonly der: Uint8Array }> {
  const { type, destination, content } = message
  return signMessage(content, sender, { type, destination, at, messageId: messageIdOf(message), ...more })
}

/** Sign once, and count. */
function once(
  count: (der: Uint8Array, message: SampleMessage) => number,
  more: Partial<SignMessageRequest> = {},
): Octets {
  return async (message, signer, { at }) => count((await signed(message, signer, at, more)).der, message)
}

function lengthOf(der: Uint8Array): number {
  return der.length
}

function withoutPayload(der: Uint8Array, { content }: SampleMessage): number {
  return der.length - content.length
}

/** In the table of headers: length of the name, name, type of the value, its length in four octets (AMQP 0-9-1 §4.2.5.5). */
function inAmqpHeader(der: Uint8Array): number {
  return 1 + SIGNATURE_HEADER.length + 1 + 4 + der.length
}

function inJson(der: Uint8Array): number {
  return `,"${SIGNATURE_HEADER}":"${Buffer.from(der).toString('base64url')}"`.length
}

/** Every step verifies the message before it checks it off, and so must be who it says. */
function routed(steps: number): Octets {
  return async (message, signer, { at, trust }) => {
    let { der } = await signed(message, signer, at, { route: Array.from({ length: steps }, () => STEP_ENTITY) })
    for (let step = 1; step <= steps; step++) {
      const { route } = await verifyMessage(der, message.content, {
        trust,
        destinations: [message.destination],
        senders: 'allow-any-trusted',
        types: [message.type],
        maxAgeSeconds: 300,
        replay: 'allow-unchecked',
        route: { require: 'allow-partial' },
        at,
      })
      der = await checkOff(route ?? none(), signer.step, { trust, at })
    }
    return der.length
  }
}

/** As `encryptMessage` does it, of which the readers' certificates are validated once instead of for every message. */
function encrypted(key: ReaderKey, count: ReaderCount): Octets {
  return async (message, signer, { at, readers }) => {
    const validated = readers[key][count]
    const recipients = validated.certificates.map((certificate) => identityUriOf(certificate).text)
    const { der } = await signed(message, signer, at, { form: 'attached', recipients })
    return withoutPayload(encryptData(der, validated), message)
  }
}

interface CmsOptions {
  readonly identifier?: 'issuerAndSerialNumber'
  readonly certificates?: readonly Certificate[]
}

/** A document with the very attributes of the message, and whatever else the standard allows. */
export async function asCms(
  message: SampleMessage,
  signer: SizeSigner,
  at: Date,
  { identifier, certificates = [] }: CmsOptions,
): Promise<Uint8Array> {
  const { der } = await signed(message, signer, at)
  const [{ signedAttrs } = none()] = parseSignedData(der).signerInfos
  const [context = none()] = signedAttrs.get(OID.signetMessageContext) ?? []
  return signData(message.content, {
    signers: [{ ...signer.sender, ...(identifier === undefined ? {} : { identifier }) }],
    contentType: OID.signetMessage,
    signingTime: at,
    attributes: [[OID.signetMessageContext, context]],
    certificates,
  })
}

function none(): never {
  throw new InternalError('ERR_INTERNAL', 'a message that was just signed is not whole')
}
