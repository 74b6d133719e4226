/**
 * What a stranger makes of a certificate: read and validated by its octets alone, knowing what a relying party knows.
 *
 * @module authority/stranger (floor 7)
 */
import { parsePublicKeyForLater } from '../crypto/index.js'
import { type PurposeName, validateIssuer } from '../path/index.js'
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

/** A stranger on this thread. @throws as {@link strangerTo} */
export function localStranger(knowledge: CommonKnowledge): Stranger {
  const read = strangerTo(knowledge)
  return { read: async (signed) => Promise.resolve(signed.map(read)) }
}
