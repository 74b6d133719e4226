/** `signet verify`. @module cli/verify (floor 8) */
import type { Command } from 'commander'
import { UsageError } from '../errors/index.js'
import {
  type MessageFacts,
  type MessagePolicy,
  openReplayFile,
  type RoutePolicy,
  verifyMessage,
  verifyMessageStream,
} from '../message/index.js'
import { parseBinding } from '../policy/index.js'
import { HOUR, parseDuration } from '../time/index.js'
import { hex } from '../x509/index.js'
import { verifyContent } from './content.js'
import { examples, repeatable } from './help.js'
import type { Invocation, Outcome } from './invocation.js'
import { describeRoute, routeText } from './route.js'
import { facts, instant } from './table.js'
import { readPolicy } from './policy-file.js'
import { openTrustFile } from './trust.js'

interface VerifyOptions {
  readonly content?: string
  readonly for?: readonly string[]
  readonly anyDestination?: boolean
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
  readonly out?: string
  readonly force?: boolean
}

export function registerVerify(program: Command, cli: Invocation): void {
  program
    .command('verify <signature>')
    .summary('verify a message')
    .description(
      'Verify a message: signature, path, revocation, identity, destination, freshness, replay; one verdict, no network. Exit code 0 means verified, and nothing else does.',
    )
    .option('--content <file>', 'the signed file of a detached message; - reads standard input')
    .option('--for <destination>', 'a destination that is yours; repeatable', repeatable)
    .option('--any-destination', 'accept messages for others, too')
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
    .option('--max-age <duration>', 'oldest signing time (default: 1h)')
    .option('--route-complete', 'every step of its route must have checked it off')
    .option('--route-me <step>', 'you are this step of its route: all before must have checked it off, and you not')
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
        const destinations = destinationsOf(options)
        const trust = openTrustFile(cli, options.trust, {
          ...(options.pin === undefined ? {} : { pin: options.pin }),
          ...(options.trustMemory === undefined ? {} : { memory: options.trustMemory }),
        })
        const bindings = (options.bind ?? []).map(parseBinding)
        const maxAgeSeconds = options.maxAge === undefined ? HOUR : parseDuration(options.maxAge)
        const signature = await cli.readDocument(file)
        const replay = options.replayStore === undefined ? undefined : openReplayFile(cli.path(options.replayStore))
        try {
          const route = routeOf(options)
          const policy: MessagePolicy = {
            trust,
            destinations,
            senders: sendersOf(options),
            types: options.type ?? 'allow-any',
            maxAgeSeconds,
            replay: replay ?? 'allow-unchecked',
            bindings,
            ...(options.policy === undefined ? {} : { authorization: readPolicy(cli, options.policy) }),
            ...(options.scope === undefined ? {} : { scope: options.scope }),
            ...(route === undefined ? {} : { route }),
            at: cli.now(),
          }
          const { value, contentBytes, path } = await verifyContent<MessageFacts>(cli, options, {
            held: async (content) => {
              const message = await verifyMessage(signature, content, policy)
              return { value: message, content: message.content }
            },
            streamed: async (pieces) => (await verifyMessageStream(signature, pieces, policy)).facts,
          })
          return verdict(value, contentBytes, path, options.trustMemory === undefined ? 'not checked' : 'checked')
        } finally {
          replay?.close()
        }
      }),
    )
}

function destinationsOf(options: VerifyOptions): readonly string[] | 'allow-any' {
  if ((options.for === undefined) === (options.anyDestination !== true)) {
    throw new UsageError('ERR_USAGE', 'say for whom the message must be: --for, or --any-destination', {
      hint: 'a receiver that accepts messages for others can be fed with them',
    })
  }
  return options.for ?? 'allow-any'
}

/** How much of a route must be done; a message that plans one is refused without. */
function routeOf({ routeComplete, routeMe }: VerifyOptions): RoutePolicy | undefined {
  if (routeMe === undefined) return routeComplete === true ? { require: 'complete' } : undefined
  if (routeComplete === true) {
    throw new UsageError('ERR_USAGE', 'a route that is complete has no next step: --route-complete, or --route-me')
  }
  return { require: 'up-to-me', me: routeMe }
}

function sendersOf({ from, role }: VerifyOptions): Parameters<typeof verifyMessage>[2]['senders'] {
  if (from === undefined && role === undefined) return 'allow-any-trusted'
  return { ...(from === undefined ? {} : { entities: from }), ...(role === undefined ? {} : { roles: role }) }
}

function verdict(message: MessageFacts, contentBytes: number, path: string | undefined, rollback: string): Outcome {
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
