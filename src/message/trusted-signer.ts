/**
 * Who signed, according to the trust directory, and whether they are wanted.
 *
 * @module message/trusted-signer (floor 7)
 */
import { formatSignerIdentifier, identifies, type SignerIdentifier } from '../cms/index.js'
import { DeniedError, TrustError } from '../errors/index.js'
import type { Identity } from '../identity/index.js'
import type { TrustDirectory, TrustedSigner } from '../trust/index.js'

/** Whose messages are wanted: by any of these. */
export interface WantedSenders {
  readonly entities?: readonly string[]
  readonly uris?: readonly string[]
  readonly roles?: readonly string[]
}

/**
 * The signer of the trust directory whom a signature names. The name is a claim, until the signature verified.
 *
 * @throws {@link TrustError} `ERR_CMS_SIGNER_UNKNOWN`
 */
export function trustedSigner(sid: SignerIdentifier, trust: TrustDirectory): TrustedSigner {
  const found =
    sid.kind === 'subjectKeyIdentifier'
      ? trust.find(sid.keyIdentifier)
      : trust.findCertificate(sid.serialNumber, (certificate) => identifies(sid, certificate))
  if (found === undefined) {
    throw new TrustError(
      'ERR_CMS_SIGNER_UNKNOWN',
      `the signer is not in the trust directory: ${formatSignerIdentifier(sid)}`,
      {
        hint: 'not registered, revoked, or newer than the trust directory: get a new one',
      },
    )
  }
  return found
}

/** @throws {@link DeniedError} `ERR_IDENTITY_MISMATCH` */
export function requireWanted(identity: Identity, senders: WantedSenders | 'allow-any-trusted'): void {
  if (senders === 'allow-any-trusted') return
  const { entities = [], uris = [], roles = [] } = senders
  const wanted =
    entities.includes(identity.entity) ||
    uris.includes(identity.uri) ||
    identity.roles.some((role) => roles.includes(role))
  if (!wanted) {
    throw new DeniedError('ERR_IDENTITY_MISMATCH', `${identity.entity} is not a sender that is wanted here`, {
      details: { signer: identity.uri, roles: identity.roles.join(' ') },
    })
  }
}
