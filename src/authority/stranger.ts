/**
 * What a stranger makes of a certificate: read and validated by its octets alone, knowing what a relying party knows.
 *
 * @module authority/stranger (floor 7)
 */
import { parsePublicKeyForLater } from '../crypto/index.js'
import { type PurposeName, validateIssuer } from '../path/index.js'
import { inTurns, type Steps } from '../time/index.js'
import { type Certificate, type Crl, parseCertificate } from '../x509/index.js'

/** What a relying party knows. */
export interface CommonKnowledge {
  readonly anchors: readonly Certificate[]
  readonly issuer: Certificate
  readonly crls: readonly Crl[]
  readonly at: Date
}

/** A certificate that was signed, and what it must be good for. */
export interface Signed {
  readonly der: Uint8Array
  readonly purposes: readonly PurposeName[]
}

/** What the stranger read, as it is recorded. */
export interface Reading {
  readonly serialNumber: string
  readonly keyIdentifier: string
  readonly fingerprint: string
  readonly subjectDigest: string
  readonly notBefore: string
  readonly notAfter: string
}

/** Reads certificates in order. If one is refused, all are. */
export interface Stranger {
  read(signed: readonly Signed[]): Promise<readonly Reading[]>
}

/**
 * A stranger who has met the issuing CA: it is validated once, each certificate by itself.
 *
 * @returns A function that reads one certificate, with what path validation and parsing throw.
 * @throws {@link TrustError} what path validation refuses of the issuing CA
 */
export function strangerTo({ anchors, issuer, crls, at }: CommonKnowledge): (signed: Signed) => Reading {
  const validated = validateIssuer(issuer, { anchors, at, revocation: { crls } })
  return ({ der, purposes }) => {
    const certificate = parseCertificate(der)
    // Nobody verifies with the key here; that it is a key is checked all the same.
    certificate.adoptPublicKey(parsePublicKeyForLater(certificate.spkiDer))
    validated.validate(certificate, purposes)
    return {
      serialNumber: certificate.serialNumber,
      keyIdentifier: certificate.keyIdentifier,
      fingerprint: certificate.fingerprint,
      subjectDigest: certificate.subject.digest,
      notBefore: certificate.notBefore.toISOString(),
      notAfter: certificate.notAfter.toISOString(),
    }
  }
}

/** Certificates that are read in one step: some half a millisecond of work. */
const READ_AT_ONCE = 5

/** A stranger on this thread, in turns with whoever else has work there. @throws as {@link strangerTo} */
export function localStranger(knowledge: CommonKnowledge): Stranger {
  return readingInTurns(strangerTo(knowledge))
}

/** @param read - Made by {@link strangerTo}. */
export function readingInTurns(read: (signed: Signed) => Reading): Stranger {
  let before: Promise<unknown> = Promise.resolve()
  return {
    read: (signed) => {
      // One after the other: what several read in one turn would be as long as all of it.
      const readings = before.then(() => inTurns(readAll(read, signed)))
      before = readings.catch(() => undefined)
      return readings
    },
  }
}

function* readAll(read: (signed: Signed) => Reading, signed: readonly Signed[]): Steps<readonly Reading[]> {
  const readings: Reading[] = []
  for (const one of signed) {
    // Before the first, too: they were signed just now. And after the last: they are recorded next.
    if (readings.length % READ_AT_ONCE === 0) yield
    readings.push(read(one))
  }
  yield
  return readings
}
