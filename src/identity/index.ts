export { commonNameOf } from './common-name.js'
export { AUTHORITY_SERVICE, entityRecord, type EntityRequest } from './entity.js'
export { identityUri, type IdentityUri, identityUriOf, isSegment, parseIdentityUri } from './identity-uri.js'
export { defaultMappingText, type Mapping, type MappingResult, type MappingRule, parseMapping } from './mapping.js'
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
} from './resolve.js'
