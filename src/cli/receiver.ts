/**
 * Whoever receives messages: what they may say of those that they want, and what that means.
 *
 * @module cli/receiver (floor 8)
 */
import { UsageError } from '../errors/index.js'
import { type MessagePolicy, openReplayFile, type RoutePolicy } from '../message/index.js'
import { parseBinding } from '../policy/index.js'
import { HOUR, parseDuration } from '../time/index.js'
import type { OptionDeclaration } from './declaration.js'
import type { Invocation } from './invocation.js'
import { openTrustFile } from './trust-file.js'

/** Options of whoever receives messages. */
export interface ReceiverOptions {
  readonly allowDirectoryOnly?: boolean
  readonly trust: string
  readonly pin?: string
  readonly trustMemory?: string
  readonly replayStore?: string
  readonly from?: readonly string[]
  readonly role?: readonly string[]
  readonly type?: readonly string[]
  readonly bind?: readonly string[]
  readonly policy?: string
  readonly scope?: string
  readonly maxAge?: string
  readonly routeComplete?: boolean
  readonly routeMe?: string
}

/** The options that say which messages are wanted. */
export const RECEIVER_OPTIONS: readonly OptionDeclaration[] = [
  { flags: '--trust <file>', description: 'the trust directory', presence: 'required' },
  {
    flags: '--pin <fingerprint>',
    description: 'SHA-256 fingerprint of the root (default: SIGNET_PIN, or the root of this authority)',
  },
  {
    flags: '--trust-memory <file>',
    description: 'remembers the newest trust directory, so that an older one is refused',
  },
  { flags: '--replay-store <file>', description: 'remembers messages, so that none is accepted twice' },
  {
    flags: '--from <entity>',
    description: 'an entity whose messages are wanted; repeatable (default: any in the directory)',
    occurrence: 'repeatable',
  },
  { flags: '--role <role>', description: 'a role whose messages are wanted; repeatable', occurrence: 'repeatable' },
  {
    flags: '--type <type>',
    description: 'a type that is wanted, * for a whole segment; repeatable (default: any)',
    occurrence: 'repeatable',
  },
  {
    flags: '--bind <rule>',
    description: 'a field of the JSON content that must be the signer’s: "publisher_id == service:node"; repeatable',
    occurrence: 'repeatable',
  },
  { flags: '--policy <file>', description: 'policy: which roles may send which types where' },
  { flags: '--scope <path>', description: 'your own scope, for rules that ask for a role there' },
  {
    flags: '--allow-directory-only',
    description: 'do without current CRLs: being in the trust directory is enough',
  },
  { flags: '--max-age <duration>', description: 'oldest signing time (default: 1h)' },
  { flags: '--route-complete', description: 'every step of its route must have checked it off' },
  {
    flags: '--route-me <step>',
    description: 'you are this step of its route: all before must have checked it off, and you not',
  },
]

/** What the options say, but for whom, and what was seen before. */
export async function receiverPolicy(
  cli: Invocation,
  options: ReceiverOptions,
): Promise<Omit<MessagePolicy, 'destinations' | 'replay'>> {
  const trust = openTrustFile(cli, options.trust, {
    ...(options.pin === undefined ? {} : { pin: options.pin }),
    ...(options.trustMemory === undefined ? {} : { memory: options.trustMemory }),
  })
  const route = routeOf(options)
  return {
    trust,
    senders: sendersOf(options),
    types: options.type ?? 'allow-any',
    maxAgeSeconds: options.maxAge === undefined ? HOUR : parseDuration(options.maxAge),
    bindings: (options.bind ?? []).map(parseBinding),
    ...(options.policy === undefined ? {} : { authorization: await authorizationOf(cli, options.policy) }),
    ...(options.scope === undefined ? {} : { scope: options.scope }),
    ...(options.allowDirectoryOnly === true ? { revocation: 'allow-directory-only' as const } : {}),
    ...(route === undefined ? {} : { route }),
    at: cli.now(),
  }
}

/** Do something while the replay memory is open. */
export async function withReplayStore<T>(
  cli: Invocation,
  { replayStore }: ReceiverOptions,
  work: (replay: MessagePolicy['replay']) => Promise<T>,
): Promise<T> {
  if (replayStore === undefined) return work('allow-unchecked')
  const replay = openReplayFile(cli.path(replayStore))
  try {
    return await work(replay)
  } finally {
    replay.close()
  }
}

/** Policies are YAML, whose reader would keep waiting who has none. */
async function authorizationOf(cli: Invocation, file: string): Promise<NonNullable<MessagePolicy['authorization']>> {
  const { readPolicy } = await import('./policy-file.js')
  return readPolicy(cli, file)
}

/** How much of a route must be done; a message that plans one is refused without. */
function routeOf({ routeComplete, routeMe }: ReceiverOptions): RoutePolicy | undefined {
  if (routeMe === undefined) return routeComplete === true ? { require: 'complete' } : undefined
  if (routeComplete === true) {
    throw new UsageError('ERR_USAGE', 'a route that is complete has no next step: --route-complete, or --route-me')
  }
  return { require: 'up-to-me', me: routeMe }
}

/** Whose signatures are wanted: anybody's, where nobody is named. */
export function sendersOf({ from, role }: Pick<ReceiverOptions, 'from' | 'role'>): MessagePolicy['senders'] {
  if (from === undefined && role === undefined) return 'allow-any-trusted'
  return { ...(from === undefined ? {} : { entities: from }), ...(role === undefined ? {} : { roles: role }) }
}
