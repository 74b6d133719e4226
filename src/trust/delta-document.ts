/**
 * The content of a trust delta: what makes one trust directory of another.
 *
 * ```
 * TrustDelta ::= SEQUENCE {
 *   version      INTEGER (1),
 *   trustDomain  UTF8String,
 *   base         DirectoryId,                                   -- applies to this one, and to no other
 *   result       DirectoryId,                                   -- makes this one; a higher sequence
 *   issuedAt     GeneralizedTime,                               -- of the result
 *   nextUpdate   GeneralizedTime,                               -- of the result
 *   anchors      [0] IMPLICIT SEQUENCE OF Certificate OPTIONAL, -- all of the result; absent: as in the base
 *   authorities  [1] IMPLICIT SEQUENCE OF Certificate OPTIONAL, -- likewise
 *   crls         [2] IMPLICIT SEQUENCE OF CertificateList OPTIONAL,
 *   removed      SEQUENCE OF OCTET STRING,                      -- key identifiers, ascending
 *   signers      SEQUENCE OF Signer,                            -- new ones and changed ones, ascending
 *   signature    ContentInfo }                                  -- the result, signed, without its content
 *
 * DirectoryId ::= SEQUENCE {
 *   sequence INTEGER,
 *   digest   OCTET STRING (SIZE (32)) }                         -- SHA-256 of the content
 * ```
 *
 * @module trust/delta-document (floor 6)
 */
import {
  compareBytes,
  contextConstructed,
  DerReader,
  encodeContext,
  encodeGeneralizedTime,
  encodeInteger,
  encodeOctetString,
  encodeSequence,
  encodeString,
  joinBytes,
  TAG,
  TRUST_DIRECTORY_LIMITS,
} from '../asn1/index.js'
import { atOnce, type Steps } from '../time/index.js'
import { type Certificate, type Crl, hex, namedInSteps } from '../x509/index.js'
import { MAX_SEQUENCE, readCertificates, readCrls } from './document.js'
import type { SeenDirectory } from './memory.js'
import { SignerList, SIGNERS_AT_ONCE } from './signer-list.js'

export interface TrustDeltaDocument {
  readonly trustDomain: string
  readonly base: SeenDirectory
  readonly result: SeenDirectory
  readonly issuedAt: Date
  readonly nextUpdate: Date
  /** Absent where they are as in the base. */
  readonly anchors: readonly Certificate[] | undefined
  readonly authorities: readonly Certificate[] | undefined
  readonly crls: readonly Crl[] | undefined
  /** Key identifiers, ascending. */
  readonly removed: readonly Uint8Array[]
  /** In DER, ascending. */
  readonly signers: readonly Uint8Array[]
  /** The result as a detached SignedData. */
  readonly signature: Uint8Array
}

export type ReadTrustDelta = Omit<TrustDeltaDocument, 'signers'> & { readonly signers: SignerList }

export function encodeTrustDelta(delta: TrustDeltaDocument): Uint8Array {
  const lists = [delta.anchors, delta.authorities, delta.crls]
  return encodeSequence(
    encodeInteger(1),
    encodeString(delta.trustDomain),
    encodeDirectoryId(delta.base),
    encodeDirectoryId(delta.result),
    encodeGeneralizedTime(delta.issuedAt),
    encodeGeneralizedTime(delta.nextUpdate),
    ...lists.flatMap((list, number) =>
      list === undefined ? [] : [encodeContext(number, ...list.map((item) => item.der))],
    ),
    // Joined first: as arguments, a hundred thousand would not fit on the stack.
    encodeSequence(joinBytes(delta.removed.map(encodeOctetString))),
    encodeSequence(joinBytes(delta.signers)),
    delta.signature,
  )
}

function encodeDirectoryId({ sequence, digest }: SeenDirectory): Uint8Array {
  return encodeSequence(encodeInteger(sequence), encodeOctetString(Buffer.from(digest, 'hex')))
}

/**
 * Read the content. Whether it fits a directory is for applying it to say.
 *
 * @throws {@link EncodingError} `ERR_TRUST_DELTA_MALFORMED`
 * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED`
 */
export function readTrustDelta(der: Uint8Array): ReadTrustDelta {
  return atOnce(readTrustDeltaInSteps(der))
}

/** As {@link readTrustDelta}, in steps. */
export function readTrustDeltaInSteps(der: Uint8Array): Steps<ReadTrustDelta> {
  return namedInSteps('ERR_TRUST_DELTA_MALFORMED', 'a trust delta', readFields(der))
}

function* readFields(der: Uint8Array): Steps<ReadTrustDelta> {
  const reader = DerReader.over(der, TRUST_DIRECTORY_LIMITS)
  const fields = reader.sequence()
  reader.finish()
  if (fields.smallInteger(255) !== 1) throw fields.error('ERR_TRUST_DELTA_MALFORMED', 'the version is not 1')
  const delta = {
    trustDomain: fields.string(TAG.utf8String),
    base: readDirectoryId(fields.sequence()),
    result: readDirectoryId(fields.sequence()),
    issuedAt: fields.generalizedTime(),
    nextUpdate: fields.generalizedTime(),
    anchors: yield* readOptional(fields, 0, readCertificates),
    authorities: yield* readOptional(fields, 1, readCertificates),
    crls: yield* readOptional(fields, 2, readCrls),
    removed: yield* readRemoved(fields.sequence()),
    signers: yield* SignerList.readInSteps(fields.sequence()),
    signature: fields.element(TAG.sequence),
  }
  fields.finish()
  if (delta.result.sequence <= delta.base.sequence) {
    throw fields.error('ERR_TRUST_DELTA_MALFORMED', 'a delta makes a directory with a higher number')
  }
  for (const [index, keyIdentifier] of delta.removed.entries()) {
    if (delta.signers.indexOf(keyIdentifier) >= 0) {
      throw fields.error('ERR_TRUST_DELTA_MALFORMED', 'a signer is both removed and there')
    }
    if (isStep(index)) yield
  }
  return delta
}

/** Whether so many were looked at that others have a turn. */
function isStep(index: number): boolean {
  return index % SIGNERS_AT_ONCE === SIGNERS_AT_ONCE - 1
}

function readDirectoryId(fields: DerReader): SeenDirectory {
  const sequence = fields.smallInteger(MAX_SEQUENCE)
  const digest = fields.octetString()
  if (digest.length !== 32) throw fields.error('ERR_TRUST_DELTA_MALFORMED', 'a digest has 32 octets')
  fields.finish()
  return { sequence, digest: hex(digest) }
}

function* readOptional<T>(
  fields: DerReader,
  number: number,
  read: (sequence: DerReader) => Steps<readonly T[]>,
): Steps<readonly T[] | undefined> {
  const tag = contextConstructed(number)
  return fields.peek() === tag ? yield* read(fields.constructed(tag)) : undefined
}

function* readRemoved(sequence: DerReader): Steps<readonly Uint8Array[]> {
  const removed: Uint8Array[] = []
  while (!sequence.atEnd) {
    const previous = removed.at(-1)
    const keyIdentifier = sequence.octetString()
    if (previous !== undefined && compareBytes(previous, keyIdentifier) >= 0) {
      throw sequence.error('ERR_TRUST_DELTA_MALFORMED', 'removed signers are in ascending order, each once')
    }
    if (isStep(removed.push(keyIdentifier))) yield
  }
  return removed
}
