/**
 * Opening an envelope: who signed which part, and that the parts belong together.
 *
 * @module message/verify-envelope (floor 7)
 */
import { equalBytes, OID } from '../asn1/index.js'
import { contentOf, verifySigner } from '../cms/index.js'
import { StaleError, TrustError, UsageError } from '../errors/index.js'
import type { Identity } from '../identity/index.js'
import { addSeconds, MINUTE } from '../time/index.js'
import type { TrustDirectory } from '../trust/index.js'
import type { Certificate } from '../x509/index.js'
import { type Manifest, parseEnvelope, parseManifest, type PlannedPart } from './envelope-format.js'
import { contextOf, fingerprintOf, inOrder, type OneSigned, onlySigned, partError } from './envelope-parts.js'
import { isEntryOf } from './routing-slip.js'
import { requireWanted, trustedSigner, type WantedSenders } from './trusted-signer.js'

/** Whose envelope is wanted, and how whole. Everything must be said; what is laxer says `allow`. */
export interface EnvelopePolicy {
  readonly trust: TrustDirectory
  /** Who may have signed the manifest. The manifest says who signs the parts. */
  readonly originators: WantedSenders | 'allow-any-trusted'
  /** `'allow-partial'` lets parts be missing that are not added yet. */
  readonly require: 'complete' | 'allow-partial'
  readonly at: Date
  /** Of every signer, as for messages. Default `'required'`. */
  readonly revocation?: 'required' | 'allow-directory-only'
  /** The content of parts that are beside the envelope. */
  readonly contents?: ReadonlyMap<string, Uint8Array>
}

/** A part that verified. */
export interface VerifiedPart {
  readonly name: string
  /** The very bytes that were digested: a copy that nobody else holds. */
  readonly content: Uint8Array
  readonly signer: Identity
  readonly certificate: Certificate
  readonly signingTime: Date
}

let prove: (manifest: Manifest, originator: VerifiedSignature, parts: readonly VerifiedPart[]) => VerifiedEnvelope

/** The proof of who signed which part, and that they belong together. Only {@link verifyEnvelope} makes one. */
export class VerifiedEnvelope {
  static {
    prove = (manifest, originator, parts) => new VerifiedEnvelope(manifest, originator, parts)
  }
  /** No object of the same form passes for this type. */
  declare protected readonly proof: 'VerifiedEnvelope'
  /** Hexadecimal. */
  readonly id: string
  readonly originator: Identity
  readonly planned: readonly PlannedPart[]
  /** In the order of the manifest. */
  readonly parts: readonly VerifiedPart[]

  private constructor(manifest: Manifest, { signer }: VerifiedSignature, parts: readonly VerifiedPart[]) {
    this.id = Buffer.from(manifest.id).toString('hex')
    this.originator = signer
    this.planned = Object.freeze(manifest.parts.map((part) => Object.freeze(part)))
    this.parts = Object.freeze(parts.map((part) => Object.freeze(part)))
    Object.freeze(this)
  }

  /** The part with this name. @throws {@link DeniedError} `ERR_ENVELOPE_PART` */
  part(name: string): VerifiedPart {
    const part = this.parts.find((item) => item.name === name)
    if (part === undefined) throw partError(`the part ${name} is not in the envelope`, name)
    return part
  }
}

/**
 * Verify an envelope: the manifest, then every part.
 *
 * Says nothing of age, destination and replay: those are of the message that carries it.
 *
 * @throws {@link EncodingError} malformed · {@link TrustError} `ERR_ENVELOPE_OTHER`, those of CMS and paths
 * · {@link DeniedError} `ERR_ENVELOPE_PART`, `ERR_IDENTITY_MISMATCH` · {@link StaleError} `ERR_MESSAGE_FROM_FUTURE`
 */
export function verifyEnvelope(der: Uint8Array, policy: EnvelopePolicy): VerifiedEnvelope {
  checkPolicy(policy)
  policy.trust.requireCurrent(policy.at)
  // A copy: what is handed out is in it.
  const { manifestDer, partsDer } = parseEnvelope(Uint8Array.from(der))
  const signedManifest = onlySigned(manifestDer, OID.signetEnvelopeManifest)
  const manifestBytes = contentOf(signedManifest.signedData, undefined)
  const originator = verifyOne(signedManifest, manifestBytes, policy)
  requireWanted(originator.signer, policy.originators)
  const manifest = parseManifest(manifestBytes)
  const fingerprint = fingerprintOf(manifestBytes)
  const parts = partsDer.map((partDer) => verifyPart(partDer, fingerprint, manifest, policy))
  inOrder(parts, manifest.parts, 'sorted')
  const missing = manifest.parts.find(({ name }) => !parts.some((part) => part.name === name))
  if (missing !== undefined && policy.require !== 'allow-partial') {
    throw partError(`the part ${missing.name} is missing`, missing.name)
  }
  return prove(manifest, originator, parts)
}

/** Callers in JavaScript have no compiler to tell them. */
function checkPolicy({ require, originators, revocation = 'required' }: Partial<EnvelopePolicy>): void {
  const lists = originators === 'allow-any-trusted' ? undefined : Object.values(originators ?? {})
  const saysWhose = lists === undefined || lists.some((list) => (list as readonly string[]).length > 0)
  if (!saysWhose || (require !== 'complete' && require !== 'allow-partial')) {
    throw new UsageError('ERR_CONFIG_INVALID', 'the policy does not say whose envelope is wanted, and how whole')
  }
  if (!['required', 'allow-directory-only'].includes(revocation)) {
    throw new UsageError('ERR_CONFIG_INVALID', 'the policy for an envelope has an unknown revocation stance')
  }
}

interface VerifiedSignature {
  readonly signer: Identity
  readonly certificate: Certificate
  readonly signingTime: Date
}

function verifyOne(
  { signedData, signerInfo }: OneSigned,
  content: Uint8Array,
  policy: EnvelopePolicy,
): VerifiedSignature {
  const trusted = trustedSigner(signerInfo.sid, policy.trust)
  const { certificateBound, signingTime } = verifySigner(signedData, signerInfo, content, trusted.certificate)
  if (!certificateBound || signingTime === undefined) {
    throw new TrustError('ERR_CMS_SIGNED_ATTRIBUTES', 'a signature does not say when, or with which certificate')
  }
  const { target } = trusted.validate(policy.at, policy.revocation ?? 'required')
  if (signingTime > addSeconds(policy.at, SKEW_SECONDS)) {
    throw new StaleError('ERR_MESSAGE_FROM_FUTURE', 'something in the envelope was signed later than now', {
      details: { signingTime: signingTime.toISOString(), at: policy.at.toISOString() },
    })
  }
  return { signer: trusted.identity, certificate: target, signingTime }
}

/** As for messages. */
const SKEW_SECONDS = MINUTE

function verifyPart(
  der: Uint8Array,
  fingerprint: Uint8Array,
  manifest: Manifest,
  policy: EnvelopePolicy,
): VerifiedPart {
  const signed = onlySigned(der, OID.signetEnvelopePart)
  const { name, manifest: stated } = contextOf(signed)
  if (!equalBytes(stated, fingerprint)) {
    throw new TrustError('ERR_ENVELOPE_OTHER', `the part ${name} was signed for another envelope`, {
      details: { part: name },
    })
  }
  const planned = manifest.parts.find((part) => part.name === name)
  if (planned === undefined) throw partError(`no part ${name} is planned`, name)
  const content = contentOf(signed.signedData, policy.contents?.get(name))
  const { signer, certificate, signingTime } = verifyOne(signed, content, policy)
  if (!isEntryOf(planned.signer, signer)) {
    throw partError(`the part ${name} is to be signed by ${planned.signer}, not by ${signer.entity}`, name)
  }
  return { name, content, signer, certificate, signingTime }
}
