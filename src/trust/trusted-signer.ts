/**
 * A signer of a verified trust directory.
 *
 * @module trust/trusted-signer (floor 6)
 */
import { equalBytes } from '../asn1/index.js'
import { TrustError } from '../errors/index.js'
import { type Identity, parseIdentityUri } from '../identity/index.js'
import { validatePath, type ValidatedPath } from '../path/index.js'
import { type Certificate, type Crl, hex } from '../x509/index.js'
import { signerCertificate, type TrustHeader } from './document.js'
import { identityOf, type RawSigner } from './signer.js'

/** A signer of the directory. Its certificate is parsed, and its path validated, once and when first needed. */
export class TrustedSigner {
  readonly #raw: RawSigner
  readonly #directory: TrustHeader
  #identity: Identity | undefined
  #certificate: Certificate | undefined
  #validated:
    | { readonly path: ValidatedPath; readonly isChecked: boolean; readonly from: number; readonly until: number }
    | undefined

  constructor(raw: RawSigner, directory: TrustHeader) {
    this.#raw = raw
    this.#directory = directory
    Object.freeze(this)
  }

  get keyIdentifier(): string {
    return hex(this.#raw.keyIdentifier)
  }

  /** @throws {@link DeniedError} `ERR_IDENTITY_INVALID` where the directory grants it what is no grant */
  get identity(): Identity {
    this.#identity ??= identityOf(this.#raw)
    return this.#identity
  }

  /** @throws {@link TrustError} `ERR_CMS_SIGNER_UNKNOWN` where the entry is not the entry of its certificate */
  get certificate(): Certificate {
    this.#certificate ??= this.#parse()
    return this.#certificate
  }

  /**
   * The proof that the signer may sign messages at this instant: path, purpose and revocation.
   *
   * It is kept as long as nothing that it rests on can have changed: the directory never changes, so only time can,
   * and a proof is used again only between the latest beginning and the earliest end of all that it rests on.
   *
   * @param revocation - `'allow-directory-only'` does without the CRLs: whoever is revoked leaves the next directory.
   * @throws {@link TrustError} what path validation refuses
   */
  validate(at: Date, revocation: 'required' | 'allow-directory-only' = 'required'): ValidatedPath {
    const isChecked = revocation === 'required'
    const kept = this.#validated
    const instant = at.getTime()
    if (kept?.isChecked === isChecked && instant >= kept.from && instant <= kept.until) return kept.path
    const { anchors, authorities, crls } = this.#directory
    const path = validatePath(this.certificate, {
      anchors,
      intermediates: authorities,
      at,
      purpose: 'message-signing',
      revocation: isChecked ? { crls } : 'allow-unchecked',
    })
    this.#validated = { path, isChecked, ...window(path, isChecked ? crls : []) }
    return path
  }

  #parse(): Certificate {
    const certificate = signerCertificate(this.#raw)
    const { subjectKeyIdentifier } = certificate
    if (subjectKeyIdentifier === undefined || !equalBytes(subjectKeyIdentifier, this.#raw.keyIdentifier)) {
      throw new TrustError(
        'ERR_CMS_SIGNER_UNKNOWN',
        'an entry of the trust directory has the certificate of another key',
      )
    }
    // The identity was resolved by whoever published; it cannot leave the trust domain.
    if (parseIdentityUri(this.#raw.stated.uri).trustDomain !== this.#directory.trustDomain) {
      throw new TrustError('ERR_CMS_SIGNER_UNKNOWN', 'an entry of the trust directory is of another trust domain')
    }
    return certificate
  }
}

function window(path: ValidatedPath, crls: readonly Crl[]): { from: number; until: number } {
  const begins = [...path.certificates.map((item) => item.notBefore), ...crls.map((crl) => crl.thisUpdate)]
  const ends = [...path.certificates.map((item) => item.notAfter), ...crls.map((crl) => crl.currentUntil)]
  return {
    from: Math.max(...begins.map((item) => item.getTime())),
    until: Math.min(...ends.map((item) => item.getTime())),
  }
}
