export { AUTHORITY_SERVICE, entityRecord, type EntityRequest } from './entity.js'
export { identityUri, type IdentityUri, identityUriOf, isSegment, parseIdentityUri } from './identity-uri.js'
export { defaultMappingText, type Mapping, type MappingResult, type MappingRule } from './mapping.js'
export { lintMapping, type LintOptions } from './lint.js'
export type { LintCode, LintFinding } from './lint-finding.js'
export { MAPPING_SCHEMA } from './mapping-schema.js'
export { MAX_RULES, parseMapping } from './parse-mapping.js'
export { addEntity, changeEntityState, requireEntity } from './registry.js'
export {
  type EntityLookup,
  explainIdentity,
  type Explanation,
  type Identity,
  identityOf,
  requireActive,
  resolveIdentity,
  type RuleTrace,
  traceRules,
} from './resolve.js'
