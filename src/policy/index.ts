export { type Binding, checkBindings, parseBinding } from './binding.js'
export { isMessageType, messageTypeMatcher } from './message-type.js'
export { formatOsloRule, MAX_OSLO_DEPTH, type OsloCheck, type OsloFault } from './oslo-check.js'
export {
  MAX_OSLO_RULES,
  type OsloDocument,
  type OsloFinding,
  osloFindings,
  type OsloReason,
  type OsloReportOptions,
  type OsloStrictOptions,
  readOsloDocument,
  requireStrictOslo,
  strictOsloFindings,
} from './oslo-document.js'
export {
  enforceOslo,
  MAX_OSLO_STEPS,
  OSLO_DEFAULT_RULE,
  type OsloDecision,
  type OsloQuestion,
  type OsloRefusal,
  type OsloRules,
  type OsloStep,
  osloTraceLines,
} from './oslo-enforce.js'
export { MAX_OSLO_RULE_CHARACTERS, parseOsloListRule, parseOsloRule } from './oslo-rule.js'
export { OsloFloat, type OsloRecord, type OsloValue } from './oslo-value.js'
