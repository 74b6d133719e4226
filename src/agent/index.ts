export { type Agent, type AgentEnvironment, openAgent, type PassOptions, type PassReport } from './agent.js'
export { authoritySource } from './authority-source.js'
export { commandSource } from './command-source.js'
export {
  type AgentConfiguration,
  type CredentialConfiguration,
  parseAgentConfiguration,
  type ProbeConfiguration,
  type SourceConfiguration,
  type TrustConfiguration,
} from './configuration.js'
export { AgentControl, runAgent } from './daemon.js'
export { type Examination, examine } from './doctor.js'
export type { AgentEvent, AgentListener } from './event.js'
export type { Finding, Severity } from './finding.js'
export { formatMetrics } from './metrics.js'
export { type Probe, handshakeProbe } from './probe.js'
export { renewalTime, retrySeconds } from './schedule.js'
export { agentUnits, type Unit, type UnitsRequest } from './units.js'
export type { CredentialRequest, CredentialSource, IssuedChain, SourceTrust } from './source.js'
export { type AgentStatus, type CredentialStatus, type LastError, readStatus } from './status.js'
