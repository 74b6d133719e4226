export { type Attributes, splitAttributes } from './assertion.js'
export {
  ATTRIBUTE_FORMS,
  type AttributeForm,
  attributesAsKeystone,
  mapCertificate,
  strictAttributes,
} from './attributes.js'
export { rfc2253Text, slashText } from './dn-text.js'
export {
  DEFAULT_SCHEMA_VERSION,
  type JsonObject,
  type JsonValue,
  type KeystoneMapping,
  type KeystoneRule,
  parseKeystoneMapping,
  type Requirement,
  SCHEMA_VERSIONS,
  type SchemaVersion,
} from './document.js'
export { type EntitiesById, keystoneIdentity, type MappedIdentity } from './identity.js'
export { modSslEnvironment, type ModSslOptions } from './mod-ssl.js'
export { isUserToKeystone, keystoneThumbprint, requireUser, type StoredUser, thumbprint } from './oauth2.js'
export { type KeystoneIdentity, processAsKeystone } from './process.js'
export { checkSafe, requireSafe, StrictMapping, type UnsafeFinding } from './safe.js'
export { processStrictly, type StrictAttributes } from './strict.js'
export { identityProviderId, type IssuerSpelling, issuerSpellings } from './tokenless.js'
