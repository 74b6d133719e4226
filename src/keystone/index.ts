export { type Attributes, splitAttributes } from './assertion.js'
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
export { type KeystoneIdentity, processAsKeystone } from './process.js'
export { processStrictly, requireSafe, type StrictAttributes, StrictMapping } from './strict.js'
