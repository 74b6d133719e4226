/**
 * The gateway in front of Redis, running.
 *
 * @module servers/redis-gateway-server (floor 7.2)
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import type { Clock } from '../time/index.js'
import { createMutualTlsServer, type MutualTlsServer, type TlsListener } from '../tls/index.js'
import { REDIS_SECRET, redisPassword } from './redis-password.js'

export interface RedisGatewayOptions {
  readonly credential: string
  readonly versions: 'TLSv1.3' | 'allow-TLSv1.2'
  readonly address: string
  readonly port: number
  /** Redis's Unix socket; its secret lies beside it. */
  readonly socket: string
  /** Identity URIs of certificates that come in, and which of Redis's users each is. Nobody else comes in. */
  readonly users: Readonly<Record<string, string>>
  readonly clock: Clock
  /** Default: everything that is refused is printed on standard error. */
  readonly listener?: TlsListener
}

/** More than any answer to AUTH. */
const MAX_ANSWER_OCTETS = 1024

/**
 * Listen, and hand everybody on to Redis as the user that they are. Whoever is revoked is cut off, as by every server of
 * `tls`.
 *
 * What clients say is not looked at: a client may say AUTH, and RESET, but knows no password. What users may do is up to
 * Redis.
 *
 * @throws as {@link createMutualTlsServer}
 */
export async function startRedisGateway(options: RedisGatewayOptions): Promise<MutualTlsServer> {
  const { credential, versions, address, port, socket, users, clock, listener = PRINTED } = options
  const gateway = createMutualTlsServer(
    {
      ...{ credential, versions, listener, clock },
      identify: 'allow-unregistered',
      allow: { uris: Object.keys(users) },
    },
    (client, { identity }) => handOn(client, users[identity.uri] ?? '', socket),
  )
  gateway.server.listen(port, address)
  await once(gateway.server, 'listening')
  return gateway
}

function handOn(client: TLSSocket, user: string, path: string): void {
  const redis = connect({ path })
  const end = (): void => {
    client.destroy()
    redis.destroy()
  }
  redis.on('error', end)
  redis.on('close', end)
  client.on('close', end)
  redis.once('connect', () => {
    try {
      const secret = readFileSync(join(dirname(path), REDIS_SECRET), 'utf8')
      redis.write(command('AUTH', user, redisPassword(user, secret)))
    } catch {
      end()
    }
  })
  awaitAnswer(redis, (isAccepted, rest) => {
    if (!isAccepted) {
      end()
      return
    }
    client.write(rest)
    client.pipe(redis)
    redis.pipe(client)
  })
}

/** In the form that leaves nothing to the meaning of characters. */
function command(...words: readonly string[]): string {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`)
  return `*${words.length}\r\n${parts.join('')}`
}

function awaitAnswer(redis: Socket, done: (isAccepted: boolean, rest: Buffer) => void): void {
  let answer = Buffer.alloc(0)
  const listen = (data: Buffer): void => {
    answer = Buffer.concat([answer, data])
    const end = answer.indexOf('\r\n')
    if (end < 0 && answer.length < MAX_ANSWER_OCTETS) return
    redis.off('data', listen)
    redis.pause()
    done(answer.subarray(0, end).toString('latin1') === '+OK', answer.subarray(end + 2))
  }
  redis.on('data', listen)
}

function print(what: string): (error: { readonly code: string; readonly message: string }) => void {
  return ({ code, message }) => void process.stderr.write(`${what}: ${message} [${code}]\n`)
}

const PRINTED: TlsListener = {
  refused: print('files refused'),
  stale: print('stale'),
  peerRefused: print('client refused'),
  peerClosed: print('client cut off'),
}
