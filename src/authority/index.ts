export { BACKDATE_SECONDS } from './approve.js'
export { Authority, HOME_FILES } from './authority.js'
export { bootstrap, type Bootstrapped, type BootstrapRequest, openRootBundle, ROOT_FILES } from './bootstrap.js'
export {
  CRL_VALIDITY_SECONDS,
  currentCrls,
  latestCrl,
  publishCrl,
  publishRootCrl,
  ROOT_CRL_VALIDITY_SECONDS,
} from './crls.js'
export { DEFAULT_ADDRESS_RANGES, type Deployment, type KeyLocation } from './deployment.js'
export {
  abandonStaleIntents,
  issueCertificates,
  type IssuedCertificate,
  type IssueRequest,
  type IssuingAuthority,
  type KeySource,
} from './issue.js'
export { ENTITY_PROFILES, type Profile, profileNamed, type ProfileName, PROFILES } from './profiles.js'
export { publishTrustDirectory, TRUST_VALIDITY_SECONDS, type TrustPublication } from './publish-trust.js'
export { registerEntity } from './register.js'
export { renewCertificates } from './renew.js'
export {
  REVOCATION_REASON_CHOICES,
  type RevocationTarget,
  revokeCertificates,
  type Revoked,
  setEntityState,
} from './revoke.js'
