/**
 * The passwords of Redis's users, which only the gateway in front of it works out.
 *
 * @module servers/redis-password (floor 7.2)
 */
import { createHash } from 'node:crypto'

/** Beside Redis's socket. Made at its first start. */
export const REDIS_SECRET = 'gateway.secret'

/** As the start script of Redis does, with `sha256sum`. Clients never hear of it. */
export function redisPassword(entity: string, secret: string): string {
  return createHash('sha256').update(`${entity}:${secret}`).digest('hex')
}
