/**
 * A certificate is born: approved → intent recorded → signed → read and validated as a stranger would → recorded.
 * Only then is it handed out.
 *
 * @module authority/issue (floor 7)
 */
import type { KeyObject } from 'node:crypto'
import type { GeneratedKey, PublicKey } from '../crypto/index.js'
import { AUTHORITY_SERVICE, type Identity, identityUri } from '../identity/index.js'
import { type Certificate, parseCertificate } from '../x509/index.js'
import { approverOf, type IssueRequest, type IssuingAuthority, plan, planCertificates, type Planned } from './plan.js'
import { type Profile, PROFILES } from './profiles.js'
import { abandon, recordCertificates, recordIntents } from './record.js'
import { knowledgeOf, type SignedPlan, signPlanned } from './sign.js'
import { localStranger, type Stranger } from './stranger.js'

export interface IssuedCertificate {
  /** The certificate in DER. */
  readonly der: Uint8Array
  /** The same, read when it is first asked for. */
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
  readonly signed: Promise<readonly SignedPlan[]>
}

/**
 * Record the intents, then begin to sign. Follow with {@link finishIssuing} or {@link abandon}.
 *
 * @param stranger - Default: one on this thread, who must believe the issuing CA before anything is recorded.
 */
export async function beginIssuing(
  issuing: IssuingAuthority,
  planned: readonly Planned[],
  stranger: Stranger = localStranger(knowledgeOf(issuing)),
): Promise<BegunIssuing> {
  await recordIntents(issuing, planned)
  const signed = signPlanned(issuing, stranger, planned)
  // Whoever finishes hears of a failure; until then it is nobody's.
  signed.catch(() => undefined)
  return { planned, signed }
}

/** Wait for the signatures, record the certificates, and hand them out. On failure all are abandoned. */
export async function finishIssuing(
  issuing: IssuingAuthority,
  { planned, signed }: BegunIssuing,
): Promise<readonly IssuedCertificate[]> {
  try {
    const certificates = await signed
    await recordCertificates(issuing, certificates)
    return certificates.map(issuedOf)
  } catch (error) {
    await abandon(issuing, planned)
    throw error
  }
}

function issuedOf({ item, der }: SignedPlan): IssuedCertificate {
  const { key, identity, profile, shortened } = item
  let certificate: Certificate | undefined
  const read = (): Certificate => (certificate ??= parseCertificate(der))
  const common = { der, identity, profile, shortened }
  if (key === undefined) {
    return {
      ...common,
      get certificate() {
        return read()
      },
    }
  }
  return {
    ...common,
    key,
    get certificate() {
      return read()
    },
    get privateKey() {
      return key.privateKey
    },
  }
}
