/**
 * Verifying any SignedData: structure, each signature, and for each signer a path to a trust anchor.
 *
 * @module cms/verify (floor 5)
 */
import { sharedCopy } from '../asn1/index.js'
import { InternalError, isSignetError, type SignetError, TrustError } from '../errors/index.js'
import { type Purpose, type RevocationPolicy, validatePath, type ValidatedPath } from '../path/index.js'
import { type Certificate, parseCertificate } from '../x509/index.js'
import { parseForeignSignedData, type SignedData, type SignerInfo } from './signed-data.js'
import type { ContentDigest } from './content-digest.js'
import { formatSignerIdentifier, identifies, type SignerFacts, verifySigner } from './signer.js'

export interface VerifySignedDataRequest {
  /** The content of a detached document; must be absent for one that carries its own. */
  readonly content?: Uint8Array
  /** The content type that is wanted. Default: any, reported. */
  readonly contentType?: string
  readonly anchors: readonly Certificate[]
  /** Certificates of signers and CAs from elsewhere than the document. */
  readonly certificates?: readonly Certificate[]
  readonly purpose: Purpose
  readonly revocation: RevocationPolicy
  readonly at: Date
}

/** A signer whose signature and path both hold. */
export interface VerifiedCmsSigner extends SignerFacts {
  readonly path: ValidatedPath
  readonly certificate: Certificate
}

/** What became of one signer. */
export type SignerOutcome =
  | { readonly verified: true; readonly signer: VerifiedCmsSigner }
  | { readonly verified: false; readonly sid: string; readonly error: SignetError }

let prove: (content: Uint8Array, signedData: SignedData, signers: readonly VerifiedCmsSigner[]) => VerifiedSignedData

/** The proof that **every** signer of a document verified. */
export class VerifiedSignedData {
  static {
    prove = (content, signedData, signers) => new VerifiedSignedData(content, signedData, signers)
  }
  /** No object of the same form passes for this type. */
  declare protected readonly proof: 'VerifiedSignedData'
  /** The very bytes that were digested: a copy that nobody else holds. */
  readonly content: Uint8Array
  readonly contentType: string
  readonly form: 'attached' | 'detached'
  /** At least one, in the order of the document. */
  readonly signers: readonly VerifiedCmsSigner[]

  private constructor(content: Uint8Array, signedData: SignedData, signers: readonly VerifiedCmsSigner[]) {
    if (signers.length === 0) throw new InternalError('ERR_INTERNAL', 'verified without a signer')
    this.content = content
    this.contentType = signedData.eContentType
    this.form = signedData.eContent === undefined ? 'detached' : 'attached'
    this.signers = Object.freeze([...signers])
    Object.freeze(this)
  }
}

/**
 * Verify a SignedData, DER, PEM or BER: every signer must verify and have a valid path.
 *
 * Certificates in the document are only candidates; CRLs in it are not used. Says who signed, not whether they may.
 *
 * @throws {@link TrustError} `ERR_CMS_NO_SIGNERS`, `ERR_CMS_CONTENT_MISSING`, `ERR_CMS_CONTENT_CONFLICT`, the codes of
 * the first signer that fails
 * @see RFC 5652 §5.6
 */
export function verifySignedData(bytes: Uint8Array, request: VerifySignedDataRequest): VerifiedSignedData {
  const { signedData, content, outcomes } = examineSignedData(bytes, request)
  const signers = outcomes.map((outcome) => {
    if (!outcome.verified) throw outcome.error
    return outcome.signer
  })
  return prove(content, signedData, signers)
}

/**
 * As {@link verifySignedData}, but report each signer by itself. No outcome stands for another; use it to show a
 * person what is wrong, never to decide.
 */
export function examineSignedData(
  bytes: Uint8Array,
  request: VerifySignedDataRequest,
): { readonly signedData: SignedData; readonly content: Uint8Array; readonly outcomes: readonly SignerOutcome[] } {
  const signedData = parseForeignSignedData(bytes)
  const content = contentOf(signedData, request.content)
  return { signedData, content, outcomes: outcomesOf(signedData, content, request) }
}

/** What became of each signer of a document that was parsed, over content in memory or digested. */
export function outcomesOf(
  signedData: SignedData,
  content: Uint8Array | ContentDigest,
  request: Omit<VerifySignedDataRequest, 'content'>,
): readonly SignerOutcome[] {
  if (signedData.signerInfos.length === 0) throw noSigners()
  if (request.contentType !== undefined && signedData.eContentType !== request.contentType) {
    throw new TrustError('ERR_CMS_CONTENT_TYPE', 'the content is of another type than wanted', {
      details: { wanted: request.contentType, found: signedData.eContentType },
    })
  }
  const candidates = [...embeddedCertificates(signedData), ...(request.certificates ?? []), ...request.anchors]
  return signedData.signerInfos.map((signer) => outcomeOf(signedData, signer, content, candidates, request))
}

/** The content to check: its own or the one given, never both. A copy, so that nobody changes it afterwards. */
export function contentOf(signedData: Pick<SignedData, 'eContent'>, given: Uint8Array | undefined): Uint8Array {
  if (signedData.eContent === undefined) {
    if (given === undefined) {
      throw new TrustError('ERR_CMS_CONTENT_MISSING', 'the signature is detached and its content was not given', {
        hint: 'name the signed file with --content',
      })
    }
    return sharedCopy(given)
  }
  if (given !== undefined) throw contentConflict()
  return sharedCopy(signedData.eContent)
}

export function contentConflict(): TrustError {
  return new TrustError('ERR_CMS_CONTENT_CONFLICT', 'the document carries its own content beside the one given', {
    hint: 'leave --content out to verify what is inside',
  })
}

export function noSigners(): TrustError {
  return new TrustError('ERR_CMS_NO_SIGNERS', 'nobody signed the document')
}

function outcomeOf(
  signedData: SignedData,
  signer: SignerInfo,
  content: Uint8Array | ContentDigest,
  candidates: readonly Certificate[],
  request: Omit<VerifySignedDataRequest, 'content'>,
): SignerOutcome {
  try {
    const certificate = signerCertificate(signer, candidates)
    const facts = verifySigner(signedData, signer, content, certificate)
    const path = validatePath(certificate, {
      anchors: request.anchors,
      intermediates: candidates,
      at: request.at,
      purpose: request.purpose,
      revocation: request.revocation,
    })
    return { verified: true, signer: Object.freeze({ ...facts, certificate: path.target, path }) }
  } catch (error) {
    if (!isSignetError(error)) throw error
    return { verified: false, sid: formatSignerIdentifier(signer.sid), error }
  }
}

/** The one certificate that a signer identifier names, among untrusted candidates. */
function signerCertificate(signer: SignerInfo, candidates: readonly Certificate[]): Certificate {
  const fitting = candidates.filter((candidate) => identifies(signer.sid, candidate))
  const [certificate, ...others] = fitting
  if (certificate === undefined) {
    throw new TrustError(
      'ERR_CMS_SIGNER_UNKNOWN',
      `the certificate of the signer is not at hand: ${formatSignerIdentifier(signer.sid)}`,
      {
        hint: "give the signer's certificate",
      },
    )
  }
  if (others.some((other) => !other.equals(certificate))) {
    throw new TrustError(
      'ERR_CMS_SIGNER_AMBIGUOUS',
      `several certificates fit the signer: ${formatSignerIdentifier(signer.sid)}`,
    )
  }
  return certificate
}

/** The certificates that a document carries. Attribute certificates and old forms are left aside. */
export function embeddedCertificates(signedData: SignedData): readonly Certificate[] {
  return signedData.certificatesDer.filter((der) => der[0] === 0x30).map((der) => parseCertificate(der))
}
