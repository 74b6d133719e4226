export { formatOsloRule, MAX_OSLO_DEPTH, type OsloCheck, type OsloFault } from './check.js'
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
} from './document.js'
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
} from './enforce.js'
export { MAX_OSLO_RULE_CHARACTERS, parseOsloListRule, parseOsloRule } from './rule.js'
export { OsloFloat, type OsloRecord, type OsloValue } from './value.js'
