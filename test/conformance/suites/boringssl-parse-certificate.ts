/**
 * BoringSSL: what is a certificate, and what is not. A file says in its own blocks what must become of it: ERRORS that
 * are more than warnings mean a refusal; a file about a TBSCertificate alone must be read if it states the key in it.
 *
 * @module test/conformance/suites/boringssl-parse-certificate
 */
import { join } from 'node:path'
import { encodeBitString, encodeContext, encodeOctetString, encodeSequence, OID } from '../../../src/asn1/index.js'
import { SIGNATURE_ALGORITHMS } from '../../../src/crypto/index.js'
import { checkForms } from '../../../src/path/forms.js'
import {
  buildName,
  encodeSubjectKeyIdentifier,
  parseCertificate,
  readAuthorityKeyIdentifier,
  readExtensionValue,
} from '../../../src/x509/index.js'
import { childrenOf } from '../../support/der.js'
import { filesIn, type PemBlocks, pemBlock, readPemBlocks } from '../files.js'
import { attempt, type Case, type Suite } from '../suite.js'

export const boringsslParseCertificate: Suite = {
  name: 'boringssl-parse-certificate',
  title: 'certificates and their extensions, well-formed and not',
  peers: '',
  load(corpora) {
    const folder = join(corpora, 'boringssl', 'parse_certificate_unittest')
    const files = filesIn(folder, '.pem')
    if (files === undefined) return undefined
    const keyIdentifiers = join(folder, 'authority_key_identifier')
    return {
      cases: [
        ...files.flatMap((file) => certificateCase(file, readPemBlocks(folder, file))),
        ...(filesIn(keyIdentifiers, '.pem') ?? []).map((file) => keyIdentifierCase(file, keyIdentifiers)),
      ],
    }
  },
}

function certificateCase(id: string, blocks: PemBlocks): readonly Case[] {
  const read = (der: Uint8Array) => () =>
    attempt(() => {
      const certificate = parseCertificate(der)
      certificate.readAllExtensions()
      // BoringSSL holds what it reads to this one rule of form at once.
      checkForms(certificate, 'end-entity', ['subject-alt-name-critical-without-subject'])
    })
  if (blocks.has('CERTIFICATE')) {
    const expected = hasErrors(blocks) ? 'reject' : 'accept'
    return [{ id, expected, run: read(pemBlock(blocks, 'CERTIFICATE')) }]
  }
  if (!blocks.has('TBS CERTIFICATE')) return []
  const expected = blocks.has('SPKI') ? 'accept' : 'reject'
  return [{ id, expected, run: read(certificateAround(pemBlock(blocks, 'TBS CERTIFICATE'))) }]
}

/** Warnings stand there, too. */
function hasErrors(blocks: PemBlocks): boolean {
  return /^ERROR/m.test(Buffer.from(blocks.get('ERRORS')?.[0] ?? []).toString('utf8'))
}

/** RFC 5280 §4.2.1.1; the name of a file says whether its value is one. */
function keyIdentifierCase(file: string, folder: string): Case {
  const isBad = /^(invalid|extra)_|^(issuer|serial)_only/.test(file)
  return {
    id: `authority_key_identifier/${file}`,
    expected: isBad ? 'reject' : 'accept',
    run: () =>
      attempt(() => {
        const value = pemBlock(readPemBlocks(folder, file), 'AUTHORITY_KEY_IDENTIFIER')
        readExtensionValue({ oid: OID.authorityKeyIdentifier, critical: false, value }, readAuthorityKeyIdentifier)
      }),
  }
}

const SIGNATURE = SIGNATURE_ALGORITHMS['ecdsa-sha256'].identifierDer
const NAME = buildName([[OID.commonName, 'Test']]).der
const EXTENSIONS = encodeSequence(encodeSubjectKeyIdentifier(Uint8Array.of(1)))

/**
 * A certificate with this TBSCertificate. BoringSSL looks at the parts of one separately, so those files hold only stand-ins
 * for algorithm, names, key and extensions; we read the whole at once and put in others that are well-formed.
 */
function certificateAround(tbsDer: Uint8Array): Uint8Array {
  const fields = childrenOf(tbsDer)
  const serial = fields[0]?.[0] === 0xa0 ? 1 : 0
  const realValues = new Map([
    [serial + 1, SIGNATURE],
    [serial + 2, NAME],
    [serial + 4, NAME],
  ])
  const filled = fields.map((field, index) => {
    if (isStandIn(field)) return realValues.get(index) ?? field
    const [inner] = field[0] === 0xa3 ? childrenOf(field) : []
    return inner !== undefined && isStandIn(inner) ? encodeContext(3, EXTENSIONS) : field
  })
  return encodeSequence(encodeSequence(...filled), SIGNATURE, encodeBitString(Uint8Array.of(0)))
}

/** SEQUENCE { OCTET STRING of one octet }. */
function isStandIn(der: Uint8Array): boolean {
  return Buffer.compare(der, encodeSequence(encodeOctetString(der.subarray(-1)))) === 0
}
