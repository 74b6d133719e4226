/** `signet route …`: messages that are checked off on their way. @module cli/route (floor 8) */
import type { Command } from 'commander'
import { OID } from '../asn1/index.js'
import { attributeValue, formatSignerIdentifier, parseSignedData } from '../cms/index.js'
import { loadCredential } from '../credential/index.js'
import { DeniedError, InternalError } from '../errors/index.js'
import {
  checkOff,
  MAX_LIFETIME_SECONDS,
  type MessageFacts,
  type MessagePolicy,
  planOf,
  type RoutePolicy,
  statedSteps,
  type VerifiedRoute,
  verifyMessage,
  verifyMessageStream,
} from '../message/index.js'
import type { TrustDirectory } from '../trust/index.js'
import { verifyContent } from './content.js'
import { examples } from './help.js'
import type { Invocation } from './invocation.js'
import { describeRoute, routeText } from './route-text.js'
import { signerDirectory } from './sign.js'
import { facts, instant, table } from './table.js'
import { openTrust, PIN_OPTION, type TrustOptions } from './trust-file.js'

export function registerRoute(program: Command, cli: Invocation): void {
  const route = program
    .command('route')
    .summary('messages that are checked off on their way')
    .description(
      'The routing slip of a message: those whom its route names countersign it, one after the other (RFC 5652 §11.4).',
    )
    .addHelpText('after', examples('signet route show order.json.p7s', 'signet route check-off --help'))
  registerCheckOff(route, cli)
  registerShow(route, cli)
  registerVerify(route, cli)
}

interface RouteOptions extends TrustOptions {
  readonly content?: string
}

interface CheckOffOptions extends RouteOptions {
  readonly as: string
  readonly out?: string
  readonly force?: boolean
}

function routeOptions(command: Command): Command {
  return command
    .option('--content <file>', 'the signed file of a detached message; - reads standard input')
    .requiredOption('--trust <file>', 'the trust directory')
    .option(...PIN_OPTION)
    .option('--trust-memory <file>', 'remembers the newest trust directory, so that an older one is refused')
}

function registerCheckOff(route: Command, cli: Invocation): void {
  routeOptions(
    route
      .command('check-off <signature>')
      .summary('check a message off as its next step')
      .description(
        'Verify a message and the steps before, then countersign it as the next step of its route. Whether the message is for you, and new, is what signet verify --route-me says before.',
      )
      .requiredOption('--as <dir>', 'credential directory of the step: DIR/signer'),
  )
    .option('--out <file>', 'where the longer message goes (default: in place of the shorter)')
    .option('--force', 'replace a file that is there')
    .addHelpText(
      'after',
      examples('signet route check-off order.json.p7s --content order.json --as audit-01/signer --trust trust.p7'),
    )
    .action(
      cli.action(async (file: string, options: CheckOffOptions) => {
        const credential = loadCredential(signerDirectory(cli, options.as))
        const trust = openTrust(cli, options)
        const verified = await verifiedRoute(cli, file, options, trust, { require: 'allow-partial' })
        const at = cli.now()
        const der = await checkOff(verified, credential, { trust, at })
        // In place: the message keeps all that it had.
        const isInPlace = options.out === undefined
        const path = cli.writeOutput(options.out ?? file, der, isInPlace || options.force)
        const step = verified.steps.length + 1
        const next = verified.planned[step]
        return {
          data: { path, step, entry: verified.next, next: next ?? null, bytes: der.length },
          text: `step ${step} of ${verified.planned.length} checked off as ${verified.next ?? ''}\n${next === undefined ? 'the route is complete' : `next is ${next}`}\n${der.length} bytes in ${path}`,
        }
      }),
    )
}

function registerShow(route: Command, cli: Invocation): void {
  route
    .command('show <signature>')
    .summary('show the slip of a message')
    .description(
      'Show the planned route of a message and what its slip says. Nothing is verified: do not decide by it.',
    )
    .addHelpText('after', examples('signet route show order.json.p7s'))
    .action(
      cli.action(async (file: string) => {
        const [message] = parseSignedData(await cli.readDocument(file)).signerInfos
        const planned = message === undefined ? undefined : planOf(message)
        if (message === undefined || planned === undefined) {
          throw new DeniedError('ERR_ROUTE_ABSENT', 'the message plans no route')
        }
        const steps = statedSteps(message, planned).map(({ said, signature }) => ({
          step: said.step,
          signer: formatSignerIdentifier(signature.sid),
          signingTime: attributeValue(signature.signedAttrs, OID.signingTime, (value) => value.time()) ?? null,
        }))
        const rows = planned.map((entry, index) => {
          const step = steps[index]
          const time = step?.signingTime ?? undefined
          return [String(index + 1), entry, step?.signer ?? '', time === undefined ? '' : instant(time)]
        })
        return {
          data: { verified: false, route: planned, steps },
          text: `${table(['step', 'planned', 'says it is signed by', 'at'], rows)}\n\nnothing was verified`,
        }
      }),
    )
}

function registerVerify(route: Command, cli: Invocation): void {
  routeOptions(
    route
      .command('verify <signature>')
      .summary('verify the slip of a message')
      .description(
        'Verify a message and its slip: who checked it off, in which order, and that no step is missing. Destination and replay are what signet verify checks.',
      ),
  )
    .option('--me <step>', 'you are this step: all before must be done (default: every step must be)')
    .addHelpText(
      'after',
      examples(
        'signet route verify order.json.p7s --content order.json --trust trust.p7',
        'signet route verify order.json.p7s --content order.json --trust trust.p7 --me finance-01',
      ),
    )
    .action(
      cli.action(async (file: string, options: RouteOptions & { readonly me?: string }) => {
        const { me } = options
        const wanted: RoutePolicy = me === undefined ? { require: 'complete' } : { require: 'up-to-me', me }
        const verified = await verifiedRoute(cli, file, options, openTrust(cli, options), wanted)
        const rows = verified.steps.map(({ entry, signer, signingTime }, index) => [
          String(index + 1),
          entry,
          signer.uri,
          instant(signingTime),
        ])
        return {
          data: { verified: true, ...describeRoute(verified) },
          text: `${facts([['route', routeText(verified)]])}\n\n${table(['step', 'planned', 'signer', 'at'], rows)}`,
        }
      }),
    )
}

async function verifiedRoute(
  cli: Invocation,
  file: string,
  options: RouteOptions,
  trust: TrustDirectory,
  route: RoutePolicy,
): Promise<VerifiedRoute> {
  const signature = await cli.readDocument(file)
  const policy: MessagePolicy = {
    trust,
    destinations: 'allow-any',
    senders: 'allow-any-trusted',
    types: 'allow-any',
    maxAgeSeconds: MAX_LIFETIME_SECONDS,
    replay: 'allow-unchecked',
    route,
    at: cli.now(),
  }
  const content = options.content === undefined ? {} : { content: options.content }
  const { value } = await verifyContent<MessageFacts>(cli, content, {
    held: async (bytes) => {
      const message = await verifyMessage(signature, bytes, policy)
      return { value: message, content: message.content }
    },
    streamed: async (pieces) => (await verifyMessageStream(signature, pieces, policy)).facts,
  })
  // A policy that wants a route lets nothing pass that has none.
  if (value.route === undefined) throw new InternalError('ERR_INTERNAL', 'a route was wanted and none was verified')
  return value.route
}
