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
export {
  type JsonObject,
  OSLO_PRIORITIES,
  type OsloMessage,
  type OsloNotification,
  type OsloPriority,
  type OsloRequest,
  parseOsloMessage,
} from './messaging.js'
export {
  encodeOsloNotification,
  encodeOsloRequest,
  type OsloNotificationFields,
  type OsloRequestFields,
  redactOsloMessage,
} from './messaging-encode.js'
export {
  osloDestination,
  osloMessageType,
  osloNotificationDestination,
  type OsloTarget,
  readOsloContent,
} from './messaging-type.js'
