export {
  KIT_FOLDERS,
  type KitClients,
  type LoadedProbeClient,
  loadProbeClient,
  loadProbeKit,
  ProbeClient,
} from './client.js'
export { beginSessions, type ProbeClients, type ProbeOptions, probeServer } from './probe.js'
export { PROBE_CASES, type ProbeCase, type ProbeRow, type ProbeVerdict, requireSound } from './row.js'
export {
  DEFAULT_PROBE_SECONDS,
  type Served,
  servedCertificate,
  type ServedOptions,
  type ServerTrust,
} from './served.js'
export { loadSessions, SavedSessions, saveSessions, SESSION_FORMS, type SessionForm } from './session.js'
export {
  type IdentityPlace,
  parsePlace,
  parseQuestion,
  type PreludeName,
  PRELUDES,
  type ProbePlace,
  type ProbeTarget,
  type Question,
  type QuestionName,
  QUESTIONS,
  usualPrelude,
  usualQuestion,
} from './target.js'
