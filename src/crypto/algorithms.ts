/**
 * The allow-list: which keys, signatures and digests exist for signet. What is not in these tables is refused.
 *
 * @module crypto/algorithms (floor 2)
 */
import {
  DerReader,
  encodeContext,
  encodeInteger,
  encodeNull,
  encodeObjectIdentifier,
  encodeSequence,
  equalBytes,
  KEY_LIMITS,
  OctetTable,
  OID,
  TAG,
} from '../asn1/index.js'
import { EncodingError, TrustError, UsageError } from '../errors/index.js'

/** Digests by the names node:crypto uses. */
export type DigestName = 'sha256' | 'sha384' | 'sha512'

interface Digest {
  readonly oid: string
  readonly octets: number
}

export const DIGESTS = {
  sha256: { oid: OID.sha256, octets: 32 },
  sha384: { oid: OID.sha384, octets: 48 },
  sha512: { oid: OID.sha512, octets: 64 },
} as const satisfies Record<DigestName, Digest>

/** Key families: what decides how a signature is computed. */
export type KeyFamily = 'ec' | 'rsa' | 'ed25519' | 'ml-dsa-44' | 'ml-dsa-65' | 'ml-dsa-87'

/** Keys that signet makes and certifies. */
export type KeyAlgorithmName =
  'p256' | 'p384' | 'ed25519' | 'rsa2048' | 'rsa3072' | 'rsa4096' | 'ml-dsa-44' | 'ml-dsa-65' | 'ml-dsa-87'

/** What it takes to verify a signature; wider than the allow-list (`crypto/weak`). */
export interface VerifyingAlgorithm {
  readonly name: string
  readonly family: KeyFamily | 'dsa' | 'ed448'
  /** The digest of the signature itself; `null` where the scheme hashes on its own (Ed25519, ML-DSA). */
  readonly digest: DigestName | 'sha1' | 'sha224' | null
  /** RSASSA-PSS rather than PKCS #1 v1.5; the salt is as long as the digest. */
  readonly pss: boolean
}

/** A signature algorithm of the allow-list. */
export interface SignatureAlgorithm extends VerifyingAlgorithm {
  readonly family: KeyFamily
  readonly digest: DigestName | null
  /** AlgorithmIdentifier, as signet writes it. */
  readonly identifierDer: Uint8Array
}

function identifier(oid: string, ...parameters: Uint8Array[]): Uint8Array {
  return encodeSequence(encodeObjectIdentifier(oid), ...parameters)
}

function pssIdentifier(digest: DigestName): Uint8Array {
  // RFC 4055 §3.1; the trailer field is left at its default.
  const hash = identifier(DIGESTS[digest].oid, encodeNull())
  return identifier(
    OID.rsaPss,
    encodeSequence(
      encodeContext(0, hash),
      encodeContext(1, identifier(OID.mgf1, hash)),
      encodeContext(2, encodeInteger(DIGESTS[digest].octets)),
    ),
  )
}

function algorithm(
  name: string,
  family: KeyFamily,
  digest: DigestName | null,
  encode: () => Uint8Array,
  pss = false,
): SignatureAlgorithm {
  let identifierDer: Uint8Array | undefined
  return {
    name,
    family,
    digest,
    pss,
    // Who verifies one message needs few of them.
    get identifierDer() {
      return (identifierDer ??= encode())
    },
  }
}

/** Every signature algorithm that verifies, by name. */
export const SIGNATURE_ALGORITHMS = {
  'ecdsa-sha256': algorithm('ecdsa-sha256', 'ec', 'sha256', () => identifier(OID.ecdsaWithSha256)),
  'ecdsa-sha384': algorithm('ecdsa-sha384', 'ec', 'sha384', () => identifier(OID.ecdsaWithSha384)),
  'ecdsa-sha512': algorithm('ecdsa-sha512', 'ec', 'sha512', () => identifier(OID.ecdsaWithSha512)),
  'rsa-sha256': algorithm('rsa-sha256', 'rsa', 'sha256', () => identifier(OID.sha256WithRsa, encodeNull())),
  'rsa-sha384': algorithm('rsa-sha384', 'rsa', 'sha384', () => identifier(OID.sha384WithRsa, encodeNull())),
  'rsa-sha512': algorithm('rsa-sha512', 'rsa', 'sha512', () => identifier(OID.sha512WithRsa, encodeNull())),
  'rsa-pss-sha256': algorithm('rsa-pss-sha256', 'rsa', 'sha256', () => pssIdentifier('sha256'), true),
  'rsa-pss-sha384': algorithm('rsa-pss-sha384', 'rsa', 'sha384', () => pssIdentifier('sha384'), true),
  'rsa-pss-sha512': algorithm('rsa-pss-sha512', 'rsa', 'sha512', () => pssIdentifier('sha512'), true),
  ed25519: algorithm('ed25519', 'ed25519', null, () => identifier(OID.ed25519)),
  'ml-dsa-44': algorithm('ml-dsa-44', 'ml-dsa-44', null, () => identifier(OID.mlDsa44)),
  'ml-dsa-65': algorithm('ml-dsa-65', 'ml-dsa-65', null, () => identifier(OID.mlDsa65)),
  'ml-dsa-87': algorithm('ml-dsa-87', 'ml-dsa-87', null, () => identifier(OID.mlDsa87)),
} as const satisfies Record<string, SignatureAlgorithm>

export type SignatureAlgorithmName = keyof typeof SIGNATURE_ALGORITHMS

export interface KeyAlgorithm {
  readonly name: KeyAlgorithmName
  readonly family: KeyFamily
  /** The signature algorithm that a key of this kind makes unless told otherwise. */
  readonly signature: SignatureAlgorithmName
  /** The digest of content in CMS signed by such a key (RFC 5754, RFC 8419 §3.1, RFC 9882 §3.3). */
  readonly cmsDigest: DigestName
}

export const KEY_ALGORITHMS = {
  p256: { name: 'p256', family: 'ec', signature: 'ecdsa-sha256', cmsDigest: 'sha256' },
  p384: { name: 'p384', family: 'ec', signature: 'ecdsa-sha384', cmsDigest: 'sha384' },
  ed25519: { name: 'ed25519', family: 'ed25519', signature: 'ed25519', cmsDigest: 'sha512' },
  rsa2048: { name: 'rsa2048', family: 'rsa', signature: 'rsa-sha256', cmsDigest: 'sha256' },
  rsa3072: { name: 'rsa3072', family: 'rsa', signature: 'rsa-sha256', cmsDigest: 'sha256' },
  rsa4096: { name: 'rsa4096', family: 'rsa', signature: 'rsa-sha256', cmsDigest: 'sha256' },
  'ml-dsa-44': { name: 'ml-dsa-44', family: 'ml-dsa-44', signature: 'ml-dsa-44', cmsDigest: 'sha512' },
  'ml-dsa-65': { name: 'ml-dsa-65', family: 'ml-dsa-65', signature: 'ml-dsa-65', cmsDigest: 'sha512' },
  'ml-dsa-87': { name: 'ml-dsa-87', family: 'ml-dsa-87', signature: 'ml-dsa-87', cmsDigest: 'sha512' },
} as const satisfies Record<KeyAlgorithmName, KeyAlgorithm>

/** The key algorithm that a person named. */
export function keyAlgorithmNamed(name: string): KeyAlgorithm {
  if (!Object.hasOwn(KEY_ALGORITHMS, name)) {
    throw new UsageError('ERR_CONFIG_INVALID', `there is no key algorithm ${JSON.stringify(name)}`, {
      hint: `choose one of ${Object.keys(KEY_ALGORITHMS).join(', ')}`,
    })
  }
  return KEY_ALGORITHMS[name as KeyAlgorithmName]
}

/** An AlgorithmIdentifier as read: its OID, its parameters if any, and the whole of it. */
export interface AlgorithmIdentifier {
  readonly oid: string
  readonly parametersDer: Uint8Array | undefined
  readonly der: Uint8Array
}

/** The usual ones, each read once: as one object, so that comparing two needs no octets. There are those that were met. */
export const USUAL_IDENTIFIERS = new OctetTable<AlgorithmIdentifier>()

/** What those of signatures name. */
const usualSignatures = new Map<AlgorithmIdentifier, SignatureAlgorithm>()

export function readAlgorithmIdentifier(reader: DerReader): AlgorithmIdentifier {
  const known = reader.known(USUAL_IDENTIFIERS)
  if (known !== undefined) return known
  const read = decodeAlgorithmIdentifier(reader)
  const signature = writtenAs(read)
  // Nobody fills a memory by what he writes: there are not many of these.
  if (signature === undefined && !(DIGESTS_BY_OID.has(read.oid) && isAbsentOrNull(read.parametersDer))) return read
  // A copy: to slice a Buffer is none.
  const usual = Object.freeze(decodeAlgorithmIdentifier(DerReader.over(new Uint8Array(read.der), KEY_LIMITS)))
  USUAL_IDENTIFIERS.add(usual.der, usual)
  if (signature !== undefined) usualSignatures.set(usual, signature)
  return usual
}

function decodeAlgorithmIdentifier(reader: DerReader): AlgorithmIdentifier {
  const start = reader.position
  const fields = reader.sequence()
  const oid = fields.oid()
  const parametersDer = fields.atEnd ? undefined : fields.element()
  fields.finish()
  return { oid, parametersDer, der: reader.bytes.subarray(start, reader.position) }
}

const SIGNATURES_BY_OID: ReadonlyMap<string, readonly SignatureAlgorithm[]> = new Map([
  [OID.ecdsaWithSha256, [SIGNATURE_ALGORITHMS['ecdsa-sha256']]],
  [OID.ecdsaWithSha384, [SIGNATURE_ALGORITHMS['ecdsa-sha384']]],
  [OID.ecdsaWithSha512, [SIGNATURE_ALGORITHMS['ecdsa-sha512']]],
  [OID.sha256WithRsa, [SIGNATURE_ALGORITHMS['rsa-sha256']]],
  [OID.sha384WithRsa, [SIGNATURE_ALGORITHMS['rsa-sha384']]],
  [OID.sha512WithRsa, [SIGNATURE_ALGORITHMS['rsa-sha512']]],
  [
    OID.rsaPss,
    [
      SIGNATURE_ALGORITHMS['rsa-pss-sha256'],
      SIGNATURE_ALGORITHMS['rsa-pss-sha384'],
      SIGNATURE_ALGORITHMS['rsa-pss-sha512'],
    ],
  ],
  [OID.ed25519, [SIGNATURE_ALGORITHMS.ed25519]],
  [OID.mlDsa44, [SIGNATURE_ALGORITHMS['ml-dsa-44']]],
  [OID.mlDsa65, [SIGNATURE_ALGORITHMS['ml-dsa-65']]],
  [OID.mlDsa87, [SIGNATURE_ALGORITHMS['ml-dsa-87']]],
])

/** The algorithm whose identifier, as signet writes it, is this one octet by octet. */
function writtenAs({ oid, der }: AlgorithmIdentifier): SignatureAlgorithm | undefined {
  return SIGNATURES_BY_OID.get(oid)?.find(({ identifierDer }) => equalBytes(identifierDer, der))
}

/**
 * The signature algorithm that an AlgorithmIdentifier names.
 *
 * @throws {@link TrustError} `ERR_ALGORITHM_NOT_ALLOWED` for SHA-1, MD5, DSA, unknown algorithms and odd parameters
 */
export function signatureAlgorithmOf(found: AlgorithmIdentifier): SignatureAlgorithm {
  const known = usualSignatures.get(found) ?? writtenAs(found)
  if (known !== undefined) return known
  const { oid, parametersDer } = found
  if (oid === OID.rsaPss && parametersDer !== undefined) return pssAlgorithm(parametersDer)
  // RFC 4055 §5: RSA PKCS #1 v1.5 identifiers with absent parameters must be accepted too.
  const [named] = SIGNATURES_BY_OID.get(oid) ?? []
  if (named?.family === 'rsa' && !named.pss && parametersDer === undefined) return named
  throw notAllowed('signature', found.oid)
}

/** RSASSA-PSS parameters (RFC 4055 §3.1): one digest for both uses, and a salt of its length. */
function pssAlgorithm(parametersDer: Uint8Array): SignatureAlgorithm {
  const reader = DerReader.over(parametersDer, KEY_LIMITS)
  const fields = reader.sequence()
  reader.finish()
  const refuse = (what: string): TrustError =>
    new TrustError('ERR_ALGORITHM_NOT_ALLOWED', `RSASSA-PSS with ${what} is not allowed`)
  // Absent fields mean SHA-1 or a salt of 20 octets.
  if (fields.peek() !== 0xa0) throw refuse('SHA-1')
  const hashFields = fields.constructed(0xa0)
  const digest = digestOf(readAlgorithmIdentifier(hashFields))
  hashFields.finish()
  if (fields.peek() !== 0xa1) throw refuse('SHA-1 in its mask')
  const maskFields = fields.constructed(0xa1)
  const mask = readAlgorithmIdentifier(maskFields)
  maskFields.finish()
  if (mask.oid !== OID.mgf1 || mask.parametersDer === undefined) throw refuse('a mask other than MGF1')
  if (digestOf(readAlgorithmIdentifier(DerReader.over(mask.parametersDer, KEY_LIMITS))) !== digest) {
    throw refuse('two different digests')
  }
  if (fields.peek() !== 0xa2) throw refuse('a salt shorter than its digest')
  const saltFields = fields.constructed(0xa2)
  const saltLength = saltFields.smallInteger(1024)
  saltFields.finish()
  if (saltLength !== DIGESTS[digest].octets) throw refuse('a salt of another length than its digest')
  // The trailer field may only be its default, and DER does not encode defaults.
  fields.finish()
  return SIGNATURE_ALGORITHMS[`rsa-pss-${digest}`]
}

const DIGESTS_BY_OID: ReadonlyMap<string, DigestName> = new Map(
  (Object.keys(DIGESTS) as DigestName[]).map((name) => [DIGESTS[name].oid, name]),
)

/** The digest that an AlgorithmIdentifier names; parameters absent or NULL (RFC 5754 §2). */
export function digestOf(found: AlgorithmIdentifier): DigestName {
  const digest = DIGESTS_BY_OID.get(found.oid)
  if (digest === undefined) throw notAllowed('digest', found.oid)
  if (!isAbsentOrNull(found.parametersDer)) {
    throw new EncodingError('ERR_DER_NON_CANONICAL', 'a digest algorithm has no parameters')
  }
  return digest
}

function isAbsentOrNull(parametersDer: Uint8Array | undefined): boolean {
  return parametersDer === undefined || (parametersDer.length === 2 && parametersDer[0] === TAG.null)
}

const digestIdentifiers: Partial<Record<DigestName, Uint8Array>> = {}

/** The AlgorithmIdentifier of a digest with absent parameters (RFC 5754 §2). */
export function digestIdentifierDer(digest: DigestName): Uint8Array {
  return (digestIdentifiers[digest] ??= identifier(DIGESTS[digest].oid))
}

/** Whether a key of this family can make this signature. */
export function requireFamily(signature: VerifyingAlgorithm, family: VerifyingAlgorithm['family']): void {
  if (signature.family !== family) {
    throw new TrustError('ERR_ALGORITHM_MISMATCH', `a ${family} key does not make ${signature.name} signatures`, {
      details: { key: family, signature: signature.name },
    })
  }
}

export function notAllowed(what: string, oid: string): TrustError {
  return new TrustError('ERR_ALGORITHM_NOT_ALLOWED', `the ${what} algorithm ${oid} is not allowed`, {
    details: { oid },
    hint: 'use ECDSA, Ed25519, RSA of 2048 bits or more, or ML-DSA, with SHA-256 or longer',
  })
}
