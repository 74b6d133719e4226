export { type AdmissionChoice, admittedOf } from './admission.js'
export { checkListener } from './checks.js'
export type { ConfigFinding, ConfigFindingCode } from './finding.js'
export { configure, lintConfiguration, SERVER_KINDS, serverKind } from './kinds.js'
export type { Admitted, Backend, Listener, ServerPlan, SniRoute } from './plan.js'
export { type CredentialFiles, credentialFilesOf, IDENTITY_HEADERS } from './render.js'
export type {
  ConfigTexts,
  GeneratedFile,
  Installation,
  ServerConfiguration,
  ServerFacts,
  ServerKind,
} from './server.js'
