import { beforeAll, describe, expect, it } from 'vitest'
import {
  encodeGeneralizedTime,
  encodeInteger,
  encodeNull,
  encodeOctetString,
  encodeSequence,
  encodeString,
  TAG,
} from '../../src/asn1/index.js'
import type { ErrorCode } from '../../src/errors/index.js'
import { encodeTrustDocument, parseTrustDocument } from '../../src/trust/index.js'
import { signerCertificate } from '../../src/trust/document.js'
import { encodeKeyUsage } from '../../src/x509/index.js'
import { makeCertificate, NOW } from '../support/certificates.js'
import { childrenOf, type DerPath, editDer, elementAt } from '../support/der.js'
import { expectCode } from '../support/expect-code.js'
import { makeDirectory, makeSender, makeWorld, type Sender, trustDocument, type World } from '../support/messages.js'

let world: World
let senders: readonly Sender[]
let good: Uint8Array
beforeAll(async () => {
  world = await makeWorld()
  senders = ['compute-01', 'compute-02', 'compute-03', 'compute-04'].map((node) =>
    makeSender(world, { node, roles: ['compute', 'notifier'] }),
  )
  good = encodeTrustDocument(trustDocument(world, senders))
})

const VERSION: DerPath = [0]
const DOMAIN: DerPath = [1]
const SEQUENCE: DerPath = [2]
const ISSUED: DerPath = [3]
const ANCHORS: DerPath = [5]
const CRLS: DerPath = [7]
const SIGNERS: DerPath = [8]
const [KEY_IDENTIFIER, CERTIFICATE, ENTITY, URI, ROLES] = [0, 1, 2, 3, 7] as const

describe('encodeTrustDocument and parseTrustDocument', () => {
  it('agree on everything', () => {
    const document = parseTrustDocument(good)
    const wanted = trustDocument(world, senders)
    expect(document.trustDomain).toBe(wanted.trustDomain)
    expect(document.sequence).toBe(1)
    expect(document.issuedAt).toEqual(wanted.issuedAt)
    expect(document.nextUpdate).toEqual(wanted.nextUpdate)
    expect(document.anchors.map((item) => item.fingerprint)).toEqual([world.root.certificate.fingerprint])
    expect(document.authorities.map((item) => item.fingerprint)).toEqual([world.issuing.certificate.fingerprint])
    expect(document.crls).toHaveLength(2)
    const byNode = document.signers.map((raw) => raw.identity).sort((a, b) => (a.node < b.node ? -1 : 1))
    expect(byNode).toEqual(senders.map((sender) => sender.identity))
  })

  it('write the signers in ascending order of their key identifiers, whatever order they came in', () => {
    const reversed = encodeTrustDocument(trustDocument(world, senders.toReversed()))
    expect(Buffer.from(reversed)).toEqual(Buffer.from(good))
    const identifiers = parseTrustDocument(good).signers.map((raw) => Buffer.from(raw.keyIdentifier).toString('hex'))
    expect(identifiers).toEqual(identifiers.toSorted())
  })

  it('agree on a directory without signers, authorities, CRLs or anchors', () => {
    const empty = trustDocument(world, [], { anchors: [], authorities: [], crls: [] })
    expect(parseTrustDocument(encodeTrustDocument(empty)).signers).toEqual([])
  })

  it('leave the certificates of signers unread until asked', () => {
    const rubbish = editDer(good, [...SIGNERS, 0, CERTIFICATE], () => encodeSequence(encodeInteger(1)))
    const [raw] = parseTrustDocument(rubbish).signers
    if (raw === undefined) throw new Error('there is no signer')
    expectCode('ERR_CERTIFICATE_MALFORMED', () => signerCertificate(raw))
  })

  it('share identities that nobody can change', () => {
    const [raw] = parseTrustDocument(good).signers
    expect(Object.isFrozen(raw?.identity)).toBe(true)
    expect(Object.isFrozen(raw?.identity.roles)).toBe(true)
  })
})

describe('a signer with what is no grant', () => {
  it('is refused when all is parsed, and when it is asked for: the others are not', async () => {
    const [first, second] = senders as [Sender, Sender]
    const odd = { ...first, identity: { ...first.identity, grants: ['not a role'] } }
    expectCode('ERR_IDENTITY_INVALID', () => parseTrustDocument(encodeTrustDocument(trustDocument(world, [odd]))))
    const directory = await makeDirectory(world, [odd, second])
    const find = (sender: Sender) => directory.find(sender.certificate.subjectKeyIdentifier ?? new Uint8Array())
    expectCode('ERR_IDENTITY_INVALID', () => find(odd)?.identity)
    expect(find(second)?.identity).toEqual(second.identity)
  })
})

describe('encodeTrustDocument: refusals', () => {
  it('refuses a signer without a key identifier', () => {
    const bare = makeCertificate({
      subject: 'bare',
      issuer: world.issuing,
      extensionsDer: [encodeKeyUsage(['digitalSignature'])],
    })
    const [sender] = senders
    if (sender === undefined) throw new Error('there is no sender')
    expectCode('ERR_TRUST_DIRECTORY_MALFORMED', () =>
      encodeTrustDocument(trustDocument(world, [{ ...sender, certificate: bare.certificate }])),
    )
  })

  it('writes a signer twice, which reading refuses', () => {
    const [sender] = senders
    if (sender === undefined) throw new Error('there is no sender')
    const twice = encodeTrustDocument(trustDocument(world, [sender, sender]))
    expectCode('ERR_TRUST_DIRECTORY_MALFORMED', () => parseTrustDocument(twice))
  })
})

describe('parseTrustDocument: refusals', () => {
  const swap = (set: Uint8Array): Uint8Array => {
    const [first, second, ...rest] = childrenOf(set)
    if (first === undefined || second === undefined) throw new Error('there are no two signers')
    return encodeSequence(second, first, ...rest)
  }

  it.each<[string, DerPath, (element: Uint8Array) => Uint8Array | readonly Uint8Array[], ErrorCode]>([
    ['version 0', VERSION, () => encodeInteger(0), 'ERR_TRUST_DIRECTORY_MALFORMED'],
    ['version 2', VERSION, () => encodeInteger(2), 'ERR_TRUST_DIRECTORY_MALFORMED'],
    ['no version', VERSION, () => [], 'ERR_TRUST_DIRECTORY_MALFORMED'],
    [
      'a trust domain of another string type',
      DOMAIN,
      () => encodeString('x', TAG.ia5String),
      'ERR_TRUST_DIRECTORY_MALFORMED',
    ],
    ['a trust domain that is not UTF-8', DOMAIN, () => Uint8Array.of(12, 1, 0xff), 'ERR_TRUST_DIRECTORY_MALFORMED'],
    ['a sequence number over 2^47', SEQUENCE, () => encodeInteger(2 ** 47 + 1), 'ERR_TRUST_DIRECTORY_MALFORMED'],
    ['a negative sequence number', SEQUENCE, () => Uint8Array.of(2, 1, 0xff), 'ERR_TRUST_DIRECTORY_MALFORMED'],
    [
      'a sequence number with a leading zero',
      SEQUENCE,
      () => Uint8Array.of(2, 2, 0, 1),
      'ERR_TRUST_DIRECTORY_MALFORMED',
    ],
    ['UTCTime', ISSUED, () => encodeString('270101000000Z', TAG.utcTime), 'ERR_TRUST_DIRECTORY_MALFORMED'],
    [
      'a time that there is not',
      ISSUED,
      () => encodeString('20270230000000Z', TAG.generalizedTime),
      'ERR_TRUST_DIRECTORY_MALFORMED',
    ],
    ['an anchor that is no certificate', [...ANCHORS, 0], () => encodeNull(), 'ERR_TRUST_DIRECTORY_MALFORMED'],
    ['a CRL that is none', [...CRLS, 0], () => encodeNull(), 'ERR_TRUST_DIRECTORY_MALFORMED'],
    ['no signers at all', SIGNERS, () => [], 'ERR_DER_TRUNCATED'],
    ['two signers in the other order', SIGNERS, swap, 'ERR_TRUST_DIRECTORY_MALFORMED'],
    ['one signer twice', [...SIGNERS, 0], (signer) => [signer, signer], 'ERR_TRUST_DIRECTORY_MALFORMED'],
    [
      'a key identifier that is no OCTET STRING',
      [...SIGNERS, 0, KEY_IDENTIFIER],
      () => encodeInteger(1),
      'ERR_TRUST_DIRECTORY_MALFORMED',
    ],
    [
      'a certificate that is no SEQUENCE',
      [...SIGNERS, 0, CERTIFICATE],
      () => encodeOctetString(Uint8Array.of(1)),
      'ERR_TRUST_DIRECTORY_MALFORMED',
    ],
    ['an entity of another type', [...SIGNERS, 0, ENTITY], () => encodeInteger(1), 'ERR_TRUST_DIRECTORY_MALFORMED'],
    [
      'a URI that is not ASCII',
      [...SIGNERS, 0, URI],
      () => Uint8Array.of(22, 1, 0xe9),
      'ERR_TRUST_DIRECTORY_MALFORMED',
    ],
    ['no roles', [...SIGNERS, 0, ROLES], () => [], 'ERR_DER_TRUNCATED'],
    [
      'a role of another type',
      [...SIGNERS, 0, ROLES],
      () => encodeSequence(encodeInteger(1)),
      'ERR_TRUST_DIRECTORY_MALFORMED',
    ],
    ['something after the roles', [...SIGNERS, 0, ROLES], (roles) => [roles, encodeNull()], 'ERR_DER_TRAILING_DATA'],
    ['something after the signers', SIGNERS, (signers) => [signers, encodeNull()], 'ERR_DER_TRAILING_DATA'],
  ])('refuses %s', (_, path, replace, code) => {
    expectCode(code, () => parseTrustDocument(editDer(good, path, replace)))
  })

  it('refuses bytes behind it, and no bytes', () => {
    expectCode('ERR_DER_TRAILING_DATA', () => parseTrustDocument(Buffer.concat([good, Uint8Array.of(0)])))
    expectCode('ERR_INPUT_EMPTY', () => parseTrustDocument(new Uint8Array()))
  })

  it('reads the time as it stands', () => {
    expect(Buffer.from(elementAt(good, ISSUED))).toEqual(Buffer.from(encodeGeneralizedTime(NOW)))
  })
})
