import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import {
  encodeBitString,
  encodeContext,
  encodeInteger,
  encodeNull,
  encodeObjectIdentifier,
  encodeOctetString,
  encodePem,
  encodeSequence,
  encodeSetOf,
  encodeString,
  encodeValue,
  OID,
  parsePemBlock,
  TAG,
} from '../../src/asn1/index.js'
import {
  encodePrivateKey,
  keyIdentifierOf,
  type MemoryKeyProvider,
  publicKeyOf,
  samePublicKey,
  SIGNATURE_ALGORITHMS,
} from '../../src/crypto/index.js'
import {
  buildName,
  createCertificationRequest,
  encodeBasicConstraints,
  encodeKeyUsage,
  encodeSigned,
  encodeSubjectAltName,
  parseCertificationRequest,
  readExtensionValue,
  readSubjectAltName,
} from '../../src/x509/index.js'
import { commonName, keyFor, makeCertificate, privateKeyFor } from '../support/certificates.js'
import { type DerPath, editContent, editDer, elementAt, fromHex, nested, toHex } from '../support/der.js'
import { expectCode } from '../support/expect-code.js'
import { outcomeOf } from '../support/only-signet-errors.js'
import { temporaryFolder } from '../support/temporary.js'

const folder = temporaryFolder()
const key = keyFor('request')
const subject = buildName([
  [OID.organizationName, 'Cloud'],
  [OID.commonName, 'compute-07'],
])
const alternativeName = encodeSubjectAltName([{ kind: 'dns', value: 'compute-07.example' }], false)
const pem = await createCertificationRequest(key, { subject, extensionsDer: [alternativeName] })
const good = parsePemBlock(pem, 'CERTIFICATE REQUEST').der

/** Where the fields of this request are. */
const AT = {
  info: [0],
  version: [0, 0],
  subject: [0, 1],
  spki: [0, 2],
  attributes: [0, 3],
  attribute: [0, 3, 0],
  values: [0, 3, 0, 1],
  extensions: [0, 3, 0, 1, 0],
  algorithm: [1],
  signature: [2],
} as const satisfies Record<string, DerPath>

/** Change what is signed, and sign it again, so that the signature is not what is wrong. */
function resigned(
  path: DerPath,
  replace: (element: Uint8Array) => Uint8Array | readonly Uint8Array[],
  signer: MemoryKeyProvider = key,
): Uint8Array {
  const info = elementAt(editDer(good, path, replace), AT.info)
  return encodeSigned(info, signer.signatureAlgorithm, signer.sign(info))
}

const attribute = (type: string, ...values: Uint8Array[]): Uint8Array =>
  encodeSequence(encodeObjectIdentifier(type), encodeSetOf(...values))

describe('createCertificationRequest', () => {
  it.each(['p256', 'p384', 'ed25519', 'rsa2048', 'ml-dsa-65'] as const)(
    'makes a request with a %s key that reads back',
    async (algorithm) => {
      const provider = keyFor('request', algorithm)
      const request = parseCertificationRequest(Buffer.from(await createCertificationRequest(provider, { subject })))
      expect(request.subject.equals(subject)).toBe(true)
      expect(samePublicKey(request.publicKey, provider.publicKey)).toBe(true)
      expect(request.extensions.size).toBe(0)
    },
  )

  it.each(['p256', 'ed25519', 'rsa2048'] as const)(
    'makes a request with a %s key that OpenSSL reads and verifies',
    async (algorithm) => {
      const text = await createCertificationRequest(keyFor('request', algorithm), {
        subject,
        extensionsDer: [alternativeName],
      })
      const printed = execFileSync('openssl', ['req', '-noout', '-verify', '-text', '-nameopt', 'RFC2253'], {
        input: text,
        encoding: 'utf8',
        stdio: 'pipe',
      })
      expect(printed).toContain('Subject: CN=compute-07,O=Cloud')
      expect(printed).toContain('DNS:compute-07.example')
    },
  )
})

describe('parseCertificationRequest', () => {
  it('reads the extensions that are asked for', () => {
    const request = parseCertificationRequest(Buffer.from(pem))
    const extension = request.extensions.get(OID.subjectAltName)
    expect(extension === undefined ? [] : readExtensionValue(extension, readSubjectAltName)).toEqual([
      { kind: 'dns', value: 'compute-07.example' },
    ])
    expect(toHex(request.der)).toBe(toHex(good))
  })

  it('reads DER, and PEM with the older label', () => {
    for (const bytes of [good, Buffer.from(encodePem('NEW CERTIFICATE REQUEST', good))]) {
      expect(parseCertificationRequest(bytes).subject.equals(subject)).toBe(true)
    }
  })

  it('reads a request without the field for attributes, which some leave out', () => {
    expect(parseCertificationRequest(resigned(AT.attributes, () => [])).extensions.size).toBe(0)
  })

  it('passes over a challenge password and keeps nothing of it', () => {
    const canary = 'canary password'
    const der = resigned(AT.attributes, () => encodeContext(0, attribute(OID.challengePassword, encodeString(canary))))
    const request = parseCertificationRequest(der)
    expect(request.extensions.size).toBe(0)
    expect(inspect({ ...request, der: undefined }, { depth: 4 })).not.toContain('canary')
  })

  it.each([
    ['P-256', 'p256', []],
    ['P-384 with SHA-384', 'p384', ['-sha384']],
    ['RSA', 'rsa2048', []],
    ['RSASSA-PSS', 'rsa2048', ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:digest']],
    ['Ed25519', 'ed25519', []],
  ] as const)('reads and verifies what OpenSSL makes with %s', (_, algorithm, options) => {
    const path = join(folder, `${algorithm}.pem`)
    writeFileSync(path, encodePrivateKey(privateKeyFor('openssl', algorithm)), { mode: 0o600 })
    const written = execFileSync(
      'openssl',
      [
        'req',
        '-new',
        '-key',
        path,
        '-subj',
        '/O=Cloud/CN=node 1',
        '-addext',
        'subjectAltName=DNS:a.example,IP:10.0.0.1',
        '-addext',
        'keyUsage=critical,digitalSignature',
        ...options,
      ],
      { stdio: 'pipe' },
    )
    const request = parseCertificationRequest(written)
    expect(request.subject.toString()).toBe('CN=node 1,O=Cloud')
    expect(samePublicKey(request.publicKey, publicKeyOf(privateKeyFor('openssl', algorithm)))).toBe(true)
    expect([...request.extensions.keys()]).toEqual([OID.subjectAltName, OID.keyUsage])
    expect(keyIdentifierOf(request.publicKey).length).toBe(20)
  })
})

describe('parseCertificationRequest: proof of possession (RFC 2986 §4.2)', () => {
  const edit = (path: DerPath, replace: (element: Uint8Array) => Uint8Array): Uint8Array => editDer(good, path, replace)

  it.each([
    ['another subject', edit(AT.subject, () => commonName('admin').der)],
    ['the key of somebody else', edit(AT.spki, () => keyFor('stranger').publicKey.spkiDer)],
    [
      'other extensions',
      edit(AT.extensions, () => encodeSequence(encodeBasicConstraints({ ca: true, pathLenConstraint: undefined }))),
    ],
    ['a signature by another key', resigned(AT.subject, (name) => name, keyFor('stranger'))],
    ['an empty signature', edit(AT.signature, () => encodeBitString(new Uint8Array()))],
    ['a signature of zeros', edit(AT.signature, () => encodeBitString(new Uint8Array(70)))],
    ['a signature under another digest', edit(AT.algorithm, () => SIGNATURE_ALGORITHMS['ecdsa-sha384'].identifierDer)],
  ])('refuses a request with %s', (_, der) => {
    expectCode('ERR_CSR_SIGNATURE', () => parseCertificationRequest(der))
  })

  it('refuses an algorithm of another family, and one that is not allowed', () => {
    expectCode('ERR_ALGORITHM_MISMATCH', () =>
      parseCertificationRequest(edit(AT.algorithm, () => SIGNATURE_ALGORITHMS.ed25519.identifierDer)),
    )
    const sha1 = encodeSequence(encodeObjectIdentifier('1.2.840.10045.4.1'))
    expectCode('ERR_ALGORITHM_NOT_ALLOWED', () => parseCertificationRequest(edit(AT.algorithm, () => sha1)))
  })

  it('refuses a key that is not allowed before it verifies anything', () => {
    expectCode('ERR_KEY_NOT_ALLOWED', () =>
      parseCertificationRequest(editDer(good, [...AT.spki, 0, 1], () => encodeObjectIdentifier('1.3.132.0.35'))),
    )
    expectCode('ERR_KEY_MALFORMED', () => parseCertificationRequest(editDer(good, [...AT.spki, 1], () => encodeNull())))
  })
})

describe('parseCertificationRequest: one thing is wrong', () => {
  const extensions = encodeSequence(encodeKeyUsage(['digitalSignature']))

  it.each([
    ['the version is 2', resigned(AT.version, () => encodeInteger(1))],
    ['the version is missing', resigned(AT.version, () => [])],
    ['the subject has an empty RDN', resigned(AT.subject, () => encodeSequence(encodeSetOf()))],
    ['the attributes have another tag', resigned(AT.attributes, () => encodeContext(1))],
    ['an attribute occurs twice', resigned(AT.attribute, (one) => [one, one])],
    ['an attribute is not known', resigned(AT.attribute, () => attribute('1.2.3', encodeNull()))],
    ['an attribute has no SET', resigned(AT.values, () => encodeSequence(extensions))],
    ['extensions are no SEQUENCE', resigned(AT.extensions, () => encodeNull())],
    ['an attribute type is malformed', resigned([...AT.attribute, 0], () => fromHex('060180'))],
    [
      'a critical flag is 01',
      resigned(AT.extensions, () =>
        encodeSequence(
          encodeSequence(encodeObjectIdentifier('1.2.3'), fromHex('010101'), encodeOctetString(new Uint8Array())),
        ),
      ),
    ],
    [
      'the signature has unused bits',
      editContent(good, AT.signature, (bits) => Uint8Array.of(1, ...bits.subarray(1, -1), 0)),
    ],
    ['it is a SET', encodePemOf(encodeValue(TAG.set, good.subarray(4)))],
  ])('refuses a request where %s', (_, bytes) => {
    expectCode('ERR_CSR_MALFORMED', () => parseCertificationRequest(bytes))
  })

  it.each([
    ['after the request', Buffer.concat([good, Buffer.of(0)])],
    ['after the signature', editContent(good, [], (content) => Buffer.concat([content, encodeNull()]))],
    ['after the attributes', resigned(AT.attributes, (one) => [one, encodeNull()])],
    ['in an attribute', resigned(AT.values, (one) => [one, one])],
    ['in the values of an attribute: a second list of extensions', resigned(AT.extensions, (one) => [one, extensions])],
    [
      'in the values of a challenge password',
      resigned(AT.attribute, () => attribute(OID.challengePassword, encodeString('a'), encodeString('b'))),
    ],
  ])('DER-04: refuses trailing data %s', (_, der) => {
    expectCode('ERR_DER_TRAILING_DATA', () => parseCertificationRequest(der))
  })

  it.each([
    ['an attribute without values', resigned(AT.extensions, () => []), 'ERR_DER_TRUNCATED'],
    [
      'a challenge password without a value',
      resigned(AT.attribute, () => attribute(OID.challengePassword)),
      'ERR_DER_TRUNCATED',
    ],
    ['an empty list of extensions', resigned(AT.extensions, () => encodeSequence()), 'ERR_EXTENSION_MALFORMED'],
    ['an empty subject key', resigned(AT.spki, () => encodeSequence()), 'ERR_KEY_MALFORMED'],
  ] as const)('DER-10: refuses %s', (_, der, code) => {
    expectCode(code, () => parseCertificationRequest(der))
  })

  it.each([
    [
      'an extension twice',
      resigned(AT.extensions, () => encodeSequence(alternativeName, alternativeName)),
      'ERR_EXTENSION_DUPLICATE',
    ],
    ['nothing', new Uint8Array(), 'ERR_INPUT_EMPTY'],
    ['no PEM', Buffer.from('hello'), 'ERR_PEM_MALFORMED'],
    ['a certificate in PEM', Buffer.from(makeCertificate().certificate.toPem()), 'ERR_PEM_LABEL'],
    ['a certificate in DER', makeCertificate().certificate.der, 'ERR_CSR_MALFORMED'],
    ['two requests', Buffer.from(pem + pem), 'ERR_CSR_MALFORMED'],
    ['more than 256 KiB', encodeValue(TAG.sequence, new Uint8Array(256 * 1024)), 'ERR_LIMIT_EXCEEDED'],
  ] as const)('refuses %s', (_, bytes, code) => {
    expectCode(code, () => parseCertificationRequest(bytes))
  })

  it('DER-01: refuses nesting of 100, 3000 and 10000 levels in every field, without a range error', () => {
    for (const levels of [100, 3000, 10_000]) {
      for (const path of [[], ...Object.values(AT)]) {
        const { code, cpuMilliseconds } = outcomeOf(() =>
          parseCertificationRequest(editDer(good, path, () => nested(0x30, levels))),
        )
        expect(code).not.toBe('accepted')
        expect(cpuMilliseconds).toBeLessThan(200)
      }
    }
  })
})

/** A request in PEM, so that its first octet does not decide how it is read. */
function encodePemOf(der: Uint8Array): Uint8Array {
  return Buffer.from(encodePem('CERTIFICATE REQUEST', der))
}
