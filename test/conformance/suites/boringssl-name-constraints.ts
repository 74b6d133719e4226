/**
 * BoringSSL: name constraints (RFC 5280 §4.2.1.10). Files hold constraints, alternative names or a subject. What is
 * called invalid must be refused; and a certificate with the names of each file is held to the constraints of each, by
 * our reading and by that of `boringssl-name-constraints-oracle.ts`.
 *
 * @module test/conformance/suites/boringssl-name-constraints
 */
import { join } from 'node:path'
import {
  type DerReader,
  encodeBoolean,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  OID,
} from '../../../src/asn1/index.js'
import { generatePrivateKey, publicKeyOf, SIGNATURE_ALGORITHMS } from '../../../src/crypto/index.js'
import { NameConstraintState } from '../../../src/path/index.js'
import {
  buildName,
  type Certificate,
  encodeGeneralName,
  encodeSigned,
  encodeSubjectKeyIdentifier,
  encodeTbsCertificate,
  formatGeneralName,
  Name,
  type NameConstraints,
  parseCertificate,
  readExtensionValue,
  readGeneralNames,
  readNameConstraints,
} from '../../../src/x509/index.js'
import { filesIn, readPemBlocks } from '../files.js'
import { attempt, type Case, isRefusal, type Suite, type Verdict } from '../suite.js'
import { allows, allowsAlternativeNames, allowsSubject, probesOf } from './boringssl-name-constraints-oracle.js'

interface Part {
  readonly file: string
  readonly der: Uint8Array
}

export const boringsslNameConstraints: Suite = {
  name: 'boringssl-name-constraints',
  title: 'name constraints of every form, and names that they allow',
  peers: '',
  load(corpora) {
    const folder = join(corpora, 'boringssl', 'name_constraints_unittest')
    const files = filesIn(folder, '.pem')
    if (files === undefined) return undefined
    const labelled = (label: string): readonly Part[] =>
      files.flatMap((file) => (readPemBlocks(folder, file).get(label) ?? []).map((der) => ({ file, der })))
    const parts = {
      constraints: labelled('NAME CONSTRAINTS'),
      alternativeNames: labelled('SUBJECT ALTERNATIVE NAME'),
      subjects: labelled('NAME'),
    }
    return {
      cases: [
        ...parts.constraints.map((part) => readingCase(part, () => constraintsOf(part.der))),
        ...parts.alternativeNames.map((part) =>
          readingCase(part, () => certificateOf({ names: part.der }).subjectAltName),
        ),
        ...parts.subjects.map((part) => readingCase(part, () => certificateOf({ subject: part.der }))),
        ...parts.constraints
          .filter(isValid)
          .flatMap((part) => constraintCases(part, parts.alternativeNames.filter(isValid), parts.subjects)),
      ],
    }
  },
}

/** RFC 5280 §4.2.1.10 has no use for minimum and maximum; DER leaves out a minimum of zero. */
const isInvalid = (file: string): boolean => /invalid|with_(min|max)/.test(file) && !file.includes('invalidstring')

const isValid = ({ file }: Part): boolean => !isInvalid(file)

function readingCase({ file }: Part, read: () => unknown): Case {
  return { id: file, expected: isInvalid(file) ? 'reject' : 'accept', run: () => attempt(read) }
}

/** Every name there is against one value of nameConstraints. */
function constraintCases(
  { file, der }: Part,
  alternativeNames: readonly Part[],
  subjects: readonly Part[],
): readonly Case[] {
  const constraints = ifRead(() => constraintsOf(der))
  // That it cannot be read is a case of its own.
  if (constraints === undefined) return []
  const held = (what: string, allowed: boolean, run: () => Verdict): Case => ({
    id: `${file} allows ${what}`,
    expected: allowed ? 'accept' : 'reject',
    run,
  })
  const ofNames = alternativeNames.flatMap((part) => {
    const names = ifRead(() => alternativeNamesOf(part.der))
    if (names === undefined) return []
    const allowed = allowsAlternativeNames(constraints, names)
    return [held(part.file, allowed, () => check(constraints, certificateOf({ names: part.der })))]
  })
  const ofSubjects = subjects.flatMap((part) => {
    const subject = ifRead(() => certificateOf({ subject: part.der }).subject)
    if (subject === undefined) return []
    const allowed = allowsSubject(constraints, subject)
    return [held(part.file, allowed, () => check(constraints, certificateOf({ subject: part.der })))]
  })
  const ofProbes = probesOf(constraints).map((name) =>
    held(formatGeneralName(name), allows(constraints, name, 'alternative name'), () =>
      check(constraints, certificateOf({ names: encodeSequence(encodeGeneralName(name)) })),
    ),
  )
  return [...ofNames, ...ofSubjects, ...ofProbes]
}

function check(constraints: NameConstraints, certificate: Certificate): Verdict {
  return attempt(() => {
    const state = new NameConstraintState()
    state.add(constraints)
    state.check(certificate)
  })
}

function ifRead<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (!isRefusal(error)) throw error
    return undefined
  }
}

const value = <T>(oid: string, der: Uint8Array, read: (reader: DerReader) => T): T =>
  readExtensionValue({ oid, critical: true, value: der }, read)

function constraintsOf(der: Uint8Array): NameConstraints {
  return value(OID.nameConstraints, der, readNameConstraints)
}

/** Without the demands on alternative names that their reader has beyond those on general names. */
function alternativeNamesOf(der: Uint8Array): ReturnType<typeof readGeneralNames> {
  return value(OID.subjectAltName, der, (reader) => readGeneralNames(reader.sequence()))
}

const ISSUER = buildName([[OID.commonName, 'Test']])
const EMPTY = new Name([], encodeSequence())
const SPKI = publicKeyOf(generatePrivateKey('p256')).spkiDer

/** A certificate with this subject and these alternative names. Nobody looks at its signature. */
function certificateOf({ subject, names }: { subject?: Uint8Array; names?: Uint8Array }): Certificate {
  const signature = SIGNATURE_ALGORITHMS['ecdsa-sha256']
  const tbsDer = encodeTbsCertificate({
    serialNumberOctets: Uint8Array.of(1),
    signatureAlgorithm: signature,
    issuer: ISSUER,
    subject: subject === undefined ? EMPTY : new Name([], subject),
    notBefore: new Date(0),
    notAfter: new Date(0),
    spkiDer: SPKI,
    extensionsDer: [
      encodeSubjectKeyIdentifier(Uint8Array.of(1)),
      ...(names === undefined ? [] : [encodeExtension(OID.subjectAltName, names)]),
    ],
  })
  return parseCertificate(encodeSigned(tbsDer, signature, Uint8Array.of(0)))
}

function encodeExtension(oid: string, der: Uint8Array): Uint8Array {
  return encodeSequence(encodeObjectIdentifier(oid), encodeBoolean(true), encodeOctetString(der))
}
