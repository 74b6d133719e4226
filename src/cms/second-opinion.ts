/**
 * What an independent implementation says of a signature: pkijs on the runtime's WebCrypto.
 *
 * The one place that uses pkijs. It takes 0.1 s to load and a millisecond a document, so it is asked only on request.
 * Only DER goes in. Its own `SignedData.verify` is not used: it checks no content type and finds a signer by key
 * identifier only where that is the SHA-1 of the key.
 *
 * @module cms/second-opinion (floor 5)
 */
import { equalBytes } from '../asn1/index.js'
import { TrustError } from '../errors/index.js'
import { type Certificate, hex } from '../x509/index.js'

const DIGEST_NAMES: ReadonlyMap<string, string> = new Map([
  ['2.16.840.1.101.3.4.2.1', 'SHA-256'],
  ['2.16.840.1.101.3.4.2.2', 'SHA-384'],
  ['2.16.840.1.101.3.4.2.3', 'SHA-512'],
])

/**
 * Have pkijs decode a document and verify one of its signers with the key of a certificate.
 *
 * @param der - ContentInfo in DER.
 * @param index - Which signer, from 0.
 * @returns Whether it had an opinion: it has none on Ed25519 and ML-DSA.
 * @throws {@link TrustError} `ERR_SECOND_OPINION`
 */
export async function compareCmsSecondOpinion(
  der: Uint8Array,
  content: Uint8Array,
  index: number,
  certificate: Certificate,
): Promise<boolean> {
  const { family } = certificate.publicKey
  if (family !== 'ec' && family !== 'rsa') return false
  const pkijs = await import('pkijs')
  const { webcrypto } = await import('node:crypto')
  const engine = new pkijs.CryptoEngine({ name: 'node', crypto: webcrypto as never })
  try {
    const contentInfo = pkijs.ContentInfo.fromBER(der)
    const signedData = new pkijs.SignedData({ schema: contentInfo.content })
    const signer = signedData.signerInfos[index]
    const attributes = signer?.signedAttrs
    if (signer === undefined || attributes === undefined) throw disagreement('it finds no such signer')
    const digestName = DIGEST_NAMES.get(signer.digestAlgorithm.algorithmId) ?? ''
    const digest = new Uint8Array(await engine.digest(digestName, Buffer.from(content)))
    const messageDigest = attributes.attributes.find((attribute) => attribute.type === '1.2.840.113549.1.9.4')
    const stated = (messageDigest?.values[0] as { valueBlock: { valueHexView: Uint8Array } } | undefined)?.valueBlock
      .valueHexView
    if (stated === undefined || !equalBytes(new Uint8Array(stated), digest)) {
      throw disagreement(`it computes the digest ${hex(digest)}`)
    }
    const spki = pkijs.PublicKeyInfo.fromBER(certificate.spkiDer)
    const verified = await engine.verifyWithPublicKey(
      attributes.encodedValue,
      signer.signature,
      spki,
      signer.signatureAlgorithm,
      digestName,
    )
    if (!verified) throw disagreement('it finds the signature wrong')
    return true
  } catch (error) {
    if (error instanceof TrustError) throw error
    throw disagreement('it cannot read the document', error)
  }
}

function disagreement(what: string, cause?: unknown): TrustError {
  return new TrustError('ERR_SECOND_OPINION', `pkijs disagrees about the signature: ${what}`, { cause })
}
