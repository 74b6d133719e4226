/** `signet verify`. @module cli/verify (floor 8) */
import { StateError, UsageError } from '../errors/index.js'
import type { Identity } from '../identity/index.js'
import {
  type MessageFacts,
  type MessagePolicy,
  receiverNames,
  verifyMessage,
  verifyMessageStream,
} from '../message/index.js'
import type { TrustDirectory } from '../trust/index.js'
import { verifyContent } from './content.js'
import type { DeclaredCommand } from './declaration.js'
import type { Invocation, Outcome } from './invocation.js'
import { RECEIVER_OPTIONS, type ReceiverOptions, receiverPolicy, withReplayStore } from './receiver.js'
import { verdict } from './verdict.js'

export interface VerifyOptions extends ReceiverOptions {
  readonly content?: string
  readonly for?: readonly string[]
  readonly receiver?: string
  readonly anyDestination?: boolean
  readonly out?: string
  readonly force?: boolean
  readonly batch?: boolean
  readonly null?: boolean
}

export const VERIFY: DeclaredCommand = {
  path: ['verify'],
  operand: '[signature]',
  summary: 'verify a message',
  description:
    'Verify a message: signature, path, revocation, identity, destination, freshness, replay; one verdict, no network. Exit code 0 means verified, and nothing else does. With --batch, standard input names many, and each gets one line of JSON: {"signature": "a.p7s", "content": "a.json"} or {"signatureBase64": …, "contentBase64": …}.',
  options: [
    { flags: '--content <file>', description: 'the signed file of a detached message; - reads standard input' },
    {
      flags: '--for <destination>',
      description: 'a destination that is yours; repeatable',
      occurrence: 'repeatable',
    },
    {
      flags: '--receiver <entity>',
      description: 'you are this entity of the directory: messages for it, its roles and its scopes',
    },
    { flags: '--any-destination', description: 'accept messages for others, too' },
    ...RECEIVER_OPTIONS,
    { flags: '--out <file>', description: 'write the verified content' },
    { flags: '--force', description: 'replace a file that is there' },
    { flags: '--batch', description: 'verify the messages that standard input names, one object in each line' },
    { flags: '-0, --null', description: 'with --batch: paths of signatures that end with NUL, content beside them' },
  ],
  examples: [
    'signet verify notification.json.p7s --content notification.json --for notifications --trust trust.p7 --pin 5f0c… --replay-store seen.db',
    'signet verify report.p7m --for conductor --trust trust.p7 --from compute-07 --bind "args.host_name == node" --json',
    'find inbox -name "*.p7s" -print0 | signet verify --batch --null --for conductor --trust trust.p7 --replay-store seen.db > verdicts.ndjson',
  ],
  run: async (cli: Invocation, file: string | undefined, options: VerifyOptions): Promise<Outcome | undefined> => {
    requireOneForm(file, options)
    requireDestination(options)
    const wanting = await wantedBy(cli, options)
    if (file === undefined) {
      const { verifyBatch } = await import('./batch.js')
      return withReplayStore(cli, options, (replay) => verifyBatch(cli, options, { ...wanting, replay }))
    }
    const signature = await cli.readDocument(file)
    return withReplayStore(cli, options, async (replay) => {
      const policy: MessagePolicy = { ...wanting, replay }
      const { value, contentBytes, path } = await verifyContent<MessageFacts>(cli, options, {
        held: async (content) => {
          const message = await verifyMessage(signature, content, policy)
          return { value: message, content: message.content }
        },
        streamed: async (pieces) => (await verifyMessageStream(signature, pieces, policy)).facts,
      })
      return verdict(value, contentBytes, path, options)
    })
  },
}

/** One message, or a batch of them. */
function requireOneForm(file: string | undefined, options: VerifyOptions): void {
  const { batch, content, out, force } = options
  if (batch !== true) {
    if (options.null === true) throw new UsageError('ERR_USAGE', '--null says how the names of a --batch end')
    if (file === undefined) {
      throw new UsageError('ERR_USAGE', "missing required argument 'signature'", {
        hint: 'signet verify --help shows how',
      })
    }
  } else if ([file, content, out, force].some((item) => item !== undefined)) {
    throw new UsageError('ERR_USAGE', 'a --batch is named by standard input, and written nowhere', {
      hint: 'leave the signature, --content, --out and --force out',
    })
  }
}

/** What the options say, but what was seen before. */
async function wantedBy(cli: Invocation, options: VerifyOptions): Promise<Omit<MessagePolicy, 'replay'>> {
  const policy = await receiverPolicy(cli, options)
  return { ...policy, destinations: destinationsOf(options, policy.trust), ...scopeOf(options, policy.trust) }
}

/** What the receiver does not say of itself, a broker decides. */
function requireDestination({ for: names, receiver, anyDestination }: VerifyOptions): void {
  if ((names === undefined && receiver === undefined) === (anyDestination !== true)) {
    throw new UsageError('ERR_USAGE', 'say for whom the message must be: --for, --receiver, or --any-destination', {
      hint: 'a receiver that accepts messages for others can be fed with them',
    })
  }
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
