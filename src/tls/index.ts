export { type ConnectorTarget, mutualTlsAgent, type MutualTlsAgentOptions, mutualTlsConnector } from './agent.js'
export {
  connectMutualTls,
  createMutualTlsClient,
  type ExpectedServer,
  type MutualTlsClient,
  type ServerPlace,
  type ServerTarget,
} from './client.js'
export { HYBRID_GROUP } from './context.js'
export type { IdentitySource } from './identity-source.js'
export {
  DEFAULT_HANDSHAKE_SECONDS,
  DEFAULT_RECHECK_SECONDS,
  MAX_STALE_CRL_GRACE_SECONDS,
  type MutualTlsServerOptions,
  type TlsListener,
  type TlsOptions,
} from './options.js'
export { type AllowedPeers, type Peer, peerOf, requireAllowed } from './peer.js'
export {
  createMutualHttpsServer,
  createMutualTlsServer,
  type MutualHttpsServerOptions,
  type MutualTlsServer,
} from './server.js'
export { listenOnSocket, type SocketPlace } from './unix-socket.js'
