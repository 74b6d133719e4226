/**
 * The gateway in front of Redis: this runtime, which tells Redis who it is that comes.
 *
 * @module servers/redis-gateway (floor 7.2)
 */
import { backendOf, invalid } from './checks.js'
import type { ServerPlan } from './plan.js'
import { publicFile } from './render.js'
import type { ServerConfiguration, ServerKind } from './server.js'
import { endpointOf } from './endpoint.js'

export const REDIS_GATEWAY: ServerKind = {
  name: 'redis-gateway',
  title: 'Gateway for Redis',
  role: 'proxy',
  facts: {
    version: 'Node 24',
    profile: 'server',
    identity: 'uri',
    crls: 'every-ca',
    crlsCount: 'at-once',
    brokenPair: 'old-stays',
    disconnect: 'on-reload',
  },
  installation: {
    directory: '/etc/signet/redis-gateway',
    state: '/run/signet-redis-gateway',
    user: 'signet-redis',
    group: 'redis',
    port: 6380,
    unit: { name: 'signet-redis-gateway', from: 'own', type: 'exec', startsAs: 'user' },
    image: 'node:24',
    imageUid: 1000,
  },
  generate,
  // It is written whole, and has no switch that lets anybody in.
  lint: () => [],
  nameOf: ({ entity }) => entity,
}

function generate(plan: ServerPlan): ServerConfiguration {
  const { credential, admitted, directory, versions } = plan
  const backend = backendOf(plan)
  if (backend.kind !== 'socket') throw invalid('backend', backend.kind, "Redis's Unix socket is the only one")
  const { address, port } = endpointOf(plan, 'the gateway')
  const options = {
    ...{ credential, versions, address, port, socket: backend.path },
    users: Object.fromEntries(admitted.map(({ uri, entity }) => [uri, entity])),
  }
  const content = `// Written by signet. Needs the package signet-pki here, or above (npm install signet-pki), and Node 24.
import { startRedisGateway } from "signet-pki/servers"

await startRedisGateway({
  clock: { now: () => new Date() },
  ...${JSON.stringify(options, null, 2)},
})
console.error('ready')
`
  return {
    files: [publicFile(plan, 'gateway.mjs', content)],
    start: ['node', `${directory}/gateway.mjs`],
    // It notices by itself.
    reload: [],
    notes: [
      'it takes up new keys, CAs and CRLs by itself, and ends the connections of whoever is revoked',
      'it must be of the group of Redis, to open its socket and read the secret beside it',
      'a client need say no AUTH: whatever it says, it knows no password',
    ],
  }
}
