export type { Admitted, Backend, Listener, ServerPlan, SniRoute } from './plan.js'
export type {
  ConfigFinding,
  ConfigFindingCode,
  ConfigTexts,
  GeneratedFile,
  ServerConfiguration,
  ServerFacts,
  ServerKind,
} from './server.js'
