import { describe, expect, it } from 'vitest'
import {
  encodeBitString,
  encodeInteger,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  encodeTime,
  OID,
} from '../../src/asn1/index.js'
import type { KeyAlgorithmName } from '../../src/crypto/index.js'
import { Certificate, compareSecondOpinion, type Extension, parseCertificate } from '../../src/x509/index.js'
import { commonName, keyFor, makeCertificate, NOT_AFTER, NOW } from '../support/certificates.js'
import { type DerPath, editContent, editDer } from '../support/der.js'
import { expectCodeAsync } from '../support/expect-code.js'

const root = makeCertificate({ subject: 'Root', ca: true })
const leaf = makeCertificate({
  subject: 'compute-07',
  issuer: root,
  purposes: [OID.kpClientAuth],
  names: [
    { kind: 'dns', value: 'compute-07.example' },
    { kind: 'ip', octets: Uint8Array.of(10, 0, 0, 1) },
  ],
})

describe('compareSecondOpinion', () => {
  it.each<KeyAlgorithmName>(['p256', 'p384', 'rsa2048', 'ed25519', 'ml-dsa-65'])(
    'agrees about certificates by a %s issuer',
    async (algorithm) => {
      const issuer = makeCertificate({ subject: `Root ${algorithm}`, ca: true, algorithm })
      await compareSecondOpinion(issuer.certificate, issuer.certificate)
      for (const subject of ['p256', 'ed25519'] as const) {
        await compareSecondOpinion(
          makeCertificate({ subject: `of ${algorithm}`, issuer, algorithm: subject }).certificate,
          issuer.certificate,
        )
      }
    },
  )

  it.each(['rsa-sha384', 'rsa-sha512', 'rsa-pss-sha256', 'rsa-pss-sha512'] as const)(
    'agrees about signatures of %s',
    async (signature) => {
      const issuer = makeCertificate({ subject: 'Root rsa', ca: true, algorithm: 'rsa2048' })
      const { certificate } = makeCertificate({ subject: signature, issuer, signature })
      await compareSecondOpinion(certificate, issuer.certificate)
    },
  )

  it('agrees about names and extensions of every kind, and about times after 2050', async () => {
    await compareSecondOpinion(leaf.certificate, root.certificate)
    const odd = makeCertificate({
      subject: commonName('Köln, "x" + #1 '),
      issuer: root,
      notAfter: new Date('2051-01-01T00:00:00Z'),
      serialNumber: `00${'ff'.repeat(19)}`,
      moreExtensionsDer: [encodeSequence(encodeObjectIdentifier('1.2.3.4'), encodeOctetString(Uint8Array.of(5, 0)))],
    })
    await compareSecondOpinion(odd.certificate, root.certificate)
  })

  it('disagrees when the issuer is another one', async () => {
    const stranger = makeCertificate({ subject: 'Root', ca: true, key: keyFor('stranger') })
    const error = await expectCodeAsync('ERR_SECOND_OPINION', () =>
      compareSecondOpinion(leaf.certificate, stranger.certificate),
    )
    expect(error.details).toEqual({ field: 'signature', certificate: leaf.certificate.fingerprint })
  })

  it.each<[string, DerPath]>([
    ['the subject', [0, 5, 0, 0, 1]],
    ['a date', [0, 4, 1]],
    ['an extension', [0, 7, 0, 3, 1]],
    ['the serial number', [0, 1]],
  ])('disagrees about the signature when %s was changed after signing', async (_, path) => {
    const changed = parseCertificate(
      editContent(leaf.certificate.der, path, (content) =>
        content.map((octet, index) => (index === 7 ? octet ^ 1 : octet)),
      ),
    )
    const error = await expectCodeAsync('ERR_SECOND_OPINION', () => compareSecondOpinion(changed, root.certificate))
    expect(error.details['field']).toBe('signature')
  })

  it.each(['00', '3000', '30060201010201ff'])('disagrees about the signature %s', async (hex) => {
    const changed = parseCertificate(editDer(leaf.certificate.der, [2], () => encodeBitString(Buffer.from(hex, 'hex'))))
    await expectCodeAsync('ERR_SECOND_OPINION', () => compareSecondOpinion(changed, root.certificate))
  })

  it.each<[string, Partial<Certificate>]>([
    ['serialNumber', { serialNumberOctets: Uint8Array.of(5) }],
    ['notBefore', { notBefore: NOW }],
    ['notAfter', { notAfter: new Date(NOT_AFTER.getTime() + 1000) }],
    ['subjectPublicKeyInfo', { spkiDer: keyFor('stranger').publicKey.spkiDer }],
    ['subject', { subject: commonName('compute-08') }],
    ['issuer', { issuer: commonName('root') }],
    ['extensions', { extensions: new Map() }],
    ['extensions', { extensions: changedExtension({ critical: true }) }],
    ['extensions', { extensions: changedExtension({ value: Uint8Array.of(0x30, 0) }) }],
    ['extensions', { extensions: renamedExtension() }],
  ])('names the field when our reader sees another %s', async (field, change) => {
    const { certificate: c } = leaf
    const {
      der,
      tbsDer,
      version,
      serialNumberOctets,
      signatureAlgorithm,
      signatureValue,
      issuer,
      subject,
      notBefore,
      notAfter,
      spkiDer,
      extensions,
    } = c
    const ours = {
      der,
      tbsDer,
      version,
      serialNumberOctets,
      signatureAlgorithm,
      signatureValue,
      issuer,
      subject,
      notBefore,
      notAfter,
      spkiDer,
      extensions,
    }
    const error = await expectCodeAsync('ERR_SECOND_OPINION', () =>
      compareSecondOpinion(new Certificate({ ...ours, ...change }), root.certificate),
    )
    expect(error.details['field']).toBe(field)
  })

  it.each([
    ['no certificate', encodeSequence(encodeInteger(1))],
    ['no DER', Uint8Array.of(1, 2, 3)],
    ['half a certificate', leaf.certificate.der.subarray(0, 100)],
    ['a time in place of a certificate', encodeTime(NOW)],
  ])('says so when the other side cannot read it: %s', async (_, der) => {
    const {
      tbsDer,
      version,
      serialNumberOctets,
      signatureAlgorithm,
      signatureValue,
      issuer,
      subject,
      notBefore,
      notAfter,
      spkiDer,
      extensions,
    } = leaf.certificate
    const ours = new Certificate({
      der,
      tbsDer,
      version,
      serialNumberOctets,
      signatureAlgorithm,
      signatureValue,
      issuer,
      subject,
      notBefore,
      notAfter,
      spkiDer,
      extensions,
    })
    await expectCodeAsync('ERR_SECOND_OPINION', () => compareSecondOpinion(ours, root.certificate))
  })
})

function changedExtension(change: Partial<Extension>): ReadonlyMap<string, Extension> {
  const extensions = new Map(leaf.certificate.extensions)
  const extension = extensions.get(OID.extKeyUsage)
  if (extension !== undefined) extensions.set(OID.extKeyUsage, { ...extension, ...change })
  return extensions
}

function renamedExtension(): ReadonlyMap<string, Extension> {
  const extensions = new Map(leaf.certificate.extensions)
  const extension = extensions.get(OID.extKeyUsage)
  extensions.delete(OID.extKeyUsage)
  if (extension !== undefined) extensions.set('1.2.3', { ...extension, oid: '1.2.3' })
  return extensions
}
