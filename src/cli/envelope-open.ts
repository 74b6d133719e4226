/** `signet envelope add` and `verify`: what it takes to open one. @module cli/envelope-open (floor 8) */
import type { Command } from 'commander'
import { loadCredential } from '../credential/index.js'
import { UsageError } from '../errors/index.js'
import { addPart, type VerifiedEnvelope, verifyEnvelope } from '../message/index.js'
import { examples, repeatable } from './help.js'
import type { Invocation, Outcome } from './invocation.js'
import { signerDirectory } from './sign.js'
import { facts, instant, table } from './table.js'
import { openTrust, PIN_OPTION, type TrustOptions } from './trust-file.js'
import { sendersOf } from './receiver.js'

interface OpenOptions extends TrustOptions {
  readonly from?: readonly string[]
  readonly role?: readonly string[]
  readonly content?: readonly string[]
}

function openOptions(command: Command): Command {
  return command
    .requiredOption('--trust <file>', 'the trust directory')
    .option(...PIN_OPTION)
    .option('--trust-memory <file>', 'remembers the newest trust directory, so that an older one is refused')
    .option(
      '--from <entity>',
      'an entity whose envelopes are wanted; repeatable (default: any in the directory)',
      repeatable,
    )
    .option('--role <role>', 'a role whose envelopes are wanted; repeatable', repeatable)
    .option('--content <name=file>', 'a part that is beside the envelope; repeatable', repeatable)
}

interface AddOptions extends OpenOptions {
  readonly as: string
  readonly name: string
  readonly detached?: boolean
  readonly out?: string
  readonly force?: boolean
}

export function registerAdd(envelope: Command, cli: Invocation): void {
  openOptions(
    envelope
      .command('add <envelope> <file>')
      .summary('sign a part, and put it in')
      .description(
        'Sign a file as a part of an envelope, and put it in. Written only where the envelope verifies with it: the plan, the parts that are there, and that this part is for this signer.',
      )
      .requiredOption('--as <dir>', 'credential directory of the signer: DIR/signer')
      .requiredOption('--name <name>', 'which part of the plan it is'),
  )
    .option('--detached', 'sign the file, and leave it beside the envelope')
    .option('--out <file>', 'where the fuller envelope goes (default: in place of the emptier)')
    .option('--force', 'replace a file that is there')
    .addHelpText(
      'after',
      examples('signet envelope add order.env invoice.json --name invoice --as billing-01/signer --trust trust.p7'),
    )
    .action(
      cli.action(async (file: string, contentFile: string, options: AddOptions) => {
        const { name } = options
        if (file === '-' && contentFile === '-') {
          throw new UsageError('ERR_USAGE', 'standard input is the envelope or the part, not both')
        }
        const credential = loadCredential(signerDirectory(cli, options.as))
        const form = options.detached === true ? 'detached' : 'attached'
        const before = await cli.readDocument(file)
        const content = await cli.readInput(contentFile)
        const der = await addPart(before, content, credential, { name, at: cli.now(), form })
        const beside = form === 'detached' ? new Map([[name, content]]) : new Map<string, Uint8Array>()
        const verified = await opened(cli, der, options, 'allow-partial', beside)
        // In place: the envelope keeps all that it had.
        const isInPlace = options.out === undefined
        const path = cli.writeOutput(options.out ?? file, der, isInPlace || options.force)
        const missing = missingOf(verified)
        return {
          data: { path, part: name, form, signer: credential.identity, missing, bytes: der.length },
          text: `${name} signed as ${credential.identity}\n${missing.length === 0 ? 'the envelope is complete' : `missing: ${missing.join(', ')}`}\n${der.length} bytes in ${path}`,
        }
      }),
    )
}

interface VerifyOptions extends OpenOptions {
  readonly allowPartial?: boolean
  readonly part?: string
  readonly out?: string
  readonly force?: boolean
}

export function registerVerify(envelope: Command, cli: Invocation): void {
  openOptions(
    envelope
      .command('verify <envelope>')
      .summary('verify an envelope')
      .description(
        'Verify an envelope: who planned it, that each part is signed by whom the plan names, for this envelope, and that none is missing. For whom it is, how old, and whether it was seen before, says the message that carries it.',
      ),
  )
    .option('--allow-partial', 'parts may be missing')
    .option('--part <name>', 'the part whose content --out writes')
    .option('--out <file>', 'write the verified content of --part')
    .option('--force', 'replace a file that is there')
    .addHelpText(
      'after',
      examples(
        'signet envelope verify order.env --trust trust.p7 --from conductor-01',
        'signet envelope verify order.env --trust trust.p7 --pin 5f0c… --part invoice --out invoice.json --json',
      ),
    )
    .action(
      cli.action(async (file: string, options: VerifyOptions) => {
        const { part, out, force } = options
        if ((part === undefined) !== (out === undefined)) {
          throw new UsageError('ERR_USAGE', 'say which part goes where: --part and --out go together')
        }
        const require = options.allowPartial === true ? 'allow-partial' : 'complete'
        const verified = await opened(cli, await cli.readDocument(file), options, require)
        const content = part === undefined ? undefined : verified.part(part).content
        const path = out === undefined || content === undefined ? undefined : cli.writeOutput(out, content, force)
        return verdict(verified, path)
      }),
    )
}

/** Open an envelope as the options want it. @param beside - Content that was read already. */
async function opened(
  cli: Invocation,
  der: Uint8Array,
  options: OpenOptions,
  require: 'complete' | 'allow-partial',
  beside: ReadonlyMap<string, Uint8Array> = new Map<string, Uint8Array>(),
): Promise<VerifiedEnvelope> {
  const contents = new Map(beside)
  for (const [name, file] of (options.content ?? []).map((word) => pairOf(word, '--content', 'NAME=FILE'))) {
    if (contents.has(name)) throw new UsageError('ERR_USAGE', `the content of ${name} is given twice`)
    contents.set(name, await cli.readInput(file))
  }
  const verified = verifyEnvelope(der, {
    trust: openTrust(cli, options),
    originators: sendersOf(options),
    require,
    contents,
    at: cli.now(),
  })
  // Content of a part that is not there was meant for something.
  for (const name of contents.keys()) verified.part(name)
  return verified
}

function verdict(verified: VerifiedEnvelope, path: string | undefined): Outcome {
  const { id, originator, planned, parts } = verified
  const missing = missingOf(verified)
  const rows = planned.map(({ name, signer }) => {
    const part = parts.find((item) => item.name === name)
    return [name, signer, part?.signer.uri ?? 'missing', part === undefined ? '' : instant(part.signingTime)]
  })
  return {
    data: {
      verified: true,
      id,
      originator,
      planned,
      missing,
      parts: parts.map(({ name, signer, certificate, signingTime, content }) => ({
        name,
        signer,
        fingerprint: certificate.fingerprint,
        signingTime: signingTime.toISOString(),
        contentBytes: content.length,
      })),
      ...(path === undefined ? {} : { path }),
    },
    text: `${facts([
      ['envelope', missing.length === 0 ? 'complete' : `missing: ${missing.join(', ')}`],
      ['id', id],
      ['planned by', `${originator.entity} (${originator.uri})`],
      ['content', path ?? ''],
    ])}\n\n${table(['part', 'planned for', 'signer', 'at'], rows)}`,
  }
}

function missingOf({ planned, parts }: VerifiedEnvelope): readonly string[] {
  return planned.map(({ name }) => name).filter((name) => !parts.some((part) => part.name === name))
}

/** What stands before and after the first `=` of a word. */
export function pairOf(word: string, option: string, form: string): readonly [string, string] {
  const at = word.indexOf('=')
  if (at > 0 && at < word.length - 1) return [word.slice(0, at), word.slice(at + 1)]
  throw new UsageError('ERR_USAGE', `${option} is ${form}, not ${JSON.stringify(word)}`)
}
