import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { encodeNull, encodeOctetString, OID } from '../../src/asn1/index.js'
import { signData } from '../../src/cms/index.js'
import { type ErrorCode, isSignetError } from '../../src/errors/index.js'
import { addSeconds, DAY } from '../../src/time/index.js'
import {
  createTrustMemory,
  encodeTrustDocument,
  openTrustDirectory,
  type OpenTrustDirectoryRequest,
  openTrustMemory,
  signTrustDirectory,
  TRUST_CLOCK_SKEW_SECONDS,
  TrustDirectory,
  type TrustDocument,
} from '../../src/trust/index.js'
import { type Holder, keyFor, makeCertificate, makeCrl, NOT_AFTER, NOW, revoked } from '../support/certificates.js'
import {
  attribute,
  buildSignedData,
  buildSigner,
  type SignedDataParts,
  type SignerParts,
} from '../support/cms-builder.js'
import { editDer } from '../support/der.js'
import { expectCode } from '../support/expect-code.js'
import {
  makeDirectory,
  makeSender,
  makeWorld,
  openRequest,
  type Sender,
  TRUST_DOMAIN,
  trustDocument,
  type World,
} from '../support/messages.js'
import { temporaryFolder } from '../support/temporary.js'

const folder = temporaryFolder()
let world: World
let alice: Sender
let bob: Sender
let good: Uint8Array
beforeAll(async () => {
  world = await makeWorld()
  alice = makeSender(world, { node: 'compute-07', roles: ['compute'] })
  bob = makeSender(world, { node: 'compute-08' })
  good = await publish()
})

const publish = (overrides: Partial<TrustDocument> = {}, publisher: Holder = world.publisher): Promise<Uint8Array> =>
  signTrustDirectory(trustDocument(world, [alice, bob], overrides), publisher)
const open = (der: Uint8Array = good, overrides: Partial<OpenTrustDirectoryRequest> = {}): TrustDirectory =>
  openTrustDirectory(der, openRequest(world, overrides))

/** A directory that is right but for what is changed around its content. */
function built(
  signer: Partial<SignerParts> = {},
  rest: Partial<SignedDataParts> = {},
  content?: Uint8Array,
): Uint8Array {
  const eContent = content ?? encodeTrustDocument(trustDocument(world, [alice]))
  const { publisher, issuing, root } = world
  const eContentType = OID.signetTrustDirectory
  return buildSignedData({
    eContent,
    eContentType,
    certificates: [publisher, issuing, root].map((holder) => holder.certificate.der),
    signers: [buildSigner({ content: eContent, holder: publisher, eContentType, ...signer })],
    ...rest,
  })
}

describe('openTrustDirectory', () => {
  it('says of which domain it is, how old, and who is in it', () => {
    const directory = open()
    expect(directory.trustDomain).toBe(TRUST_DOMAIN)
    expect(directory.sequence).toBe(1)
    expect(directory.issuedAt).toEqual(NOW)
    expect(directory.nextUpdate).toEqual(addSeconds(NOW, DAY))
    expect(directory.size).toBe(2)
    expect(directory.digest).toMatch(/^[0-9a-f]{64}$/)
    expect(directory.signers.map((signer) => signer.identity.node).sort()).toEqual(['compute-07', 'compute-08'])
    const identifiers = directory.signers.map((signer) => signer.keyIdentifier)
    expect(identifiers).toEqual(identifiers.toSorted())
  })

  it('opens what was put together by hand', () => {
    expect(open(built()).size).toBe(1)
    expect(open(built({ identifier: 'issuerAndSerialNumber' })).size).toBe(1)
  })

  it('takes the fingerprint in the forms in which people hold it', () => {
    const pin = world.root.certificate.fingerprint
    const colons = pin.toUpperCase().replace(/(..)(?=.)/g, '$1:')
    for (const form of [pin, colons, `SHA256:${pin}`]) expect(open(good, { pin: form }).size).toBe(2)
  })

  it('is frozen, and its lists with it', () => {
    const directory = open()
    for (const part of [directory, directory.anchors, directory.authorities, directory.crls, directory.signers[0]]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
    expect(Object.isFrozen(directory.signers[0]?.identity.roles)).toBe(true)
  })
})

describe('openTrustDirectory: the pin', () => {
  it.each<[string, string, ErrorCode]>([
    ['empty', '', 'ERR_TRUST_NO_PIN'],
    ['no hexadecimal', 'the root', 'ERR_SERIAL_MALFORMED'],
    ['too short', 'ab'.repeat(20), 'ERR_SERIAL_MALFORMED'],
    ['too long', 'ab'.repeat(33), 'ERR_SERIAL_MALFORMED'],
    ['white space', ' ', 'ERR_SERIAL_MALFORMED'],
    ['of another root', 'ab'.repeat(32), 'ERR_TRUST_PIN_MISMATCH'],
  ])('refuses one that is %s', (_, pin, code) => {
    expectCode(code, () => open(good, { pin }))
  })

  it('refuses the fingerprint of a certificate in it that is not the root', () => {
    for (const holder of [world.issuing, world.publisher]) {
      expectCode('ERR_TRUST_PIN_MISMATCH', () => open(good, { pin: holder.certificate.fingerprint }))
    }
  })

  it('refuses a directory whose anchors do not hold the pinned root', async () => {
    const other = makeCertificate({ subject: 'Other Root', ca: true })
    const document = trustDocument(world, [alice], { anchors: [other.certificate] })
    expectCode('ERR_TRUST_PIN_MISMATCH', () => open(built({}, {}, encodeTrustDocument(document))))
    expect((await makeDirectory(world, [alice])).anchors).toHaveLength(1)
  })

  it('refuses a foreign deployment with the same names', async () => {
    const foreign = await makeWorld('foreign')
    const theirs = await signTrustDirectory(
      trustDocument(foreign, [makeSender(foreign, { node: 'compute-07' })]),
      foreign.publisher,
    )
    expectCode('ERR_TRUST_PIN_MISMATCH', () => open(theirs))
    expect(openTrustDirectory(theirs, openRequest(foreign)).size).toBe(1)
  })

  it('refuses a foreign deployment that puts the pinned root into its own directory', async () => {
    const foreign = await makeWorld('foreign')
    const document = trustDocument(foreign, [], { anchors: [world.root.certificate, foreign.root.certificate] })
    const theirs = await signTrustDirectory(document, foreign.publisher)
    const error = expectRefusal(() => open(theirs))
    expect(['ERR_PATH_NOT_FOUND', 'ERR_PATH_SIGNATURE']).toContain(error)
  })
})

function expectRefusal(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (isSignetError(error)) return error.code
    throw error
  }
  throw new Error('nothing was refused')
}

describe('openTrustDirectory: dates', () => {
  it.each<[string, Date, ErrorCode | undefined]>([
    ['at its beginning', NOW, undefined],
    ['as early as clocks differ', addSeconds(NOW, -TRUST_CLOCK_SKEW_SECONDS), undefined],
    ['a second earlier', addSeconds(NOW, -TRUST_CLOCK_SKEW_SECONDS - 1), 'ERR_TRUST_DIRECTORY_FROM_FUTURE'],
    ['a second before its end', addSeconds(NOW, DAY - 1), undefined],
    ['at its end', addSeconds(NOW, DAY), 'ERR_TRUST_DIRECTORY_EXPIRED'],
    ['a second later', addSeconds(NOW, DAY + 1), 'ERR_TRUST_DIRECTORY_EXPIRED'],
    ['at a time that is none', new Date(NaN), 'ERR_TRUST_DIRECTORY_EXPIRED'],
  ])('decides about one that is opened %s', (_, at, code) => {
    if (code === undefined) expect(open(good, { at }).size).toBe(2)
    else expect(expectRefusal(() => open(good, { at }))).toBe(code)
  })

  it('refuses to be used when its time is over, although it was opened in time', () => {
    const directory = open()
    expectCode('ERR_TRUST_DIRECTORY_EXPIRED', () => {
      directory.requireCurrent(addSeconds(NOW, DAY))
    })
    expectCode('ERR_TRUST_DIRECTORY_EXPIRED', () => {
      directory.requireCurrent(new Date(8.64e15))
    })
  })
})

describe('openTrustDirectory: what was seen before', () => {
  it('refuses an older one, and a second one with the same number', async () => {
    const memory = createTrustMemory()
    const [first, second, third] = [await publish(), await publish({ sequence: 2 }), await publish({ sequence: 3 })]
    const fork = await publish({ sequence: 2, signers: [] })
    expect(open(second, { memory }).sequence).toBe(2)
    expect(open(second, { memory }).sequence).toBe(2)
    expectCode('ERR_TRUST_DIRECTORY_ROLLBACK', () => open(first, { memory }))
    expectCode('ERR_TRUST_DIRECTORY_FORK', () => open(fork, { memory }))
    expect(open(third, { memory }).sequence).toBe(3)
    expectCode('ERR_TRUST_DIRECTORY_ROLLBACK', () => open(second, { memory }))
    expect(open(first).sequence).toBe(1)
  })

  it('remembers nothing of one that it refuses', async () => {
    const memory = createTrustMemory()
    const ninth = await publish({ sequence: 9, issuedAt: addSeconds(NOW, DAY), nextUpdate: addSeconds(NOW, 2 * DAY) })
    expectCode('ERR_TRUST_DIRECTORY_FROM_FUTURE', () => open(ninth, { memory }))
    expect(open(good, { memory }).sequence).toBe(1)
  })

  it('keeps the memory of one root apart from that of another', async () => {
    const memory = createTrustMemory()
    const foreign = await makeWorld('foreign')
    const theirs = await signTrustDirectory(trustDocument(foreign, [], { sequence: 50 }), foreign.publisher)
    openTrustDirectory(theirs, openRequest(foreign, { memory }))
    expect(open(good, { memory }).sequence).toBe(1)
  })

  it('remembers in a file over a restart', async () => {
    const path = join(folder, 'seen.json')
    open(await publish({ sequence: 2 }), { memory: openTrustMemory(path) })
    expectCode('ERR_TRUST_DIRECTORY_ROLLBACK', () => open(good, { memory: openTrustMemory(path) }))
  })

  it('refuses when the file of what was seen is corrupted', () => {
    const path = join(folder, 'corrupted.json')
    writeFileSync(path, '{"schema":1,"seen":{')
    expectCode('ERR_JSON_MALFORMED', () => open(good, { memory: openTrustMemory(path) }))
  })

  it('refuses when what was seen cannot be kept', () => {
    expectCode('ERR_FILE_WRITE', () => open(good, { memory: openTrustMemory(join(folder, 'no', 'folder')) }))
  })
})

describe('openTrustDirectory: who publishes', () => {
  it.each<[string, () => Uint8Array, ErrorCode]>([
    ['nobody signed', () => built({}, { signers: [] }), 'ERR_CMS_NO_SIGNERS'],
    [
      'two signed',
      () => {
        const eContent = encodeTrustDocument(trustDocument(world, [alice]))
        const eContentType = OID.signetTrustDirectory
        const signers = [world.publisher, world.publisher].map((holder) =>
          buildSigner({ content: eContent, holder, eContentType }),
        )
        return built({}, { signers })
      },
      'ERR_CMS_SIGNER_COUNT',
    ],
    [
      'has an unsigned attribute',
      () => built({ unsignedAttributes: [attribute('1.2.3', encodeNull())] }),
      'ERR_CMS_UNSIGNED_ATTRIBUTE',
    ],
    ['has no signed attributes', () => built({ attributes: 'none' }), 'ERR_CMS_SIGNED_ATTRIBUTES'],
    [
      'is of another content type',
      () => built({ eContentType: OID.signetMessage }, { eContentType: OID.signetMessage }),
      'ERR_CMS_CONTENT_TYPE',
    ],
    [
      'does not carry its publisher',
      () => built({}, { certificates: [world.issuing, world.root].map((holder) => holder.certificate.der) }),
      'ERR_CMS_SIGNER_UNKNOWN',
    ],
    [
      'does not carry the CA of its publisher',
      () => built({}, { certificates: [world.publisher, world.root].map((holder) => holder.certificate.der) }),
      'ERR_PATH_NOT_FOUND',
    ],
    [
      'does not carry the root',
      () => built({}, { certificates: [world.publisher, world.issuing].map((holder) => holder.certificate.der) }),
      'ERR_TRUST_PIN_MISMATCH',
    ],
    [
      'has another content than was signed',
      () => built({}, { eContent: encodeTrustDocument(trustDocument(world, [])) }),
      'ERR_CMS_DIGEST_MISMATCH',
    ],
    [
      'has a false signature',
      () => built({ signature: (genuine) => Uint8Array.from(genuine).fill(9, 8, 12) }),
      'ERR_CMS_SIGNATURE',
    ],
    [
      'is signed by one of its signers',
      () =>
        built(
          { holder: alice },
          { certificates: [alice, world.issuing, world.root].map((holder) => holder.certificate.der) },
        ),
      'ERR_PATH_PURPOSE',
    ],
    ['is signed by the issuing CA itself', () => built({ holder: world.issuing }), 'ERR_PATH_PURPOSE'],
    ['is signed by the root itself', () => built({ holder: world.root }), 'ERR_PATH_PURPOSE'],
    [
      'is no directory inside',
      () => built({}, {}, encodeOctetString(Uint8Array.of(1))),
      'ERR_TRUST_DIRECTORY_MALFORMED',
    ],
  ])('refuses one that %s', (_, make, code) => {
    const der = make()
    expectCode(code, () => open(der))
  })

  it('refuses a detached one', async () => {
    const { publisher, issuing, root } = world
    const der = await signData(encodeTrustDocument(trustDocument(world, [])), {
      signers: [publisher],
      contentType: OID.signetTrustDirectory,
      signingTime: NOW,
      certificates: [publisher, issuing, root].map((holder) => holder.certificate),
    })
    expectCode('ERR_CMS_CONTENT_TYPE', () => open(der))
  })

  it('refuses a publisher who is revoked by the CRL inside', async () => {
    const list = await makeCrl({
      issuer: world.issuing,
      crlNumber: 2,
      revoked: [revoked(world.publisher.certificate.serialNumber, 'keyCompromise')],
    })
    const der = await publish({ crls: [...world.crls.slice(0, 1), list] })
    expectCode('ERR_REVOKED', () => open(der))
  })

  it('refuses a publisher of whom no CRL inside says anything', async () => {
    const der = await publish({ crls: world.crls.slice(0, 1) })
    expectCode('ERR_REVOCATION_UNKNOWN', () => open(der))
  })

  it('refuses a publisher whose certificate has ended', async () => {
    const publisher = makeCertificate({
      subject: 'Publisher',
      issuer: world.issuing,
      purposes: [OID.signetKpTrustDirectory],
      notAfter: addSeconds(NOW, -2),
    })
    const der = await publish({}, publisher)
    expectCode('ERR_PATH_EXPIRED', () => open(der))
  })

  it.each<[string, () => Uint8Array, ErrorCode]>([
    ['nothing', () => new Uint8Array(), 'ERR_INPUT_EMPTY'],
    ['rubbish', () => Buffer.from('rubbish'), 'ERR_CMS_MALFORMED'],
    ['one that is cut off', () => good.subarray(0, -1), 'ERR_DER_TRUNCATED'],
    ['one with a byte behind it', () => Buffer.concat([good, Uint8Array.of(0)]), 'ERR_DER_TRAILING_DATA'],
    ['the document without a signature', () => encodeTrustDocument(trustDocument(world, [])), 'ERR_CMS_MALFORMED'],
  ])('refuses %s', (_, make, code) => {
    expectCode(code, () => open(make()))
  })

  it('never opens one in which any bit was turned', () => {
    const bytes = Buffer.from(built())
    const codes = new Set<string>()
    for (let index = 0; index < bytes.length; index++) {
      // Every bit of the outer structure and the signature, one of each octet of the bulk.
      const all = index < 60 || index > bytes.length - 420
      for (const bit of all ? [0, 1, 2, 3, 4, 5, 6, 7] : [index % 8]) {
        bytes[index] = (bytes[index] ?? 0) ^ (1 << bit)
        const code = unlessTheSame(() => expectRefusal(() => open(bytes)), index, bit)
        codes.add(code)
        bytes[index] = (bytes[index] ?? 0) ^ (1 << bit)
      }
    }
    expect(codes.has('ERR_INTERNAL')).toBe(false)
    expect(codes.size).toBeGreaterThan(5)
    expect(open(bytes).size).toBe(1)
  }, 30_000)
})

function unlessTheSame(work: () => string, index: number, bit: number): string {
  try {
    return work()
  } catch (error) {
    throw new Error(`bit ${bit} of octet ${index}`, { cause: error })
  }
}

describe('TrustDirectory.find', () => {
  it('finds a signer by key identifier, and nobody by another', () => {
    const directory = open()
    const identifier = alice.certificate.subjectKeyIdentifier ?? new Uint8Array()
    expect(directory.find(identifier)?.identity.node).toBe('compute-07')
    expect(directory.find(identifier.subarray(0, 19))).toBeUndefined()
    expect(directory.find(Buffer.concat([identifier, Uint8Array.of(0)]))).toBeUndefined()
    expect(directory.find(new Uint8Array())).toBeUndefined()
    expect(directory.find(Buffer.alloc(20))).toBeUndefined()
  })

  it('finds a signer by what its certificate says', () => {
    const directory = open()
    expect(
      directory.findCertificate(bob.certificate.serialNumber, (certificate) => certificate.equals(bob.certificate))
        ?.identity.node,
    ).toBe('compute-08')
    expect(directory.findCertificate(bob.certificate.serialNumber, () => false)).toBeUndefined()
  })

  it('refuses the entry whose certificate is of another key', () => {
    const content = editDer(encodeTrustDocument(trustDocument(world, [alice])), [8, 0, 1], () => bob.certificate.der)
    const directory = open(built({}, {}, content))
    const signer = directory.find(alice.certificate.subjectKeyIdentifier ?? new Uint8Array())
    expectCode('ERR_CMS_SIGNER_UNKNOWN', () => signer?.certificate)
    expectCode('ERR_CMS_SIGNER_UNKNOWN', () => signer?.validate(NOW))
  })

  it('refuses the entry whose identity is of another trust domain, or is none', async () => {
    for (const [uri, code] of [
      ['spiffe://elsewhere.example/nova-compute/compute-07', 'ERR_CMS_SIGNER_UNKNOWN'],
      ['compute-07', 'ERR_IDENTITY_INVALID'],
    ] as const) {
      const directory = await makeDirectory(world, [{ ...alice, identity: { ...alice.identity, uri } }])
      expectCode(code, () => directory.signers[0]?.validate(NOW))
    }
  })

  it('refuses the entry whose certificate is none, and opens nevertheless', () => {
    const content = editDer(encodeTrustDocument(trustDocument(world, [alice])), [8, 0, 1], () => Uint8Array.of(0x30, 0))
    const [signer] = open(built({}, {}, content)).signers
    expectCode('ERR_DER_TRUNCATED', () => signer?.certificate)
  })
})

describe('TrustedSigner.validate: a verdict is kept no longer than it holds', () => {
  it('is the same proof while nothing that it rests on can have changed', () => {
    const [signer] = open().signers
    const path = signer?.validate(NOW)
    expect(signer?.validate(addSeconds(NOW, 3600))).toBe(path)
    expect(path?.revocation).toBe('checked')
  })

  it('is made anew after the certificate has ended', async () => {
    const short = makeSender(world, { node: 'short', notAfter: addSeconds(NOW, 60) })
    const [signer] = (await makeDirectory(world, [short])).signers
    expect(signer?.validate(NOW).target.subject.toString()).toContain('short')
    expect(signer?.validate(addSeconds(NOW, 60))).toBeDefined()
    expectCode('ERR_PATH_EXPIRED', () => signer?.validate(addSeconds(NOW, 61)))
    expectCode('ERR_PATH_EXPIRED', () => signer?.validate(addSeconds(NOT_AFTER, DAY)))
    expect(signer?.validate(NOW)).toBeDefined()
  })

  it('is made anew before the certificate begins', async () => {
    const later = makeSender(world, { node: 'later', notBefore: addSeconds(NOW, 60) })
    const [signer] = (await makeDirectory(world, [later])).signers
    expect(signer?.validate(addSeconds(NOW, 60))).toBeDefined()
    expectCode('ERR_PATH_NOT_YET_VALID', () => signer?.validate(addSeconds(NOW, 59)))
  })

  it('is made anew after a CRL has ended, of the root or of the issuing CA', async () => {
    for (const issuer of [world.root, world.issuing]) {
      const kept = world.crls.filter((crl) => !crl.issuer.equals(issuer.certificate.subject))
      const crls = [...kept, await makeCrl({ issuer, nextUpdate: addSeconds(NOW, 60) })]
      const [signer] = (await makeDirectory(world, [alice], { crls })).signers
      expect(signer?.validate(addSeconds(NOW, 60))).toBeDefined()
      expectCode('ERR_REVOCATION_UNKNOWN', () => signer?.validate(addSeconds(NOW, 61)))
    }
  })

  it('is made anew for a time that is none', async () => {
    const [signer] = (await makeDirectory(world, [alice])).signers
    expect(signer?.validate(NOW)).toBeDefined()
    expectCode('ERR_PATH_NOT_YET_VALID', () => signer?.validate(new Date(NaN)))
  })

  it('is of one directory: the next one without the signer does not know it, or knows it as revoked', async () => {
    const first = await makeDirectory(world, [alice, bob])
    const identifier = alice.certificate.subjectKeyIdentifier ?? new Uint8Array()
    expect(first.find(identifier)?.validate(NOW)).toBeDefined()
    const second = await makeDirectory(world, [bob], { sequence: 2 })
    expect(second.find(identifier)).toBeUndefined()
    const list = await makeCrl({
      issuer: world.issuing,
      crlNumber: 2,
      revoked: [revoked(alice.certificate.serialNumber)],
    })
    const third = await makeDirectory(world, [alice, bob], { sequence: 3, crls: [...world.crls.slice(0, 1), list] })
    expectCode('ERR_REVOKED', () => third.find(identifier)?.validate(NOW))
  })

  it('reads the certificate of a signer once', async () => {
    const [signer] = (await makeDirectory(world, [alice])).signers
    expect(signer?.certificate).toBe(signer?.certificate)
  })

  it('refuses a signer under a CA that the directory does not list', async () => {
    const hidden = makeCertificate({ subject: 'Hidden', issuer: world.root, ca: true, key: keyFor('hidden') })
    const stranger = makeSender({ ...world, issuing: hidden }, { node: 'stranger' })
    const [signer] = (await makeDirectory(world, [stranger])).signers
    expectCode('ERR_PATH_NOT_FOUND', () => signer?.validate(NOW))
  })
})
