/**
 * One root vouches for the next: a certificate of the one, signed by the other, by which whoever knows only the other finds
 * a path.
 *
 * @module authority/cross-sign (floor 7)
 */
import { keyIdentifierOf, samePublicKey, signatureAlgorithmOf, verifySignature } from '../crypto/index.js'
import { DeniedError, isSignetError } from '../errors/index.js'
import { validatePath } from '../path/index.js'
import {
  type Certificate,
  compareSecondOpinion,
  encodeAuthorityKeyIdentifier,
  encodeBasicConstraints,
  encodeKeyUsage,
  encodeSubjectKeyIdentifier,
} from '../x509/index.js'
import { type RootSigner, signCa } from './make-ca.js'

/**
 * Sign a cross certificate: name and key of another root, signed by this one. With the old root as the signer, whoever pins
 * that believes what is below the new one (NewWithOld); with the new one, the reverse (OldWithNew).
 *
 * That the other root is the one that was meant is for whoever compares its fingerprint: nothing in it says so.
 *
 * @param other - A root of the same name: then the certificate is self-issued, and the path length of a root, which counts
 * one CA below it, does not count this one.
 * @returns Valid as long as both. Read by a second implementation, too.
 * @throws {@link DeniedError} `ERR_ISSUE_PROFILE` where the other is no root, has another name, or the same key
 * @see RFC 4210 §4.4, RFC 5280 §6.1.4 (l)
 */
export async function crossSign(signer: RootSigner, other: Certificate, at: Date): Promise<Certificate> {
  const { certificate: root, key } = signer
  requireRoot(other, at)
  if (!other.subject.equals(root.subject)) throw refuse(other, `it is not called ${root.subject.toString()}`)
  if (samePublicKey(other.publicKey, root.publicKey)) throw refuse(other, 'it has the key of this root')
  const cross = await signCa(key, {
    issuer: root.subject,
    subject: other.subject,
    publicKey: other.publicKey,
    at,
    notAfter: other.notAfter < root.notAfter ? other.notAfter : root.notAfter,
    extensionsDer: [
      encodeBasicConstraints({ ca: true, pathLenConstraint: 1 }),
      encodeKeyUsage(['keyCertSign', 'cRLSign']),
      encodeSubjectKeyIdentifier(keyIdentifierOf(other.publicKey)),
      encodeAuthorityKeyIdentifier(keyIdentifierOf(key.publicKey)),
    ],
  })
  validatePath(cross, { anchors: [root], at, purpose: 'allow-any', revocation: 'allow-unchecked' })
  await compareSecondOpinion(cross, root)
  return cross
}

/** A root: self-signed, current, and a CA. @throws {@link DeniedError} `ERR_ISSUE_PROFILE` */
export function requireRoot(root: Certificate, at: Date): void {
  if (root.basicConstraints?.ca !== true || !root.issuer.equals(root.subject)) throw refuse(root, 'it is no root')
  try {
    // Whoever is believed anyway is not asked for a signature: a path that ends in itself proves nothing of it.
    const algorithm = signatureAlgorithmOf(root.signatureAlgorithm)
    if (!verifySignature(algorithm, root.publicKey, root.tbsDer, root.signatureValue)) {
      throw refuse(root, 'another key signed it')
    }
    validatePath(root, { anchors: [root], at, purpose: 'allow-any', revocation: 'allow-unchecked' })
  } catch (error) {
    if (isSignetError(error)) throw refuse(root, error.message, error)
    throw error
  }
}

function refuse(other: Certificate, why: string, cause?: unknown): DeniedError {
  return new DeniedError('ERR_ISSUE_PROFILE', `a root does not vouch for this certificate: ${why}`, {
    details: { subject: other.subject.toString(), fingerprint: other.fingerprint },
    cause,
  })
}
