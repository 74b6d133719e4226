/** `signet verify`. @module cli/verify (floor 8) */
import type { Command } from 'commander'
import { StateError, UsageError } from '../errors/index.js'
import type { Identity } from '../identity/index.js'
import {
  type MessageFacts,
  type MessagePolicy,
  openReplayFile,
  receiverNames,
  type RoutePolicy,
  verifyMessage,
  verifyMessageStream,
} from '../message/index.js'
import type { TrustDirectory } from '../trust/index.js'
import { parseBinding } from '../policy/index.js'
import { HOUR, parseDuration } from '../time/index.js'
import { hex } from '../x509/index.js'
import { verifyContent } from './content.js'
import { examples, repeatable } from './help.js'
import type { Invocation, Outcome } from './invocation.js'
import { describeRoute, routeText } from './route.js'
import { facts, instant } from './table.js'
import { readPolicy } from './policy-file.js'
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

interface VerifyOptions extends ReceiverOptions {
  readonly content?: string
  readonly for?: readonly string[]
  readonly receiver?: string
  readonly anyDestination?: boolean
  readonly out?: string
  readonly force?: boolean
}

/** Give a command the options that say which messages are wanted. */
export function receiverOptions(command: Command): Command {
  return command
    .requiredOption('--trust <file>', 'the trust directory')
    .option(
      '--pin <fingerprint>',
      'SHA-256 fingerprint of the root (default: SIGNET_PIN, or the root of this authority)',
    )
    .option('--trust-memory <file>', 'remembers the newest trust directory, so that an older one is refused')
    .option('--replay-store <file>', 'remembers messages, so that none is accepted twice')
    .option(
      '--from <entity>',
      'an entity whose messages are wanted; repeatable (default: any in the directory)',
      repeatable,
    )
    .option('--role <role>', 'a role whose messages are wanted; repeatable', repeatable)
    .option('--type <type>', 'a type that is wanted, * for a whole segment; repeatable (default: any)', repeatable)
    .option(
      '--bind <rule>',
      'a field of the JSON content that must be the signer’s: "publisher_id == service:node"; repeatable',
      repeatable,
    )
    .option('--policy <file>', 'policy: which roles may send which types where')
    .option('--scope <path>', 'your own scope, for rules that ask for a role there')
    .option('--allow-directory-only', 'do without current CRLs: being in the trust directory is enough')
    .option('--max-age <duration>', 'oldest signing time (default: 1h)')
    .option('--route-complete', 'every step of its route must have checked it off')
    .option('--route-me <step>', 'you are this step of its route: all before must have checked it off, and you not')
}

export function registerVerify(program: Command, cli: Invocation): void {
  receiverOptions(
    program
      .command('verify <signature>')
      .summary('verify a message')
      .description(
        'Verify a message: signature, path, revocation, identity, destination, freshness, replay; one verdict, no network. Exit code 0 means verified, and nothing else does.',
      )
      .option('--content <file>', 'the signed file of a detached message; - reads standard input')
      .option('--for <destination>', 'a destination that is yours; repeatable', repeatable)
      .option('--receiver <entity>', 'you are this entity of the directory: messages for it, its roles and its scopes')
      .option('--any-destination', 'accept messages for others, too'),
  )
    .option('--out <file>', 'write the verified content')
    .option('--force', 'replace a file that is there')
    .addHelpText(
      'after',
      examples(
        'signet verify notification.json.p7s --content notification.json --for notifications --trust trust.p7 --pin 5f0c… --replay-store seen.db',
        'signet verify report.p7m --for conductor --trust trust.p7 --from compute-07 --bind "args.host_name == node" --json',
      ),
    )
    .action(
      cli.action(async (file: string, options: VerifyOptions) => {
        requireDestination(options)
        const policy = receiverPolicy(cli, options)
        const receiving = { destinations: destinationsOf(options, policy.trust), ...scopeOf(options, policy.trust) }
        const signature = await cli.readDocument(file)
        return withReplayStore(cli, options, async (replay) => {
          const wanted: MessagePolicy = { ...policy, ...receiving, replay }
          const { value, contentBytes, path } = await verifyContent<MessageFacts>(cli, options, {
            held: async (content) => {
              const message = await verifyMessage(signature, content, wanted)
              return { value: message, content: message.content }
            },
            streamed: async (pieces) => (await verifyMessageStream(signature, pieces, wanted)).facts,
          })
          return verdict(value, contentBytes, path, options)
        })
      }),
    )
}

/** What the options say, but for whom, and what was seen before. */
export function receiverPolicy(
  cli: Invocation,
  options: ReceiverOptions,
): Omit<MessagePolicy, 'destinations' | 'replay'> {
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
    ...(options.policy === undefined ? {} : { authorization: readPolicy(cli, options.policy) }),
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

/** What the receiver does not say of itself, a broker decides. */
function requireDestination({ for: names, receiver, anyDestination }: VerifyOptions): void {
  if ((names === undefined && receiver === undefined) === (anyDestination !== true)) {
    throw new UsageError('ERR_USAGE', 'say for whom the message must be: --for, --receiver, or --any-destination', {
      hint: 'a receiver that accepts messages for others can be fed with them',
    })
  }
}

/** How much of a route must be done; a message that plans one is refused without. */
function routeOf({ routeComplete, routeMe }: ReceiverOptions): RoutePolicy | undefined {
  if (routeMe === undefined) return routeComplete === true ? { require: 'complete' } : undefined
  if (routeComplete === true) {
    throw new UsageError('ERR_USAGE', 'a route that is complete has no next step: --route-complete, or --route-me')
  }
  return { require: 'up-to-me', me: routeMe }
}

function destinationsOf(
  { for: names, receiver, anyDestination }: VerifyOptions,
  trust: TrustDirectory,
): readonly string[] | 'allow-any' {
  if (anyDestination === true) return 'allow-any'
  return receiver === undefined ? (names ?? []) : receiverNames(entityOf(trust, receiver), names)
}

/** Where messages take effect: as it was said, or where the receiver is. */
function scopeOf({ scope, receiver }: VerifyOptions, trust: TrustDirectory): { readonly scope?: string } {
  if (scope !== undefined) return { scope }
  return receiver === undefined ? {} : { scope: entityOf(trust, receiver).scope }
}

function entityOf(trust: TrustDirectory, id: string): Identity {
  const found = trust.signers.find(({ identity }) => identity.entity === id)
  if (found !== undefined) return found.identity
  throw new StateError('ERR_ENTITY_UNKNOWN', `the trust directory has no entity ${JSON.stringify(id)}`, {
    hint: 'signet trust show lists those that it has; without a signing certificate, use --for',
  })
}

/** Whose signatures are wanted: anybody's, where nobody is named. */
export function sendersOf({ from, role }: Pick<ReceiverOptions, 'from' | 'role'>): MessagePolicy['senders'] {
  if (from === undefined && role === undefined) return 'allow-any-trusted'
  return { ...(from === undefined ? {} : { entities: from }), ...(role === undefined ? {} : { roles: role }) }
}

/** What a receiver is told of a message that verified. */
export function verdict(
  message: MessageFacts,
  contentBytes: number,
  path: string | undefined,
  { trustMemory }: ReceiverOptions,
): Outcome {
  const rollback = trustMemory === undefined ? 'not checked' : 'checked'
  const { context, signer, certificate, signingTime, replay, bindings, rule, route } = message
  return {
    data: {
      verdict: 'verified',
      signer,
      certificate: {
        serialNumber: certificate.serialNumber,
        keyIdentifier: certificate.keyIdentifier,
        fingerprint: certificate.fingerprint,
      },
      type: context.type,
      destination: context.destination,
      messageId: hex(context.messageId),
      signingTime: signingTime.toISOString(),
      lifetimeSeconds: context.lifetimeSeconds,
      bindings,
      rule: rule ?? null,
      replay,
      rollback,
      contentBytes,
      ...(route === undefined ? {} : { route: describeRoute(route) }),
      ...(path === undefined ? {} : { path }),
    },
    text: facts([
      ['verdict', 'verified'],
      ['signer', `${signer.entity} (${signer.uri})`],
      ['roles', signer.roles.join(' ')],
      ['type', context.type],
      ['destination', context.destination],
      ['signed', instant(signingTime)],
      ['route', route === undefined ? '' : routeText(route)],
      ['bindings', bindings.join('; ')],
      ['allowed by', rule === undefined ? '' : `rule ${rule}`],
      ['replay', replay],
      ['rollback', rollback],
      ['content', path ?? ''],
    ]),
  }
}
