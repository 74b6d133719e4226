/**
 * Judging what a source issued as a stranger would, before any of it is used.
 *
 * @module agent/accept (floor 7.4)
 */
import type { Credential } from '../credential/index.js'
import { type GeneratedKey, publicKeyOf, samePublicKey } from '../crypto/index.js'
import { StoreError, TrustError } from '../errors/index.js'
import { identityUriOf } from '../identity/index.js'
import { type ValidatedPath, validatePath } from '../path/index.js'
import { type Certificate, type Crl } from '../x509/index.js'
import type { CredentialConfiguration } from './configuration.js'
import { chooseCrls, requireCrlOfEach } from './newer-crls.js'
import { identityFrom, type Present, statedIdentity } from './present.js'
import type { IssuedChain } from './source.js'

/** What is known before anything came. */
export interface Expectation {
  readonly item: CredentialConfiguration
  readonly key: GeneratedKey
  readonly before: Present | undefined
  /** Roots that are believed. */
  readonly anchors: readonly Certificate[]
  /** CAs to trust besides those of the new path. */
  readonly furtherCas: readonly Certificate[]
  readonly crls: readonly Crl[]
  readonly at: Date
}

/**
 * Accept a certificate that was issued: it is for the new key, leads to a root that is known, is for every purpose of its
 * profile and not revoked; it is of the same identity as the one before and not older; and there is a CRL of every CA.
 *
 * Whether the registry still has the entity, its source decides.
 *
 * @throws {@link StoreError} `ERR_KEY_CERT_MISMATCH`
 * @throws {@link TrustError} `ERR_RENEW_OTHER`, `ERR_PATH_*`, `ERR_REVOKED`, `ERR_REVOCATION_UNKNOWN`
 * @throws {@link DeniedError} `ERR_IDENTITY_INVALID`
 */
export function acceptIssued({ certificates, identity }: IssuedChain, expected: Expectation): Credential {
  const { item, key, before, at } = expected
  const [certificate, ...rest] = certificates
  // As OpenSSL works it out of the private half.
  if (certificate === undefined || !samePublicKey(publicKeyOf(key.privateKey), certificate.publicKey)) {
    throw new StoreError('ERR_KEY_CERT_MISMATCH', 'the certificate that was issued is for another key', {
      details: { entity: item.entity },
      hint: 'the program of the source answers with something else than what it was asked for',
    })
  }
  const uri = requireSameIdentity(certificate, expected)
  const intermediates = [...rest, ...(before?.chain ?? [])]
  const bundle = [...intermediates, ...expected.anchors, ...expected.furtherCas]
  const offered = chooseCrls(bundle, before?.crls ?? [], expected.crls, at).crls
  const path = validated(certificate, expected, intermediates, offered)
  const chain = path.certificates.slice(1, -1)
  const furtherCas = expected.furtherCas.filter(
    (ca) => ca.notAfter > at && ![...chain, path.anchor].some((own) => own.equals(ca)),
  )
  const caBundle = [...chain, path.anchor, ...furtherCas]
  const { crls } = chooseCrls(caBundle, before?.crls ?? [], expected.crls, at)
  requireCrlOfEach(caBundle, crls)
  return {
    privateKey: key,
    certificate,
    chain,
    anchor: path.anchor,
    furtherCas,
    crls,
    identity:
      identity?.uri === uri
        ? identity
        : identityFrom(item.entity, uri, before === undefined ? {} : statedIdentity(before)),
    profile: item.profile.name,
    purpose: item.profile.purposes[0] ?? 'allow-any',
  }
}

function validated(
  certificate: Certificate,
  { item, anchors, at }: Expectation,
  intermediates: readonly Certificate[],
  crls: readonly Crl[],
): ValidatedPath {
  const paths = item.profile.purposes.map((purpose) =>
    validatePath(certificate, { anchors, intermediates, at, purpose, revocation: { crls } }),
  )
  const [first] = paths
  if (first === undefined) throw new TrustError('ERR_PATH_PURPOSE', `the profile ${item.profile.name} is for nothing`)
  return first
}

/** Same identity, and not older: a source that repeats itself, or mistakes one for another, changes nothing here. */
function requireSameIdentity(certificate: Certificate, { item, before }: Expectation): string {
  const { text: uri, node } = identityUriOf(certificate)
  const wanted = before?.uri ?? item.identity
  if (wanted === undefined ? node !== item.entity : uri !== wanted) {
    throw other(`it is for ${uri}, and ${wanted ?? item.entity} was wanted`, item, 'identity')
  }
  if (before === undefined) return uri
  if (before.certificate.serialNumber === certificate.serialNumber) throw other('it is the one before', item, 'serial')
  if (certificate.notBefore < before.certificate.notBefore) {
    throw other('it is older than the one before', item, 'notBefore')
  }
  return uri
}

function other(why: string, { entity }: CredentialConfiguration, fact: string): TrustError {
  return new TrustError('ERR_RENEW_OTHER', `what was issued is not the next certificate of ${entity}: ${why}`, {
    details: { entity, fact },
    hint: 'see what the source issues; nothing was changed here',
  })
}
