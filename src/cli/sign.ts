/** `signet sign`. @module cli/sign (floor 8) */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { digestNameFor } from '../cms/index.js'
import { loadCredential } from '../credential/index.js'
import { UsageError } from '../errors/index.js'
import { signMessage } from '../message/index.js'
import { formatDuration, parseDuration } from '../time/index.js'
import { hex } from '../x509/index.js'
import { contentToSign } from './content.js'
import type { DeclaredCommand } from './declaration.js'
import type { Invocation, Outcome } from './invocation.js'

interface SignOptions {
  readonly as: string
  readonly type: string
  readonly to: string
  readonly attached?: boolean
  readonly lifetime?: string
  readonly route?: string
  readonly stateSource?: boolean
  readonly out?: string
  readonly force?: boolean
}

export const SIGN: DeclaredCommand = {
  path: ['sign'],
  operand: '<file>',
  summary: 'sign a message',
  description:
    'Sign a file as a message of a type, for a destination. The file is signed byte for byte, and may be of any length unless it is put in; - reads standard input.',
  options: [
    { flags: '--as <dir>', description: 'credential directory of the signer: DIR/signer', presence: 'required' },
    { flags: '--type <type>', description: 'what the message is: notify.instance.create.end', presence: 'required' },
    { flags: '--to <destination>', description: 'for whom: an entity, a topic, a queue', presence: 'required' },
    { flags: '--attached', description: 'put the content into the signature (default: detached, beside it)' },
    { flags: '--lifetime <duration>', description: 'how long it may be accepted (default: 5m, at most 7d)' },
    {
      flags: '--route <steps>',
      description: 'who must check it off on its way, in this order: entities or URIs, a,b,c',
    },
    { flags: '--state-source', description: 'write the identity of the signer into the message, too' },
    { flags: '--out <file>', description: 'where the signature goes (default: FILE.p7s, attached FILE.p7m)' },
    { flags: '--force', description: 'replace a file that is there' },
  ],
  examples: [
    'signet sign notification.json --as compute-07/signer --type notify.instance.create.end --to notifications',
    'signet sign order.json --as compute-07/signer --type order --to billing --route audit-01,finance-01',
    'signet sign - --as compute-07/signer --type rpc.report --to conductor --out report.p7s < report.json',
  ],
  run: async (cli: Invocation, file: string, options: SignOptions): Promise<Outcome> => {
    const credential = loadCredential(signerDirectory(cli, options.as))
    const form = options.attached === true ? 'attached' : 'detached'
    const content = await contentToSign(cli, file, form, [digestNameFor(credential)])
    const { der, context } = await signMessage(content, credential, {
      type: options.type,
      destination: options.to,
      at: cli.now(),
      form,
      source: options.stateSource === true ? 'stated' : 'left-out',
      ...(options.route === undefined ? {} : { route: options.route.split(',') }),
      ...(options.lifetime === undefined ? {} : { lifetimeSeconds: parseDuration(options.lifetime) }),
    })
    const name = `${file === '-' ? 'message' : file}${form === 'attached' ? '.p7m' : '.p7s'}`
    const path = cli.writeOutput(options.out ?? name, der, options.force)
    return {
      data: {
        path,
        form,
        signer: credential.identity,
        type: context.type,
        destination: context.destination,
        messageId: hex(context.messageId),
        lifetimeSeconds: context.lifetimeSeconds,
        ...(context.route === undefined ? {} : { route: context.route }),
        bytes: der.length,
      },
      text: `signed as ${credential.identity}\n${context.type} to ${context.destination}, for ${formatDuration(context.lifetimeSeconds)}\n${der.length} bytes in ${path}`,
    }
  },
}

/** What `signet issue` fills without --profile holds two credentials; which one signs is no guess. */
export function signerDirectory(cli: Invocation, named: string): string {
  const directory = cli.path(named)
  if (existsSync(join(directory, 'signer', 'current')) && !existsSync(join(directory, 'current'))) {
    throw new UsageError('ERR_USAGE', `${named} holds several credentials`, {
      hint: `say --as ${join(named, 'signer')}`,
    })
  }
  return directory
}
