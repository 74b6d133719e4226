/**
 * A certificate is born: approved → intent recorded → signed → read and validated as a stranger would → recorded.
 * Only then is it handed out.
 *
 * @module authority/issue (floor 7)
 */
import type { KeyObject } from 'node:crypto'
import type { GeneratedKey, PublicKey } from '../crypto/index.js'
import { AUTHORITY_SERVICE, type Identity, identityUri } from '../identity/index.js'
import type { ValidatedIssuer } from '../path/index.js'
import type { Certificate } from '../x509/index.js'
import { approverOf, type IssueRequest, type IssuingAuthority, plan, planCertificates, type Planned } from './plan.js'
import { type Profile, PROFILES } from './profiles.js'
import { abandon, recordCertificates, recordIntents } from './record.js'
import { signPlanned, validateOwn } from './sign.js'

export interface IssuedCertificate {
  readonly certificate: Certificate
  /** Present when the key was generated here; kept nowhere else. */
  readonly privateKey?: KeyObject
  /** The same key, whose octets need not be read by OpenSSL to be written into a file. */
  readonly key?: GeneratedKey
  readonly identity: Identity
  readonly profile: Profile
  /** Whether the issuer's life cut the certificate's short. */
  readonly shortened: boolean
}

/**
 * Issue certificates: all of one call share two durable commits, one before the first signature and one after the last.
 * For many, see `issueInGroups`; for many that come one by one, `IssueQueue`.
 *
 * If anything fails, none of them is handed out, and those that were planned stay in the log as abandoned.
 *
 * @returns In the order of the requests.
 * @throws {@link DeniedError} `ERR_ISSUE_*`, `ERR_CSR_EXTENSION`, `ERR_ENTITY_INACTIVE`
 * @throws {@link StateError} `ERR_ENTITY_UNKNOWN`
 * @throws {@link StoreError} `ERR_STORE_WRITE`; then nothing was signed, or what was signed is not handed out
 */
export async function issueCertificates(
  issuing: IssuingAuthority,
  requests: readonly IssueRequest[],
): Promise<readonly IssuedCertificate[]> {
  if (requests.length === 0) return []
  return finishIssuing(issuing, await beginIssuing(issuing, await planCertificates(issuing, requests)))
}

/**
 * Issue a certificate to the authority itself: to sign its trust directory, or OCSP responses. It is named after its
 * profile and maps to no role.
 */
export async function issueOwnCertificate(
  issuing: IssuingAuthority,
  name: 'trust-publisher' | 'ocsp-responder',
  publicKey: PublicKey,
): Promise<IssuedCertificate> {
  const { trustDomain } = issuing.authority.deployment
  const { scope, service, node, text } = identityUri({ trustDomain, scope: '', service: AUTHORITY_SERVICE, node: name })
  const identity: Identity = { entity: name, uri: text, scope, service, node, roles: [], grants: [], groups: [] }
  const profile = PROFILES[name]
  const request = { profile, identity, dnsNames: [], ipAddresses: [], publicKey, entityId: null }
  const issued = await finishIssuing(issuing, await beginIssuing(issuing, [plan(approverOf(issuing), request)]))
  return issued[0] as IssuedCertificate
}

/** Certificates whose intents are durable, and which are being signed. */
export interface BegunIssuing {
  readonly planned: readonly Planned[]
  readonly certificates: Promise<readonly Certificate[]>
}

/** Record the intents, then begin to sign. Follow with {@link finishIssuing} or {@link abandon}. */
export async function beginIssuing(issuing: IssuingAuthority, planned: readonly Planned[]): Promise<BegunIssuing> {
  const issuer: ValidatedIssuer = validateOwn(issuing)
  await recordIntents(issuing, planned)
  const certificates = signPlanned(issuing, issuer, planned)
  // Whoever finishes hears of a failure; until then it is nobody's.
  certificates.catch(() => undefined)
  return { planned, certificates }
}

/** Wait for the signatures, record them, and hand the certificates out. On failure all are abandoned. */
export async function finishIssuing(
  issuing: IssuingAuthority,
  { planned, certificates }: BegunIssuing,
): Promise<readonly IssuedCertificate[]> {
  try {
    const signed = (await certificates).map((certificate, index) => [planned[index] as Planned, certificate] as const)
    await recordCertificates(issuing, signed)
    return signed.map(([item, certificate]) => issuedOf(item, certificate))
  } catch (error) {
    await abandon(issuing, planned)
    throw error
  }
}

function issuedOf({ key, identity, approved }: Planned, certificate: Certificate): IssuedCertificate {
  const { profile, shortened } = approved
  if (key === undefined) return { certificate, identity, profile, shortened }
  return {
    certificate,
    identity,
    profile,
    shortened,
    key,
    get privateKey() {
      return key.privateKey
    },
  }
}
