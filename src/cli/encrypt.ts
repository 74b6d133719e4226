/** `signet encrypt`. @module cli/encrypt (floor 8) */
import type { Command } from 'commander'
import { loadCredential } from '../credential/index.js'
import { encryptMessage } from '../message/index.js'
import { formatDuration, parseDuration } from '../time/index.js'
import { hex } from '../x509/index.js'
import { examples, repeatable } from './help.js'
import type { Invocation } from './invocation.js'
import { signerDirectory } from './sign.js'
import { openTrust, PIN_OPTION, type TrustOptions } from './trust-file.js'
import { targetOf } from './trust-material.js'

interface EncryptOptions extends TrustOptions {
  readonly to: readonly string[]
  readonly as: string
  readonly type: string
  readonly for: string
  readonly lifetime?: string
  readonly route?: string
  readonly stateSource?: boolean
  readonly out?: string
  readonly force?: boolean
}

export function registerEncrypt(program: Command, cli: Invocation): void {
  program
    .command('encrypt <file>')
    .summary('sign a message and encrypt it')
    .description(
      'Sign a file as a message of a type, for a destination, and encrypt it for its readers, who are named under the signature. - reads standard input.',
    )
    .requiredOption('--to <certificate>', 'a reader: its certificate of the profile recipient; repeatable', repeatable)
    .requiredOption('--as <dir>', 'credential directory of the signer: DIR/signer')
    .requiredOption('--type <type>', 'what the message is: rpc.migrate')
    .requiredOption('--for <destination>', 'for whom: an entity, a topic, a queue')
    .requiredOption('--trust <file>', 'the trust directory, by which the certificates of the readers are judged')
    .option(...PIN_OPTION)
    .option('--trust-memory <file>', 'remembers the newest trust directory, so that an older one is refused')
    .option('--lifetime <duration>', 'how long it may be accepted (default: 5m, at most 7d)')
    .option('--route <steps>', 'who must check it off on its way, in this order: entities or URIs, a,b,c')
    .option('--state-source', 'write the identity of the signer into the message, too')
    .option('--out <file>', 'where it goes (default: FILE.p7m)')
    .option('--force', 'replace a file that is there')
    .addHelpText(
      'after',
      examples(
        'signet issue conductor-01 --profile recipient --out conductor-01/recipient',
        'signet encrypt secret.json --to conductor-01/recipient/current/cert.pem --as compute-07/signer --type rpc.password --for conductor --trust trust.p7',
      ),
    )
    .action(
      cli.action(async (file: string, options: EncryptOptions) => {
        const credential = loadCredential(signerDirectory(cli, options.as))
        const targets = await Promise.all(options.to.map((name) => targetOf(cli, name)))
        const trust = openTrust(cli, options)
        const { der, context, recipients } = await encryptMessage(await cli.readInput(file), credential, {
          recipients: targets.map(({ target }) => target),
          trust,
          type: options.type,
          destination: options.for,
          at: cli.now(),
          source: options.stateSource === true ? 'stated' : 'left-out',
          ...(options.route === undefined ? {} : { route: options.route.split(',') }),
          ...(options.lifetime === undefined ? {} : { lifetimeSeconds: parseDuration(options.lifetime) }),
        })
        const path = cli.writeOutput(options.out ?? `${file === '-' ? 'message' : file}.p7m`, der, options.force)
        return {
          data: {
            path,
            signer: credential.identity,
            recipients,
            type: context.type,
            destination: context.destination,
            messageId: hex(context.messageId),
            lifetimeSeconds: context.lifetimeSeconds,
            ...(context.route === undefined ? {} : { route: context.route }),
            bytes: der.length,
          },
          text: [
            `signed as ${credential.identity}`,
            ...recipients.map((uri) => `encrypted for ${uri}`),
            `${context.type} to ${context.destination}, for ${formatDuration(context.lifetimeSeconds)}`,
            `${der.length} bytes in ${path}`,
          ].join('\n'),
        }
      }),
    )
}
