export { type CertId, type CertIdDigest, certIdOf, isIssuerOf, publicKeyHash } from './cert-id.js'
export {
  Certificate,
  CERTIFICATE_LABEL,
  parseCertificate,
  parseCertificates,
  readCertificate,
  readSerial,
} from './certificate.js'
export {
  type CertificationRequest,
  createCertificationRequest,
  parseCertificationRequest,
} from './certification-request.js'
export {
  createCrl,
  Crl,
  type CrlTemplate,
  parseCrl,
  parseCrls,
  parseCrlsInSteps,
  readCrl,
  readCrlInSteps,
} from './crl.js'
export { REVOCATION_REASONS, type RevocationReason, type RevokedCertificate } from './crl-entry.js'
export {
  ALL_REASONS,
  type DistributionPoint,
  type DistributionPointName,
  type IssuingDistributionPoint,
  type ReasonMask,
} from './distribution-points.js'
export * from './extensions.js'
export {
  encodeGeneralName,
  formatGeneralName,
  formatIpAddress,
  type GeneralName,
  parseIpAddress,
  readGeneralName,
  readGeneralNames,
} from './general-name.js'
export { type AccessDescription, encodeAuthorityInfoAccess } from './information-access.js'
export {
  attributeType,
  buildName,
  encodeRdn,
  Name,
  type NameAttribute,
  type RelativeDistinguishedName,
  SHORT_NAMES,
} from './name.js'
export { named, namedInSteps } from './malformed.js'
export { parseName } from './name-text.js'
export { opensslNameHash } from './openssl-name-hash.js'
export { encodeOcspRequest, NONCE_OCTETS, type OcspRequest, parseOcspRequest } from './ocsp-request.js'
export {
  type BasicOcspResponse,
  type CertStatus,
  createOcspError,
  createOcspResponse,
  isResponder,
  type OcspAnswer,
  type OcspResponse,
  type OcspStatus,
  type OcspTemplate,
  parseOcspResponse,
  type ResponderId,
} from './ocsp-response.js'
export { type PrincipalName, principalName } from './other-name.js'
export type { CertificatePolicies, PolicyConstraints, PolicyMapping } from './policy-extensions.js'
export { compareSecondOpinion } from './second-opinion.js'
export { generateSerial, hex, parseFingerprint, parseHexText, parseSerialText, serialText } from './serial-number.js'
export { encodeSigned } from './signed.js'
export { type CertificateTemplate, encodeTbsCertificate } from './tbs-certificate.js'
export { type CommonFields, type OwnFields, TbsFrame } from './tbs-frame.js'
