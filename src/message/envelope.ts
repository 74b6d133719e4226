/**
 * The envelope: parts signed by different entities, held together by a manifest that the originator signed.
 *
 * The manifest says which parts there are and whose each is; every part signs the digest of the manifest with its own
 * name. A part moved, renamed, swapped, doubled, added or left out is refused. When it may be opened, by whom and how often
 * is not said here: an envelope that travels is the content of a message, which says it.
 *
 * @module message/envelope (floor 7)
 */
import { randomBytes } from 'node:crypto'
import { OID } from '../asn1/index.js'
import { contentOf, parseSignedData, signData } from '../cms/index.js'
import { UsageError } from '../errors/index.js'
import {
  encodeEnvelope,
  encodeManifest,
  encodePartContext,
  faultOfManifest,
  ID_OCTETS,
  type Manifest,
  parseEnvelope,
  parseManifest,
  type PlannedPart,
} from './envelope-format.js'
import { contextOf, fingerprintOf, inOrder, onlySigned } from './envelope-parts.js'
import { requireSigningCertificate, type SigningCredential } from './sign.js'

export interface MakeEnvelopeRequest {
  readonly parts: readonly PlannedPart[]
  readonly at: Date
}

export interface AddPartRequest {
  readonly name: string
  readonly at: Date
  /** Default `'attached'`: in the envelope; `'detached'`: beside it. */
  readonly form?: 'attached' | 'detached'
}

/**
 * Make an envelope without parts: who may put which part in is signed now.
 *
 * @throws {@link UsageError} `ERR_CONFIG_INVALID` · {@link DeniedError} `ERR_ISSUE_PROFILE` · {@link StoreError}
 * `ERR_KEY_CERT_MISMATCH`, and what the key provider throws
 */
export async function makeEnvelope(originator: SigningCredential, request: MakeEnvelopeRequest): Promise<Uint8Array> {
  const manifest: Manifest = { id: randomBytes(ID_OCTETS), parts: request.parts }
  const fault = faultOfManifest(manifest)
  if (fault !== undefined) throw new UsageError('ERR_CONFIG_INVALID', fault)
  requireSigningCertificate(originator.certificate)
  const manifestDer = await signData(encodeManifest(manifest), {
    signers: [originator],
    contentType: OID.signetEnvelopeManifest,
    form: 'attached',
    signingTime: request.at,
  })
  return encodeEnvelope({ manifestDer, partsDer: [] })
}

/**
 * Put a part in.
 *
 * Does not verify what is there already, nor that the signer is the one whom the manifest names: who opens the envelope
 * does.
 *
 * @throws {@link DeniedError} `ERR_ENVELOPE_PART` for a name that is not planned, or taken; `ERR_ISSUE_PROFILE`
 * · {@link EncodingError} · {@link StoreError}
 */
export async function addPart(
  envelope: Uint8Array,
  content: Uint8Array,
  signer: SigningCredential,
  { name, at, form = 'attached' }: AddPartRequest,
): Promise<Uint8Array> {
  const { manifestDer, partsDer } = parseEnvelope(envelope)
  const manifestBytes = contentOf(parseSignedData(manifestDer), undefined)
  const { parts } = parseManifest(manifestBytes)
  requireSigningCertificate(signer.certificate)
  const partDer = await signData(content, {
    signers: [signer],
    contentType: OID.signetEnvelopePart,
    form,
    signingTime: at,
    attributes: [[OID.signetEnvelopePartContext, encodePartContext({ name, manifest: fingerprintOf(manifestBytes) })]],
  })
  const named = [...partsDer, partDer].map((der) => ({
    der,
    name: contextOf(onlySigned(der, OID.signetEnvelopePart)).name,
  }))
  return encodeEnvelope({ manifestDer, partsDer: inOrder(named, parts, 'any').map(({ der }) => der) })
}
