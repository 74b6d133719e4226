/**
 * Replay memory in Redis: several replicas of a receiver share it. No client library is needed here: whoever has one says
 * how to send it a command.
 *
 * @module message/replay-redis (floor 7)
 */
import { randomBytes } from 'node:crypto'
import { LimitError, StoreError } from '../errors/index.js'
import { CLOCK_STEP_SECONDS, type ReplayStore, replayText } from './replay.js'

/** Send one command and yield its reply: `(...words) => client.sendCommand(words)`, or `client.call(...words)`. */
export type RedisSend = (...words: readonly string[]) => Promise<unknown>

export interface RedisReplayOptions {
  /** What keys begin with. Receivers that share it share the memory. Default `signet:replay:`. */
  readonly prefix?: string
  /**
   * Whether Redis must write what it remembers to disk before it says so (`appendonly yes`, `appendfsync always`). Without,
   * messages can be accepted again when it has restarted. Default `'required'`.
   */
  readonly persistence?: 'required' | 'allow-volatile'
}

const DEFAULT_PREFIX = 'signet:replay:'

/**
 * One step on the server. The mark must still be the one that was there when the memory was opened: a server that lost its
 * data, or was swapped for another, has forgotten messages, too.
 */
const REMEMBER = `
if redis.call('GET', KEYS[2]) ~= ARGV[2] then return -1 end
if redis.call('SET', KEYS[1], '1', 'NX', 'PX', ARGV[1]) then return 1 end
return 0`

/**
 * Open a replay memory in Redis.
 *
 * Refused unless Redis never evicts keys to make room: a flood could make it forget a message that may still be replayed.
 * When it is full it refuses, and so does the receiver. Copies on other servers are made late; a failover can forget what
 * was remembered last.
 *
 * @throws {@link StoreError} `ERR_REPLAY_STORE`: it cannot be reached, may evict, or forgets when it restarts
 */
export async function openRedisReplay(send: RedisSend, options: RedisReplayOptions = {}): Promise<ReplayStore> {
  const { prefix = DEFAULT_PREFIX, persistence = 'required' } = options
  const mark = `${prefix}mark`
  await guarded(async () => {
    await requireSetting(send, 'maxmemory-policy', 'noeviction', 'evicts keys when it is full')
    if (persistence === 'required') {
      await requireSetting(send, 'appendonly', 'yes', 'forgets when it restarts')
      await requireSetting(send, 'appendfsync', 'always', 'can forget the last second when it restarts')
    }
  })
  const value = await guarded(async () => {
    await send('SET', mark, randomBytes(16).toString('hex'), 'NX')
    return text(await send('GET', mark))
  })
  if (value === undefined) throw failure('it keeps nothing')
  return {
    remember: async (key, until, now) => {
      // For so much longer as a clock may go back.
      const milliseconds = until.getTime() - now.getTime() + CLOCK_STEP_SECONDS * 1000
      if (!Number.isFinite(milliseconds) || milliseconds <= 0) throw failure('the message has expired already')
      const reply = await guarded(() =>
        send('EVAL', REMEMBER, '2', `${prefix}${replayText(key)}`, mark, String(Math.ceil(milliseconds)), value),
      )
      // Some clients hand out whole numbers as bigints.
      if (reply === 1 || reply === 1n) return true
      if (reply === 0 || reply === 0n) return false
      throw failure('it lost what it remembered')
    },
  }
}

async function requireSetting(send: RedisSend, name: string, wanted: string, otherwise: string): Promise<void> {
  const found = settingOf(await send('CONFIG', 'GET', name), name)
  if (found === wanted) return
  throw failure(`it ${otherwise} (${name} is ${found ?? 'not told'})`, `set ${name} to ${wanted}`)
}

/** A list of names and values, or, in newer protocols, a map. */
function settingOf(reply: unknown, name: string): string | undefined {
  if (reply instanceof Map) return text(reply.get(name))
  if (Array.isArray(reply)) return text(reply[reply.findIndex((item) => text(item) === name) + 1])
  return typeof reply === 'object' && reply !== null ? text((reply as Record<string, unknown>)[name]) : undefined
}

function text(reply: unknown): string | undefined {
  if (typeof reply === 'string') return reply
  return reply instanceof Uint8Array ? Buffer.from(reply).toString('utf8') : undefined
}

async function guarded<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (cause) {
    if (cause instanceof StoreError) throw cause
    const reason = cause instanceof Error ? cause.message : 'unknown'
    if (reason.startsWith('OOM')) {
      throw new LimitError(
        'ERR_LIMIT_EXCEEDED',
        'the replay memory in Redis is full of messages that may not be forgotten yet',
        {
          hint: 'give it more room (maxmemory), or accept shorter lifetimes',
          cause,
        },
      )
    }
    throw failure(reason, undefined, cause)
  }
}

function failure(
  reason: string,
  hint = 'messages are refused until it can be used again',
  cause?: unknown,
): StoreError {
  return new StoreError('ERR_REPLAY_STORE', `the replay memory in Redis cannot be used: ${reason}`, {
    details: { reason },
    hint,
    cause,
  })
}
