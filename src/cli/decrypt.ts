/** `signet decrypt`. @module cli/decrypt (floor 8) */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { loadCredential } from '../credential/index.js'
import { UsageError } from '../errors/index.js'
import { SECRET_MODE } from '../files/index.js'
import { decryptMessage } from '../message/index.js'
import { declareOptions } from './declare.js'
import { examples, repeatable } from './help.js'
import type { Invocation } from './invocation.js'
import { RECEIVER_OPTIONS, type ReceiverOptions, receiverPolicy, withReplayStore } from './receiver.js'
import { facts } from './table.js'
import { verdict } from './verdict.js'

interface DecryptOptions extends ReceiverOptions {
  readonly as: string
  readonly for: readonly string[]
  readonly out: string
  readonly force?: boolean
}

export function registerDecrypt(program: Command, cli: Invocation): void {
  declareOptions(
    program
      .command('decrypt <message>')
      .summary('decrypt a message and verify it')
      .description(
        'Decrypt a message, and verify what is inside as signet verify does: its signer named this reader, and the destination is its own. The content is written only then.',
      )
      .requiredOption('--as <dir>', 'credential directory of the reader: DIR/recipient')
      .requiredOption('--for <destination>', 'a destination that is yours; repeatable', repeatable),
    RECEIVER_OPTIONS,
  )
    .requiredOption('--out <file>', 'write the verified content, for its owner only')
    .option('--force', 'replace a file that is there')
    .addHelpText(
      'after',
      examples(
        'signet decrypt secret.json.p7m --as conductor-01/recipient --for conductor --trust trust.p7 --pin 5f0c… --out secret.json',
        'signet decrypt - --as conductor-01/recipient --for conductor --trust trust.p7 --from compute-07 --replay-store seen.db --out secret.json --json < message',
      ),
    )
    .action(
      cli.action(async (file: string, options: DecryptOptions) => {
        const reader = loadCredential(recipientDirectory(cli, options.as))
        const policy = await receiverPolicy(cli, options)
        const document = await cli.readDocument(file)
        return withReplayStore(cli, options, async (replay) => {
          const { message, recipients } = await decryptMessage(document, reader, {
            ...policy,
            destinations: options.for,
            replay,
          })
          const path = cli.writeOutput(options.out, message.content, options.force, SECRET_MODE)
          const { data, text } = verdict(message, message.content.length, path, options)
          return { data: { ...data, recipients }, text: `${text}\n${facts([['readers', recipients.join(' ')]])}` }
        })
      }),
    )
}

/** A folder of several credentials is none; which of them decrypts is no guess. */
function recipientDirectory(cli: Invocation, named: string): string {
  const directory = cli.path(named)
  if (existsSync(join(directory, 'recipient', 'current')) && !existsSync(join(directory, 'current'))) {
    throw new UsageError('ERR_USAGE', `${named} holds several credentials`, {
      hint: `say --as ${join(named, 'recipient')}`,
    })
  }
  return directory
}
