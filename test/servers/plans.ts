/** A plan that everything else begins with. */
import { type Admitted, type Backend, type ServerPlan } from '../../src/servers/index.js'
import { subjectOf } from '../../src/brokers/index.js'

export function admitted(entity: string, service = 'compute', roles: readonly string[] = ['compute_node']): Admitted {
  const uri = `spiffe://cloud.example/${service}/${entity}`
  return { entity, uri, roles, subject: subjectOf({ entity, uri }), dnsNames: [`${entity}.cloud.example`] }
}

export function planOf(changes: Partial<ServerPlan> = {}): ServerPlan {
  return {
    credential: '/etc/signet/tls',
    directory: '/etc/signet/server',
    state: '/run/signet-server',
    listen: { address: '10.0.0.7', port: 8443 },
    backend: { kind: 'loopback', port: 8080 },
    admitted: [admitted('compute-07'), admitted('api.v2', 'api', [])],
    user: 'www-data',
    group: 'www-data',
    versions: 'TLSv1.3',
    ...changes,
  }
}

export const INNER: Backend = {
  kind: 'mutual-tls',
  host: '10.0.0.9',
  port: 9443,
  name: 'db.inner.example',
  credential: '/etc/signet/inner',
}

export const ROUTES: Backend = {
  kind: 'passthrough',
  routes: [
    { serverName: 'db.cloud.example', host: '10.0.0.9', port: 5433 },
    { serverName: 'api.cloud.example', host: 'api-01.internal', port: 8443 },
  ],
}

/** A plan without the backend, for services. */
export function servicePlan(changes: Partial<ServerPlan> = {}): ServerPlan {
  const { backend: _, ...rest } = planOf(changes)
  return rest
}
