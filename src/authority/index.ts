export {
  applyRegistry,
  type ApplyOptions,
  type Difference,
  importRegistry,
  planRegistry,
  type RegistryChange,
} from './apply.js'
export { BACKDATE_SECONDS } from './approve-validity.js'
export { Authority } from './authority.js'
export { HOME_FILES } from './home-files.js'
export {
  bootstrap,
  type Bootstrapped,
  type BootstrapRequest,
  makeNextRoot,
  openRootBundle,
  ROOT_FILES,
} from './bootstrap.js'
export {
  CRL_VALIDITY_SECONDS,
  currentCrls,
  DELTA_CRL_VALIDITY_SECONDS,
  latestCrl,
  latestDeltaCrl,
  type PublicationOptions,
  publishCrl,
  publishCrls,
  publishDeltaCrl,
  publishDeltaCrls,
  publishRootCrl,
  ROOT_CRL_VALIDITY_SECONDS,
} from './crls.js'
export { DEFAULT_ADDRESS_RANGES, type Deployment, type KeyLocation } from './deployment.js'
export { issueCertificates, issueOwnCertificate, type IssuedCertificate } from './issue.js'
export { GROUP_SIZE, issueInGroups } from './issue-groups.js'
export type { IssuingCa } from './issuing-cas.js'
export { IssueQueue, MAX_WAITING, QUEUE_GROUP } from './issue-queue.js'
export type { IssueRequest, IssuingAuthority, KeySource } from './plan.js'
export { issueProbeKit, PROBE_ENTITY, type ProbeKit, revokeOfKit } from './probe-kit.js'
export { ENTITY_PROFILES, type Profile, profileNamed, type ProfileName, PROFILES } from './profiles.js'
export {
  publishTrustDelta,
  publishTrustDirectory,
  TRUST_VALIDITY_SECONDS,
  type TrustPublication,
} from './publish-trust.js'
export { answerOcsp, OCSP_VALIDITY_SECONDS, type OcspSigner, presignOcsp } from './ocsp.js'
export { abandonStaleIntents } from './record.js'
export { recoverRevocations } from './recover.js'
export { registerEntity } from './register.js'
export { renewCertificates } from './renew.js'
export {
  previewRevocation,
  REVOCATION_REASON_CHOICES,
  type RevocationPreview,
  type RevocationTarget,
  revokeCertificates,
  type Revoked,
  setEntityState,
} from './revoke.js'
export { readTrustSite, type TrustSite, writeTrustSite } from './trust-site.js'
export { crossSign } from './cross-sign.js'
export type { RootSigner } from './make-ca.js'
export { ensurePublisher, keyPlace, lastCrl, openCaKey, removeForgotten, supersedeAll } from './rotation-finish.js'
export { acknowledge, type Acknowledgement, type Exception, trustsIssuingCa } from './rotation-gates.js'
export {
  type HolderName,
  isKeptByHolder,
  reissueCertificates,
  type ReissueDelivery,
  type ReissueOptions,
} from './rotation-reissue.js'
export { type NextIssuingCa, requestIssuingCa, signIssuingCaRequest, stageIssuingCa } from './rotation-stage.js'
export { readRotation, type Rotation, type RotationState } from './rotation-state.js'
export { type RotationStatus, rotationStatus } from './rotation-status.js'
export {
  beginReissue,
  cutOver,
  type CutOver,
  retire,
  type Retired,
  rollBack,
  type RolledBack,
  type StepOptions,
} from './rotation-steps.js'
