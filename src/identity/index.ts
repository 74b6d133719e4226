export { AUTHORITY_SERVICE, ENTITY_KINDS, type EntityKind, entityRecord, type EntityRequest } from './entity.js'
export { formatGrant, type Grant, parseGrant, type Reach, reaches, rolesAt } from './grant.js'
export { commonNameOf } from './common-name.js'
export { entitiesOfDocument } from './document-lookup.js'
export { identityUri, type IdentityUri, identityUriOf, isSegment, parseIdentityUri } from './identity-uri.js'
export { defaultMappingText, type Mapping, type MappingResult, type MappingRule } from './mapping.js'
export { lintMapping, type LintOptions } from './lint.js'
export type { LintCode, LintFinding } from './lint-finding.js'
export { MAPPING_SCHEMA } from './mapping-schema.js'
export { MAX_RULES, parseMapping } from './parse-mapping.js'
export {
  addEntities,
  addEntity,
  addScope,
  changeEntity,
  changeEntityState,
  eachEntity,
  entityPages,
  knownPlaces,
  type KnownPlaces,
  otherIdentity,
  removeRoles,
  removeScopes,
  requireEntity,
  setRole,
  setRoles,
} from './registry.js'
export {
  documentMember,
  parseRegistryDocument,
  parseRegistryLine,
  type RegistryDocument,
  registryDocument,
  type WantedEntity,
} from './registry-document.js'
export { registryLines, registryParts } from './registry-lines.js'
export {
  type EntityLookup,
  explainIdentity,
  type Explanation,
  type Identity,
  identityOf,
  registryOf,
  requireActive,
  resolveIdentity,
  type RuleTrace,
  traceRules,
} from './resolve.js'
export { RoleGraph, roleRecord } from './role.js'
export { isBelow, isScopePath, parentScope, SCOPE_KINDS, scopeRecord } from './scope.js'
