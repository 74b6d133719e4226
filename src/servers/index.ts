export { type AdmissionChoice, admittedOf } from './admission.js'
export { checkListener } from './checks.js'
export { lintClient } from './client-lint.js'
export { type Disconnected, disconnectWords } from './disconnect.js'
export type { ConfigFinding, ConfigFindingCode } from './finding.js'
export { CONFIG_FORMS, type ConfigForm, configureAs } from './forms.js'
export { configure, lintConfiguration, SERVER_KINDS, serverKind } from './kinds.js'
export { lintModes, type LookedAt } from './lint-modes.js'
export type { Admitted, Backend, Listener, ServerPlan, SniRoute } from './plan.js'
export { type RedisGatewayOptions, startRedisGateway } from './redis-gateway-server.js'
export { type CredentialFiles, credentialFilesOf, IDENTITY_HEADERS } from './render.js'
export type {
  ConfigTexts,
  GeneratedFile,
  Installation,
  ServerConfiguration,
  ServerFacts,
  ServerKind,
} from './server.js'
