/**
 * Whose keys lie on which machine, and who may read them.
 *
 * @module channels/keys (floor 7.3)
 */
import type { Deployment, Endpoint } from './document.js'
import type { ChannelFinding } from './finding.js'

/** A private key of an endpoint, as `signet issue` and its `--group` leave it. */
export interface PlannedKey {
  readonly endpoint: string
  readonly host: string | undefined
  readonly domain: string
  readonly path: string
  readonly owner: string
  readonly group: string | undefined
  readonly mode: number
}

export function keysOf({ endpoints }: Deployment): readonly PlannedKey[] {
  return [...endpoints.values()].flatMap(({ name, host, credentials }) =>
    [...credentials].map(([domain, { directory, owner, group }]) => ({
      endpoint: name,
      host,
      domain,
      path: `${directory}/current/key.pem`,
      owner,
      group,
      mode: group === undefined ? 0o600 : 0o640,
    })),
  )
}

/**
 * Whether a service that was to be kept from keys is. What its machine says of the files is not looked at: `signet doctor`
 * does that.
 */
export function checkKeys(deployment: Deployment): readonly ChannelFinding[] {
  const keys = keysOf(deployment)
  return [...deployment.endpoints.values()]
    .filter(({ separation }) => separation === 'required')
    .flatMap((service): readonly ChannelFinding[] => {
      if (service.user === undefined) {
        return [readable(service, 'nobody says as whom it runs, so that it could read any key', 'say its user')]
      }
      return keys
        .filter((key) => key.host === service.host && key.host !== undefined && reads(service, key))
        .map(({ endpoint, path }) =>
          readable(
            service,
            `${service.user ?? ''} may read the key of ${endpoint}, ${path}`,
            'let it run as a user of its own, which is in no group that may read the key',
          ),
        )
    })
}

function reads({ user, groups }: Endpoint, { owner, group }: PlannedKey): boolean {
  return user === 'root' || user === owner || (group !== undefined && (group === user || groups.includes(group)))
}

function readable({ name }: Endpoint, message: string, hint: string): ChannelFinding {
  return { code: 'key-readable', severity: 'hole', where: name, message, hint }
}
