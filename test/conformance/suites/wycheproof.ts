/**
 * Project Wycheproof: signatures. From each group of vectors an AlgorithmIdentifier is made as a certificate would have
 * it, so that the whole way from the algorithm to the verdict is judged.
 *
 * @module test/conformance/suites/wycheproof
 */
import { join } from 'node:path'
import {
  DerReader,
  encodeContext,
  encodeInteger,
  encodeNull,
  encodeObjectIdentifier,
  encodeSequence,
  KEY_LIMITS,
  OID,
} from '../../../src/asn1/index.js'
import {
  parseVerifyingKey,
  readAlgorithmIdentifier,
  verifyingAlgorithmOf,
  verifySignature,
} from '../../../src/crypto/index.js'
import { filesIn, readJson } from '../files.js'
import { ACCEPT, type Case, skipped, type Suite, type Verdict } from '../suite.js'

interface Vector {
  readonly tcId: number
  readonly msg: string
  readonly sig: string
  /** ML-DSA only (FIPS 204 §5.2). */
  readonly ctx?: string
  readonly result: 'valid' | 'invalid' | 'acceptable'
}

interface Group {
  readonly type: string
  /** In DER; missing where the vectors are about keys that have no such form. */
  readonly publicKeyDer?: string | null
  readonly publicKey?: { readonly curve?: string } | string
  readonly sha?: string
  readonly mgf?: string
  readonly mgfSha?: string
  readonly sLen?: number
  readonly tests: readonly Vector[]
}

interface VectorFile {
  readonly algorithm: string
  readonly testGroups: readonly Group[]
}

const EXPECTED = { valid: 'accept', invalid: 'reject', acceptable: 'either' } as const

export const wycheproof: Suite = {
  name: 'wycheproof',
  title: 'signatures of Project Wycheproof',
  peers: '',
  load(corpora) {
    const folder = join(corpora, 'wycheproof')
    const files = filesIn(folder, '_test.json')
    if (files === undefined) return undefined
    const cases: Case[] = []
    const leftOut: string[] = []
    for (const file of files) {
      const { algorithm, testGroups } = readJson(folder, file) as VectorFile
      const [group] = testGroups
      if (group === undefined || !Object.hasOwn(IDENTIFIERS, group.type)) {
        leftOut.push(`${file}: signet has no ${algorithm} of its own, or not in this form`)
        continue
      }
      for (const each of testGroups) cases.push(...casesOf(file, algorithm, each))
    }
    return { cases, leftOut }
  },
}

function casesOf(file: string, algorithm: string, group: Group): readonly Case[] {
  return group.tests.map((vector) => ({
    id: `${file}/${vector.tcId}`,
    expected: EXPECTED[vector.result],
    run: () => verify(algorithm, group, vector),
  }))
}

function verify(algorithm: string, group: Group, { msg, sig, ctx = '', result }: Vector): Verdict {
  const identifierDer = IDENTIFIERS[group.type]?.(algorithm, group)
  if (identifierDer === undefined) return skipped('X.509 has no identifier for this algorithm')
  if (typeof group.publicKeyDer !== 'string') return withoutKey(result)
  const identifier = readAlgorithmIdentifier(DerReader.over(identifierDer, KEY_LIMITS))
  const key = parseVerifyingKey(bytes(group.publicKeyDer), 'allow-weak')
  const verified = verifySignature(verifyingAlgorithmOf(identifier, 'allow-weak'), key, bytes(msg), bytes(sig))
  if (verified) return ACCEPT
  // RFC 9881 §3, RFC 9882 §3.2: what is signed here has no context; a signature with one verifies nothing of ours.
  if (ctx !== '' && result === 'valid') return skipped('no signature in X.509 or CMS has a context')
  return { got: 'reject', message: 'the signature does not verify' }
}

/** A key that cannot even be written down cannot verify. */
function withoutKey(result: Vector['result']): Verdict {
  return result === 'invalid' ? { got: 'reject', message: 'there is no such key' } : skipped('the key has no DER form')
}

function bytes(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'))
}

type IdentifierOf = (algorithm: string, group: Group) => Uint8Array | undefined

const named = (oid: string | undefined, ...parameters: readonly Uint8Array[]): Uint8Array | undefined =>
  oid === undefined ? undefined : encodeSequence(encodeObjectIdentifier(oid), ...parameters)

/** RFC 5758 §3.2, RFC 3279 §2.2.3; the SHA-3 ones: NIST, Computer Security Objects Register. */
const ECDSA: Readonly<Record<string, string>> = {
  'SHA-1': OID.ecdsaWithSha1,
  'SHA-224': OID.ecdsaWithSha224,
  'SHA-256': OID.ecdsaWithSha256,
  'SHA-384': OID.ecdsaWithSha384,
  'SHA-512': OID.ecdsaWithSha512,
  'SHA3-224': '2.16.840.1.101.3.4.3.9',
  'SHA3-256': '2.16.840.1.101.3.4.3.10',
  'SHA3-384': '2.16.840.1.101.3.4.3.11',
  'SHA3-512': '2.16.840.1.101.3.4.3.12',
}

/** RFC 8017 appendix A.2.4. */
const RSA: Readonly<Record<string, string>> = {
  'SHA-1': OID.sha1WithRsa,
  'SHA-224': OID.sha224WithRsa,
  'SHA-256': OID.sha256WithRsa,
  'SHA-384': OID.sha384WithRsa,
  'SHA-512': OID.sha512WithRsa,
  'SHA-512/224': '1.2.840.113549.1.1.15',
  'SHA-512/256': '1.2.840.113549.1.1.16',
}

const DSA: Readonly<Record<string, string>> = {
  'SHA-1': OID.dsaWithSha1,
  'SHA-224': OID.dsaWithSha224,
  'SHA-256': OID.dsaWithSha256,
}

const DIGEST: Readonly<Record<string, string>> = {
  'SHA-1': '1.3.14.3.2.26',
  'SHA-224': '2.16.840.1.101.3.4.2.4',
  'SHA-256': OID.sha256,
  'SHA-384': OID.sha384,
  'SHA-512': OID.sha512,
  'SHA-512/224': '2.16.840.1.101.3.4.2.5',
  'SHA-512/256': '2.16.840.1.101.3.4.2.6',
}

const EDDSA: Readonly<Record<string, string>> = { edwards25519: OID.ed25519, edwards448: OID.ed448 }

const ML_DSA: Readonly<Record<string, string>> = {
  'ML-DSA-44': OID.mlDsa44,
  'ML-DSA-65': OID.mlDsa65,
  'ML-DSA-87': OID.mlDsa87,
}

/** Type of a group → AlgorithmIdentifier. Types that are not here are of primitives or encodings that signet lacks. */
const IDENTIFIERS: Readonly<Record<string, IdentifierOf>> = {
  EcdsaVerify: (_, { sha = '' }) => named(ECDSA[sha]),
  DsaVerify: (_, { sha = '' }) => named(DSA[sha]),
  EddsaVerify: (_, { publicKey }) => named(EDDSA[typeof publicKey === 'object' ? (publicKey.curve ?? '') : '']),
  MlDsaVerify: (algorithm) => named(ML_DSA[algorithm]),
  RsassaPkcs1Verify: (_, { sha = '' }) => named(RSA[sha], encodeNull()),
  RsassaPssVerify: (_, group) => pss(group),
}

/** RFC 4055 §3.1. Defaults, which mean SHA-1 and 20 octets, are left out as DER demands. */
function pss({ sha = '', mgf, mgfSha = '', sLen = 20 }: Group): Uint8Array | undefined {
  const [digest, maskDigest] = [DIGEST[sha], DIGEST[mgfSha]]
  if (mgf !== 'MGF1' || digest === undefined || maskDigest === undefined) return undefined
  const identifier = (oid: string): Uint8Array => encodeSequence(encodeObjectIdentifier(oid), encodeNull())
  const mask = encodeSequence(encodeObjectIdentifier(OID.mgf1), identifier(maskDigest))
  return named(
    OID.rsaPss,
    encodeSequence(
      ...(sha === 'SHA-1' ? [] : [encodeContext(0, identifier(digest))]),
      ...(mgfSha === 'SHA-1' ? [] : [encodeContext(1, mask)]),
      ...(sLen === 20 ? [] : [encodeContext(2, encodeInteger(sLen))]),
    ),
  )
}
