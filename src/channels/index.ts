export { lintClientProfile } from './client-profile.js'
export { type ConfiguredEndpoint, configureDeployment } from './configure.js'
export type {
  Channel,
  ClientProfile,
  Deployment,
  Endpoint,
  EndpointCredential,
  EndpointIdentity,
  Hop,
  Protocol,
  TlsMode,
  TrustDomain,
  ZoneKind,
} from './document.js'
export type { ChannelFinding, ChannelFindingCode } from './finding.js'
export type { PlannedKey } from './keys.js'
export { parseDeployment } from './parse.js'
export { channelsSvg } from './picture.js'
export { type ChannelPlan, planChannels, type PlannedChannel, type PlannedHop } from './plan.js'
