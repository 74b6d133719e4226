/**
 * Where a server listens that cannot do TLS on Unix sockets.
 *
 * @module servers/endpoint (floor 7.2)
 */
import { invalid } from './checks.js'
import type { ServerPlan } from './plan.js'
import { hostPort } from './render.js'

/** An address of this machine, and a port. */
export interface Endpoint {
  readonly address: string
  readonly port: number
  /** `10.0.0.1:5432`, `[::1]:5432`. */
  readonly text: string
}

/** @throws {@link UsageError} `ERR_CONFIG_INVALID` for a Unix socket */
export function endpointOf({ listen }: ServerPlan, title: string): Endpoint {
  if ('socket' in listen) {
    throw invalid('address', listen.socket, `${title} does no TLS on a Unix socket: name an address and a port`)
  }
  return { ...listen, text: hostPort(listen.address, listen.port) }
}
